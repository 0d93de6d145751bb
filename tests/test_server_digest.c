/* A server's digest covers every logical field that a later step may read, and nothing else: fields of a server in which every queue holds something are turned over
 * one after the other. */
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/server/server_state.h"
#include "tests/busy_leader.h"
#include "tests/test.h"

struct field {
    const char *name;
    void *at;
    size_t size;
};

#define FIELD(object, name)                                                                                            \
    {                                                                                                                  \
#object "->" #name, (void *)(uintptr_t) & (object)->name, sizeof(object)->name                                 \
    }

/* The lowest bit of each octet, lest an enum or a bool become nonsense. */
static bool changes(const struct node *node, struct field field, size_t octet)
{
    uint64_t before = node_digest(node);
    uint8_t *octets = field.at;
    octets[octet] ^= 1;
    bool changed = node_digest(node) != before;
    octets[octet] ^= 1;
    ensure(node_digest(node) == before);
    return changed;
}

static void check_covered(const struct node *node, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t octet = 0; octet < fields[i].size; octet++) {
            if (!changes(node, fields[i], octet)) {
                fprintf(stderr, "\nthe digest misses %s, octet %zu\n", fields[i].name, octet);
                CHECK(false);
                break;
            }
        }
    }
}

static void check_identity(const struct node *node, const struct identity *identity)
{
    if (identity != NULL) {
        struct bytes ids = identity->ids.encoded;
        const struct field field = {"ids", (void *)(uintptr_t)ids.data, bytes_size(ids)};
        check_covered(node, &field, 1);
    }
}

/* ---- a server in which everything occurs ---- */

struct subject {
    struct cluster *cluster;
    struct server *server;
    struct connection *client, *voter;
    struct handler *handler;
    struct outstanding *outstanding;
    struct waiting_sync *sync;
    struct unapplied *unapplied;
    struct pending *not_logged, *pending;
    struct committed_zxid *committed;
    struct trial *trial;
    struct request *learner_sync, *arrived, *waiting, *final;
    struct touched_session *touched;
    struct revalidation *revalidation;
    struct change_record *record;
    struct log_entry *queued, *flushing, *unapplied_entry;
    struct known_file *log, *snapshot;
    struct session_queue *session;
    struct commit_entry *entry;
    struct late_event *late;
    struct tracked_session *tracked;
    struct proposal *proposal;
};

static struct proposal *proposal_of(struct server *server, uint32_t counter)
{
    uint8_t octets[64];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct txn txn = {.header = {7, zxid_make(1, counter), 1, 2, OP_ERROR},
                      .body = {.type = OP_ERROR, .error = ZNONODE}};
    txn_write(&writer, &txn);
    return proposal_create(server->arena, jute_written(&writer, 0));
}

static struct identity *some_identity(struct arena *arena)
{
    return identity_with(arena, NULL, (struct zk_id){bytes_of("digest"), bytes_of("user:hash")});
}

static struct request *request_from(struct subject *subject, int32_t opcode)
{
    struct request *request = request_create(subject->server->arena, 7, 3, opcode, bytes_of("body"));
    request->conn = subject->client->id;
    request->conn_serial = subject->client->serial;
    request->identity = some_identity(subject->server->arena);
    return request;
}

static void fill_leader(struct subject *subject)
{
    struct server *server = subject->server;
    struct arena *arena = server->arena;
    struct leader *leader = &server->leader;
    subject->handler = TAILQ_FIRST(&leader->handlers);
    ensure(subject->handler != NULL);
    subject->outstanding = arena_alloc(arena, sizeof *subject->outstanding);
    subject->outstanding->proposal = proposal_of(server, 50);
    subject->outstanding->quorum_count = 2;
    STAILQ_INIT(&subject->outstanding->syncs);
    TAILQ_INSERT_TAIL(&leader->outstanding, subject->outstanding, next);
    subject->sync = arena_alloc(arena, sizeof *subject->sync);
    subject->sync->conn = subject->handler->connection->id;
    subject->sync->serial = subject->handler->connection->serial;
    STAILQ_INSERT_TAIL(&subject->outstanding->syncs, subject->sync, next);
    subject->unapplied = arena_alloc(arena, sizeof *subject->unapplied);
    subject->unapplied->proposal = proposal_of(server, 51);
    STAILQ_INSERT_TAIL(&leader->unapplied, subject->unapplied, next);
    session_tracker_add(&server->sessions, 99, 4000, 0);
    subject->tracked = session_tracker_find(&server->sessions, 99);
}

static void fill_learner(struct subject *subject)
{
    struct server *server = subject->server;
    struct arena *arena = server->arena;
    struct learner *learner = &server->learner;
    subject->not_logged = arena_alloc(arena, sizeof *subject->not_logged);
    subject->not_logged->proposal = proposal_of(server, 60);
    STAILQ_INSERT_TAIL(&learner->not_logged, subject->not_logged, next);
    subject->pending = arena_alloc(arena, sizeof *subject->pending);
    subject->pending->proposal = proposal_of(server, 61);
    STAILQ_INSERT_TAIL(&learner->pending, subject->pending, next);
    subject->committed = arena_alloc(arena, sizeof *subject->committed);
    STAILQ_INSERT_TAIL(&learner->committed, subject->committed, next);
    subject->trial = arena_alloc(arena, sizeof *subject->trial);
    STAILQ_INSERT_TAIL(&learner->trials, subject->trial, next);
    subject->learner_sync = request_from(subject, OP_SYNC);
    STAILQ_INSERT_TAIL(&learner->syncs, subject->learner_sync, in_queue);
    learner_touch(server, 8, 3000);
    subject->touched = learner->touched;
    learner->config = arena_copy_bytes(arena, bytes_of("config"));
    subject->revalidation = arena_alloc(arena, sizeof *subject->revalidation);
    *subject->revalidation =
        (struct revalidation){.session = 9, .conn = subject->client->id, .serial = subject->client->serial};
    STAILQ_INSERT_TAIL(&learner->revalidations, subject->revalidation, next);
}

static struct log_entry *log_entry_of(struct subject *subject, struct log_queue *queue, uint32_t counter)
{
    struct log_entry *entry = arena_alloc(subject->server->arena, sizeof *entry);
    entry->proposal = proposal_of(subject->server, counter);
    STAILQ_INSERT_TAIL(queue, entry, next);
    return entry;
}

static void fill_pipeline(struct subject *subject)
{
    struct server *server = subject->server;
    struct arena *arena = server->arena;
    subject->queued = log_entry_of(subject, &server->log.queue, 70);
    subject->flushing = log_entry_of(subject, &server->log.flushing, 71);
    subject->unapplied_entry = log_entry_of(subject, &server->log.unapplied, 72);
    subject->log = TAILQ_FIRST(&server->log.logs);
    subject->snapshot = TAILQ_FIRST(&server->log.snapshots);
    ensure(subject->log != NULL && subject->snapshot != NULL);
    subject->record = arena_alloc(arena, sizeof *subject->record + 2);
    subject->record->path_length = 2;
    subject->record->view.acl = acl_list_open();
    TAILQ_INSERT_TAIL(&server->prep.records, subject->record, next);
    subject->arrived = request_from(subject, OP_CREATE);
    STAILQ_INSERT_TAIL(&server->commit.arrived, subject->arrived, in_queue);
    subject->session = arena_alloc(arena, sizeof *subject->session);
    STAILQ_INIT(&subject->session->waiting);
    subject->waiting = request_from(subject, OP_CREATE);
    STAILQ_INSERT_TAIL(&subject->session->waiting, subject->waiting, in_queue);
    HASH_ADD(hh, server->commit.sessions, session, sizeof subject->session->session, subject->session);
    subject->entry = arena_alloc(arena, sizeof *subject->entry);
    subject->entry->proposal = proposal_of(server, 73);
    STAILQ_INSERT_TAIL(&server->commit.committed, subject->entry, next);
    subject->final = request_from(subject, OP_GET_DATA);
    STAILQ_INSERT_TAIL(&server->final.queue, subject->final, in_queue);
    subject->late = arena_alloc(arena, sizeof *subject->late);
    *subject->late =
        (struct late_event){.conn = subject->client->id, .serial = subject->client->serial, .path = bytes_of("/late")};
    STAILQ_INSERT_TAIL(&server->final.late, subject->late, next);
    subject->proposal = proposal_of(server, 74);
    committed_log_add(&server->committed, subject->proposal);
    server->snapshot.state = SNAPSHOT_WAITING;
    server->snapshot.tail = bytes_of("tail");
}

static struct connection *connection_on(const struct server *server, enum channel channel)
{
    struct connection *connection;
    TAILQ_FOREACH(connection, &server->connections.list, in_list)
    {
        if (connection->channel == channel) {
            return connection;
        }
    }
    ensure(false);
    return NULL;
}

/* The leader of three, with two clients somewhere. */
static struct subject subject_new(void)
{
    struct subject subject = {0};
    subject.server = (struct server *)(void *)busy_leader_new(&subject.cluster);
    subject.client = connection_on(subject.server, CHANNEL_CLIENT);
    subject.voter = connection_on(subject.server, CHANNEL_ELECTION);
    fill_leader(&subject);
    fill_learner(&subject);
    fill_pipeline(&subject);
    connection_keep(&subject.server->connections, subject.client, bytes_of("half"));
    return subject;
}

/* ---- what is covered ---- */

/* Of a deadline whether there is one matters, and not when it is. */
static void check_armed(const struct node *node, instant_ns *deadline)
{
    instant_ns before = *deadline;
    *deadline = INSTANT_NEVER;
    uint64_t never = node_digest(node);
    *deadline = 5;
    uint64_t armed = node_digest(node);
    CHECK(armed != never);
    *deadline = 6;
    CHECK(node_digest(node) == armed);
    *deadline = before;
}

static void the_server_itself_is_covered(void)
{
    struct subject subject = subject_new();
    struct server *server = subject.server;
    const struct field fields[] = {
        FIELD(server, config.id),      FIELD(server, random),
        FIELD(server, phase),          FIELD(server, state),
        FIELD(server, disk_ops),       FIELD(server, accepted_epoch),
        FIELD(server, current_epoch),  FIELD(server, epoch_to_accept),
        FIELD(server, epoch_to_enter), FIELD(server, serving),
        FIELD(server, needs_snapshot), FIELD(server, tree_ahead_of_disk),
        FIELD(server, next_session),   FIELD(server, in_process),
        FIELD(server, read_only),      FIELD(server, tree->last_processed),
        FIELD(server, prep.last_zxid), FIELD(server, next_leader),
        FIELD(server, snapshot.state), FIELD(server, snapshot.file.zxid),
        FIELD(server, snapshot.shown),
    };
    check_covered(&server->node, fields, ARRAY_LENGTH(fields));
    check_armed(&server->node, &server->delay_until);
    check_armed(&server->node, &server->read_only_at);
    check_armed(&server->node, &server->containers.check_at);
    const struct field configurations[] = {
        {"the configuration in force", (void *)(uintptr_t)server->verifier.text.data,
         bytes_size(server->verifier.text)},
        {"the one that is proposed", (void *)(uintptr_t)server->last_seen.text.data,
         bytes_size(server->last_seen.text)},
        FIELD(server, config_files.next_exists),
        FIELD(server, config_files.waits),
        FIELD(server, config_files.next_waits),
    };
    check_covered(&server->node, configurations, ARRAY_LENGTH(configurations));
    struct bytes proposed = server->last_seen.text;
    server->last_seen.text = server->verifier.text; /* nothing is proposed */
    check_covered(&server->node, configurations, 1);
    server->last_seen.text = proposed;
    const struct field first = FIELD(server, read_only_first);
    CHECK(!changes(&server->node, first, 0)); /* means nothing unless there are sessions here alone */
    server->read_only = true;
    check_covered(&server->node, &first, 1);
    server->read_only = false;
    busy_leader_free(subject.cluster);
}

static void connections_and_links_are_covered(void)
{
    struct subject subject = subject_new();
    struct connection *client = subject.client;
    struct link *link = &subject.server->links.link[0];
    client->from.length = sizeof client->from.octets;
    const struct field fields[] = {
        FIELD(client, id),
        FIELD(client, channel),
        FIELD(client, open),
        FIELD(client, held),
        FIELD(client, client_state),
        FIELD(client, session),
        FIELD(client, timeout_ms),
        FIELD(client, has_read_only),
        FIELD(client, resumed),
        FIELD(client, from.octets),
        FIELD(client, outstanding),
        FIELD(client, peer),
        {"octets kept", client->inbound, client->inbound_length},
        FIELD(link, state),
        FIELD(link, conn),
        FIELD(link, has_last),
        FIELD(link, waits),
        FIELD(link, last.state),
        FIELD(link, last.leader),
        FIELD(link, last.zxid),
        FIELD(link, last.election_epoch),
        FIELD(link, last.peer_epoch),
    };
    client->identity = some_identity(subject.server->arena);
    check_identity(&subject.server->node, client->identity);
    check_covered(&subject.server->node, fields, ARRAY_LENGTH(fields));
    busy_leader_free(subject.cluster);
}

static bool vote_changes(const struct subject *subject, struct vote *vote)
{
    const struct field fields[] = {FIELD(vote, leader), FIELD(vote, zxid), FIELD(vote, round), FIELD(vote, epoch),
                                   FIELD(vote, state)};
    size_t changed = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        changed += changes(&subject->server->node, fields[i], 0);
    }
    CHECK(changed == 0 || changed == ARRAY_LENGTH(fields));
    return changed > 0;
}

static void the_election_is_covered(void)
{
    struct subject subject = subject_new();
    struct election *election = &subject.server->election;
    election->received[1] = election->outside[2] = (struct ballot){true, election->current};
    const struct field fields[] = {
        FIELD(election, state),
        FIELD(election, round),
        FIELD(election, own_vote_waits),
        FIELD(election, received[1].present),
        FIELD(election, outside[2].present),
    };
    check_covered(&subject.server->node, fields, ARRAY_LENGTH(fields));
    CHECK(vote_changes(&subject, &election->received[1].vote));
    CHECK(vote_changes(&subject, &election->outside[2].vote));
    CHECK_INT(election->state, ELECTION_IDLE);
    CHECK(vote_changes(&subject, &election->current));
    CHECK(!vote_changes(&subject, &election->proposal));
    election->state = ELECTION_VOTING;
    CHECK(!vote_changes(&subject, &election->current));
    CHECK(vote_changes(&subject, &election->proposal));
    busy_leader_free(subject.cluster);
}

static void leading_is_covered(void)
{
    struct subject subject = subject_new();
    struct leader *leader = &subject.server->leader;
    struct handler *handler = subject.handler;
    struct tracked_session *tracked = subject.tracked;
    const struct field fields[] = {
        FIELD(leader, state),
        FIELD(leader, epoch),
        FIELD(leader, last_proposed),
        FIELD(leader, last_committed),
        FIELD(leader, full_tick),
        FIELD(leader, retired),
        FIELD(handler, state),
        FIELD(handler, learner),
        FIELD(handler, observer),
        FIELD(handler, forwarding),
        FIELD(handler, unacked),
        FIELD(subject.outstanding, acks),
        FIELD(subject.outstanding, quorums[0].voters),
        FIELD(subject.outstanding, quorums[0].count),
        FIELD(subject.outstanding, quorums[1].voters),
        FIELD(subject.outstanding, quorums[1].count),
        FIELD(subject.outstanding->proposal, digest),
        FIELD(subject.sync, conn),
        FIELD(subject.sync, serial), /* whether it is still that connection */
        FIELD(subject.unapplied->proposal, digest),
        FIELD(tracked, id),
        FIELD(tracked, timeout_ms),
        FIELD(tracked, closing),
        FIELD(tracked, owner),
    };
    check_covered(&subject.server->node, fields, ARRAY_LENGTH(fields));
    busy_leader_free(subject.cluster);
}

/* Of a leader in that state, for whose handler it is in that state: these fields matter, and no others. */
static void check_counted(enum leader_state leader_state, enum handler_state handler_state, const char *counted)
{
    struct subject subject = subject_new();
    struct leader *leader = &subject.server->leader;
    struct handler *handler = subject.handler;
    const struct field fields[] = {
        FIELD(leader, accepted_max),   FIELD(leader, known),      FIELD(leader, epoch_acks),
        FIELD(leader, newleader_acks), FIELD(leader, start_zxid), FIELD(handler, last_zxid),
        FIELD(handler, chosen_last),   FIELD(handler, last_sent), FIELD(handler, current_epoch),
    };
    leader->state = leader_state;
    handler->state = handler_state;
    handler->chosen = true;
    handler->unacked = handler_state == HANDLER_BROADCAST ? 7 : 0;
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        const char *name = strchr(fields[i].name, '>') + 1;
        bool is_counted = strstr(counted, name) != NULL;
        if (changes(&subject.server->node, fields[i], 0) != is_counted) {
            fprintf(stderr, "\nthe digest %s %s, leader %d, handler %d\n", is_counted ? "misses" : "tells", name,
                    (int)leader_state, (int)handler_state);
            CHECK(false);
        }
    }
    busy_leader_free(subject.cluster);
}

static void what_a_leader_counts_is_covered_while_it_counts(void)
{
    check_counted(LEADER_DISCOVERY, HANDLER_INFO, "accepted_max known start_zxid newleader_acks");
    check_counted(LEADER_SAVING_ACCEPTED, HANDLER_EPOCH, "start_zxid newleader_acks");
    check_counted(LEADER_EPOCH_ACKS, HANDLER_ACKEPOCH, "epoch_acks start_zxid newleader_acks");
    check_counted(LEADER_EPOCH_ACKS, HANDLER_EPOCH_QUORUM, "epoch_acks start_zxid newleader_acks last_zxid");
    check_counted(LEADER_NEWLEADER_ACKS, HANDLER_SYNC, "newleader_acks last_zxid chosen_last");
    check_counted(LEADER_BROADCAST, HANDLER_SYNC, "last_zxid chosen_last");
    check_counted(LEADER_BROADCAST, HANDLER_NEWLEADER, "");
    check_counted(LEADER_BROADCAST, HANDLER_BROADCAST, "last_sent");
}

static void learning_is_covered(void)
{
    struct subject subject = subject_new();
    struct learner *learner = &subject.server->learner;
    const struct field fields[] = {
        FIELD(learner, state),
        FIELD(learner, leader),
        FIELD(learner, conn),
        FIELD(learner, attempts),
        FIELD(learner, epoch),
        FIELD(learner, promised_before),
        FIELD(learner, sync_type),
        FIELD(learner, sync_zxid),
        FIELD(learner, last_queued),
        FIELD(learner, proposed),
        {"NEWLEADER's configuration", (void *)(uintptr_t)learner->config.data, 6},
        FIELD(subject.not_logged->proposal, digest),
        FIELD(subject.pending->proposal, digest),
        FIELD(subject.committed, zxid),
        FIELD(subject.trial, delivery.value[0]),
        FIELD(subject.touched, session),
        FIELD(subject.touched, timeout_ms),
        FIELD(subject.revalidation, session),
        FIELD(subject.revalidation, conn),
        FIELD(subject.revalidation, serial),
    };
    check_covered(&subject.server->node, fields, ARRAY_LENGTH(fields));
    busy_leader_free(subject.cluster);
}

static void the_pipeline_is_covered(void)
{
    struct subject subject = subject_new();
    struct log_stage *log = &subject.server->log;
    struct change_record *record = subject.record;
    log->open = true;
    const struct field fields[] = {
        FIELD(subject.queued->proposal, digest),
        FIELD(subject.flushing->proposal, digest),
        FIELD(subject.unapplied_entry->proposal, digest),
        FIELD(subject.entry->proposal, digest),
        FIELD(subject.proposal, digest),
        FIELD(log, flushes),
        FIELD(log, dirty),
        FIELD(log, open),
        FIELD(log, file.zxid),
        FIELD(log, last_appended),
        FIELD(log, last_synced),
        FIELD(log, appends),
        FIELD(log, snapshot_after),
        FIELD(subject.log, name.zxid),
        FIELD(subject.snapshot, name.zxid),
        FIELD(record, zxid),
        FIELD(record, view.exists),
        FIELD(record, view.version),
        FIELD(record, view.cversion),
        FIELD(record, view.aversion),
        FIELD(record, view.child_count),
        FIELD(record, view.ephemeral_owner),
        {"path of a change record", record->path, 2},
        FIELD(subject.session, session),
        FIELD(subject.late, conn),
        FIELD(subject.late, serial),
        FIELD(subject.late, type),
    };
    check_covered(&subject.server->node, fields, ARRAY_LENGTH(fields));
    busy_leader_free(subject.cluster);
}

static void requests_are_covered(void)
{
    struct subject subject = subject_new();
    struct request *requests[] = {subject.learner_sync, subject.arrived, subject.waiting, subject.final};
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        struct request *request = requests[i];
        const struct field fields[] = {
            FIELD(request, session),     FIELD(request, cxid),     FIELD(request, opcode),
            FIELD(request, error),       FIELD(request, owner),    FIELD(request, conn),
            FIELD(request, conn_serial), FIELD(request, prepared), {"body", (void *)(uintptr_t)request->body.data, 4},
        };
        check_covered(&subject.server->node, fields, ARRAY_LENGTH(fields));
        check_identity(&subject.server->node, request->identity);
    }
    busy_leader_free(subject.cluster);
}

static void watches_are_covered(void)
{
    struct subject subject = subject_new();
    struct server *server = subject.server;
    uint64_t seen[6];
    size_t count = 0;
    seen[count++] = node_digest(&server->node);
    watches_add_persistent(server->watches, bytes_of("/w"), subject.client->id, false);
    seen[count++] = node_digest(&server->node);
    watches_add_persistent(server->watches, bytes_of("/w"), subject.client->id, true);
    seen[count++] = node_digest(&server->node);
    watches_add(server->watches, WATCH_DATA, bytes_of("/w"), subject.client->id, WATCH_STANDARD);
    seen[count++] = node_digest(&server->node);
    watches_add(server->watches, WATCH_CHILD, bytes_of("/w"), subject.client->id, WATCH_STANDARD);
    seen[count++] = node_digest(&server->node);
    watches_remove_connection(server->watches, subject.client->id);
    watches_add(server->watches, WATCH_DATA, bytes_of("/x"), subject.client->id, WATCH_STANDARD);
    seen[count++] = node_digest(&server->node);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            CHECK(seen[i] != seen[k]);
        }
    }
    busy_leader_free(subject.cluster);
}

/* The tree's own digest leaves them out, for servers need not agree on them. */
static void statistics_of_quotas_are_covered(void)
{
    static const char *const paths[] = {"/zookeeper/quota/q", "/zookeeper/quota/q/zookeeper_stats"};
    struct subject subject = subject_new();
    struct tree *tree = subject.server->tree;
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        struct txn txn = {.header = {7, zxid_make(9, (uint32_t)i + 1), 1, 2, OP_CREATE},
                          .body = {.type = OP_CREATE, .path = bytes_of(paths[i]), .data = bytes_of("count=1,bytes=0")}};
        txn.body.acl = acl_list_open();
        tree_apply(tree, &txn);
    }
    const struct znode *statistics = tree_find(tree, bytes_of(paths[1]));
    ensure(statistics != NULL && bytes_size(statistics->data) > 0);
    const struct field field = {"statistics of a quota", (void *)(uintptr_t)statistics->data.data,
                                bytes_size(statistics->data)};
    check_covered(&subject.server->node, &field, 1);
    busy_leader_free(subject.cluster);
}

/* Absolute times: only whether a deadline is armed may matter.  Serial numbers and capacities: how the server came here, not what it will
 * do. */
static void times_and_history_are_left_out(void)
{
    struct subject subject = subject_new();
    struct server *server = subject.server;
    const struct field fields[] = {
        FIELD(server, now),
        FIELD(server, leader.ping_at),
        FIELD(server, learner.read_until),
        FIELD(server, election.notify_at),
        FIELD(server, election.notify_ms),
        FIELD(server, election.finalize_at),
        FIELD(subject.handler, read_until),
        FIELD(&server->connections, last_serial),
        FIELD(&server->connections, accepted_capacity),
        FIELD(subject.voter, serial),
        FIELD(subject.client->idle.bucket, at),
        FIELD(subject.tracked->expiry.bucket, at),
    };
    server->learner.read_until = 5;
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        CHECK(!changes(&server->node, fields[i], 0));
    }
    busy_leader_free(subject.cluster);
}

static const struct test_case cases[] = {
    {"the digest covers the server's own fields", the_server_itself_is_covered},
    {"the digest covers connections and links", connections_and_links_are_covered},
    {"the digest covers the election", the_election_is_covered},
    {"the digest covers what a leader knows", leading_is_covered},
    {"the digest covers what a leader counts while it counts", what_a_leader_counts_is_covered_while_it_counts},
    {"the digest covers what a learner knows", learning_is_covered},
    {"the digest covers the stages", the_pipeline_is_covered},
    {"the digest covers requests wherever they wait, and who asks", requests_are_covered},
    {"the digest covers watches of every kind", watches_are_covered},
    {"the digest covers the statistics of quotas", statistics_of_quotas_are_covered},
    {"the digest leaves times and history out", times_and_history_are_left_out},
    {NULL, NULL},
};

const struct test_suite test_suite_server_digest = {"server-digest", cases};
