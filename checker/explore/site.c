#include "checker/explore/site.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "checker/explore/chunks.h"
#include "checker/explore/coverage.h"
#include "checker/explore/happenings.h"
#include "checker/explore/intern.h"
#include "checker/explore/memo.h"
#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/client/client.h"
#include "protocol/commit/commit_message.h"
#include "protocol/commit/participant.h"
#include "protocol/server/server.h"

#define LOCALS_MAX 256U
#define DEEDS_MAX 256U

/* Which node is at the other end; NODE_NONE's low octet where there is no such connection. */
struct peers {
    uint8_t dialed[SITE_CONNECTIONS_MAX];
    uint8_t accepted[SITE_CONNECTIONS_MAX]; /* from 1 */
};
#define NO_PEER UINT8_MAX

/* Begins an image; the machine's arena and the process's follow, each at a multiple of CHUNK_OCTETS. */
struct image_head {
    uint64_t machine_octets, region_octets;
    struct world_node node;
    struct peers peers;
};

/* Another image of a node with the same digest. */
struct twin {
    uint32_t site, image;
};

/* In the region. */
struct sites_tally {
    _Atomic uint64_t remembered, run;
};

struct sites {
    struct shared *shared;
    struct world *world;
    struct intern *sites, *inputs, *messages, *deeds, *happenings, *steps;
    struct chunks *images;
    struct memo *memo;
    happening_filter *wanted;
    void *wanted_self;
    bool remember;
    uint32_t image_octets_max;
    bool is_too_large;  /* the node of the present step outgrew its image, or can do too much by itself */
    bool out_of_memory; /* something of the present step did not fit */
    /* of this process */
    uint32_t *loaded; /* by node: which site the world holds, or INTERN_NONE */
    struct peers *peers;
    struct twin *twins;
    uint32_t twin_count, twin_capacity;
    struct world_node *lasting; /* what a node keeps for the world's life */
    uint8_t *scratch;
    struct sites_tally *tally;
    uint64_t remembered, run;
};

static size_t padded(size_t octets)
{
    return (octets + CHUNK_OCTETS - 1) / CHUNK_OCTETS * CHUNK_OCTETS;
}

struct sites *sites_new(struct shared *shared, struct world *world, happening_filter *wanted, void *self)
{
    ensure(world->network_is_elsewhere);
    bool is_old;
    struct sites *sites = calloc(1, sizeof *sites);
    ensure(sites != NULL);
    *sites = (struct sites){
        .shared = shared,
        .world = world,
        .wanted = wanted,
        .wanted_self = self,
        .sites = intern_new_by_digest(shared),
        .inputs = intern_new(shared),
        .messages = intern_new(shared),
        .deeds = intern_new(shared),
        .happenings = intern_new(shared),
        .steps = intern_new(shared),
        .images = chunks_new(shared),
        .memo = memo_new(shared),
        .tally = shared_make(shared, sizeof(struct sites_tally), &is_old),
        .remember = true,
        .loaded = malloc(world->node_count * sizeof(uint32_t)),
        .peers = malloc(world->node_count * sizeof(struct peers)),
        .lasting = malloc(world->node_count * sizeof(struct world_node)),
        .scratch = malloc(SITE_IMAGE_OCTETS_MAX),
        .image_octets_max = SITE_IMAGE_OCTETS_MAX,
    };
    ensure(sites->loaded != NULL && sites->peers != NULL && sites->lasting != NULL && sites->scratch != NULL);
    for (uint32_t i = 0; i < world->node_count; i++) {
        sites->loaded[i] = INTERN_NONE;
        memset(&sites->peers[i], NO_PEER, sizeof sites->peers[i]);
        sites->lasting[i] = world->nodes[i];
    }
    bool fits = sites->sites != NULL && sites->inputs != NULL && sites->messages != NULL && sites->deeds != NULL &&
                sites->happenings != NULL && sites->steps != NULL && sites->images != NULL && sites->memo != NULL &&
                sites->tally != NULL;
    uint32_t none; /* no happenings: number 0 */
    if (!fits || intern_add(sites->happenings, "", 0, &none) == INTERN_FULL) {
        sites_free(sites);
        return NULL;
    }
    return sites;
}

void sites_free(struct sites *sites)
{
    free(sites->loaded);
    free(sites->peers);
    free(sites->lasting);
    free(sites->scratch);
    free(sites->twins);
    free(sites);
}

const struct site *sites_at(const struct sites *sites, uint32_t id)
{
    return intern_get(sites->sites, id).data;
}

const struct site_step *sites_step_at(const struct sites *sites, uint32_t step)
{
    return intern_get(sites->steps, step).data;
}

static struct bytes bytes_at(const struct intern *intern, uint32_t id)
{
    struct intern_item item = intern_get(intern, id);
    return (struct bytes){item.data, (int32_t)item.length};
}

struct bytes sites_message(const struct sites *sites, uint32_t message)
{
    return bytes_at(sites->messages, message);
}

struct bytes sites_happenings(const struct sites *sites, uint32_t happenings)
{
    return bytes_at(sites->happenings, happenings);
}

const struct pair_deed *sites_deeds(const struct sites *sites, uint32_t deeds, uint32_t *count)
{
    struct intern_item item = intern_get(sites->deeds, deeds);
    *count = item.length / (uint32_t)sizeof(struct pair_deed);
    return item.data;
}

static uint32_t intern_id(struct intern *intern, const void *data, size_t length)
{
    uint32_t id;
    return intern_add(intern, data, (uint32_t)length, &id) == INTERN_FULL ? INTERN_NONE : id;
}

uint32_t sites_intern_deeds(struct sites *sites, const struct pair_deed *deeds, uint32_t count)
{
    return intern_id(sites->deeds, deeds, count * sizeof *deeds);
}

uint32_t sites_intern_happenings(struct sites *sites, const struct happenings *happenings)
{
    return intern_id(sites->happenings, happenings->octets, happenings->length);
}

uint32_t sites_input(struct sites *sites, const struct site_input *input)
{
    return intern_id(sites->inputs, input, sizeof *input);
}

/* ---- the image of a node ---- */

/* INTERN_NONE when it does not fit, into memory or (is_too_large) into an image. */
static uint32_t store_image(struct sites *sites, uint32_t node)
{
    const struct world_node *of = &sites->world->nodes[node];
    const struct arena *region = of->region;
    struct image_head *head = (struct image_head *)(void *)sites->scratch;
    memset(head, 0, padded(sizeof *head));
    head->node = *of;
    head->peers = sites->peers[node];
    head->machine_octets = of->machine->used;
    head->region_octets = of->life == LIFE_UP ? region->used : 0;
    size_t total = padded(sizeof *head) + padded(head->machine_octets) + padded(head->region_octets);
    if (total > sites->image_octets_max) {
        sites->is_too_large = true;
        return INTERN_NONE;
    }
    uint8_t *next = sites->scratch + padded(sizeof *head);
    memcpy(next, of->machine, head->machine_octets);
    memset(next + head->machine_octets, 0, padded(head->machine_octets) - head->machine_octets);
    next += padded(head->machine_octets);
    memcpy(next, region, head->region_octets);
    memset(next + head->region_octets, 0, padded(head->region_octets) - head->region_octets);
    uint32_t handle;
    return chunks_store(sites->images, sites->scratch, (uint32_t)total, &handle) == INTERN_FULL ? INTERN_NONE : handle;
}

static void load_image(struct sites *sites, uint32_t node, uint32_t image)
{
    chunks_load(sites->images, image, sites->scratch);
    const struct image_head *head = (const struct image_head *)(const void *)sites->scratch;
    const struct world_node *lasting = &sites->lasting[node];
    struct world_node *of = &sites->world->nodes[node];
    *of = head->node;
    of->name = lasting->name;
    of->create = lasting->create;
    of->config = lasting->config;
    of->calls = lasting->calls;
    of->setting = lasting->setting;
    sites->peers[node] = head->peers;
    const uint8_t *next = sites->scratch + padded(sizeof *head);
    memcpy(of->machine, next, head->machine_octets);
    next += padded(head->machine_octets);
    memcpy(of->region, next, head->region_octets);
}

static void load(struct sites *sites, uint32_t id)
{
    const struct site *site = sites_at(sites, id);
    if (sites->loaded[site->node] != id) {
        load_image(sites, site->node, site->image);
        sites->loaded[site->node] = id;
    }
}

const struct world_node *sites_load(struct sites *sites, uint32_t id)
{
    load(sites, id);
    return &sites->world->nodes[sites_at(sites, id)->node];
}

/* ---- its identity ---- */

/* What of a site is made of names. */
struct named {
    uint32_t node;
    uint64_t process; /* digest; 0: none */
    const struct peers *peers;
};

static uint64_t add_all(const struct sites *sites, const struct world_node *of, const struct named *named,
                        uint64_t start)
{
    uint64_t flags = (uint64_t)of->life << 4 | (uint64_t)of->paused << 2 | (uint64_t)of->exited << 1;
    uint64_t hash = hash_mix(start, (uint64_t)named->node << 8 | flags);
    hash = hash_mix(hash, named->process);
    hash = hash_mix(hash, disk_digest(&of->disk));
    for (uint32_t i = 0; i < of->request_count; i++) {
        hash = hash_mix(hash, of->requests[i].tag);
        hash = hash_mix(hash, (uint64_t)of->requests[i].opcode);
        hash = hash_bytes(hash, of->requests[i].body);
    }
    hash = hash_mix(hash, of->request_count);
    for (uint32_t i = 0; i < of->wake_up_count; i++) {
        hash = hash_mix(hash, of->wake_ups[i].tag);
    }
    if (of->calls != NULL) {
        hash = hash_octets(hash, of->application, of->calls->state_octets);
    }
    hash = hash_octets(hash, named->peers, sizeof *named->peers);
    hash = hash_mix(hash, clock_read(&of->clock, sites->world->now));
    return hash_finish(hash_mix(hash, of->clock_floor));
}

static struct intern_digest digest_as(const struct sites *sites, const struct world_node *of, const struct named *named)
{
    return (struct intern_digest){add_all(sites, of, named, HASH_START), add_all(sites, of, named, ~HASH_START)};
}

static struct intern_digest digest_of(const struct sites *sites, uint32_t node)
{
    const struct world_node *of = &sites->world->nodes[node];
    struct named named = {node, of->life == LIFE_UP ? node_digest(of->node) : 0, &sites->peers[node]};
    return digest_as(sites, of, &named);
}

uint64_t sites_digest_undrawn(struct sites *sites, uint32_t site)
{
    load(sites, site);
    uint32_t node = sites_at(sites, site)->node;
    const struct world_node *of = &sites->world->nodes[node];
    ensure(of->kind == NODE_SERVER);
    struct named named = {node, of->life == LIFE_UP ? server_digest_undrawn(of->node) : 0, &sites->peers[node]};
    return add_all(sites, of, &named, HASH_START);
}

/* ---- under other names ---- */

static uint8_t rename_peer(uint8_t peer, const struct renaming *renaming)
{
    return peer == NO_PEER ? NO_PEER : renaming->node[peer];
}

/* What a site dialed is called by the number of whom it dialed, what it accepted is not. */
static void rename_peers(struct peers *to, const struct peers *from, const struct renaming *renaming)
{
    memset(to, NO_PEER, sizeof *to);
    for (uint32_t site = 0; site <= COMMIT_SITES_MAX; site++) {
        to->dialed[renaming->site[site]] = rename_peer(from->dialed[site], renaming);
    }
    for (uint32_t conn = 0; conn < SITE_CONNECTIONS_MAX; conn++) {
        to->accepted[conn] = rename_peer(from->accepted[conn], renaming);
    }
}

struct intern_digest sites_digest_renamed(struct sites *sites, uint32_t site, const struct renaming *renaming)
{
    load(sites, site);
    uint32_t node = sites_at(sites, site)->node;
    const struct world_node *of = &sites->world->nodes[node];
    bool is_up = of->life == LIFE_UP;
    ensure(of->kind == NODE_PARTICIPANT && of->calls == NULL);
    ensure(!is_up || !participant_is_electing(of->node)); /* to whom numbers matter, names do */
    struct peers peers;
    rename_peers(&peers, &sites->peers[node], renaming);
    struct named named = {renaming->node[node], is_up ? participant_digest_renamed(of->node, renaming->site) : 0,
                          &peers};
    return digest_as(sites, of, &named);
}

uint32_t sites_message_renamed(struct sites *sites, uint32_t message, const struct renaming *renaming)
{
    uint8_t octets[64];
    struct jute_writer writer = {.start = octets, .capacity = sizeof octets};
    bool is_one = commit_message_rename(&writer, bytes_at(sites->messages, message), renaming->site);
    ensure(is_one && !writer.failed);
    return intern_id(sites->messages, octets, writer.used);
}

/* ---- what it can do by itself ---- */

static void add_local(struct sites *sites, struct site *site, enum move_kind kind, const struct site_input *input)
{
    if (site->local_count == LOCALS_MAX) {
        sites->is_too_large = true;
        return;
    }
    struct move move = {.kind = kind, .timer = (enum timer)input->timer, .subject = input->subject};
    const struct world_node *of = &sites->world->nodes[site->node];
    struct move_circumstances circumstances = {.head = SEGMENT_OCTETS, .ran_before = of->boots > 0};
    if (kind == MOVE_DISK) {
        circumstances.file = of->disk.operations[input->subject].file.kind;
    }
    enum move_class class = move_class(&move, &circumstances);
    uint32_t number = sites_input(sites, input);
    sites->out_of_memory = sites->out_of_memory || number == INTERN_NONE;
    site->classes |= UINT32_C(1) << class;
    site->locals[site->local_count++] = (struct site_local){
        .kind = (uint8_t)kind,
        .timer = input->timer,
        .move_class = (uint8_t) class,
        .budget = (uint8_t)explore_budget_of(&move, class),
        .input = number,
        .subject = input->subject,
    };
}

static void add_deadlines(struct sites *sites, struct site *site, const struct world_node *of)
{
    struct deadline deadlines[LOCALS_MAX];
    size_t count = node_deadlines(of->node, deadlines, LOCALS_MAX);
    sites->is_too_large = sites->is_too_large || count > LOCALS_MAX;
    for (size_t i = 0; i < count && i < LOCALS_MAX; i++) {
        add_local(sites, site, MOVE_DEADLINE,
                  &(struct site_input){
                      .kind = SITE_DEADLINE, .timer = (uint8_t)deadlines[i].timer, .subject = deadlines[i].subject});
    }
}

/* A node lists its wake-ups and deadlines in the order in which it came by them, which no digest sees. */
static int compare_locals(const void *a, const void *b)
{
    const struct site_local *x = a, *y = b;
    if (x->kind != y->kind) {
        return x->kind == MOVE_WAKE_UP ? -1 : 1;
    }
    int by_timer = (x->timer > y->timer) - (x->timer < y->timer);
    return by_timer != 0 ? by_timer : (x->subject > y->subject) - (x->subject < y->subject);
}

static void add_locals(struct sites *sites, struct site *site, const struct world_node *of)
{
    if (of->life != LIFE_UP) {
        add_local(sites, site, MOVE_BOOT, &(struct site_input){.kind = SITE_BOOT});
        return;
    }
    uint32_t tasks = node_tasks(of->node);
    for (uint32_t task = 0; task < TASK_COUNT; task++) {
        if ((tasks >> task & 1U) != 0) {
            add_local(sites, site, MOVE_TASK, &(struct site_input){.kind = SITE_TASK, .subject = task});
        }
    }
    for (uint32_t i = 0; i < of->disk.operation_count; i++) {
        if (disk_may_finish(&of->disk, i)) {
            add_local(sites, site, MOVE_DISK, &(struct site_input){.kind = SITE_DISK, .subject = i});
        }
    }
    if (of->request_count > 0) {
        add_local(sites, site, MOVE_REQUEST, &(struct site_input){.kind = SITE_REQUEST});
    }
    uint16_t first = site->local_count;
    for (uint32_t i = 0; i < of->wake_up_count; i++) {
        add_local(sites, site, MOVE_WAKE_UP,
                  &(struct site_input){.kind = SITE_WAKE_UP, .subject = of->wake_ups[i].tag});
    }
    add_deadlines(sites, site, of);
    qsort(site->locals + first, (size_t)(site->local_count - first), sizeof site->locals[0], compare_locals);
}

/* ---- a site from what the world holds ---- */

static uint16_t first_free(const struct peers *peers)
{
    uint16_t conn = 1;
    while (conn < SITE_CONNECTIONS_MAX && peers->accepted[conn] != NO_PEER) {
        conn++;
    }
    return conn;
}

static void describe_process(struct site *site, const struct world_node *of)
{
    if (of->kind == NODE_SERVER) {
        struct server_status status;
        server_status(of->node, &status);
        site->peer_state = (uint8_t)status.state;
        site->serving = status.serving;
        site->leader = (uint8_t)status.leader;
        site->accepted_epoch = status.accepted_epoch;
        site->current_epoch = status.current_epoch;
        site->last_processed = status.last_processed;
        site->last_logged = status.last_logged;
    } else if (of->kind == NODE_CLIENT && of->server == 0) {
        struct client_status status;
        client_status(of->node, &status);
        site->session_state = (uint8_t)status.state;
        uint64_t waiting = status.waiting + of->request_count;
        site->waiting = (uint16_t)(waiting < UINT16_MAX ? waiting : UINT16_MAX);
        site->last_processed = status.last_zxid;
    }
}

union made_site {
    struct site site;
    uint8_t room[sizeof(struct site) + LOCALS_MAX * sizeof(struct site_local)];
};

/* All but the image.  Returns its size. */
static size_t describe(struct sites *sites, uint32_t node, union made_site *made)
{
    const struct world_node *of = &sites->world->nodes[node];
    struct site *site = &made->site;
    memset(made, 0, sizeof *made);
    site->node = (uint8_t)node;
    site->kind = (uint8_t)of->kind;
    site->life = (uint8_t)of->life;
    site->paused = of->paused;
    site->disk_is_busy = of->disk.operation_count > 0;
    site->disk_fails = of->disk.failing_fsyncs > 0;
    site->accepted_next = first_free(&sites->peers[node]);
    if (of->life == LIFE_UP) {
        describe_process(site, of);
    }
    add_locals(sites, site, of);
    return sizeof *site + site->local_count * sizeof site->locals[0];
}

/* The node that the world holds is to the digest what that site is. */
static void keep_twin(struct sites *sites, uint32_t node, uint32_t id)
{
    if (sites->twin_count < sites->twin_capacity) {
        uint32_t image = store_image(sites, node);
        if (image != INTERN_NONE && image != sites_at(sites, id)->image) {
            sites->twins[sites->twin_count++] = (struct twin){id, image};
        }
    }
}

/* The site of what the world now holds for that node. */
static uint32_t intern_site(struct sites *sites, uint32_t node)
{
    struct intern_digest digest = digest_of(sites, node);
    uint32_t id = intern_find_digest(sites->sites, digest);
    if (id != INTERN_NONE) {
        keep_twin(sites, node, id);
        sites->loaded[node] = INTERN_NONE;
        return id;
    }
    union made_site made;
    size_t octets = describe(sites, node, &made);
    made.site.image = store_image(sites, node);
    if (made.site.image == INTERN_NONE || sites->out_of_memory || sites->is_too_large) {
        return INTERN_NONE;
    }
    enum intern_result result = intern_add_digest(sites->sites, digest, &made, (uint32_t)octets, &id);
    /* The image that goes with the number is the first one's: what the world holds may differ from it in what no digest sees. */
    sites->loaded[node] = result == INTERN_NEW ? id : INTERN_NONE;
    return result == INTERN_FULL ? INTERN_NONE : id;
}

uint32_t sites_initial(struct sites *sites, uint32_t node)
{
    ensure(sites->world->nodes[node].life == LIFE_DOWN && sites->world->nodes[node].boots == 0);
    return intern_site(sites, node);
}

/* ---- running a step ---- */

struct running {
    struct sites *sites;
    uint32_t node;
    uint32_t deed_counts[MOVE_PARTITION_NODES_MAX];
    struct pair_deed deeds[MOVE_PARTITION_NODES_MAX][DEEDS_MAX];
    uint64_t coverage, observed;
    bool failed;
    struct happenings happenings;
};

static uint8_t *peer_of(struct running *running, conn_id conn)
{
    struct peers *peers = &running->sites->peers[running->node];
    uint32_t number = conn & ~CONN_DIALED;
    ensure(number < SITE_CONNECTIONS_MAX);
    return (conn & CONN_DIALED) != 0 ? &peers->dialed[number] : &peers->accepted[number];
}

static void add_deed(struct running *running, uint32_t peer, struct pair_deed deed)
{
    ensure(peer < MOVE_PARTITION_NODES_MAX);
    deed.side = running->node < peer ? 0 : 1;
    if (running->deed_counts[peer] == DEEDS_MAX) {
        running->failed = true;
        return;
    }
    running->deeds[peer][running->deed_counts[peer]++] = deed;
}

static void open_connection(struct running *running, const struct output *output)
{
    uint32_t peer = running->sites->world->node_of_server[output->open.server];
    conn_id conn = output->open.conn;
    if ((conn & ~CONN_DIALED) >= SITE_CONNECTIONS_MAX) {
        running->failed = true;
        return;
    }
    *peer_of(running, conn) = (uint8_t)peer;
    add_deed(running, peer,
             (struct pair_deed){.action = PAIR_DIAL, .channel = (uint16_t)output->open.channel, .conn = conn});
}

static void send(struct running *running, const struct output *output)
{
    struct bytes octets = output->send.octets;
    uint32_t message = intern_id(running->sites->messages, octets.data, bytes_size(octets));
    running->sites->out_of_memory = running->sites->out_of_memory || message == INTERN_NONE;
    running->failed = running->failed || message == PAIR_SEGMENT_CLOSE;
    conn_id conn = output->send.conn;
    add_deed(running, *peer_of(running, conn),
             (struct pair_deed){.action = PAIR_SEND, .conn = conn, .segment = message});
}

static void close_connection(struct running *running, conn_id conn)
{
    uint8_t *peer = peer_of(running, conn);
    add_deed(running, *peer, (struct pair_deed){.action = PAIR_CLOSE, .conn = conn});
    *peer = NO_PEER;
}

_Static_assert(OBSERVATION_COUNT <= 64, "a bit for each");

static void note(struct running *running, const struct happening *happening)
{
    running->coverage |= coverage_of(happening);
    if (happening->kind == HAPPENING_OBSERVATION) {
        running->observed |= UINT64_C(1) << happening->observation.type;
    }
    if (running->sites->wanted(running->sites->wanted_self, happening)) {
        happenings_add(&running->happenings, happening);
    }
}

static void note_world(struct running *running, enum happening_kind kind)
{
    struct happening happening = happening_of_world(kind, running->node);
    note(running, &happening);
}

static void read_output(struct running *running, const struct output *output)
{
    struct happening happening;
    if (output->type == OUTPUT_OPEN) {
        open_connection(running, output);
    } else if (output->type == OUTPUT_SEND) {
        send(running, output);
    } else if (output->type == OUTPUT_CLOSE) {
        close_connection(running, output->close.conn);
    } else if (happening_of_output(running->node, output, &happening)) {
        note(running, &happening);
    }
}

/* ---- inputs, by the world's own code ---- */

static void perform_in_world(struct sites *sites, uint32_t node, const struct site_input *input)
{
    static const enum world_event_kind kinds[] = {
        [SITE_DEADLINE] = EVENT_DEADLINE, [SITE_DISK] = EVENT_DISK,       [SITE_TASK] = EVENT_TASK,
        [SITE_REQUEST] = EVENT_REQUEST,   [SITE_WAKE_UP] = EVENT_WAKE_UP,
    };
    struct world_event event = {.kind = kinds[input->kind], .node = node, .subject = (uint32_t)input->subject};
    const struct world_node *of = &sites->world->nodes[node];
    if (input->kind == SITE_DEADLINE) {
        event.deadline = (struct deadline){of->clock.local_anchor, (enum timer)input->timer, input->subject};
    } else if (input->kind == SITE_WAKE_UP) {
        for (event.subject = 0; of->wake_ups[event.subject].tag != input->subject; event.subject++) {
        }
    }
    world_perform(sites->world, &event);
}

static void feed(struct running *running, const struct site_input *from)
{
    struct sites *sites = running->sites;
    struct input input = {.type = INPUT_ACCEPTED};
    if (from->kind == SITE_ACCEPTED) {
        input.accepted.conn = from->conn;
        input.accepted.channel = (enum channel)from->channel;
        *peer_of(running, from->conn) = from->peer;
    } else if (from->kind == SITE_CONNECTED) {
        input.type = INPUT_CONNECTED;
        input.connected.conn = from->conn;
    } else if (from->kind == SITE_OCTETS) {
        input.type = INPUT_RECEIVED;
        input.received.conn = from->conn;
        input.received.octets = bytes_at(sites->messages, from->message);
    } else {
        input.type = INPUT_DISCONNECTED;
        input.disconnected.conn = from->conn;
        *peer_of(running, from->conn) = NO_PEER;
    }
    world_step_node(sites->world, running->node, &input);
}

static void perform_fault(struct sites *sites, uint32_t node, const struct site_input *input)
{
    struct move move = {.node = node, .subject = input->subject};
    move.kind = input->kind == SITE_CRASH    ? MOVE_CRASH
                : input->kind == SITE_KILL   ? MOVE_KILL
                : input->kind == SITE_PAUSE  ? MOVE_PAUSE
                : input->kind == SITE_RESUME ? MOVE_RESUME
                                             : MOVE_FAIL_DISK;
    bool made = move_make(sites->world, &move);
    ensure(made);
}

static void note_request(struct running *running)
{
    const struct request *request = &running->sites->world->nodes[running->node].requests[0];
    struct happening happening = happening_of_request(running->node, request->tag, request->opcode, request->body);
    note(running, &happening);
}

/* Returns how the process's connections ended, if they did. */
static uint8_t perform(struct running *running, const struct site_input *input)
{
    struct world *world = running->sites->world;
    uint32_t node = running->node;
    world->outputs->count = 0;
    world->outputs->used = 0;
    switch ((enum site_input_kind)input->kind) {
    case SITE_BOOT:
        note_world(running, HAPPENING_BOOT);
        world_boot(world, node);
        break;
    case SITE_ACCEPTED:
    case SITE_CONNECTED:
    case SITE_OCTETS:
    case SITE_DISCONNECTED:
        feed(running, input);
        break;
    case SITE_REQUEST:
        note_request(running);
        perform_in_world(running->sites, node, input);
        break;
    case SITE_DEADLINE:
    case SITE_DISK:
    case SITE_TASK:
    case SITE_WAKE_UP:
        perform_in_world(running->sites, node, input);
        break;
    case SITE_CRASH:
    case SITE_KILL:
    case SITE_PAUSE:
    case SITE_RESUME:
    case SITE_FAIL_DISK:
        perform_fault(running->sites, node, input);
        break;
    }
    world_clear_fresh(world);
    if (input->kind == SITE_KILL) {
        return PAIR_KILL;
    }
    return world->nodes[node].life == LIFE_UP ? 0 : PAIR_CRASH;
}

static uint32_t intern_step(struct running *running, uint8_t ended)
{
    struct sites *sites = running->sites;
    union {
        struct site_step step;
        uint8_t room[sizeof(struct site_step) + MOVE_PARTITION_NODES_MAX * sizeof(struct site_effect)];
    } made = {.room = {0}};
    struct site_step *step = &made.step;
    if (ended != 0) {
        memset(&sites->peers[running->node], NO_PEER, sizeof(struct peers));
        note_world(running, HAPPENING_END);
    }
    step->ended = ended;
    for (uint32_t peer = 0; peer < sites->world->node_count; peer++) {
        uint32_t count = running->deed_counts[peer];
        if (count > 0) {
            uint32_t deeds = sites_intern_deeds(sites, running->deeds[peer], count);
            sites->out_of_memory = sites->out_of_memory || deeds == INTERN_NONE;
            step->effects[step->effect_count++] = (struct site_effect){peer, deeds};
        }
    }
    step->happenings = sites_intern_happenings(sites, &running->happenings);
    step->site = intern_site(sites, running->node);
    step->failed = running->failed || running->happenings.overflow || sites->is_too_large;
    step->site = sites->is_too_large ? 0 : step->site; /* none: nobody goes on from there */
    step->coverage = running->coverage;
    step->observed = running->observed;
    bool fits = !sites->out_of_memory && step->happenings != INTERN_NONE && step->site != INTERN_NONE;
    return !fits ? INTERN_NONE
                 : intern_id(sites->steps, step, sizeof *step + step->effect_count * sizeof step->effects[0]);
}

/* The world holds the node. */
static uint32_t run_loaded(struct sites *sites, uint32_t node, const struct site_input *input)
{
    static struct running running; /* too large for the stack; a worker steps one at a time */
    running.sites = sites;
    running.node = node;
    running.coverage = running.observed = 0;
    running.failed = false;
    happenings_clear(&running.happenings);
    memset(running.deed_counts, 0, sizeof running.deed_counts);
    sites->loaded[running.node] = INTERN_NONE;
    sites->out_of_memory = sites->is_too_large = false;
    uint8_t ended = perform(&running, input);
    const struct outputs *outputs = sites->world->outputs;
    for (size_t i = 0; i < outputs->count; i++) {
        read_output(&running, &outputs->items[i]);
    }
    return intern_step(&running, ended);
}

static uint32_t run_step(struct sites *sites, uint32_t site, const struct site_input *input)
{
    load(sites, site);
    return run_loaded(sites, sites_at(sites, site)->node, input);
}

uint32_t sites_step(struct sites *sites, uint32_t site, uint32_t input)
{
    uint64_t known = memo_find(sites->memo, site, input);
    if (known != MEMO_MISS && sites->remember) {
        sites->remembered++;
        return (uint32_t)known;
    }
    struct intern_item item = intern_get(sites->inputs, input);
    uint32_t step = run_step(sites, site, item.data);
    sites->run++;
    if (known != MEMO_MISS) {
        ensure(step == (uint32_t)known || step == INTERN_NONE);
    } else if (step != INTERN_NONE) {
        memo_insert(sites->memo, site, input, step);
    }
    return step;
}

void sites_keep_twins(struct sites *sites, uint32_t capacity)
{
    sites->twins = realloc(sites->twins, capacity * sizeof *sites->twins);
    ensure(sites->twins != NULL);
    sites->twin_capacity = capacity;
}

/* What it can do by itself, and how it stands. */
static bool looks_alike(struct sites *sites, const struct twin *twin)
{
    union made_site made;
    const struct site *site = sites_at(sites, twin->site);
    load_image(sites, site->node, twin->image);
    size_t octets = describe(sites, site->node, &made);
    made.site.image = site->image;
    return octets == intern_get(sites->sites, twin->site).length && memcmp(&made, site, octets) == 0;
}

uint64_t sites_compare_twins(struct sites *sites, struct sites_twin *differs)
{
    uint64_t compared = 0;
    uint32_t inputs = intern_count(sites->inputs), count = sites->twin_count;
    sites->twin_capacity = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct twin *twin = &sites->twins[i];
        uint32_t node = sites_at(sites, twin->site)->node;
        *differs = (struct sites_twin){twin->site, twin->image, INTERN_NONE};
        sites->loaded[node] = INTERN_NONE;
        if (!looks_alike(sites, twin)) {
            return 0;
        }
        for (uint32_t input = 0; input < inputs; input++) {
            uint64_t known = memo_find(sites->memo, twin->site, input);
            if (known == MEMO_MISS) {
                continue;
            }
            load_image(sites, node, twin->image);
            differs->input = input;
            if (run_loaded(sites, node, intern_get(sites->inputs, input).data) != (uint32_t)known) {
                return 0;
            }
            compared++;
        }
    }
    return compared;
}

const struct site_input *sites_input_at(const struct sites *sites, uint32_t input)
{
    return intern_get(sites->inputs, input).data;
}

void sites_limit_images(struct sites *sites, uint32_t octets)
{
    ensure(octets <= SITE_IMAGE_OCTETS_MAX);
    sites->image_octets_max = octets;
}

void sites_remember(struct sites *sites, bool remember)
{
    sites->remember = remember;
}

void sites_flush_counts(struct sites *sites)
{
    atomic_fetch_add(&sites->tally->remembered, sites->remembered);
    atomic_fetch_add(&sites->tally->run, sites->run);
    sites->remembered = sites->run = 0;
}

void sites_counts(const struct sites *sites, struct sites_counts *counts)
{
    *counts = (struct sites_counts){
        .sites = intern_count(sites->sites),
        .messages = intern_count(sites->messages),
        .steps = memo_count(sites->memo),
        .remembered = atomic_load(&sites->tally->remembered) + sites->remembered,
        .run = atomic_load(&sites->tally->run) + sites->run,
        .image_octets = chunks_octets(sites->images),
        .image_octets_plain = chunks_octets_plain(sites->images),
    };
}
