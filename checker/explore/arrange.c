#include "checker/explore/arrange.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "checker/explore/table.h"
#include "protocol/base/ensure.h"

#define WIDTH_MAX 64U
#define STAMP_BITS 24U

struct counting {
    uint32_t width, count;
    uint64_t *hashes; /* [entry][row]: the sum over entries names a combination */
    uint64_t *sums;   /* [row] */
    uint64_t *slots;  /* a set: hash above, below the number of the count it belongs to */
    uint64_t mask;
    uint64_t stamp;
};

static void *reserve(uint64_t words)
{
    uint64_t *reserved = calloc(words, sizeof *reserved);
    ensure(reserved != NULL);
    return reserved;
}

static struct counting begin_counting(const struct arrange_rows *rows)
{
    struct counting counting = {.width = rows->width, .count = rows->count};
    uint64_t slots = 64;
    while (slots < 2 * (uint64_t)rows->count) {
        slots *= 2;
    }
    counting.hashes = reserve((uint64_t)rows->width * rows->count + 1);
    counting.sums = reserve(rows->count + 1);
    counting.slots = reserve(slots);
    counting.mask = slots - 1;
    for (uint32_t entry = 0; entry < rows->width; entry++) {
        for (uint32_t row = 0; row < rows->count; row++) {
            uint64_t value = rows->entries[(uint64_t)row * rows->width + entry];
            counting.hashes[(uint64_t)entry * rows->count + row] = table_hash((uint64_t)(entry + 1) << 32 | value);
        }
    }
    return counting;
}

static void end_counting(struct counting *counting)
{
    free(counting->hashes);
    free(counting->sums);
    free(counting->slots);
}

/* How many different combinations of these entries the rows have. */
static uint64_t count_combinations(struct counting *counting, const uint8_t *entries, uint32_t count)
{
    uint64_t found = 0;
    counting->stamp++;
    ensure(counting->stamp >> STAMP_BITS == 0);
    memset(counting->sums, 0, counting->count * sizeof *counting->sums);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t *hashes = counting->hashes + (uint64_t)entries[i] * counting->count;
        for (uint32_t row = 0; row < counting->count; row++) {
            counting->sums[row] += hashes[row];
        }
    }
    for (uint32_t row = 0; row < counting->count; row++) {
        uint64_t hash = table_hash(counting->sums[row]);
        uint64_t wanted = hash >> STAMP_BITS << STAMP_BITS | counting->stamp;
        uint64_t at = hash & counting->mask;
        while ((counting->slots[at] & ((UINT64_C(1) << STAMP_BITS) - 1)) == counting->stamp &&
               counting->slots[at] != wanted) {
            at = (at + 1) & counting->mask;
        }
        found += counting->slots[at] != wanted;
        counting->slots[at] = wanted;
    }
    return found;
}

static uint32_t leaves_below(uint32_t node, uint32_t width)
{
    uint32_t first = node, last = node, leaves = 0;
    while (first < 2 * width) { /* a row of the tree: leaves are the nodes from `width` on */
        uint32_t from = first < width ? width : first;
        uint32_t to = last < 2 * width ? last + 1 : 2 * width;
        leaves += to > from ? to - from : 0;
        first = 2 * first;
        last = 2 * last + 1;
    }
    return leaves;
}

static void swap(uint8_t *a, uint8_t *b)
{
    uint8_t kept = *a;
    *a = *b;
    *b = kept;
}

/* One of the first `left` entries for one of the others, if that leaves fewer combinations. */
static bool improve(struct counting *counting, uint8_t *entries, uint32_t left, uint32_t count, uint64_t *cost)
{
    for (uint32_t i = 0; i < left; i++) {
        for (uint32_t k = left; k < count; k++) {
            swap(&entries[i], &entries[k]);
            uint64_t now = count_combinations(counting, entries, left);
            now += now < *cost ? count_combinations(counting, entries + left, count - left) : 0;
            if (now < *cost) {
                *cost = now;
                return true;
            }
            swap(&entries[i], &entries[k]);
        }
    }
    return false;
}

/* Divides the entries below an inner node: first those of its left child. */
static uint32_t divide(struct counting *counting, uint8_t *entries, uint32_t count, uint32_t node)
{
    uint32_t left = leaves_below(2 * node, counting->width);
    uint64_t cost = count_combinations(counting, entries, left);
    cost += count_combinations(counting, entries + left, count - left);
    while (improve(counting, entries, left, count, &cost)) {
    }
    return left;
}

/* The entries below each node, written where the node is.  Children come after their parents. */
struct below {
    uint8_t entries[WIDTH_MAX];
    uint32_t count;
};

static void take_leaves(const uint8_t *order, uint32_t width, struct below *below)
{
    for (uint32_t node = 2 * width - 1; node > 0; node--) {
        struct below *of = &below[node];
        if (node >= width) {
            *of = (struct below){.entries = {order[node - width]}, .count = 1};
            continue;
        }
        const struct below *left = &below[2 * node], *right = &below[2 * node + 1];
        memcpy(of->entries, left->entries, left->count);
        memcpy(of->entries + left->count, right->entries, right->count);
        of->count = left->count + right->count;
    }
}

void arrange(const struct arrange_rows *rows, uint8_t *order)
{
    static struct below below[2 * WIDTH_MAX];
    uint32_t width = rows->width;
    struct counting counting = begin_counting(rows);
    take_leaves(order, width, below);
    for (uint32_t node = 1; node < width; node++) {
        struct below *of = &below[node], *left = &below[2 * node], *right = &below[2 * node + 1];
        left->count = divide(&counting, of->entries, of->count, node);
        right->count = of->count - left->count;
        memcpy(left->entries, of->entries, left->count);
        memcpy(right->entries, of->entries + left->count, right->count);
    }
    for (uint32_t leaf = 0; leaf < width; leaf++) {
        order[leaf] = below[width + leaf].entries[0];
    }
    end_counting(&counting);
}

uint64_t arrange_count(const struct arrange_rows *rows, const uint8_t *order)
{
    static struct below below[2 * WIDTH_MAX];
    uint64_t inner = 0;
    struct counting counting = begin_counting(rows);
    take_leaves(order, rows->width, below);
    for (uint32_t node = 2; node < rows->width; node++) {
        inner += count_combinations(&counting, below[node].entries, below[node].count);
    }
    end_counting(&counting);
    return inner;
}
