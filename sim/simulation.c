#include "sim/simulation.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "sim/data_directory.h"
#include "sim/ensemble.h"
#include "sim/inheritance.h"
#include "sim/message_name.h"
#include "sim/role.h"

G_DEFINE_QUARK(zksim - simulation - error, simulation_error)

/* How often the file and the clock of the loop are looked after. */
#define SLICE_NS NS_PER_SECOND
#define FLUSH_ROWS 100000U

/* Something to do at a time; sorted by (at, order). */
struct action {
    instant_ns at;
    uint64_t order;
    uint32_t source; /* index of the scenario's fault */
    bool is_end;     /* carry out `ending`; otherwise the fault itself */
    struct fault ending;
};

struct simulation {
    struct scenario *scenario;
    const struct simulation_options *options;
    struct ensemble *ensemble;
    struct world *world;
    struct record *record;
    struct inheritance *inheritance; /* NULL: the disks are empty at the start */
    struct chaos *chaos;
    guint chaos_next;
    GArray *actions;        /* struct action, the next one last */
    uint64_t order;         /* last one given out */
    struct random *randoms; /* by fault */
    bool *fired;            /* by fault: TRIGGER_WHEN happened */
    GArray *triggered;      /* uint32_t: faults whose observation was just seen */
    uint64_t watched;       /* bit per observation that some fault waits for */
    instant_ns end, quiet_from;
    size_t pauses; /* past */
};

static const struct scenario_fault *fault_at(const struct simulation *simulation, uint32_t index)
{
    return &g_array_index(simulation->scenario->faults, struct scenario_fault, index);
}

/* ---- whom ------------------------------------------------------------------------------------------------------------ */

static void add_set(struct node_set *set, const struct node_set *more)
{
    for (size_t i = 0; i < ARRAY_LENGTH(set->bits); i++) {
        set->bits[i] |= more->bits[i];
    }
}

static void add_node(struct node_set *set, uint32_t node)
{
    if (node != NODE_NONE) {
        node_set_add(set, node);
    }
}

/* Everyone the word may mean: all of them for `any ...`. */
static struct node_set candidates(const struct simulation *simulation, const struct selector *selector,
                                  struct random *random)
{
    const struct world *world = simulation->world;
    const struct ensemble *ensemble = simulation->ensemble;
    struct node_set set = {{0}};
    switch (selector->kind) {
    case SELECT_SERVER:
        add_node(&set,
                 selector->number <= ensemble->server_count ? ensemble->servers[selector->number - 1] : NODE_NONE);
        return set;
    case SELECT_CLIENT:
        add_node(&set,
                 selector->number <= ensemble->client_count ? ensemble->clients[selector->number - 1] : NODE_NONE);
        return set;
    case SELECT_LEADER:
        add_node(&set, role_leader(world));
        return set;
    case SELECT_LEADERS:
        return role_leaders(world);
    case SELECT_ANY_SERVER:
    case SELECT_SERVERS:
        return role_servers(world);
    case SELECT_ANY_PARTICIPANT:
    case SELECT_PARTICIPANTS:
        return role_participants(world);
    case SELECT_ANY_FOLLOWER:
    case SELECT_FOLLOWERS:
        return role_followers(world);
    case SELECT_ANY_OBSERVER:
    case SELECT_OBSERVERS:
        return role_observers(world);
    case SELECT_ANY_CLIENT:
    case SELECT_CLIENTS:
        return role_clients(world);
    case SELECT_MINORITY:
        return role_minority(world, false, random);
    case SELECT_MINORITY_WITH_LEADER:
        return role_minority(world, true, random);
    case SELECT_MAJORITY:
        return role_majority(world, true, random);
    case SELECT_MAJORITY_WITHOUT_LEADER:
        return role_majority(world, false, random);
    case SELECT_SITE:
        node_set_add(&set, ensemble->sites[selector->number]);
        return set;
    case SELECT_SITES:
    case SELECT_ANY_SITE:
        for (uint32_t site = 1; site <= ensemble->site_count; site++) {
            node_set_add(&set, ensemble->sites[site]);
        }
        return set;
    case SELECT_ALL:
        return role_all(world);
    case SELECT_REST:
    case SELECT_REST_OF_SERVERS:
        break;
    }
    return set;
}

static bool is_one_of_many(enum selector_kind kind)
{
    return kind == SELECT_ANY_SERVER || kind == SELECT_ANY_PARTICIPANT || kind == SELECT_ANY_FOLLOWER ||
           kind == SELECT_ANY_OBSERVER || kind == SELECT_ANY_CLIENT || kind == SELECT_ANY_SITE;
}

/* Resolves all but `rest`. */
static struct node_set resolve(const struct simulation *simulation, const struct targets *targets,
                               struct random *random)
{
    struct node_set all = {{0}};
    for (uint32_t i = 0; i < targets->count; i++) {
        struct node_set set = candidates(simulation, &targets->items[i], random);
        if (is_one_of_many(targets->items[i].kind)) {
            add_node(&all, role_one_of(&set, random));
        } else {
            add_set(&all, &set);
        }
    }
    return all;
}

static void add_rest(const struct simulation *simulation, const struct targets *targets, const struct node_set *other,
                     struct node_set *set)
{
    for (uint32_t i = 0; i < targets->count; i++) {
        enum selector_kind kind = targets->items[i].kind;
        if (kind == SELECT_REST || kind == SELECT_REST_OF_SERVERS) {
            struct node_set all = kind == SELECT_REST ? role_all(simulation->world) : role_servers(simulation->world);
            struct node_set rest = role_except(&all, other);
            add_set(set, &rest);
        }
    }
}

/* False if a side that was asked for is nobody: then nothing happens. */
static bool resolve_fault(struct simulation *simulation, uint32_t index, struct fault *fault)
{
    const struct scenario_fault *source = fault_at(simulation, index);
    struct random *random = &simulation->randoms[index];
    *fault = (struct fault){.kind = source->kind, .value = source->value};
    struct node_set a = resolve(simulation, &source->a, random);
    struct node_set b = resolve(simulation, &source->b, random);
    fault->a = a;
    fault->b = b;
    add_rest(simulation, &source->a, &b, &fault->a);
    add_rest(simulation, &source->b, &a, &fault->b);
    return (source->a.count == 0 || node_set_count(&fault->a) > 0) &&
           (source->b.count == 0 || node_set_count(&fault->b) > 0);
}

/* ---- when ------------------------------------------------------------------------------------------------------------ */

static bool comes_before(const struct action *a, const struct action *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

/* Kept sorted with the next one last; new ones mostly come late, so the search starts at the front. */
static void schedule(struct simulation *simulation, struct action action)
{
    if (action.at > simulation->end) {
        return;
    }
    action.order = ++simulation->order;
    guint low = 0;
    guint high = simulation->actions->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (comes_before(&action, &g_array_index(simulation->actions, struct action, middle))) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    g_array_insert_val(simulation->actions, low, action);
}

static instant_ns later(struct simulation *simulation, uint32_t index, struct span span)
{
    struct random *random = &simulation->randoms[index];
    return simulation->world->now + random_between(random, (uint64_t)span.least, (uint64_t)span.most);
}

static void schedule_fault(struct simulation *simulation, uint32_t index, instant_ns at)
{
    schedule(simulation, (struct action){.at = at, .source = index});
}

/* The node is at rest: roles can be asked for, but nothing may be changed. */
static void watch(void *self, struct world *world, uint32_t node, const struct observation *observation)
{
    struct simulation *simulation = self;
    if (simulation->chaos != NULL &&
        chaos_notice(simulation->chaos, world, simulation->ensemble->servers, node, observation)) {
        world->interrupted = true;
    }
    if ((simulation->watched >> observation->type & 1U) == 0) {
        return;
    }
    for (guint i = 0; i < simulation->scenario->faults->len; i++) {
        const struct scenario_fault *fault = fault_at(simulation, i);
        if (fault->trigger != TRIGGER_WHEN || !observation_matches(&fault->observation, observation) ||
            (simulation->fired[i] && !fault->again) || world->now < (instant_ns)fault->at_ns) {
            continue;
        }
        struct node_set by = {{0}};
        if (fault->is_by) {
            by = candidates(simulation, &fault->by, &simulation->randoms[i]);
        }
        if (!fault->is_by || node_set_has(&by, node)) {
            simulation->fired[i] = true;
            g_array_append_val(simulation->triggered, i);
            world->interrupted = true;
        }
    }
}

/* Whether the node is one of those meant, now. */
static bool is_meant(struct simulation *simulation, uint32_t index, const struct selector *selector, uint32_t node)
{
    struct node_set set = candidates(simulation, selector, &simulation->randoms[index]);
    return node_set_has(&set, node);
}

static bool is_such_a_message(struct simulation *simulation, uint32_t index, const struct world_message *message)
{
    const struct scenario_fault *fault = fault_at(simulation, index);
    if (fault->trigger != (message->delivered ? TRIGGER_RECEIVES : TRIGGER_SENDS) ||
        (simulation->fired[index] && !fault->again) || simulation->world->now < (instant_ns)fault->at_ns) {
        return false;
    }
    bool from_server = simulation->world->nodes[message->from].kind == NODE_SERVER;
    if (strcmp(message_name(message->channel, from_server, message->octets), fault->message) != 0) {
        return false;
    }
    uint32_t actor = message->delivered ? message->to : message->from;
    uint32_t peer = message->delivered ? message->from : message->to;
    return is_meant(simulation, index, &fault->by, actor) &&
           (!fault->is_peer || is_meant(simulation, index, &fault->peer, peer));
}

static void watch_message(void *self, struct world *world, const struct world_message *message)
{
    struct simulation *simulation = self;
    for (guint i = 0; i < simulation->scenario->faults->len; i++) {
        if (is_such_a_message(simulation, i, message)) {
            simulation->fired[i] = true;
            g_array_append_val(simulation->triggered, i);
            world->interrupted = true;
        }
    }
}

static void schedule_triggered(struct simulation *simulation)
{
    for (guint i = 0; i < simulation->triggered->len; i++) {
        uint32_t index = g_array_index(simulation->triggered, uint32_t, i);
        schedule_fault(simulation, index, later(simulation, index, fault_at(simulation, index)->after));
    }
    g_array_set_size(simulation->triggered, 0);
}

static void schedule_from(struct simulation *simulation, guint first)
{
    for (guint i = first; i < simulation->scenario->faults->len; i++) {
        const struct scenario_fault *fault = fault_at(simulation, i);
        switch (fault->trigger) {
        case TRIGGER_AT:
            schedule_fault(simulation, i, MAX((instant_ns)fault->at_ns, simulation->world->now));
            break;
        case TRIGGER_EVERY:
            schedule_fault(simulation, i, later(simulation, i, fault->period));
            break;
        case TRIGGER_WHEN:
            simulation->watched |= UINT64_C(1) << fault->observation.type;
            break;
        case TRIGGER_SENDS:
        case TRIGGER_RECEIVES:
            world_set_message_watcher(simulation->world, watch_message, simulation);
            break;
        }
    }
    if (simulation->watched != 0) {
        world_set_watcher(simulation->world, watch, simulation);
    }
}

/* ---- what ------------------------------------------------------------------------------------------------------------ */

static void remember(struct simulation *simulation, const struct fault *fault, bool is_triggered)
{
    if (simulation->options->trail != NULL) {
        struct applied_fault applied = {(int64_t)simulation->world->now, is_triggered, *fault};
        g_array_append_val(simulation->options->trail->faults, applied);
    }
}

/* The line as it was written, and whom it meant. */
static void apply(struct simulation *simulation, const struct fault *fault, const char *text, bool is_triggered)
{
    GString *detail = g_string_new(text);
    uint32_t named = 0;
    for (uint32_t i = 0; i < simulation->world->node_count && node_set_count(&fault->a) <= 8; i++) {
        if (node_set_has(&fault->a, i)) {
            g_string_append_printf(detail, "%s%s", named++ == 0 ? ": " : " ", simulation->world->nodes[i].name);
        }
    }
    remember(simulation, fault, is_triggered);
    uint32_t effects = fault_apply(simulation->world, fault, detail->str);
    if (simulation->options->deed != NULL) {
        simulation->options->deed(simulation->options->deed_self, detail->str, effects);
    }
    g_string_free(detail, TRUE);
}

static void schedule_end(struct simulation *simulation, uint32_t index, const struct fault *fault)
{
    const struct scenario_fault *source = fault_at(simulation, index);
    struct action action = {.source = index, .is_end = true, .ending = *fault};
    if (source->lasts.most == 0 || !scenario_fault_can_end(fault->kind, &action.ending.kind, &action.ending.value)) {
        return;
    }
    if (fault->kind == FAULT_ISOLATE) {
        action.ending.b = role_all(simulation->world);
    }
    action.at = later(simulation, index, source->lasts);
    schedule(simulation, action);
}

static void perform_fault(struct simulation *simulation, uint32_t index)
{
    const struct scenario_fault *source = fault_at(simulation, index);
    struct fault fault;
    if (resolve_fault(simulation, index, &fault)) {
        bool is_triggered = source->trigger != TRIGGER_AT && source->trigger != TRIGGER_EVERY;
        apply(simulation, &fault, source->text, is_triggered && source->after.most == 0);
        schedule_end(simulation, index, &fault);
    }
    if (source->trigger == TRIGGER_EVERY) {
        schedule_fault(simulation, index, later(simulation, index, source->period));
    }
}

static void perform_action(struct simulation *simulation, const struct action *action)
{
    if (action->is_end) {
        char *text = g_strdup_printf("end of: %s", fault_at(simulation, action->source)->text);
        apply(simulation, &action->ending, text, false);
        g_free(text);
    } else {
        perform_fault(simulation, action->source);
    }
}

static void perform_chaos(struct simulation *simulation)
{
    guint index = simulation->chaos_next++;
    chaos_perform(simulation->chaos, simulation->world, simulation->ensemble->servers, index);
    const struct fault *fault = &g_array_index(simulation->chaos->chosen, struct fault, index);
    if (fault->kind != FAULT_NONE) {
        remember(simulation, fault, false);
    }
}

static void become_quiet(struct simulation *simulation)
{
    g_array_set_size(simulation->actions, 0);
    simulation->chaos_next = UINT32_MAX;
    world_set_watcher(simulation->world, NULL, NULL);
    world_set_message_watcher(simulation->world, NULL, NULL);
    chaos_calm(simulation->world);
}

/* ---- the loop -------------------------------------------------------------------------------------------------------- */

static const struct action *next_action(const struct simulation *simulation)
{
    guint count = simulation->actions->len;
    return count == 0 ? NULL : &g_array_index(simulation->actions, struct action, count - 1);
}

static instant_ns next_chaos_time(const struct simulation *simulation)
{
    if (simulation->chaos == NULL || simulation->chaos_next >= simulation->chaos->steps->len) {
        return INSTANT_NEVER;
    }
    return g_array_index(simulation->chaos->steps, struct chaos_step, simulation->chaos_next).at;
}

static instant_ns earliest(instant_ns a, instant_ns b)
{
    return a < b ? a : b;
}

/* Until when the clockwork may run by itself. */
static instant_ns next_stop(const struct simulation *simulation)
{
    instant_ns stop = earliest(simulation->end, simulation->world->now + SLICE_NS);
    const struct action *action = next_action(simulation);
    stop = earliest(stop, action == NULL ? INSTANT_NEVER : action->at);
    stop = earliest(stop, next_chaos_time(simulation));
    if (simulation->pauses < simulation->options->pause_count) {
        stop = earliest(stop, (instant_ns)simulation->options->pauses_ns[simulation->pauses]);
    }
    return earliest(stop, simulation->quiet_from);
}

static void record_inheritance(struct simulation *simulation)
{
    if (simulation->inheritance != NULL && inheritance_record(simulation->inheritance, simulation->record)) {
        inheritance_free(simulation->inheritance);
        simulation->inheritance = NULL;
    }
}

static void perform_due(struct simulation *simulation)
{
    record_inheritance(simulation);
    instant_ns now = simulation->world->now;
    for (const struct action *next; (next = next_action(simulation)) != NULL && next->at <= now;) {
        struct action action = *next;
        g_array_set_size(simulation->actions, simulation->actions->len - 1);
        perform_action(simulation, &action);
    }
    while (next_chaos_time(simulation) <= now) {
        perform_chaos(simulation);
    }
    if (simulation->quiet_from <= now) {
        become_quiet(simulation);
        simulation->quiet_from = INSTANT_NEVER;
    }
    clockwork_refresh(simulation->ensemble->clockwork);
    const struct simulation_options *options = simulation->options;
    while (simulation->pauses < options->pause_count && options->pauses_ns[simulation->pauses] <= (int64_t)now) {
        options->pause(options->pause_self, simulation, options->pauses_ns[simulation->pauses++]);
    }
}

static void fill_progress(struct simulation *simulation)
{
    struct run_info *run = &simulation->record->run;
    run->digest = simulation->world->live ? 0 : clockwork_digest(simulation->ensemble->clockwork);
    run->events = simulation->world->counts.events;
    run->simulated_ns = (int64_t)simulation->world->now;
}

bool simulation_flush(struct simulation *simulation, uint64_t rows, GError **error)
{
    struct store *store = simulation->options->store;
    if (store == NULL || store_unflushed(store, simulation->record) < rows) {
        return true;
    }
    fill_progress(simulation);
    return store_flush(store, simulation->record, error);
}

static bool run_to_end(struct simulation *simulation, GError **error)
{
    while (simulation->world->now < simulation->end) {
        clockwork_run_until(simulation->ensemble->clockwork, next_stop(simulation));
        if (ensemble_note_livelock(simulation->ensemble, simulation->record)) {
            return true;
        }
        schedule_triggered(simulation);
        perform_due(simulation);
        if (!simulation_flush(simulation, FLUSH_ROWS, error)) {
            return false;
        }
    }
    return true;
}

/* ---- before and after ------------------------------------------------------------------------------------------------- */

static void seed_faults(struct simulation *simulation, guint first)
{
    guint count = simulation->scenario->faults->len;
    simulation->randoms = g_renew(struct random, simulation->randoms, count + 1);
    simulation->fired = g_renew(bool, simulation->fired, count + 1);
    for (guint i = first; i < count; i++) {
        simulation->fired[i] = false;
        uint64_t before = 0;
        for (guint k = 0; k < i; k++) {
            before += strcmp(fault_at(simulation, k)->text, fault_at(simulation, i)->text) == 0;
        }
        world_stream(simulation->world, fault_at(simulation, i)->text, before, &simulation->randoms[i]);
    }
}

static struct pool_text flaw_names(struct record *record, const struct flaws *flaws)
{
    GString *names = g_string_new(NULL);
    for (unsigned i = 0; i < FLAW_COUNT; i++) {
        if (flaw_is_on(flaws, (enum flaw)i)) {
            g_string_append_printf(names, "%s%s", names->len > 0 ? " " : "", flaw_info((enum flaw)i)->name);
        }
    }
    struct pool_text text = record_string(record, names->str);
    g_string_free(names, TRUE);
    return text;
}

/* What was given on the command line follows as a comment, so that the file tells all about the run. */
static struct pool_text text_with_overrides(struct record *record, const struct scenario *scenario,
                                            const struct settings *settings)
{
    GString *text = g_string_new(scenario->text);
    for (size_t i = 0; settings != NULL && i < SETTING_COUNT; i++) {
        const struct setting_info *info = setting_info((enum setting)i);
        char number[QUANTITY_TEXT_MAX];
        const char *value = setting_choice((enum setting)i, (size_t)settings->value[i]);
        if (!settings->given[i]) {
            continue;
        }
        if (info->type == SETTING_IS_QUANTITY) {
            quantity_print(info->quantity, settings->value[i], number);
            value = number;
        }
        g_string_append_printf(text, "# --set %s=%s\n", info->name, value);
    }
    struct pool_text pooled = record_string(record, text->str);
    g_string_free(text, TRUE);
    return pooled;
}

void simulation_describe(const struct scenario *scenario, const struct simulation_options *options,
                         struct record *record)
{
    struct run_info *run = &record->run;
    run->scenario = record_string(record, scenario->name);
    run->scenario_text = text_with_overrides(record, scenario, options->settings);
    run->version = record_string(record, options->version == NULL ? "unknown" : options->version);
    struct flaws flaws = scenario->flaws;
    flaws_add(&flaws, &options->flaws);
    run->flaws = flaw_names(record, &flaws);
    run->seed = options->seed;
    run->level = options->level;
    run->quiet_from_ns = scenario->quiet_from_ns == 0 ? RECORD_NEVER : scenario->quiet_from_ns;
    run->available_within_ns = scenario->available_within_ns;
}

/* The climate of chaos has clocks that are wrong from the start. */
static void set_clock(struct simulation *simulation, uint32_t node, enum fault_kind kind, int64_t value)
{
    struct fault fault = {.kind = kind, .value = value};
    node_set_add(&fault.a, node);
    if (value != 0) {
        remember(simulation, &fault, false);
        fault_apply(simulation->world, &fault, NULL);
    }
}

static void set_clocks(struct simulation *simulation)
{
    const struct ensemble *ensemble = simulation->ensemble;
    for (uint32_t i = 0; simulation->scenario->has_chaos && i < ensemble->server_count; i++) {
        set_clock(simulation, ensemble->servers[i], FAULT_CLOCK_OFFSET, ensemble->knobs.offset_ns[i]);
        set_clock(simulation, ensemble->servers[i], FAULT_CLOCK_DRIFT, ensemble->knobs.drift_ppm[i]);
    }
}

static void begin_trail(struct simulation *simulation)
{
    const struct ensemble *ensemble = simulation->ensemble;
    struct simulation_trail *trail = simulation->options->trail;
    trail->settings = ensemble->settings;
    for (guint i = 0; i < simulation->scenario->workloads->len; i++) {
        struct workload_setting workload = ensemble_workload(ensemble, simulation->scenario, i);
        g_array_append_val(trail->workloads, workload);
    }
    for (uint32_t i = 0; i < simulation->world->node_count; i++) {
        g_ptr_array_add(trail->names, g_strdup(simulation->world->nodes[i].name));
    }
}

static void begin(struct simulation *simulation)
{
    const struct scenario *scenario = simulation->scenario;
    simulation->world = simulation->ensemble->world;
    simulation->actions = g_array_new(FALSE, FALSE, sizeof(struct action));
    simulation->triggered = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    simulation->end = simulation->options->live ? INSTANT_NEVER : (instant_ns)scenario->run_for_ns;
    simulation->quiet_from = scenario->quiet_from_ns == 0 ? INSTANT_NEVER : (instant_ns)scenario->quiet_from_ns;
    seed_faults(simulation, 0);
    schedule_from(simulation, 0);
    if (scenario->has_chaos) {
        simulation->chaos = chaos_new(simulation->options->seed, &simulation->ensemble->knobs,
                                      (instant_ns)scenario->chaos_from_ns, (instant_ns)scenario->chaos_until_ns);
        world_set_watcher(simulation->world, watch, simulation);
    }
    if (simulation->options->trail != NULL) {
        begin_trail(simulation);
    }
    clockwork_boot_all(simulation->ensemble->clockwork);
    set_clocks(simulation);
}

static bool load_disks(struct simulation *simulation, GError **error)
{
    const char *path = simulation->options->load_disks;
    if (path == NULL) {
        return true;
    }
    if (!data_directory_load(path, simulation->ensemble->world, error)) {
        return false;
    }
    simulation->inheritance = inheritance_take(simulation->ensemble->world);
    return true;
}

bool simulation_dump_disks(const struct simulation *simulation, GError **error)
{
    const char *path = simulation->options->dump_disks;
    return path == NULL || data_directory_save(path, simulation->ensemble->world, error);
}

static void finish(struct simulation *simulation)
{
    fill_progress(simulation);
    inheritance_free(simulation->inheritance);
    if (simulation->chaos != NULL) {
        chaos_free(simulation->chaos);
    }
    g_array_free(simulation->actions, TRUE);
    g_array_free(simulation->triggered, TRUE);
    g_free(simulation->randoms);
    g_free(simulation->fired);
    ensemble_free(simulation->ensemble);
}

/* ---- the trail ------------------------------------------------------------------------------------------------------- */

struct simulation_trail *simulation_trail_new(void)
{
    struct simulation_trail *trail = g_new0(struct simulation_trail, 1);
    trail->names = g_ptr_array_new_with_free_func(g_free);
    trail->workloads = g_array_new(FALSE, FALSE, sizeof(struct workload_setting));
    trail->faults = g_array_new(FALSE, FALSE, sizeof(struct applied_fault));
    return trail;
}

void simulation_trail_free(struct simulation_trail *trail)
{
    g_ptr_array_free(trail->names, TRUE);
    g_array_free(trail->workloads, TRUE);
    g_array_free(trail->faults, TRUE);
    g_free(trail);
}

/* ---- other chances ----------------------------------------------------------------------------------------------------- */

void simulation_reseed(struct simulation *simulation, uint64_t seed)
{
    struct world *world = simulation->world;
    world->seed = seed;
    world_reseed(world);
    clockwork_reseed(simulation->ensemble->clockwork);
    for (uint32_t i = 0; i < simulation->ensemble->client_count; i++) {
        workload_reseed(world, simulation->ensemble->clients[i]);
    }
    for (guint i = 0; i < simulation->scenario->faults->len; i++) {
        world_stream(world, fault_at(simulation, i)->text, i, &simulation->randoms[i]);
    }
    if (simulation->chaos != NULL) {
        struct chaos *chaos =
            chaos_new(seed, &simulation->ensemble->knobs, (instant_ns)simulation->scenario->chaos_from_ns,
                      (instant_ns)simulation->scenario->chaos_until_ns);
        chaos_replace_rest(simulation->chaos, &simulation->chaos_next, chaos, world->now);
        chaos_free(chaos);
    }
}

/* ---- from the beginning to the end, and in steps ------------------------------------------------------------------------- */

struct simulation *simulation_new(struct scenario *scenario, const struct simulation_options *options,
                                  struct record *record, GError **error)
{
    struct simulation *simulation = g_new0(struct simulation, 1);
    *simulation = (struct simulation){.scenario = scenario, .options = options, .record = record};
    record_reset(record);
    simulation_describe(scenario, options, record);
    simulation->ensemble = ensemble_new(scenario, options, record, error);
    if (simulation->ensemble == NULL) {
        g_free(simulation);
        return NULL;
    }
    if (!load_disks(simulation, error)) {
        ensemble_free(simulation->ensemble);
        g_free(simulation);
        return NULL;
    }
    begin(simulation);
    perform_due(simulation);
    return simulation;
}

bool simulation_advance(struct simulation *simulation, instant_ns until, uint64_t events)
{
    struct world *world = simulation->world;
    uint64_t last = world->counts.events + events;
    while (world->now < until && world->counts.events < last) {
        instant_ns stop = earliest(next_stop(simulation), until);
        bool more = true;
        while (more && !world->interrupted && world->counts.events < last) {
            more = clockwork_step(simulation->ensemble->clockwork, stop);
        }
        world->interrupted = false;
        schedule_triggered(simulation);
        perform_due(simulation);
    }
    return world->now >= until;
}

bool simulation_command(struct simulation *simulation, const char *text, const struct scenario_vocabulary *vocabulary,
                        GError **error)
{
    guint before = simulation->scenario->faults->len;
    if (!scenario_add_fault(simulation->scenario, text, simulation->options->seed, vocabulary, error)) {
        return false;
    }
    seed_faults(simulation, before);
    schedule_from(simulation, before);
    perform_due(simulation);
    return true;
}

instant_ns simulation_next_time(const struct simulation *simulation)
{
    const struct action *action = next_action(simulation);
    instant_ns next = earliest(action == NULL ? INSTANT_NEVER : action->at, next_chaos_time(simulation));
    next = earliest(next, simulation->quiet_from);
    return earliest(next, clockwork_next_time(simulation->ensemble->clockwork));
}

const struct ensemble *simulation_ensemble(const struct simulation *simulation)
{
    return simulation->ensemble;
}

void simulation_free(struct simulation *simulation)
{
    finish(simulation);
    g_free(simulation);
}

bool simulation_run(const struct scenario *scenario, const struct simulation_options *options, struct record *record,
                    GError **error)
{
    struct scenario own = *scenario; /* nothing is added to its faults */
    struct simulation *simulation = simulation_new(&own, options, record, error);
    if (simulation == NULL) {
        return false;
    }
    bool ok = simulation_flush(simulation, 0, error) && run_to_end(simulation, error) &&
              simulation_dump_disks(simulation, error);
    simulation_free(simulation);
    record->run.finished = ok;
    return ok;
}
