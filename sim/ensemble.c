#include "sim/ensemble.h"

#include "protocol/base/ensure.h"
#include "protocol/client/client.h"
#include "protocol/server/server.h"
#include "sim/external.h"
#include "sim/recipe_application.h"
#include "sim/script.h"

#define LIVE_TASK_DELAY_NS 1000U

/* ---- settings: given, drawn, default ----------------------------------------------------------------------------- */

static void overrule(struct settings *settings, const struct settings *by)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (by != NULL && by->given[i]) {
            settings->value[i] = by->value[i];
            settings->given[i] = true;
        }
    }
}

/* What is not given is drawn; what is given replaces the draw. */
static void share_with_knob(struct settings *settings, enum setting setting, uint32_t *knob, int64_t unit)
{
    if (settings->given[setting]) {
        *knob = (uint32_t)(settings->value[setting] / unit);
    } else {
        settings->value[setting] = (int64_t)*knob * unit;
        settings->given[setting] = true;
    }
}

static void share_with_knobs(struct settings *settings, struct chaos_knobs *knobs)
{
    const int64_t ms = (int64_t)NS_PER_MS;
    share_with_knob(settings, SETTING_SERVERS, &knobs->participants, 1);
    share_with_knob(settings, SETTING_OBSERVERS, &knobs->observers, 1);
    share_with_knob(settings, SETTING_CLIENTS, &knobs->clients, 1);
    share_with_knob(settings, SETTING_TICK_TIME, &knobs->tick_ms, ms);
    share_with_knob(settings, SETTING_INIT_LIMIT, &knobs->init_limit_ticks, 1);
    share_with_knob(settings, SETTING_BOOT_TIME, &knobs->boot_ms, ms);
    share_with_knob(settings, SETTING_SYNC_LIMIT, &knobs->sync_limit_ticks, 1);
    share_with_knob(settings, SETTING_SESSION_TIMEOUT, &knobs->session_timeout_ms, ms);
    share_with_knob(settings, SETTING_SNAP_COUNT, &knobs->snap_count, 1);
    share_with_knob(settings, SETTING_COMMIT_LOG_COUNT, &knobs->commit_log_count, 1);
    share_with_knob(settings, SETTING_SNAP_STEP, &knobs->snap_step_znodes, 1);
    share_with_knob(settings, SETTING_ZXID_COUNTER_MAX, &knobs->zxid_counter_max, 1);
    share_with_knob(settings, SETTING_MAX_SESSION_TIMEOUT, &knobs->max_session_timeout_ms, ms);
    share_with_knob(settings, SETTING_BATCH_SIZE, &knobs->batch_size_max, 1);
    share_with_knob(settings, SETTING_NOTIFY_MIN, &knobs->notify_ms_min, ms);
    share_with_knob(settings, SETTING_NOTIFY_MAX, &knobs->notify_ms_max, ms);
    share_with_knob(settings, SETTING_FINALIZE_WAIT, &knobs->finalize_wait_ms, ms);
    if (!settings->given[SETTING_FSYNC] && !settings->given[SETTING_DISK]) {
        settings->value[SETTING_FSYNC] = knobs->fsync;
        settings->given[SETTING_FSYNC] = true;
    }
    share_with_knob(settings, SETTING_TASK_DELAY, &knobs->task_delay, 1);
    if (settings->given[SETTING_NETWORK]) {
        knobs->network = setting_choice(SETTING_NETWORK, (size_t)settings->value[SETTING_NETWORK]);
    } else {
        enum setting_result result = settings_set(settings, SETTING_NETWORK, knobs->network);
        ensure(result == SETTING_OK);
    }
}

/* Without them there still is a quorum. */
static bool are_spared(const struct scenario_groups *groups, uint32_t servers, uint32_t victims)
{
    struct hierarchy hierarchy;
    if (scenario_groups_hierarchy(groups, servers, &hierarchy)) {
        return hierarchy_holds(&hierarchy, ~(uint64_t)victims);
    }
    return (uint32_t)__builtin_popcount(victims) <= (servers - 1) / 2;
}

/* The minority whose data may be hit has to be one of the ensemble as it is. */
static void limit_victims(const struct scenario_groups *groups, struct chaos_knobs *knobs)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < knobs->participants; i++) {
        uint32_t more = kept | (knobs->victims & UINT32_C(1) << i);
        kept = are_spared(groups, knobs->participants, more) ? more : kept;
    }
    knobs->victims = kept;
}

static void overrule_knobs(const struct scenario *scenario, struct chaos_knobs *knobs)
{
    if (scenario->chaos_kinds != 0) {
        knobs->kinds = scenario->chaos_kinds;
        knobs->surprises &= knobs->kinds;
        knobs->ambush_gap_ns = 0; /* who says what there is to be says that, too */
        knobs->shift_ns = 0;
        knobs->burst_max = 1;
        knobs->slow_cpu_percent = knobs->slow_line_percent = 0;
    }
    if (scenario->chaos_ambush_gap_ns != 0) {
        knobs->ambush_gap_ns = (duration_ns)scenario->chaos_ambush_gap_ns;
    }
    if (scenario->chaos_crash_gap_ns != 0) {
        knobs->crash_gap_ns = (duration_ns)scenario->chaos_crash_gap_ns;
    }
    if (scenario->chaos_network_gap_ns != 0) {
        knobs->network_gap_ns = (duration_ns)scenario->chaos_network_gap_ns;
    }
    if (scenario->chaos_other_gap_ns != 0) {
        knobs->other_gap_ns = (duration_ns)scenario->chaos_other_gap_ns;
    }
    if (scenario->chaos_outage_ns != 0) {
        knobs->outage_ns = knobs->cut_ns = (duration_ns)scenario->chaos_outage_ns;
    }
}

static bool settle(struct ensemble *ensemble, const struct scenario *scenario, const struct simulation_options *options,
                   GError **error)
{
    struct settings *settings = &ensemble->settings;
    *settings = scenario->settings;
    overrule(settings, options->settings);
    if (scenario->has_chaos) {
        chaos_draw_knobs(options->seed, &ensemble->knobs);
        share_with_knobs(settings, &ensemble->knobs);
        overrule_knobs(scenario, &ensemble->knobs);
        limit_victims(&scenario->groups, &ensemble->knobs);
    }
    int64_t members = settings->value[SETTING_SERVERS] + settings->value[SETTING_OBSERVERS];
    int64_t servers = members + settings->value[SETTING_SPARES];
    int64_t most = scenario->has_chaos ? CHAOS_SERVERS_MAX : SERVER_MEMBERS_MAX;
    if (servers > most) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                    "%s: servers, observers and spares are %d; %s at most %d are possible", scenario->name,
                    (int)servers, scenario->has_chaos ? "with chaos" : "", (int)most);
        return false;
    }
    if (settings->value[SETTING_STANDALONE] == 1 && servers != 1) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO, "%s: standalone is for one server, not %d",
                    scenario->name, (int)servers);
        return false;
    }
    uint32_t lacking = scenario_groups_lacks(&scenario->groups, (uint32_t)settings->value[SETTING_SERVERS]);
    if (lacking != 0) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO, "%s: server %u votes and is in no group",
                    scenario->name, lacking);
        return false;
    }
    ensemble->groups = scenario->groups;
    ensemble->words = options->words == NULL ? "" : options->words;
    ensemble->super_digest = options->super_digest == NULL ? "" : options->super_digest;
    ensemble->participant_count = (uint32_t)settings->value[SETTING_SERVERS];
    ensemble->member_count = (uint32_t)members;
    ensemble->server_count = (uint32_t)servers;
    ensemble->client_count = (uint32_t)settings->value[SETTING_CLIENTS];
    if (scenario->commit.means == COMMIT_BY_SITES) {
        ensemble->participant_count = ensemble->server_count = ensemble->client_count = 0;
    } else if (scenario->commit.means == COMMIT_BY_ZOOKEEPER && !settings->given[SETTING_CLIENTS]) {
        ensemble->client_count = 0; /* the sites are clients enough */
    }
    return true;
}

/* ---- configurations ------------------------------------------------------------------------------------------------ */

static void configure(const struct settings *settings, enum setting setting, uint32_t *field, int64_t unit)
{
    if (settings->given[setting]) {
        *field = (uint32_t)(settings->value[setting] / unit);
    }
}

static void configure_servers(const struct ensemble *ensemble, const struct flaws *flaws, struct server_config *config)
{
    const struct settings *settings = &ensemble->settings;
    const int64_t ms = (int64_t)NS_PER_MS;
    server_config_default(config);
    config->flaws = *flaws;
    config->member_count = ensemble->server_count;
    for (uint32_t i = 0; i < ensemble->server_count; i++) {
        config->members[i].id = (server_id_t)i + 1;
        config->members[i].role = i < ensemble->participant_count ? MEMBER_PARTICIPANT
                                  : i < ensemble->member_count    ? MEMBER_OBSERVER
                                                                  : MEMBER_OUTSIDE;
    }
    scenario_groups_configure(&ensemble->groups, ensemble->participant_count, config);
    configure(settings, SETTING_TICK_TIME, &config->tick_ms, ms);
    configure(settings, SETTING_INIT_LIMIT, &config->init_limit_ticks, 1);
    configure(settings, SETTING_SYNC_LIMIT, &config->sync_limit_ticks, 1);
    configure(settings, SETTING_MIN_SESSION_TIMEOUT, &config->session_timeout_ms_min, ms);
    configure(settings, SETTING_MAX_SESSION_TIMEOUT, &config->session_timeout_ms_max, ms);
    configure(settings, SETTING_SNAP_COUNT, &config->snap_count, 1);
    configure(settings, SETTING_SNAP_RETAIN_COUNT, &config->snap_retain_count, 1);
    configure(settings, SETTING_SNAP_STEP, &config->snap_step_znodes, 1);
    configure(settings, SETTING_BATCH_SIZE, &config->batch_size_max, 1);
    configure(settings, SETTING_COMMIT_LOG_COUNT, &config->commit_log_count, 1);
    configure(settings, SETTING_NOTIFY_MIN, &config->notify_ms_min, ms);
    configure(settings, SETTING_NOTIFY_MAX, &config->notify_ms_max, ms);
    configure(settings, SETTING_FINALIZE_WAIT, &config->finalize_wait_ms, ms);
    configure(settings, SETTING_PACKET_MAX, &config->packet_octets_max, 1);
    configure(settings, SETTING_ZXID_COUNTER_MAX, &config->zxid_counter_max, 1);
    configure(settings, SETTING_CONTAINER_CHECK, &config->container_check_ms, ms);
    configure(settings, SETTING_OUTSTANDING_LIMIT, &config->outstanding_limit, 1);
    configure(settings, SETTING_CLIENT_CNXNS_MAX, &config->client_cnxns_max, 1);
    config->standalone = settings->value[SETTING_STANDALONE] == 1;
    config->extended_types = settings->value[SETTING_EXTENDED_TYPES] == 1;
    config->enforce_quota = settings->value[SETTING_ENFORCE_QUOTA] == 1;
    config->skip_acl = settings->value[SETTING_SKIP_ACL] == 1;
    g_strlcpy(config->words, ensemble->words, sizeof config->words);
    g_strlcpy(config->super_digest, ensemble->super_digest, sizeof config->super_digest);
    config->last_watch_mode_wins = settings->value[SETTING_LAST_WATCH_MODE_WINS] == 1;
    config->reconfig_enabled = settings->value[SETTING_RECONFIG_ENABLED] == 1;
    config->read_only_mode = settings->value[SETTING_READ_ONLY_MODE] == 1;
}

static void configure_clients(const struct ensemble *ensemble, const struct server_config *servers,
                              struct client_config *config)
{
    *config = (struct client_config){
        .server_count = ensemble->server_count,
        .session_timeout_ms = (uint32_t)(ensemble->settings.value[SETTING_SESSION_TIMEOUT] / (int64_t)NS_PER_MS),
        .packet_octets_max = servers->packet_octets_max,
        .connect_at_boot = true,
        .can_be_read_only = ensemble->settings.value[SETTING_CAN_BE_READ_ONLY] == 1,
        .flaws = servers->flaws,
    };
    for (uint32_t i = 0; i < ensemble->server_count; i++) {
        config->servers[i] = (server_id_t)i + 1;
    }
}

static void configure_clockwork(const struct ensemble *ensemble, struct clockwork_config *config)
{
    const struct settings *settings = &ensemble->settings;
    clockwork_config_default(config);
    config->line = network_preset_at((size_t)settings->value[SETTING_NETWORK])->line;
    config->real_steps = ensemble->world->live;
    if (config->real_steps) {
        config->task_delay = (struct distribution){.least_ns = LIVE_TASK_DELAY_NS};
    }
    if (settings->given[SETTING_TASK_DELAY]) {
        config->task_delay = task_pace_at((size_t)settings->value[SETTING_TASK_DELAY])->time;
    }
    if (settings->given[SETTING_FSYNC]) {
        config->fsync = fsync_pace_at((size_t)settings->value[SETTING_FSYNC])->time;
    } else if (settings->given[SETTING_DISK]) {
        config->fsync = disk_preset_at((size_t)settings->value[SETTING_DISK])->fsync;
    }
    if (settings->given[SETTING_DISK]) {
        const struct disk_preset *disk = disk_preset_at((size_t)settings->value[SETTING_DISK]);
        config->save = disk->save;
        config->load = disk->load;
        config->disk_octets_per_second = disk->octets_per_second;
    }
    if (settings->given[SETTING_BOOT_TIME]) {
        config->boot_ns = (duration_ns)settings->value[SETTING_BOOT_TIME];
    }
    if (settings->given[SETTING_SUPERVISOR]) {
        config->supervisor_ns = (duration_ns)settings->value[SETTING_SUPERVISOR];
    }
    config->livelock_steps = (uint64_t)settings->value[SETTING_LIVELOCK_STEPS];
    if (settings->given[SETTING_CONNECT_TIMEOUT]) {
        config->connect_timeout_ns = (duration_ns)settings->value[SETTING_CONNECT_TIMEOUT];
    }
}

/* ---- nodes --------------------------------------------------------------------------------------------------------- */

static const char *name_of(struct ensemble *ensemble, const char *kind, uint32_t number)
{
    char name[32];
    g_snprintf(name, sizeof name, "%s-%u", kind, number);
    return g_string_chunk_insert(ensemble->names, name);
}

static void add_nodes(struct ensemble *ensemble, const struct flaws *flaws)
{
    struct server_config server;
    struct client_config client;
    configure_servers(ensemble, flaws, &server);
    configure_clients(ensemble, &server, &client);
    for (uint32_t i = 0; i < ensemble->server_count; i++) {
        server.id = (server_id_t)i + 1;
        const char *kind = i < ensemble->participant_count ? "server"
                           : i < ensemble->member_count    ? "observer"
                                                           : "spare";
        ensemble->servers[i] = world_add_server(ensemble->world, name_of(ensemble, kind, i + 1), &server);
    }
    for (uint32_t i = 0; i < ensemble->client_count; i++) {
        ensemble->clients[i] = world_add_client(ensemble->world, name_of(ensemble, "client", i + 1), &client);
    }
}

/* A client that runs ZooKeeper's recipe. */
static uint32_t add_client_site(struct ensemble *ensemble, const struct scenario_commit *commit, uint32_t site,
                                const struct flaws *flaws)
{
    struct server_config server;
    struct client_config client;
    struct recipe_setting setting;
    configure_servers(ensemble, flaws, &server);
    configure_clients(ensemble, &server, &client);
    scenario_commit_set_recipe(commit, site, &setting);
    const char *name = g_string_chunk_insert(ensemble->names, commit->names[site]);
    uint32_t node = world_add_client(ensemble->world, name, &client);
    world_set_recipe(ensemble->world, node, &setting);
    world_set_application(ensemble->world, node, &recipe_application, NULL);
    return node;
}

static uint32_t add_site(struct ensemble *ensemble, const struct scenario_commit *commit, uint32_t site)
{
    struct participant_config config;
    scenario_commit_configure(commit, site, &config);
    const char *name = g_string_chunk_insert(ensemble->names, commit->names[site]);
    return world_add_participant(ensemble->world, name, &config);
}

static void add_sites(struct ensemble *ensemble, const struct scenario_commit *commit, const struct flaws *flaws)
{
    ensemble->site_count = commit->sites;
    for (uint32_t site = 1; site <= commit->sites; site++) {
        ensemble->sites[site] = commit->means == COMMIT_BY_ZOOKEEPER ? add_client_site(ensemble, commit, site, flaws)
                                                                     : add_site(ensemble, commit, site);
    }
}

/* Gives clients their scripts; fills `others` with those that have none.  Returns how many, UINT32_MAX with an error. */
static uint32_t add_scripts(struct ensemble *ensemble, const struct scenario *scenario,
                            uint32_t others[WORLD_NODES_MAX], GError **error)
{
    uint32_t count = 0;
    g_array_append_vals(ensemble->scripts, scenario->scripts->data, scenario->scripts->len);
    for (guint i = 0; i < ensemble->scripts->len; i++) {
        const struct script *script = &g_array_index(ensemble->scripts, struct script, i);
        if (script->client > ensemble->client_count) {
            g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO, "%s: a script for client %u of %u",
                        scenario->name, script->client, ensemble->client_count);
            return UINT32_MAX;
        }
    }
    for (uint32_t i = 0; i < ensemble->client_count; i++) {
        const struct script *script = script_of(ensemble->scripts, i + 1);
        if (script == NULL) {
            others[count++] = ensemble->clients[i];
        } else {
            world_set_application(ensemble->world, ensemble->clients[i], &script_application, script);
        }
    }
    return count;
}

struct workload_setting ensemble_workload(const struct ensemble *ensemble, const struct scenario *scenario, guint index)
{
    struct workload_setting setting = g_array_index(scenario->workloads, struct workload_setting, index);
    if (!scenario->has_chaos || setting.kind != WORKLOAD_MIXED) {
        return setting;
    }
    if ((setting.given >> PARAMETER_RATE & 1) == 0) {
        setting.value[PARAMETER_RATE] = ensemble->knobs.operations_per_s * INT64_C(1000);
    }
    if ((setting.given >> PARAMETER_CHURN & 1) == 0 && ensemble->knobs.churn_ms != 0) {
        setting.value[PARAMETER_CHURN] = ensemble->knobs.churn_ms * (int64_t)NS_PER_MS;
    }
    return setting;
}

static bool add_workloads(struct ensemble *ensemble, const struct scenario *scenario, GError **error)
{
    for (guint i = 0; i < scenario->workloads->len; i++) {
        struct workload_setting setting = ensemble_workload(ensemble, scenario, i);
        if (!workload_plan_add(&ensemble->plan, &setting)) {
            g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                        "%s: more than %d workloads (mixed counts as its parts)", scenario->name, WORKLOADS_MAX);
            return false;
        }
    }
    uint32_t clients[WORLD_NODES_MAX];
    uint32_t count = add_scripts(ensemble, scenario, clients, error);
    if (count == UINT32_MAX) {
        return false;
    }
    if (!workload_plan_install(&ensemble->plan, ensemble->world, clients, count)) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                    "%s: recipes need more than the %u clients there are: each client runs one recipe at most, and a "
                    "strawman needs two",
                    scenario->name, count);
        return false;
    }
    return true;
}

static bool make_world(struct ensemble *ensemble, const struct simulation_options *options, bool timeless,
                       GError **error)
{
    struct world_config config = {
        .seed = options->seed,
        .timeless = timeless,
        .server_octets_max = (uint64_t)ensemble->settings.value[SETTING_SERVER_MEMORY],
        .live = options->live,
        .place = options->place,
    };
    ensemble->world = world_new(&config);
    if (ensemble->world == NULL) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_MACHINE,
                    "the machine has no address space for the world");
    }
    return ensemble->world != NULL;
}

/* The nodes and what they do, before the world starts. */
static struct ensemble *make_ensemble(const struct scenario *scenario, const struct simulation_options *options,
                                      bool timeless, GError **error)
{
    struct ensemble *ensemble = g_new0(struct ensemble, 1);
    struct flaws flaws = scenario->flaws;
    flaws_add(&flaws, &options->flaws);
    ensemble->names = g_string_chunk_new(256);
    ensemble->scripts = g_array_new(FALSE, FALSE, sizeof(struct script));
    if (!settle(ensemble, scenario, options, error) || !make_world(ensemble, options, timeless, error)) {
        ensemble_free(ensemble);
        return NULL;
    }
    add_nodes(ensemble, &flaws);
    add_sites(ensemble, &scenario->commit, &flaws);
    ensemble->outside = NODE_NONE;
    if (options->outside != NULL) {
        ensemble->outside = world_add_external(ensemble->world, "outside");
        world_set_application(ensemble->world, ensemble->outside, options->outside, options->outside_setting);
    }
    if (!add_workloads(ensemble, scenario, error)) {
        ensemble_free(ensemble);
        return NULL;
    }
    return ensemble;
}

struct ensemble *ensemble_new(const struct scenario *scenario, const struct simulation_options *options,
                              struct record *record, GError **error)
{
    struct ensemble *ensemble = make_ensemble(scenario, options, false, error);
    if (ensemble == NULL) {
        return NULL;
    }
    world_set_record(ensemble->world, record, (int)options->level);
    world_start(ensemble->world);
    for (uint32_t i = 0; options->epoch != 0 && i < ensemble->world->node_count; i++) {
        clock_set_epoch(&ensemble->world->nodes[i].clock, options->epoch);
    }
    ensemble_add_clockwork(ensemble);
    return ensemble;
}

struct ensemble *ensemble_new_timeless(const struct scenario *scenario, const struct simulation_options *options,
                                       struct record *record, GError **error)
{
    if (scenario->has_chaos) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO, "%s: chaos needs time: say 'explore' instead",
                    scenario->name);
        return NULL;
    }
    struct ensemble *ensemble = make_ensemble(scenario, options, true, error);
    if (ensemble != NULL && ensemble->settings.value[SETTING_RECONFIG_ENABLED] == 1) {
        g_set_error(error, SIMULATION_ERROR, SIMULATION_ERROR_SCENARIO,
                    "%s: an exploration does not follow who votes: leave 'set reconfigEnabled 1' out", scenario->name);
        ensemble_free(ensemble);
        return NULL;
    }
    if (ensemble != NULL) {
        world_set_record(ensemble->world, record, (int)options->level);
        world_start(ensemble->world);
    }
    return ensemble;
}

void ensemble_add_clockwork(struct ensemble *ensemble)
{
    struct clockwork_config config;
    configure_clockwork(ensemble, &config);
    ensemble->clockwork = clockwork_new(ensemble->world, &config);
}

bool ensemble_note_livelock(const struct ensemble *ensemble, struct record *record)
{
    struct livelock livelock = clockwork_livelock(ensemble->clockwork);
    if (livelock.node == NODE_NONE) {
        return false;
    }
    record->run.livelock_node = (int32_t)livelock.node;
    record->run.livelock_from_ns = (int64_t)livelock.from;
    return true;
}

void ensemble_free(struct ensemble *ensemble)
{
    if (ensemble->world != NULL) {
        world_free(ensemble->world);
    }
    g_string_chunk_free(ensemble->names);
    g_array_free(ensemble->scripts, TRUE);
    g_free(ensemble);
}
