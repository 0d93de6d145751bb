#include "tests/sorted.h"

#include <glib.h>
#include <string.h>

static int compare_octets(const void *a, const void *b)
{
    const struct bytes *left = a, *right = b;
    size_t shorter = bytes_size(*left) < bytes_size(*right) ? bytes_size(*left) : bytes_size(*right);
    int order = memcmp(left->data, right->data, shorter);
    return order != 0 ? order : left->length - right->length;
}

void sorted_write_strings(struct jute_writer *writer, struct string_list list)
{
    GArray *sorted = g_array_new(FALSE, FALSE, sizeof(struct bytes));
    struct jute_reader walk = string_list_walk(list);
    struct bytes string;
    while (string_list_next(&walk, &string)) {
        g_array_append_val(sorted, string);
    }
    g_array_sort(sorted, compare_octets);
    jute_write_int32(writer, list.count);
    for (size_t i = 0; i < sorted->len; i++) {
        jute_write_bytes(writer, g_array_index(sorted, struct bytes, i));
    }
    g_array_free(sorted, TRUE);
}

static int compare_ids(const void *a, const void *b)
{
    const struct zk_id *left = a, *right = b;
    int order = compare_octets(&left->scheme, &right->scheme);
    return order != 0 ? order : compare_octets(&left->id, &right->id);
}

void sorted_write_ids(struct jute_writer *writer, struct id_list list)
{
    GArray *sorted = g_array_new(FALSE, FALSE, sizeof(struct zk_id));
    struct jute_reader walk = id_list_walk(list);
    struct zk_id id;
    while (id_list_next(&walk, &id)) {
        g_array_append_val(sorted, id);
    }
    g_array_sort(sorted, compare_ids);
    for (size_t i = 0; i < sorted->len; i++) {
        jute_write_id(writer, g_array_index(sorted, struct zk_id, i));
    }
    g_array_free(sorted, TRUE);
}
