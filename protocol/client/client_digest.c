#include "protocol/base/hash.h"
#include "protocol/client/client_internal.h"

static uint64_t add_random(uint64_t hash, const struct random *random)
{
    for (size_t i = 0; i < ARRAY_LENGTH(random->state); i++) {
        hash = hash_mix(hash, random->state[i]);
    }
    return hash;
}

static uint64_t add_config(uint64_t hash, const struct client_config *config)
{
    hash = hash_mix(hash, config->server_count);
    for (size_t i = 0; i < config->server_count; i++) {
        hash = hash_mix(hash, (uint64_t)config->servers[i]);
    }
    hash = hash_mix(hash, config->session_timeout_ms);
    hash = hash_mix(hash, config->packet_octets_max);
    hash = hash_mix(hash, config->connect_at_boot);
    for (int i = 0; i < FLAW_WORDS; i++) {
        hash = hash_mix(hash, config->flaws.bits[i]);
    }
    return hash;
}

static uint64_t add_session(uint64_t hash, const struct client *client)
{
    hash = hash_mix(hash, client->state);
    hash = hash_mix(hash, (uint64_t)client->session);
    hash = hash_octets(hash, client->password, sizeof client->password);
    hash = hash_mix(hash, (uint64_t)client->timeout_ms);
    hash = hash_mix(hash, (uint64_t)client->last_zxid);
    hash = hash_mix(hash, (uint64_t)client->next_xid);
    hash = hash_mix(hash, client->seen_read_write_server);
    hash = hash_mix(hash, client->closing);
    hash = hash_mix(hash, credentials_digest(&client->credentials));
    return hash_mix(hash, registrations_digest(&client->registrations));
}

/* Which deadlines are armed follows from the link's state. */
static uint64_t add_link(uint64_t hash, const struct client *client)
{
    hash = hash_mix(hash, client->link);
    hash = hash_mix(hash, hosts_digest(&client->hosts));
    hash = hash_mix(hash, (uint64_t)client->server);
    hash = hash_mix(hash, client->was_up_once);
    if (client->config.can_be_read_only) {
        hash = hash_mix(hash, probe_digest(&client->probe));
    }
    hash = hash_mix(hash, inbox_digest(&client->inbox));
    hash = hash_mix(hash, call_queue_digest(&client->outgoing, client, application_tag_worth));
    return hash_mix(hash, call_queue_digest(&client->pending, client, application_tag_worth));
}

uint64_t client_digest(const struct node *node)
{
    const struct client *client = (const struct client *)node;
    uint64_t hash = add_config(HASH_START, &client->config);
    hash = hash_mix(hash, client->booted);
    hash = add_random(hash, &client->order);
    hash = add_session(hash, client);
    hash = add_link(hash, client);
    if (client->config.recipe.recipe != NULL) {
        hash = add_random(hash, &client->application.random);
        hash = hash_mix(hash, application_digest(client));
    }
    return hash_finish(hash);
}
