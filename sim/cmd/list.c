#include <stdio.h>
#include <string.h>

#include "checker/guarantee.h"
#include "sim/cmd/command.h"
#include "sim/cmd/scenario_files.h"
#include "sim/fault.h"

/* One line per item; a format of one's own is not worth it for names and sentences. */
static void print_item(const char *name, const char *text)
{
    printf("%-28s %s\n", name, text);
}

static void print_scenario(const char *path)
{
    GError *error = NULL;
    struct scenario *scenario = scenario_load(path, 1, command_vocabulary(), &error);
    if (scenario == NULL) {
        print_item(path, error->message);
        g_error_free(error);
        return;
    }
    print_item(path, scenario->title == NULL ? "" : scenario->title);
    scenario_free(scenario);
}

static int list_scenarios(void)
{
    static char all[] = "scenarios";
    static char explored[] = "scenarios/explore"; /* which `all` leaves out */
    char *folders[] = {all, explored, NULL};
    GError *error = NULL;
    char **paths = scenario_files(folders, &error);
    if (paths == NULL) {
        return command_fail(error);
    }
    for (size_t i = 0; paths[i] != NULL; i++) {
        print_scenario(paths[i]);
    }
    g_strfreev(paths);
    return STATUS_AS_EXPECTED;
}

static int list_guarantees(void)
{
    for (size_t i = 0; i < GUARANTEE_COUNT; i++) {
        const struct guarantee *info = guarantee_info((enum guarantee_id)i);
        print_item(info->name, info->statement);
    }
    return STATUS_AS_EXPECTED;
}

#define TEXT_WIDTH 100

/* Below an item, indented, in lines of at most TEXT_WIDTH columns. */
static void print_paragraph(const char *text)
{
    char **words = g_strsplit(text, " ", -1);
    size_t column = 0;
    for (size_t i = 0; words[i] != NULL; i++) {
        size_t length = strlen(words[i]);
        if (column > 0 && column + 1 + length > TEXT_WIDTH) {
            putchar('\n');
            column = 0;
        }
        column += (size_t)printf(column == 0 ? "    %s" : " %s", words[i]);
    }
    putchar('\n');
    g_strfreev(words);
}

/* A line with the name, the guarantee that breaks and where the flaw comes from; below it the mistake, and the least that shows it. */
static int list_flaws(void)
{
    for (size_t i = 0; i < FLAW_COUNT; i++) {
        const struct flaw_info *info = flaw_info((enum flaw)i);
        char *least = g_strdup_printf("Shown by %s.", info->configuration);
        printf("%-26s breaks %-30s %s\n", info->name, info->guarantee, info->origin);
        print_paragraph(info->mechanism);
        print_paragraph(least);
        g_free(least);
    }
    return STATUS_AS_EXPECTED;
}

static void print_field(const char *name, const char *text, const char *end)
{
    char *escaped = g_strescape(text, NULL);
    printf("\"%s\": \"%s\"%s", name, escaped, end);
    g_free(escaped);
}

/* An object per line. */
static int list_flaws_json(void)
{
    for (size_t i = 0; i < FLAW_COUNT; i++) {
        const struct flaw_info *info = flaw_info((enum flaw)i);
        putchar('{');
        print_field("name", info->name, ", ");
        print_field("origin", info->origin, ", ");
        print_field("guarantee", info->guarantee, ", ");
        print_field("mechanism", info->mechanism, ", ");
        print_field("configuration", info->configuration, "}\n");
    }
    return STATUS_AS_EXPECTED;
}

static int list_workloads(void)
{
    for (size_t i = 0; i < WORKLOAD_COUNT; i++) {
        const struct workload_info *info = workload_info((enum workload_kind)i);
        GString *text = g_string_new(info->description);
        g_string_append(text, " (path");
        for (unsigned k = 0; k < WORKLOAD_PARAMETER_COUNT; k++) {
            if ((info->parameters >> k & 1U) != 0) {
                g_string_append_printf(text, " %s", workload_parameter_info((enum workload_parameter)k)->name);
            }
        }
        g_string_append_c(text, ')');
        print_item(info->name, text->str);
        g_string_free(text, TRUE);
    }
    return STATUS_AS_EXPECTED;
}

static int list_faults(void)
{
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++) {
        enum fault_kind kind;
        const struct fault_info *info = fault_info((enum fault_kind)i);
        if (info->name != NULL && fault_find(info->name, &kind)) {
            const char *value = scenario_fault_value(kind);
            char *text = g_strdup_printf("%s%s%s%s", info->description, value == NULL ? "" : " (such as ",
                                         value == NULL ? "" : value, value == NULL ? "" : ")");
            print_item(info->name, text);
            g_free(text);
        }
    }
    return STATUS_AS_EXPECTED;
}

static int list_settings(void)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting_info *info = setting_info((enum setting)i);
        GString *text = g_string_new(info->description);
        const char *choice;
        for (size_t k = 0; (choice = setting_choice((enum setting)i, k)) != NULL; k++) {
            g_string_append_printf(text, "%s%s", k == 0 ? ": " : ", ", choice);
        }
        if (info->type == SETTING_IS_QUANTITY) {
            char *range = setting_range((enum setting)i);
            g_string_append_printf(text, ", %s", range);
            g_free(range);
        }
        print_item(info->name, text->str);
        g_string_free(text, TRUE);
    }
    return STATUS_AS_EXPECTED;
}

static int list_words(void)
{
    const char *name, *syntax, *help;
    for (size_t i = 0; scenario_word(i, &name, &syntax, &help); i++) {
        print_item(syntax, help);
    }
    puts("\nTargets:");
    for (size_t i = 0; scenario_target(i, &name, &help); i++) {
        print_item(name, help);
    }
    puts("\nObservations, for when and whenever:");
    for (size_t i = 0; i < OBSERVATION_COUNT; i++) {
        puts(observation_name((enum observation_type)i));
    }
    return STATUS_AS_EXPECTED;
}

static int list_plots(void)
{
    print_item("latency", "operation latency over time, with faults and leaders");
    return STATUS_AS_EXPECTED;
}

static const struct {
    const char *name;
    int (*list)(void);
} lists[] = {
    {"scenarios", list_scenarios}, {"guarantees", list_guarantees}, {"flaws", list_flaws},
    {"workloads", list_workloads}, {"faults", list_faults},         {"settings", list_settings},
    {"plots", list_plots},         {"words", list_words},
};

int command_list(int argc, char **argv)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "One object per line; of flaws only", NULL},
        {0},
    };
    int status;
    if (!command_parse(
            &argc, &argv, "WHAT",
            "Lists scenarios, guarantees, flaws, workloads, faults, settings, plots or words of the language.", entries,
            &status)) {
        return status;
    }
    if (json) {
        bool flaws = argc == 2 && strcmp(argv[1], "flaws") == 0;
        return flaws ? list_flaws_json() : command_usage("list", "--json is for flaws");
    }
    for (size_t i = 0; i < ARRAY_LENGTH(lists) && argc == 2; i++) {
        if (strcmp(lists[i].name, argv[1]) == 0) {
            return lists[i].list();
        }
    }
    return command_usage("list",
                         "one of scenarios, guarantees, flaws, workloads, faults, settings, plots, words is needed");
}
