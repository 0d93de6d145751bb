#include "sim/record.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "sim/trace.h"

#define SHARED_TEXTS 1024U
#define SHARED_LENGTH 64 /* from which on a text is worth looking for */

struct record *record_new(void)
{
    struct record *record = g_new0(struct record, 1);
    record->nodes = g_array_new(FALSE, FALSE, sizeof(struct node_row));
    record->operations = g_array_new(FALSE, FALSE, sizeof(struct operation_row));
    record->stats = g_array_new(FALSE, FALSE, sizeof(struct stat_row));
    record->inherited = g_array_new(FALSE, FALSE, sizeof(struct inherited_row));
    record->sessions = g_array_new(FALSE, FALSE, sizeof(struct session_row));
    record->events = g_array_new(FALSE, FALSE, sizeof(struct event_row));
    record->observations = g_array_new(FALSE, FALSE, sizeof(struct observation_row));
    record->messages = g_array_new(FALSE, FALSE, sizeof(struct message_row));
    record->disks = g_array_new(FALSE, FALSE, sizeof(struct disk_row));
    record->faults = g_array_new(FALSE, FALSE, sizeof(struct fault_row));
    record->verdicts = g_array_new(FALSE, FALSE, sizeof(struct verdict_row));
    record->pool = g_byte_array_new();
    record->shared = g_new(struct pool_text, SHARED_TEXTS);
    record_reset(record);
    return record;
}

void record_free(struct record *record)
{
    if (record == NULL) {
        return;
    }
    g_array_free(record->nodes, TRUE);
    g_array_free(record->operations, TRUE);
    g_array_free(record->stats, TRUE);
    g_array_free(record->inherited, TRUE);
    g_array_free(record->sessions, TRUE);
    g_array_free(record->events, TRUE);
    g_array_free(record->observations, TRUE);
    g_array_free(record->messages, TRUE);
    g_array_free(record->disks, TRUE);
    g_array_free(record->faults, TRUE);
    g_array_free(record->verdicts, TRUE);
    g_byte_array_free(record->pool, TRUE);
    g_free(record->shared);
    g_free(record);
}

void record_reset(struct record *record)
{
    g_array_set_size(record->nodes, 0);
    g_array_set_size(record->operations, 0);
    g_array_set_size(record->stats, 0);
    g_array_set_size(record->inherited, 0);
    g_array_set_size(record->sessions, 0);
    g_array_set_size(record->events, 0);
    g_array_set_size(record->observations, 0);
    g_array_set_size(record->messages, 0);
    g_array_set_size(record->disks, 0);
    g_array_set_size(record->faults, 0);
    g_array_set_size(record->verdicts, 0);
    g_byte_array_set_size(record->pool, 0);
    for (guint i = 0; i < SHARED_TEXTS; i++) {
        record->shared[i] = (struct pool_text){0, -1};
    }
    struct pool_text none = record_string(record, NULL);
    record->run = (struct run_info){
        .scenario = none,
        .scenario_text = none,
        .version = none,
        .flaws = none,
        .quiet_from_ns = RECORD_NEVER,
        .livelock_node = -1,
    };
    record->seq = 0;
}

static struct pool_text add_text(struct record *record, struct bytes octets)
{
    struct pool_text text = {record->pool->len, octets.length};
    if (octets.length > 0) {
        g_byte_array_append(record->pool, octets.data, (guint)octets.length);
    }
    return text;
}

struct pool_text record_text(struct record *record, struct bytes octets)
{
    if (bytes_is_null(octets)) {
        return (struct pool_text){0, -1};
    }
    if (octets.length < SHARED_LENGTH) {
        return add_text(record, octets);
    }
    struct pool_text *shared = &record->shared[hash_finish(trace_octets(HASH_START, octets)) % SHARED_TEXTS];
    struct bytes known = record_octets(record, *shared);
    if (known.length != octets.length || memcmp(known.data, octets.data, bytes_size(octets)) != 0) {
        *shared = add_text(record, octets);
    }
    return *shared;
}

struct pool_text record_string(struct record *record, const char *string)
{
    if (string == NULL) {
        return record_text(record, bytes_null());
    }
    size_t length = strlen(string);
    ensure(length <= INT32_MAX);
    return record_text(record, (struct bytes){(const uint8_t *)string, (int32_t)length});
}
