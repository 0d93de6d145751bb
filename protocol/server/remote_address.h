/* remote_address.h -- The address of a client as text, as Java writes it.
 *
 * IPv4 "127.0.0.1"; IPv6 eight groups without "::", "0:0:0:0:0:0:0:1"; with port "127.0.0.1:4711", "[0:0:0:0:0:0:0:1]:4711".
 */
#ifndef PROTOCOL_SERVER_REMOTE_ADDRESS_H
#define PROTOCOL_SERVER_REMOTE_ADDRESS_H

#include "protocol/base/text.h"
#include "protocol/node.h"

#define REMOTE_HOST_TEXT_MAX 48U /* with the final NUL */

/* What the id of scheme "ip" is. */
void remote_address_add_host(struct text_builder *text, const struct remote_address *address);
void remote_address_add(struct text_builder *text, const struct remote_address *address);
bool remote_address_same_host(const struct remote_address *a, const struct remote_address *b);

#endif
