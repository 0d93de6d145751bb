#include "protocol/client/credentials.h"

#include "protocol/base/hash.h"

void credentials_add(struct arena *arena, struct credentials *credentials, struct bytes body)
{
    struct credential *credential = arena_alloc(arena, sizeof *credential);
    credential->body = arena_copy_bytes(arena, body);
    SLIST_INSERT_HEAD(&credentials->list, credential, entry);
    credentials->count++;
}

void credentials_clear(struct arena *arena, struct credentials *credentials)
{
    struct credential *credential;
    while ((credential = SLIST_FIRST(&credentials->list)) != NULL) {
        SLIST_REMOVE_HEAD(&credentials->list, entry);
        arena_free_bytes(arena, credential->body);
        arena_free(arena, credential, sizeof *credential);
    }
    credentials->count = 0;
}

uint64_t credentials_digest(const struct credentials *credentials)
{
    uint64_t hash = hash_mix(HASH_START, credentials->count);
    const struct credential *credential;
    SLIST_FOREACH(credential, &credentials->list, entry)
    {
        hash = hash_bytes(hash, credential->body);
    }
    return hash;
}
