/* scenario.h -- The scenario language: what an ensemble lives through, in lines readable aloud.
 *
 * One statement per line, `#` starts a comment, words are strict: an unknown one is an error "file:line:column: ..." with the nearest
 * known word.  scenarios/README.md is the reference, made from the same tables as the parser (scenario_reference()).
 *
 * The seed draws what the text leaves open: `5..30s` is a quantity in that range, `choose a|b|c` one of the words.  Each line
 * draws from a stream of its own, named by its text, so that adding a line leaves the draws of the others as they were.  All
 * alternatives are checked whatever the seed.
 *
 * Memory: one struct, freed with scenario_free(); plain data besides.
 * Limits: SCENARIO_..._MAX; going over is an error of the text.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <glib.h>

#include "protocol/flaw.h"
#include "protocol/observation.h"
#include "sim/explore_plan.h"
#include "sim/fault.h"
#include "sim/scenario_commit.h"
#include "sim/scenario_groups.h"
#include "sim/setting.h"
#include "sim/workload.h"

#define SCENARIO_OCTETS_MAX (1U << 20)
#define SCENARIO_LINE_OCTETS_MAX 1000U
#define SCENARIO_FAULTS_MAX 10000U
#define SCENARIO_SELECTORS_MAX 64U
#define SCENARIO_MESSAGE_MAX 32U
#define SCENARIO_TIME_NS_MAX (INT64_C(7) * 24 * 3600 * 1000000000)

#define SCENARIO_ERROR scenario_error_quark()
GQuark scenario_error_quark(void);

enum scenario_error {
    SCENARIO_ERROR_TEXT, /* something wrong on a line */
    SCENARIO_ERROR_FILE, /* cannot be read */
};

/* Whom a fault is about; resolved when it happens. */
enum selector_kind {
    SELECT_SERVER,  /* number: the server's id */
    SELECT_CLIENT,  /* number, from 1 */
    SELECT_LEADER,  /* the serving leader of the highest epoch */
    SELECT_LEADERS, /* everyone who believes to be leading */
    SELECT_ANY_SERVER,
    SELECT_ANY_PARTICIPANT,
    SELECT_ANY_FOLLOWER,
    SELECT_ANY_OBSERVER,
    SELECT_ANY_CLIENT,
    SELECT_SERVERS,
    SELECT_PARTICIPANTS,
    SELECT_FOLLOWERS,
    SELECT_OBSERVERS,
    SELECT_CLIENTS,
    SELECT_MINORITY, /* of the participants, without the leader */
    SELECT_MINORITY_WITH_LEADER,
    SELECT_MAJORITY, /* with the leader */
    SELECT_MAJORITY_WITHOUT_LEADER,
    SELECT_ALL,             /* every node */
    SELECT_REST,            /* every node that the other side does not name */
    SELECT_REST_OF_SERVERS, /* every such server */
    SELECT_SITE,            /* number: a site of the atomic commit, by name */
    SELECT_SITES,           /* all of them */
    SELECT_ANY_SITE,
};

struct selector {
    enum selector_kind kind;
    uint32_t number;
};

struct targets {
    struct selector items[SCENARIO_SELECTORS_MAX];
    uint32_t count; /* 0: nothing was said */
};

/* Drawn anew each time it is needed, in nanoseconds. */
struct span {
    int64_t least, most;
};

enum trigger {
    TRIGGER_AT,       /* once at `at` */
    TRIGGER_EVERY,    /* again and again, `period` after the time before */
    TRIGGER_WHEN,     /* when a node says `observation` */
    TRIGGER_SENDS,    /* when `by` sends a message of that name to `peer` */
    TRIGGER_RECEIVES, /* when one reaches `by` from `peer` */
};

/* An observation, perhaps only with one of its values: `sync-received TRUNC`, `stepped-down no-quorum`. */
struct observation_match {
    enum observation_type type;
    int32_t index; /* of the value that matters; -1: none */
    int64_t value;
};

struct scenario_fault {
    enum trigger trigger;
    int64_t at_ns; /* when: observations before do not count */
    struct span period;
    struct observation_match observation;
    bool is_by; /* only if `by` says so */
    struct selector by;
    char message[SCENARIO_MESSAGE_MAX]; /* sends, receives: its name (sim/message_name.h) */
    bool is_peer;                       /* sends, receives: only if `peer` is at the other end */
    struct selector peer;
    struct span after; /* when: this much later */
    bool again;        /* when: each time, not only the first */
    enum fault_kind kind;
    struct targets a, b;
    int64_t value;
    struct span lasts; /* then its opposite follows; most 0: it has none */
    char *text;        /* of the fault, as written */
    uint32_t line;
};

enum expectation_kind {
    EXPECT_ALL,      /* every guarantee holds */
    EXPECT_HOLDS,    /* this one holds */
    EXPECT_VIOLATED, /* this one is violated */
    EXPECT_OBSERVED, /* some node says this at least once: the interesting thing did happen */
};

struct expectation {
    enum expectation_kind kind;
    char *name; /* of the guarantee, or the observation as written; NULL for all */
    struct observation_match observation;
};

struct scenario {
    char *name; /* as given to the parser */
    char *text; /* the whole of it */
    char *title;
    struct settings settings;
    GArray *workloads;    /* struct workload_setting */
    GArray *scripts;      /* struct script */
    GArray *faults;       /* struct scenario_fault */
    GArray *expectations; /* struct expectation */
    struct flaws flaws;
    bool flaws_removed; /* scenario_remove_flaws() was called */
    struct scenario_commit commit;
    struct scenario_groups groups;
    bool has_chaos;
    int64_t chaos_from_ns, chaos_until_ns;
    uint32_t chaos_kinds; /* mask of enum fault_kind; 0: as drawn */
    int64_t chaos_crash_gap_ns, chaos_network_gap_ns, chaos_other_gap_ns, chaos_outage_ns,
        chaos_ambush_gap_ns; /* 0: as drawn */
    int64_t quiet_from_ns;   /* 0: never */
    int64_t run_for_ns;
    struct explore_plan explore; /* for the explorer; a run with time leaves it alone */
    GArray *explore_start;       /* char *: what happens before it (sim/explore_start.h) */
    bool has_seeds;              /* it says for which seeds it is as expected */
    uint64_t first_seed, last_seed;
    int64_t available_within_ns; /* 0: the guarantee's default */
};

/* Words that the parser cannot know itself. */
struct scenario_vocabulary {
    const char *const *guarantees; /* NULL after the last */
};

/* The scenario that this seed makes of the text; NULL with an error.  `name` is only for messages and the record. */
struct scenario *scenario_parse(const char *name, const char *text, size_t length, uint64_t seed,
                                const struct scenario_vocabulary *vocabulary, GError **error);
struct scenario *scenario_load(const char *path, uint64_t seed, const struct scenario_vocabulary *vocabulary,
                               GError **error);

/* Adds one line to the faults: at, every, when or whenever as in a text, or a fault alone, which means at once.  False with an
 * error, whose place is the column. */
bool scenario_add_fault(struct scenario *scenario, const char *text, uint64_t seed,
                        const struct scenario_vocabulary *vocabulary, GError **error);

void scenario_free(struct scenario *scenario);

/* As it would be without its flaws: what was expected to be violated, and all the rest, is expected to hold. */
void scenario_remove_flaws(struct scenario *scenario);

/* The words of the language, for listings; false after the last. */
bool scenario_word(size_t index, const char **name, const char **syntax, const char **help);

/* What an operation of a script looks like, by index; NULL after the last. */
const char *scenario_script_form(size_t index);

/* The same of the words for targets. */
bool scenario_target(size_t index, const char **name, const char **help);

/* Whether an observation is one of those meant. */
bool observation_matches(const struct observation_match *match, const struct observation *observation);

/* The words that may follow an observation's name, by index; NULL after the last, or if there are none. */
const char *scenario_observation_detail(enum observation_type type, size_t index);

/* What a fault's value looks like in a scenario, as "500%"; NULL if it takes none. */
const char *scenario_fault_value(enum fault_kind kind);

/* Whether `... for TIME` may follow: the fault has an opposite, which takes that value. */
bool scenario_fault_can_end(enum fault_kind kind, enum fault_kind *opposite, int64_t *value);

/* a -> b rather than a | b. */
bool scenario_fault_is_directed(enum fault_kind kind);

/* The reference of the language as Markdown, in one new string. */
char *scenario_reference(void);

#endif
