/* The climate of a seed: everything about a run under chaos but the faults themselves. */
#include <string.h>

#include "sim/chaos_plan.h"
#include "sim/setting.h"

#define MS NS_PER_MS

static void draw_ensemble(struct random *random, struct chaos_knobs *knobs)
{
    knobs->participants = PICK(random, 3, 3, 3, 3, 5, 5, 5, 5, 7);
    knobs->observers = PICK(random, 0, 0, 0, 1, 1, 2);
    knobs->clients = random_chance(random, 1, 6) ? 20 : (uint32_t)random_between(random, 3, 8);
    uint32_t minority = (knobs->participants - 1) / 2;
    uint32_t count = (uint32_t)random_between(random, 0, minority);
    while ((uint32_t)__builtin_popcount(knobs->victims) < count) {
        knobs->victims |= 1U << random_below(random, knobs->participants);
    }
}

static void draw_timeouts(struct random *random, struct chaos_knobs *knobs)
{
    static const char *const networks[] = {"loopback", "lan", "lan", "cross-az", "wan"};
    knobs->network = networks[random_below(random, ARRAY_LENGTH(networks))];
    bool is_far = strcmp(knobs->network, "wan") == 0;
    knobs->tick_ms = is_far ? PICK(random, 300, 500) : PICK(random, 50, 100, 200, 300);
    knobs->init_limit_ticks = PICK(random, 5, 10, 10);
    knobs->sync_limit_ticks = PICK(random, 2, 5, 5);
    /* A client shares its timeout among the servers it knows; each has to have the time to open a session. */
    uint32_t least = (knobs->participants + knobs->observers) * (is_far ? 500 : 60);
    uint32_t drawn = knobs->tick_ms * PICK(random, 3, 5, 8, 15);
    knobs->session_timeout_ms = drawn > least ? drawn : least;
    knobs->finalize_wait_ms = is_far ? 200 : PICK(random, 20, 50, 200);
    knobs->notify_ms_min = is_far ? 200 : PICK(random, 50, 200);
    knobs->notify_ms_max = PICK(random, 400, 1000, 2000);
}

static void draw_limits(struct random *random, struct chaos_knobs *knobs)
{
    knobs->snap_count = PICK(random, 5, 20, 50, 200, 100000);
    knobs->commit_log_count = PICK(random, 3, 10, 50, 500);
    knobs->batch_size_max = PICK(random, 1, 5, 1000);
}

static void draw_machines(struct random *random, struct chaos_knobs *knobs)
{
    knobs->fsync = (uint32_t)random_below(random, PACE_COUNT);
    knobs->task_delay = (uint32_t)random_below(random, PACE_COUNT);
    uint32_t drift = PICK(random, 0, 200, 20000);
    for (size_t i = 0; i < CHAOS_SERVERS_MAX; i++) {
        knobs->drift_ppm[i] = (int64_t)random_below(random, 2 * drift + 1) - (int64_t)drift;
        knobs->offset_ns[i] = (int64_t)random_below(random, 2000 * MS + 1) - (int64_t)(1000 * MS);
    }
}

/* What few installations have, for a few climates. */
static void draw_extremes(struct random *random, struct chaos_knobs *knobs)
{
    bool is_far = strcmp(knobs->network, "wan") == 0;
    knobs->zxid_counter_max = random_chance(random, 1, 8) ? PICK(random, 60, 120, 400) : UINT32_MAX;
    if (random_chance(random, 1, 4) && !is_far) {
        knobs->max_session_timeout_ms = knobs->tick_ms * PICK(random, 2, 3, 4);
    }
    knobs->churn_ms = random_chance(random, 1, 2) ? PICK(random, 200, 500, 1500) : 0;
}

static void draw_weather(struct random *random, struct chaos_knobs *knobs)
{
    uint32_t slower =
        PICK(random, 1, 1, 2, 4); /* fewer faults that last longer, so that there is time to notice them */
    knobs->crash_gap_ns *= slower;
    knobs->network_gap_ns *= slower;
    knobs->other_gap_ns *= slower;
    knobs->outage_ns *= slower;
    /* Long enough, perhaps, for the other side to elect a leader, and for that one to serve. */
    duration_ns silence = (duration_ns)knobs->tick_ms * knobs->sync_limit_ticks * PICK(random, 1, 2, 4) * MS;
    knobs->cut_ns = random_chance(random, 1, 3) ? knobs->outage_ns : knobs->outage_ns / 2 + silence;
    knobs->boot_ms = PICK(random, 20, 100, 500);
    knobs->operations_per_s = PICK(random, 20, 60, 140, 400);
    knobs->burst_max = PICK(random, 1, 4, 30);
    knobs->slow_cpu_percent = random_chance(random, 1, 5) ? PICK(random, 300, 1000, 3000) : 0;
    knobs->slow_line_percent = random_chance(random, 1, 5) ? PICK(random, 300, 1000, 5000) : 0;
}

static void draw_shifts(struct random *random, struct chaos_knobs *knobs)
{
    static const enum fault_kind absences[] = {FAULT_CRASH, FAULT_KILL, FAULT_TORN_TAIL, FAULT_PARTITION};
    for (size_t i = 0; i < ARRAY_LENGTH(absences); i++) {
        knobs->absences |= random_chance(random, 1, 2) ? 1U << absences[i] : 0;
    }
    knobs->absences |= knobs->absences == 0 ? 1U << FAULT_CRASH : 0;
    knobs->starts_cold = random_chance(random, 1, 2);
    if (random_chance(random, 1, 2)) {
        return;
    }
    knobs->shift_ns = (duration_ns)PICK(random, 300, 600, 1200, 2400) * MS + knobs->boot_ms * MS;
    uint32_t fewer = PICK(random, 1, 4, 30, 30); /* who comes and goes as the shifts say is left alone otherwise */
    knobs->crash_gap_ns *= fewer;
    knobs->network_gap_ns *= fewer;
    knobs->other_gap_ns *= PICK(random, 1, 4);
    knobs->ambush_gap_ns *= fewer;
}

/* Sessions that come and go faster than the disks. */
static void press_sessions(struct random *random, struct chaos_knobs *knobs)
{
    uint32_t least = 100 + (knobs->participants + knobs->observers) * 40; /* less would keep a crowd out for ever */
    uint32_t drawn = knobs->tick_ms * PICK(random, 2, 3);
    knobs->max_session_timeout_ms = drawn > least ? drawn : least;
    knobs->churn_ms = PICK(random, 100, 200, 500);
    knobs->batch_size_max = PICK(random, 1, 1, 5);
    knobs->fsync = PACE_COUNT - 1;
    knobs->clients = PICK(random, 8, 12, 20);
    knobs->kinds |= 1U << FAULT_DISK_STALL;
    knobs->burst_max = PICK(random, 4, 30);
    knobs->other_gap_ns = PICK(random, 200, 500, 1000) * MS;
}

/* Servers that are slow to do what has been decided, and connections that break all the time. */
static void press_tasks(struct random *random, struct chaos_knobs *knobs)
{
    knobs->task_delay = PACE_COUNT - 1;
    knobs->slow_cpu_percent = PICK(random, 1000, 3000, 5000);
    knobs->clients = PICK(random, 8, 12, 20);
    knobs->kinds |= 1U << FAULT_RESET | 1U << FAULT_DISK_STALL;
    knobs->burst_max = 30;
    knobs->other_gap_ns = PICK(random, 200, 500, 1000) * MS;
    knobs->snap_count = PICK(random, 5, 10, 20, 1000);
    knobs->snap_step_znodes = 1;
    knobs->operations_per_s = PICK(random, 140, 400, 800);
    knobs->churn_ms = PICK(random, 0, 200, 500);
}

/* Leaders are elected, and then their epoch comes to nothing: they are cut off before it is promised. */
static void disturb_discovery(struct random *random, struct chaos_knobs *knobs)
{
    knobs->observers = PICK(random, 0, 1, 1, 2);
    knobs->init_limit_ticks = 5;
    knobs->shift_ns = (duration_ns)PICK(random, 600, 1200, 2400) * MS;
    knobs->ambush_gap_ns =
        (duration_ns)PICK(random, 1000, 2500) * MS; /* few: the end of one cut ends the others, too */
    knobs->moments = chaos_moments_of(OBSERVE_EPOCH_ACCEPTED);
    knobs->surprises = 1U << FAULT_PARTITION | 1U << FAULT_ISOLATE;
    knobs->cut_ns = (duration_ns)knobs->tick_ms * knobs->init_limit_ticks * PICK(random, 2, 3) * MS;
    knobs->network_gap_ns = 60 * NS_PER_SECOND;
}

/* Leaders are elected, and the other voters lose them at once; whoever does not vote still sees both sides. */
static void part_voters(struct random *random, struct chaos_knobs *knobs)
{
    knobs->observers = PICK(random, 1, 1, 2);
    knobs->parts_voters = true;
    if (strcmp(knobs->network, "wan") != 0) {
        knobs->tick_ms = PICK(random, 100, 200);
        knobs->notify_ms_min = 50;
        knobs->notify_ms_max = 200;
        knobs->session_timeout_ms = 1000;
    }
    knobs->init_limit_ticks = 5;
    duration_ns init_limit_ns = (duration_ns)knobs->tick_ms * knobs->init_limit_ticks * MS;
    knobs->shift_ns = init_limit_ns * PICK(random, 3, 6);
    knobs->ambush_gap_ns = 0; /* but those of the shifts */
    knobs->cut_ns = init_limit_ns * PICK(random, 1, 2);
    knobs->moments = chaos_moments_of(OBSERVE_ELECTED);
    knobs->moments |= random_chance(random, 1, 2) ? chaos_moments_of(OBSERVE_EPOCH_CURRENT) : 0;
    knobs->surprises = 1U << FAULT_PARTITION;
    knobs->network_gap_ns = 60 * NS_PER_SECOND;
}

/* Three servers that come and go quickly, and not much else. */
static void press_shifts(struct random *random, struct chaos_knobs *knobs)
{
    knobs->participants = 3;
    knobs->victims = 0;
    knobs->observers = PICK(random, 0, 0, 1);
    knobs->boot_ms = 20;
    knobs->shift_ns = (duration_ns)PICK(random, 150, 300, 600, 1200) * MS;
    knobs->crash_gap_ns = knobs->network_gap_ns = 20 * NS_PER_SECOND;
    knobs->other_gap_ns = (duration_ns)PICK(random, 1000, 4000, 10000) * MS;
    knobs->ambush_gap_ns = (duration_ns)PICK(random, 200, 500, 2000) * MS;
    if (strcmp(knobs->network, "wan") != 0) {
        knobs->tick_ms = PICK(random, 50, 100);
        knobs->finalize_wait_ms = 20;
        knobs->session_timeout_ms = 500;
    }
}

/* Clients that change servers all the time, and servers that come back and are late with what happened meanwhile. */
static void press_moves(struct random *random, struct chaos_knobs *knobs)
{
    knobs->participants = 3;
    knobs->victims = 0;
    knobs->flaky_clients_ppm = PICK(random, 30000, 100000, 200000);
    knobs->kinds &= ~(1U << FAULT_FLAKY); /* its end would be the end of that, too */
    knobs->kinds |= 1U << FAULT_CRASH;
    knobs->crash_gap_ns = (duration_ns)PICK(random, 1000, 2000) * MS;
    knobs->network_gap_ns = knobs->other_gap_ns = 10 * NS_PER_SECOND;
    knobs->shift_ns = 0;
    knobs->boot_ms = 20;
    knobs->outage_ns = 200 * MS;
    knobs->ambush_gap_ns = (duration_ns)PICK(random, 100, 300) * MS;
    knobs->moments = chaos_moments_of(OBSERVE_SYNC_RECEIVED);
    knobs->surprises = 1U << FAULT_DISK_STALL;
    knobs->clients = 20;
    bool are_starved = random_chance(random, 1, 2);
    knobs->operations_per_s =
        are_starved ? 80 : 400; /* a thread that waits 5 ms each time gets through 200 steps a second */
    knobs->batch_size_max = 1000;
    knobs->task_delay = are_starved ? TASK_PACE_STARVED : PACE_COUNT - 1;
    knobs->snap_step_znodes = 64;
    knobs->snap_count = PICK(random, 200, 1000);
    knobs->tick_ms = PICK(random, 200, 300);
    knobs->session_timeout_ms = knobs->tick_ms * 15;
    knobs->max_session_timeout_ms = knobs->churn_ms = 0; /* sessions live long enough to move */
}

/* Clocks that nobody will have to repair: right, or ahead. */
static void tame_clocks(struct chaos_knobs *knobs)
{
    knobs->kinds &= ~(1U << FAULT_CLOCK_OFFSET | 1U << FAULT_CLOCK_DRIFT | 1U << FAULT_CLOCK_JUMP);
    for (size_t i = 0; i < CHAOS_SERVERS_MAX; i++) {
        knobs->drift_ppm[i] = 0;
        knobs->offset_ns[i] = knobs->offset_ns[i] < 0 ? -knobs->offset_ns[i] : knobs->offset_ns[i];
    }
}

/* The chaos may end with a finale: everything begins anew, and nothing but that; a server that is not back soon after waits in vain for
 * no fault's sake.  So here, and only here, initLimit may be longer than the bound of available-after-heal: whoever has to wait for it is
 * kept out by something else.  (On far networks, and among more than three, a vote may cross another one, and then Apache's servers wait for
 * it, too.) */
static void draw_finale(struct random *random, struct chaos_knobs *knobs)
{
    duration_ns finale_ns = random_between(random, 1000, 3000) * MS;
    uint32_t init_limit_ms = PICK(random, 15000, 20000);
    bool may_be_late = knobs->participants > 3 || strcmp(knobs->network, "wan") == 0;
    if (random_chance(random, 1, 3) && !may_be_late) {
        knobs->finale_ns = finale_ns;
        knobs->init_limit_ticks = init_limit_ms / knobs->tick_ms;
        /* With whole histories in every log: whom a leader asks to forget what only a snapshot holds leaves it waiting, rightly. */
        knobs->snap_count = knobs->commit_log_count = 100000;
        knobs->kinds &= ~(1U << FAULT_FSYNC_FAIL); /* which may strike long after it came */
        knobs->surprises &= ~(1U << FAULT_FSYNC_FAIL);
        tame_clocks(knobs); /* setting them right when it is over would be one more fault */
    } else if (random_chance(random, knobs->parts_voters ? 2 : 1, 3)) {
        knobs->finale_is_return = true;
        knobs->finale_ns = 2 * finale_ns;
    }
}

/* Some mistakes need several rare things at once: five climates of seven press on one part. */
static void draw_pressure(struct random *random, struct chaos_knobs *knobs)
{
    bool is_far = strcmp(knobs->network, "wan") == 0;
    switch (random_below(random, 7)) {
    case 0:
        if (!is_far) {
            press_sessions(random, knobs);
        }
        break;
    case 1:
        press_tasks(random, knobs);
        break;
    case 2:
        press_shifts(random, knobs);
        if (random_chance(random, 1, 2)) {
            disturb_discovery(random, knobs);
        }
        break;
    case 3:
        if (!is_far) {
            press_moves(random, knobs);
        }
        break;
    case 4:
        press_shifts(random, knobs);
        part_voters(random, knobs);
        break;
    default:
        break;
    }
}

static uint64_t mean_ns(const struct distribution *time)
{
    return time->least_ns + time->extra_ns + (uint64_t)time->tail_ppm * time->tail_ns / 1000000;
}

/* Two operations of five are transactions; they leave the disks three tenths of their time.  When more is asked for than
 * the disks write, the queue is as long as all clients' windows together, nobody goes first, and a client gives a server
 * only timeout / servers to open a session (ClientCnxn's connectTimeout): who has none may then never get one, with
 * Apache's servers, too. */
static void soften_load(struct chaos_knobs *knobs)
{
    uint64_t transactions_per_s = knobs->batch_size_max * NS_PER_SECOND / mean_ns(&fsync_pace_at(knobs->fsync)->time);
    uint64_t most = transactions_per_s * 7 / 10 * 5 / 2;
    knobs->operations_per_s = knobs->operations_per_s < most ? knobs->operations_per_s : (uint32_t)most;
}

/* An epoch that is used up several times a second serves nobody: a leader has the time for two seconds of transactions. */
static void soften_rollover(struct chaos_knobs *knobs)
{
    uint32_t sessions_per_s = knobs->churn_ms == 0 ? 0 : knobs->clients * 1000 / knobs->churn_ms;
    uint32_t least = 2 * (knobs->operations_per_s + 2 * sessions_per_s);
    knobs->zxid_counter_max = knobs->zxid_counter_max > least ? knobs->zxid_counter_max : least;
}

void chaos_draw_knobs(uint64_t seed, struct chaos_knobs *knobs)
{
    struct random random;
    chaos_stream(seed, "chaos knobs", &random);
    memset(knobs, 0, sizeof *knobs);
    draw_ensemble(&random, knobs);
    draw_timeouts(&random, knobs);
    draw_limits(&random, knobs);
    draw_machines(&random, knobs);
    knobs->kinds = chaos_draw_kinds(&random);
    knobs->crash_gap_ns = random_between(&random, 600, 1600) * MS;
    knobs->network_gap_ns = random_between(&random, 600, 1600) * MS;
    knobs->other_gap_ns = random_between(&random, 400, 2500) * MS;
    knobs->outage_ns = random_between(&random, 150, 900) * MS;
    knobs->snap_step_znodes = PICK(&random, 1, 4, 64); /* last, so that it leaves what was drawn before */
    chaos_stream(seed, "chaos extremes", &random);
    draw_extremes(&random, knobs);
    chaos_stream(seed, "chaos moments", &random);
    chaos_draw_moments(&random, knobs);
    chaos_stream(seed, "chaos weather", &random);
    draw_weather(&random, knobs);
    chaos_stream(seed, "chaos shifts", &random);
    draw_shifts(&random, knobs);
    chaos_stream(seed, "chaos pressure", &random);
    draw_pressure(&random, knobs);
    chaos_stream(seed, "chaos finale", &random);
    draw_finale(&random, knobs);
    knobs->stall_factor = knobs->finale_ns > 0 ? 1 : PICK(&random, 1, 1, 2, 6);
    soften_load(knobs);
    soften_rollover(knobs);
}
