#include "checker/shrink_step.h"

#define JOINED_MAX 24U /* more are not looked at two by two */

/* ---- without some ------------------------------------------------------------------------------------------------------ */

static guint least_of(guint a, guint b)
{
    return a < b ? a : b;
}

/* Without `size` faults at a time, from the last to the first: what happens late depends on what happened before. */
bool shrink_drop_chunks(struct shrink *shrink, guint size, uint64_t seeds)
{
    bool any = false;
    guint end = shrink->plan->faults->len;
    while (end > 0 && !shrink_is_over(shrink)) {
        GPtrArray *batch = shrink_batch_new();
        for (guint last = end; last > 0; last -= least_of(size, last)) {
            guint length = least_of(size, last);
            g_array_remove_range(shrink_add_candidate(shrink, batch)->faults, last - length, length);
        }
        int found = shrink_improve(shrink, batch, seeds);
        if (found < 0) {
            break;
        }
        any = true;
        /* With other seeds the earlier candidates were tried in vain with the old seed only. */
        guint skipped = seeds > 0 ? 0 : (guint)found * size;
        end = end > skipped + size ? end - skipped - size : 0;
        end = seeds > 0 ? shrink->plan->faults->len : least_of(end, shrink->plan->faults->len);
    }
    return any;
}

static guint drop_kind(struct plan *plan, enum fault_kind kind)
{
    guint before = plan->faults->len;
    for (guint i = before; i-- > 0;) {
        if (shrink_fault_at(plan, i)->fault.kind == kind) {
            g_array_remove_index(plan->faults, i);
        }
    }
    return before - plan->faults->len;
}

/* Without any fault of a frequent kind, as long as that goes. */
bool shrink_drop_kinds(struct shrink *shrink)
{
    bool any = false;
    for (bool again = true; again && !shrink_is_over(shrink); any |= again) {
        GPtrArray *batch = shrink_batch_new();
        for (unsigned kind = FAULT_NONE + 1; kind < FAULT_KIND_COUNT; kind++) {
            if (drop_kind(shrink_add_candidate(shrink, batch), (enum fault_kind)kind) * 16 <
                shrink->plan->faults->len) {
                g_ptr_array_remove_index(batch, batch->len - 1);
            }
        }
        again = shrink_improve(shrink, batch, 0) >= 0;
    }
    return any;
}

void shrink_drop_idle_faults(struct plan *plan)
{
    for (guint i = plan->faults->len; i-- > 0;) {
        if (!plan_fault_matters(plan, shrink_fault_at(plan, i))) {
            g_array_remove_index(plan->faults, i);
        }
    }
}

/* Large parts first, then ever smaller ones down to `least`, with the present seed: late faults change nothing before them,
 * and a smaller part is a better guess than the same part with another seed. */
bool shrink_drop_parts(struct shrink *shrink, guint least)
{
    bool any = false;
    shrink_drop_idle_faults(shrink->plan);
    for (guint size = shrink->plan->faults->len; size >= least && size > 0 && !shrink_is_over(shrink); size /= 2) {
        bool dropped = shrink_drop_chunks(shrink, size, 0);
        any |= dropped;
        if (size == 1 && dropped) {
            size = 2; /* one more time over single ones */
        }
    }
    return any;
}

bool shrink_faults(struct shrink *shrink)
{
    bool any = shrink_drop_parts(shrink, 1);
    guint all = shrink->plan->faults->len;
    for (guint size = all; size > all / 8 && size > 0 && !shrink_is_over(shrink); size /= 2) {
        if (shrink_drop_chunks(shrink, size, shrink_other_seeds(shrink))) {
            any = true;
            shrink_drop_parts(shrink, 1);
        }
    }
    bool is_few = shrink->plan->faults->len <= SHRINK_FEW_FAULTS;
    for (guint size = least_of(shrink->plan->faults->len, 4); is_few && size > 0 && !shrink_is_over(shrink); size--) {
        any |= shrink_drop_chunks(shrink, size, shrink_other_seeds(shrink));
    }
    return any;
}

/* ---- of two, one ------------------------------------------------------------------------------------------------------- */

static bool takes_down(enum fault_kind kind)
{
    return kind == FAULT_CRASH || kind == FAULT_KILL || kind == FAULT_TORN_TAIL;
}

static bool cuts(enum fault_kind kind)
{
    return kind == FAULT_ISOLATE || kind == FAULT_PARTITION || kind == FAULT_ONE_WAY || kind == FAULT_CLOG;
}

static int64_t end_of(const struct plan_fault *fault)
{
    return fault->lasts_ns == 0 ? INT64_MAX : fault->at_ns + fault->lasts_ns;
}

static void set_end(struct plan_fault *fault, int64_t end_ns)
{
    fault->lasts_ns = end_ns == INT64_MAX ? 0 : end_ns - fault->at_ns;
}

static void add_nodes(struct node_set *set, const struct node_set *more)
{
    for (size_t i = 0; i < ARRAY_LENGTH(set->bits); i++) {
        set->bits[i] |= more->bits[i];
    }
}

/* One in the place of both. */
static void add_instead(const struct shrink *shrink, GPtrArray *batch, guint first, guint second,
                        const struct plan_fault *joined)
{
    struct plan *plan = shrink_add_candidate(shrink, batch);
    bool is_early = joined->at_ns == shrink_fault_at(plan, first)->at_ns;
    *shrink_fault_at(plan, is_early ? first : second) = *joined;
    g_array_remove_index(plan->faults, is_early ? second : first);
}

static bool joins(const struct plan_fault *a, const struct plan_fault *b)
{
    return (takes_down(a->fault.kind) && takes_down(b->fault.kind)) || (cuts(a->fault.kind) && cuts(b->fault.kind)) ||
           (a->fault.kind == FAULT_RESTART && b->fault.kind == FAULT_RESTART);
}

/* The first lasts until both would be over; or so does the second one from the beginning, if they are cuts; or else what happens to
 * the nodes of each happens to all of them, at one of the times. */
static void add_joined(const struct shrink *shrink, GPtrArray *batch, guint first, guint second)
{
    const struct plan_fault *a = shrink_fault_at(shrink->plan, first);
    const struct plan_fault *b = shrink_fault_at(shrink->plan, second);
    int64_t end_ns = MAX(end_of(a), end_of(b));
    struct plan_fault early = *a;
    set_end(&early, end_ns);
    add_instead(shrink, batch, first, second, &early);
    struct plan_fault other = *b;
    if (!cuts(a->fault.kind)) {
        add_nodes(&early.fault.a, &b->fault.a);
        add_instead(shrink, batch, first, second, &early);
        add_nodes(&other.fault.a, &a->fault.a);
    } else {
        other.at_ns = a->at_ns;
    }
    set_end(&other, end_ns);
    add_instead(shrink, batch, first, second, &other);
}

/* Whoever went down then starts now, without a line of its own. */
static void add_restarted(const struct shrink *shrink, GPtrArray *batch, guint down, guint restart)
{
    struct plan *plan = shrink_add_candidate(shrink, batch);
    set_end(shrink_fault_at(plan, down), shrink_fault_at(plan, restart)->at_ns);
    g_array_remove_index(plan->faults, restart);
}

static void add_pair(const struct shrink *shrink, GPtrArray *batch, guint first, guint second)
{
    const struct plan_fault *a = shrink_fault_at(shrink->plan, first);
    const struct plan_fault *b = shrink_fault_at(shrink->plan, second);
    if (joins(a, b)) {
        add_joined(shrink, batch, first, second);
    }
    if (takes_down(a->fault.kind) && b->fault.kind == FAULT_RESTART && a->at_ns < b->at_ns && b->at_ns < end_of(a)) {
        add_restarted(shrink, batch, first, second);
    }
    if (second > first + 1) { /* neighbours were tried */
        struct plan *plan = shrink_add_candidate(shrink, batch);
        g_array_remove_index(plan->faults, second);
        g_array_remove_index(plan->faults, first);
    }
}

bool shrink_join_faults(struct shrink *shrink)
{
    bool any = false;
    for (bool again = true; again && !shrink_is_over(shrink); any |= again) {
        GPtrArray *batch = shrink_batch_new();
        guint count = shrink->plan->faults->len;
        for (guint second = count; count <= JOINED_MAX && second-- > 1;) {
            for (guint first = second; first-- > 0;) {
                add_pair(shrink, batch, first, second);
            }
        }
        again = shrink_improve(shrink, batch, shrink_other_seeds(shrink) / 4) >= 0;
    }
    return any;
}
