#include "protocol/tree/quota.h"

#include <string.h>

#include "protocol/base/text.h"
#include "protocol/tree/path.h"
#include "protocol/tree/tree_parts.h"

#define LIMITS "zookeeper_limits"
#define STATS "zookeeper_stats"
#define QUOTA_LENGTH ((int32_t)sizeof PATH_QUOTA - 1)
#define TEXT_MAX 128U

/* ---- the text ---- */

struct amounts {
    int64_t count, octets;           /* -1: not said */
    int64_t count_hard, octets_hard; /* -1: not said, or said so */
    bool has_count_hard, has_octets_hard;
};

static bool parse_number(struct bytes text, int64_t *number)
{
    bool negative = text.length > 0 && text.data[0] == '-';
    int32_t at = negative || (text.length > 0 && text.data[0] == '+') ? 1 : 0;
    int64_t sum = 0;
    if (at == text.length) {
        return false;
    }
    for (; at < text.length; at++) {
        if (text.data[at] < '0' || text.data[at] > '9' || sum > INT64_MAX / 10 - 1) {
            return false;
        }
        sum = sum * 10 + (text.data[at] - '0');
    }
    *number = negative ? -sum : sum;
    return true;
}

static int32_t find(struct bytes text, int32_t from, const char *any)
{
    while (from < text.length && memchr(any, text.data[from], strlen(any)) == NULL) {
        from++;
    }
    return from;
}

static void read_pair(struct bytes pair, struct amounts *amounts)
{
    int32_t equals = find(pair, 0, "=");
    if (equals == pair.length) {
        return;
    }
    struct bytes key = {pair.data, equals};
    struct bytes value = {pair.data + equals + 1, find(pair, equals + 1, "=") - equals - 1};
    int64_t number;
    if (!parse_number(value, &number)) {
        return;
    }
    if (bytes_equal(key, bytes_of("count"))) {
        amounts->count = number;
    } else if (bytes_equal(key, bytes_of("bytes"))) {
        amounts->octets = number;
    } else if (bytes_equal(key, bytes_of("countHardLimit"))) {
        amounts->count_hard = number;
        amounts->has_count_hard = true;
    } else if (bytes_equal(key, bytes_of("byteHardLimit"))) {
        amounts->octets_hard = number;
        amounts->has_octets_hard = true;
    }
}

static struct amounts read_amounts(struct bytes text)
{
    struct amounts amounts = {-1, -1, -1, -1, false, false};
    for (int32_t at = 0; at < text.length;) {
        int32_t end = find(text, at, ",;");
        read_pair((struct bytes){text.data + at, end - at}, &amounts);
        at = end + 1;
    }
    return amounts;
}

static void add_limit(struct text_builder *text, const char *key, int64_t value)
{
    text_add(text, key);
    text_add_decimal(text, value);
}

static void write_amounts(struct tree *tree, struct znode *stats, const struct amounts *amounts)
{
    char buffer[TEXT_MAX];
    struct text_builder text = text_of(buffer, sizeof buffer);
    add_limit(&text, "count=", amounts->count);
    add_limit(&text, ",bytes=", amounts->octets);
    if (amounts->has_octets_hard || amounts->has_count_hard) {
        text_add(&text, "=");
    }
    if (amounts->has_octets_hard) {
        add_limit(&text, ";byteHardLimit=", amounts->octets_hard);
    }
    if (amounts->has_count_hard) {
        add_limit(&text, ";countHardLimit=", amounts->count_hard);
    }
    ensure(!text.truncated);
    znode_set_data(tree, stats, (struct bytes){(const uint8_t *)buffer, (int32_t)text.used});
}

/* Clients write these numbers, too: it wraps, as Java's do. */
static int64_t sum_of(int64_t amount, int64_t more)
{
    return (int64_t)((uint64_t)amount + (uint64_t)more);
}

/* ---- which znodes ---- */

static bool is_below_quota(struct bytes path)
{
    return path.length > QUOTA_LENGTH && path.data[QUOTA_LENGTH] == '/' &&
           memcmp(path.data, PATH_QUOTA, (size_t)QUOTA_LENGTH) == 0;
}

static bool ends_with_name(struct bytes path, struct bytes name)
{
    int32_t start = path.length - name.length;
    return start > 0 && path.data[start - 1] == '/' && memcmp(path.data + start, name.data, bytes_size(name)) == 0;
}

bool quota_is_limits(struct bytes path)
{
    return ends_with_name(path, bytes_of(LIMITS)) && is_below_quota(path);
}

bool quota_is_stats(struct bytes path)
{
    return ends_with_name(path, bytes_of(STATS)) && is_below_quota(path);
}

static struct znode *find_of(const struct tree *tree, struct bytes subtree, const char *name)
{
    size_t room = sizeof PATH_QUOTA + bytes_size(subtree) + sizeof LIMITS + 1;
    char *key = arena_alloc_raw(tree->arena, room);
    struct text_builder text = text_of(key, room);
    text_add(&text, PATH_QUOTA);
    text_add_octets(&text, subtree);
    text_add_char(&text, '/');
    text_add(&text, name);
    ensure(!text.truncated);
    struct znode *node = tree_find(tree, (struct bytes){(const uint8_t *)key, (int32_t)text.used});
    arena_free(tree->arena, key, room);
    return node;
}

/* The limits that count for a path: of itself or the nearest above, but not of the root. */
static struct znode *limits_of(const struct tree *tree, struct bytes path, struct bytes *subtree)
{
    struct znode *limits = NULL;
    *subtree = path;
    while (tree->quota_count > 0 && limits == NULL && subtree->length > 1) {
        limits = find_of(tree, *subtree, LIMITS);
        if (limits == NULL) {
            *subtree = path_parent(*subtree);
        }
    }
    return limits;
}

/* ---- keeping the statistics ---- */

static void add_to_stats(struct tree *tree, struct bytes path, int64_t octets, int64_t znodes)
{
    struct bytes subtree;
    if (tree->quota_count == 0 || limits_of(tree, path, &subtree) == NULL) {
        return;
    }
    struct znode *stats = find_of(tree, subtree, STATS);
    if (stats != NULL) {
        struct amounts amounts = read_amounts(stats->data);
        amounts.count = sum_of(amounts.count, znodes);
        amounts.octets = sum_of(amounts.octets, octets);
        write_amounts(tree, stats, &amounts);
    }
}

/* What stands between /zookeeper/quota and the last name. */
static struct bytes subtree_of(const struct znode *node)
{
    struct bytes parent = path_parent(znode_path(node));
    return (struct bytes){parent.data + QUOTA_LENGTH, parent.length - QUOTA_LENGTH};
}

static void count_subtree(struct tree *tree, struct bytes subtree, struct znode *stats)
{
    struct amounts amounts = {0, 0, -1, -1, false, false};
    const struct znode *top = tree_find(tree, subtree);
    for (const struct znode *node = top; node != NULL; node = znode_next(node, top)) {
        amounts.count++;
        amounts.octets += (int64_t)bytes_size(node->data);
    }
    write_amounts(tree, stats, &amounts);
}

void quota_created(struct tree *tree, const struct znode *node)
{
    if (quota_is_stats(znode_path(node))) {
        count_subtree(tree, subtree_of(node), tree_find(tree, znode_path(node)));
    }
    add_to_stats(tree, znode_path(node), (int64_t)bytes_size(node->data), 1);
}

void quota_deleted(struct tree *tree, const struct znode *node)
{
    add_to_stats(tree, znode_path(node), -(int64_t)bytes_size(node->data), -1);
}

void quota_data_changed(struct tree *tree, const struct znode *node, int64_t octets)
{
    add_to_stats(tree, znode_path(node), octets, 0);
}

void quota_recount(struct tree *tree)
{
    const struct znode *top = tree->quota_count == 0 ? NULL : tree_find(tree, bytes_of(PATH_QUOTA));
    for (const struct znode *node = top; node != NULL; node = znode_next(node, top)) {
        struct znode *stats =
            quota_is_limits(znode_path(node)) && node->child_count == 0 ? find_of(tree, subtree_of(node), STATS) : NULL;
        if (stats != NULL) {
            count_subtree(tree, subtree_of(node), stats);
        }
    }
}

/* ---- enforcing ---- */

bool quota_allows(const struct tree *tree, struct bytes path, int64_t octets, int64_t znodes)
{
    struct bytes subtree;
    const struct znode *limits = limits_of(tree, path, &subtree);
    const struct znode *stats = limits == NULL ? NULL : find_of(tree, subtree, STATS);
    if (stats == NULL) {
        return true;
    }
    struct amounts limit = read_amounts(limits->data), now = read_amounts(stats->data);
    bool too_many = znodes != 0 && limit.count_hard > -1 && sum_of(now.count, znodes) > limit.count_hard;
    bool too_large = octets != 0 && limit.octets_hard > -1 && sum_of(now.octets, octets) > limit.octets_hard;
    return !too_many && !too_large;
}
