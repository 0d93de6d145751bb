/* The counter of zxids must not run into the epoch (ZOOKEEPER-1277): a leader near its end steps down, and a new epoch begins.
 *
 * The state is brought there by hand, since 2^32 transactions take too long. */
#include "protocol/server/server_state.h"
#include "tests/busy_leader.h"
#include "tests/test.h"

#define NEAR_THE_END UINT32_C(0xfffffffb)

static void bring_near_the_end(struct cluster *cluster)
{
    for (uint32_t i = 0; i < 3; i++) {
        struct server *server = (struct server *)(void *)busy_leader_server(cluster, i);
        zxid_t zxid = zxid_make(server->current_epoch, NEAR_THE_END);
        server->tree->last_processed = zxid;
        server->log.last_appended = zxid;
        server->log.open = false;
        if (server_is_leading(server)) {
            server->prep.last_zxid = zxid;
            server->leader.last_proposed = zxid;
            server->leader.last_committed = zxid;
        } else {
            server->learner.last_queued = zxid;
        }
    }
}

static void a_used_up_counter_begins_a_new_epoch(void)
{
    struct cluster *cluster;
    struct server *before = (struct server *)(void *)busy_leader_new(&cluster);
    epoch_t epoch = before->current_epoch;
    bring_near_the_end(cluster);
    busy_leader_create(cluster, 2);
    CHECK_INT(before->leader.last_committed, zxid_make(epoch, NEAR_THE_END + 2));
    CHECK(server_is_leading(before));
    busy_leader_create(cluster, 4);
    CHECK(!server_is_leading(before));
    struct server *after = (struct server *)(void *)busy_leader_wait(cluster);
    CHECK(after != NULL);
    CHECK_INT(after->current_epoch, epoch + 1);
    CHECK_INT(zxid_epoch(after->prep.last_zxid), epoch + 1);
    CHECK(server_last_logged(after) >= zxid_make(epoch + 1, 0));
    busy_leader_free(cluster);
}

static const struct test_case cases[] = {
    {"a used up counter begins a new epoch", a_used_up_counter_begins_a_new_epoch},
    {NULL, NULL},
};

const struct test_suite test_suite_rollover = {"rollover", cases};
