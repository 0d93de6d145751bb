#include "checker/explore/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker/explore/memo.h"
#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/base/random.h"

/* So many timers of other kinds fire without avail before one that takes silence for a failure does. */
#define TURNS_BEFORE_TIMEOUT 24U

struct progress {
    struct space *space;
    struct memo *good;
    uint64_t *passed; /* hashes of the states on the present run */
};

/* One run from one state. */
struct run {
    struct random random;
    bool draws; /* the first run takes events in order, the others draw them */
    uint32_t steps;
    uint32_t turns; /* timers fired since something else happened that was not caused by a timer */
    uint32_t timer; /* the next one's turn */
};

struct progress *progress_new(struct shared *shared, struct space *space)
{
    struct memo *good = memo_new(shared);
    if (good == NULL) {
        return NULL;
    }
    struct progress *progress = calloc(1, sizeof *progress);
    ensure(progress != NULL);
    progress->space = space;
    progress->good = good;
    progress->passed = malloc(PROGRESS_STEPS_MAX * sizeof *progress->passed);
    ensure(progress->passed != NULL);
    return progress;
}

void progress_free(struct progress *progress)
{
    free(progress->passed);
    free(progress);
}

/* ---- good states ------------------------------------------------------------------------------------------------- */

/* What monitors remember and what was used up does not matter here. */
static uint64_t fingerprint(const struct progress *progress, const uint32_t *vector)
{
    uint32_t first = space_first_site(progress->space);
    return hash_finish(
        hash_octets(HASH_START, vector + first, (space_width(progress->space) - first) * sizeof *vector));
}

static bool is_good(struct progress *progress, uint64_t fingerprint)
{
    return memo_find(progress->good, (uint32_t)fingerprint, (uint32_t)(fingerprint >> 33)) != MEMO_MISS;
}

static void keep_good(struct progress *progress, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        memo_insert(progress->good, (uint32_t)progress->passed[i], (uint32_t)(progress->passed[i] >> 33), 1);
    }
}

/* ---- a run without faults ---------------------------------------------------------------------------------------- */

enum urgency {
    URGENT,     /* happens by itself */
    IN_TURN,    /* a timer */
    FOR_SILENCE /* a timer that gives something up */
};

static enum urgency urgency_of(const struct space_event *event)
{
    if (event->event_class == CLASS_TIMEOUT) {
        return FOR_SILENCE;
    }
    return event->kind == MOVE_DEADLINE ? IN_TURN : URGENT;
}

/* A session that expires would end what its client wants. */
static bool is_left_alone(const struct space_event *event)
{
    return event->kind == MOVE_DEADLINE && (event->timer == TIMER_SESSION || event->timer == TIMER_CONNECTION);
}

static uint32_t keep_urgency(struct space_event *events, uint32_t count, enum urgency wanted, struct space_event *kept)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (urgency_of(&events[i]) == wanted && !is_left_alone(&events[i])) {
            kept[found++] = events[i];
        }
    }
    return found;
}

static bool choose(struct run *run, struct space_event *events, uint32_t count, struct space_event *chosen)
{
    struct space_event some[SPACE_EVENTS_MAX];
    uint32_t found = keep_urgency(events, count, URGENT, some);
    if (found > 0) {
        *chosen = some[run->draws ? random_below(&run->random, found) : 0];
        return true;
    }
    bool in_vain = ++run->turns % TURNS_BEFORE_TIMEOUT == 0;
    found = keep_urgency(events, count, in_vain ? FOR_SILENCE : IN_TURN, some);
    if (found == 0) {
        found = keep_urgency(events, count, in_vain ? IN_TURN : FOR_SILENCE, some);
    }
    if (found > 0) {
        *chosen = some[(run->draws ? (uint32_t)random_below(&run->random, found) : run->timer++) % found];
    }
    return found > 0;
}

static bool comes_to_good(struct progress *progress, const uint32_t *from, struct run *run, struct space_sight *sight)
{
    uint32_t vector[SPACE_WIDTH_MAX];
    struct space_event events[SPACE_EVENTS_MAX];
    memcpy(vector, from, space_width(progress->space) * sizeof *vector);
    for (run->steps = 0; run->steps < PROGRESS_STEPS_MAX; run->steps++) {
        uint64_t hash = fingerprint(progress, vector);
        if (space_is_at_rest(progress->space, vector) || is_good(progress, hash)) {
            keep_good(progress, run->steps);
            return true;
        }
        progress->passed[run->steps] = hash;
        struct space_event event;
        uint32_t count = space_ordinary_events(progress->space, vector, events);
        if (!choose(run, events, count, &event)) {
            return false;
        }
        space_apply_one(progress->space, vector, &event, sight);
        if (sight->exhausted || sight->overflow) {
            return false;
        }
    }
    return false;
}

bool progress_holds(struct progress *progress, const uint32_t *vector, struct space_sight *sight)
{
    uint32_t healed[SPACE_WIDTH_MAX];
    struct space_sight on_the_way = {0};
    memcpy(healed, vector, space_width(progress->space) * sizeof *healed);
    space_ignore(progress->space, true);
    space_heal(progress->space, healed, &on_the_way);
    bool holds = false;
    for (uint32_t i = 0; i < PROGRESS_TRIES && !holds && !on_the_way.exhausted; i++) {
        struct run run = {.draws = i > 0};
        random_seed(&run.random, i);
        on_the_way.overflow = false;
        holds = comes_to_good(progress, healed, &run, &on_the_way);
    }
    space_ignore(progress->space, false);
    sight->exhausted = sight->exhausted || on_the_way.exhausted;
    if (!holds && !on_the_way.exhausted) {
        sight->broken |= UINT64_C(1) << GUARANTEE_AVAILABLE_AFTER_HEAL;
        snprintf(
            sight->explanation, sizeof sight->explanation,
            "everything heals and nothing fails any more, and in %u runs of %u events the servers do not all serve "
            "again with every request answered",
            PROGRESS_TRIES, PROGRESS_STEPS_MAX);
    }
    return holds;
}
