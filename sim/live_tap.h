/* live_tap.h -- What real clients do, read off their connections and written into the record.
 *
 * Model:   a tap hears both directions of every connection between a client and a server, as the octets pass the edge of the world,
 *          and decodes them: handshakes become changes of a session's state, requests and replies operations, notifications
 *          watch events.  Each session is a client of its own in the record, with a row among the nodes; a process that opens a new session
 *          after the old one expired is a new client.  The rows are those of simulated clients, so the same checks judge them.
 *   sent        an operation's row is made when its request is complete at the edge; its session and xid are known then
 *   answered    the reply with its xid; in order, as a server answers
 *   lost        the connection ended before: INDETERMINATE, since the server may have it
 * Watches: a client that resumes a session and sets no watches anew (SetWatches before any other request) has forgotten them: an event
 *          of type EVENT_NONE without a path says so, and the checker expects no more of them.
 * Left out: sessions of read-only mode, of which nothing is guaranteed; pings, auth and SetWatches are the client library's own.  Octets that are no frames (four-letter words, garbage) are passed over;
 *          whether they mean something is the server's business.
 * Limits:  rows, see live_tap_set_limit(): beyond it nothing more is recorded, and an observation of OBSERVE_CAPACITY says so, which makes
 *          every verdict that is not `violated` `unknown`.
 */
#ifndef SIM_LIVE_TAP_H
#define SIM_LIVE_TAP_H

#include "sim/world.h"

struct live_tap;
struct tapped; /* one connection */

/* Octets of a frame, at most; longer ones are nobody's request. */
struct live_tap *live_tap_new(struct world *world, uint32_t frame_octets_max);
void live_tap_free(struct live_tap *tap);

/* `octets_max` of what the record takes; 0: no limit. */
void live_tap_set_limit(struct live_tap *tap, uint64_t octets_max);

/* True once the limit was reached. */
bool live_tap_is_full(const struct live_tap *tap);

/* `server` is its node; `name` says where the client came from. */
struct tapped *live_tap_open(struct live_tap *tap, uint32_t server, const char *name);

/* Octets as they pass, before the world or the client gets them. */
void live_tap_inbound(struct tapped *tapped, struct bytes octets);
void live_tap_outbound(struct tapped *tapped, struct bytes octets);

/* The connection ended.  Frees it. */
void live_tap_close(struct tapped *tapped);

/* Requests without an answer so far. */
uint32_t live_tap_waiting(const struct tapped *tapped);

/* And the octets they take. */
uint64_t live_tap_waiting_octets(const struct tapped *tapped);

/* 0: none. */
session_id_t live_tap_session(const struct tapped *tapped);

/* The row among the record's nodes of a session's client; false if no such session was ever seen. */
bool live_tap_find_client(const struct live_tap *tap, session_id_t session, uint32_t *client);

/* Whether what came begins with a handshake, as a client's does; false too as long as it is not known. */
bool live_tap_is_client(const struct tapped *tapped);

#endif
