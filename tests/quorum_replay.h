/* quorum_replay.h -- Our server in the place of one that was recorded, with what the others said.
 *
 * Before the recording: it starts with a disk that a made-up (or recorded) past wrote, and hears from the other voters
 * whom they follow or are for.  A helper, a voter that only acknowledges, completes a leader's quorum and asks it for a
 * history in its epoch.
 * Memory: the caller frees the server.
 */
#ifndef TESTS_QUORUM_REPLAY_H
#define TESTS_QUORUM_REPLAY_H

#include "tests/quorum_recording.h"

struct replay {
    struct recording *recording;
    struct lone_server *server;
    struct server_config config;
    bool leads;
    struct stream *learner;   /* the stream ours stands for as a learner */
    struct lone_line *helper; /* a voter that only acknowledges */
    size_t helped;            /* how much of what it heard it has answered */
    zxid_t proposed;          /* the last that it heard */
    bool makes_up_client;     /* no clients were recorded: the learner's requests are said by a made-up one */
    struct lone_line *client; /* of the latest session */
};

/* A transaction in a server's past that is not in the recording. */
struct step {
    int32_t type;
    session_id_t session;
    const char *path; /* NULL: of a session */
    int32_t version;  /* the znode's after setData; the parent's cversion after create */
    bool ephemeral;
    const char *data;
};

struct past {
    epoch_t accepted, current;
    zxid_t last;
    const struct step *steps; /* NULL: a session that makes znodes */
    session_id_t session;     /* that one */
    uint32_t creates;         /* so many, then it sets the last one's data; 0: all */
    int64_t config; /* version of the configuration in force, which a recorded transaction tells; 0: the first */
};

/* Boots the server of that id. */
void quorum_replay_start(struct replay *replay, server_id_t id, const struct past *past);

/* All other voters say whom they are for: LOOKING if ours is to lead, else in their settled states. */
void quorum_replay_elect(struct replay *replay, server_id_t leader, const struct past *past);

void quorum_replay_start_helper(struct replay *replay, server_id_t id, const struct past *past);

/* Makes the leader's history up to that zxid; nothing without a helper. */
void quorum_replay_live_up_to(struct replay *replay, const struct past *lived, zxid_t last);

/* All that happens in the recorded order. */
void quorum_replay_run(struct replay *replay, const struct past *past);

#endif
