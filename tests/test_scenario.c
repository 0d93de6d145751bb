#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "sim/scenario.h"
#include "sim/script.h"
#include "tests/test.h"

static const char *const guarantees[] = {"linearizable-writes", "monotonic-reads", "available-after-heal", NULL};
static const struct scenario_vocabulary vocabulary = {guarantees};

/* ---- a scenario as text again --------------------------------------------------------------------------------- */

static void print_span(GString *out, const char *word, struct span span)
{
    if (span.most > 0) {
        char least[QUANTITY_TEXT_MAX];
        char most[QUANTITY_TEXT_MAX];
        quantity_print(QUANTITY_DURATION, span.least, least);
        quantity_print(QUANTITY_DURATION, span.most, most);
        g_string_append_printf(out, "%s%s%s%s", word, least, span.least == span.most ? "" : "..",
                               span.least == span.most ? "" : most);
    }
}

static void print_targets(GString *out, const char *name, const struct targets *targets)
{
    for (uint32_t i = 0; i < targets->count; i++) {
        g_string_append_printf(out, "%s%d", i == 0 ? name : ",", targets->items[i].kind);
        if (targets->items[i].number != 0) {
            g_string_append_printf(out, ":%u", targets->items[i].number);
        }
    }
}

static void print_fault(GString *out, const struct scenario_fault *fault)
{
    char at[QUANTITY_TEXT_MAX];
    switch (fault->trigger) {
    case TRIGGER_AT:
        quantity_print(QUANTITY_DURATION, fault->at_ns, at);
        g_string_append_printf(out, "at %s", at);
        break;
    case TRIGGER_EVERY:
        print_span(out, "every ", fault->period);
        break;
    case TRIGGER_WHEN:
        g_string_append_printf(out, "%s %s", fault->again ? "whenever" : "when",
                               observation_name(fault->observation.type));
        if (fault->observation.index >= 0) {
            g_string_append_printf(out, "[%d]=%" G_GINT64_FORMAT, fault->observation.index, fault->observation.value);
        }
        if (fault->is_by) {
            g_string_append_printf(out, " by %d:%u", fault->by.kind, fault->by.number);
        }
        if (fault->at_ns > 0) {
            g_string_append_printf(out, " since %" G_GINT64_FORMAT, fault->at_ns);
        }
        print_span(out, " after ", fault->after);
        break;
    case TRIGGER_SENDS:
    case TRIGGER_RECEIVES:
        g_string_append_printf(out, "%s %d:%u %s %s", fault->again ? "whenever" : "when", fault->by.kind,
                               fault->by.number, fault->trigger == TRIGGER_SENDS ? "sends" : "receives",
                               fault->message);
        if (fault->is_peer) {
            g_string_append_printf(out, " peer %d:%u", fault->peer.kind, fault->peer.number);
        }
        print_span(out, " after ", fault->after);
        break;
    }
    g_string_append_printf(out, " %s", fault_info(fault->kind)->name);
    print_targets(out, " a=", &fault->a);
    print_targets(out, " b=", &fault->b);
    if (scenario_fault_value(fault->kind) != NULL) {
        g_string_append_printf(out, " value=%" G_GINT64_FORMAT, fault->value);
    }
    print_span(out, " for ", fault->lasts);
    g_string_append_printf(out, " '%s'\n", fault->text);
}

static void print_time(GString *out, const char *name, int64_t time_ns)
{
    if (time_ns != 0) {
        char text[QUANTITY_TEXT_MAX];
        quantity_print(QUANTITY_DURATION, time_ns, text);
        g_string_append_printf(out, "%s %s\n", name, text);
    }
}

static void print_commit(GString *out, const struct scenario_commit *commit)
{
    if (commit->means == COMMIT_BY_NOBODY) {
        return;
    }
    g_string_append_printf(out, "atomic-commit %s%s termination=%d no=0x%x sites",
                           commit->means == COMMIT_BY_ZOOKEEPER ? "zookeeper " : "",
                           commit_protocol_name((uint32_t)commit->protocol), commit->termination, commit->no);
    for (uint32_t site = 1; site <= commit->sites; site++) {
        g_string_append_printf(out, " %s", commit->names[site]);
    }
    g_string_append_printf(out, " timeout=%" G_GINT64_FORMAT " quorums=%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT "\n",
                           commit->timeout_ns, commit->quorum_commit, commit->quorum_abort);
}

static void print_setup(GString *out, const struct scenario *scenario)
{
    print_commit(out, &scenario->commit);
    if (scenario->title != NULL) {
        g_string_append_printf(out, "title %s\n", scenario->title);
    }
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (scenario->settings.given[i]) {
            g_string_append_printf(out, "%s %" G_GINT64_FORMAT "\n", setting_info((enum setting)i)->name,
                                   scenario->settings.value[i]);
        }
    }
    for (size_t i = 0; i < FLAW_COUNT; i++) {
        if (flaw_is_on(&scenario->flaws, (enum flaw)i)) {
            g_string_append_printf(out, "flaw %s\n", flaw_info((enum flaw)i)->name);
        }
    }
    for (guint i = 0; i < scenario->workloads->len; i++) {
        const struct workload_setting *workload = &g_array_index(scenario->workloads, struct workload_setting, i);
        g_string_append_printf(out, "workload %s %s rate=%" G_GINT64_FORMAT " read=%" G_GINT64_FORMAT "\n",
                               workload_info(workload->kind)->name, workload->path, workload->value[PARAMETER_RATE],
                               workload->value[PARAMETER_READ]);
    }
}

static void print_scenario(GString *out, const struct scenario *scenario)
{
    print_setup(out, scenario);
    for (guint i = 0; i < scenario->faults->len; i++) {
        print_fault(out, &g_array_index(scenario->faults, struct scenario_fault, i));
    }
    if (scenario->has_chaos) {
        g_string_append_printf(out, "chaos kinds=%x crash-gap=%" G_GINT64_FORMAT "\n", scenario->chaos_kinds,
                               scenario->chaos_crash_gap_ns);
        print_time(out, "chaos from", scenario->chaos_from_ns);
        print_time(out, "chaos until", scenario->chaos_until_ns);
    }
    for (guint i = 0; i < scenario->scripts->len; i++) {
        script_print(&g_array_index(scenario->scripts, struct script, i), out);
    }
    if (strstr(scenario->text, "explore") != NULL) {
        explore_plan_print(&scenario->explore, out);
    }
    print_time(out, "quiet from", scenario->quiet_from_ns);
    print_time(out, "run for", scenario->run_for_ns);
    print_time(out, "available within", scenario->available_within_ns);
    for (guint i = 0; i < scenario->expectations->len; i++) {
        const struct expectation *expectation = &g_array_index(scenario->expectations, struct expectation, i);
        static const char *const kinds[] = {"all", "holds", "violated", "observed"};
        g_string_append_printf(out, "expect %s%s%s\n", kinds[expectation->kind], expectation->name == NULL ? "" : " ",
                               expectation->name == NULL ? "" : expectation->name);
    }
}

/* ---- data files: a scenario, ----, what becomes of it, a blank line -------------------------------------------- */

static void run_block(GString *out, const char *text)
{
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("x.scn", text, strlen(text), 1, &vocabulary, &error);
    if (scenario == NULL) {
        g_string_append_printf(out, "%s\n", error->message);
        g_error_free(error);
        return;
    }
    print_scenario(out, scenario);
    scenario_free(scenario);
}

/* Repeats the file with the outputs as they are. */
static char *run_blocks(const char *content)
{
    GString *out = g_string_new(NULL);
    char **lines = g_strsplit(content, "\n", -1);
    GString *text = g_string_new(NULL);
    for (char **line = lines; *line != NULL; line++) {
        if (strcmp(*line, "----") != 0) {
            bool is_claim = text->len == 0 && g_str_has_prefix(*line, "# ");
            g_string_append_printf(out, "%s%s", *line, line[1] == NULL ? "" : "\n");
            if (!is_claim && **line != '\0') {
                g_string_append_printf(text, "%s\n", *line);
            }
            continue;
        }
        g_string_append(out, "----\n");
        run_block(out, text->str);
        g_string_set_size(text, 0);
        while (line[1] != NULL && *line[1] != '\0') {
            line++;
        }
    }
    g_string_free(text, TRUE);
    g_strfreev(lines);
    return g_string_free(out, FALSE);
}

static void check_file(const char *path)
{
    char *want = NULL;
    CU_ASSERT_FATAL(g_file_get_contents(path, &want, NULL, NULL));
    char *got = run_blocks(want);
    if (getenv("ZKSIM_REWRITE") != NULL) {
        CHECK(g_file_set_contents(path, got, -1, NULL));
    } else {
        CHECK_TEXT(got, want);
    }
    g_free(got);
    g_free(want);
}

static void mistakes_are_found_where_they_are(void)
{
    check_file("tests/data/scenario-errors.txt");
}

static void statements_mean_what_they_say(void)
{
    check_file("tests/data/scenario-statements.txt");
}

/* ---- the rest -------------------------------------------------------------------------------------------------- */

static struct scenario *parse(const char *text, uint64_t seed)
{
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("x.scn", text, strlen(text), seed, &vocabulary, &error);
    CHECK_TEXT(error == NULL ? "" : error->message, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
    return scenario;
}

static void the_seed_draws_what_is_left_open(void)
{
    bool seen[3] = {false, false, false};
    int64_t least = INT64_MAX;
    int64_t most = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct scenario *scenario = parse("network choose lan|wan|loopback\nat 5..30s heal\nrun for 60s\n", seed);
        seen[0] |=
            strcmp(setting_choice(SETTING_NETWORK, (size_t)scenario->settings.value[SETTING_NETWORK]), "lan") == 0;
        seen[1] |=
            strcmp(setting_choice(SETTING_NETWORK, (size_t)scenario->settings.value[SETTING_NETWORK]), "wan") == 0;
        seen[2] |=
            strcmp(setting_choice(SETTING_NETWORK, (size_t)scenario->settings.value[SETTING_NETWORK]), "loopback") == 0;
        int64_t at_ns = g_array_index(scenario->faults, struct scenario_fault, 0).at_ns;
        least = MIN(least, at_ns);
        most = MAX(most, at_ns);
        scenario_free(scenario);
    }
    CHECK(seen[0] && seen[1] && seen[2]);
    CHECK(least >= 5000000000 && least < 7000000000);
    CHECK(most <= 30000000000 && most > 28000000000);
}

static void another_line_leaves_the_draws_of_the_others(void)
{
    struct scenario *one = parse("at 5..30s heal\nrun for 60s\n", 7);
    struct scenario *two = parse("servers 3..5\nat 1..9s kill leader\nat 5..30s heal\nrun for 60s\n", 7);
    CHECK_INT(g_array_index(one->faults, struct scenario_fault, 0).at_ns,
              g_array_index(two->faults, struct scenario_fault, 1).at_ns);
    scenario_free(one);
    scenario_free(two);
    struct scenario *twice = parse("at 5..30s heal\nat 5..30s heal\nrun for 60s\n", 7);
    CHECK(g_array_index(twice->faults, struct scenario_fault, 0).at_ns !=
          g_array_index(twice->faults, struct scenario_fault, 1).at_ns);
    scenario_free(twice);
}

static void any_octets_are_parsed_or_refused(void)
{
    static const char *const words[] = {
        "at",     "5s",  "kill",  "leader", "|",        "rest",     "choose", "a|b",    "1..2s", "\n",
        "expect", "all", "run",   "for",    "chaos",    "x=y",      "\xff",   "#",      "..",    "9999999999999999999s",
        "when",   "by",  "every", "after",  "workload", "register", "->",     "server", "-1",    "next"};
    struct random random;
    random_seed(&random, 3);
    int accepted = 0;
    for (int i = 0; i < 20000; i++) {
        GString *text = g_string_new(i % 2 == 0 ? "run for 9s\n" : "");
        uint64_t count = random_below(&random, 12);
        for (uint64_t k = 0; k < count; k++) {
            g_string_append_printf(text, "%s%s", words[random_below(&random, ARRAY_LENGTH(words))],
                                   random_chance(&random, 9, 10) ? " " : "");
        }
        GError *error = NULL;
        struct scenario *scenario = scenario_parse("x", text->str, text->len, 1, &vocabulary, &error);
        CU_ASSERT_FATAL((scenario == NULL) == (error != NULL));
        accepted += scenario != NULL;
        g_clear_error(&error);
        scenario_free(scenario);
        g_string_free(text, TRUE);
    }
    CHECK(accepted > 100);
}

static void texts_beyond_the_limits_are_refused(void)
{
    GString *text = g_string_new(NULL);
    while (text->len <= SCENARIO_OCTETS_MAX) {
        g_string_append(text, "# nothing\n");
    }
    GError *error = NULL;
    CU_ASSERT_PTR_NULL(scenario_parse("x", text->str, text->len, 1, &vocabulary, &error));
    CHECK_TEXT(error->message, "x:1:1: larger than 1048576 octets");
    g_clear_error(&error);
    g_string_assign(text, "title ");
    while (text->len <= SCENARIO_LINE_OCTETS_MAX) {
        g_string_append(text, "long");
    }
    CU_ASSERT_PTR_NULL(scenario_parse("x", text->str, text->len, 1, &vocabulary, &error));
    CHECK_TEXT(error->message, "x:1:1000: longer than 1000 octets");
    g_clear_error(&error);
    CU_ASSERT_PTR_NULL(scenario_parse("x", "servers 3\0", 10, 1, &vocabulary, &error));
    CHECK_TEXT(error->message, "x:1:10: not UTF-8 text");
    g_clear_error(&error);
    g_string_free(text, TRUE);
}

#define REFERENCE_BEGIN "<!-- reference: begin (written by ZKSIM_REWRITE=1 run-tests scenario) -->\n"
#define REFERENCE_END "<!-- reference: end -->\n"

static void the_reference_is_what_the_parser_knows(void)
{
    const char *path = "scenarios/README.md";
    char *content = NULL;
    CU_ASSERT_FATAL(g_file_get_contents(path, &content, NULL, NULL));
    char *begin = strstr(content, REFERENCE_BEGIN);
    char *end = strstr(content, REFERENCE_END);
    CU_ASSERT_FATAL(begin != NULL && end != NULL);
    begin += strlen(REFERENCE_BEGIN);
    char *reference = scenario_reference();
    char *got = g_strndup(begin, (gsize)(end - begin));
    if (getenv("ZKSIM_REWRITE") != NULL) {
        char *changed = g_strdup_printf("%.*s%s%s", (int)(begin - content), content, reference, end);
        CHECK(g_file_set_contents(path, changed, -1, NULL));
        g_free(changed);
    } else {
        CHECK_TEXT(got, reference);
    }
    g_free(got);
    g_free(reference);
    g_free(content);
}

static const struct test_case cases[] = {
    {"mistakes are found where they are", mistakes_are_found_where_they_are},
    {"statements mean what they say", statements_mean_what_they_say},
    {"the seed draws what is left open", the_seed_draws_what_is_left_open},
    {"another line leaves the draws of the others", another_line_leaves_the_draws_of_the_others},
    {"any octets are parsed or refused", any_octets_are_parsed_or_refused},
    {"texts beyond the limits are refused", texts_beyond_the_limits_are_refused},
    {"the reference is what the parser knows", the_reference_is_what_the_parser_knows},
    {NULL, NULL},
};

const struct test_suite test_suite_scenario = {"scenario", cases};
