#include "checker/explore/space.h"

#include <stdlib.h>
#include <string.h>

#include "checker/explore/space_internal.h"
#include "protocol/base/ensure.h"
#include "protocol/server/server.h"

/* ---- what is interned -------------------------------------------------------------------------------------------- */

void space_intern_budgets(struct space *space, uint32_t *vector, const struct budgets *budgets,
                          struct space_sight *sight)
{
    uint32_t id;
    if (intern_add(space->budgets, budgets, sizeof *budgets, &id) == INTERN_FULL) {
        sight->exhausted = true;
        return;
    }
    vector[0] = id;
}

uint32_t space_intern_monitor(struct space *space, const struct monitor_state *state)
{
    uint32_t id;
    enum intern_result result = intern_add(space->monitor_states, state->octets, state->length, &id);
    return result == INTERN_FULL ? INTERN_NONE : id;
}

bool space_wants(void *self, const struct happening *happening)
{
    const struct space *space = self;
    for (uint32_t i = 0; i < space->monitor_count; i++) {
        if (monitor_concerns(space->monitors[i], &space->monitors_config, happening)) {
            return true;
        }
    }
    return false;
}

const struct site *space_site(const struct space *space, const uint32_t *vector, uint32_t node)
{
    return sites_at(space->sites, vector[space->first_site + node]);
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static bool fill_arrival(struct space *space, struct pair_arrival *to)
{
    const struct arrival *arrival = &to->arrival;
    struct move move = {.kind = MOVE_DELIVER, .channel = (enum channel)arrival->channel};
    enum segment_kind head = arrival->message == PAIR_SEGMENT_OPEN    ? SEGMENT_OPEN
                             : arrival->message == PAIR_SEGMENT_CLOSE ? SEGMENT_CLOSE
                                                                      : SEGMENT_OCTETS;
    struct move_circumstances circumstances = {.head = head};
    if (head == SEGMENT_OCTETS) {
        circumstances.octets = sites_message(space->sites, arrival->message);
    }
    to->move_class = (uint8_t)move_class(&move, &circumstances);
    struct site_input input = {.conn = arrival->conn};
    to->input = INTERN_NONE;
    if (arrival->kind == ARRIVAL_CONNECTED) {
        input.kind = SITE_CONNECTED;
    } else if (arrival->kind == ARRIVAL_DISCONNECTED) {
        input.kind = SITE_DISCONNECTED;
    } else if (arrival->kind == ARRIVAL_OCTETS) {
        input.kind = SITE_OCTETS;
        input.message = arrival->message;
    }
    bool is_stepped = arrival->kind != ARRIVAL_NOTHING && arrival->kind != ARRIVAL_OPEN;
    if (is_stepped) {
        to->input = sites_input(space->sites, &input);
    }
    struct pair_deed deed = {.action = PAIR_ARRIVE, .conn = arrival->position, .segment = arrival->link};
    to->deeds = sites_intern_deeds(space->sites, &deed, 1);
    return to->deeds != INTERN_NONE && (!is_stepped || to->input != INTERN_NONE);
}

uint32_t space_intern_pair(struct space *space, const struct pair *pair)
{
    union {
        struct pair_record record;
        uint8_t room[sizeof(struct pair_record) + 2 * PAIR_CONNECTIONS_MAX * sizeof(struct pair_arrival) +
                     PAIR_WORDS_MAX * sizeof(uint32_t)];
    } made;
    struct pair_record *record = &made.record;
    memset(record, 0, sizeof *record + 2 * PAIR_CONNECTIONS_MAX * sizeof(struct pair_arrival));
    record->connection_count = pair->count;
    bool fits = true;
    for (uint32_t i = 0; i < pair->count; i++) {
        for (unsigned link = 0; link < 2; link++) {
            struct pair_arrival *next = &record->arrivals[record->arrival_count];
            struct arrival arrival;
            if (pair_arrival(pair, i, link, &arrival)) {
                next->arrival = arrival;
                fits = fill_arrival(space, next) && fits;
                record->arrival_count++;
                record->classes |= UINT32_C(1) << next->move_class;
            }
        }
        if (pair->connections[i].state[0] == END_OPENING) {
            record->dialing[record->dialing_count++] = (uint8_t)i;
            record->classes |= UINT32_C(1) << CLASS_TIMEOUT;
        }
    }
    uint32_t *words = (uint32_t *)(void *)&record->arrivals[record->arrival_count];
    record->word_count = (uint16_t)pair_encode(pair, words);
    size_t octets =
        sizeof *record + record->arrival_count * sizeof record->arrivals[0] + record->word_count * sizeof words[0];
    uint32_t id;
    bool is_in = fits && intern_add(space->pairs, record, (uint32_t)octets, &id) != INTERN_FULL;
    return is_in ? id : INTERN_NONE;
}

void space_decode_pair(const struct space *space, uint32_t id, struct pair *pair)
{
    const struct pair_record *record = space_pair_record(space, id);
    pair_decode(pair, (const uint32_t *)(const void *)&record->arrivals[record->arrival_count], record->word_count);
}

uint32_t space_change_pair(struct space *space, uint32_t id, uint32_t deeds, struct space_sight *sight)
{
    if (deeds == INTERN_NONE) {
        sight->exhausted = true;
        return id;
    }
    uint64_t known = memo_find(space->pair_memo, id, deeds);
    if (known != MEMO_MISS) {
        return (uint32_t)known;
    }
    static struct pair pair;
    uint32_t count;
    space_decode_pair(space, id, &pair);
    const struct pair_deed *deed = sites_deeds(space->sites, deeds, &count);
    for (uint32_t i = 0; i < count; i++) {
        pair_perform(&pair, &deed[i]);
    }
    if (pair.overflow) {
        sight->overflow = true;
        return id;
    }
    uint32_t changed = space_intern_pair(space, &pair);
    if (changed == INTERN_NONE) {
        sight->exhausted = true;
        return id;
    }
    memo_insert(space->pair_memo, id, deeds, changed);
    return changed;
}

const struct pair_connection *space_connection(const struct space *space, uint32_t pair, uint32_t position)
{
    static struct pair decoded;
    space_decode_pair(space, pair, &decoded);
    return &decoded.connections[position];
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static void lay_out(struct space *space, const struct world *world)
{
    space->node_count = world->node_count;
    ensure(space->node_count <= SPACE_NODES_MAX);
    space->first_site = 1 + space->monitor_count;
    space->first_pair = space->first_site + space->node_count;
    uint32_t next = space->first_pair;
    memset(space->pair_entry, NO_ENTRY, sizeof space->pair_entry);
    for (uint32_t a = 0; a < space->node_count; a++) {
        for (uint32_t b = a + 1; b < space->node_count; b++) {
            if (world->nodes[a].server == 0 && world->nodes[b].server == 0) {
                continue; /* nobody can dial a client */
            }
            ensure(next < SPACE_WIDTH_MAX); /* space_width_of() */
            space->pair_entry[a][b] = space->pair_entry[b][a] = (uint8_t)next;
            space->pair_sides[next][0] = (uint8_t)a;
            space->pair_sides[next][1] = (uint8_t)b;
            next++;
        }
    }
    space->width = next;
}

static bool prepare_endings(struct space *space)
{
    bool fits = true;
    static const uint8_t actions[3] = {PAIR_CRASH, PAIR_KILL, PAIR_KILL_CUT};
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned i = 0; i < 3; i++) {
            struct pair_deed deed = {.action = actions[i], .side = (uint8_t)side};
            space->ending[side][i] = sites_intern_deeds(space->sites, &deed, 1);
            fits = fits && space->ending[side][i] != INTERN_NONE;
        }
    }
    return fits;
}

static bool intern_initial(struct space *space, uint32_t *vector)
{
    static struct monitor_state state;
    static const struct pair none = {0};
    struct budgets fresh = {0};
    struct space_sight sight = {0};
    space_intern_budgets(space, vector, &fresh, &sight);
    for (uint32_t i = 0; i < space->monitor_count; i++) {
        monitor_start(space->monitors[i], &space->monitors_config, &state);
        vector[1 + i] = space_intern_monitor(space, &state);
    }
    for (uint32_t i = 0; i < space->node_count; i++) {
        vector[space->first_site + i] = sites_initial(space->sites, i);
    }
    uint32_t empty = space_intern_pair(space, &none);
    for (uint32_t i = space->first_pair; i < space->width; i++) {
        vector[i] = empty;
    }
    bool fits = !sight.exhausted;
    for (uint32_t i = 0; i < space->width; i++) {
        fits = fits && vector[i] != INTERN_NONE;
    }
    return fits;
}

uint32_t space_width_of(const struct world *world, const struct monitor_config *monitors)
{
    uint32_t nodes = world->node_count, width = 1 + nodes, clients = 0;
    for (size_t i = 0; monitor_at(i) != NULL; i++) {
        width += monitor_is_wanted(monitor_at(i), monitors);
    }
    for (uint32_t i = 0; i < nodes; i++) {
        clients += world->nodes[i].server == 0;
    }
    uint32_t strangers = clients == 0 ? 0 : clients * (clients - 1) / 2; /* pairs of which nobody can dial the other */
    return width + nodes * (nodes - 1) / 2 - strangers;
}

struct space *space_new(struct shared *shared, struct world *world, const struct explore_plan *plan,
                        const struct monitor_config *monitors)
{
    struct space *space = calloc(1, sizeof *space);
    ensure(space != NULL);
    space->shared = shared;
    space->plan = *plan;
    space->monitors_config = *monitors;
    for (size_t i = 0; monitor_at(i) != NULL; i++) {
        if (monitor_is_wanted(monitor_at(i), monitors)) {
            space->monitors[space->monitor_count++] = monitor_at(i);
        }
    }
    space->sites = sites_new(shared, world, space_wants, space);
    space->budgets = intern_new(shared);
    space->pairs = intern_new(shared);
    space->monitor_states = intern_new(shared);
    space->pair_memo = memo_new(shared);
    space->monitor_memo = memo_new(shared);
    bool fits = space->sites != NULL && space->budgets != NULL && space->pairs != NULL &&
                space->monitor_states != NULL && space->pair_memo != NULL && space->monitor_memo != NULL;
    if (fits) {
        lay_out(space, world);
        fits = prepare_endings(space) && intern_initial(space, space->initial);
    }
    if (!fits) {
        space_free(space);
        return NULL;
    }
    return space;
}

void space_free(struct space *space)
{
    if (space->sites != NULL) {
        sites_free(space->sites);
    }
    free(space);
}

uint32_t space_width(const struct space *space)
{
    return space->width;
}

struct sites *space_sites(const struct space *space)
{
    return space->sites;
}

void space_listen(struct space *space, space_listener *listener, void *self)
{
    space->listener = listener;
    space->listener_self = self;
}

void space_initial(struct space *space, uint32_t *vector, struct space_sight *sight)
{
    memcpy(vector, space->initial, space->width * sizeof *vector);
    sight->exhausted = sight->exhausted || shared_exhausted(space->shared);
}

/* ---- names and questions ----------------------------------------------------------------------------------------- */

struct move space_move(const struct space *space, const uint32_t *vector, const struct space_event *event)
{
    struct move move = {.kind = (enum move_kind)event->kind, .node = event->node, .subject = event->subject};
    if (move.kind == MOVE_DEADLINE) {
        move.timer = (enum timer)event->timer;
    } else if (event->pair != NO_ENTRY) {
        static struct pair pair;
        space_decode_pair(space, vector[event->pair], &pair);
        const struct pair_connection *of = &pair.connections[event->position];
        const uint8_t *sides = space->pair_sides[event->pair];
        move.node = sides[of->dialer];
        move.peer = sides[1 - of->dialer];
        move.channel = (enum channel)of->channel;
        move.ordinal = pair_ordinal(&pair, event->position);
        move.back = move.kind == MOVE_DELIVER && event->link == 1;
    } else if (move.kind == MOVE_PARTITION || move.kind == MOVE_HEAL) {
        move.node = 0;
    }
    return move;
}

uint32_t space_site_number(const struct space *space, const uint32_t *vector, uint32_t node)
{
    return vector[space->first_site + node];
}

void space_pair(const struct space *space, const uint32_t *vector, uint32_t a, uint32_t b, struct pair *pair)
{
    *pair = (struct pair){0};
    uint8_t entry = space->pair_entry[a][b];
    if (entry != NO_ENTRY) {
        space_decode_pair(space, vector[entry], pair);
    }
}

uint32_t space_nodes(const struct space *space)
{
    return space->node_count;
}

struct explore_used space_used(const struct space *space, const uint32_t *vector)
{
    return space_budgets(space, vector)->used;
}

uint64_t space_partition(const struct space *space, const uint32_t *vector)
{
    return space_budgets(space, vector)->partition;
}

/* The serving leader of the highest epoch; NULL if there is none. */
static const struct site *leader_of(const struct space *space, const uint32_t *vector)
{
    const struct site *leader = NULL;
    for (uint32_t i = 0; i < space->node_count; i++) {
        const struct site *site = space_site(space, vector, i);
        if (site->kind == NODE_SERVER && site->life == LIFE_UP && site->serving && site->peer_state == PEER_LEADING &&
            (leader == NULL || site->current_epoch > leader->current_epoch)) {
            leader = site;
        }
    }
    return leader;
}

bool space_is_available(const struct space *space, const uint32_t *vector)
{
    const struct site *leader = leader_of(space, vector);
    uint64_t with_leader = 0;
    if (leader == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < space->node_count; i++) {
        const struct site *site = space_site(space, vector, i);
        if (site->kind != NODE_SERVER || site->life != LIFE_UP) {
            continue;
        }
        bool is_shut_out = site->accepted_epoch > leader->accepted_epoch;
        if (!site->serving && !is_shut_out) {
            return false;
        }
        with_leader |= site->leader == leader->leader ? UINT64_C(1) << i : 0;
    }
    return monitor_config_holds(&space->monitors_config, with_leader);
}

/* Has a session, or lost it for good, and no request without an answer. */
static bool is_content(const struct site *site)
{
    bool is_over = session_state_is_over((enum session_state)site->session_state);
    return site->life == LIFE_UP && (site->session_state == SESSION_CONNECTED || is_over) && site->waiting == 0;
}

bool space_is_quiet(const struct space *space, const uint32_t *vector)
{
    for (uint32_t i = 0; i < space->node_count; i++) {
        if ((space->monitors_config.clients >> i & 1U) != 0 && !is_content(space_site(space, vector, i))) {
            return false;
        }
    }
    return space_is_available(space, vector);
}

bool space_is_at_rest(const struct space *space, const uint32_t *vector)
{
    for (uint32_t i = 0; i < space->node_count; i++) {
        if (space_site(space, vector, i)->life != LIFE_UP) {
            return false;
        }
    }
    return space_is_quiet(space, vector);
}

bool space_is_crowded(const struct space *space)
{
    return space->is_crowded;
}

void space_ignore(struct space *space, bool ignore)
{
    space->monitors_ignored = ignore;
}

uint32_t space_first_site(const struct space *space)
{
    return space->first_site;
}
