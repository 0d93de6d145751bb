/* notification.h -- What crosses an election connection.
 *
 * The dialer first says who it is:
 *   preface = long -65536, long sid, int length, "host:port"        (-65535: several addresses; a first long >= 0 is
 *                                                                     itself the sid, the form of old servers)
 * Then both ends send frames (frame.h, at most ELECTION_FRAME_MAX), each one notification:
 *
 * | offset | field | forms |
 * |---:|---|---|
 * | 0  | int  state           | all |
 * | 4  | long leader          | all |
 * | 12 | long zxid            | all |
 * | 20 | long election epoch  | all: 28 octets |
 * | 28 | long peer epoch      | 40 octets; in the shortest form it is the epoch of zxid |
 * | 36 | int  version (2)     | 40 octets: present, but taken as 0 |
 * | 40 | int  length, config text | version 2: 44 octets and the text |
 *
 * Source: QuorumCnxManager.java (InitialMessage), FastLeaderElection.java (buildMsg, WorkerReceiver).
 */
#ifndef PROTOCOL_WIRE_NOTIFICATION_H
#define PROTOCOL_WIRE_NOTIFICATION_H

#include "protocol/wire/jute.h"

#define PREFACE_PROTOCOL INT64_C(-65536)
#define PREFACE_PROTOCOL_MULTI INT64_C(-65535)
#define PREFACE_ADDRESS_MAX 2048
#define NOTIFICATION_VERSION 2

/* QuorumPeer.ServerState, numbered as on the wire. */
enum server_state {
    SERVER_LOOKING = 0,
    SERVER_FOLLOWING = 1,
    SERVER_LEADING = 2,
    SERVER_OBSERVING = 3,
};

struct election_preface {
    int64_t protocol; /* PREFACE_PROTOCOL*, or 0 for the old form without an address */
    server_id_t server;
    struct bytes address; /* null in the old form */
};

enum notification_form {
    NOTIFICATION_FULL,      /* 44 octets and the config */
    NOTIFICATION_NO_CONFIG, /* 40 octets: peer epoch, version 0 */
    NOTIFICATION_OLD,       /* 28 octets */
};

struct notification {
    enum notification_form form;
    int32_t state; /* enum server_state */
    server_id_t leader;
    zxid_t zxid;
    int64_t election_epoch;
    epoch_t peer_epoch;
    int32_t version;
    struct bytes config;
};

const char *server_state_name(int32_t state); /* "LOOKING", NULL if unknown */

enum decode_status election_preface_find(const uint8_t *octets, size_t available, struct election_preface *preface,
                                         size_t *consumed);
void election_preface_write(struct jute_writer *writer, const struct election_preface *preface);

/* Reads the content of one frame.  False: too short, or a length that does not fit; such messages are ignored.  As in
 * Apache, octets behind the config do not matter. */
bool notification_read(struct bytes frame, struct notification *notification);

/* Writes the content of a frame in the form it names. */
void notification_write(struct jute_writer *writer, const struct notification *notification);

#endif
