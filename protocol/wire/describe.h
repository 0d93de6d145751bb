/* describe.h -- Any message as one line of text, for diagrams, traces and error messages.
 *
 *   create xid=3 path=/a data="x" mode=ephemeral       create reply xid=3 zxid=0x100000002 path=/a
 *   PROPOSAL zxid=0x100000002 create zxid=0x100000002 session=0x1a cxid=3 path=/a data="x" parent-cversion=1
 *   LOOKING leader=3 zxid=0x0 round=1 epoch=0
 *
 * What cannot be decoded is said to be malformed, never skipped.  The text is cut where the buffer ends (text.h).
 */
#ifndef PROTOCOL_WIRE_DESCRIBE_H
#define PROTOCOL_WIRE_DESCRIBE_H

#include "protocol/base/text.h"
#include "protocol/wire/notification.h"
#include "protocol/wire/packet.h"
#include "protocol/wire/record.h"
#include "protocol/wire/txn.h"

/* Frames without their length. */
void describe_connect_request(struct text_builder *text, struct bytes frame);
void describe_connect_response(struct text_builder *text, struct bytes frame);
void describe_request(struct text_builder *text, struct bytes frame);

/* `opcode` is that of the request answered; ignored for notifications. */
void describe_reply(struct text_builder *text, struct bytes frame, int32_t opcode);

/* `from_leader`: PING and REVALIDATE look different in the two directions. */
void describe_packet(struct text_builder *text, const struct quorum_packet *packet, bool from_leader);

void describe_txn(struct text_builder *text, const struct txn *txn);
void describe_preface(struct text_builder *text, const struct election_preface *preface);
void describe_notification(struct text_builder *text, struct bytes frame);

#endif
