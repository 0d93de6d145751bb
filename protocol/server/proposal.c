#include "protocol/server/proposal.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"

struct proposal *proposal_create(struct arena *arena, struct bytes octets)
{
    struct txn_header header;
    if (!txn_header_read(octets, &header)) {
        return NULL;
    }
    struct proposal *proposal = arena_alloc_raw(arena, sizeof *proposal + bytes_size(octets));
    proposal->header = header;
    proposal->references = 1;
    proposal->length = (uint32_t)octets.length;
    proposal->digest = hash_finish(hash_octets(HASH_START, octets.data, bytes_size(octets)));
    memcpy(proposal->octets, octets.data, bytes_size(octets));
    return proposal;
}

struct proposal *proposal_hold(struct proposal *proposal)
{
    ensure(proposal->references > 0);
    proposal->references++;
    return proposal;
}

void proposal_release(struct arena *arena, struct proposal *proposal)
{
    if (proposal == NULL) {
        return;
    }
    ensure(proposal->references > 0);
    if (--proposal->references == 0) {
        arena_free(arena, proposal, sizeof *proposal + proposal->length);
    }
}
