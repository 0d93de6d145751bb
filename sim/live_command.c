#include "sim/live_command.h"

#include <inttypes.h>
#include <string.h>

#include "protocol/server/server.h"
#include "sim/clockwork.h"
#include "sim/ensemble.h"
#include "sim/role.h"

struct command {
    const char *name, *arguments, *help;
    bool (*run)(struct live *live, const char *arguments, GString *answer);
};

/* ---- state ----------------------------------------------------------------------------------------------------- */

static const char *life_name(const struct world_node *node)
{
    if (node->life == LIFE_OFF) {
        return "without power";
    }
    if (node->life == LIFE_DOWN) {
        return node->starting ? "starting" : "down";
    }
    return node->paused ? "paused" : "up";
}

struct counting {
    server_id_t server;
    uint32_t connections;
};

static void count_connection(void *self, server_id_t server, const char *name, const struct tapped *tapped)
{
    (void)name;
    (void)tapped;
    struct counting *counting = self;
    counting->connections += server == counting->server;
}

static void add_role(GString *answer, const struct world *world, const struct server_status *status)
{
    switch (status->state) {
    case PEER_LOOKING:
        g_string_append(answer, "looking");
        return;
    case PEER_LEADING:
        g_string_append(answer, status->serving ? "leads" : "is about to lead");
        return;
    case PEER_FOLLOWING:
    case PEER_OBSERVING:
        break;
    }
    uint32_t leader = status->leader > 0 ? world->node_of_server[status->leader] : NODE_NONE;
    g_string_append_printf(answer, "%s %s%s", status->state == PEER_OBSERVING ? "observes" : "follows",
                           leader == NODE_NONE ? "?" : world->nodes[leader].name,
                           status->serving ? "" : ", not yet serving");
}

static void add_server(const struct live *live, uint32_t index, GString *answer)
{
    const struct world *world = live_world(live);
    const struct world_node *node = &world->nodes[index];
    struct counting counting = {.server = node->server};
    live_ports_visit(live_ports(live), count_connection, &counting);
    g_string_append_printf(answer, "%-10s port %-5u %-8s ", node->name,
                           live_ports_number(live_ports(live), node->server), life_name(node));
    if (node->life == LIFE_UP) {
        struct server_status status;
        server_status(node->node, &status);
        add_role(answer, world, &status);
        g_string_append_printf(
            answer,
            ", epoch %" PRId64 ", zxid 0x%" PRIx64 ", %" PRIu64 " znodes, %" PRIu64 " sessions, %" PRIu64 " watches, ",
            status.current_epoch, (uint64_t)status.last_processed, status.znodes, status.sessions, status.watches);
    }
    g_string_append_printf(answer, "%u connections\n", counting.connections);
}

struct listing {
    const struct world *world;
    GString *answer;
};

static void add_connection(void *self, server_id_t server, const char *name, const struct tapped *tapped)
{
    const struct listing *listing = self;
    const char *node = listing->world->nodes[listing->world->node_of_server[server]].name;
    session_id_t session = live_tap_session(tapped);
    if (session == 0) {
        g_string_append_printf(listing->answer, "%s at %s, without a session\n", name, node);
    } else {
        g_string_append_printf(listing->answer, "%s at %s, session 0x%" PRIx64 ", %u requests waiting\n", name, node,
                               (uint64_t)session, live_tap_waiting(tapped));
    }
}

static void add_blocked(const struct world *world, GString *answer)
{
    for (uint32_t from = 0; from < world->node_count; from++) {
        for (uint32_t to = 0; to < world->node_count; to++) {
            const struct path *path = network_path(&world->network, from, to);
            if (path->blocked || path->clogged) {
                g_string_append_printf(answer, "nothing gets from %s to %s\n", world->nodes[from].name,
                                       world->nodes[to].name);
            }
        }
    }
}

static bool tell_state(struct live *live, const char *arguments, GString *answer)
{
    (void)arguments;
    const struct world *world = live_world(live);
    const struct ensemble *ensemble = simulation_ensemble(live_simulation(live));
    g_string_append_printf(answer, "%.3fs, %u operations recorded\n", (double)world->now / (double)NS_PER_SECOND,
                           live_record(live)->operations->len);
    for (uint32_t i = 0; i < ensemble->server_count; i++) {
        add_server(live, ensemble->servers[i], answer);
    }
    add_blocked(world, answer);
    struct listing listing = {world, answer};
    live_ports_visit(live_ports(live), add_connection, &listing);
    return true;
}

/* ---- check, quit, help -------------------------------------------------------------------------------------------- */

static bool check_now(struct live *live, const char *arguments, GString *answer)
{
    (void)arguments;
    char *text = live_options(live)->check(live_record(live));
    g_string_append(answer, text);
    g_free(text);
    return true;
}

static bool refer(struct live *live, const char *arguments, GString *answer)
{
    (void)live;
    (void)arguments;
    g_string_append(answer, "a client asks for that: 'zksim ctl reconfig ...' is one, or any other with a session\n");
    return false;
}

static bool quit(struct live *live, const char *arguments, GString *answer)
{
    (void)arguments;
    live_quit(live);
    g_string_append(answer, "ends now\n");
    return true;
}

static bool help(struct live *live, const char *arguments, GString *answer);

/* ---- expire ------------------------------------------------------------------------------------------------------ */

/* The leader's own deadline for the session, whose time has not come: the explorer makes it happen like that too. */
static bool find_deadline(const struct node *leader, session_id_t session, struct deadline *found)
{
    size_t count = node_deadlines(leader, NULL, 0);
    struct deadline *deadlines = g_new(struct deadline, count + 1);
    count = node_deadlines(leader, deadlines, count);
    bool is_there = false;
    for (size_t i = 0; i < count && !is_there; i++) {
        is_there = deadlines[i].timer == TIMER_SESSION && deadlines[i].subject == (uint64_t)session;
        *found = deadlines[i];
    }
    g_free(deadlines);
    return is_there;
}

static bool expire(struct live *live, const char *arguments, GString *answer)
{
    struct world *world = live_world(live);
    char *end = NULL;
    const char *number = g_str_has_prefix(arguments, "session ") ? arguments + strlen("session ") : "";
    session_id_t session = (session_id_t)g_ascii_strtoull(number, &end, 0);
    if (*number == '\0' || *end != '\0' || session == 0) {
        g_string_append(answer, "expected which, such as 'expire session 0x100012345670000'; 'state' lists them\n");
        return false;
    }
    uint32_t leader = role_leader(world);
    if (leader == NODE_NONE || world->nodes[leader].paused) {
        g_string_append(answer,
                        "no leader serves now, and only a leader expires sessions; 'state' shows who does what\n");
        return false;
    }
    struct deadline deadline;
    if (!find_deadline(world->nodes[leader].node, session, &deadline)) {
        g_string_append_printf(answer,
                               "%s knows no open session 0x%" PRIx64 "; 'state' lists those of connected clients\n",
                               world->nodes[leader].name, (uint64_t)session);
        return false;
    }
    world_perform(world, &(struct world_event){.kind = EVENT_DEADLINE, .node = leader, .deadline = deadline});
    world_announce(world, FRESH_NODE, leader);
    live_stir(live);
    g_string_append_printf(answer, "%s expires session 0x%" PRIx64 "\n", world->nodes[leader].name, (uint64_t)session);
    return true;
}

/* ---- observe: what an application believes --------------------------------------------------------------------------- */

#define GROUP_MAX 255

static bool find_belief(const char *name, enum observation_type *type)
{
    for (int i = OBSERVE_ACQUIRED; i < OBSERVATION_COUNT; i++) {
        if (strcmp(observation_name((enum observation_type)i), name) == 0) {
            *type = (enum observation_type)i;
            return true;
        }
    }
    return false;
}

/* Numbers up to `by`; false if there is something else. */
static bool read_values(char **words, struct observation *observation, guint *used)
{
    guint i = 0;
    for (; words[i] != NULL && strcmp(words[i], "by") != 0; i++) {
        char *end = NULL;
        if (i == ARRAY_LENGTH(observation->value)) {
            return false;
        }
        observation->value[i] = g_ascii_strtoll(words[i], &end, 0);
        if (end == words[i] || *end != '\0') {
            return false;
        }
    }
    *used = i;
    return i > 0 && observation->value[0] >= 0 && observation->value[0] <= GROUP_MAX;
}

static bool read_session(char **words, session_id_t *session)
{
    char *end = NULL;
    if (g_strv_length(words) != 3 || strcmp(words[0], "by") != 0 || strcmp(words[1], "session") != 0) {
        return false;
    }
    *session = (session_id_t)g_ascii_strtoull(words[2], &end, 0);
    return end != words[2] && *end == '\0';
}

static bool note_belief(const struct live *live, char **words, GString *answer)
{
    struct observation_row row = {.time_ns = (int64_t)live_world(live)->now};
    struct record *record = live_world(live)->record;
    session_id_t session = 0;
    uint32_t client = 0;
    guint used = 0;
    if (words[0] == NULL || !find_belief(words[0], &row.observation.type) ||
        !read_values(words + 1, &row.observation, &used) || !read_session(words + 1 + used, &session)) {
        g_string_append(answer,
                        "expected what, its numbers (the first one is the group, 0 to 255) and who, such as 'observe "
                        "acquired 1 42 1 by session 0x100012345670000'\n");
        return false;
    }
    if (!live_tap_find_client(live_tap(live), session, &client)) {
        g_string_append_printf(answer, "no client ever had session 0x%" PRIx64 " here\n", (uint64_t)session);
        return false;
    }
    if (record != NULL) {
        row.node = (int32_t)client;
        row.seq = record_next_seq(record);
        g_array_append_val(record->observations, row);
    }
    g_string_append_printf(answer, "%s noted of session 0x%" PRIx64 "\n", words[0], (uint64_t)session);
    return true;
}

static bool observe(struct live *live, const char *arguments, GString *answer)
{
    char **words = g_strsplit(arguments, " ", LIVE_COMMAND_OCTETS_MAX);
    bool ok = note_belief(live, words, answer);
    g_strfreev(words);
    return ok;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const struct command commands[] = {
    {"state", "", "who runs, who leads, who is connected", tell_state},
    {"expire", "session ID", "the leader gives that session up now", expire},
    {"observe", "WHAT N... by session ID", "what an application believes, for the guarantees of locks and the like",
     observe},
    {"reconfig", "add N remove N", "a client's request; only with 'zksim ctl', which is one for it", refer},
    {"check", "", "the verdicts on what was recorded so far", check_now},
    {"help", "", "this list", help},
    {"quit", "", "ends, checks and prints the verdicts", quit},
};

static bool help(struct live *live, const char *arguments, GString *answer)
{
    (void)live;
    (void)arguments;
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        g_string_append_printf(answer, "  %-9s%-23s%s\n", commands[i].name, commands[i].arguments, commands[i].help);
    }
    g_string_append(answer,
                    "  FAULT                           at once, as in a scenario: kill leader; restart all; pause "
                    "server 2 for 5s;\n"
                    "                                  partition leader | rest; partition clients | server 1; heal\n"
                    "  at TIME FAULT, every TIME FAULT, when OBSERVATION FAULT   as in a scenario\n"
                    "'clients' means the real ones too.  All words: zksim list words, zksim list faults\n");
    return true;
}

static const struct command *find_command(const char *line, const char **arguments)
{
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        size_t length = strlen(commands[i].name);
        if (strncmp(line, commands[i].name, length) == 0 && (line[length] == '\0' || line[length] == ' ')) {
            *arguments = line + length + (line[length] == ' ');
            return &commands[i];
        }
    }
    return NULL;
}

static bool is_timed(const char *line)
{
    return g_str_has_prefix(line, "at ") || g_str_has_prefix(line, "every ") || g_str_has_prefix(line, "when");
}

static bool inject(struct live *live, const char *line, GString *answer)
{
    GError *error = NULL;
    live_forget_deeds(live);
    if (!simulation_command(live_simulation(live), line, live_options(live)->vocabulary, &error)) {
        const char *place = error == NULL ? "expected a fault or a question; 'help' lists them" : error->message;
        const char *prefix = g_str_has_prefix(place, "line:1:") ? "column " : "";
        g_string_append_printf(answer, "%s%s\n", prefix, *prefix == '\0' ? place : place + strlen("line:1:"));
        g_clear_error(&error);
        return false;
    }
    live_stir(live);
    if (*live_deeds(live) != '\0') {
        g_string_append(answer, live_deeds(live));
        return true;
    }
    if (is_timed(line)) {
        g_string_append(answer, "noted\n");
        return true;
    }
    g_string_append_printf(answer, "'%s' means nobody now; 'state' shows who does what\n", line);
    return false;
}

bool live_command(struct live *live, const char *line, GString *answer)
{
    char *clean = g_strstrip(g_strdup(line));
    const char *arguments = "";
    const struct command *command = find_command(clean, &arguments);
    live_catch_up(live);
    bool ok = true;
    if (command != NULL) {
        ok = command->run(live, arguments, answer);
    } else if (*clean != '\0') {
        ok = inject(live, clean, answer);
    }
    g_free(clean);
    return ok;
}
