#include "sim/cmd/explore_order.h"

#include <math.h>
#include <string.h>

#define WALKS_DEFAULT 10000U
#define PCT_DEPTH_DEFAULT 3U
#define PCT_DEPTH_MAX 64U

void order_entries(struct order_options *options, GOptionEntry *entries)
{
    const GOptionEntry all[ORDER_ENTRIES] = {
        {"order", 0, 0, G_OPTION_ARG_STRING, &options->order,
         "breadth: the shortest counterexample (default); depth: the same states by fewer transitions; walk, pct, "
         "guided: walks at random, which prove nothing",
         "breadth|depth|walk|pct|guided"},
        {"walks", 0, 0, G_OPTION_ARG_STRING, &options->walks, "How many walks (default 10000; 0: until another limit)",
         "N"},
        {"pct-depth", 0, 0, G_OPTION_ARG_STRING, &options->pct_depth,
         "pct: how many things must come in a certain order for the bug to show (default 3)", "N"},
        {"no-reduction", 0, 0, G_OPTION_ARG_NONE, &options->no_reduction,
         "depth: try every event of every state, also what commutes", NULL},
        {"symmetry", 0, 0, G_OPTION_ARG_STRING, &options->symmetry,
         "breadth: one world stands for all that differ in which of several participants that are configured alike is "
         "which; on fails where that is unsound (default: on where it is sound)",
         "on|off"},
    };
    for (size_t i = 0; i < ORDER_ENTRIES; i++) {
        entries[i] = all[i];
    }
}

void order_free(struct order_options *options)
{
    g_free(options->order);
    g_free(options->walks);
    g_free(options->pct_depth);
    g_free(options->symmetry);
}

static bool is_of_walks(enum search_order order)
{
    return order == ORDER_WALK || order == ORDER_PCT || order == ORDER_GUIDED;
}

static bool goes_together(const struct order_options *options, const struct search_options *search, GError **error)
{
    const char *wrong = NULL;
    if (search->jobs > 1 && (search->order == ORDER_DEPTH || search->order == ORDER_GUIDED)) {
        wrong = "takes one process; -j goes with breadth, walk and pct";
    } else if (options->walks != NULL && !is_of_walks(search->order)) {
        wrong = "makes no walks; --walks goes with walk, pct and guided";
    } else if (options->pct_depth != NULL && search->order != ORDER_PCT) {
        wrong = "has no priorities; --pct-depth goes with pct";
    } else if (options->no_reduction && search->order != ORDER_DEPTH) {
        wrong = "reduces nothing; --no-reduction goes with depth";
    } else if (search->symmetry == SYMMETRY_ON && search->order != ORDER_BREADTH) {
        wrong = "tells all worlds apart; --symmetry goes with breadth";
    }
    if (wrong != NULL) {
        g_set_error(error, COMMAND_ERROR, 0, "--order %s %s", search_order_name(search->order), wrong);
    }
    return wrong == NULL;
}

bool order_check(const struct order_options *options, struct search_options *search, GError **error)
{
    uint64_t walks = WALKS_DEFAULT, pct_depth = PCT_DEPTH_DEFAULT;
    if (options->order != NULL && !search_order_of(options->order, &search->order)) {
        g_set_error(error, COMMAND_ERROR, 0, "--order takes breadth, depth, walk, pct or guided, not '%s'",
                    options->order);
        return false;
    }
    if ((options->walks != NULL && !command_parse_number(options->walks, "--walks", 0, 4000000000, &walks, error)) ||
        (options->pct_depth != NULL &&
         !command_parse_number(options->pct_depth, "--pct-depth", 1, PCT_DEPTH_MAX, &pct_depth, error))) {
        return false;
    }
    const char *symmetry = options->symmetry;
    if (symmetry != NULL && strcmp(symmetry, "on") != 0 && strcmp(symmetry, "off") != 0) {
        g_set_error(error, COMMAND_ERROR, 0, "--symmetry takes on or off, not '%s'", symmetry);
        return false;
    }
    bool is_default = symmetry == NULL && search->order == ORDER_BREADTH;
    search->symmetry = is_default                                        ? SYMMETRY_WHERE_SOUND
                       : symmetry != NULL && strcmp(symmetry, "on") == 0 ? SYMMETRY_ON
                                                                         : SYMMETRY_OFF;
    search->walks = (uint32_t)walks;
    search->pct_depth = (uint32_t)pct_depth;
    search->no_reduction = options->no_reduction;
    return goes_together(options, search, error);
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

static void print_walks(const struct search_tour *tour, const char *how, GString *out)
{
    double average = tour->walks == 0 ? 0 : (double)tour->choices / (double)tour->walks;
    g_string_append_printf(out, "%" G_GUINT64_FORMAT " walks %s; %.1f choices on average, %u at most", tour->walks, how,
                           average, tour->longest);
    if (tour->cut > 0) {
        g_string_append_printf(out, "; %" G_GUINT64_FORMAT " cut short by the limit of depth", tour->cut);
    }
}

/* What one walk owes by the theorem. */
static double chance_of(const struct search_tour *tour, uint32_t pct_depth)
{
    return tour->threads == 0 ? 0 : 1 / ((double)tour->threads * pow(tour->steps, (double)pct_depth - 1));
}

static void print_guarantee(const struct search_tour *tour, uint32_t pct_depth, GString *out)
{
    double chance = chance_of(tour, pct_depth);
    g_string_append_printf(out,
                           "; a bug of depth %u that needs no budget and shows within k choices is hit by a walk "
                           "with probability at least "
                           "1/(n k^%u) = %.2g (n = %u threads, k = %u choices), by one of them with %.2g",
                           pct_depth, pct_depth - 1, chance, tour->threads, tour->steps,
                           -expm1((double)tour->walks * log1p(-chance)));
}

void order_print(const struct search *search, const struct search_options *options, GString *out)
{
    struct search_tour tour;
    search_tour(search, &tour);
    switch (options->order) {
    case ORDER_BREADTH:
        g_string_append(out, "breadth first");
        if (search_permutations(search) > 1) {
            g_string_append_printf(out, "; a state stands for all worlds under %u permutations of participants",
                                   search_permutations(search));
        }
        break;
    case ORDER_DEPTH:
        g_string_append(out, options->no_reduction ? "depth first" : "depth first, what commutes in one order only");
        break;
    case ORDER_WALK:
        print_walks(&tour, "at random", out);
        break;
    case ORDER_PCT:
        print_walks(&tour, "by random priorities", out);
        print_guarantee(&tour, options->pct_depth, out);
        break;
    case ORDER_GUIDED:
        print_walks(&tour, "at random", out);
        g_string_append_printf(out, "; %" G_GUINT64_FORMAT " began where something rare was seen", tour.restarts);
        break;
    }
}

void order_print_json(const struct search *search, const struct search_options *options, GString *out)
{
    struct search_tour tour;
    search_tour(search, &tour);
    g_string_append_printf(out, ", \"order\": \"%s\", \"permutations\": %u", search_order_name(options->order),
                           search_permutations(search));
    if (is_of_walks(options->order)) {
        g_string_append_printf(out,
                               ", \"walks\": %" G_GUINT64_FORMAT ", \"choices\": %" G_GUINT64_FORMAT
                               ", \"longest\": %u, \"cut\": %" G_GUINT64_FORMAT,
                               tour.walks, tour.choices, tour.longest, tour.cut);
    }
    if (options->order == ORDER_PCT) {
        g_string_append_printf(out,
                               ", \"pct_depth\": %u, \"threads\": %u, \"steps\": %u, \"probability_of_a_walk\": %.6g",
                               options->pct_depth, tour.threads, tour.steps, chance_of(&tour, options->pct_depth));
    }
    if (options->order == ORDER_GUIDED) {
        g_string_append_printf(out, ", \"restarts\": %" G_GUINT64_FORMAT, tour.restarts);
    }
}
