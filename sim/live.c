#include "sim/live.h"

#include <glib-unix.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "protocol/server/server.h"
#include "sim/clockwork.h"
#include "sim/ensemble.h"
#include "sim/live_control.h"
#include "sim/role.h"

#define LEAD_US 1000         /* of the world before the wall clock */
#define EVENTS_PER_TURN 4000 /* then the sockets have a turn */
#define ROWS_PER_TURN 4096   /* to the history: some milliseconds */
#define LAG_MAX_US 200000    /* more is given up */
#define LAG_SAID_EVERY_US 10000000
#define IDLE_US 1000000 /* at most, between two turns */
#define START_NS (2 * NS_PER_SECOND)
#define DRAIN_NS (2 * NS_PER_SECOND)
#define DRAIN_EVENTS 1000000

struct live {
    const struct live_options *options;
    struct record *record;
    struct simulation *simulation;
    struct world *world;
    struct live_tap *tap;
    struct live_ports *ports; /* the application of the outside has this place's address */
    struct live_control *control;
    GMainLoop *loop;
    GSource *heart;
    gint64 wall_start; /* microseconds; moves on when virtual time falls behind */
    instant_ns virtual_start;
    gint64 lag_said;
    gint64 swept;
    uint32_t leader; /* that was announced */
    bool was_full;
    GString *deeds;
    GError *error;
};

/* ---- time -------------------------------------------------------------------------------------------------------- */

static instant_ns virtual_at(const struct live *live, gint64 wall)
{
    double elapsed_us = (double)(wall - live->wall_start);
    return live->virtual_start + (instant_ns)(elapsed_us * live->options->speed * 1000);
}

static gint64 wall_at(const struct live *live, instant_ns virtual)
{
    if (virtual == INSTANT_NEVER) {
        return G_MAXINT64;
    }
    double elapsed_ns = virtual > live->virtual_start ? (double)(virtual - live->virtual_start) : 0;
    return live->wall_start + (gint64)(elapsed_ns / live->options->speed / 1000);
}

/* What cannot be caught up with is given up: virtual time goes on from where it is. */
static void give_up_lag(struct live *live, gint64 now)
{
    gint64 lag = now - wall_at(live, live->world->now);
    if (lag <= LAG_MAX_US) {
        return;
    }
    live->wall_start = now;
    live->virtual_start = live->world->now;
    if (now - live->lag_said > LAG_SAID_EVERY_US) {
        char *text = g_strdup_printf("this machine is %.1f s behind: virtual time goes slower than it should",
                                     (double)lag / 1e6);
        live_say(live, text);
        g_free(text);
        live->lag_said = now;
    }
}

void live_say(struct live *live, const char *text)
{
    fprintf(stderr, "%10.3fs  %s\n", (double)live->world->now / (double)NS_PER_SECOND, text);
}

/* ---- what is worth saying ------------------------------------------------------------------------------------------ */

static void deed(void *self, const char *detail, uint32_t effects)
{
    struct live *live = self;
    char *text = g_strdup_printf("%s%s", detail, effects == 0 ? " (nothing changed)" : "");
    live_say(live, text);
    g_string_append_printf(live->deeds, "%s\n", text);
    g_free(text);
}

static void log_line(void *self, const char *text)
{
    live_say(self, text);
}

static void announce_leader(struct live *live)
{
    uint32_t leader = role_leader(live->world);
    if (leader == live->leader) {
        return;
    }
    live->leader = leader;
    if (leader == NODE_NONE) {
        live_say(live, "nobody leads");
        return;
    }
    struct server_status status;
    server_status(live->world->nodes[leader].node, &status);
    printf("%s leads, epoch %" PRId64 "\n", live->world->nodes[leader].name, status.current_epoch);
    fflush(stdout);
}

static void tell_limit(struct live *live)
{
    if (live_tap_is_full(live->tap) && !live->was_full) {
        live->was_full = true;
        live_say(live,
                 "the record has reached its limit (--record-limit): nothing more is recorded, and what did not break "
                 "so far will be 'unknown'");
    }
}

/* ---- the heart --------------------------------------------------------------------------------------------------------- */

/* The rows of a busy second at once would hold everything up for as long. */
static void flush(struct live *live, uint64_t rows)
{
    if (live->error == NULL && !simulation_flush(live->simulation, rows, &live->error)) {
        g_main_loop_quit(live->loop);
    }
}

static void sweep(struct live *live, gint64 now)
{
    if (now - live->swept < IDLE_US) {
        return;
    }
    live->swept = now;
    live_ports_sweep(live->ports);
    flush(live, 0);
}

/* To the wall clock and, because poll() waits whole milliseconds, through what is due soon.  The world's clock stays at the last event: a
 * request that comes next comes then, and what it leads to is soon enough as well. */
static bool advance(struct live *live, gint64 now)
{
    const struct world *world = live->world;
    uint64_t last = world->counts.events + EVENTS_PER_TURN;
    bool caught_up = simulation_advance(live->simulation, virtual_at(live, now), EVENTS_PER_TURN);
    instant_ns soon = virtual_at(live, now + LEAD_US);
    instant_ns next = simulation_next_time(live->simulation);
    while (caught_up && next <= soon) {
        next = MAX(next, world->now + 1);
        caught_up =
            world->counts.events < last && simulation_advance(live->simulation, next, last - world->counts.events);
        next = simulation_next_time(live->simulation);
    }
    return caught_up;
}

static gboolean beat(GSource *source, GSourceFunc callback, gpointer self)
{
    (void)callback;
    struct live *live = self;
    gint64 now = g_get_monotonic_time();
    bool caught_up = advance(live, now);
    live_ports_tend(live->ports);
    announce_leader(live);
    tell_limit(live);
    sweep(live, now);
    flush(live, ROWS_PER_TURN);
    if (!caught_up) {
        give_up_lag(live, g_get_monotonic_time());
        g_source_set_ready_time(source, 0);
        return G_SOURCE_CONTINUE;
    }
    gint64 next = wall_at(live, simulation_next_time(live->simulation));
    next = next == G_MAXINT64 ? next : next - LEAD_US + 1;
    g_source_set_ready_time(source, MIN(next, now + IDLE_US));
    return G_SOURCE_CONTINUE;
}

void live_catch_up(struct live *live)
{
    instant_ns now = virtual_at(live, g_get_monotonic_time());
    if (live->world->now < now) {
        simulation_advance(live->simulation, now, EVENTS_PER_TURN);
    }
}

void live_stir(struct live *live)
{
    clockwork_refresh(simulation_ensemble(live->simulation)->clockwork);
    if (live->heart != NULL) {
        g_source_set_ready_time(live->heart, 0);
    }
}

static void stir(void *self)
{
    live_catch_up(self);
    live_stir(self);
}

/* ---- making ------------------------------------------------------------------------------------------------------- */

static bool open_ports(struct live *live, GError **error)
{
    const struct ensemble *ensemble = simulation_ensemble(live->simulation);
    const struct live_options *options = live->options;
    struct live_ports_config config = {
        .world = live->world,
        .outside = ensemble->outside,
        .servers = ensemble->servers,
        .server_count = ensemble->server_count,
        .tap = live->tap,
        .address = options->address,
        .port = options->port,
        .connections_max = options->connections_max,
        .waiting_octets_max = 16U << 20,
        .stir = stir,
        .log = log_line,
        .self = live,
    };
    live->ports = live_ports_new(&config, error);
    return live->ports != NULL;
}

/* The dispatch function does all. */
static gboolean beat_on(gpointer self)
{
    (void)self;
    return G_SOURCE_CONTINUE;
}

/* What only a server with a real port is asked for. */
static void tell_servers(struct live *live)
{
    const struct ensemble *ensemble = simulation_ensemble(live->simulation);
    for (uint32_t i = 0; i < ensemble->server_count; i++) {
        struct server_config *config = world_server_config(live->world, ensemble->servers[i]);
        g_strlcpy(config->data_dir, live->world->nodes[ensemble->servers[i]].name, sizeof config->data_dir);
        config->client_port = live_ports_number(live->ports, config->id);
    }
}

static void make_heart(struct live *live)
{
    static GSourceFuncs functions = {.dispatch = beat};
    live->heart = g_source_new(&functions, sizeof(GSource));
    g_source_set_callback(live->heart, beat_on, live, NULL);
    g_source_set_ready_time(live->heart, 0);
    g_source_attach(live->heart, NULL);
}

static uint32_t frame_octets_max(const struct ensemble *ensemble)
{
    return (uint32_t)ensemble->settings.value[SETTING_PACKET_MAX];
}

struct live *live_new(const struct live_options *options, struct scenario *scenario,
                      struct simulation_options *simulation_options, struct record *record, GError **error)
{
    struct live *live = g_new0(struct live, 1);
    live->options = options;
    live->record = record;
    live->deeds = g_string_new(NULL);
    live->leader = NODE_NONE;
    simulation_options->outside = &live_ports_application;
    simulation_options->outside_setting = &live->ports;
    simulation_options->live = true;
    simulation_options->epoch = (instant_ns)g_get_real_time() * 1000;
    simulation_options->deed = deed;
    simulation_options->deed_self = live;
    live->simulation = simulation_new(scenario, simulation_options, record, error);
    if (live->simulation == NULL) {
        g_string_free(live->deeds, TRUE);
        g_free(live);
        return NULL;
    }
    live->world = simulation_ensemble(live->simulation)->world;
    live->tap = live_tap_new(live->world, frame_octets_max(simulation_ensemble(live->simulation)));
    live_tap_set_limit(live->tap, options->record_octets_max);
    if (!open_ports(live, error)) {
        live_free(live);
        return NULL;
    }
    tell_servers(live);
    live->control = live_control_new(live, options->socket_path, error);
    if (live->control == NULL) {
        live_free(live);
        return NULL;
    }
    return live;
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

static gboolean end_it(gpointer self)
{
    live_quit(self);
    return G_SOURCE_CONTINUE;
}

void live_quit(struct live *live)
{
    g_main_loop_quit(live->loop);
}

/* What was asked for is answered, if that takes no longer than this. */
static void drain(struct live *live)
{
    instant_ns until = live->world->now + DRAIN_NS;
    uint64_t last = live->world->counts.events + DRAIN_EVENTS;
    live_ports_drain(live->ports);
    while (live_ports_waiting(live->ports) > 0 && live->world->now < until && live->world->counts.events < last) {
        simulation_advance(live->simulation, live->world->now + NS_PER_MS, EVENTS_PER_TURN);
        live_ports_tend(live->ports);
    }
}

/* Nobody has to wait for the first election: virtual time comes to its end at once. */
static void elect_first_leader(struct live *live)
{
    while (!role_is_available(live->world) && live->world->now < START_NS) {
        simulation_advance(live->simulation, live->world->now + NS_PER_MS, EVENTS_PER_TURN);
    }
    live_ports_tend(live->ports);
}

bool live_run(struct live *live, GError **error)
{
    live->loop = g_main_loop_new(NULL, FALSE);
    guint interrupt = g_unix_signal_add(SIGINT, end_it, live);
    guint terminate = g_unix_signal_add(SIGTERM, end_it, live);
    signal(SIGPIPE, SIG_IGN);
    char *connect = live_ports_connect_string(live->ports);
    elect_first_leader(live);
    live->wall_start = live->swept = g_get_monotonic_time();
    live->lag_said = live->wall_start - LAG_SAID_EVERY_US;
    live->virtual_start = live->world->now;
    printf("connect string %s\n", connect);
    if (live->options->socket_path != NULL) {
        printf("control socket %s\n", live->options->socket_path);
    }
    fflush(stdout);
    make_heart(live);
    g_main_loop_run(live->loop);
    live_say(live, "ends");
    g_source_remove(interrupt);
    g_source_remove(terminate);
    drain(live);
    g_free(connect);
    if (live->error != NULL) {
        g_propagate_error(error, live->error);
        live->error = NULL;
        return false;
    }
    return true;
}

void live_free(struct live *live)
{
    if (live->control != NULL) {
        live_control_free(live->control);
    }
    if (live->heart != NULL) {
        g_source_destroy(live->heart);
        g_source_unref(live->heart);
    }
    if (live->loop != NULL) {
        g_main_loop_unref(live->loop);
    }
    if (live->ports != NULL) {
        live_ports_free(live->ports);
    }
    live_tap_free(live->tap);
    live->ports = NULL;
    simulation_free(live->simulation);
    g_string_free(live->deeds, TRUE);
    g_free(live);
}

/* ---- for the commands ------------------------------------------------------------------------------------------------ */

struct simulation *live_simulation(const struct live *live)
{
    return live->simulation;
}

struct world *live_world(const struct live *live)
{
    return live->world;
}

const struct live_options *live_options(const struct live *live)
{
    return live->options;
}

const struct live_ports *live_ports(const struct live *live)
{
    return live->ports;
}

struct record *live_record(const struct live *live)
{
    return live->record;
}

const struct live_tap *live_tap(const struct live *live)
{
    return live->tap;
}

const char *live_deeds(const struct live *live)
{
    return live->deeds->str;
}

void live_forget_deeds(struct live *live)
{
    g_string_truncate(live->deeds, 0);
}
