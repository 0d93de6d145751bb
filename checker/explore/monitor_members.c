/* group-membership, as in checker/members.c: no view of a group shows somebody whose session had ended; and, where nothing can happen any
 * more, every member sees the members that are there.
 *
 * Remembered are sessions, each with its client and the zxids at which it began and ended, as far as they are known, and of each group who
 * took which place, is a member, and saw what last.
 * Forgotten: nothing but what one saw before it joined anew.  There are few sessions of members, and an answer may come late.
 */
#include <inttypes.h>
#include <string.h>

#include "checker/explore/monitor_internal.h"
#include "protocol/base/ensure.h"
#include "protocol/wire/op.h"

#define LIVES_MAX 256
#define MEMBERS_MAX 128
#define PLACES_MAX 62 /* that fit into a view */

struct life {
    session_id_t session;
    uint32_t client;       /* 1 + node; 0: told to nobody yet */
    zxid_t opened, closed; /* 0: not known */
};

struct member {
    int64_t group;
    uint32_t place, node;
    bool is_living, has_view;
    uint64_t view; /* 0 without one */
};

struct members {
    const struct monitor_config *config;
    struct monitor_verdict *verdict;
    bool failed; /* no room */
    uint32_t life_count, member_count;
    struct life lives[LIVES_MAX];       /* by session */
    struct member members[MEMBERS_MAX]; /* by group, place */
};

/* ---- octets -------------------------------------------------------------------------------------------------------- */

static void write_state(struct members *members, struct monitor_state *state)
{
    struct octet_writer writer = {state, false};
    state->length = 0;
    put_number(&writer, members->life_count);
    for (uint32_t i = 0; i < members->life_count; i++) {
        const struct life *life = &members->lives[i];
        put_number(&writer, (uint64_t)life->session);
        put_number(&writer, life->client);
        put_number(&writer, (uint64_t)life->opened);
        put_number(&writer, (uint64_t)life->closed);
    }
    put_number(&writer, members->member_count);
    for (uint32_t i = 0; i < members->member_count; i++) {
        const struct member *member = &members->members[i];
        put_number(&writer, (uint64_t)member->group);
        put_number(&writer, member->place);
        put_number(&writer, member->node);
        put_octet(&writer, (uint8_t)((unsigned)member->is_living << 1 | (unsigned)member->has_view));
        put_number(&writer, member->view);
    }
    members->failed = members->failed || writer.failed;
}

static void read_state(struct members *members, const struct monitor_state *state)
{
    struct octet_reader reader = {state->octets};
    members->life_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < members->life_count; i++) {
        struct life *life = &members->lives[i];
        life->session = (session_id_t)get_number(&reader);
        life->client = (uint32_t)get_number(&reader);
        life->opened = (zxid_t)get_number(&reader);
        life->closed = (zxid_t)get_number(&reader);
    }
    members->member_count = (uint32_t)get_number(&reader);
    for (uint32_t i = 0; i < members->member_count; i++) {
        struct member *member = &members->members[i];
        member->group = (int64_t)get_number(&reader);
        member->place = (uint32_t)get_number(&reader);
        member->node = (uint32_t)get_number(&reader);
        uint8_t flags = *reader.at++;
        member->is_living = (flags & 2U) != 0;
        member->has_view = (flags & 1U) != 0;
        member->view = get_number(&reader);
    }
    ensure(reader.at == state->octets + state->length);
}

/* ---- sessions -------------------------------------------------------------------------------------------------------- */

/* Made if it is not there; NULL without room. */
static struct life *life_of(struct members *members, session_id_t session)
{
    uint32_t at = members->life_count;
    while (at > 0 && members->lives[at - 1].session >= session) {
        at--;
    }
    if (at < members->life_count && members->lives[at].session == session) {
        return &members->lives[at];
    }
    if (!list_make_room(members->lives, &members->life_count, LIVES_MAX, at, sizeof members->lives[0])) {
        members->failed = true;
        return NULL;
    }
    members->lives[at] = (struct life){.session = session};
    return &members->lives[at];
}

static void tell_session(struct members *members, uint32_t node, session_id_t session)
{
    struct life *life = life_of(members, session);
    if (life != NULL) {
        life->client = node + 1;
    }
}

static void deliver(struct members *members, const int64_t *value)
{
    struct life *life = life_of(members, value[1]);
    if (life == NULL) {
        return;
    }
    zxid_t *which = value[3] == OP_CREATE_SESSION ? &life->opened : &life->closed;
    *which = value[0] > *which ? value[0] : *which;
}

/* Also where no session of it is known: one that joined had one. */
static bool could_be_there(const struct members *members, uint32_t node, zxid_t zxid)
{
    bool is_known = false;
    for (uint32_t i = 0; i < members->life_count; i++) {
        const struct life *life = &members->lives[i];
        if (life->client == node + 1) {
            is_known = true;
            if (life->opened <= zxid && (life->closed == 0 || life->closed > zxid)) {
                return true;
            }
        }
    }
    return !is_known;
}

/* ---- groups ------------------------------------------------------------------------------------------------------------ */

static struct member *member_of(struct members *members, int64_t group, uint32_t node)
{
    for (uint32_t i = 0; i < members->member_count; i++) {
        if (members->members[i].group == group && members->members[i].node == node) {
            return &members->members[i];
        }
    }
    return NULL;
}

static void join(struct members *members, uint32_t node, int64_t group, int64_t place)
{
    if (place < 0 || place >= PLACES_MAX) {
        return;
    }
    struct member fresh = {.group = group, .place = (uint32_t)place, .node = node, .is_living = true};
    uint32_t at = members->member_count;
    while (at > 0 && (members->members[at - 1].group > group ||
                      (members->members[at - 1].group == group && members->members[at - 1].place >= place))) {
        at--;
    }
    bool is_there =
        at < members->member_count && members->members[at].group == group && members->members[at].place == place;
    if (!is_there && !list_make_room(members->members, &members->member_count, MEMBERS_MAX, at, sizeof fresh)) {
        members->failed = true;
        return;
    }
    members->members[at] = fresh;
}

static void leave(struct member *member)
{
    if (member != NULL) {
        member->is_living = member->has_view = false;
        member->view = 0;
    }
}

static void view(struct members *members, uint32_t node, const int64_t *value)
{
    for (uint32_t i = 0; i < members->member_count; i++) {
        const struct member *other = &members->members[i];
        bool is_shown = other->group == value[0] && ((uint64_t)value[1] >> other->place & 1U) != 0;
        if (is_shown && !could_be_there(members, other->node, value[2])) {
            verdict_report(members->verdict, members->config, GUARANTEE_GROUP_MEMBERSHIP,
                           "node %u takes node %u for a member in the state of zxid 0x%" PRIx64
                           ", when its session had ended",
                           node, other->node, (uint64_t)value[2]);
        }
    }
    struct member *viewer = member_of(members, value[0], node);
    if (viewer != NULL && viewer->is_living) {
        viewer->has_view = true;
        viewer->view = (uint64_t)value[1];
    }
}

static void look_at(struct members *members, uint32_t node, const struct observation *observation)
{
    const int64_t *value = observation->value;
    switch ((int)observation->type) {
    case OBSERVE_DELIVERED:
        deliver(members, value);
        break;
    case OBSERVE_GROUP_JOINED:
        join(members, node, value[0], value[1]);
        break;
    case OBSERVE_GROUP_LEFT:
        leave(member_of(members, value[0], node));
        break;
    case OBSERVE_GROUP_VIEWED:
        view(members, node, value);
        break;
    default:
        break;
    }
}

static void end_process(struct members *members, uint32_t node)
{
    for (uint32_t i = 0; i < members->member_count; i++) {
        if (members->members[i].node == node) {
            leave(&members->members[i]);
        }
    }
}

/* ---- the monitor --------------------------------------------------------------------------------------------------------- */

static bool concerns(const struct monitor_config *config, const struct happening *happening)
{
    switch (happening->kind) {
    case HAPPENING_OBSERVATION:
        if (happening->observation.type == OBSERVE_DELIVERED) {
            return happening->observation.value[3] == OP_CREATE_SESSION ||
                   happening->observation.value[3] == OP_CLOSE_SESSION;
        }
        return happening->observation.type >= OBSERVE_GROUP_JOINED &&
               happening->observation.type <= OBSERVE_GROUP_VIEWED;
    case HAPPENING_SESSION:
        return happening->session.session != 0 && node_in(config->members, happening->node);
    case HAPPENING_END:
        return node_in(config->members, happening->node);
    case HAPPENING_REQUEST:
    case HAPPENING_ANSWER:
    case HAPPENING_EVENT:
    case HAPPENING_BOOT:
    case HAPPENING_FAILURE:
        return false;
    }
    return false;
}

static void start(const struct monitor_config *config, struct monitor_state *state)
{
    struct members members = {.config = config};
    write_state(&members, state);
}

static void step(const struct monitor_config *config, struct monitor_state *state, const struct happening *happenings,
                 size_t count, struct monitor_verdict *verdict)
{
    struct members members;
    members.config = config;
    members.verdict = verdict;
    members.failed = false;
    read_state(&members, state);
    for (size_t i = 0; i < count; i++) {
        if (happenings[i].kind == HAPPENING_OBSERVATION) {
            look_at(&members, happenings[i].node, &happenings[i].observation);
        } else if (happenings[i].kind == HAPPENING_SESSION) {
            tell_session(&members, happenings[i].node, happenings[i].session.session);
        } else {
            end_process(&members, happenings[i].node);
        }
    }
    write_state(&members, state);
    verdict->overflow = members.failed;
}

static void compare_views(const struct members *members, const struct member *viewer)
{
    for (uint32_t i = 0; i < members->member_count; i++) {
        const struct member *other = &members->members[i];
        bool is_shown = (viewer->view >> other->place & 1U) != 0;
        if (other->group == viewer->group && is_shown != other->is_living) {
            verdict_report(members->verdict, members->config, GUARANTEE_GROUP_MEMBERSHIP,
                           "the view of node %u never becomes the group: it %s node %u%s", viewer->node,
                           is_shown ? "shows" : "misses", other->node, is_shown ? ", who is no member" : "");
        }
    }
}

/* Only an impatient monitor takes the end of the path for a state in which nothing can happen any more. */
static void end(const struct monitor_config *config, const struct monitor_state *state, struct monitor_verdict *verdict)
{
    struct members members;
    members.config = config;
    members.verdict = verdict;
    read_state(&members, state);
    for (uint32_t i = 0; i < members.member_count && config->impatient; i++) {
        if (members.members[i].is_living && members.members[i].has_view) {
            compare_views(&members, &members.members[i]);
        }
    }
}

const struct monitor monitor_members = {
    .name = "members",
    .guarantees = GUARANTEE_BIT(GUARANTEE_GROUP_MEMBERSHIP),
    .subject = SUBJECT_MEMBERS,
    .concerns = concerns,
    .start = start,
    .step = step,
    .end = end,
};
