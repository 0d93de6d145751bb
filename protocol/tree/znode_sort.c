#include "protocol/tree/tree_parts.h"

#define RUN 8U

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void sort_run(const struct znode **items, size_t count, znode_compare *compare)
{
    for (size_t i = 1; i < count; i++) {
        const struct znode *item = items[i];
        size_t at = i;
        for (; at > 0 && compare(items[at - 1], item) > 0; at--) {
            items[at] = items[at - 1];
        }
        items[at] = item;
    }
}

static void merge_runs(const struct znode **to, const struct znode *const *from, size_t middle, size_t count,
                       znode_compare *compare)
{
    size_t left = 0;
    size_t right = middle;
    for (size_t i = 0; i < count; i++) {
        bool take_left = right == count || (left < middle && compare(from[left], from[right]) <= 0);
        to[i] = take_left ? from[left++] : from[right++];
    }
}

void znode_sort(const struct znode **items, const struct znode **spare, size_t count, znode_compare *compare)
{
    for (size_t start = 0; start < count; start += RUN) {
        sort_run(items + start, smaller(RUN, count - start), compare);
    }
    const struct znode **from = items;
    const struct znode **to = spare;
    for (size_t width = RUN; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t here = smaller(2 * width, count - start);
            merge_runs(to + start, from + start, smaller(width, here), here, compare);
        }
        const struct znode **swapped = from;
        from = to;
        to = swapped;
    }
    if (from != items) {
        memcpy(items, from, count * sizeof *items);
    }
}
