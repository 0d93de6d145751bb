#include "protocol/recipes/holding.h"

#define ACCESSES_PER_HOLD 4
#define ACCESS_NS (500 * NS_PER_MS) /* when held for ever */

static void observe(struct recipe_step *step, enum observation_type type, int64_t token, int64_t limit)
{
    recipe_observe(step, type, token, limit);
}

/* Half to one and a half of the mean. */
static duration_ns around(struct recipe_step *step, duration_ns mean)
{
    return mean == 0 ? 0 : random_between(step->pauses, mean / 2, mean + mean / 2);
}

void holding_think(struct recipe_step *step, struct holding *holding)
{
    duration_ns pause = around(step, (duration_ns)recipe_parameter(step, RECIPE_THINK));
    if (!holding->has_begun) {
        pause = (duration_ns)recipe_parameter(step, RECIPE_DELAY) * step->setting->number;
    }
    holding->has_begun = true;
    if (recipe_parameter(step, RECIPE_ROUNDS) == 0 || holding->rounds < recipe_parameter(step, RECIPE_ROUNDS)) {
        recipe_set_timer(step, HOLDING_THINK, pause);
    }
}

void holding_want(struct recipe_step *step)
{
    observe(step, OBSERVE_WAITING, 0, 0);
}

static duration_ns access_interval(const struct recipe_step *step)
{
    duration_ns hold = (duration_ns)recipe_parameter(step, RECIPE_HOLD);
    return hold == 0 ? ACCESS_NS : hold / ACCESSES_PER_HOLD + 1;
}

static void use(struct recipe_step *step, const struct holding *holding)
{
    observe(step, OBSERVE_ACCESSED, holding->token, 0);
    recipe_set_timer(step, HOLDING_ACCESS, access_interval(step));
}

void holding_begin(struct recipe_step *step, struct holding *holding, zxid_t token)
{
    holding->is_held = true;
    holding->token = token;
    observe(step, holding->elects ? OBSERVE_LEADING : OBSERVE_ACQUIRED, token, holding->limit);
    use(step, holding);
    if (recipe_parameter(step, RECIPE_HOLD) > 0) {
        recipe_set_timer(step, HOLDING_END, (duration_ns)recipe_parameter(step, RECIPE_HOLD));
    }
}

void holding_end(struct recipe_step *step, struct holding *holding)
{
    if (holding->is_held) {
        holding->is_held = false;
        recipe_stop_timer(step, HOLDING_END);
        recipe_stop_timer(step, HOLDING_ACCESS);
        observe(step, holding->elects ? OBSERVE_RESIGNED : OBSERVE_RELEASED, holding->token, 0);
    }
}

void holding_timer(struct recipe_step *step, struct holding *holding, uint32_t timer)
{
    if (timer == HOLDING_THINK) {
        holding->rounds = (uint16_t)(holding->rounds + (recipe_parameter(step, RECIPE_ROUNDS) != 0));
        holding_want(step);
        routine_enter(step, holding->first);
    } else if (timer == HOLDING_ACCESS) {
        use(step, holding);
    } else {
        holding_end(step, holding);
        routine_enter(step, holding->letting_go);
    }
}
