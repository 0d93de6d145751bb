/* sha1.h -- SHA-1 and base64, for one purpose: the ids of the digest scheme (protocol/pipeline/access.h).
 *
 * Source: FIPS 180-4; RFC 4648.  Not for anything that has to be safe today.
 */
#ifndef PROTOCOL_BASE_SHA1_H
#define PROTOCOL_BASE_SHA1_H

#include "protocol/base/types.h"

#define SHA1_LENGTH 20
#define SHA1_BASE64_LENGTH 28

void sha1(struct bytes message, uint8_t digest[SHA1_LENGTH]);

/* Writes 4 characters for every 3 octets begun, with '=' at the end; no terminator.  Returns how many. */
size_t base64_write(const uint8_t *octets, size_t length, char *text);

#endif
