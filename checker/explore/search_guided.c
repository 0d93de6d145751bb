/* Walks that begin where something rare was seen.
 *
 * What an event showed are features: bits of coverage, types of observations, and the shape of the world it led to (who is up, looking, following,
 * leading, serving, connected, and what was used up), hashed into SHAPES. The search counts how often each was shown and keeps a few states that
 * showed it, drawn evenly among all. A walk begins at the first state, or at one that showed the rarest of some features drawn; it is
 * short, for what is behind a rare state shall be tried often. Choices are those of plain walks (walker.h).
 *
 * One process: what a walk does depends on those before it. The same seed gives the same walks.
 */
#include <stdlib.h>
#include <string.h>

#include "checker/explore/walker.h"
#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"

#define SHAPES 1024U
#define FEATURE_COVERAGE 0U
#define FEATURE_OBSERVED 64U
#define FEATURE_SHAPES 128U
#define FEATURE_COUNT (FEATURE_SHAPES + SHAPES)
#define STATES_KEPT 8U
#define FEATURES_DRAWN 8U
#define WALK_STEPS 100U /* from a state that showed something rare */
#define FROM_START 4U   /* one walk in so many */
#define CHECK_EVERY 16U

struct feature {
    uint64_t shown;
    uint32_t states[STATES_KEPT];
    uint32_t depths[STATES_KEPT]; /* at which the walk that came there was */
};

struct guide {
    struct search *search;
    struct random random; /* for what lies between the walks */
    uint32_t seen_count;
    uint32_t seen[FEATURE_COUNT]; /* features shown at all */
    struct feature features[FEATURE_COUNT];
};

/* ---- features ---------------------------------------------------------------------------------------------------- */

static void show(struct guide *guide, uint32_t number, const struct walker *walker)
{
    struct feature *feature = &guide->features[number];
    if (feature->shown == 0) {
        guide->seen[guide->seen_count++] = number;
    }
    uint64_t place = feature->shown < STATES_KEPT ? feature->shown : random_below(&guide->random, feature->shown + 1);
    feature->shown++;
    if (place < STATES_KEPT) {
        feature->states[place] = walker->state;
        feature->depths[place] = walker->depth;
    }
}

static void show_bits(struct guide *guide, uint32_t first, uint64_t bits, const struct walker *walker)
{
    for (; bits != 0; bits &= bits - 1) {
        show(guide, first + (uint32_t)__builtin_ctzll(bits), walker);
    }
}

static uint32_t shape_of(const struct walker *walker)
{
    const struct space *space = walker->search->space;
    uint64_t hash = HASH_START;
    for (uint32_t node = 0; node < space_nodes(space); node++) {
        const struct site *site = space_site(space, walker->vector, node);
        uint64_t shape[] = {site->life,
                            site->paused,
                            site->disk_is_busy,
                            site->peer_state,
                            site->serving,
                            site->leader,
                            site->session_state,
                            (uint64_t)site->accepted_epoch,
                            (uint64_t)site->current_epoch};
        hash = hash_octets(hash, shape, sizeof shape);
    }
    struct explore_used used = space_used(space, walker->vector);
    hash = hash_octets(hash, &used, sizeof used);
    return (uint32_t)(hash_finish(hash) % SHAPES);
}

static void show_all(struct guide *guide, const struct space_sight *sight, const struct walker *walker)
{
    show_bits(guide, FEATURE_COVERAGE, sight->coverage, walker);
    show_bits(guide, FEATURE_OBSERVED, sight->observed, walker);
    show(guide, FEATURE_SHAPES + shape_of(walker), walker);
}

/* ---- walks ------------------------------------------------------------------------------------------------------- */

/* Where the next one begins.  True: not at the first state. */
static bool begin_somewhere(struct guide *guide, struct walker *walker)
{
    if (guide->seen_count == 0 || random_chance(&guide->random, 1, FROM_START)) {
        return false;
    }
    const struct feature *rarest = NULL;
    for (uint32_t i = 0; i < FEATURES_DRAWN; i++) {
        uint32_t number = guide->seen[random_below(&guide->random, guide->seen_count)];
        const struct feature *feature = &guide->features[number];
        rarest = rarest == NULL || feature->shown < rarest->shown ? feature : rarest;
    }
    uint64_t kept = rarest->shown < STATES_KEPT ? rarest->shown : STATES_KEPT;
    uint64_t place = random_below(&guide->random, kept);
    walker_stand(walker, rarest->states[place], rarest->depths[place]);
    return true;
}

static void keep_violation(const struct walker *walker, const struct space_sight *sight, uint32_t event)
{
    if (sight->broken != 0) {
        struct search_violation where = {.state = walker->state, .event = event};
        where.depth = walker->depth + (event != UINT32_MAX);
        search_keep_violation(walker->search, sight, &where);
    }
}

/* True: it was cut short by the limit of depth. */
static bool make_walk(struct guide *guide, struct walker *walker, uint32_t end)
{
    struct choices choices;
    while (!search_is_stopped(guide->search)) {
        struct space_sight sight = {0};
        if (!walker_look(walker, &choices)) {
            keep_violation(walker, &choices.sight, UINT32_MAX);
            return false;
        }
        if (walker->depth >= end) {
            return true;
        }
        const struct choice *choice = walker_draw(walker, &choices);
        if (!walker_go(walker, choice, &sight)) {
            keep_violation(walker, &sight, choice->number);
            return false;
        }
        show_all(guide, &sight, walker);
    }
    return false;
}

static void guide_walk(struct guide *guide, uint32_t walk)
{
    struct search *search = guide->search;
    struct search_tour *tour = &search->common->tours[0];
    struct walker walker;
    uint32_t limit = search->plan.depth == 0 ? SEARCH_WALK_DEPTH : search->plan.depth;
    walker_begin(&walker, search, 0, walk);
    bool is_elsewhere = begin_somewhere(guide, &walker);
    uint32_t from = walker.depth;
    bool is_short = is_elsewhere && limit - from > WALK_STEPS;
    bool is_cut = make_walk(guide, &walker, is_short ? from + WALK_STEPS : limit);
    tour->walks++;
    tour->restarts += is_elsewhere;
    tour->cut += is_cut && !is_short;
    tour->choices += walker.depth - from;
    tour->longest = walker.depth > tour->longest ? walker.depth : tour->longest;
    search->depth = walker.depth;
    walker_end(&walker);
}

void search_guided(struct search *search)
{
    struct guide *guide = calloc(1, sizeof *guide);
    ensure(guide != NULL && search->options.jobs == 1);
    uint32_t walks = search->options.walks == 0 ? UINT32_MAX : search->options.walks;
    guide->search = search;
    random_seed(&guide->random, search->options.seed);
    for (uint32_t walk = 0; walk < walks && !search_is_stopped(search); walk++) {
        guide_walk(guide, walk);
        search->frontier = walks - walk - 1;
        if (walk % CHECK_EVERY == 0) {
            search_check_limits(search);
            search_tell_progress(search);
        }
        if (search_violation(search) != NULL && !search->options.keep_going) {
            break;
        }
    }
    const struct search_violation *violation = search_violation(search);
    if (violation != NULL) {
        uint32_t count;
        uint32_t *events = search_events_to(search, violation, &count);
        search_shorten(search, events, count);
    }
    search->depth = search->common->tours[0].longest;
    free(guide);
}
