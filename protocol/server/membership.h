/* membership.h -- The ensemble's configuration as text: what /zookeeper/config holds, and how a reconfig changes it.
 *
 *   server.1=10.0.0.1:2888:3888:participant
 *   server.100=0.0.0.0:2889:3889:observer;0.0.0.0:2182      id=host:quorum port:election port:role;client host:client port
 *   version=100000008                                       hexadecimal: the zxid of the reconfig, 0 at first
 *
 * Model: the configuration is that of server_config until a reconfig is applied; then it is what the tree says, also after a restart.  Its version
 *        tells which.  The members that run here (server_config.members) keep their roles and addresses: a reconfig may
 *        add and remove other servers, as observers, and change client addresses.  All else is answered ZUNIMPLEMENTED.  So the
 *        voters, and with them every quorum, are always those of server_config, and it does not matter who knows of a reconfig first.
 * Errors: what is no configuration is ZBADARGUMENTS; an id that is no number ZMARSHALLINGERROR, as in Apache, where it is an exception
 *        that nobody expected.
 * Upstream: QuorumPeer.java (QuorumServer), QuorumMaj.java, QuorumPeerConfig.java (parseDynamicConfig), PrepRequestProcessor.java.
 */
#ifndef PROTOCOL_SERVER_MEMBERSHIP_H
#define PROTOCOL_SERVER_MEMBERSHIP_H

#include "protocol/base/text.h"
#include "protocol/server/server.h"
#include "protocol/wire/record.h"

#define MEMBERSHIP_MAX 64
#define MEMBERSHIP_TEXT_MAX 8192U

struct config_server {
    server_id_t id;
    enum member_role role;
    struct bytes host; /* in the text it was read from */
    uint32_t quorum_port, election_port;
    struct bytes client_host; /* null: none */
    uint32_t client_port;
};

struct membership {
    struct config_server servers[MEMBERSHIP_MAX]; /* ascending ids */
    size_t count;
    int64_t version;
};

struct server;

/* False: that is no configuration. */
bool membership_read(struct membership *membership, struct bytes text);
void membership_write(const struct membership *membership, struct text_builder *text);

/* What a reconfig request makes of it, the version aside. */
int32_t membership_change(struct membership *membership, const struct request_body *body);

/* True if the members that run here, and the voters, are the same in both. */
bool membership_keeps_members(const struct server_config *config, const struct membership *before,
                              const struct membership *after);

/* Of the configuration in force. */
int64_t membership_version(const struct server *server);

/* The tree came from somewhere, or a reconfig was applied to it: what it says is in force, or else the setting is, and the tree says that. */
void membership_adopt(struct server *server);

#endif
