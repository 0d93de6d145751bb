#include "checker/shrink_step.h"

#define SEEDS_MAX 20U       /* besides the present one */
#define SEED_EVENTS 400000U /* that other seeds of one candidate may take together */
#define SLICE 32U           /* candidates between two looks at the budget */

static void free_plan(gpointer plan)
{
    plan_free(plan);
}

GPtrArray *shrink_batch_new(void)
{
    return g_ptr_array_new_with_free_func(free_plan);
}

struct plan *shrink_add_candidate(const struct shrink *shrink, GPtrArray *batch)
{
    struct plan *plan = plan_copy(shrink->plan);
    g_ptr_array_add(batch, plan);
    return plan;
}

bool shrink_is_over(const struct shrink *shrink)
{
    return shrink->out_of_effort || shrink->was_stopped;
}

uint64_t shrink_other_seeds(const struct shrink *shrink)
{
    uint64_t seeds = SEED_EVENTS / MAX(shrink->events, SHRINK_EVENTS_LEAST);
    return MIN(seeds, SEEDS_MAX);
}

static char *sum_of(const struct plan *plan)
{
    char *text = plan_text(plan);
    char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA1, text, -1);
    g_free(text);
    return sum;
}

void shrink_know(struct shrink *shrink, const struct plan *plan)
{
    g_hash_table_add(shrink->known, sum_of(plan));
}

static bool is_known(const struct shrink *shrink, const struct plan *plan)
{
    char *sum = sum_of(plan);
    bool known = g_hash_table_contains(shrink->known, sum);
    g_free(sum);
    return known;
}

/* All candidates with their own seed, then all with seed 1, and so on; `places` says where in the batch each was. */
static GPtrArray *with_seeds(const struct shrink *shrink, const GPtrArray *batch, uint64_t seeds, GArray *places)
{
    GPtrArray *all = shrink_batch_new();
    for (uint64_t seed = 0; seed <= seeds; seed++) {
        for (guint i = 0; i < batch->len; i++) {
            struct plan *plan = plan_copy(batch->pdata[i]);
            if (seed > 0) {
                plan->seed = plan->last_seed = seed;
            }
            if (is_known(shrink, plan)) {
                plan_free(plan);
            } else {
                g_ptr_array_add(all, plan);
                g_array_append_val(places, i);
            }
        }
    }
    return all;
}

/* Tests some of them; the index of the first that fails, or -1. */
static int test_slice(struct shrink *shrink, const GPtrArray *all, guint from)
{
    uint64_t events[SLICE] = {0};
    GPtrArray *slice = g_ptr_array_new();
    for (guint i = from; i < all->len && i < from + SLICE; i++) {
        g_ptr_array_add(slice, all->pdata[i]);
    }
    int found = shrink->test(shrink->self, slice, events);
    shrink->was_stopped = found == SHRINK_STOP;
    guint ran = shrink->was_stopped ? 0 : found < 0 ? slice->len : (guint)found + 1;
    for (guint i = 0; i < ran; i++) {
        shrink->effort += MAX(events[i], SHRINK_EVENTS_LEAST);
        shrink_know(shrink, slice->pdata[i]);
    }
    shrink->tries += ran;
    shrink->events = found >= 0 ? events[found] : shrink->events;
    shrink->out_of_effort = shrink->effort >= shrink->effort_max;
    g_ptr_array_free(slice, TRUE);
    return found >= 0 ? (int)from + found : -1;
}

int shrink_improve(struct shrink *shrink, GPtrArray *batch, uint64_t seeds)
{
    GArray *places = g_array_new(FALSE, FALSE, sizeof(guint));
    GPtrArray *all = with_seeds(shrink, batch, seeds, places);
    int found = -1;
    for (guint from = 0; from < all->len && found < 0 && !shrink_is_over(shrink); from += SLICE) {
        found = test_slice(shrink, all, from);
    }
    if (found >= 0) {
        plan_free(shrink->plan);
        shrink->plan = plan_copy(all->pdata[found]);
        found = (int)g_array_index(places, guint, found);
    }
    g_array_free(places, TRUE);
    g_ptr_array_free(all, TRUE);
    g_ptr_array_free(batch, TRUE);
    return found;
}

struct plan_fault *shrink_fault_at(const struct plan *plan, guint index)
{
    return &g_array_index(plan->faults, struct plan_fault, index);
}
