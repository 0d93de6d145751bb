/* password.h -- Session passwords: 16 octets that any server can compute from the session id, so nothing is stored.
 *
 * java.util.Random seeded with (session XOR 0xB3415C00); four draws, each emitted low octet first.
 * Upstream: ZooKeeperServer.java generatePasswd.
 */
#ifndef PROTOCOL_SERVER_PASSWORD_H
#define PROTOCOL_SERVER_PASSWORD_H

#include "protocol/base/types.h"

#define SESSION_PASSWORD_LENGTH 16

void session_password(session_id_t session, uint8_t password[SESSION_PASSWORD_LENGTH]);

/* False for session 0, whatever the password. */
bool session_password_matches(session_id_t session, struct bytes password);

#endif
