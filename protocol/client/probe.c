/* A read-only client looks for a server with a quorum. */
#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/client/client_internal.h"

#define PAUSE_MS_MIN 100U   /* ClientCnxn.minPingRwTimeout */
#define PAUSE_MS_MAX 60000U /* maxPingRwTimeout */
#define PATIENCE_MS 1000U   /* for dialing, and again for the answer */

static const uint8_t question[] = {'i', 's', 'r', 'o'};
static const uint8_t yes[] = {'r', 'w'};

static void rest(struct probe *probe, instant_ns now)
{
    instant_ns due = probe->last + probe->pause_ms * NS_PER_MS;
    probe->state = PROBE_RESTING;
    probe->length = 0;
    probe->at = due > now ? due : now;
}

void probe_init(struct client *client, instant_ns now)
{
    client->probe = (struct probe){.state = PROBE_RESTING, .pause_ms = PAUSE_MS_MIN, .last = now};
}

void probe_begin(struct client *client, const struct client_step *step)
{
    ensure(client->probe.state == PROBE_RESTING);
    rest(&client->probe, step->now);
}

static void ask_next(struct client *client, const struct client_step *step)
{
    struct probe *probe = &client->probe;
    bool round_is_over;
    probe->last = step->now;
    probe->pause_ms = 2 * probe->pause_ms < PAUSE_MS_MAX ? 2 * probe->pause_ms : PAUSE_MS_MAX;
    probe->server = hosts_next(&client->hosts, &round_is_over);
    probe->state = PROBE_DIALING;
    probe->at = step->now + PATIENCE_MS * NS_PER_MS;
    outputs_open(step->outputs, CONN_PROBE, CHANNEL_CLIENT, probe->server);
}

void probe_connected(struct client *client, const struct client_step *step)
{
    ensure(client->probe.state == PROBE_DIALING);
    client->probe.state = PROBE_ASKED;
    client->probe.at = step->now + PATIENCE_MS * NS_PER_MS;
    struct jute_writer writer = outputs_write(step->outputs);
    jute_write_raw(&writer, (struct bytes){question, sizeof question});
    outputs_send(step->outputs, CONN_PROBE, &writer);
}

void probe_received(struct client *client, struct bytes octets)
{
    struct probe *probe = &client->probe;
    ensure(probe->state == PROBE_ASKED);
    for (int32_t i = 0; i < octets.length && probe->length <= PROBE_ANSWER_MAX; i++) {
        if (probe->length < PROBE_ANSWER_MAX) {
            probe->said[probe->length] = octets.data[i];
        }
        probe->length++;
    }
}

void probe_disconnected(struct client *client, const struct client_step *step)
{
    struct probe *probe = &client->probe;
    ensure(probe->state != PROBE_RESTING);
    bool found = probe->length == sizeof yes && memcmp(probe->said, yes, sizeof yes) == 0;
    rest(probe, step->now);
    if (found) {
        probe->pause_ms = PAUSE_MS_MIN;
        probe->found = probe->server;
        link_drop(client, step);
    }
}

void probe_deadline(struct client *client, const struct client_step *step)
{
    if (client->probe.state == PROBE_RESTING) {
        ask_next(client, step);
    } else {
        outputs_close(step->outputs, CONN_PROBE);
        rest(&client->probe, step->now);
    }
}

void probe_end(struct client *client, const struct client_step *step)
{
    if (client->probe.state != PROBE_RESTING) {
        outputs_close(step->outputs, CONN_PROBE);
        rest(&client->probe, step->now);
    }
}

/* The pauses decide times only. */
uint64_t probe_digest(const struct probe *probe)
{
    uint64_t hash = hash_mix(HASH_START, probe->state);
    hash = hash_mix(hash, (uint64_t)(probe->state == PROBE_RESTING ? 0 : probe->server));
    hash = hash_mix(hash, (uint64_t)probe->found);
    size_t length = probe->length < PROBE_ANSWER_MAX ? probe->length : PROBE_ANSWER_MAX;
    hash = hash_octets(hash, probe->said, length);
    return hash_mix(hash, probe->length);
}
