/* Moves as lines of text. */
#include <string.h>

#include "protocol/base/ensure.h"
#include "sim/move.h"
#include "sim/record_names.h"
#include "sim/scenario_line.h"

/* ---- names ------------------------------------------------------------------------------------------------------- */

static const char *const kinds[MOVE_KIND_COUNT + 1] = {
    [MOVE_DELIVER] = "deliver", [MOVE_CONNECT_TIMEOUT] = "connect-timeout",
    [MOVE_DEADLINE] = "fire",   [MOVE_DISK] = "disk",
    [MOVE_TASK] = "step",       [MOVE_REQUEST] = "request",
    [MOVE_WAKE_UP] = "wake",    [MOVE_BOOT] = "boot",
    [MOVE_CRASH] = "crash",     [MOVE_KILL] = "kill",
    [MOVE_RESET] = "reset",     [MOVE_PARTITION] = "partition",
    [MOVE_HEAL] = "heal",       [MOVE_PAUSE] = "pause",
    [MOVE_RESUME] = "resume",   [MOVE_FAIL_DISK] = "fail-disk",
};

static const char *const timers[TIMER_COUNT + 1] = {
    [TIMER_NONE] = "none",
    [TIMER_ELECTION_NOTIFY] = "election-notify",
    [TIMER_ELECTION_FINALIZE] = "election-finalize",
    [TIMER_ELECTION_DIAL] = "election-dial",
    [TIMER_LEADER_WAIT] = "leader-wait",
    [TIMER_LEADER_PING] = "leader-ping",
    [TIMER_HANDLER_READ] = "handler-read",
    [TIMER_HANDLER_ACK] = "handler-ack",
    [TIMER_LEARNER_CONNECT] = "learner-connect",
    [TIMER_LEARNER_READ] = "learner-read",
    [TIMER_OBSERVER_DELAY] = "observer-delay",
    [TIMER_SESSION] = "session",
    [TIMER_CONNECTION] = "connection",
    [TIMER_CLIENT_RECONNECT] = "client-reconnect",
    [TIMER_CLIENT_CONNECT] = "client-connect",
    [TIMER_CLIENT_PING] = "client-ping",
    [TIMER_CLIENT_READ] = "client-read",
    [TIMER_RECIPE] = "recipe",
    [TIMER_COMMIT_BEGIN] = "commit-begin",
    [TIMER_COMMIT_TIMEOUT] = "commit-timeout",
    [TIMER_COMMIT_RETRY] = "commit-retry",
    [TIMER_CONTAINERS] = "containers",
    [TIMER_READ_ONLY] = "read-only",
    [TIMER_CLIENT_PROBE] = "client-probe",
};

static const char *const tasks[TASK_COUNT + 1] = {
    [TASK_LOG] = "log",   [TASK_COMMIT] = "commit",     [TASK_FINAL] = "final",
    [TASK_SYNC] = "sync", [TASK_SNAPSHOT] = "snapshot",
};

const char *move_kind_name(enum move_kind kind)
{
    return (unsigned)kind < MOVE_KIND_COUNT ? kinds[kind] : "?";
}

const char *move_timer_name(enum timer timer)
{
    return (unsigned)timer < TIMER_COUNT ? timers[timer] : "?";
}

const char *move_task_name(enum task task)
{
    return (unsigned)task < TASK_COUNT ? tasks[task] : "?";
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

static const char *node_name(const struct world *world, uint32_t node)
{
    return node < world->node_count ? world->nodes[node].name : "?";
}

static void print_connection(const struct world *world, const struct move *move, GString *text)
{
    const char *channel = channel_name((int32_t)move->channel);
    g_string_append_printf(text, " %s %s %s %s", node_name(world, move->node), move->back ? "<-" : "->",
                           node_name(world, move->peer), channel == NULL ? "?" : channel);
    if (move->ordinal > 0) {
        g_string_append_printf(text, "#%u", move->ordinal);
    }
}

/* Session ids are read as hexadecimal numbers, positions as decimal ones. */
static void print_number(uint64_t number, GString *text)
{
    g_string_append_printf(text, number > UINT16_MAX ? " 0x%" G_GINT64_MODIFIER "x" : " %" G_GINT64_MODIFIER "u",
                           number);
}

static void print_side(const struct world *world, uint64_t mask, GString *text)
{
    for (uint32_t i = 0; i < world->node_count && i < MOVE_PARTITION_NODES_MAX; i++) {
        if ((mask >> i & 1U) != 0) {
            g_string_append_printf(text, " %s", world->nodes[i].name);
        }
    }
    g_string_append(text, " | rest");
}

void move_print(const struct world *world, const struct move *move, GString *text)
{
    g_string_append(text, move_kind_name(move->kind));
    switch (move->kind) {
    case MOVE_DELIVER:
    case MOVE_CONNECT_TIMEOUT:
    case MOVE_RESET:
        print_connection(world, move, text);
        return;
    case MOVE_PARTITION:
        print_side(world, move->subject, text);
        return;
    case MOVE_HEAL:
        return;
    case MOVE_DEADLINE:
    case MOVE_DISK:
    case MOVE_TASK:
    case MOVE_REQUEST:
    case MOVE_WAKE_UP:
    case MOVE_BOOT:
    case MOVE_CRASH:
    case MOVE_KILL:
    case MOVE_PAUSE:
    case MOVE_RESUME:
    case MOVE_FAIL_DISK:
        break;
    }
    g_string_append_printf(text, " %s", node_name(world, move->node));
    if (move->kind == MOVE_DEADLINE) {
        g_string_append_printf(text, " %s", move_timer_name(move->timer));
        if (move->subject != 0) {
            print_number(move->subject, text);
        }
    } else if (move->kind == MOVE_DISK || move->kind == MOVE_WAKE_UP) {
        print_number(move->subject, text);
    } else if (move->kind == MOVE_TASK) {
        g_string_append_printf(text, " %s", move_task_name((enum task)move->subject));
    } else if (move->kind == MOVE_CRASH && move->subject != 0) {
        g_string_append(text, " after-disk");
    } else if (move->kind == MOVE_KILL) {
        g_string_append(text, move->subject == LOSS_NONE ? " losing nothing" : " losing unsynced");
    }
}

/* ---- parsing ----------------------------------------------------------------------------------------------------- */

static const char *name_of_node(const void *self, size_t index)
{
    const struct world *world = self;
    return index < world->node_count ? world->nodes[index].name : NULL;
}

static const char *name_of_channel(const void *self, size_t index)
{
    (void)self;
    return channel_name((int32_t)index);
}

/* Takes one of the names; 0 after an error. */
static uint32_t take_name(struct scenario_line *line, const char *what, name_list *names, const void *self)
{
    uint32_t word = line->next;
    const char *text = line_take(line, what);
    const char *name;
    for (uint32_t i = 0; !line->failed && (name = names(self, i)) != NULL; i++) {
        if (strcmp(name, text) == 0) {
            return i;
        }
    }
    line_fail_unknown(line, word, what, text, names, self);
    return 0;
}

static uint32_t take_node(struct scenario_line *line, const struct world *world)
{
    return take_name(line, "node", name_of_node, world);
}

static bool read_number(const char *text, uint64_t *number)
{
    bool is_hex = strncmp(text, "0x", 2) == 0;
    const char *digits = is_hex ? text + 2 : text;
    size_t length = strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789");
    if (length == 0 || digits[length] != '\0') {
        return false;
    }
    return g_ascii_string_to_unsigned(digits, is_hex ? 16 : 10, 0, UINT64_MAX, number, NULL);
}

static uint64_t take_number(struct scenario_line *line)
{
    uint32_t word = line->next;
    uint64_t number = 0;
    const char *text = line_take(line, "a number");
    if (!line->failed && !read_number(text, &number)) {
        line_fail(line, word, "expected a number, such as 7 or 0x1f");
        return 0;
    }
    return number;
}

/* quorum, or quorum#1 for the second of their connections. */
static void take_channel(struct scenario_line *line, struct move *move)
{
    uint32_t word = line->next;
    const char *text = line_take(line, "a channel");
    const char *mark = strchr(text, '#');
    char *name = mark == NULL ? g_strdup(text) : g_strndup(text, (gsize)(mark - text));
    uint64_t ordinal = 0;
    int32_t channel = 0;
    while (channel < CHANNEL_COUNT && strcmp(channel_name(channel), name) != 0) {
        channel++;
    }
    if (channel == CHANNEL_COUNT) {
        line_fail_unknown(line, word, "channel", name, name_of_channel, NULL);
    } else if (mark != NULL && (!read_number(mark + 1, &ordinal) || ordinal > UINT32_MAX)) {
        line_fail(line, word, "expected which of the connections, as in %s#1", name);
    } else {
        move->channel = (enum channel)channel;
        move->ordinal = (uint32_t)ordinal;
    }
    g_free(name);
}

static void take_connection(struct scenario_line *line, const struct world *world, struct move *move)
{
    move->node = take_node(line, world);
    uint32_t word = line->next;
    const char *arrow = line_take(line, "-> or <-");
    move->back = strcmp(arrow, "<-") == 0;
    if (!move->back && strcmp(arrow, "->") != 0) {
        line_fail(line, word, "expected -> or <-");
    } else if (move->back && move->kind != MOVE_DELIVER) {
        line_fail(line, word, "expected ->: the node that dialed comes first");
    }
    move->peer = take_node(line, world);
    take_channel(line, move);
}

static void take_sides(struct scenario_line *line, const struct world *world, struct move *move)
{
    uint32_t word = line->next;
    while (!line->failed && !line_accept(line, "|")) {
        word = line->next;
        uint32_t node = take_node(line, world);
        if (node >= MOVE_PARTITION_NODES_MAX) {
            line_fail(line, word, "only the first %u nodes can be named", MOVE_PARTITION_NODES_MAX);
            return;
        }
        move->subject |= UINT64_C(1) << node;
    }
    if (!line->failed && move->subject == 0) {
        line_fail(line, word, "expected the nodes of one side");
    }
    if (!line_accept(line, "rest")) {
        line_fail(line, line->next, "expected 'rest'");
    }
}

static void take_loss(struct scenario_line *line, struct move *move)
{
    static const char *const losses[] = {"unsynced", "nothing", NULL};
    if (!line_accept(line, "losing")) {
        line_fail(line, line->next, "expected 'losing unsynced' or 'losing nothing'");
        return;
    }
    uint32_t loss = take_name(line, "loss", name_in_strings, losses);
    move->subject = loss == 0 ? LOSS_ALL : LOSS_NONE;
}

/* What follows the node. */
static void take_rest(struct scenario_line *line, struct move *move)
{
    if (move->kind == MOVE_DEADLINE) {
        move->timer = (enum timer)take_name(line, "timer", name_in_strings, timers);
        move->subject = line_peek(line) != NULL ? take_number(line) : 0;
    } else if (move->kind == MOVE_DISK || move->kind == MOVE_WAKE_UP) {
        move->subject = take_number(line);
    } else if (move->kind == MOVE_TASK) {
        move->subject = take_name(line, "task", name_in_strings, tasks);
    } else if (move->kind == MOVE_CRASH) {
        move->subject = line_accept(line, "after-disk");
    } else if (move->kind == MOVE_KILL) {
        take_loss(line, move);
    }
}

bool move_parse_words(struct scenario_line *line, const struct world *world, struct move *move)
{
    *move = (struct move){.kind = (enum move_kind)take_name(line, "move", name_in_strings, kinds)};
    if (move->kind == MOVE_DELIVER || move->kind == MOVE_CONNECT_TIMEOUT || move->kind == MOVE_RESET) {
        take_connection(line, world, move);
    } else if (move->kind == MOVE_PARTITION) {
        take_sides(line, world, move);
    } else if (move->kind != MOVE_HEAL) {
        move->node = take_node(line, world);
        take_rest(line, move);
    }
    line_end(line);
    return !line->failed;
}

bool move_parse(const struct world *world, const char *text, struct move *move, GError **error)
{
    struct scenario_line line = {
        .file = "move",
        .raw = text,
        .number = 1,
        .end_column = 1,
        .storage = g_string_chunk_new(SCENARIO_LINE_OCTETS_MAX),
        .error = error,
    };
    line_split(&line);
    bool parsed = !line.failed && move_parse_words(&line, world, move);
    g_string_chunk_free(line.storage);
    return parsed;
}
