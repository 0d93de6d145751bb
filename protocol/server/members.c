/* Who is in the ensemble, and what a quorum of it is. */
#include "protocol/server/server_state.h"

uint32_t members_count(uint32_t members)
{
    uint32_t count = 0;
    for (; members != 0; members &= members - 1) {
        count++;
    }
    return count;
}

bool quorum_is_in(struct quorum quorum, uint32_t members)
{
    if (quorum.hierarchy != NULL) {
        return hierarchy_holds(quorum.hierarchy, members & quorum.voters);
    }
    return members_count(members & quorum.voters) > quorum.count / 2;
}

struct quorum quorum_hold(struct quorum quorum)
{
    if (quorum.hierarchy != NULL) {
        quorum.hierarchy->references++;
    }
    return quorum;
}

void quorum_release(struct arena *arena, struct quorum quorum)
{
    if (quorum.hierarchy != NULL && --quorum.hierarchy->references == 0) {
        arena_free(arena, quorum.hierarchy, sizeof *quorum.hierarchy);
    }
}

int server_member_index(const struct server *server, server_id_t id)
{
    for (size_t i = 0; i < server->config.member_count; i++) {
        if (server->config.members[i].id == id) {
            return (int)i;
        }
    }
    return -1;
}

bool server_is_reconfiguring(const struct server *server)
{
    return server->last_seen.version > server->verifier.version;
}

bool server_is_voter(const struct server *server, server_id_t id)
{
    return (server->verifier.quorum.voters & server_member_bit(server, id)) != 0;
}

bool server_may_vote(const struct server *server, server_id_t id)
{
    uint32_t voters = server->verifier.quorum.voters | server->last_seen.quorum.voters;
    return (voters & server_member_bit(server, id)) != 0;
}

bool server_is_observer(const struct server *server)
{
    return (server->verifier.observers & server_member_bit(server, server->config.id)) != 0;
}

bool server_has_quorum_of_any(const struct server *server, uint32_t members)
{
    const struct quorum *quorum = &server->verifier.quorum;
    return quorum->hierarchy != NULL ? hierarchy_holds(quorum->hierarchy, members)
                                     : members_count(members) > quorum->count / 2;
}

bool server_has_quorum(const struct server *server, uint32_t members)
{
    return quorum_is_in(server->verifier.quorum, members) &&
           (!server_is_reconfiguring(server) || quorum_is_in(server->last_seen.quorum, members));
}
