#include "tests/lone_server.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"

#define SERVER_OCTETS (32U << 20)
#define DISK_OCTETS (32U << 20)
#define OUTPUT_ITEMS 65536U
#define OUTPUT_OCTETS (16U << 20)
#define FILES_MAX 256U
#define START_NS (1000 * NS_PER_SECOND)

void lone_server_config(struct server_config *config)
{
    server_config_default(config);
    config->id = 1;
    config->standalone = true;
    config->member_count = 1;
    config->members[0] = (struct member){1, MEMBER_PARTICIPANT};
    config->tick_ms = 1000;
    config->extended_types = true;
    strcpy(config->words, "*");
    strcpy(config->super_digest, "super:D/InIHSb7yEEbrWz8b9l71RjZJU=");
}

static struct lone_line *line_of(const struct lone_server *host, conn_id conn)
{
    for (size_t i = 0; i < host->lines->len; i++) {
        struct lone_line *line = host->lines->pdata[i];
        if (line->conn == conn && !line->ended && !line->shut) {
            return line;
        }
    }
    return NULL;
}

static void free_message(void *data)
{
    g_bytes_unref(data);
}

static struct lone_line *add_line(struct lone_server *host, conn_id conn, enum channel channel)
{
    struct lone_line *line = g_new0(struct lone_line, 1);
    line->conn = conn;
    line->channel = channel;
    line->said = g_ptr_array_new_with_free_func(free_message);
    g_ptr_array_add(host->lines, line);
    return line;
}

static void carry_out(struct lone_server *host, const struct output *output)
{
    switch ((int)output->type) {
    case OUTPUT_CLOSE:
        line_of(host, output->close.conn)->shut = true;
        break;
    case OUTPUT_OPEN:
        add_line(host, output->open.conn, output->open.channel)->dialed = output->open.server;
        break;
    case OUTPUT_SEND:
        g_ptr_array_add(line_of(host, output->send.conn)->said,
                        g_bytes_new(output->send.octets.data, bytes_size(output->send.octets)));
        break;
    case OUTPUT_APPEND:
    case OUTPUT_DELETE:
    case OUTPUT_FSYNC:
    case OUTPUT_TRUNCATE:
    case OUTPUT_SAVE:
    case OUTPUT_LOAD:
        disk_carry_out(&host->disk, output, host->now);
        break;
    case OUTPUT_EXIT:
        host->exited = output->exit.reason;
        break;
    default:
        break;
    }
}

static void step(struct lone_server *host, struct input *input)
{
    if (host->exited != EXIT_NONE) {
        return;
    }
    input->now = host->now;
    outputs_clear(&host->outputs);
    node_step(host->node, input, &host->outputs);
    for (size_t i = 0; i < host->outputs.count; i++) {
        carry_out(host, &host->outputs.items[i]);
    }
}

static bool is_slow(const struct lone_server *host, const struct disk_operation *operation)
{
    return (host->slow_files >> operation->file.kind & 1U) != 0;
}

static bool finish_disk(struct lone_server *host)
{
    struct disk_file files[FILES_MAX];
    struct disk_operation finished;
    uint32_t next = 0;
    while (next < host->disk.operation_count && is_slow(host, &host->disk.operations[next])) {
        next++;
    }
    if (next == host->disk.operation_count) {
        return false;
    }
    struct input input = {.type = INPUT_DISK_DONE};
    input.disk_done.result = disk_finish(&host->disk, next, &finished);
    input.disk_done.op = finished.op;
    if (finished.type == OUTPUT_LOAD) {
        ensure(host->disk.file_count <= FILES_MAX);
        input.disk_done.disk = disk_image(&host->disk, files);
    }
    step(host, &input);
    return true;
}

static bool run_task(struct lone_server *host)
{
    uint32_t tasks = host->exited != EXIT_NONE ? 0 : node_tasks(host->node);
    if (tasks == 0) {
        return false;
    }
    struct input input = {.type = INPUT_TASK};
    input.task = (enum task)__builtin_ctz(tasks);
    step(host, &input);
    return true;
}

void lone_server_settle(struct lone_server *host)
{
    bool busy = true;
    while (busy && host->exited == EXIT_NONE) {
        busy = run_task(host) || finish_disk(host);
    }
}

void lone_server_start(struct lone_server *host, const struct server_config *config)
{
    struct disk_file files[FILES_MAX];
    host->node = server_create(host->region, SERVER_OCTETS, config);
    ensure(host->disk.file_count <= FILES_MAX);
    struct input input = {.type = INPUT_BOOT};
    input.boot.seed = 1;
    input.boot.disk = disk_image(&host->disk, files);
    step(host, &input);
}

void lone_server_boot(struct lone_server *host, const struct server_config *config)
{
    lone_server_start(host, config);
    lone_server_settle(host);
}

static void free_line(void *data)
{
    struct lone_line *line = data;
    g_ptr_array_free(line->said, TRUE);
    g_free(line);
}

struct lone_server *lone_server_prepare(void)
{
    struct lone_server *host = g_new0(struct lone_server, 1);
    host->region = aligned_alloc(16, SERVER_OCTETS);
    host->disk_region = aligned_alloc(16, DISK_OCTETS);
    host->outputs = (struct outputs){.items = g_new0(struct output, OUTPUT_ITEMS),
                                     .capacity = OUTPUT_ITEMS,
                                     .octets = g_malloc(OUTPUT_OCTETS),
                                     .size = OUTPUT_OCTETS};
    host->lines = g_ptr_array_new_with_free_func(free_line);
    host->now = START_NS;
    host->exited = EXIT_NONE;
    disk_init(&host->disk, arena_create(host->disk_region, DISK_OCTETS));
    return host;
}

struct lone_server *lone_server_new(const struct server_config *config)
{
    struct lone_server *host = lone_server_prepare();
    lone_server_boot(host, config);
    return host;
}

void lone_server_free(struct lone_server *host)
{
    g_ptr_array_free(host->lines, TRUE);
    g_free(host->outputs.items);
    g_free(host->outputs.octets);
    free(host->region);
    free(host->disk_region);
    g_free(host);
}

struct lone_line *lone_server_open(struct lone_server *host)
{
    return lone_server_open_port(host, CHANNEL_CLIENT);
}

struct lone_line *lone_server_open_port(struct lone_server *host, enum channel channel)
{
    conn_id conn = 1;
    while (line_of(host, conn) != NULL) {
        conn++;
    }
    struct lone_line *line = add_line(host, conn, channel);
    struct input input = {.type = INPUT_ACCEPTED};
    input.accepted.conn = line->conn;
    input.accepted.channel = channel;
    step(host, &input);
    lone_server_settle(host);
    return line;
}

struct lone_line *lone_server_dialed(const struct lone_server *host, enum channel channel, server_id_t server)
{
    for (size_t i = 0; i < host->lines->len; i++) {
        struct lone_line *line = host->lines->pdata[i];
        if (line->channel == channel && line->dialed == server && !line->ended && !line->shut) {
            return line;
        }
    }
    return NULL;
}

void lone_server_reach(struct lone_server *host, struct lone_line *line)
{
    struct input input = {.type = INPUT_CONNECTED};
    input.connected.conn = line->conn;
    step(host, &input);
    lone_server_settle(host);
}

void lone_server_say(struct lone_server *host, struct lone_line *line, const void *octets, size_t length)
{
    if (line->ended || line->shut) {
        return;
    }
    struct input input = {.type = INPUT_RECEIVED};
    input.received.conn = line->conn;
    input.received.octets = (struct bytes){octets, (int32_t)length};
    step(host, &input);
    lone_server_settle(host);
}

void lone_server_end(struct lone_server *host, struct lone_line *line)
{
    if (line->ended || line->shut) {
        return;
    }
    line->ended = true;
    struct input input = {.type = INPUT_DISCONNECTED};
    input.disconnected.conn = line->conn;
    step(host, &input);
    lone_server_settle(host);
}

void lone_server_wait(struct lone_server *host, instant_ns until)
{
    while (host->exited == EXIT_NONE) {
        struct deadline next = node_next_deadline(host->node);
        if (next.timer == TIMER_NONE || next.at > until) {
            break;
        }
        host->now = next.at > host->now ? next.at : host->now;
        struct input input = {.type = INPUT_DEADLINE};
        input.deadline = next;
        step(host, &input);
        lone_server_settle(host);
    }
    host->now = until > host->now ? until : host->now;
}

void lone_server_reboot(struct lone_server *host, const struct server_config *config)
{
    struct random random;
    random_seed(&random, 1);
    for (size_t i = 0; i < host->lines->len; i++) {
        ((struct lone_line *)host->lines->pdata[i])->shut = true;
    }
    host->exited = EXIT_NONE;
    disk_crash(&host->disk, &random);
    lone_server_boot(host, config);
}
