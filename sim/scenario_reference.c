/* The reference of the language, written from the tables that the parser uses. */
#include <string.h>

#include "protocol/recipes/recipe.h"
#include "sim/chaos.h"
#include "sim/message_name.h"
#include "sim/scenario_words.h"

static void add_statements(GString *out)
{
    g_string_append(out, "### Statements\n\n| statement | meaning | how often |\n|---|---|---|\n");
    for (size_t i = 0; i < statement_count; i++) {
        char **forms = g_strsplit(statements[i].syntax, " | ", -1);
        char *cell = g_strjoinv("`<br>`", forms);
        char **sides = g_strsplit(cell, "|", -1); /* which would end a cell of the table */
        char *escaped = g_strjoinv("\\|", sides);
        g_string_append_printf(out, "| `%s` | %s | %s |\n", escaped, statements[i].help,
                               statements[i].may_repeat ? "any" : "once");
        g_free(escaped);
        g_strfreev(sides);
        g_free(cell);
        g_strfreev(forms);
    }
}

static const char *example_targets(enum fault_kind kind)
{
    switch (fault_info(kind)->targets) {
    case FAULT_TARGETS_NONE:
        return "";
    case FAULT_TARGETS_NODES:
        return " TARGETS";
    case FAULT_TARGETS_PAIR:
        return scenario_fault_is_directed(kind) ? " TARGETS -> TARGETS" : " TARGETS \\| TARGETS";
    case FAULT_TARGETS_OPTIONAL:
        return " [TARGETS \\| TARGETS]";
    }
    return "";
}

static void add_faults(GString *out)
{
    g_string_append(
        out, "\n### Faults\n\n`FAULT [TARGETS] [VALUE] [for TIME]`: those marked * may end with `for TIME`, after "
             "which their opposite follows by itself.\n\n| fault | value | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++) {
        enum fault_kind kind, opposite;
        int64_t restoring;
        const struct fault_info *info = fault_info((enum fault_kind)i);
        if (info->name == NULL || !fault_find(info->name, &kind)) {
            continue;
        }
        const char *value = scenario_fault_value(kind);
        g_string_append_printf(out, "| `%s%s`%s | %s%s%s | %s |\n", info->name, example_targets(kind),
                               scenario_fault_can_end(kind, &opposite, &restoring) ? " *" : "",
                               value == NULL ? "" : "`", value == NULL ? "" : value, value == NULL ? "" : "`",
                               info->description);
    }
}

static void add_targets(GString *out)
{
    g_string_append(
        out, "\n### Targets\n\nOne or several, resolved when the fault happens.\n\n| target | who |\n|---|---|\n");
    const char *name, *help;
    for (size_t i = 0; scenario_target(i, &name, &help); i++) {
        bool is_numbered = strcmp(name, "server") == 0 || strcmp(name, "client") == 0;
        g_string_append_printf(out, "| `%s%s` | %s |\n", name, is_numbered ? " N" : "", help);
    }
}

static void add_settings(GString *out)
{
    g_string_append(out, "\n### Settings\n\n`set KEY VALUE` here, `--set KEY=VALUE` on the command line.\n\n"
                         "| setting | meaning | possible |\n|---|---|---|\n");
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting_info *info = setting_info((enum setting)i);
        GString *possible = g_string_new(NULL);
        const char *choice;
        for (size_t k = 0; (choice = setting_choice((enum setting)i, k)) != NULL; k++) {
            g_string_append_printf(possible, "%s`%s`", k == 0 ? "" : ", ", choice);
        }
        if (possible->len == 0) {
            char *range = setting_range((enum setting)i);
            g_string_append(possible, range);
            g_free(range);
        }
        g_string_append_printf(out, "| `%s` | %s | %s |\n", info->name, info->description, possible->str);
        g_string_free(possible, TRUE);
    }
}

static void add_workloads(GString *out)
{
    g_string_append(out, "\n### Workloads\n\nEvery workload also takes `path=`.\n\n| workload | what its clients do | "
                         "parameters |\n|---|---|---|\n");
    for (size_t i = 0; i < WORKLOAD_COUNT; i++) {
        const struct workload_info *info = workload_info((enum workload_kind)i);
        g_string_append_printf(out, "| `%s` | %s |", info->name, info->description);
        for (unsigned k = 0; k < WORKLOAD_PARAMETER_COUNT; k++) {
            char value[QUANTITY_TEXT_MAX];
            const struct workload_parameter_info *parameter = workload_parameter_info((enum workload_parameter)k);
            if ((info->parameters >> k & 1U) != 0) {
                quantity_print(parameter->quantity, info->defaults[k], value);
                g_string_append_printf(out, " `%s=%s`", parameter->name, value);
            }
        }
        for (uint32_t k = 0; info->recipe != NULL && info->recipe->variants[k] != NULL; k++) {
            g_string_append_printf(out, "%s`%s`", k == 0 ? " `variant=` " : ", ", info->recipe->variants[k]);
        }
        g_string_append(out, " |\n");
    }
    g_string_append(out, "\n| parameter | meaning |\n|---|---|\n");
    for (size_t i = 0; i < WORKLOAD_PARAMETER_COUNT; i++) {
        const struct workload_parameter_info *parameter = workload_parameter_info((enum workload_parameter)i);
        g_string_append_printf(out, "| `%s=` | %s |\n", parameter->name, parameter->description);
    }
}

static void add_scripts(GString *out)
{
    const char *form;
    g_string_append(
        out, "\n### Scripts\n\nOperations of `script`; one whose answer is lost counts as done, unless the script is "
             "`retried`; `pipelined`: all are submitted at once.\n\n");
    for (size_t i = 0; (form = scenario_script_form(i)) != NULL; i++) {
        g_string_append_printf(out, "- `%s`\n", form);
    }
}

static void add_commit(GString *out)
{
    const char *name, *help;
    g_string_append(out,
                    "\n### Atomic commit\n\n`atomic-commit PROTOCOL KEY=VALUE...`: the sites are nodes of these names, "
                    "and targets of faults.\n\n| protocol | what it is |\n|---|---|\n");
    for (size_t i = 0; scenario_commit_protocol(i, &name, &help); i++) {
        g_string_append_printf(out, "| `%s` | %s |\n", name, help);
    }
    g_string_append(out, "\n| key | meaning; default |\n|---|---|\n");
    for (size_t i = 0; scenario_commit_key(i, &name, &help); i++) {
        g_string_append_printf(out, "| `%s=` | %s |\n", name, help);
    }
}

static void add_messages(GString *out)
{
    const char *name;
    g_string_append(out, "\n### Messages\n\nFor `when TARGET sends` and `when TARGET receives`:");
    for (size_t i = 0; (name = message_names(NULL, i)) != NULL; i++) {
        g_string_append_printf(out, " `%s`", name);
    }
    g_string_append(out, ".\n");
}

static void add_chaos(GString *out)
{
    g_string_append(
        out,
        "\n### Chaos\n\n`chaos FROM..UNTIL` may begin with `kinds=FAULT,FAULT,...` (only those), `crash-gap=TIME`, "
        "`network-gap=TIME`, `other-gap=TIME` (mean times between faults), `outage=TIME` (how long they last), "
        "`ambush-gap=TIME` (mean time between faults that wait for a moment in a server's life; with `kinds=` none "
        "unless said).  "
        "It knows:");
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++) {
        if ((chaos_kinds() >> i & 1U) != 0) {
            g_string_append_printf(out, " `%s`", fault_info((enum fault_kind)i)->name);
        }
    }
    g_string_append(out, ".\n");
}

static void add_explore(GString *out)
{
    struct explore_key key;
    g_string_append(out,
                    "\n### Exploration\n\n`explore KEY VALUE` here, `--KEY VALUE` of `zksim explore`; a run with time "
                    "ignores it.  Budgets are 0 unless given.\n\n| key | value | meaning |\n|---|---|---|\n");
    for (size_t i = 0; explore_key(i, &key); i++) {
        char **values = g_strsplit(key.value, "|", -1);
        char *cell = g_strjoinv("`, `", values);
        g_string_append_printf(out, "| `%s` | `%s` | %s |\n", key.name, cell, key.description);
        g_free(cell);
        g_strfreev(values);
    }
    g_string_append(
        out,
        "\n`explore start MOVE` (only here, one or more): happens before the exploration begins and uses up no budget; "
        "`explore start settle`: whatever goes on by itself comes to rest.\n");
    g_string_append(out, "\nClasses for `prompt`:");
    const char *word;
    uint32_t classes;
    for (size_t i = 0; (word = explore_prompt_word(i, &classes)) != NULL; i++) {
        g_string_append_printf(out, " `%s`", word);
    }
    g_string_append(out, ".  `quorum` is `discovery` and `zab`, `disk` is `fsyncs` and `files`, `tasks` is `log`, "
                         "`apply`, `sync` and `snapshots`.\n");
}

static void add_observations(GString *out)
{
    g_string_append(out, "\n### Observations\n\nFor `when`, `whenever` and `expect observed`.\n\n"
                         "| observation | may be followed by |\n|---|---|\n");
    for (size_t i = 0; i < OBSERVATION_COUNT; i++) {
        const char *detail;
        g_string_append_printf(out, "| `%s` |", observation_name((enum observation_type)i));
        for (size_t k = 0; (detail = scenario_observation_detail((enum observation_type)i, k)) != NULL; k++) {
            g_string_append_printf(out, " `%s`", detail);
        }
        g_string_append(out, " |\n");
    }
}

char *scenario_reference(void)
{
    GString *out = g_string_new(NULL);
    add_statements(out);
    add_faults(out);
    add_targets(out);
    add_settings(out);
    add_workloads(out);
    add_scripts(out);
    add_commit(out);
    add_chaos(out);
    add_explore(out);
    add_observations(out);
    add_messages(out);
    return g_string_free(out, FALSE);
}
