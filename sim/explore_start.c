#include "sim/explore_start.h"

#include <string.h>

static const char *text_of(const struct scenario *scenario, guint line)
{
    return g_array_index(scenario->explore_start, const char *, line);
}

static bool read_prompt(const char *text, uint32_t *prompt, GError **error)
{
    struct explore_plan plan = {0};
    bool is_known = explore_plan_set(&plan, "prompt", text) == EXPLORE_SET_OK;
    *prompt = plan.prompt;
    if (!is_known) {
        g_set_error(error, SCENARIO_ERROR, SCENARIO_ERROR_TEXT, "'%s' is no list of classes of moves", text);
    }
    return is_known;
}

static bool read_step(const struct world *world, const char *text, struct explore_start *step, GError **error)
{
    *step = (struct explore_start){.kind = EXPLORE_START_SETTLE};
    if (strcmp(text, "settle") == 0) {
        return true;
    }
    if (g_str_has_prefix(text, "prompt ")) {
        step->kind = EXPLORE_START_PROMPT;
        return read_prompt(text + strlen("prompt "), &step->prompt, error);
    }
    step->kind = EXPLORE_START_MOVE;
    return move_parse(world, text, &step->move, error);
}

GArray *explore_start_read(const struct scenario *scenario, const struct world *world, GError **error)
{
    GArray *steps = g_array_new(FALSE, TRUE, sizeof(struct explore_start));
    for (guint i = 0; i < scenario->explore_start->len; i++) {
        const char *text = text_of(scenario, i);
        struct explore_start step;
        if (!read_step(world, text, &step, error)) {
            g_prefix_error(error, "%s: explore start %s: ", scenario->name, text);
            g_array_free(steps, TRUE);
            return NULL;
        }
        g_array_append_val(steps, step);
    }
    return steps;
}

void explore_start_refuse(const struct scenario *scenario, guint line, GError **error)
{
    g_set_error(error, SCENARIO_ERROR, SCENARIO_ERROR_TEXT, "%s: explore start %s: that cannot happen there",
                scenario->name, text_of(scenario, line));
}
