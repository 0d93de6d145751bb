#include "checker/shrink_step.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "sim/script.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define ROUNDS_MAX 6U

/* ---- how long ---------------------------------------------------------------------------------------------------------- */

static void drop_late_faults(struct plan *plan, int64_t end_ns)
{
    for (guint i = plan->faults->len; i-- > 0;) {
        if (shrink_fault_at(plan, i)->at_ns >= end_ns) {
            g_array_remove_index(plan->faults, i);
        }
    }
}

static int64_t round_up(int64_t time_ns, int64_t unit_ns)
{
    return (time_ns + unit_ns - 1) / unit_ns * unit_ns;
}

static bool needs_quiet(const struct plan *plan)
{
    return plan->violated != NULL && strcmp(plan->violated, "available-after-heal") == 0;
}

/* Ends after that share of the present time; with a quiet phase as long as before if it is needed. */
static void cut(struct plan *plan, int64_t share, int64_t of)
{
    if (needs_quiet(plan)) {
        int64_t tail = plan->run_for_ns - plan->quiet_from_ns;
        plan->quiet_from_ns = round_up(plan->quiet_from_ns * share / of, 100 * MS);
        plan->run_for_ns = plan->quiet_from_ns + tail;
        drop_late_faults(plan, plan->quiet_from_ns);
        return;
    }
    plan->quiet_from_ns = 0;
    plan->run_for_ns = round_up(plan->run_for_ns * share / of, 100 * MS);
    drop_late_faults(plan, plan->run_for_ns);
}

static bool reduce_time(struct shrink *shrink)
{
    bool any = false;
    for (int64_t of = 8; of <= 32 && !shrink_is_over(shrink); of *= 2) {
        GPtrArray *batch = shrink_batch_new();
        for (int64_t share = of == 8 ? 1 : of / 2; share < of; share++) {
            cut(shrink_add_candidate(shrink, batch), share, of);
        }
        int64_t before = shrink->plan->run_for_ns;
        any |= shrink_improve(shrink, batch, of == 8 ? shrink_other_seeds(shrink) / 4 : 0) >= 0 &&
               shrink->plan->run_for_ns < before;
    }
    if (shrink->plan->quiet_from_ns != 0 && !needs_quiet(shrink->plan)) {
        GPtrArray *batch = shrink_batch_new();
        shrink_add_candidate(shrink, batch)->quiet_from_ns = 0;
        any |= shrink_improve(shrink, batch, 0) >= 0;
    }
    return any;
}

/* Everything from the fault on happens so much earlier. */
static void pull(struct plan *plan, guint first, int64_t by_ns)
{
    for (guint i = first; i < plan->faults->len; i++) {
        shrink_fault_at(plan, i)->at_ns -= by_ns;
    }
    plan->quiet_from_ns -= plan->quiet_from_ns == 0 ? 0 : by_ns;
    plan->run_for_ns -= by_ns;
}

/* Without what happened before that share of the time, which then comes soon after the first election. */
static void skip(struct plan *plan, int64_t share, int64_t of)
{
    int64_t by_ns = plan->run_for_ns * share / of - 4 * SECOND;
    guint first = 0;
    while (first < plan->faults->len && shrink_fault_at(plan, first)->at_ns < by_ns + 4 * SECOND) {
        first++;
    }
    g_array_remove_range(plan->faults, 0, first);
    pull(plan, 0, by_ns);
}

static bool skip_beginning(struct shrink *shrink, uint64_t seeds)
{
    GPtrArray *batch = shrink_batch_new();
    int64_t before_ns = shrink->plan->run_for_ns;
    for (int64_t share = 7; share > 0 && before_ns > 20 * SECOND && shrink->plan->faults->len > 0; share--) {
        if (before_ns * share / 8 > 8 * SECOND && shrink->plan->quiet_from_ns == 0) {
            skip(shrink_add_candidate(shrink, batch), share, 8);
        }
    }
    return shrink_improve(shrink, batch, seeds) >= 0;
}

/* Less time without faults, before the first and between them. */
static bool close_gaps(struct shrink *shrink)
{
    bool any = false;
    for (guint i = 0; i < shrink->plan->faults->len && !shrink_is_over(shrink); i++) {
        GPtrArray *batch = shrink_batch_new();
        int64_t before_ns = i == 0 ? 0 : shrink_fault_at(shrink->plan, i - 1)->at_ns;
        int64_t gap_ns = shrink_fault_at(shrink->plan, i)->at_ns - before_ns;
        int64_t least_ns = i == 0 ? 2 * SECOND : 500 * MS; /* to elect a leader and to write something */
        for (int64_t left_ns = least_ns; left_ns < gap_ns * 3 / 4; left_ns *= 2) {
            pull(shrink_add_candidate(shrink, batch), i, gap_ns - left_ns);
        }
        any |= shrink_improve(shrink, batch, shrink_other_seeds(shrink)) >= 0;
    }
    return any;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------------- */

/* The index of the k-th node of that kind that is left, counted round and round. */
static uint32_t node_of(const struct plan *plan, enum plan_kind kind, uint32_t k)
{
    k %= plan_count(plan, kind);
    for (uint32_t node = 0;; node++) {
        if (plan_has(plan, node, kind) && k-- == 0) {
            return node;
        }
    }
}

/* Keeps `count` neighbours, for each first one; of a crowd for some: its clients are much alike. */
static void add_keeping(const struct shrink *shrink, GPtrArray *batch, enum plan_kind kind, uint32_t count)
{
    const struct plan *present = shrink->plan;
    uint32_t all = plan_count(present, kind);
    uint32_t stride = kind == PLAN_CLIENT ? MAX(1, all / 4) : 1;
    for (uint32_t first = 0; first < (count == 0 ? 1 : all); first += stride) {
        struct plan *plan = shrink_add_candidate(shrink, batch);
        for (uint32_t k = count; k < all; k++) {
            plan_remove(plan, node_of(present, kind, first + k));
        }
        shrink_drop_idle_faults(plan);
    }
}

static bool reduce_kind(struct shrink *shrink, enum plan_kind kind, uint32_t least, uint64_t seeds)
{
    bool any = false;
    for (bool again = true; again && !shrink_is_over(shrink); any |= again) {
        GPtrArray *batch = shrink_batch_new();
        uint32_t all = plan_count(shrink->plan, kind);
        for (uint32_t count = least; count < all; count = count + 1 < all ? MAX(count + 1, all / 2) : all) {
            add_keeping(shrink, batch, kind, count);
        }
        again = shrink_improve(shrink, batch, seeds) >= 0;
    }
    return any;
}

/* Also a little earlier or later: fewer messages take less time. */
static void add_nudged(GPtrArray *batch)
{
    static const int64_t nudges[] = {MS / 30, MS / 10, MS / 3, MS};
    const struct plan *last = batch->pdata[batch->len - 1];
    for (size_t i = 0; i < 2 * ARRAY_LENGTH(nudges); i++) {
        struct plan *plan = plan_copy(last);
        for (guint k = 0; k < plan->faults->len; k++) {
            struct plan_fault *fault = shrink_fault_at(plan, k);
            int64_t at_ns = fault->at_ns + (i % 2 == 0 ? -nudges[i / 2] : nudges[i / 2]);
            fault->at_ns = MAX(at_ns, 0);
        }
        g_ptr_array_add(batch, plan);
    }
}

/* One participant less, whoever it is. */
static bool reduce_sites(struct shrink *shrink)
{
    bool any = false;
    for (bool again = true; again && !shrink_is_over(shrink); any |= again) {
        GPtrArray *batch = shrink_batch_new();
        for (uint32_t k = plan_count(shrink->plan, PLAN_SITE); k-- > 1 && plan_count(shrink->plan, PLAN_SITE) > 2;) {
            struct plan *plan = shrink_add_candidate(shrink, batch);
            plan_remove(plan, node_of(shrink->plan, PLAN_SITE, k));
            shrink_drop_idle_faults(plan);
            add_nudged(batch);
        }
        again = shrink_improve(shrink, batch, shrink_other_seeds(shrink)) >= 0;
    }
    return any;
}

static bool reduce_nodes(struct shrink *shrink)
{
    bool any = reduce_kind(shrink, PLAN_OBSERVER, 0, shrink_other_seeds(shrink));
    any |= reduce_kind(shrink, PLAN_SERVER, SHRINK_SERVERS_WANTED, shrink_other_seeds(shrink));
    any |= reduce_kind(shrink, PLAN_CLIENT, 1, shrink_other_seeds(shrink) / 4);
    any |= reduce_sites(shrink);
    return any;
}

/* When nothing else helps: what is still large gets many more chances. */
static bool insist(struct shrink *shrink)
{
    bool any = reduce_kind(shrink, PLAN_SERVER, SHRINK_SERVERS_WANTED, 8 * shrink_other_seeds(shrink));
    if (shrink->plan->faults->len > SHRINK_FAULTS_WANTED && shrink->plan->faults->len <= SHRINK_FEW_FAULTS) {
        any |= shrink_drop_chunks(shrink, 1, 8 * shrink_other_seeds(shrink));
    }
    return any;
}

/* ---- workloads and settings -------------------------------------------------------------------------------------------- */

static struct workload_setting *workload_at(const struct plan *plan, guint index)
{
    return &g_array_index(plan->workloads, struct workload_setting, index);
}

static bool unmix(struct shrink *shrink, guint index)
{
    GPtrArray *batch = shrink_batch_new();
    for (guint k = 0, parts = 1; workload_at(shrink->plan, index)->kind == WORKLOAD_MIXED && k < parts; k++) {
        struct plan *plan = shrink_add_candidate(shrink, batch);
        if (plan_unmix(plan, index)) {
            parts = plan->workloads->len - shrink->plan->workloads->len + 1;
            struct workload_setting kept = *workload_at(plan, index + k);
            kept.value[PARAMETER_RATE] *= 2;
            g_array_remove_range(plan->workloads, index, parts);
            g_array_insert_val(plan->workloads, index, kept);
        }
    }
    bool is_mixed = batch->len > 0;
    if (shrink_improve(shrink, batch, shrink_other_seeds(shrink)) >= 0) {
        return true;
    }
    batch = shrink_batch_new();
    if (is_mixed) {
        plan_unmix(shrink_add_candidate(shrink, batch), index);
    }
    return shrink_improve(shrink, batch, shrink_other_seeds(shrink)) >= 0;
}

static bool unmix_all(struct shrink *shrink)
{
    bool any = false;
    for (guint i = 0; i < shrink->plan->workloads->len && !shrink_is_over(shrink); i++) {
        any |= unmix(shrink, i);
    }
    return any;
}

static bool drop_workloads(struct shrink *shrink)
{
    bool any = false;
    for (guint i = shrink->plan->workloads->len; i-- > 0 && !shrink_is_over(shrink);) {
        GPtrArray *batch = shrink_batch_new();
        g_array_remove_index(shrink_add_candidate(shrink, batch)->workloads, i);
        any |= shrink_improve(shrink, batch, shrink_other_seeds(shrink)) >= 0;
    }
    return any;
}

/* One operation of a script less, with its parts. */
static void forget_operation(struct script *script, uint32_t first)
{
    uint32_t gone = 1 + script->operations[first].parts;
    script->count -= gone;
    memmove(&script->operations[first], &script->operations[first + gone],
            (script->count - first) * sizeof script->operations[0]);
    memset(&script->operations[script->count], 0, gone * sizeof script->operations[0]);
}

static bool shorten_scripts(struct shrink *shrink)
{
    bool any = false;
    for (bool again = true; again && !shrink_is_over(shrink); any |= again) {
        GPtrArray *batch = shrink_batch_new();
        for (guint i = 0; i < shrink->plan->scripts->len; i++) {
            const struct script *script = &g_array_index(shrink->plan->scripts, struct script, i);
            for (uint32_t k = 0; script->count > 1 && k < script->count; k += 1 + script->operations[k].parts) {
                forget_operation(&g_array_index(shrink_add_candidate(shrink, batch)->scripts, struct script, i), k);
            }
        }
        again = shrink_improve(shrink, batch, shrink_other_seeds(shrink) / 4) >= 0;
    }
    return any;
}

/* Fewer of what a workload counts; rates are in thousandths of an operation per second. */
static bool lower(struct shrink *shrink, guint index, enum workload_parameter parameter, int64_t unit)
{
    static const int64_t steps[] = {1, 2, 5, 10, 20, 50, 100};
    GPtrArray *batch = shrink_batch_new();
    const struct workload_setting *setting = workload_at(shrink->plan, index);
    bool is_known_to_it = (workload_info(setting->kind)->parameters >> parameter & 1U) != 0;
    for (size_t k = 0; is_known_to_it && k < ARRAY_LENGTH(steps) && steps[k] * unit < setting->value[parameter]; k++) {
        workload_at(shrink_add_candidate(shrink, batch), index)->value[parameter] = steps[k] * unit;
    }
    return shrink_improve(shrink, batch, shrink_other_seeds(shrink) / 4) >= 0;
}

/* What a workload leaves out is said by nobody. */
static bool make_usual(struct shrink *shrink, guint index)
{
    bool any = false;
    struct workload_setting usual;
    workload_setting_default(&usual, workload_at(shrink->plan, index)->kind);
    for (unsigned i = 0; i < WORKLOAD_PARAMETER_COUNT && !shrink_is_over(shrink); i++) {
        bool stays = i == PARAMETER_RATE || i == PARAMETER_KEYS || i == PARAMETER_SIZE || i == PARAMETER_CLIENTS;
        GPtrArray *batch = shrink_batch_new();
        if (!stays && workload_at(shrink->plan, index)->value[i] != usual.value[i]) {
            workload_at(shrink_add_candidate(shrink, batch), index)->value[i] = usual.value[i];
        }
        any |= shrink_improve(shrink, batch, 0) >= 0;
    }
    return any;
}

static bool reduce_workloads(struct shrink *shrink)
{
    bool any = false;
    for (guint i = 0; i < shrink->plan->workloads->len && !shrink_is_over(shrink); i++) {
        any |= lower(shrink, i, PARAMETER_RATE, 1000);
        any |= lower(shrink, i, PARAMETER_KEYS, 1);
        any |= lower(shrink, i, PARAMETER_SIZE, 1);
        any |= make_usual(shrink, i);
    }
    return any;
}

static void unset(struct plan *plan, size_t setting)
{
    struct settings initial;
    settings_default(&initial);
    plan->settings.value[setting] = initial.value[setting];
    plan->settings.given[setting] = false;
}

static bool reduce_settings(struct shrink *shrink)
{
    bool any = false;
    for (size_t i = SETTING_COUNT; i-- > SETTING_CLIENTS + 1 && !shrink_is_over(shrink);) {
        GPtrArray *batch = shrink_batch_new();
        if (shrink->plan->settings.given[i]) {
            unset(shrink_add_candidate(shrink, batch), i);
        }
        any |= shrink_improve(shrink, batch, shrink_other_seeds(shrink) / 4) >= 0;
    }
    return any;
}

/* ---- rounding ---------------------------------------------------------------------------------------------------------- */

static int64_t round_to(int64_t time_ns, int64_t unit_ns)
{
    return (time_ns + unit_ns / 2) / unit_ns * unit_ns;
}

static int compare_faults(gconstpointer a, gconstpointer b)
{
    const struct plan_fault *left = a;
    const struct plan_fault *right = b;
    return (left->at_ns > right->at_ns) - (left->at_ns < right->at_ns);
}

static bool round_fault(struct shrink *shrink, guint index)
{
    static const int64_t units[] = {SECOND, 500 * MS, 100 * MS, 10 * MS, MS};
    GPtrArray *batch = shrink_batch_new();
    const struct plan_fault *present = shrink_fault_at(shrink->plan, index);
    for (size_t i = 0; i < ARRAY_LENGTH(units); i++) {
        int64_t at_ns = round_to(present->at_ns, units[i]);
        int64_t lasts_ns = round_to(present->lasts_ns, units[i]);
        if ((at_ns != present->at_ns || lasts_ns != present->lasts_ns) && (lasts_ns > 0) == (present->lasts_ns > 0)) {
            struct plan *plan = shrink_add_candidate(shrink, batch);
            shrink_fault_at(plan, index)->at_ns = at_ns;
            shrink_fault_at(plan, index)->lasts_ns = lasts_ns;
            g_array_sort(plan->faults, compare_faults);
        }
    }
    return shrink_improve(shrink, batch, shrink_other_seeds(shrink) / 4) >= 0;
}

static void round_all(struct shrink *shrink, int64_t longest_ns)
{
    for (guint i = 0; i < shrink->plan->faults->len && !shrink_is_over(shrink); i++) {
        round_fault(shrink, i);
    }
    GPtrArray *batch = shrink_batch_new();
    for (int64_t unit = SECOND; unit >= 500 * MS; unit /= 2) {
        int64_t run_for_ns = round_up(shrink->plan->run_for_ns, unit);
        shrink_add_candidate(shrink, batch)->run_for_ns = MIN(run_for_ns, longest_ns);
    }
    shrink_improve(shrink, batch, 0);
}

/* Seed 1 is nobody's secret. */
static void try_first_seed(struct shrink *shrink)
{
    GPtrArray *batch = shrink_batch_new();
    if (shrink->plan->seed != 1) {
        struct plan *plan = shrink_add_candidate(shrink, batch);
        plan->seed = plan->last_seed = 1;
    }
    shrink_improve(shrink, batch, 0);
}

/* Most events of a run are about operations; not too few, for what is left is to fail with other seeds too. */
static void lower_rates(struct shrink *shrink)
{
    for (guint i = 0; i < shrink->plan->workloads->len && !shrink_is_over(shrink); i++) {
        lower(shrink, i, PARAMETER_RATE, 20 * 1000);
    }
}

/* Runs become short: the fine steps are cheap then. */
static void reduce_coarsely(struct shrink *shrink)
{
    reduce_time(shrink);
    skip_beginning(shrink, shrink_other_seeds(shrink) / 4);
    lower_rates(shrink);
    shrink_drop_kinds(shrink);
    reduce_kind(shrink, PLAN_OBSERVER, 0, 0);
    reduce_kind(shrink, PLAN_SERVER, SHRINK_SERVERS_WANTED, 0);
    shrink_drop_parts(shrink, 1 + shrink->plan->faults->len / 32);
    reduce_time(shrink);
    reduce_nodes(shrink);
    unmix_all(shrink);
}

static bool reduce(struct shrink *shrink)
{
    bool any = reduce_time(shrink);
    any |= shrink_faults(shrink);
    any |= skip_beginning(shrink, shrink_other_seeds(shrink));
    any |= close_gaps(shrink);
    any |= shrink_join_faults(shrink);
    any |= reduce_nodes(shrink);
    any |= unmix_all(shrink);
    any |= drop_workloads(shrink);
    any |= shorten_scripts(shrink);
    any |= reduce_workloads(shrink);
    any |= reduce_settings(shrink);
    return any;
}

static void reduce_until_stable(struct shrink *shrink)
{
    for (unsigned round = 0; round < ROUNDS_MAX && !shrink_is_over(shrink) && reduce(shrink); round++) {
    }
}

void shrink_run(struct shrink *shrink)
{
    shrink->out_of_effort = shrink->effort >= shrink->effort_max;
    if (shrink->known == NULL) {
        shrink->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    }
    shrink_know(shrink, shrink->plan);
    int64_t run_for_ns = shrink->plan->run_for_ns;
    reduce_coarsely(shrink);
    reduce_until_stable(shrink);
    if (!shrink_is_over(shrink) && insist(shrink)) {
        reduce_until_stable(shrink);
    }
    round_all(shrink, run_for_ns);
    try_first_seed(shrink);
}

void shrink_clear(struct shrink *shrink)
{
    plan_free(shrink->plan);
    if (shrink->known != NULL) {
        g_hash_table_unref(shrink->known);
    }
}
