#include "tests/peers.h"

#include "protocol/wire/frame.h"
#include "protocol/wire/notification.h"

#define OCTETS_MAX 4096
#define PACKET_OCTETS_MAX (1 << 20)

static void say(struct lone_server *host, struct lone_line *line, const struct jute_writer *writer)
{
    struct bytes octets = jute_written(writer, 0);
    lone_server_say(host, line, octets.data, bytes_size(octets));
}

struct lone_line *peers_vote(struct lone_server *host, struct peer_vote vote)
{
    uint8_t octets[64];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct lone_line *line = lone_server_open_port(host, CHANNEL_ELECTION);
    election_preface_write(&writer, &(struct election_preface){PREFACE_PROTOCOL, vote.from, bytes_of("peer:3888")});
    say(host, line, &writer);
    peers_vote_again(host, line, vote);
    return line;
}

void peers_vote_again(struct lone_server *host, struct lone_line *line, struct peer_vote vote)
{
    uint8_t octets[OCTETS_MAX];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    struct notification notification = {.form = NOTIFICATION_FULL,
                                        .state = vote.state,
                                        .leader = vote.leader,
                                        .election_epoch = vote.round,
                                        .version = NOTIFICATION_VERSION,
                                        .config = bytes_of(vote.config)};
    size_t mark = frame_begin(&writer);
    notification_write(&writer, &notification);
    frame_end(&writer, mark);
    say(host, line, &writer);
}

void peers_say(struct lone_server *host, struct lone_line *line, int32_t type, zxid_t zxid, struct bytes data)
{
    uint8_t octets[OCTETS_MAX];
    struct jute_writer writer = jute_writer_of(octets, sizeof octets);
    packet_write(&writer, &(struct quorum_packet){type, zxid, data, id_list_null()});
    say(host, line, &writer);
}

size_t peers_heard(const struct lone_line *line, int32_t type, struct quorum_packet *last)
{
    size_t count = 0;
    for (size_t i = 0; i < line->said->len; i++) {
        gsize length;
        const uint8_t *octets = g_bytes_get_data(line->said->pdata[i], &length);
        struct quorum_packet packet;
        size_t consumed = 0;
        if (packet_find(octets, length, PACKET_OCTETS_MAX, &packet, &consumed) == DECODE_COMPLETE &&
            packet.type == type) {
            count++;
            if (last != NULL) {
                *last = packet;
            }
        }
    }
    return count;
}
