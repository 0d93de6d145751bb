#include "sim/scenario_commit.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/recipes/two_phase_commit.h"
#include "sim/scenario_fault.h"
#include "sim/scenario_line.h"
#include "sim/scenario_words.h"

static const struct {
    const char *name;
    enum commit_means means;
    enum commit_protocol protocol;
    const char *help;
} protocols[] = {
    {"2pc", COMMIT_BY_SITES, COMMIT_TWO_PHASE, "two-phase commit with cooperative termination"},
    {"3pc", COMMIT_BY_SITES, COMMIT_THREE_PHASE, "three-phase commit as Skeen described it"},
    {"quorum", COMMIT_BY_SITES, COMMIT_QUORUM, "three-phase commit that only a quorum of sites may end"},
    {"zookeeper", COMMIT_BY_ZOOKEEPER, COMMIT_TWO_PHASE,
     "two-phase commit by ZooKeeper's recipe; the sites are clients"},
};

enum key {
    KEY_COORDINATOR,
    KEY_PARTICIPANTS,
    KEY_NO,
    KEY_BEGIN,
    KEY_TIMEOUT,
    KEY_RETRY,
    KEY_TERMINATION,
    KEY_QUORUMS,
};

static const struct {
    const char *name;
    const char *help;
} keys[] = {
    [KEY_COORDINATOR] = {"coordinator", "its name"},
    [KEY_PARTICIPANTS] = {"participants", "names of the others, separated by commas"},
    [KEY_NO] = {"no", "participants that vote no; none unless said"},
    [KEY_BEGIN] = {"begin", "when the transaction begins, counted from the coordinator's start; 1s"},
    [KEY_TIMEOUT] = {"timeout", "silence after which a site is taken to have failed; 1s"},
    [KEY_RETRY] = {"retry", "pause between two questions of a blocked site; 500ms"},
    [KEY_TERMINATION] = {"termination",
                         "of 3pc when the coordinator is silent: `elected` (a new coordinator) or `timeouts` "
                         "(uncertain aborts, prepared commits); elected"},
    [KEY_QUORUMS] = {"quorums", "of quorum: sites to commit, sites to abort; a majority, and one more than are left"},
};

bool scenario_commit_protocol(size_t index, const char **name, const char **help)
{
    if (index >= ARRAY_LENGTH(protocols)) {
        return false;
    }
    *name = protocols[index].name;
    *help = protocols[index].help;
    return true;
}

bool scenario_commit_key(size_t index, const char **name, const char **help)
{
    if (index >= ARRAY_LENGTH(keys)) {
        return false;
    }
    *name = keys[index].name;
    *help = keys[index].help;
    return true;
}

uint32_t scenario_commit_site(const struct scenario_commit *commit, const char *name)
{
    for (uint32_t site = 1; site <= commit->sites; site++) {
        if (strcmp(commit->names[site], name) == 0) {
            return site;
        }
    }
    return 0;
}

static void configure_ms(int64_t ns, uint32_t *ms)
{
    if (ns != 0) {
        *ms = (uint32_t)(ns / (int64_t)NS_PER_MS);
    }
}

void scenario_commit_configure(const struct scenario_commit *commit, uint32_t site, struct participant_config *config)
{
    *config = (struct participant_config){
        .site = site,
        .sites = commit->sites,
        .protocol = commit->protocol,
        .termination = commit->termination,
        .votes_no = (commit->no & site_bit(site)) != 0,
    };
    participant_config_default(config);
    configure_ms(commit->begin_ns, &config->begin_ms);
    configure_ms(commit->timeout_ns, &config->timeout_ms);
    configure_ms(commit->retry_ns, &config->retry_ms);
    if (commit->quorum_commit != 0) {
        config->quorum_commit = (uint32_t)commit->quorum_commit;
        config->quorum_abort = (uint32_t)commit->quorum_abort;
    }
}

void scenario_commit_set_recipe(const struct scenario_commit *commit, uint32_t site, struct recipe_setting *setting)
{
    int64_t second = (int64_t)NS_PER_SECOND;
    memset(setting, 0, sizeof *setting);
    setting->recipe = &recipe_two_phase_commit;
    g_strlcpy(setting->path, "/commit", sizeof setting->path);
    setting->group = 1;
    setting->number = site - 1;
    setting->count = commit->sites;
    setting->parameter[RECIPE_DELAY] = commit->begin_ns != 0 ? commit->begin_ns : second;
    setting->parameter[RECIPE_HOLD] = commit->timeout_ns != 0 ? commit->timeout_ns : second;
    setting->parameter[RECIPE_SIZE] = (commit->no & site_bit(site)) != 0;
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length < COMMIT_NAME_MAX && g_ascii_isalpha(name[0]) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == length;
}

/* Faults would take it for something else. */
static bool is_target_word(const char *name)
{
    const char *target;
    for (size_t i = 0; (target = scenario_target_names(NULL, i)) != NULL; i++) {
        size_t length = strcspn(target, " ");
        if (strlen(name) == length && strncmp(name, target, length) == 0) {
            return true;
        }
    }
    return false;
}

static void add_site(struct scenario_line *line, uint32_t word, struct scenario_commit *commit, uint32_t site,
                     const char *name)
{
    if (!is_name(name)) {
        line_fail(line, word, "'%.30s' is no name: letters, digits, - and _, at most %d", name, COMMIT_NAME_MAX - 1);
    } else if (is_target_word(name)) {
        line_fail(line, word, "'%s' already means something as a target", name);
    } else if (scenario_commit_site(commit, name) != 0) {
        line_fail(line, word, "there are two sites called '%s'", name);
    } else {
        g_strlcpy(commit->names[site], name, COMMIT_NAME_MAX);
    }
}

static void add_participants(struct scenario_line *line, uint32_t word, struct scenario_commit *commit,
                             const char *list)
{
    char **names = g_strsplit(list, ",", -1);
    for (char **name = names; *name != NULL && !line->failed; name++) {
        if (commit->sites == COMMIT_SITES_MAX) {
            line_fail(line, word, "more than %u sites", COMMIT_SITES_MAX);
            break;
        }
        add_site(line, word, commit, commit->sites + 1, *name);
        commit->sites++;
    }
    g_strfreev(names);
}

static void add_refusals(struct scenario_line *line, uint32_t word, struct scenario_commit *commit, const char *list)
{
    char **names = g_strsplit(list, ",", -1);
    for (char **name = names; *name != NULL && !line->failed; name++) {
        uint32_t site = scenario_commit_site(commit, *name);
        if (site <= 1) {
            line_fail(line, word, "'%.30s' is no participant named before on this line", *name);
            break;
        }
        commit->no |= site_bit(site);
    }
    g_strfreev(names);
}

/* ---- the statement --------------------------------------------------------------------------------------------- */

static const char *protocol_names(const void *self, size_t index)
{
    (void)self;
    return index < ARRAY_LENGTH(protocols) ? protocols[index].name : NULL;
}

static const char *key_names(const void *self, size_t index)
{
    (void)self;
    return index < ARRAY_LENGTH(keys) ? keys[index].name : NULL;
}

static void set_time(struct scenario_line *line, uint32_t word, const char *text, int64_t *time_ns)
{
    int64_t least, most;
    if (!line_read_range(line, word, text, QUANTITY_DURATION, &least, &most)) {
        return;
    }
    if (least < (int64_t)NS_PER_MS || most > INT64_C(3600) * (int64_t)NS_PER_SECOND) {
        line_fail(line, word, "from 1ms to 1h is possible");
        return;
    }
    *time_ns = least + (int64_t)random_between(&line->random, 0, (uint64_t)(most - least));
}

static void set_termination(struct scenario_line *line, uint32_t word, struct scenario_commit *commit, const char *text)
{
    static const char *const names[] = {"elected", "timeouts", NULL};
    if (strcmp(text, names[0]) != 0 && strcmp(text, names[1]) != 0) {
        line_fail_unknown(line, word, "termination", text, name_in_strings, names);
        return;
    }
    commit->termination = strcmp(text, names[0]) == 0 ? TERMINATION_ELECTED : TERMINATION_TIMEOUTS;
}

static void set_quorums(struct scenario_line *line, uint32_t word, struct scenario_commit *commit, const char *text)
{
    char **both = g_strsplit(text, ",", -1);
    if (g_strv_length(both) != 2 || !quantity_parse(QUANTITY_COUNT, both[0], &commit->quorum_commit) ||
        !quantity_parse(QUANTITY_COUNT, both[1], &commit->quorum_abort) || commit->quorum_commit < 1 ||
        commit->quorum_abort < 1) {
        line_fail(line, word, "expected two counts, such as quorums=3,3");
    }
    g_strfreev(both);
}

static void set_key(struct scenario_line *line, uint32_t word, struct scenario_commit *commit, const char *name,
                    const char *text)
{
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (strcmp(keys[i].name, name) != 0) {
            continue;
        }
        switch ((enum key)i) {
        case KEY_COORDINATOR:
            commit->sites = MAX(commit->sites, 1);
            add_site(line, word, commit, 1, text);
            return;
        case KEY_PARTICIPANTS:
            commit->sites = MAX(commit->sites, 1);
            add_participants(line, word, commit, text);
            return;
        case KEY_NO:
            add_refusals(line, word, commit, text);
            return;
        case KEY_BEGIN:
            set_time(line, word, text, &commit->begin_ns);
            return;
        case KEY_TIMEOUT:
            set_time(line, word, text, &commit->timeout_ns);
            return;
        case KEY_RETRY:
            set_time(line, word, text, &commit->retry_ns);
            return;
        case KEY_TERMINATION:
            set_termination(line, word, commit, text);
            return;
        case KEY_QUORUMS:
            set_quorums(line, word, commit, text);
            return;
        }
    }
    line_fail_unknown(line, word, "key", name, key_names, NULL);
}

static void check_commit(struct scenario_line *line, const struct scenario_commit *commit)
{
    if (line->failed) {
        return;
    }
    if (commit->names[1][0] == '\0') {
        line_fail(line, 0, "who coordinates? add coordinator=NAME");
    } else if (commit->sites < 2) {
        line_fail(line, 0, "who takes part? add participants=NAME,NAME");
    } else if (commit->quorum_commit != 0 && (commit->quorum_commit + commit->quorum_abort <= commit->sites ||
                                              MAX(commit->quorum_commit, commit->quorum_abort) > commit->sites)) {
        line_fail(line, 0, "the quorums together have to be more than the %u sites, none of them alone", commit->sites);
    }
}

void scenario_parse_commit(struct scenario_line *line, struct scenario *scenario)
{
    struct scenario_commit *commit = &scenario->commit;
    uint32_t word = line->next;
    const char *name = line_take(line, "2pc, 3pc, quorum or zookeeper");
    for (size_t i = 0; i < ARRAY_LENGTH(protocols) && commit->means == COMMIT_BY_NOBODY; i++) {
        if (strcmp(protocols[i].name, name) == 0) {
            commit->means = protocols[i].means;
            commit->protocol = protocols[i].protocol;
        }
    }
    if (commit->means == COMMIT_BY_NOBODY) {
        line_fail_unknown(line, word, "protocol", name, protocol_names, NULL);
    }
    while (!line->failed && line_peek(line) != NULL) {
        word = line->next;
        char *pair = g_strdup(line_take(line, "KEY=VALUE"));
        char *value = strchr(pair, '=');
        if (value == NULL) {
            line_fail(line, word, "expected KEY=VALUE");
        } else {
            *value++ = '\0';
            set_key(line, word, commit, pair, value);
        }
        g_free(pair);
    }
    check_commit(line, commit);
}

/* ---- with fewer sites, and written down again ------------------------------------------------------------------- */

void scenario_commit_remove(struct scenario_commit *commit, uint32_t site)
{
    uint32_t below = site_bit(site) - 1;
    ensure(site > 1 && site <= commit->sites);
    commit->no = (commit->no & below) | (commit->no >> 1 & ~below);
    for (uint32_t i = site; i < commit->sites; i++) {
        memcpy(commit->names[i], commit->names[i + 1], COMMIT_NAME_MAX);
    }
    commit->names[commit->sites--][0] = '\0';
    if (MAX(commit->quorum_commit, commit->quorum_abort) > commit->sites) {
        commit->quorum_commit = commit->quorum_abort = 0;
    }
}

static void print_names(const struct scenario_commit *commit, enum key key, uint32_t mask, GString *out)
{
    uint32_t printed = 0;
    for (uint32_t site = 2; site <= commit->sites; site++) {
        if ((mask & site_bit(site)) != 0) {
            g_string_append_printf(out, printed++ == 0 ? " %s=%s" : "%.0s,%s", keys[key].name, commit->names[site]);
        }
    }
}

static void print_time(enum key key, int64_t time_ns, GString *out)
{
    char text[QUANTITY_TEXT_MAX];
    quantity_print(QUANTITY_DURATION, time_ns, text);
    if (time_ns != 0) {
        g_string_append_printf(out, " %s=%s", keys[key].name, text);
    }
}

void scenario_commit_print(const struct scenario_commit *commit, GString *out)
{
    for (size_t i = 0; i < ARRAY_LENGTH(protocols); i++) {
        if (protocols[i].means == commit->means && protocols[i].protocol == commit->protocol) {
            g_string_append_printf(out, "atomic-commit %s %s=%s", protocols[i].name, keys[KEY_COORDINATOR].name,
                                   commit->names[1]);
        }
    }
    if (commit->means == COMMIT_BY_NOBODY) {
        return;
    }
    print_names(commit, KEY_PARTICIPANTS, UINT32_MAX, out);
    print_names(commit, KEY_NO, commit->no, out);
    print_time(KEY_BEGIN, commit->begin_ns, out);
    print_time(KEY_TIMEOUT, commit->timeout_ns, out);
    print_time(KEY_RETRY, commit->retry_ns, out);
    if (commit->termination != TERMINATION_ELECTED) {
        g_string_append_printf(out, " %s=timeouts", keys[KEY_TERMINATION].name);
    }
    if (commit->quorum_commit != 0) {
        g_string_append_printf(out, " %s=%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT, keys[KEY_QUORUMS].name,
                               commit->quorum_commit, commit->quorum_abort);
    }
    g_string_append_c(out, '\n');
}
