#include "protocol/server/hierarchy.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"

void hierarchy_add(struct hierarchy *hierarchy, struct seat seat)
{
    uint32_t at = hierarchy->count;
    ensure(hierarchy->count < HIERARCHY_SEATS_MAX);
    while (at > 0 && hierarchy->seats[at - 1].group > seat.group) {
        at--;
    }
    memmove(&hierarchy->seats[at + 1], &hierarchy->seats[at], (hierarchy->count - at) * sizeof seat);
    hierarchy->seats[at] = seat;
    hierarchy->count++;
}

/* As Java adds. */
static int64_t add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

bool hierarchy_holds(const struct hierarchy *hierarchy, uint64_t set)
{
    uint32_t groups = 0, held = 0;
    for (uint32_t i = 0; i < hierarchy->count;) {
        int64_t group = hierarchy->seats[i].group;
        int64_t total = 0, present = 0;
        bool is_present = false;
        for (; i < hierarchy->count && hierarchy->seats[i].group == group; i++) {
            const struct seat *seat = &hierarchy->seats[i];
            total = add(total, seat->weight);
            if ((seat->bit & set) != 0) {
                is_present = true;
                present = add(present, seat->weight);
            }
        }
        groups += total != 0;
        held += is_present && present > total / 2;
    }
    return held > groups / 2;
}

bool hierarchy_is_weightless(const struct hierarchy *hierarchy, uint64_t bit)
{
    for (uint32_t i = 0; i < hierarchy->count; i++) {
        if ((hierarchy->seats[i].bit & bit) != 0) {
            return hierarchy->seats[i].weight == 0;
        }
    }
    return false;
}

uint64_t hierarchy_digest(const struct hierarchy *hierarchy, uint64_t hash)
{
    for (uint32_t i = 0; i < hierarchy->count; i++) {
        const struct seat *seat = &hierarchy->seats[i];
        hash = hash_mix(hash_mix(hash, (uint64_t)seat->server), (uint64_t)seat->group);
        hash = hash_mix(hash_mix(hash, (uint64_t)seat->weight), seat->bit);
    }
    return hash;
}
