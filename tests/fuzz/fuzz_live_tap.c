/* The tap of the live host hears liars at both ends (libFuzzer; `make build/fuzz/fuzz_live_tap && build/fuzz/fuzz_live_tap -max_total_time=300`).
 *
 * The input is a list of steps: octets on one of a few connections, in one direction, as they are or as a whole frame; ends of connections.  Whatever
 * they say, every operation's row is of a client and has one outcome. */
#include <stdio.h>
#include <stdlib.h>

#include "protocol/base/ensure.h"
#include "protocol/wire/jute.h"
#include "sim/external.h"
#include "sim/live_tap.h"
#include "sim/record.h"

#define CONNECTIONS 4U
#define FRAME_OCTETS_MAX 1024U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void ensure_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
    abort();
}

/* Leak detection does not look into the world's own memory. */
static struct outputs *volatile outputs_of_the_world;

static struct world *the_world(void)
{
    static struct world *world;
    if (world == NULL) {
        struct world_config config = {.seed = 1, .world_octets_max = 1U << 20, .client_octets_max = 1U << 20};
        world = world_new(&config);
        ensure(world != NULL);
        outputs_of_the_world = world->outputs;
        world_add_external(world, "outside");
        world_start(world);
    }
    return world;
}

static void say(struct tapped *tapped, bool inbound, bool framed, struct bytes octets)
{
    uint8_t buffer[300];
    struct jute_writer writer = jute_writer_of(buffer, sizeof buffer);
    if (framed) {
        jute_write_bytes(&writer, octets);
    } else {
        jute_write_raw(&writer, octets);
    }
    (inbound ? live_tap_inbound : live_tap_outbound)(tapped, jute_written(&writer, 0));
}

static void check_rows(const struct record *record)
{
    for (guint i = 0; i < record->operations->len; i++) {
        const struct operation_row *row = &g_array_index(record->operations, struct operation_row, i);
        ensure(row->client > 0 && (guint)row->client < record->nodes->len);
        ensure(row->outcome != OUTCOME_PENDING && row->outcome != OUTCOME_NOT_SENT);
        ensure(row->stat < (int64_t)record->stats->len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *world = the_world();
    struct record *record = record_new();
    world_set_record(world, record, RECORD_OPS);
    struct live_tap *tap = live_tap_new(world, FRAME_OCTETS_MAX);
    struct tapped *tapped[CONNECTIONS];
    for (size_t i = 0; i < CONNECTIONS; i++) {
        tapped[i] = live_tap_open(tap, 0, "a liar");
    }
    while (size >= 2) {
        size_t which = data[0] % CONNECTIONS;
        size_t length = data[1] < size - 2 ? data[1] : size - 2;
        if ((data[0] & 0x40) != 0) {
            live_tap_close(tapped[which]);
            tapped[which] = live_tap_open(tap, 0, "another");
        }
        say(tapped[which], (data[0] & 0x80) != 0, (data[0] & 0x20) == 0, (struct bytes){data + 2, (int32_t)length});
        data += 2 + length;
        size -= 2 + length;
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        live_tap_close(tapped[i]);
    }
    check_rows(record);
    live_tap_free(tap);
    record_free(record);
    return 0;
}
