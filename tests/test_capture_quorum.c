/* Recorded quorum streams of Apache ZooKeeper 3.8.0, said to our server in the opposite role: it answers as recorded.
 *
 * As a learner it boots with the epochs and the last zxid that the recorded learner had (the history before the
 * recording is made up, since no learner tells it), hears from the other voters whom they follow, dials that leader and
 * is sent what the leader sent.  As the leader it is elected by the others' votes and is sent what all recorded learners
 * said.  Clients of the server that ours stands for are replayed with it.  Everything happens in the recorded order,
 * without time; session ids come out the same because the clock starts where it makes them so.
 *
 * What the protocol does not force is evened out:
 *   time       the leader's PINGs, as no time goes on; the times in its transactions
 *   order      packets of one group (packet_texts.h) keep their order; ACK and REQUEST, or COMMIT and the next PROPOSAL,
 *              may pass each other.  When a leader heard the ACK of NEWLEADER shows in UPTODATE
 *   digests    a transaction may end with the tree's digest: Apache's do, ours do not
 *   touches    the answer to PING tells of sessions that were heard of; ours of those closed since, too, Apache's of all
 *              that have begun on any server: only living ones of the learner's own clients are compared
 *   version    3.8 acknowledges each committed proposal of a DIFF by itself; like 3.9.3 and later, ours lets the ACK of
 *              NEWLEADER answer for them
 *   addresses  the text of the configuration
 *   hashes     the order of a client's ids, and of znodes and ACLs in a snapshot
 *
 * quorum-steady goes on where quorum-cold-start ends; quorum-reconfig begins as it does.
 *
 * Not compared:
 *   quorum-reconfig           our leader: it would propose configurations with its own addresses
 *   quorum-revalidate-expiry  our leader: what went before in its epoch is in no file, and so its count of sessions
 *   quorum-lost, quorum-leader-killed   streams 1 to 3: what they begin with is in no file
 *   quorum-follower-wiped, -snap        what is in our leader's snapshot: the recorded tree's history is in no file
 */
#include <glib.h>

#include "protocol/base/ensure.h"
#include "tests/packet_texts.h"
#include "tests/quorum_replay.h"
#include "tests/test.h"

/* ---- learners ---- */

/* The last zxid that a DIFF brought with its commit, 0: none; ACKs up to there that follow NEWLEADER's are 3.8's. */
static zxid_t committed_by_diff(const struct stream *stream)
{
    zxid_t last = 0;
    for (size_t i = 0; i < stream->heard->len; i++) {
        struct quorum_packet packet;
        const struct capture_event *event = stream->heard->pdata[i];
        if (!quorum_packet_read(event->octets, event->length, &packet)) {
            return 0; /* a snapshot */
        }
        if (packet.type == PACKET_NEWLEADER) {
            break;
        }
        last = packet.type == PACKET_COMMIT ? packet.zxid : last;
    }
    return last;
}

static void compare_learner(const struct stream *stream)
{
    struct packet_texts got, want;
    zxid_t answered = committed_by_diff(stream);
    packet_texts_init(&got, stream, false);
    packet_texts_init(&want, stream, false);
    packet_texts_add_said(&got, stream);
    for (size_t i = 0; i < stream->said->len; i++) {
        const struct capture_event *event = stream->said->pdata[i];
        struct quorum_packet packet = quorum_packet_of(event);
        if (packet.type != PACKET_ACK || zxid_counter(packet.zxid) == 0 || packet.zxid > answered) {
            packet_texts_add(&want, event->octets, event->length);
        }
    }
    packet_texts_compare(&got, &want, stream);
    packet_texts_free(&got);
    packet_texts_free(&want);
}

static struct past learners_past(const struct stream *stream)
{
    struct past past = {.session = 1};
    struct quorum_packet info = quorum_packet_of(stream->said->pdata[0]),
                         ack = quorum_packet_of(stream->said->pdata[1]);
    int32_t current;
    ensure(ack.type == PACKET_ACKEPOCH && packet_read_int32(ack.data, &current));
    past.accepted = zxid_epoch(info.zxid);
    past.current = current < 0 ? past.accepted : current;
    past.last = ack.zxid;
    struct learner_info learner;
    ensure(learner_info_read(info.data, &learner));
    past.config = learner.config_version;
    return past;
}

static bool has_clients(const struct recording *recording, const struct stream *learner)
{
    for (size_t i = 0; i < recording->streams->len; i++) {
        const struct stream *stream = recording->streams->pdata[i];
        if (!stream->quorum && stream->to == learner->from) {
            return true;
        }
    }
    return false;
}

static void replay_learner(struct recording *recording, struct stream *stream)
{
    struct replay replay = {
        .recording = recording, .learner = stream, .makes_up_client = !has_clients(recording, stream)};
    struct past past = learners_past(stream);
    for (size_t i = 0; i < recording->streams->len; i++) {
        ((struct stream *)recording->streams->pdata[i])->line = NULL;
    }
    quorum_replay_start(&replay, stream->from, &past);
    quorum_replay_elect(&replay, stream->to, &past);
    stream->line = lone_server_dialed(replay.server, CHANNEL_QUORUM, stream->to);
    CHECK(stream->line != NULL);
    if (stream->line != NULL) {
        lone_server_reach(replay.server, stream->line);
        quorum_replay_run(&replay, &past);
        compare_learner(stream);
    }
    lone_server_free(replay.server);
}

static void replay_learners(const char *file, const char *next)
{
    struct recording *recording = recording_load(file, next);
    unsigned count = 0;
    for (size_t i = 0; i < recording->streams->len; i++) {
        struct stream *stream = recording->streams->pdata[i];
        if (stream->quorum) {
            replay_learner(recording, stream);
            count++;
        }
    }
    CHECK(count > 0);
    recording_free(recording);
}

/* ---- leaders ---- */

static void compare_leader(const struct stream *stream, bool other_tree)
{
    struct packet_texts got, want;
    packet_texts_init(&got, stream, true);
    packet_texts_init(&want, stream, true);
    got.other_tree = want.other_tree = other_tree;
    packet_texts_add_said(&got, stream);
    for (size_t i = 0; i < stream->heard->len; i++) {
        const struct capture_event *event = stream->heard->pdata[i];
        packet_texts_add(&want, event->octets, event->length);
    }
    packet_texts_compare(&got, &want, stream);
    packet_texts_free(&got);
    packet_texts_free(&want);
}

struct leadership {
    const char *file, *next;
    server_id_t leader, helper; /* helper: a voter without a stream that completes the quorum, 0: none */
    struct past past;
    struct past lived; /* in the leader's epoch, before the recording; its last zxid */
    bool other_tree;   /* the recorded one cannot be told: what is in a snapshot is not compared */
};

static void replay_leader(const struct leadership *leadership)
{
    struct recording *recording = recording_load(leadership->file, leadership->next);
    struct replay replay = {.recording = recording, .leads = true};
    quorum_replay_start(&replay, leadership->leader, &leadership->past);
    quorum_replay_elect(&replay, leadership->leader, &leadership->past);
    if (leadership->helper != 0) {
        quorum_replay_start_helper(&replay, leadership->helper, &leadership->past);
    }
    quorum_replay_live_up_to(&replay, &leadership->lived, leadership->lived.last);
    quorum_replay_run(&replay, &leadership->lived);
    for (size_t i = 0; i < recording->streams->len; i++) {
        const struct stream *stream = recording->streams->pdata[i];
        if (stream->quorum && stream->to == leadership->leader) {
            compare_leader(stream, leadership->other_tree);
        }
    }
    lone_server_free(replay.server);
    recording_free(recording);
}

static void learners_cold_start(void)
{
    replay_learners("quorum-cold-start", "quorum-steady");
}

static void leader_cold_start(void)
{
    replay_leader(&(struct leadership){.file = "quorum-cold-start", .next = "quorum-steady", .leader = 3});
}

static void leader_late_joiner(void)
{
    replay_leader(&(struct leadership){.file = "quorum-late-joiner", .leader = 2});
}

static void leader_trunc(void)
{
    static const struct step steps[] = {
        {OP_CREATE_SESSION, 1, NULL, 0, false, NULL},
        {OP_CREATE, 1, "/kept", 1, false, NULL},
        {OP_SET_DATA, 1, "/kept", 1, false, NULL},
    };
    replay_leader(&(struct leadership){
        .file = "quorum-trunc", .leader = 2, .helper = 1, .past = {1, 1, 0x100000003, steps, 0, 0, 0}});
}

static void leader_crossepoch(void)
{
    static const session_id_t first = 0x3000078984f0000, second = 2;
    const struct step past[] = {
        {OP_CREATE_SESSION, first, NULL, 0, false, NULL},
        {OP_CREATE, first, "/a", 1, false, NULL},
        {OP_SET_DATA, first, "/a", 1, false, "2"},
    };
    const struct step lived[] = {
        {OP_CREATE_SESSION, second, NULL, 0, false, NULL},
        {OP_CREATE, second, "/epoch2", 2, false, NULL},
        {OP_CLOSE_SESSION, second, NULL, 0, false, NULL},
    };
    replay_leader(&(struct leadership){.file = "quorum-trunc-crossepoch",
                                       .leader = 2,
                                       .helper = 1,
                                       .past = {1, 1, 0x100000003, past, 0, 0, 0},
                                       .lived = {2, 2, 0x200000003, lived, 0, 0, 0}});
}

/* The leader 3 has led since the first epoch began; the recording begins behind `last`. */
static void replay_settled_leader(const char *file, session_id_t session, zxid_t last, uint32_t creates)
{
    replay_leader(&(struct leadership){
        .file = file, .leader = 3, .helper = 2, .lived = {1, 1, last, NULL, session, creates, 0}, .other_tree = true});
}

static void leader_follower_diff(void)
{
    replay_settled_leader("quorum-follower-diff", 0x300007856690000, 0x10000000c, 0);
}

static void leader_observer_diff(void)
{
    replay_settled_leader("quorum-observer-diff", 0x300007856690000, 0x10000000e, 0);
}

static void leader_follower_uptodate(void)
{
    replay_settled_leader("quorum-follower-uptodate", 0x300007856690000, 0x100000012, 0);
}

static void leader_follower_wiped(void)
{
    replay_settled_leader("quorum-follower-wiped", 0x300007856690000, 0x100000011, 8);
}

static void leader_follower_snap(void)
{
    replay_settled_leader("quorum-follower-snap", 0x3000078747c0000, 0x100000260, 6);
}

static void leader_lost(void)
{
    static const struct step steps[] = {
        {OP_CREATE_SESSION, 0x3000078ab490000, NULL, 0, false, NULL},
        {OP_CREATE, 0x3000078ab490000, "/kept", 1, false, NULL},
        {OP_SET_DATA, 0x3000078ab490000, "/kept", 1, false, NULL},
    };
    replay_leader(
        &(struct leadership){.file = "quorum-lost", .leader = 3, .past = {1, 1, 0x100000005, steps, 0, 0, 0}});
}

static void leader_killed(void)
{
    static const session_id_t first = 0x10000783c900000, second = 0x40000783d580000;
    const struct step steps[] = {
        {OP_CREATE_SESSION, first, NULL, 0, false, NULL},
        {OP_CREATE, first, "/a", 1, false, NULL},
        {OP_CREATE, first, "/a/e", 1, true, NULL},
        {OP_CREATE_SESSION, second, NULL, 0, false, NULL},
    };
    replay_leader(
        &(struct leadership){.file = "quorum-leader-killed", .leader = 2, .past = {1, 1, 0x100000004, steps, 0, 0, 0}});
}

static void learners_reconfig(void)
{
    replay_learners("quorum-cold-start", "quorum-reconfig");
}

static void learners_follower_diff(void)
{
    replay_learners("quorum-follower-diff", NULL);
}

static void learners_observer_diff(void)
{
    replay_learners("quorum-observer-diff", NULL);
}

static void learners_follower_uptodate(void)
{
    replay_learners("quorum-follower-uptodate", NULL);
}

static void learners_follower_wiped(void)
{
    replay_learners("quorum-follower-wiped", NULL);
}

static void learners_follower_snap(void)
{
    replay_learners("quorum-follower-snap", NULL);
}

static void learners_trunc(void)
{
    replay_learners("quorum-trunc", NULL);
}

static void learners_trunc_crossepoch(void)
{
    replay_learners("quorum-trunc-crossepoch", NULL);
}

static void learners_late_joiner(void)
{
    replay_learners("quorum-late-joiner", NULL);
}

static void learners_lost(void)
{
    replay_learners("quorum-lost", NULL);
}

static void learners_leader_killed(void)
{
    replay_learners("quorum-leader-killed", NULL);
}

static void learners_revalidate_expiry(void)
{
    replay_learners("quorum-revalidate-expiry", NULL);
}

static const struct test_case cases[] = {
    {"learners start and serve as recorded (quorum-cold-start, -steady)", learners_cold_start},
    {"learners change the configuration as recorded (quorum-reconfig)", learners_reconfig},
    {"a follower catches up by DIFF as recorded (quorum-follower-diff)", learners_follower_diff},
    {"an observer catches up by DIFF as recorded (quorum-observer-diff)", learners_observer_diff},
    {"a follower that missed nothing comes back as recorded (quorum-follower-uptodate)", learners_follower_uptodate},
    {"a follower without a disk comes back as recorded (quorum-follower-wiped)", learners_follower_wiped},
    {"a follower far behind gets a snapshot as recorded (quorum-follower-snap)", learners_follower_snap},
    {"a learner cuts its log as recorded (quorum-trunc)", learners_trunc},
    {"a learner with a false history gets a snapshot as recorded (quorum-trunc-crossepoch)", learners_trunc_crossepoch},
    {"late joiners join as recorded (quorum-late-joiner)", learners_late_joiner},
    {"a learner logs what the last epoch left as recorded (quorum-lost)", learners_lost},
    {"learners go over to another leader as recorded (quorum-leader-killed)", learners_leader_killed},
    {"learners ask for sessions as recorded (quorum-revalidate-expiry)", learners_revalidate_expiry},
    {"a leader starts an ensemble and serves it as recorded (quorum-cold-start, -steady)", leader_cold_start},
    {"a leader takes in late joiners as recorded (quorum-late-joiner)", leader_late_joiner},
    {"a leader cuts what a learner has too much as recorded (quorum-trunc)", leader_trunc},
    {"a leader replaces a history it cannot cut as recorded (quorum-trunc-crossepoch)", leader_crossepoch},
    {"a leader sends a follower what it missed as recorded (quorum-follower-diff)", leader_follower_diff},
    {"a leader sends an observer what it missed as recorded (quorum-observer-diff)", leader_observer_diff},
    {"a leader sends nothing to who has all as recorded (quorum-follower-uptodate)", leader_follower_uptodate},
    {"a leader sends a snapshot to an empty follower as recorded (quorum-follower-wiped)", leader_follower_wiped},
    {"a leader sends a snapshot to one far behind as recorded (quorum-follower-snap)", leader_follower_snap},
    {"a leader commits what the last epoch left as recorded (quorum-lost)", leader_lost},
    {"a leader takes over from another as recorded (quorum-leader-killed)", leader_killed},
    {NULL, NULL},
};

const struct test_suite test_suite_capture_quorum = {"capture-quorum", cases};
