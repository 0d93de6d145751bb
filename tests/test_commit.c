/* Sites of an atomic commit in a world without time: stories (tests/data/commit) fire timers, finish disks and deliver messages
 * by hand; random schedules do so at random.  In a world with time, crashes at random moments. */
#include <glib.h>
#include <string.h>

#include "protocol/base/arena.h"
#include "protocol/commit/commit_log.h"
#include "protocol/commit/commit_message.h"
#include "protocol/commit/participant_internal.h"
#include "protocol/commit/termination.h"
#include "sim/clockwork.h"
#include "sim/world.h"
#include "tests/story.h"
#include "tests/test.h"

static const char *const site_names[] = {"?", "1", "2", "3", "4", "5", "6"};
#define SITES_TOLD_MAX 6

/* ---- a world of sites ---------------------------------------------------------------------------------------------- */

struct sites {
    struct world *world;
    uint32_t count;
    GString *output;                  /* what happens is told here; NULL: nowhere */
    int decision[SITES_TOLD_MAX + 1]; /* first one: -1 none, 0 abort, 1 commit */
    bool has_voted_yes[SITES_TOLD_MAX + 1];
    bool is_broken; /* somebody decided twice, and differently */
};

static void hear(void *self, struct world *world, uint32_t node, const struct observation *observation)
{
    struct sites *sites = self;
    uint32_t site = (uint32_t)observation->value[1];
    (void)world;
    (void)node;
    if (observation->type == OBSERVE_COMMIT_VOTED && observation->value[2] != 0) {
        sites->has_voted_yes[site] = true;
    }
    if (observation->type == OBSERVE_COMMIT_DECIDED) {
        int decision = (int)observation->value[2];
        sites->is_broken |= sites->decision[site] >= 0 && sites->decision[site] != decision;
        sites->decision[site] = decision;
    }
    if (sites->output == NULL) {
        return;
    }
    if (observation->type == OBSERVE_REFUSED) {
        g_string_append_printf(sites->output, "%s refused %s\n", world->nodes[node].name,
                               exit_reason_name((enum exit_reason)observation->value[0]));
        return;
    }
    g_string_append_printf(sites->output, "%u %s", site, observation_name(observation->type));
    switch ((int)observation->type) {
    case OBSERVE_COMMIT_VOTED:
        g_string_append(sites->output, observation->value[2] != 0 ? " yes" : " no");
        break;
    case OBSERVE_COMMIT_DECIDED:
        g_string_append(sites->output, observation->value[2] != 0 ? " commit" : " abort");
        break;
    case OBSERVE_COMMIT_RECOVERED:
        g_string_append_printf(sites->output, " %s", commit_state_name((uint32_t)observation->value[2]));
        break;
    case OBSERVE_COMMIT_BLOCKED:
    case OBSERVE_COMMIT_UNBLOCKED:
        g_string_append(sites->output, " on");
        for (uint32_t other = 1; other <= sites->count; other++) {
            if ((observation->value[2] >> other & 1) != 0) {
                g_string_append_printf(sites->output, " %u", other);
            }
        }
        break;
    default:
        break;
    }
    g_string_append_c(sites->output, '\n');
}

static void see(void *self, struct world *world, const struct world_message *message)
{
    struct sites *sites = self;
    char buffer[100];
    if (message->delivered || sites->output == NULL) {
        return;
    }
    struct text_builder text = text_of(buffer, sizeof buffer);
    describe_commit_message(&text, message->octets);
    g_string_append_printf(sites->output, "%s > %s %s\n", world->nodes[message->from].name,
                           world->nodes[message->to].name, buffer);
}

static void sites_open(struct sites *sites, uint64_t seed, uint32_t count, const struct participant_config *like,
                       uint32_t no)
{
    struct world_config config = {.seed = seed};
    sites->world = world_new(&config);
    sites->count = count;
    sites->is_broken = false;
    CU_ASSERT_FATAL(sites->world != NULL);
    for (uint32_t site = 1; site <= count; site++) {
        struct participant_config own = *like;
        own.site = site;
        own.sites = count;
        participant_config_default(&own);
        own.votes_no = (no & site_bit(site)) != 0;
        world_add_participant(sites->world, site_names[site], &own);
        sites->decision[site] = -1;
        sites->has_voted_yes[site] = false;
    }
    world_set_watcher(sites->world, hear, sites);
    world_set_message_watcher(sites->world, see, sites);
    world_start(sites->world);
}

static struct world_node *site_node(struct sites *sites, uint32_t site)
{
    return &sites->world->nodes[site - 1];
}

/* ---- stories ------------------------------------------------------------------------------------------------------- */

static void *create_story(void)
{
    return g_new0(struct sites, 1);
}

static void destroy_story(void *state)
{
    struct sites *sites = state;
    if (sites->world != NULL) {
        world_free(sites->world);
    }
    g_free(sites);
}

static bool read_protocol(const char *name, struct participant_config *config)
{
    static const struct {
        const char *name;
        enum commit_protocol protocol;
        enum commit_termination termination;
    } known[] = {
        {"2pc", COMMIT_TWO_PHASE, TERMINATION_ELECTED},
        {"3pc", COMMIT_THREE_PHASE, TERMINATION_ELECTED},
        {"3pc-timeouts", COMMIT_THREE_PHASE, TERMINATION_TIMEOUTS},
        {"quorum", COMMIT_QUORUM, TERMINATION_ELECTED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strcmp(known[i].name, name) == 0) {
            config->protocol = known[i].protocol;
            config->termination = known[i].termination;
            return true;
        }
    }
    return false;
}

/* Everything but time, until nothing more happens. */
static void settle(struct sites *sites)
{
    struct world_event events[512];
    for (bool again = true; again;) {
        size_t count = world_enabled(sites->world, events, ARRAY_LENGTH(events));
        again = false;
        for (size_t i = 0; i < count && !again; i++) {
            if (events[i].kind == EVENT_DELIVER || events[i].kind == EVENT_DISK) {
                world_perform(sites->world, &events[i]);
                again = true;
            }
        }
    }
}

static bool perform_first(struct sites *sites, enum world_event_kind kind, uint32_t node, uint32_t from)
{
    struct world_event events[512];
    size_t count = world_enabled(sites->world, events, ARRAY_LENGTH(events));
    for (size_t i = 0; i < count; i++) {
        if (events[i].kind != kind || events[i].node != node) {
            continue;
        }
        const struct connection *of =
            kind == EVENT_DELIVER ? &sites->world->network.connections[events[i].subject / 2] : NULL;
        if (of == NULL || of->ends[events[i].subject % 2].node == from) {
            world_perform(sites->world, &events[i]);
            return true;
        }
    }
    return false;
}

/* The next message between the two, with what opens their connection before it. */
static bool deliver(struct sites *sites, uint32_t from, uint32_t to)
{
    uint64_t before = node_digest(site_node(sites, to)->node);
    for (int i = 0; i < 3 && node_digest(site_node(sites, to)->node) == before; i++) {
        if (!perform_first(sites, EVENT_DELIVER, to - 1, from - 1)) {
            return false;
        }
    }
    return true;
}

static void cut(struct sites *sites, char **words, bool blocked)
{
    for (uint32_t a = 0; a < sites->count; a++) {
        for (uint32_t b = 0; b < sites->count; b++) {
            bool a_in = strstr(words[1], site_names[a + 1]) != NULL;
            bool b_in = strstr(words[1], site_names[b + 1]) != NULL;
            if (a_in != b_in) {
                network_path(&sites->world->network, a, b)->blocked = blocked;
                world_path_changed(sites->world, a, b);
            }
        }
    }
}

static void write_log(struct sites *sites, uint32_t site, char **states)
{
    struct disk *disk = &site_node(sites, site)->disk;
    for (; *states != NULL; states++) {
        uint8_t octets[COMMIT_RECORD_OCTETS];
        struct jute_writer writer = jute_writer_of(octets, sizeof octets);
        uint32_t state = 0;
        while (commit_state_name(state) != NULL && strcmp(commit_state_name(state), *states) != 0) {
            state++;
        }
        commit_record_write(&writer, (enum commit_state)state, 1);
        octets[0] ^= strcmp(*states, "bad") == 0; /* its checksum is wrong */
        int32_t length = strcmp(*states, "torn") == 0 ? 7 : (int32_t)sizeof octets;
        disk_append(disk, commit_log_file(), (struct bytes){octets, length});
    }
    disk_write_back(disk);
}

static void tell_states(struct sites *sites, GString *output)
{
    for (uint32_t site = 1; site <= sites->count; site++) {
        struct participant_status status;
        if (site_node(sites, site)->life != LIFE_UP) {
            g_string_append_printf(output, "%u down\n", site);
            continue;
        }
        participant_status(site_node(sites, site)->node, &status);
        g_string_append_printf(output, "%u %s %s%s%s\n", site, commit_state_name((uint32_t)status.state),
                               activity_name(status.activity), status.is_leading ? " leading" : "",
                               status.is_recovering ? " recovering" : "");
    }
}

static bool run_on_site(struct sites *sites, char **words)
{
    uint32_t site = (uint32_t)g_ascii_strtoull(words[1], NULL, 10);
    if (site < 1 || site > sites->count) {
        return false;
    }
    if (strcmp(words[0], "boot") == 0) {
        world_boot(sites->world, site - 1);
    } else if (strcmp(words[0], "crash") == 0) {
        world_crash(sites->world, site - 1);
    } else if (strcmp(words[0], "kill") == 0) {
        world_kill(sites->world, site - 1, LOSS_ALL);
    } else if (strcmp(words[0], "fire") == 0) {
        return perform_first(sites, EVENT_DEADLINE, site - 1, 0);
    } else if (strcmp(words[0], "disk") == 0) {
        return perform_first(sites, EVENT_DISK, site - 1, 0);
    } else if (strcmp(words[0], "log") == 0) {
        write_log(sites, site, words + 2);
    } else if (strcmp(words[0], "deliver") == 0) {
        return words[2] != NULL && deliver(sites, site, (uint32_t)g_ascii_strtoull(words[2], NULL, 10));
    } else {
        return false;
    }
    return true;
}

static bool run_story(void *state, char **words, GString *output)
{
    struct sites *sites = state;
    sites->output = output;
    if (strcmp(words[0], "sites") == 0) {
        struct participant_config config = {.site = 0};
        if (!read_protocol(story_text(words, "protocol", ""), &config)) {
            return false;
        }
        uint32_t no = 1U << story_number(words, "no", 0) & ~1U;
        config.sites = (uint32_t)story_number(words, "count", 3);
        if (sites->world != NULL) {
            world_free(sites->world);
        }
        sites_open(sites, 1, config.sites, &config, no);
        for (uint32_t site = 1; site <= sites->count && !story_has(words, "down"); site++) {
            world_boot(sites->world, site - 1);
        }
        return true;
    }
    if (sites->world == NULL) {
        return false;
    }
    if (strcmp(words[0], "settle") == 0) {
        settle(sites);
    } else if (strcmp(words[0], "quiet") == 0) {
        sites->output = NULL;
        settle(sites);
    } else if (strcmp(words[0], "states") == 0) {
        tell_states(sites, output);
    } else if (strcmp(words[0], "cut") == 0 && words[1] != NULL) {
        cut(sites, words, true);
    } else if (strcmp(words[0], "heal") == 0 && words[1] != NULL) {
        cut(sites, words, false);
    } else {
        return words[1] != NULL && run_on_site(sites, words);
    }
    return true;
}

static void stories_come_out_as_written(void)
{
    static const struct story_teller teller = {create_story, run_story, destroy_story};
    story_check_directory("tests/data/commit", &teller);
}

/* ---- random schedules, without time: silence means nothing ------------------------------------------------------------ */

static bool agree(const struct sites *sites)
{
    bool decided[2] = {false, false};
    for (uint32_t site = 1; site <= sites->count; site++) {
        if (sites->decision[site] >= 0) {
            decided[sites->decision[site]] = true;
        }
    }
    return !(decided[0] && decided[1]) && !sites->is_broken;
}

static void fail_something(struct sites *sites, struct random *random)
{
    uint32_t node = (uint32_t)random_below(random, sites->count);
    if (sites->world->nodes[node].life == LIFE_UP) {
        if (random_chance(random, 1, 2)) {
            world_crash(sites->world, node);
        } else {
            world_kill(sites->world, node, LOSS_DRAWN);
        }
    }
}

static void run_at_random(struct sites *sites, struct random *random, int steps, bool with_failures)
{
    struct world_event events[512];
    for (int i = 0; i < steps; i++) {
        size_t count = world_enabled(sites->world, events, ARRAY_LENGTH(events));
        if (count == 0) {
            return;
        }
        if (with_failures && random_chance(random, 1, 40)) {
            fail_something(sites, random);
            continue;
        }
        const struct world_event *event = &events[random_below(random, count)];
        if (event->kind == EVENT_DEADLINE && random_chance(random, 3, 4)) {
            continue; /* more progress */
        }
        world_perform(sites->world, event);
    }
}

/* All run again and nothing fails: timers fire only when nothing else can happen. */
static bool all_decide_in_calm(struct sites *sites)
{
    for (int i = 0; i < 200; i++) {
        bool done = true;
        for (uint32_t site = 1; site <= sites->count; site++) {
            if (site_node(sites, site)->life != LIFE_UP) {
                world_boot(sites->world, site - 1);
            }
        }
        settle(sites);
        for (uint32_t site = 1; site <= sites->count; site++) {
            done = done && (sites->decision[site] >= 0 || !sites->has_voted_yes[site]);
        }
        if (done) {
            return true;
        }
        perform_first(sites, EVENT_DEADLINE, (uint32_t)i % sites->count, 0);
    }
    return false;
}

static void check_random(enum commit_protocol protocol, uint64_t seeds)
{
    int outcomes[2] = {0, 0};
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct sites sites = {.output = NULL};
        struct random random;
        struct participant_config config = {.protocol = protocol};
        random_seed(&random, seed);
        uint32_t count = (uint32_t)random_between(&random, 2, 5);
        sites_open(&sites, seed, count, &config, random_chance(&random, 1, 8) ? site_bit(2) : 0);
        run_at_random(&sites, &random, 400, true);
        bool safe = agree(&sites);
        bool live = all_decide_in_calm(&sites);
        bool good = safe && live && agree(&sites);
        if (!good) {
            GString *text = g_string_new(NULL);
            tell_states(&sites, text);
            fprintf(stderr, "\nprotocol %s, seed %" PRIu64 ", %s, %s\n%s", commit_protocol_name((uint32_t)protocol),
                    seed, safe ? "safe" : "not safe", live ? "live" : "not live", text->str);
            g_string_free(text, TRUE);
        }
        CHECK(good);
        if (sites.decision[1] >= 0) {
            outcomes[sites.decision[1]]++;
        }
        world_free(sites.world);
    }
    CHECK(outcomes[0] > 0);
    CHECK(outcomes[1] > 0);
}

static void two_phase_commit_never_disagrees(void)
{
    check_random(COMMIT_TWO_PHASE, 400);
}

static void quorum_commit_never_disagrees(void)
{
    check_random(COMMIT_QUORUM, 400);
}

/* The schedules above are able to find what they look for. */
static void three_phase_commit_disagrees_when_silence_means_nothing(void)
{
    for (int termination = 0; termination < 2; termination++) {
        int broken = 0;
        for (uint64_t seed = 1; seed <= 200; seed++) {
            struct sites sites = {.output = NULL};
            struct random random;
            struct participant_config config = {.protocol = COMMIT_THREE_PHASE,
                                                .termination = (enum commit_termination)termination};
            random_seed(&random, seed);
            sites_open(&sites, seed, 4, &config, 0);
            run_at_random(&sites, &random, 400, false);
            broken += !agree(&sites);
            world_free(sites.world);
        }
        CHECK(broken > 0);
    }
}

/* ---- crashes in a world with time: silence means failure --------------------------------------------------------------- */

static void crash_at_random(struct sites *sites, struct clockwork *clockwork, struct random *random)
{
    bool crashed[SITES_TOLD_MAX + 1] = {false};
    uint64_t crashes = random_between(random, 1, sites->count - 1);
    instant_ns at = NS_PER_SECOND;
    for (uint64_t i = 0; i < crashes; i++) {
        uint32_t site = random_chance(random, 1, 2) ? 1 : (uint32_t)random_between(random, 2, sites->count);
        at += random_chance(random, 2, 3) ? random_below(random, 50 * NS_PER_MS)
                                          : random_below(random, 2 * NS_PER_SECOND);
        clockwork_run_until(clockwork, at);
        if (!crashed[site] && site_node(sites, site)->life == LIFE_UP) {
            crashed[site] = true;
            world_kill(sites->world, site - 1, LOSS_DRAWN);
            clockwork_refresh(clockwork);
        }
    }
    clockwork_run_until(clockwork, 20 * NS_PER_SECOND);
    for (uint32_t site = 1; site <= sites->count; site++) {
        CHECK(crashed[site] || !sites->has_voted_yes[site] || sites->decision[site] >= 0); /* nobody blocks */
        if (crashed[site]) {
            world_restart(sites->world, site - 1);
        }
    }
    clockwork_refresh(clockwork);
    clockwork_run_until(clockwork, 60 * NS_PER_SECOND);
    for (uint32_t site = 1; site <= sites->count; site++) {
        CHECK(!sites->has_voted_yes[site] || sites->decision[site] >= 0);
    }
}

static void check_crashes(enum commit_termination termination)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct sites sites = {.output = NULL};
        struct random random;
        struct clockwork_config timing;
        struct participant_config config = {.protocol = COMMIT_THREE_PHASE, .termination = termination};
        random_seed(&random, seed);
        sites_open(&sites, seed, (uint32_t)random_between(&random, 2, 5), &config, 0);
        clockwork_config_default(&timing);
        struct clockwork *clockwork = clockwork_new(sites.world, &timing);
        clockwork_boot_all(clockwork);
        crash_at_random(&sites, clockwork, &random);
        if (!agree(&sites)) {
            fprintf(stderr, "\nthree-phase, seed %" PRIu64 "\n", seed);
        }
        CHECK(agree(&sites));
        world_free(sites.world);
    }
}

static void three_phase_commit_agrees_when_silence_means_failure(void)
{
    check_crashes(TERMINATION_ELECTED);
}

static void timeouts_alone_agree_when_only_crashes_happen(void)
{
    check_crashes(TERMINATION_TIMEOUTS);
}

/* ---- leaves -------------------------------------------------------------------------------------------------------- */

static void messages_are_read_as_written(void)
{
    for (uint32_t type = 1; commit_message_name(type) != NULL; type++) {
        uint8_t octets[64];
        struct jute_writer writer = jute_writer_of(octets, sizeof octets);
        struct commit_message sent = {7, (enum commit_message_type)type, 3, COMMIT_PRECOMMITTED, 1, 2};
        struct commit_message read;
        commit_message_write(&writer, &sent);
        CHECK(commit_message_read(jute_written(&writer, 0), &read));
        CHECK_INT(read.transaction, 7);
        CHECK_INT(read.type, type);
        CHECK_INT(read.sender, 3);
        CHECK_INT(read.value, COMMIT_PRECOMMITTED);
        CHECK_INT(read.flags, 1);
        CHECK_INT(read.round, 2);
        struct bytes cut = {octets, (int32_t)writer.used - 1};
        CHECK(!commit_message_read(cut, &read));
        octets[7] = 99;
        CHECK(!commit_message_read(jute_written(&writer, 0), &read));
    }
}

static void a_site_closes_what_it_cannot_read(void)
{
    struct sites sites = {.output = NULL};
    struct participant_config config = {.protocol = COMMIT_TWO_PHASE};
    sites_open(&sites, 1, 2, &config, 0);
    world_boot(sites.world, 0);
    world_boot(sites.world, 1);
    uint32_t connection = network_dial(&sites.world->network, 0, CONN_DIALED | 2, 1, CHANNEL_COMMIT);
    network_send(&sites.world->network, link_of(connection, 0), SEGMENT_OCTETS, bytes_of("nonsense"));
    settle(&sites);
    CHECK_INT(sites.world->network.connections[connection].serial, 0);
    CHECK_INT(sites.world->nodes[1].life, LIFE_UP);
    world_free(sites.world);
}

static void no_three_phase_site_is_left_behind_by_termination(void)
{
    struct known_states known = {.protocol = COMMIT_THREE_PHASE, .sites = 3, .me = 2};
    known.answered = site_bit(3);
    known.waiting = site_bit(2) | site_bit(3);
    CHECK_INT(termination_conclude(&known), TERMINATE_ABORT);
    known.waiting = site_bit(2);
    known.precommitted = site_bit(3);
    CHECK_INT(termination_conclude(&known), TERMINATE_COMMIT);
    known.recovering = site_bit(3); /* the failed one's word counts only when all are there */
    CHECK_INT(termination_conclude(&known), TERMINATE_ABORT);
    known.recovering |= site_bit(2);
    CHECK_INT(termination_conclude(&known), TERMINATE_BLOCK);
    known.answered |= site_bit(1);
    known.waiting |= site_bit(1);
    CHECK_INT(termination_conclude(&known), TERMINATE_COMMIT);
}

static void a_digest_covers_every_field(void)
{
    _Alignas(16) static uint8_t region[16384];
    struct participant_config config = {.site = 2, .sites = 3, .protocol = COMMIT_THREE_PHASE};
    participant_config_default(&config);
    struct participant *self = (struct participant *)(void *)participant_create(region, sizeof region, &config);
    self->inbox_count = 1;
    uint64_t before = node_digest(&self->node);
#define CHANGED(field)                                                                                                 \
    do {                                                                                                               \
        __typeof__(field) kept = (field);                                                                              \
        (field) = (__typeof__(field))((field) ^ 1);                                                                    \
        CHECK(node_digest(&self->node) != before);                                                                     \
        (field) = kept;                                                                                                \
        CHECK(node_digest(&self->node) == before);                                                                     \
    } while (0)
    CHANGED(self->config.site);
    CHANGED(self->config.sites);
    CHANGED(self->config.transaction);
    CHANGED(self->config.votes_no);
    CHANGED(self->config.quorum_commit);
    CHANGED(self->config.begin_ms);
    CHANGED(self->config.retry_ms);
    CHANGED(self->config.protocol);
    CHANGED(self->config.termination);
    CHANGED(self->config.quorum_abort);
    CHANGED(self->config.timeout_ms);
    CHANGED(self->booted);
    CHANGED(self->recovering);
    CHANGED(self->leading);
    CHANGED(self->state);
    CHANGED(self->target);
    CHANGED(self->activity);
    CHANGED(self->round);
    CHANGED(self->answered);
    CHANGED(self->electorate);
    CHANGED(self->answer_recovering);
    CHANGED(self->by_state[COMMIT_WAIT]);
    CHANGED(self->ordered_by);
    CHANGED(self->blocked_on);
    CHANGED(self->timer);
    CHANGED(self->conns[3]);
    CHANGED(self->inbox_count);
    CHANGED(self->inbox[0].transaction);
    CHANGED(self->inbox[0].type);
    CHANGED(self->inbox[0].sender);
    CHANGED(self->inbox[0].value);
    CHANGED(self->inbox[0].flags);
    CHANGED(self->inbox[0].round);
#undef CHANGED
    self->timer_at = 5; /* when is not state */
    CHECK(node_digest(&self->node) == before);
}

static const struct test_case cases[] = {
    {"stories come out as written", stories_come_out_as_written},
    {"two-phase commit never disagrees, whatever silence means", two_phase_commit_never_disagrees},
    {"quorum commit never disagrees, whatever silence means", quorum_commit_never_disagrees},
    {"three-phase commit disagrees when silence means nothing",
     three_phase_commit_disagrees_when_silence_means_nothing},
    {"three-phase commit agrees and nobody blocks when silence means failure",
     three_phase_commit_agrees_when_silence_means_failure},
    {"timeouts alone agree when only crashes happen", timeouts_alone_agree_when_only_crashes_happen},
    {"messages are read as written", messages_are_read_as_written},
    {"a site closes what it cannot read", a_site_closes_what_it_cannot_read},
    {"no three-phase site is left behind by termination", no_three_phase_site_is_left_behind_by_termination},
    {"a digest covers every field", a_digest_covers_every_field},
    {NULL, NULL},
};

const struct test_suite test_suite_commit = {"commit", cases};
