/* quorum_recording.h -- The quorum and client streams of recordings (capture.h), as moments in order of time.
 *
 * Streams whose beginning was left out go on from one between the same servers in the file before, or are left out.
 * Memory: everything belongs to the recording; recording_free().
 */
#ifndef TESTS_QUORUM_RECORDING_H
#define TESTS_QUORUM_RECORDING_H

#include <glib.h>

#include "protocol/wire/packet.h"
#include "protocol/wire/txn.h"
#include "tests/capture.h"
#include "tests/lone_server.h"

#define CAPTURES "tests/data/captures/"

struct stream {
    bool quorum;
    server_id_t from, to; /* from: 0 for a client */
    bool observer;
    instant_ns begin, end;
    GPtrArray *said, *heard; /* of struct capture_event */
    GPtrArray *held;         /* said, but heard later, see hold() */
    struct lone_line *line;
};

struct moment {
    struct stream *stream;
    const struct capture_event *event;
};

struct recording {
    GPtrArray *captures;      /* of struct capture */
    GPtrArray *streams;       /* of struct stream: those that are whole */
    GArray *moments;          /* of struct moment, by time */
    GPtrArray *quorum_events; /* of struct capture_event: all, of cut streams too */
    GArray *members;          /* of struct member */
};

/* A file, and the one that goes on where it ends (NULL: none). */
struct recording *recording_load(const char *file, const char *next);
void recording_free(struct recording *recording);

/* Whether the octets are exactly one packet. */
bool quorum_packet_read(const uint8_t *octets, size_t length, struct quorum_packet *packet);
struct quorum_packet quorum_packet_of(const struct capture_event *event);

/* What was proposed with that zxid in any stream that was recorded, whole or not; NULL: nothing. */
const struct txn *recording_txn(const struct recording *recording, zxid_t zxid, struct txn *txn);

#endif
