/* The schedule of a seed, from its climate (chaos_climate.c); carrying it out is chaos_perform.c's business. */
#include "sim/chaos_plan.h"

#include <inttypes.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/wire/packet.h"
#include "sim/role.h"
#include "sim/setting.h"

#define MS NS_PER_MS

/* The last microsecond of the schedule: what would end later ends then, a nanosecond apart. */
#define TURNS_NS 1000U

enum family {
    FAMILY_CRASH,
    FAMILY_NETWORK, /* cuts */
    FAMILY_OTHER,
};
#define FAMILY_COUNT 3

struct kind_info {
    enum fault_kind kind;
    enum family family;
    uint32_t weight;     /* within its family */
    uint32_t targets;    /* bit per enum chaos_target */
    enum fault_kind end; /* FAULT_NONE: it does not last */
};

#define T(target) (1U << (target))
#define SINGLE (T(TARGET_ANY) | T(TARGET_LEADER) | T(TARGET_FOLLOWER))
#define CUT                                                                                                            \
    (T(TARGET_PAIR) | T(TARGET_LEADER_MINORITY) | T(TARGET_FOLLOWER_MINORITY) | T(TARGET_LEADER_FROM_SERVERS) |        \
     T(TARGET_CLIENTS_FROM_LEADER) | T(TARGET_CLIENTS_FROM_SERVERS) | T(TARGET_BRIDGE))
#define NEAR (T(TARGET_HERE) | T(TARGET_ITS_LEADER) | T(TARGET_BOTH))
#define NEAR_LINE (T(TARGET_HERE_FROM_LEADER) | T(TARGET_HERE_FROM_SERVERS) | T(TARGET_ITS_LEADER_FROM_VOTERS))
#define LINE (T(TARGET_PAIR) | T(TARGET_LEADER_FROM_SERVERS) | T(TARGET_CLIENTS_FROM_LEADER))

static const struct kind_info kinds[] = {
    {FAULT_CRASH, FAMILY_CRASH, 4, SINGLE, FAULT_RESTART},
    {FAULT_KILL, FAMILY_CRASH, 4, SINGLE | T(TARGET_ALL), FAULT_RESTART},
    {FAULT_TORN_TAIL, FAMILY_CRASH, 2, SINGLE | T(TARGET_ALL), FAULT_RESTART},
    {FAULT_PARTITION, FAMILY_NETWORK, 4, CUT, FAULT_HEAL},
    {FAULT_ONE_WAY, FAMILY_NETWORK, 2, CUT, FAULT_HEAL},
    {FAULT_ISOLATE, FAMILY_NETWORK, 2, SINGLE, FAULT_HEAL},
    {FAULT_RESET, FAMILY_OTHER, 5, LINE | T(TARGET_CLIENTS_FROM_SERVERS) | T(TARGET_CLIENT_FROM_SERVERS), FAULT_NONE},
    {FAULT_SLOW_LINK, FAMILY_OTHER, 2, LINE, FAULT_SLOW_LINK},
    {FAULT_CLOG, FAMILY_OTHER, 3, LINE, FAULT_UNCLOG},
    {FAULT_LOSS, FAMILY_OTHER, 2, LINE, FAULT_LOSS},
    {FAULT_FLAKY, FAMILY_OTHER, 2, LINE, FAULT_FLAKY},
    {FAULT_PAUSE, FAMILY_OTHER, 4, SINGLE | T(TARGET_ALL), FAULT_RESUME},
    {FAULT_SLOW_CPU, FAMILY_OTHER, 1, SINGLE | T(TARGET_ALL), FAULT_SLOW_CPU},
    {FAULT_DISK_STALL, FAMILY_OTHER, 3, SINGLE | T(TARGET_ALL), FAULT_NONE},
    {FAULT_DISK_FULL, FAMILY_OTHER, 1, SINGLE, FAULT_DISK_FREE},
    {FAULT_FSYNC_FAIL, FAMILY_OTHER, 1, SINGLE, FAULT_RESTART},
    {FAULT_FLIP_BIT, FAMILY_OTHER, 1, T(TARGET_SERVER), FAULT_NONE},
    {FAULT_CLOCK_OFFSET, FAMILY_OTHER, 1, SINGLE, FAULT_NONE},
    {FAULT_CLOCK_DRIFT, FAMILY_OTHER, 2, SINGLE, FAULT_NONE},
    {FAULT_CLOCK_JUMP, FAMILY_OTHER, 2, SINGLE, FAULT_NONE},
};

void chaos_stream(uint64_t seed, const char *purpose, struct random *random)
{
    uint64_t hash = hash_octets(HASH_START, purpose, strlen(purpose));
    random_seed(random, hash_finish(hash_mix(hash, seed)));
}

/* ---- moments and what they may bring ---- */

struct moment_info {
    const char *name;
    enum observation_type type;
    int64_t packet; /* of a synchronisation: value 1; 0: any */
    uint32_t weight;
    bool is_frequent;
};

static const struct moment_info moments[] = {
    {"recovered", OBSERVE_RECOVERED, 0, 1, false},
    {"looking", OBSERVE_LOOKING, 0, 1, false},
    {"elected", OBSERVE_ELECTED, 0, 2, false},
    {"epoch-accepted", OBSERVE_EPOCH_ACCEPTED, 0, 2, false},
    {"epoch-current", OBSERVE_EPOCH_CURRENT, 0, 2, false},
    {"sync-sent", OBSERVE_SYNC_SENT, 0, 1, false},
    {"sync-received DIFF", OBSERVE_SYNC_RECEIVED, PACKET_DIFF, 1, false},
    {"sync-received TRUNC", OBSERVE_SYNC_RECEIVED, PACKET_TRUNC, 1, false},
    {"sync-received SNAP", OBSERVE_SYNC_RECEIVED, PACKET_SNAP, 1, false},
    {"truncated", OBSERVE_TRUNCATED, 0, 1, false},
    {"snapshot-loaded", OBSERVE_SNAPSHOT_LOADED, 0, 1, false},
    {"newleader-acked", OBSERVE_NEWLEADER_ACKED, 0, 2, false},
    {"established", OBSERVE_ESTABLISHED, 0, 1, false},
    {"following", OBSERVE_FOLLOWING, 0, 1, false},
    {"stepped-down", OBSERVE_STEPPED_DOWN, 0, 1, false},
    {"snapshot-taken", OBSERVE_SNAPSHOT_TAKEN, 0, 1, true},
    {"proposed", OBSERVE_PROPOSED, 0, 1, true},
    {"logged", OBSERVE_LOGGED, 0, 1, true},
    {"committed", OBSERVE_COMMITTED, 0, 1, true},
    {"delivered", OBSERVE_DELIVERED, 0, 1, true},
    {"session-opened", OBSERVE_SESSION_OPENED, 0, 1, false},
    {"session-expired", OBSERVE_SESSION_EXPIRED, 0, 1, false},
};

const char *chaos_moment_name(uint32_t moment)
{
    return moment < ARRAY_LENGTH(moments) ? moments[moment].name : NULL;
}

uint32_t chaos_moments_of(enum observation_type type)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < ARRAY_LENGTH(moments); i++) {
        mask |= moments[i].type == type ? 1U << i : 0;
    }
    return mask;
}

static uint32_t draw_moment(struct random *random, uint32_t mask)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < ARRAY_LENGTH(moments); i++) {
        total += (mask >> i & 1) != 0 ? moments[i].weight : 0;
    }
    uint64_t place = random_below(random, total);
    uint32_t i = 0;
    while ((mask >> i & 1) == 0 || place >= moments[i].weight) {
        place -= (mask >> i & 1) != 0 ? moments[i].weight : 0;
        i++;
    }
    return i;
}

/* What an ambush may do; the rest of the table is there for the kind's end and the draw of its value. */
static const struct kind_info surprises[] = {
    {FAULT_CRASH, FAMILY_CRASH, 4, NEAR | T(TARGET_ALL), FAULT_RESTART},
    {FAULT_KILL, FAMILY_CRASH, 6, NEAR | T(TARGET_ALL), FAULT_RESTART},
    {FAULT_TORN_TAIL, FAMILY_CRASH, 3, NEAR | T(TARGET_ALL), FAULT_RESTART},
    {FAULT_PARTITION, FAMILY_NETWORK, 4, NEAR_LINE, FAULT_HEAL},
    {FAULT_ONE_WAY, FAMILY_NETWORK, 1, NEAR_LINE, FAULT_HEAL},
    {FAULT_ISOLATE, FAMILY_NETWORK, 2, NEAR, FAULT_HEAL},
    {FAULT_RESET, FAMILY_OTHER, 4, NEAR_LINE | T(TARGET_CLIENTS_FROM_SERVERS), FAULT_NONE},
    {FAULT_CLOG, FAMILY_OTHER, 1, NEAR_LINE, FAULT_UNCLOG},
    {FAULT_PAUSE, FAMILY_OTHER, 2, NEAR, FAULT_RESUME},
    {FAULT_DISK_STALL, FAMILY_OTHER, 2, NEAR | T(TARGET_ALL), FAULT_NONE},
    {FAULT_DISK_FULL, FAMILY_OTHER, 1, NEAR, FAULT_DISK_FREE},
    {FAULT_FSYNC_FAIL, FAMILY_OTHER, 3, T(TARGET_HERE), FAULT_RESTART},
};

static const struct kind_info *draw_surprise(struct random *random, uint32_t mask)
{
    uint32_t total = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(surprises); i++) {
        total += (mask >> surprises[i].kind & 1) != 0 ? surprises[i].weight : 0;
    }
    uint64_t place = total == 0 ? 0 : random_below(random, total);
    for (size_t i = 0; i < ARRAY_LENGTH(surprises); i++) {
        if ((mask >> surprises[i].kind & 1) == 0) {
            continue;
        }
        if (place < surprises[i].weight) {
            return &surprises[i];
        }
        place -= surprises[i].weight;
    }
    return NULL;
}

/* ---- which kinds and moments there are ---- */

uint32_t chaos_kinds(void)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        mask |= 1U << kinds[i].kind;
    }
    return mask;
}

static uint32_t family_mask(enum family family)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        mask |= kinds[i].family == family ? 1U << kinds[i].kind : 0;
    }
    return mask;
}

uint32_t chaos_draw_kinds(struct random *random)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        if (random_chance(random, 1, 2)) {
            mask |= 1U << kinds[i].kind;
        }
    }
    if (random_chance(random, 3, 4) && (mask & family_mask(FAMILY_CRASH)) == 0) {
        mask |= 1U << FAULT_KILL;
    }
    if (random_chance(random, 3, 4) && (mask & family_mask(FAMILY_NETWORK)) == 0) {
        mask |= 1U << FAULT_PARTITION;
    }
    return mask;
}

void chaos_draw_moments(struct random *random, struct chaos_knobs *knobs)
{
    uint32_t count = PICK(random, 2, 8, 24, 48);
    for (uint32_t i = 0; i < count; i++) {
        knobs->moments |= 1U << draw_moment(random, (1U << ARRAY_LENGTH(moments)) - 1);
    }
    count = PICK(random, 2, 6, 12, 24);
    for (uint32_t i = 0; i < count; i++) {
        knobs->surprises |= 1U << draw_surprise(random, UINT32_MAX)->kind;
    }
    if (random_chance(random, 1, 3)) {
        return;
    }
    knobs->ambush_gap_ns = (duration_ns)PICK(random, 200, 500, 2000) * MS;
    knobs->crash_gap_ns *= PICK(random, 1, 2, 4); /* where ambushes do their work, others need not */
    knobs->network_gap_ns *= PICK(random, 1, 2, 4);
}

/* ---- schedule ---- */

int32_t chaos_add_step(struct planner *planner, const struct chaos_step *step)
{
    g_array_append_vals(planner->chaos->steps, step, 1);
    return (int32_t)planner->chaos->steps->len - 1;
}

static enum chaos_target draw_target(struct random *random, uint32_t targets, const struct chaos_knobs *knobs)
{
    if (knobs->participants < 3) {
        targets &= ~(T(TARGET_BRIDGE) | T(TARGET_FOLLOWER_MINORITY));
    }
    if (knobs->observers == 0) {
        targets &= ~T(TARGET_ITS_LEADER_FROM_VOTERS); /* it says the same as others */
    } else if (knobs->parts_voters && (targets & T(TARGET_ITS_LEADER_FROM_VOTERS)) != 0) {
        return TARGET_ITS_LEADER_FROM_VOTERS;
    }
    if ((targets & T(TARGET_ALL)) != 0 && !random_chance(random, (targets & T(TARGET_HERE)) != 0 ? 2 : 1, 8)) {
        targets &= ~T(TARGET_ALL); /* rarely everybody at once */
    }
    uint64_t place = random_below(random, (uint64_t)__builtin_popcount(targets));
    for (; place > 0; place--) {
        targets &= targets - 1;
    }
    return (enum chaos_target)__builtin_ctz(targets);
}

static void draw_pair(struct planner *planner, struct chaos_step *step)
{
    uint32_t servers = planner->chaos->knobs.participants + planner->chaos->knobs.observers;
    step->subject = (uint32_t)random_below(&planner->random, servers);
    step->other = CHAOS_CLIENTS;
    if (servers > 1 && !random_chance(&planner->random, 1, 4)) {
        step->other = (step->subject + 1 + (uint32_t)random_below(&planner->random, servers - 1)) % servers;
    }
}

static int64_t signed_draw(struct random *random, int64_t low, int64_t high)
{
    return low + (int64_t)random_below(random, (uint64_t)(high - low) + 1);
}

/* What `value` of a fault of that kind may be; see sim/fault.h. */
static int64_t draw_value(struct random *random, enum fault_kind kind)
{
    switch (kind) {
    case FAULT_SLOW_LINK:
        return PICK(random, 200, 500, 1500);
    case FAULT_SLOW_CPU:
        return PICK(random, 300, 1000, 5000);
    case FAULT_LOSS:
        return PICK(random, 10000, 50000, 200000);
    case FAULT_FLAKY:
        return PICK(random, 500, 5000, 20000);
    case FAULT_DISK_STALL:
        return (int64_t)(random_between(random, 10, 1500) * MS);
    case FAULT_FSYNC_FAIL:
        return 1;
    case FAULT_CLOCK_OFFSET:
        return signed_draw(random, -2000, 2000) * (int64_t)MS;
    case FAULT_CLOCK_DRIFT:
        return signed_draw(random, -300000, 300000);
    case FAULT_CLOCK_JUMP:
        return signed_draw(random, -1000, 10000) * (int64_t)MS;
    case FAULT_NONE:
    case FAULT_PARTITION:
    case FAULT_ONE_WAY:
    case FAULT_ISOLATE:
    case FAULT_HEAL:
    case FAULT_RESET:
    case FAULT_CLOG:
    case FAULT_UNCLOG:
    case FAULT_CRASH:
    case FAULT_KILL:
    case FAULT_RESTART:
    case FAULT_PAUSE:
    case FAULT_RESUME:
    case FAULT_DISK_FULL:
    case FAULT_DISK_FREE:
    case FAULT_FLIP_BIT:
    case FAULT_TORN_TAIL:
    case FAULT_DELAY: /* not drawn */
    case FAULT_TELL:
    case FAULT_EXIT:
        break;
    }
    return 0;
}

duration_ns chaos_draw_about(struct random *random, duration_ns mean)
{
    return random_between(random, mean / 4, mean + mean * 3 / 4);
}

/* Several at once would happen in an order that nobody could write down. */
static instant_ns no_later_in_turn(instant_ns at, instant_ns until, uint32_t turn)
{
    instant_ns last = until - (turn < TURNS_NS ? turn : TURNS_NS);
    return at < last ? at : last;
}

void chaos_add_end(struct planner *planner, int32_t begun, enum fault_kind kind, duration_ns after)
{
    struct chaos_step step = g_array_index(planner->chaos->steps, struct chaos_step, (guint)begun);
    step.turn = ++planner->chaos->turns;
    step.at = step.is_ambush ? INSTANT_NEVER : no_later_in_turn(step.at + after, planner->until, step.turn);
    step.ambush.lasts = after;
    step.is_ambush = false;
    step.kind = kind;
    step.value = kind == FAULT_SLOW_LINK || kind == FAULT_SLOW_CPU ? 100 : 0;
    step.begins = begun;
    chaos_add_step(planner, &step);
}

/* Durable octets change while the process is down, on a server that can bear it. */
static void add_flip(struct planner *planner, struct chaos_step *step)
{
    const struct chaos_knobs *knobs = &planner->chaos->knobs;
    uint32_t bearers = knobs->victims | ((1U << knobs->observers) - 1) << knobs->participants;
    if (bearers == 0) {
        return;
    }
    uint64_t place = random_below(&planner->random, (uint64_t)__builtin_popcount(bearers));
    for (; place > 0; place--) {
        bearers &= bearers - 1;
    }
    step->subject = (uint32_t)__builtin_ctz(bearers);
    step->kind = FAULT_CRASH;
    int32_t crash = chaos_add_step(planner, step);
    chaos_add_end(planner, crash, FAULT_FLIP_BIT, MS);
    struct chaos_step *flip = &g_array_index(planner->chaos->steps, struct chaos_step, planner->chaos->steps->len - 1);
    flip->value = FILE_SNAPSHOT;
    chaos_add_end(planner, crash, FAULT_RESTART, MS + chaos_draw_about(&planner->random, knobs->outage_ns));
}

/* Some are back soon, the others late. */
static void add_subset_restarts(struct planner *planner, int32_t begun, duration_ns outage)
{
    struct random *random = &planner->random;
    const struct chaos_knobs *knobs = &planner->chaos->knobs;
    uint32_t all = (1U << (knobs->participants + knobs->observers)) - 1;
    uint32_t first = chaos_draw_set(random, knobs);
    const uint32_t sets[] = {first, all & ~first};
    duration_ns after[] = {chaos_draw_while(random), 0};
    after[1] = after[0] + knobs->boot_ms * MS + chaos_draw_about(random, outage * PICK(random, 1, 2, 4));
    for (size_t i = 0; i < ARRAY_LENGTH(sets); i++) {
        chaos_add_end(planner, begun, FAULT_RESTART, after[i]);
        struct chaos_step *end =
            &g_array_index(planner->chaos->steps, struct chaos_step, planner->chaos->steps->len - 1);
        end->target = TARGET_SET;
        end->subject = sets[i];
    }
}

/* Servers that went down together come back together or, as often, one after the other, in a drawn order. */
static void add_restarts(struct planner *planner, int32_t begun, uint32_t servers, duration_ns outage)
{
    for (uint32_t i = 0; i < servers; i++) {
        chaos_add_end(planner, begun, FAULT_RESTART, chaos_draw_about(&planner->random, outage));
        struct chaos_step *end =
            &g_array_index(planner->chaos->steps, struct chaos_step, planner->chaos->steps->len - 1);
        end->is_one = true;
        end->draw = random_next(&planner->random);
    }
}

static void add_ends(struct planner *planner, int32_t begun, const struct kind_info *info, duration_ns mean)
{
    struct random *random = &planner->random;
    const struct chaos_knobs *knobs = &planner->chaos->knobs;
    enum chaos_target target = g_array_index(planner->chaos->steps, struct chaos_step, (guint)begun).target;
    bool are_many = target == TARGET_ALL || target == TARGET_BOTH;
    if (info->end == FAULT_RESTART && target == TARGET_ALL && random_chance(random, 2, 3)) {
        add_subset_restarts(planner, begun, mean);
        return;
    }
    if (info->end == FAULT_RESTART && are_many && random_chance(random, 1, 2)) {
        add_restarts(planner, begun, target == TARGET_ALL ? knobs->participants + knobs->observers : 2, mean);
        return;
    }
    bool is_cut = info->end == FAULT_HEAL && mean == knobs->outage_ns;
    duration_ns outage = chaos_draw_about(random, is_cut ? knobs->cut_ns : mean);
    outage *= mean == knobs->outage_ns && random_chance(random, 1, 4) ? PICK(random, 3, 6) : 1;
    chaos_add_end(planner, begun, info->end, outage);
    if (info->kind == FAULT_DISK_FULL) {
        chaos_add_end(planner, begun, FAULT_RESTART, outage + MS); /* a full disk ends the process */
    }
}

/* A long stall of a disk has no end of its own; it must not outlast the chaos. */
static void prolong_stall(const struct planner *planner, struct chaos_step *step)
{
    int64_t longer = step->value * planner->chaos->knobs.stall_factor;
    if (step->kind == FAULT_DISK_STALL && step->at + (duration_ns)longer < planner->until) {
        step->value = longer;
    }
}

/* Once, or several times in quick succession. */
static void add_burst(struct planner *planner, const struct kind_info *info, const struct chaos_step *step)
{
    struct random *random = &planner->random;
    const struct chaos_knobs *knobs = &planner->chaos->knobs;
    bool is_clock =
        info->kind == FAULT_CLOCK_OFFSET || info->kind == FAULT_CLOCK_DRIFT || info->kind == FAULT_CLOCK_JUMP;
    bool is_burst = !is_clock && random_chance(random, 1, 4);
    uint32_t count = is_burst ? (uint32_t)random_between(random, 1, knobs->burst_max) : 1;
    duration_ns gap = (UINT64_C(5) << random_below(random, 7)) * MS;
    struct chaos_step each = *step;
    for (uint32_t i = 0; i < count && each.at < planner->until; i++) {
        int32_t begun = chaos_add_step(planner, &each);
        if (info->end != FAULT_NONE) {
            add_ends(planner, begun, info, count > 1 ? gap / 2 : knobs->outage_ns);
        }
        each.at += chaos_draw_about(random, gap);
        each.draw = random_next(random);
        each.value = draw_value(random, info->kind);
        prolong_stall(planner, &each);
        if (count > 1 && info->kind == FAULT_DISK_STALL) {
            each.value = (int64_t)chaos_draw_about(random, gap);
        }
    }
}

static void add_fault(struct planner *planner, const struct kind_info *info, instant_ns at)
{
    struct random *random = &planner->random;
    const struct chaos_knobs *knobs = &planner->chaos->knobs;
    struct chaos_step step = {
        .at = at,
        .kind = info->kind,
        .target = draw_target(random, info->targets, knobs),
        .value = draw_value(random, info->kind),
        .begins = -1,
    };
    if (step.target == TARGET_PAIR) {
        draw_pair(planner, &step);
    }
    step.draw = random_next(random);
    prolong_stall(planner, &step);
    if (info->kind == FAULT_FLIP_BIT) {
        add_flip(planner, &step);
        return;
    }
    add_burst(planner, info, &step);
}

static const struct kind_info *draw_kind(struct random *random, enum family family, uint32_t mask)
{
    uint32_t total = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        total += kinds[i].family == family && (mask >> kinds[i].kind & 1) != 0 ? kinds[i].weight : 0;
    }
    uint64_t place = total == 0 ? 0 : random_below(random, total);
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        if (kinds[i].family != family || (mask >> kinds[i].kind & 1) == 0) {
            continue;
        }
        if (place < kinds[i].weight) {
            return &kinds[i];
        }
        place -= kinds[i].weight;
    }
    return NULL; /* the family is off */
}

/* Storms with lulls between them, so that what takes long gets its chance. */
static instant_ns skip_lull(instant_ns from, instant_ns at)
{
    const duration_ns storm = 6 * NS_PER_SECOND;
    const duration_ns lull = 2 * NS_PER_SECOND;
    duration_ns phase = (at - from) % (storm + lull);
    return phase < storm ? at : at + (storm + lull - phase);
}

static void plan_family(struct planner *planner, enum family family, duration_ns gap, instant_ns from)
{
    const struct chaos_knobs *knobs = &planner->chaos->knobs;
    instant_ns at = from;
    while (true) {
        at = skip_lull(from, at + chaos_draw_about(&planner->random, gap));
        const struct kind_info *info = draw_kind(&planner->random, family, knobs->kinds);
        if (at >= planner->last || info == NULL) {
            return;
        }
        add_fault(planner, info, at);
    }
}

/* Not all end at once: what is left of the chaos when the quiet phase begins shall differ. */
static void stop_early(struct planner *planner, instant_ns from)
{
    duration_ns early = random_chance(&planner->random, 1, 2) ? random_below(&planner->random, 8 * NS_PER_SECOND) : 0;
    planner->last = planner->until - from > early ? planner->until - early : from;
}

/* ---- ambushes ---- */

duration_ns chaos_draw_while(struct random *random)
{
    duration_ns scale = UINT64_C(1000) << random_below(random, random_chance(random, 2, 3) ? 12 : 20);
    return random_between(random, scale / 2, scale);
}

static struct chaos_step new_ambush(struct planner *planner, enum fault_kind kind, instant_ns at)
{
    struct random *random = &planner->random;
    struct chaos_step step = {
        .at = INSTANT_NEVER,
        .kind = kind,
        .begins = -1,
        .is_ambush = true,
        .ambush = {.moment = draw_moment(random, planner->chaos->knobs.moments), .from = at},
    };
    step.ambush.until = at + chaos_draw_about(random, PICK(random, 4, 4, 16) * NS_PER_SECOND);
    step.ambush.skip =
        moments[step.ambush.moment].is_frequent ? (uint32_t)random_below(random, 200) : PICK(random, 0, 0, 0, 1, 2, 4);
    step.ambush.delay = chaos_draw_while(random);
    step.draw = random_next(random);
    return step;
}

void chaos_add_ambush(struct planner *planner, instant_ns at, instant_ns until)
{
    struct random *random = &planner->random;
    const struct chaos_knobs *knobs = &planner->chaos->knobs;
    const struct kind_info *info = draw_surprise(random, knobs->surprises);
    if (at >= planner->until || info == NULL) {
        return;
    }
    struct chaos_step step = new_ambush(planner, info->kind, at);
    step.ambush.until = until < step.ambush.until ? until : step.ambush.until;
    step.target = draw_target(random, info->targets, knobs);
    step.value = draw_value(random, info->kind);
    int32_t begun = chaos_add_step(planner, &step);
    if (info->end != FAULT_NONE) {
        add_ends(planner, begun, info, knobs->outage_ns);
    }
}

void chaos_add_end_of_shift(struct planner *planner, instant_ns at, enum fault_kind kind)
{
    struct chaos_step step = new_ambush(planner, kind, at);
    step.target = TARGET_SET;
    step.subject = (1U << (planner->chaos->knobs.participants + planner->chaos->knobs.observers)) - 1;
    chaos_add_step(planner, &step);
}

static void plan_ambushes(struct planner *planner, instant_ns from)
{
    const struct chaos_knobs *knobs = &planner->chaos->knobs;
    instant_ns at = from;
    while (knobs->ambush_gap_ns > 0 && at < planner->last) {
        at = skip_lull(from, at + chaos_draw_about(&planner->random, knobs->ambush_gap_ns));
        chaos_add_ambush(planner, at, INSTANT_NEVER);
    }
}

/* ---- weather ---- */

/* From the beginning of the chaos to its end. */
static void add_weather(struct planner *planner, enum fault_kind kind, uint32_t value, instant_ns from)
{
    const struct chaos_knobs *knobs = &planner->chaos->knobs;
    uint32_t servers = knobs->participants + knobs->observers;
    bool concerns_all = kind == FAULT_SLOW_CPU && random_chance(&planner->random, 1, 2);
    struct chaos_step step = {
        .at = from,
        .kind = kind,
        .target = kind == FAULT_SLOW_CPU ? TARGET_SET : TARGET_SET_FROM_SERVERS,
        .subject = concerns_all ? (1U << servers) - 1 : 1U << random_below(&planner->random, servers),
        .value = value,
        .begins = -1,
    };
    if (value != 0) {
        chaos_add_end(planner, chaos_add_step(planner, &step), kind, planner->until - from);
    }
}

/* Clients that have to find another server every few seconds, or several times a second. */
static void add_restlessness(struct planner *planner, instant_ns from)
{
    uint32_t value = planner->chaos->knobs.flaky_clients_ppm;
    struct chaos_step step = {
        .at = from, .kind = FAULT_FLAKY, .target = TARGET_CLIENTS_FROM_SERVERS, .value = value, .begins = -1};
    if (value != 0) {
        chaos_add_end(planner, chaos_add_step(planner, &step), FAULT_FLAKY, planner->until - from);
    }
}

/* By time; what was planned first comes first among equals, so a beginning precedes its end. */
static int compare_steps(const void *a, const void *b, void *steps)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    const struct chaos_step *all = (const struct chaos_step *)steps;
    if (all[left].at != all[right].at) {
        return all[left].at < all[right].at ? -1 : 1;
    }
    return (left > right) - (left < right);
}

static void sort_steps(struct chaos *chaos)
{
    guint count = chaos->steps->len;
    uint32_t *order = g_new(uint32_t, count + 1);
    int32_t *place = g_new(int32_t, count + 1);
    GArray *sorted = g_array_sized_new(FALSE, FALSE, sizeof(struct chaos_step), count);
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
    }
    g_qsort_with_data(order, (gint)count, sizeof order[0], compare_steps, chaos->steps->data);
    for (uint32_t i = 0; i < count; i++) {
        place[order[i]] = (int32_t)i;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct chaos_step step = g_array_index(chaos->steps, struct chaos_step, order[i]);
        step.begins = step.begins < 0 ? -1 : place[step.begins];
        g_array_append_val(sorted, step);
    }
    g_array_free(chaos->steps, TRUE);
    chaos->steps = sorted;
    g_free(order);
    g_free(place);
}

struct chaos *chaos_new(uint64_t seed, const struct chaos_knobs *knobs, instant_ns from, instant_ns until)
{
    ensure(knobs->participants + knobs->observers <= CHAOS_SERVERS_MAX && knobs->participants > 0);
    ensure(from <= until);
    struct chaos *chaos = g_new0(struct chaos, 1);
    chaos->knobs = *knobs;
    duration_ns finale = until - from > knobs->finale_ns ? knobs->finale_ns : 0;
    chaos->until = until - finale;
    chaos->steps = g_array_new(FALSE, TRUE, sizeof(struct chaos_step));
    chaos->chosen = g_array_new(FALSE, TRUE, sizeof(struct fault));
    static const char *const purposes[FAMILY_COUNT] = {"chaos crashes", "chaos cuts", "chaos others"};
    const duration_ns gaps[FAMILY_COUNT] = {knobs->crash_gap_ns, knobs->network_gap_ns, knobs->other_gap_ns};
    for (int family = 0; family < FAMILY_COUNT; family++) {
        struct planner planner = {.chaos = chaos, .until = chaos->until};
        chaos_stream(seed, purposes[family], &planner.random);
        stop_early(&planner, from);
        plan_family(&planner, (enum family)family, gaps[family], from);
    }
    struct planner planner = {.chaos = chaos, .until = chaos->until};
    chaos_stream(seed, "chaos ambushes", &planner.random);
    stop_early(&planner, from);
    plan_ambushes(&planner, from);
    chaos_stream(seed, "chaos shifts", &planner.random);
    stop_early(&planner, from);
    chaos_plan_shifts(&planner, from);
    chaos_stream(seed, "chaos weather", &planner.random);
    add_weather(&planner, FAULT_SLOW_CPU, knobs->slow_cpu_percent, from + 1);
    add_weather(&planner, FAULT_SLOW_LINK, knobs->slow_line_percent, from + 2);
    add_restlessness(&planner, from + 3);
    if (finale > 0) {
        chaos_stream(seed, "chaos last shift", &planner.random);
        planner.last = planner.until = until;
        chaos_plan_finale(&planner, chaos->until);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(moments); i++) {
        chaos->heard |= (uint64_t)(knobs->moments >> i & 1U) << moments[i].type;
    }
    sort_steps(chaos);
    g_array_set_size(chaos->chosen, chaos->steps->len);
    return chaos;
}

/* ---- moments ---- */

/* The ambush has its time, and so have the steps that end it. */
static void spring(struct chaos *chaos, guint index, instant_ns now)
{
    struct chaos_step *step = &g_array_index(chaos->steps, struct chaos_step, index);
    step->is_ambush = false;
    if (now + step->ambush.delay + TURNS_NS >= chaos->until) {
        return; /* too late */
    }
    step->at = now + step->ambush.delay;
    for (guint i = index + 1; i < chaos->steps->len; i++) {
        struct chaos_step *end = &g_array_index(chaos->steps, struct chaos_step, i);
        if (end->begins == (int32_t)index) {
            end->at = no_later_in_turn(step->at + end->ambush.lasts, chaos->until, end->turn);
        }
    }
}

static uint32_t index_of(const struct chaos *chaos, const uint32_t *servers, uint32_t node)
{
    uint32_t count = chaos->knobs.participants + chaos->knobs.observers;
    uint32_t index = 0;
    while (index < count && servers[index] != node) {
        index++;
    }
    return index < count ? index : UINT32_MAX;
}

static bool is_waited_for(const struct chaos_step *step, const struct observation *observation, instant_ns now)
{
    const struct moment_info *moment = &moments[step->ambush.moment];
    return step->is_ambush && moment->type == observation->type && step->ambush.from <= now &&
           now <= step->ambush.until && (moment->packet == 0 || moment->packet == observation->value[1]);
}

bool chaos_notice(struct chaos *chaos, const struct world *world, const uint32_t *servers, uint32_t node,
                  const struct observation *observation)
{
    if ((chaos->heard >> observation->type & 1U) == 0 || world->now >= chaos->until) {
        return false;
    }
    bool sprang = false;
    uint32_t here = index_of(chaos, servers, node);
    for (guint i = chaos->steps->len; i > 0 && here != UINT32_MAX; i--) {
        struct chaos_step *step = &g_array_index(chaos->steps, struct chaos_step, i - 1);
        if (step->at != INSTANT_NEVER) {
            break; /* those without a time come last */
        }
        if (!is_waited_for(step, observation, world->now)) {
            continue;
        }
        if (step->ambush.skip > 0) {
            step->ambush.skip--;
            continue;
        }
        server_id_t leader = role_leader_of(world, node); /* ids count from 1, in the ensemble's order */
        if (step->target != TARGET_SET) {
            step->subject = here;
            step->other = leader == 0 ? here : (uint32_t)leader - 1;
        }
        spring(chaos, i - 1, world->now);
        sprang = true;
        if (chaos->knobs.parts_voters) {
            break; /* the end of one cut would be the end of the others, too */
        }
    }
    if (sprang) {
        sort_steps(chaos);
    }
    return sprang;
}

void chaos_replace_rest(struct chaos *chaos, guint *next, const struct chaos *other, instant_ns now)
{
    guint begun = *next < chaos->steps->len ? *next : chaos->steps->len;
    GArray *ends = g_array_new(FALSE, FALSE, sizeof(struct chaos_step));
    for (guint i = begun; i < chaos->steps->len; i++) {
        const struct chaos_step *step = &g_array_index(chaos->steps, struct chaos_step, i);
        if (step->begins >= 0 && (guint)step->begins < begun) {
            g_array_append_vals(ends, step, 1);
        }
    }
    g_array_set_size(chaos->steps, begun);
    g_array_append_vals(chaos->steps, ends->data, ends->len);
    int32_t *place = g_new(int32_t, other->steps->len + 1);
    for (guint i = 0; i < other->steps->len; i++) {
        struct chaos_step step = g_array_index(other->steps, struct chaos_step, i);
        place[i] = -1;
        if (step.at > now && (step.begins < 0 || place[step.begins] >= 0)) {
            step.begins = step.begins < 0 ? -1 : place[step.begins];
            place[i] = (int32_t)chaos->steps->len;
            g_array_append_val(chaos->steps, step);
        }
    }
    sort_steps(chaos); /* what has begun stays in front: it is earlier, and the sort is stable */
    g_array_set_size(chaos->chosen, chaos->steps->len);
    g_array_free(ends, TRUE);
    g_free(place);
}

void chaos_free(struct chaos *chaos)
{
    if (chaos != NULL) {
        g_array_free(chaos->steps, TRUE);
        g_array_free(chaos->chosen, TRUE);
        g_free(chaos);
    }
}
