/* packet_texts.h -- What must be equal of the packets of one stream, as texts by group.
 *
 * What the protocol does not force is evened out, see test_capture_quorum.c.
 *
 * Memory: the texts'; packet_texts_free().
 */
#ifndef TESTS_PACKET_TEXTS_H
#define TESTS_PACKET_TEXTS_H

#include "tests/quorum_recording.h"

/* Packets of one group come in the recorded order. */
enum group {
    GROUP_HANDSHAKE, /* up to NEWLEADER, UPTODATE; all ACKs */
    GROUP_PROPOSAL,
    GROUP_COMMIT, /* and INFORM, SYNC */
    GROUP_PING,
    GROUP_REQUEST,
    GROUP_REVALIDATE,
    GROUPS,
};

struct packet_texts {
    const struct stream *stream;
    GPtrArray *of[GROUPS];
    GString *snapshot; /* the octets behind SNAP */
    bool in_sync, snapping;
    bool from_leader;
    bool other_tree; /* what is in a snapshot does not matter */
};

void packet_texts_init(struct packet_texts *texts, const struct stream *stream, bool from_leader);
void packet_texts_free(struct packet_texts *texts);

/* The next message: a packet, or some octets of a snapshot. */
void packet_texts_add(struct packet_texts *texts, const uint8_t *octets, size_t length);

/* All that our server said on the stream. */
void packet_texts_add_said(struct packet_texts *texts, const struct stream *stream);

void packet_texts_compare(const struct packet_texts *got, const struct packet_texts *want, const struct stream *stream);

#endif
