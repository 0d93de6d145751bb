/* membership.h -- The ensemble's configuration as text: what /zookeeper/config holds, and how a reconfig changes it.
 *
 *   server.1=10.0.0.1:2888:3888:participant
 *   server.100=0.0.0.0:2889:3889:observer;0.0.0.0:2182      id=host:quorum port:election port:role;client host:client port
 *   group.1=1:2:3                                           with groups or weights: quorums are hierarchical (hierarchy.h),
 *   weight.3=0                                              every voter is in one group, and weighs 1 if nothing is said
 *   version=100000008                                       hexadecimal: the zxid of the reconfig, 0 at first
 *
 * Model: who a server is says its number.  The hosts and ports are told as they were given, and nobody is dialed by them: who moves to
 *        other ports is found there at once, even by who has not heard of it.  Which configuration is in force, and what a move
 *        ends, see activation.h.
 *        Groups and weights may name who is no server of the configuration: it weighs and is never heard of.
 * Errors: what is no configuration is ZBADARGUMENTS; an id that is no number, a number that is no port or a group's member without a
 *        weight ZMARSHALLINGERROR, as in Apache, where it is an exception that nobody expected.  Servers join or leave one by one only
 *        where a majority decides: else that is ZBADARGUMENTS, too.
 * Upstream: QuorumPeer.java (QuorumServer), QuorumMaj.java, QuorumHierarchical.java, QuorumPeerConfig.java (parseDynamicConfig), PrepRequestProcessor.java.
 */
#ifndef PROTOCOL_SERVER_MEMBERSHIP_H
#define PROTOCOL_SERVER_MEMBERSHIP_H

#include "protocol/base/text.h"
#include "protocol/server/hierarchy.h"
#include "protocol/server/server.h"
#include "protocol/wire/record.h"

#define MEMBERSHIP_MAX 64
#define MEMBERSHIP_TEXT_MAX 8192U /* what is as long is no configuration */

struct config_server {
    server_id_t id;
    enum member_role role;
    struct bytes host; /* in the text it was read from */
    uint32_t quorum_port, election_port;
    struct bytes client_host; /* null: none */
    uint32_t client_port;
};

/* Of who is named by a group or a weight. */
struct config_seat {
    server_id_t id;
    bool has_group, has_weight;
    int64_t group, weight;
};

struct membership {
    struct config_server servers[MEMBERSHIP_MAX]; /* ascending ids */
    size_t count;
    bool is_hierarchical;
    struct config_seat seats[HIERARCHY_SEATS_MAX]; /* ascending ids */
    size_t seat_count;
    int64_t version;
};

/* False: that is no configuration. */
bool membership_read(struct membership *membership, struct bytes text);
void membership_write(const struct membership *membership, struct text_builder *text);

/* What a reconfig request makes of it, the version aside. */
int32_t membership_change(struct membership *membership, const struct request_body *body);

/* NULL: not in it. */
const struct config_server *membership_find(const struct membership *membership, server_id_t id);

/* The server is in both, and its quorum (election) address is another one in the second. */
bool membership_moves_quorum(const struct membership *before, const struct membership *after, server_id_t id);
bool membership_moves_election(const struct membership *before, const struct membership *after, server_id_t id);

/* The same servers, groups and weights, the version aside. */
bool membership_is_same(const struct membership *a, const struct membership *b);

#endif
