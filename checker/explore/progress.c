#include "checker/explore/progress.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker/explore/memo.h"
#include "checker/explore/space_internal.h"
#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/base/random.h"

/* So many timers of other kinds fire without avail before one that takes silence for a failure does. */
#define TURNS_BEFORE_TIMEOUT 24U

struct progress {
    struct space *space;
    struct memo *good;
    uint64_t *passed;          /* hashes of the states on the present run */
    uint32_t fair;             /* 0: any continuation will do */
    _Atomic uint32_t *longest; /* of all workers */
};

/* One run from one state. */
struct run {
    struct random random;
    bool draws; /* the first run takes events in order, the others draw them */
    uint32_t steps;
    uint32_t turns; /* timers fired since something else happened that was not caused by a timer */
    uint32_t timer; /* the next one's turn */
};

struct progress *progress_new(struct shared *shared, struct space *space, uint32_t fair)
{
    struct memo *good = memo_new(shared);
    bool is_old;
    _Atomic uint32_t *longest = shared_make(shared, sizeof *longest, &is_old);
    if (good == NULL || longest == NULL) {
        return NULL;
    }
    struct progress *progress = calloc(1, sizeof *progress);
    ensure(progress != NULL);
    progress->space = space;
    progress->good = good;
    progress->longest = longest;
    progress->fair = fair;
    ensure(fair <= PROGRESS_STEPS_MAX);
    progress->passed = malloc((PROGRESS_STEPS_MAX + 1) * sizeof *progress->passed);
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

/* ---- a fair run -------------------------------------------------------------------------------------------------- */

/* Who had its turn last, what timers did: with the world, all that decides how it goes on. */
struct turns {
    uint64_t after[3]; /* place_of() the last event, by urgency */
    uint32_t timers;   /* fired, up to TURNS_BEFORE_TIMEOUT */
    uint32_t unused;
    uint64_t heard[SPACE_NODES_MAX]; /* since a timeout was considered: bit per quorum connection; on which channels */
};

#define HEARD_CONNECTIONS 62U
#define HEARD_QUORUM (UINT64_C(1) << 62)
#define HEARD_CLIENT (UINT64_C(1) << 63)

/* Of those runs one state in so many is remembered. */
#define REMEMBERED_OF 4U

/* Where an event stands in the round: deliveries by connection, then what nodes do. */
static uint64_t place_of(const struct progress *progress, const struct space_event *event)
{
    if (event->pair != UINT8_MAX) {
        return ((uint64_t)event->pair << 32 | (uint64_t)event->position << 8 | event->link) + 1;
    }
    uint64_t actor = space_width(progress->space) + event->node;
    return (actor << 32 | (uint64_t)event->kind << 24 | (uint64_t)event->timer << 16 | (event->subject & UINT16_MAX)) +
           1;
}

/* The one after `after`, in a circle. */
static const struct space_event *next_in_turn(const struct progress *progress, const struct space_event *events,
                                              uint32_t count, uint64_t after)
{
    const struct space_event *next = NULL, *first = NULL;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t place = place_of(progress, &events[i]);
        if (first == NULL || place < place_of(progress, first)) {
            first = &events[i];
        }
        if (place > after && (next == NULL || place < place_of(progress, next))) {
            next = &events[i];
        }
    }
    return next == NULL ? first : next;
}

static void note_heard(const struct progress *progress, const uint32_t *vector, struct turns *turns,
                       const struct space_event *event)
{
    if (event->kind != MOVE_DELIVER || event->event_class == CLASS_CLOSE || event->event_class == CLASS_CONNECT) {
        return;
    }
    const struct pair_connection *of = space_connection(progress->space, vector[event->pair], event->position);
    bool is_dialer = progress->space->pair_sides[event->pair][of->dialer] == event->node;
    if (of->channel == CHANNEL_QUORUM) {
        turns->heard[event->node] |= UINT64_C(1) << of->conn[is_dialer ? 0 : 1] % HEARD_CONNECTIONS | HEARD_QUORUM;
    } else if (of->channel == CHANNEL_CLIENT) {
        turns->heard[event->node] |= HEARD_CLIENT;
    }
}

/* Something came while others had their turns, so that this timer would have been set anew. */
static bool is_not_silent(const struct turns *turns, const struct space_event *event)
{
    uint64_t heard = turns->heard[event->node];
    if (event->timer == TIMER_HANDLER_READ) {
        return (heard >> event->subject % HEARD_CONNECTIONS & 1U) != 0;
    }
    return (event->timer == TIMER_LEARNER_READ && (heard & HEARD_QUORUM) != 0) ||
           (event->timer == TIMER_CLIENT_READ && (heard & HEARD_CLIENT) != 0);
}

static uint32_t drop_not_silent(const struct turns *turns, struct space_event *events, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_not_silent(turns, &events[i])) {
            events[kept++] = events[i];
        }
    }
    return kept;
}

static bool choose_fairly(const struct progress *progress, struct turns *turns, struct space_event *events,
                          uint32_t count, struct space_event *chosen)
{
    struct space_event some[SPACE_EVENTS_MAX];
    uint32_t found = keep_urgency(events, count, URGENT, some);
    if (found == 0) {
        turns->timers++;
        if (turns->timers == TURNS_BEFORE_TIMEOUT) {
            found = drop_not_silent(turns, some, keep_urgency(events, count, FOR_SILENCE, some));
            memset(turns->heard, 0, sizeof turns->heard);
            turns->timers = 0;
        }
        found = found > 0 ? found : keep_urgency(events, count, IN_TURN, some);
        found = found > 0 ? found : keep_urgency(events, count, FOR_SILENCE, some);
    }
    if (found == 0) {
        return false;
    }
    uint64_t *after = &turns->after[urgency_of(&some[0])];
    *chosen = *next_in_turn(progress, some, found, *after);
    *after = place_of(progress, chosen);
    return true;
}

/* True if there was one of that kind, which happened. */
static bool make_one(struct progress *progress, uint32_t *vector, enum move_kind kind, struct space_sight *sight)
{
    struct space_event events[SPACE_EVENTS_MAX];
    uint32_t count = space_ordinary_events(progress->space, vector, events);
    for (uint32_t i = 0; i < count && !sight->exhausted && !sight->overflow; i++) {
        if (events[i].kind == (uint8_t)kind) {
            space_apply_one(progress->space, vector, &events[i], sight);
            return true;
        }
    }
    return false;
}

/* Everybody is up, has read its disk, and reaches everybody.  Returns how many events that took. */
static uint32_t heal(struct progress *progress, uint32_t *vector, struct space_sight *sight)
{
    struct space *space = progress->space;
    uint32_t before = sight->steps;
    struct space_event event = {
        .kind = MOVE_HEAL, .event_class = CLASS_FAULT, .budget = BUDGET_NONE, .pair = UINT8_MAX};
    if (space_partition(space, vector) != 0) {
        space_apply_one(space, vector, &event, sight);
    }
    for (uint32_t i = 0; i < space_nodes(space); i++) {
        if (space_site(space, vector, i)->paused) {
            event.kind = MOVE_RESUME;
            event.node = (uint8_t)i;
            space_apply_one(space, vector, &event, sight);
        }
    }
    while (make_one(progress, vector, MOVE_BOOT, sight) || make_one(progress, vector, MOVE_DISK, sight)) {
    }
    space_pardon(space, vector);
    return sight->steps - before;
}

static uint64_t fingerprint_of(const struct progress *progress, const uint32_t *vector, const struct turns *turns)
{
    uint64_t hash = fingerprint(progress, vector);
    return hash_finish(hash_octets(hash_mix(HASH_START, hash), turns, sizeof *turns));
}

/* What is known of the rest of the run, or MEMO_MISS. */
static uint64_t known_rest(struct progress *progress, uint64_t hash)
{
    return hash % REMEMBERED_OF != 0 ? MEMO_MISS : memo_find(progress->good, (uint32_t)hash, (uint32_t)(hash >> 33));
}

static void remember_run(struct progress *progress, uint32_t passed, uint32_t length)
{
    for (uint32_t i = 0; i < passed; i++) {
        if (progress->passed[i] % REMEMBERED_OF == 0) {
            memo_insert(progress->good, (uint32_t)progress->passed[i], (uint32_t)(progress->passed[i] >> 33),
                        length - i);
        }
    }
    uint32_t longest = atomic_load(progress->longest);
    while (length > longest && !atomic_compare_exchange_weak(progress->longest, &longest, length)) {
    }
}

/* True if all is well within the bound. */
static bool comes_soon(struct progress *progress, uint32_t *vector, struct space_sight *sight)
{
    struct space_event events[SPACE_EVENTS_MAX];
    struct space_event event;
    struct turns turns = {0};
    for (uint32_t steps = 0; steps <= progress->fair; steps++) {
        uint64_t hash = fingerprint_of(progress, vector, &turns);
        uint64_t rest = space_is_at_rest(progress->space, vector) ? 0 : known_rest(progress, hash);
        if (rest != MEMO_MISS) {
            remember_run(progress, steps, steps + (uint32_t)rest);
            return steps + rest <= progress->fair;
        }
        progress->passed[steps] = hash;
        uint32_t count = space_ordinary_events(progress->space, vector, events);
        if (!choose_fairly(progress, &turns, events, count, &event)) {
            return false;
        }
        note_heard(progress, vector, &turns, &event);
        space_apply_one(progress->space, vector, &event, sight);
        if (sight->exhausted || sight->overflow) {
            return false;
        }
    }
    return false;
}

uint32_t progress_longest(const struct progress *progress)
{
    return atomic_load(progress->longest);
}

uint32_t progress_show(struct progress *progress, uint32_t *vector, struct space_sight *sight)
{
    struct space_event events[SPACE_EVENTS_MAX];
    struct space_event event;
    struct turns turns = {0};
    space_ignore(progress->space, true);
    uint32_t healing = heal(progress, vector, sight);
    for (uint32_t i = 0; i < 2 * progress->fair && !space_is_at_rest(progress->space, vector); i++) {
        uint32_t count = space_ordinary_events(progress->space, vector, events);
        if (!choose_fairly(progress, &turns, events, count, &event)) {
            break;
        }
        note_heard(progress, vector, &turns, &event);
        space_apply_one(progress->space, vector, &event, sight);
    }
    space_ignore(progress->space, false);
    return healing;
}

/* ---- a state ----------------------------------------------------------------------------------------------------- */

static bool some_run_holds(struct progress *progress, const uint32_t *healed, struct space_sight *sight)
{
    bool holds = false;
    for (uint32_t i = 0; i < PROGRESS_TRIES && !holds && !sight->exhausted; i++) {
        struct run run = {.draws = i > 0};
        random_seed(&run.random, i);
        sight->overflow = false;
        holds = comes_to_good(progress, healed, &run, sight);
    }
    return holds;
}

static void explain(const struct progress *progress, struct space_sight *sight)
{
    sight->broken |= UINT64_C(1) << GUARANTEE_AVAILABLE_AFTER_HEAL;
    if (progress->fair > 0) {
        snprintf(sight->explanation, sizeof sight->explanation,
                 "everything heals, nothing fails any more and everybody gets its turns, and after %u events the "
                 "servers do not all serve with every request answered",
                 progress->fair);
        return;
    }
    snprintf(sight->explanation, sizeof sight->explanation,
             "everything heals and nothing fails any more, and in %u runs of %u events the servers do not all serve "
             "again with every request answered",
             PROGRESS_TRIES, PROGRESS_STEPS_MAX);
}

bool progress_holds(struct progress *progress, const uint32_t *vector, struct space_sight *sight)
{
    uint32_t healed[SPACE_WIDTH_MAX];
    struct space_sight on_the_way = {0};
    memcpy(healed, vector, space_width(progress->space) * sizeof *healed);
    space_ignore(progress->space, true);
    bool holds;
    if (progress->fair > 0) {
        heal(progress, healed, &on_the_way);
        holds = comes_soon(progress, healed, &on_the_way);
    } else {
        space_heal(progress->space, healed, &on_the_way);
        holds = some_run_holds(progress, healed, &on_the_way);
    }
    space_ignore(progress->space, false);
    sight->exhausted = sight->exhausted || on_the_way.exhausted;
    sight->overflow = sight->overflow || (progress->fair > 0 && on_the_way.overflow);
    if (!holds && !on_the_way.exhausted && !(progress->fair > 0 && on_the_way.overflow)) {
        explain(progress, sight);
    }
    return holds;
}
