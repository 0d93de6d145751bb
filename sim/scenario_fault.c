#include "sim/scenario_fault.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/storage/disk_image.h"
#include "sim/clock.h"
#include "sim/record_names.h"

/* ---- targets --------------------------------------------------------------------------------------------------- */

struct target_word {
    const char *name; /* one or more words */
    enum selector_kind kind;
    bool is_numbered;
    const char *help;
};

static const struct target_word target_words[] = {
    {"server", SELECT_SERVER, true, "the server with that id; the number alone means the same"},
    {"client", SELECT_CLIENT, true, "that client, from 1"},
    {"leader", SELECT_LEADER, false, "the serving leader of the latest epoch"},
    {"leaders", SELECT_LEADERS, false, "every server that believes to be leading"},
    {"follower", SELECT_ANY_FOLLOWER, false, "as any follower"},
    {"followers", SELECT_FOLLOWERS, false, "all servers that serve as followers"},
    {"observer", SELECT_ANY_OBSERVER, false, "as any observer"},
    {"observers", SELECT_OBSERVERS, false, "all running observers"},
    {"servers", SELECT_SERVERS, false, "all servers"},
    {"participants", SELECT_PARTICIPANTS, false, "all servers that vote"},
    {"clients", SELECT_CLIENTS, false, "all clients"},
    {"any server", SELECT_ANY_SERVER, false, "one server, drawn"},
    {"any participant", SELECT_ANY_PARTICIPANT, false, "one server that votes, drawn"},
    {"any follower", SELECT_ANY_FOLLOWER, false, "one serving follower, drawn"},
    {"any observer", SELECT_ANY_OBSERVER, false, "one running observer, drawn"},
    {"any client", SELECT_ANY_CLIENT, false, "one client, drawn"},
    {"minority", SELECT_MINORITY, false, "as many voting servers as cannot decide, the leader not among them"},
    {"minority with leader", SELECT_MINORITY_WITH_LEADER, false, "as many, the leader among them"},
    {"majority", SELECT_MAJORITY, false, "as few voting servers as can decide, the leader among them"},
    {"majority without leader", SELECT_MAJORITY_WITHOUT_LEADER, false, "as few, the leader not among them"},
    {"all", SELECT_ALL, false, "every node, clients too"},
    {"sites", SELECT_SITES, false, "every site of the atomic commit; the name of one is a target too"},
    {"any site", SELECT_ANY_SITE, false, "one of them, drawn"},
    {"rest", SELECT_REST, false, "every node that the other side does not name"},
    {"rest of servers", SELECT_REST_OF_SERVERS, false, "every server that the other side does not name"},
};

bool scenario_target(size_t index, const char **name, const char **help)
{
    if (index >= ARRAY_LENGTH(target_words)) {
        return false;
    }
    *name = target_words[index].name;
    *help = target_words[index].help;
    return true;
}

const char *scenario_target_names(const void *self, size_t index)
{
    (void)self;
    return index < ARRAY_LENGTH(target_words) ? target_words[index].name : NULL;
}

/* How many of the line's next words are those of `name`; 0 if they are not. */
static uint32_t matching_words(const struct scenario_line *line, const char *name)
{
    uint32_t matched = 0;
    for (const char *at = name; *at != '\0';) {
        size_t length = strcspn(at, " ");
        if (line->next + matched >= line->count) {
            return 0;
        }
        const char *word = line->words[line->next + matched].text;
        if (strlen(word) != length || memcmp(word, at, length) != 0) {
            return 0;
        }
        matched++;
        at += length + strspn(at + length, " ");
    }
    return matched;
}

static const struct target_word *longest_target(const struct scenario_line *line, uint32_t *words)
{
    const struct target_word *longest = NULL;
    *words = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(target_words); i++) {
        uint32_t matched = matching_words(line, target_words[i].name);
        if (matched > *words) {
            *words = matched;
            longest = &target_words[i];
        }
    }
    return longest;
}

/* 0 is no id, but may be a value. */
static bool is_number(const char *word)
{
    return word != NULL && *word != '\0' && strcmp(word, "0") != 0 && strspn(word, "0123456789") == strlen(word);
}

static bool read_site(struct scenario_line *line, struct selector *selector)
{
    uint32_t site = scenario_commit_site(line->commit, line_peek(line));
    line->next += site != 0;
    selector->kind = SELECT_SITE;
    selector->number = site;
    return site != 0;
}

bool scenario_read_selector(struct scenario_line *line, struct selector *selector)
{
    if (line_peek(line) == NULL) {
        return false;
    }
    if (is_number(line_peek(line))) {
        selector->kind = SELECT_SERVER;
        selector->number = (uint32_t)line_take_quantity(line, QUANTITY_COUNT, 1, WORLD_NODES_MAX);
        return true;
    }
    uint32_t words;
    const struct target_word *target = longest_target(line, &words);
    if (target == NULL) {
        return read_site(line, selector);
    }
    line->next += words;
    selector->kind = target->kind;
    selector->number = 0;
    if (target->is_numbered) {
        selector->number = (uint32_t)line_take_quantity(line, QUANTITY_COUNT, 1, WORLD_NODES_MAX);
    }
    return true;
}

static void read_targets(struct scenario_line *line, struct targets *targets)
{
    struct selector selector;
    uint32_t word = line->next;
    targets->count = 0;
    while (!line->failed && scenario_read_selector(line, &selector)) {
        if (targets->count == SCENARIO_SELECTORS_MAX) {
            line_fail(line, word, "more than %u targets", SCENARIO_SELECTORS_MAX);
            return;
        }
        targets->items[targets->count++] = selector;
        word = line->next;
    }
    if (targets->count == 0 && !line->failed) {
        const char *next = line_peek(line);
        if (next == NULL || strcmp(next, "|") == 0 || strcmp(next, "->") == 0) {
            line_fail(line, word, "expected whom, such as 'leader' or 'server 2'");
        } else {
            line_fail_unknown(line, word, "target", next, scenario_target_names, NULL);
        }
    }
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

enum value_form {
    VALUE_NONE,
    VALUE_FACTOR,   /* 500%, kept in percent */
    VALUE_SHARE,    /* 1%, kept in ppm */
    VALUE_DURATION, /* not negative */
    VALUE_STEP,     /* a duration, perhaps negative */
    VALUE_DRIFT,
    VALUE_TIMES, /* next 3 */
    VALUE_FILE,
};

/* What kinds of faults need besides their targets, and what ends them. */
struct fault_form {
    enum value_form value;
    enum fault_kind opposite; /* FAULT_NONE: it does not last */
    int64_t restoring;        /* the opposite's value */
    bool is_directed;         /* a -> b instead of a | b */
};

static const struct fault_form forms[FAULT_KIND_COUNT] = {
    [FAULT_PARTITION] = {.opposite = FAULT_HEAL},
    [FAULT_ONE_WAY] = {.opposite = FAULT_HEAL, .is_directed = true},
    [FAULT_ISOLATE] = {.opposite = FAULT_HEAL},
    [FAULT_SLOW_LINK] = {VALUE_FACTOR, FAULT_SLOW_LINK, 100, false},
    [FAULT_CLOG] = {.opposite = FAULT_UNCLOG, .is_directed = true},
    [FAULT_UNCLOG] = {.is_directed = true},
    [FAULT_LOSS] = {VALUE_SHARE, FAULT_LOSS, 0, false},
    [FAULT_FLAKY] = {VALUE_SHARE, FAULT_FLAKY, 0, false},
    [FAULT_CRASH] = {.opposite = FAULT_RESTART},
    [FAULT_KILL] = {.opposite = FAULT_RESTART},
    [FAULT_TORN_TAIL] = {.opposite = FAULT_RESTART},
    [FAULT_PAUSE] = {.opposite = FAULT_RESUME},
    [FAULT_SLOW_CPU] = {VALUE_FACTOR, FAULT_SLOW_CPU, 100, false},
    [FAULT_DISK_STALL] = {.value = VALUE_DURATION},
    [FAULT_DISK_FULL] = {.opposite = FAULT_DISK_FREE},
    [FAULT_FSYNC_FAIL] = {.value = VALUE_TIMES},
    [FAULT_FLIP_BIT] = {.value = VALUE_FILE},
    [FAULT_CLOCK_OFFSET] = {VALUE_STEP, FAULT_CLOCK_OFFSET, 0, false},
    [FAULT_CLOCK_DRIFT] = {VALUE_DRIFT, FAULT_CLOCK_DRIFT, 0, false},
    [FAULT_CLOCK_JUMP] = {.value = VALUE_STEP},
    [FAULT_DELAY] = {.value = VALUE_DURATION, .is_directed = true},
};

const char *scenario_fault_value(enum fault_kind kind)
{
    switch (forms[kind].value) {
    case VALUE_NONE:
        return NULL;
    case VALUE_FACTOR:
        return "500%";
    case VALUE_SHARE:
        return "1%";
    case VALUE_DURATION:
        return "2s";
    case VALUE_STEP:
        return "-3s";
    case VALUE_DRIFT:
        return "200ppm";
    case VALUE_TIMES:
        return "next 3";
    case VALUE_FILE:
        return "log";
    }
    return NULL;
}

bool scenario_fault_can_end(enum fault_kind kind, enum fault_kind *opposite, int64_t *value)
{
    *opposite = forms[kind].opposite;
    *value = forms[kind].restoring;
    return *opposite != FAULT_NONE;
}

bool scenario_fault_is_directed(enum fault_kind kind)
{
    return forms[kind].is_directed;
}

static const char *file_names(const void *self, size_t index)
{
    (void)self;
    return file_kind_name((int32_t)index);
}

static int64_t take_file_kind(struct scenario_line *line)
{
    uint32_t word = line->next;
    const char *text =
        line_take(line, "log, snapshot, accepted-epoch, current-epoch, commit-log, config or next-config");
    for (int32_t kind = 0; file_kind_name(kind) != NULL; kind++) {
        if (strcmp(file_kind_name(kind), text) == 0) {
            return kind;
        }
    }
    line_fail_unknown(line, word, "kind of file", text, file_names, NULL);
    return 0;
}

static int64_t take_value(struct scenario_line *line, enum value_form form)
{
    switch (form) {
    case VALUE_NONE:
        break;
    case VALUE_FACTOR:
        return line_take_quantity(line, QUANTITY_PERCENT, 10000, INT64_C(60000) * 10000) / 10000;
    case VALUE_SHARE:
        return line_take_quantity(line, QUANTITY_PERCENT, 0, 1000000);
    case VALUE_DURATION:
        return line_take_quantity(line, QUANTITY_DURATION, 0, SCENARIO_TIME_NS_MAX);
    case VALUE_STEP:
        return line_take_quantity(line, QUANTITY_DURATION, -SCENARIO_TIME_NS_MAX, SCENARIO_TIME_NS_MAX);
    case VALUE_DRIFT:
        return line_take_quantity(line, QUANTITY_DRIFT, -CLOCK_DRIFT_PPM_MAX, CLOCK_DRIFT_PPM_MAX);
    case VALUE_TIMES:
        if (!line_accept(line, "next")) {
            line_fail(line, line->next, "expected how many, such as 'next 3'");
            return 0;
        }
        return line_take_quantity(line, QUANTITY_COUNT, 1, 1000000);
    case VALUE_FILE:
        return take_file_kind(line);
    }
    return 0;
}

/* ---- the statement --------------------------------------------------------------------------------------------- */

static const char *fault_names(const void *self, size_t index)
{
    (void)self;
    enum fault_kind kind;
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++) {
        const char *name = fault_info((enum fault_kind)i)->name;
        if (fault_find(name, &kind) && index-- == 0) {
            return name;
        }
    }
    return NULL;
}

static void read_both_targets(struct scenario_line *line, struct scenario_fault *fault)
{
    read_targets(line, &fault->a);
    if (line->failed) {
        return;
    }
    const char *separator = forms[fault->kind].is_directed ? "->" : "|";
    if (!line_accept(line, separator)) {
        line_fail(line, line->next, "expected '%s' and whom else", separator);
        return;
    }
    read_targets(line, &fault->b);
}

static void read_all_targets(struct scenario_line *line, struct scenario_fault *fault)
{
    switch (fault_info(fault->kind)->targets) {
    case FAULT_TARGETS_NONE:
        return;
    case FAULT_TARGETS_NODES:
        read_targets(line, &fault->a);
        return;
    case FAULT_TARGETS_PAIR:
        read_both_targets(line, fault);
        return;
    case FAULT_TARGETS_OPTIONAL:
        if (line_peek(line) != NULL) {
            read_both_targets(line, fault);
        }
        return;
    }
}

static void read_lasting(struct scenario_line *line, struct scenario_fault *fault)
{
    uint32_t word = line->next;
    if (!line_accept(line, "for")) {
        return;
    }
    if (forms[fault->kind].opposite == FAULT_NONE) {
        line_fail(line, word, "'%s' does not last, so 'for' means nothing", fault_info(fault->kind)->name);
        return;
    }
    fault->lasts = line_take_span(line);
    if (!line->failed && fault->lasts.most == 0) {
        line_fail(line, line->next - 1, "it has to last for some time");
    }
}

static bool has_rest(const struct targets *targets)
{
    for (uint32_t i = 0; i < targets->count; i++) {
        if (targets->items[i].kind == SELECT_REST || targets->items[i].kind == SELECT_REST_OF_SERVERS) {
            return true;
        }
    }
    return false;
}

void scenario_read_fault(struct scenario_line *line, struct scenario_fault *fault)
{
    uint32_t first = line->next;
    const char *name = line_take(line, "a fault, such as 'kill leader'");
    if (line->failed) {
        return;
    }
    if (!fault_find(name, &fault->kind)) {
        line_fail_unknown(line, first, "fault", name, fault_names, NULL);
        return;
    }
    read_all_targets(line, fault);
    if (has_rest(&fault->a) && (has_rest(&fault->b) || fault->b.count == 0)) {
        line_fail(line, first, "'rest' needs another side that names nodes");
    }
    if (!line->failed) {
        fault->value = take_value(line, forms[fault->kind].value);
        read_lasting(line, fault);
        line_end(line);
    }
    if (!line->failed) {
        fault->text = line_text(line, first);
    }
}
