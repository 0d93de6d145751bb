#include "sim/scenario_words.h"

#include <string.h>

#include "protocol/recipes/recipe.h"
#include "sim/chaos.h"
#include "sim/message_name.h"
#include "sim/scenario_fault.h"
#include "sim/scenario_observation.h"

/* ---- what there is --------------------------------------------------------------------------------------------- */

static void parse_title(struct scenario_line *line, struct scenario *scenario)
{
    line_take(line, "a title");
    if (line->failed) {
        return;
    }
    scenario->title = g_utf8_make_valid(line->raw + line->words[1].column - 1, -1);
    line->next = line->count;
}

static const char *choice_names(const void *self, size_t index)
{
    const enum setting *setting = self;
    return setting_choice(*setting, index);
}

/* A number may be a range; a preset is one of its names. */
static void take_setting(struct scenario_line *line, struct scenario *scenario, enum setting setting)
{
    const struct setting_info *info = setting_info(setting);
    uint32_t word = line->next;
    if (scenario->settings.given[setting]) {
        line_fail(line, word, "'%s' was set before", info->name);
    }
    if (info->type == SETTING_IS_QUANTITY) {
        int64_t value = line_take_quantity(line, info->quantity, info->least, info->most);
        if (!line->failed) {
            settings_set_number(&scenario->settings, setting, value);
        }
        return;
    }
    const char *text = line_take(line, "a preset");
    if (!line->failed && settings_set(&scenario->settings, setting, text) != SETTING_OK) {
        line_fail_unknown(line, word, info->name, text, choice_names, &setting);
    }
}

static void parse_servers(struct scenario_line *line, struct scenario *scenario)
{
    take_setting(line, scenario, SETTING_SERVERS);
}

static void parse_observers(struct scenario_line *line, struct scenario *scenario)
{
    take_setting(line, scenario, SETTING_OBSERVERS);
}

static void parse_clients(struct scenario_line *line, struct scenario *scenario)
{
    take_setting(line, scenario, SETTING_CLIENTS);
}

static void parse_network(struct scenario_line *line, struct scenario *scenario)
{
    take_setting(line, scenario, SETTING_NETWORK);
}

static void parse_disk(struct scenario_line *line, struct scenario *scenario)
{
    take_setting(line, scenario, SETTING_DISK);
}

static const char *setting_names(const void *self, size_t index)
{
    (void)self;
    return index < SETTING_COUNT ? setting_info((enum setting)index)->name : NULL;
}

static void parse_set(struct scenario_line *line, struct scenario *scenario)
{
    uint32_t word = line->next;
    const char *name = line_take(line, "a setting, such as tickTime");
    enum setting setting;
    if (line->failed) {
        return;
    }
    if (!setting_find(name, &setting)) {
        line_fail_unknown(line, word, "setting", name, setting_names, NULL);
        return;
    }
    take_setting(line, scenario, setting);
}

static const char *flaw_names(const void *self, size_t index)
{
    (void)self;
    return index < FLAW_COUNT ? flaw_info((enum flaw)index)->name : NULL;
}

static void parse_flaw(struct scenario_line *line, struct scenario *scenario)
{
    uint32_t word = line->next;
    const char *name = line_take(line, "the name of a flaw");
    enum flaw flaw;
    if (line->failed) {
        return;
    }
    if (!flaw_find(name, &flaw)) {
        line_fail_unknown(line, word, "flaw", name, flaw_names, NULL);
        return;
    }
    flaw_turn_on(&scenario->flaws, flaw);
}

/* ---- workloads ------------------------------------------------------------------------------------------------- */

static const char *workload_names(const void *self, size_t index)
{
    (void)self;
    return index < WORKLOAD_COUNT ? workload_info((enum workload_kind)index)->name : NULL;
}

static const char *parameter_names(const void *self, size_t index)
{
    const struct workload_info *info = self;
    if (index == 0) {
        return "path";
    }
    if (info->recipe != NULL && --index == 0) {
        return "variant";
    }
    for (unsigned i = 0; i < WORKLOAD_PARAMETER_COUNT; i++) {
        if ((info->parameters >> i & 1U) != 0 && --index == 0) {
            return workload_parameter_info((enum workload_parameter)i)->name;
        }
    }
    return NULL;
}

static const struct workload_parameter_info *parameter_named(const char *name)
{
    for (size_t i = 0; i < WORKLOAD_PARAMETER_COUNT; i++) {
        const struct workload_parameter_info *info = workload_parameter_info((enum workload_parameter)i);
        if (strcmp(info->name, name) == 0) {
            return info;
        }
    }
    return NULL;
}

/* The text of a value, a range replaced by what was drawn from it. */
static char *drawn_value(struct scenario_line *line, uint32_t word, const char *name, const char *text)
{
    const struct workload_parameter_info *info = parameter_named(name);
    int64_t least, most;
    if (info == NULL || strstr(text, "..") == NULL) {
        return g_strdup(text);
    }
    char drawn[QUANTITY_TEXT_MAX] = "";
    if (line_read_range(line, word, text, info->quantity, &least, &most)) {
        if (least < info->least || most > info->most) {
            line_fail(line, word, "'%s' is out of range", name);
        }
        int64_t value = least + (int64_t)random_between(&line->random, 0, (uint64_t)(most - least));
        quantity_print(info->quantity, value, drawn);
    }
    return g_strdup(drawn);
}

static const char *variant_names(const void *self, size_t index)
{
    const char *const *variants = self;
    return variants[index];
}

static void fail_out_of_range(struct scenario_line *line, uint32_t word, const struct workload_parameter_info *info)
{
    char least[QUANTITY_TEXT_MAX];
    char most[QUANTITY_TEXT_MAX];
    quantity_print(info->quantity, info->least, least);
    quantity_print(info->quantity, info->most, most);
    line_fail(line, word, "'%s' is out of range: from %s to %s is possible", info->name, least, most);
}

static void set_parameter(struct scenario_line *line, uint32_t word, struct workload_setting *setting, const char *name,
                          const char *text)
{
    const struct workload_parameter_info *info = parameter_named(name);
    switch (workload_set(setting, name, text)) {
    case WORKLOAD_SET_OK:
        break;
    case WORKLOAD_SET_UNKNOWN:
        line_fail_unknown(line, word, "parameter", name, parameter_names, workload_info(setting->kind));
        break;
    case WORKLOAD_SET_BAD_VALUE:
        if (strcmp(name, "variant") == 0) {
            const struct recipe *recipe = workload_info(setting->kind)->recipe;
            line_fail_unknown(line, word, "variant", text, variant_names, recipe->variants);
            break;
        }
        line_fail(line, word, "the value of '%s' is not %s", name,
                  info == NULL ? "an absolute path, such as /x" : quantity_example(info->quantity));
        break;
    case WORKLOAD_SET_OUT_OF_RANGE:
        fail_out_of_range(line, word, info);
        break;
    }
}

/* NAME=VALUE; returns where the value starts in a copy that holds both, NULL after a complaint. */
static char *take_pair(struct scenario_line *line, char **value)
{
    uint32_t word = line->next;
    char *pair = g_strdup(line_take(line, "NAME=VALUE"));
    *value = strchr(pair, '=');
    if (line->failed || *value == NULL) {
        line_fail(line, word, "expected NAME=VALUE");
        g_free(pair);
        return NULL;
    }
    *(*value)++ = '\0';
    return pair;
}

static void parse_workload(struct scenario_line *line, struct scenario *scenario)
{
    uint32_t word = line->next;
    const char *name = line_take(line, "the name of a workload");
    enum workload_kind kind;
    if (line->failed) {
        return;
    }
    if (!workload_find(name, &kind)) {
        line_fail_unknown(line, word, "workload", name, workload_names, NULL);
        return;
    }
    struct workload_setting setting;
    workload_setting_default(&setting, kind);
    while (line_peek(line) != NULL) {
        char *value;
        word = line->next;
        char *pair = take_pair(line, &value);
        if (pair == NULL) {
            return;
        }
        char *drawn = drawn_value(line, word, pair, value);
        if (!line->failed) {
            set_parameter(line, word, &setting, pair, drawn);
        }
        g_free(drawn);
        g_free(pair);
    }
    if (scenario->workloads->len == WORKLOADS_MAX) {
        line_fail(line, 0, "more than %d workloads", WORKLOADS_MAX);
    }
    g_array_append_val(scenario->workloads, setting);
}

/* ---- faults ---------------------------------------------------------------------------------------------------- */

static void read_fault(struct scenario_line *line, struct scenario *scenario, struct scenario_fault *fault)
{
    fault->line = line->number;
    if (scenario->faults->len == SCENARIO_FAULTS_MAX) {
        line_fail(line, 0, "more than %u faults", SCENARIO_FAULTS_MAX);
    }
    if (!line->failed) {
        scenario_read_fault(line, fault);
    }
    if (!line->failed) {
        g_array_append_val(scenario->faults, *fault);
    }
}

void scenario_parse_fault(struct scenario_line *line, struct scenario *scenario)
{
    struct scenario_fault fault = {.trigger = TRIGGER_AT};
    read_fault(line, scenario, &fault);
}

static void parse_at(struct scenario_line *line, struct scenario *scenario)
{
    struct scenario_fault fault = {.trigger = TRIGGER_AT};
    fault.at_ns = line_take_quantity(line, QUANTITY_DURATION, 0, SCENARIO_TIME_NS_MAX);
    read_fault(line, scenario, &fault);
}

static void parse_every(struct scenario_line *line, struct scenario *scenario)
{
    struct scenario_fault fault = {.trigger = TRIGGER_EVERY};
    uint32_t word = line->next;
    fault.period = line_take_span(line);
    if (!line->failed && fault.period.least < (int64_t)NS_PER_MS) {
        line_fail(line, word, "a period needs at least 1ms");
    }
    read_fault(line, scenario, &fault);
}

/* Who says or sends it: a single word for nodes. */
static void take_selector(struct scenario_line *line, struct selector *selector)
{
    uint32_t word = line->next;
    if (!scenario_read_selector(line, selector)) {
        const char *next = line_peek(line);
        line_fail_unknown(line, word, "node", next == NULL ? "" : next, scenario_target_names, NULL);
    } else if (selector->kind == SELECT_REST || selector->kind == SELECT_REST_OF_SERVERS) {
        line_fail(line, word, "'rest' needs another side that names nodes");
    }
}

/* TARGET sends|receives: nothing is consumed if the line goes on with something else. */
static bool accept_message_trigger(struct scenario_line *line, struct scenario_fault *fault)
{
    uint32_t start = line->next;
    bool is_selector = scenario_read_selector(line, &fault->by);
    if (is_selector && line_accept(line, "sends")) {
        fault->trigger = TRIGGER_SENDS;
        return true;
    }
    if (is_selector && line_accept(line, "receives")) {
        fault->trigger = TRIGGER_RECEIVES;
        return true;
    }
    if (!line->failed) {
        line->next = start;
    }
    return false;
}

static void read_message(struct scenario_line *line, struct scenario_fault *fault)
{
    uint32_t word = line->next;
    const char *name = line_take(line, "a message, such as 'precommit' or 'PROPOSAL'");
    const char *near = line->failed ? NULL : nearest_name(name, message_names, NULL);
    if (near == NULL || strcmp(near, name) != 0) {
        line_fail_unknown(line, word, "message", name, message_names, NULL);
    }
    g_strlcpy(fault->message, name, sizeof fault->message);
    if (line_accept(line, fault->trigger == TRIGGER_SENDS ? "to" : "from")) {
        fault->is_peer = true;
        take_selector(line, &fault->peer);
    }
}

static void read_when(struct scenario_line *line, struct scenario *scenario, bool again)
{
    struct scenario_fault fault = {.trigger = TRIGGER_WHEN, .again = again};
    if (accept_message_trigger(line, &fault)) {
        fault.is_by = true;
        read_message(line, &fault);
    } else {
        scenario_read_observation(line, &fault.observation);
        if (line_accept(line, "by")) {
            fault.is_by = true;
            take_selector(line, &fault.by);
        }
    }
    if (line_accept(line, "since")) {
        fault.at_ns = line_take_quantity(line, QUANTITY_DURATION, 0, SCENARIO_TIME_NS_MAX);
    }
    if (line_accept(line, "after")) {
        fault.after = line_take_span(line);
    }
    read_fault(line, scenario, &fault);
}

static void parse_when(struct scenario_line *line, struct scenario *scenario)
{
    read_when(line, scenario, false);
}

static void parse_whenever(struct scenario_line *line, struct scenario *scenario)
{
    read_when(line, scenario, true);
}

/* kinds=crash,partition,... */
static void read_chaos_kinds(struct scenario_line *line, uint32_t word, const char *list, struct scenario *scenario)
{
    char **names = g_strsplit(list, ",", 64);
    for (char **name = names; *name != NULL && !line->failed; name++) {
        enum fault_kind kind;
        if (!fault_find(*name, &kind) || (chaos_kinds() >> kind & 1U) == 0) {
            line_fail(line, word, "chaos does not know the fault '%.40s'", *name);
        } else {
            scenario->chaos_kinds |= 1U << kind;
        }
    }
    g_strfreev(names);
}

static const char *const chaos_parameters[] = {"kinds",  "crash-gap",  "network-gap", "other-gap",
                                               "outage", "ambush-gap", NULL};

static void set_chaos(struct scenario_line *line, uint32_t word, const char *name, const char *text,
                      struct scenario *scenario)
{
    int64_t *times[] = {&scenario->chaos_crash_gap_ns, &scenario->chaos_network_gap_ns, &scenario->chaos_other_gap_ns,
                        &scenario->chaos_outage_ns, &scenario->chaos_ambush_gap_ns};
    if (strcmp(name, chaos_parameters[0]) == 0) {
        read_chaos_kinds(line, word, text, scenario);
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
        int64_t least, most;
        if (strcmp(name, chaos_parameters[i + 1]) != 0) {
            continue;
        }
        if (line_read_range(line, word, text, QUANTITY_DURATION, &least, &most)) {
            if (least < (int64_t)NS_PER_MS || most > SCENARIO_TIME_NS_MAX) {
                line_fail(line, word, "'%s' is out of range: from 1ms to 168h is possible", name);
                return;
            }
            *times[i] = least + (int64_t)random_between(&line->random, 0, (uint64_t)(most - least));
        }
        return;
    }
    line_fail_unknown(line, word, "parameter", name, name_in_strings, chaos_parameters);
}

static void parse_chaos(struct scenario_line *line, struct scenario *scenario)
{
    scenario->has_chaos = true;
    while (line_peek(line) != NULL && strchr(line_peek(line), '=') != NULL) {
        char *value;
        uint32_t word = line->next;
        char *pair = take_pair(line, &value);
        if (pair != NULL) {
            set_chaos(line, word, pair, value, scenario);
        }
        g_free(pair);
    }
    uint32_t word = line->next;
    struct span span = line_take_span(line);
    if (!line->failed && span.least == span.most) {
        line_fail(line, word, "expected from when until when, such as 5s..60s");
    }
    scenario->chaos_from_ns = span.least;
    scenario->chaos_until_ns = span.most;
}

/* ---- time and expectations ------------------------------------------------------------------------------------- */

static void parse_quiet(struct scenario_line *line, struct scenario *scenario)
{
    if (!line_accept(line, "from")) {
        line_fail(line, line->next, "expected 'from'");
    }
    scenario->quiet_from_ns = line_take_quantity(line, QUANTITY_DURATION, 1, SCENARIO_TIME_NS_MAX);
}

static void parse_seeds(struct scenario_line *line, struct scenario *scenario)
{
    uint32_t word = line->next;
    const char *text = line_take(line, "a seed or a range of seeds, such as 7 or 1..20");
    const char *dots = strstr(text, "..");
    char *first = dots == NULL ? g_strdup(text) : g_strndup(text, (gsize)(dots - text));
    if (!line->failed && (!g_ascii_string_to_unsigned(first, 10, 0, UINT64_MAX / 2, &scenario->first_seed, NULL) ||
                          !g_ascii_string_to_unsigned(dots == NULL ? first : dots + 2, 10, scenario->first_seed,
                                                      UINT64_MAX / 2, &scenario->last_seed, NULL))) {
        line_fail(line, word, "expected a seed or a range of seeds, such as 7 or 1..20");
    }
    scenario->has_seeds = true;
    g_free(first);
}

static void parse_run(struct scenario_line *line, struct scenario *scenario)
{
    if (!line_accept(line, "for")) {
        line_fail(line, line->next, "expected 'for'");
    }
    scenario->run_for_ns = line_take_quantity(line, QUANTITY_DURATION, (int64_t)NS_PER_MS, SCENARIO_TIME_NS_MAX);
}

static void read_within(struct scenario_line *line, struct scenario *scenario, const char *guarantee)
{
    uint32_t word = line->next;
    if (!line_accept(line, "within")) {
        return;
    }
    scenario->available_within_ns = line_take_quantity(line, QUANTITY_DURATION, 1, SCENARIO_TIME_NS_MAX);
    if (strcmp(guarantee, "available-after-heal") != 0) {
        line_fail(line, word, "only available-after-heal has a bound in time");
    }
}

static const char *take_guarantee(struct scenario_line *line)
{
    uint32_t word = line->next;
    const char *name = line_take(line, "'all guarantees', 'violated', 'observed' or a guarantee");
    const char *near = line->failed ? NULL : nearest_name(name, name_in_strings, line->vocabulary->guarantees);
    if (near == NULL || strcmp(near, name) != 0) {
        line_fail_unknown(line, word, "guarantee", name, name_in_strings, line->vocabulary->guarantees);
    }
    return name;
}

static void parse_expect(struct scenario_line *line, struct scenario *scenario)
{
    struct expectation expectation = {.kind = EXPECT_HOLDS};
    if (line_accept(line, "all")) {
        expectation.kind = EXPECT_ALL;
        if (!line_accept(line, "guarantees")) {
            line_fail(line, line->next, "expected 'guarantees'");
        }
    } else if (line_accept(line, "observed")) {
        uint32_t word = line->next;
        expectation.kind = EXPECT_OBSERVED;
        scenario_read_observation(line, &expectation.observation);
        expectation.name = line_text(line, word);
    } else {
        expectation.kind = line_accept(line, "violated") ? EXPECT_VIOLATED : EXPECT_HOLDS;
        expectation.name = g_strdup(take_guarantee(line));
        read_within(line, scenario, expectation.name);
    }
    g_array_append_val(scenario->expectations, expectation);
}

/* ---- the table, in the order of the reference ------------------------------------------------------------------- */

const struct statement statements[] = {
    {"title", "title TEXT", "what the scenario shows, in a sentence", false, parse_title},
    {"servers", "servers N", "how many servers vote", false, parse_servers},
    {"observers", "observers N", "how many more follow without a vote", false, parse_observers},
    {"groups", "groups N N|N N ...",
     "servers, all that vote, in groups: a quorum has more than half the weight in more than half of the groups", false,
     scenario_parse_groups},
    {"weight", "weight N WEIGHT", "of a server in its group; 1 if nothing is said", true, scenario_parse_weight},
    {"clients", "clients N", "how many clients, each with an application", false, parse_clients},
    {"network", "network PRESET", "the latency between any two nodes", false, parse_network},
    {"disk", "disk PRESET", "the latency of every server's disk", false, parse_disk},
    {"set", "set KEY VALUE", "a setting of the ensemble or the world", true, parse_set},
    {"flaw", "flaw NAME", "builds a known mistake into every node", true, parse_flaw},
    {"workload", "workload NAME [KEY=VALUE...]", "what clients do", true, parse_workload},
    {"script", "script client N [pipelined] [retried]: OPERATION, OPERATION ... | script clients ...",
     "what one client, or all others, do once: each operation when the one before was answered", true,
     scenario_parse_script},
    {"atomic-commit", "atomic-commit PROTOCOL coordinator=NAME participants=NAME,NAME... [KEY=VALUE...]",
     "a transaction of named sites", false, scenario_parse_commit},
    {"at", "at TIME FAULT", "a fault, once", true, parse_at},
    {"every", "every TIME FAULT", "a fault again and again, first after one period", true, parse_every},
    {"when",
     "when OBSERVATION [by TARGET] [since TIME] [after TIME] FAULT | when TARGET sends MESSAGE [to TARGET] [after "
     "TIME] FAULT | "
     "when "
     "TARGET receives MESSAGE [from TARGET] [after TIME] FAULT",
     "a fault when a node first says so (since then), or a message is first sent or delivered", true, parse_when},
    {"whenever", "whenever OBSERVATION [by TARGET] [since TIME] [after TIME] FAULT | whenever TARGET sends MESSAGE ...",
     "the same, each time", true, parse_whenever},
    {"chaos", "chaos [KEY=VALUE...] FROM..UNTIL",
     "random faults; what the scenario does not say of the ensemble is drawn too", false, parse_chaos},
    {"explore", "explore KEY VALUE", "what an exploration may try and where it stops", true, scenario_parse_explore},
    {"quiet", "quiet from TIME", "everything heals and restarts, and no fault happens any more", false, parse_quiet},
    {"seeds", "seeds A[..B]", "for which seeds it breaks what is expected to break; a run alone takes the first", false,
     parse_seeds},
    {"run", "run for TIME", "how long, in virtual time", false, parse_run},
    {"expect", "expect all guarantees | expect [violated] GUARANTEE [within TIME] | expect observed OBSERVATION",
     "what the verdicts have to be", true, parse_expect},
};

const size_t statement_count = ARRAY_LENGTH(statements);

bool scenario_word(size_t index, const char **name, const char **syntax, const char **help)
{
    if (index >= statement_count) {
        return false;
    }
    *name = statements[index].name;
    *syntax = statements[index].syntax;
    *help = statements[index].help;
    return true;
}
