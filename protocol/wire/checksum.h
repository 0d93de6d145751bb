/* checksum.h -- Adler-32 (RFC 1950), the checksum of transaction log records and snapshots. */
#ifndef PROTOCOL_WIRE_CHECKSUM_H
#define PROTOCOL_WIRE_CHECKSUM_H

#include "protocol/base/types.h"

#define ADLER32_START 1U

/* The checksum of what `sum` covered followed by these octets. */
uint32_t adler32_add(uint32_t sum, const uint8_t *octets, size_t length);

#endif
