/* Who is in the ensemble, and what a quorum of it is. */
#include "protocol/server/server_state.h"

int server_member_index(const struct server *server, server_id_t id)
{
    for (size_t i = 0; i < server->config.member_count; i++) {
        if (server->config.members[i].id == id) {
            return (int)i;
        }
    }
    return -1;
}

static bool is_voter_at(const struct server *server, size_t index)
{
    return server->config.members[index].role == MEMBER_PARTICIPANT;
}

bool server_is_voter(const struct server *server, server_id_t id)
{
    int index = server_member_index(server, id);
    return index >= 0 && is_voter_at(server, (size_t)index);
}

bool server_is_observer(const struct server *server)
{
    return !server_is_voter(server, server->config.id);
}

bool server_has_quorum_of_any(const struct server *server, uint32_t members)
{
    unsigned voters = 0;
    unsigned present = 0;
    for (size_t i = 0; i < server->config.member_count; i++) {
        voters += is_voter_at(server, i);
        present += members >> i & 1U;
    }
    return present > voters / 2;
}

bool server_has_quorum(const struct server *server, uint32_t members)
{
    unsigned voters = 0;
    unsigned present = 0;
    for (size_t i = 0; i < server->config.member_count; i++) {
        if (is_voter_at(server, i)) {
            voters++;
            present += members >> i & 1U;
        }
    }
    return present > voters / 2;
}
