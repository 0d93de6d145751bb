#include "sim/cmd/judge.h"

#include <string.h>

#include "sim/record_names.h"

enum wish {
    WISH_NOTHING,
    WISH_NOT_VIOLATED,
    WISH_HOLDS,
    WISH_VIOLATED,
};

static enum wish general_wish(const struct scenario *scenario)
{
    enum wish wish = scenario->expectations->len == 0 ? WISH_HOLDS : WISH_NOT_VIOLATED;
    for (guint i = 0; i < scenario->expectations->len; i++) {
        enum expectation_kind kind = g_array_index(scenario->expectations, struct expectation, i).kind;
        if (kind == EXPECT_ALL) {
            return WISH_HOLDS;
        }
        if (kind == EXPECT_VIOLATED) {
            wish = WISH_NOTHING;
        }
    }
    return wish;
}

static enum wish wish_for(const struct scenario *scenario, const char *guarantee)
{
    for (guint i = 0; i < scenario->expectations->len; i++) {
        const struct expectation *expectation = &g_array_index(scenario->expectations, struct expectation, i);
        if ((expectation->kind == EXPECT_HOLDS || expectation->kind == EXPECT_VIOLATED) &&
            strcmp(expectation->name, guarantee) == 0) {
            return expectation->kind == EXPECT_VIOLATED ? WISH_VIOLATED : WISH_HOLDS;
        }
    }
    return general_wish(scenario);
}

static bool is_granted(enum wish wish, enum verdict verdict)
{
    switch (wish) {
    case WISH_NOTHING:
        return true;
    case WISH_NOT_VIOLATED:
        return verdict != VERDICT_VIOLATED;
    case WISH_HOLDS:
        return verdict == VERDICT_HOLDS;
    case WISH_VIOLATED:
        return verdict == VERDICT_VIOLATED;
    }
    return false;
}

static void judge_verdicts(const struct scenario *scenario, const struct record *record, GString *why)
{
    for (guint i = 0; i < record->verdicts->len; i++) {
        const struct verdict_row *row = &g_array_index(record->verdicts, struct verdict_row, i);
        struct bytes octets = record_octets(record, row->guarantee);
        char *name = g_strndup((const char *)octets.data, bytes_size(octets));
        enum wish wish = wish_for(scenario, name);
        if (wish == WISH_VIOLATED && scenario->has_seeds &&
            (record->run.seed < scenario->first_seed || record->run.seed > scenario->last_seed)) {
            wish = WISH_NOTHING;
        }
        if (!record->run.finished && wish != WISH_NOTHING) {
            wish = wish == WISH_VIOLATED ? WISH_NOTHING : WISH_NOT_VIOLATED;
        }
        if (!is_granted(wish, row->verdict)) {
            g_string_append_printf(why, "%s%s %s%s", why->len > 0 ? ", " : "",
                                   record_verdict_name((int32_t)row->verdict), name,
                                   wish == WISH_VIOLATED ? " (expected to be violated)" : "");
        }
        g_free(name);
    }
}

static bool was_observed(const struct record *record, const struct observation_match *match)
{
    for (guint i = 0; i < record->observations->len; i++) {
        if (observation_matches(match, &g_array_index(record->observations, struct observation_row, i).observation)) {
            return true;
        }
    }
    return false;
}

bool judge(const struct scenario *scenario, const struct record *record, GString *why)
{
    judge_verdicts(scenario, record, why);
    for (guint i = 0; i < scenario->expectations->len; i++) {
        const struct expectation *expectation = &g_array_index(scenario->expectations, struct expectation, i);
        if (expectation->kind == EXPECT_OBSERVED && record->run.finished &&
            !was_observed(record, &expectation->observation)) {
            g_string_append_printf(why, "%snever observed %s", why->len > 0 ? ", " : "", expectation->name);
        }
    }
    return why->len == 0;
}
