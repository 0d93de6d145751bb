/* message_name.h -- What a message is called, from its octets as sent: the first word of its description.
 *
 *   commit channel     can-commit vote precommit ... (protocol/commit/commit_message.h)
 *   quorum channel     PROPOSAL COMMIT NEWLEADER ... (protocol/wire/packet.h)
 *   election channel   vote
 *   client channel     connect, notification, ping, reply, and requests by their operation: create, setData ...
 *
 * The same names as in v_messages of the record's file.
 */
#ifndef SIM_MESSAGE_NAME_H
#define SIM_MESSAGE_NAME_H

#include "protocol/node.h"

/* Never NULL; "?" for what cannot be read. */
const char *message_name(enum channel channel, bool from_server, struct bytes octets);

/* Every name there is, by index; NULL after the last.  In the form for suggestions: `self` is not used. */
const char *message_names(const void *self, size_t index);

#endif
