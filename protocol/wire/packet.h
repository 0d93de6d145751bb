/* packet.h -- What leader and learners say to each other.
 *
 *   QuorumPacket = int type, long zxid, buffer data, vector<Id> authinfo        without an outer length
 *
 * | type | zxid | data |
 * |---|---|---|
 * | REQUEST              learner | -1 | long session, int cxid, int opcode, body; authinfo: the client's ids |
 * | PROPOSAL, INFORM     leader  | the transaction's | the transaction (txn.h) |
 * | ACK                  learner | zxid logged; newEpoch<<32 for NEWLEADER and after UPTODATE | null |
 * | COMMIT               leader  | zxid | null |
 * | PING                 leader  | last proposed zxid | null |
 * | PING                 learner | echoed | (long session, int timeout)* touched since the last one |
 * | REVALIDATE           learner | -1 | long session, int timeout |
 * | REVALIDATE           leader  | -1 | long session, bool valid |
 * | SYNC                 leader  | 0 | null |
 * | COMMITANDACTIVATE    leader  | zxid | long designated leader |
 * | INFORMANDACTIVATE    leader  | zxid | long designated leader, the transaction |
 * | NEWLEADER            leader  | newEpoch<<32 | config text |
 * | FOLLOWERINFO, OBSERVERINFO   | acceptedEpoch<<32 | LearnerInfo: long sid, int protocol, long config version |
 * | LEADERINFO           leader  | newEpoch<<32 | int protocol |
 * | ACKEPOCH             learner | last logged zxid | int currentEpoch, -1 if the epoch was accepted before |
 * | DIFF, TRUNC, SNAP, UPTODATE  | see Leader.java | null; SNAP is followed by a snapshot (snapshot.h, body form) |
 *
 * Source: Leader.java, Learner.java, LearnerHandler.java.
 */
#ifndef PROTOCOL_WIRE_PACKET_H
#define PROTOCOL_WIRE_PACKET_H

#include "protocol/wire/jute.h"

enum packet_type {
    PACKET_REQUEST = 1,
    PACKET_PROPOSAL = 2,
    PACKET_ACK = 3,
    PACKET_COMMIT = 4,
    PACKET_PING = 5,
    PACKET_REVALIDATE = 6,
    PACKET_SYNC = 7,
    PACKET_INFORM = 8,
    PACKET_COMMITANDACTIVATE = 9,
    PACKET_NEWLEADER = 10,
    PACKET_FOLLOWERINFO = 11,
    PACKET_UPTODATE = 12,
    PACKET_DIFF = 13,
    PACKET_TRUNC = 14,
    PACKET_SNAP = 15,
    PACKET_OBSERVERINFO = 16,
    PACKET_LEADERINFO = 17,
    PACKET_ACKEPOCH = 18,
    PACKET_INFORMANDACTIVATE = 19,
};

#define LEARNER_PROTOCOL_VERSION 0x10000

struct quorum_packet {
    int32_t type;
    zxid_t zxid;
    struct bytes data;
    struct id_list authinfo; /* null except on a REQUEST */
};

struct learner_info {
    server_id_t server;
    int32_t protocol_version;
    int64_t config_version;
};

struct forwarded_request {
    session_id_t session;
    int32_t cxid;
    int32_t opcode;
    struct bytes body; /* as the client sent it */
};

/* An entry of a PING's touch list; REVALIDATE from a learner has the same layout. */
struct session_touch {
    session_id_t session;
    int32_t timeout_ms;
};

const char *packet_type_name(int32_t type); /* "NEWLEADER", NULL if unknown */

/* The packet at the start of `available` octets.  BAD: a negative length, or a packet above `length_max` octets.
 * An unknown type is COMPLETE: Apache's peers log and ignore it. */
enum decode_status packet_find(const uint8_t *octets, size_t available, int32_t length_max,
                               struct quorum_packet *packet, size_t *consumed);

void packet_write(struct jute_writer *writer, const struct quorum_packet *packet);

/* A packet whose data is written in place: begin, the data, end.  Null data: use packet_write. */
size_t packet_begin(struct jute_writer *writer, enum packet_type type, zxid_t zxid);
void packet_end(struct jute_writer *writer, size_t mark, struct id_list authinfo);

/* ---- the data of packets: readers return false if it is not exactly that ---- */
bool learner_info_read(struct bytes data, struct learner_info *info);
void learner_info_write(struct jute_writer *writer, const struct learner_info *info);

/* LEADERINFO's protocol version, ACKEPOCH's epoch. */
bool packet_read_int32(struct bytes data, int32_t *value);

bool forwarded_request_read(struct bytes data, struct forwarded_request *request);
void forwarded_request_write(struct jute_writer *writer, const struct forwarded_request *request);

bool session_touch_read(struct bytes data, struct session_touch *touch); /* REVALIDATE to the leader */
void session_touch_write(struct jute_writer *writer, struct session_touch touch);

bool revalidate_reply_read(struct bytes data, session_id_t *session, bool *valid);
void revalidate_reply_write(struct jute_writer *writer, session_id_t session, bool valid);

/* PING's list.  Walk with touch_list_next until false; octets that are no whole entry end the walk. */
static inline struct jute_reader touch_list_walk(struct bytes data)
{
    return jute_reader_of_bytes(data);
}
bool touch_list_next(struct jute_reader *walk, struct session_touch *touch);

/* The designated leader in front of INFORMANDACTIVATE's transaction or alone in COMMITANDACTIVATE; `rest` is what follows. */
bool activation_read(struct bytes data, server_id_t *leader, struct bytes *rest);

#endif
