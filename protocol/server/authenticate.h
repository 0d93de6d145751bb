/* authenticate.h -- Auth and SASL packets: answered on receipt, before anything that waits in the pipeline.
 *
 * digest: whatever "user:password" says is believed: its id joins those of the connection; what counts is which znodes name it.
 * ip: joins the id of the address, which is there anyway.  Any other scheme: ZAUTHFAILED, and the connection ends.
 * SASL is not configured: Apache then answers every token with null, and so does this.
 * Upstream: ZooKeeperServer.java (processPacket, processSasl), auth/.
 */
#ifndef PROTOCOL_SERVER_AUTHENTICATE_H
#define PROTOCOL_SERVER_AUTHENTICATE_H

#include "protocol/server/connection.h"

/* Bodies without the header; one that cannot be read ends the connection. */
void authenticate(struct server *server, struct connection *connection, int32_t xid, struct bytes body);
void authenticate_sasl(struct server *server, struct connection *connection, int32_t xid, struct bytes body);

#endif
