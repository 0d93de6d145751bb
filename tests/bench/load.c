/* load -- How fast ZooKeeper servers answer: many requests under way on each of many connections, from one thread.
 *
 *   load --hosts 127.0.0.1:2181,127.0.0.1:2182 [--connections 10] [--window 20] [--reads 70] [--size 1024] [--seconds 5] [--pids 12,13]
 *
 * Every connection has a znode of its own; a request is a getData or a setData of it.  After a second of warming up it counts for the given
 * time and prints one line: operations per second, latencies, and the CPU time that the servers (--pids) and this program took for one.
 * It speaks the client protocol itself, so that no library's threads are measured along.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1000
#define WINDOW_MAX 1000
#define HOSTS_MAX 16
#define PIDS_MAX 16
#define SIZE_MAX_OCTETS (512 * 1024)
#define OP_CREATE 1
#define OP_GET_DATA 4
#define OP_SET_DATA 5
#define NODE_EXISTS (-110)
#define WARM_UP_NS 1000000000U

/* Latencies: exact to 1/32. */
#define SUB_BUCKETS 32U
#define BUCKETS (64U * SUB_BUCKETS)

struct setting {
    struct sockaddr_in hosts[HOSTS_MAX];
    size_t host_count;
    unsigned connections, window, reads, size, seconds;
    long pids[PIDS_MAX];
    size_t pid_count;
};

struct connection {
    int socket;
    uint32_t next_xid, oldest_xid;
    uint64_t sent_ns[WINDOW_MAX]; /* by xid modulo the window */
    uint8_t *out;
    size_t out_length, out_sent;
    uint8_t *in;
    size_t in_length;
    char path[32];
};

struct load {
    struct setting setting;
    struct connection *connections;
    int poll;
    size_t buffer;
    uint64_t random;
    bool counting;
    uint64_t answers, errors, histogram[BUCKETS], longest_ns;
};

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void die_of(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* ---- what is measured ---------------------------------------------------------------------------------------------- */

static unsigned bucket_of(uint64_t ns)
{
    if (ns < SUB_BUCKETS) {
        return (unsigned)ns;
    }
    unsigned shift = 63U - (unsigned)__builtin_clzll(ns) - 5U;
    return (shift + 1) * SUB_BUCKETS + (unsigned)(ns >> shift) - SUB_BUCKETS;
}

static uint64_t value_of(unsigned bucket)
{
    if (bucket < SUB_BUCKETS) {
        return bucket;
    }
    unsigned shift = bucket / SUB_BUCKETS - 1;
    return (uint64_t)(bucket % SUB_BUCKETS + SUB_BUCKETS) << shift;
}

static double quantile_us(const struct load *load, double share)
{
    uint64_t rank = (uint64_t)(share * (double)load->answers);
    uint64_t seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += load->histogram[i];
        if (seen > rank) {
            return (double)value_of(i) / 1000;
        }
    }
    return (double)load->longest_ns / 1000;
}

/* User and system time of the servers so far, in seconds. */
static double servers_cpu(const struct setting *setting)
{
    double sum = 0;
    for (size_t i = 0; i < setting->pid_count; i++) {
        char path[64];
        char line[1024];
        snprintf(path, sizeof path, "/proc/%ld/stat", setting->pids[i]);
        FILE *file = fopen(path, "r");
        if (file == NULL || fgets(line, sizeof line, file) == NULL) {
            die(path);
        }
        fclose(file);
        const char *field = strrchr(line, ')'); /* field 2; utime and stime are 14 and 15 */
        for (int k = 2; field != NULL && k < 14; k++) {
            field = strchr(field + 1, ' ');
        }
        unsigned long user = 0;
        unsigned long system = 0;
        if (field == NULL || sscanf(field, "%lu %lu", &user, &system) != 2) {
            die_of("/proc/PID/stat is not as expected");
        }
        sum += (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    }
    return sum;
}

static double own_cpu(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- requests ------------------------------------------------------------------------------------------------------- */

static void put_int(struct connection *connection, uint32_t value)
{
    const uint8_t octets[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    memcpy(connection->out + connection->out_length, octets, sizeof octets);
    connection->out_length += sizeof octets;
}

static void put_zeros(struct connection *connection, size_t count)
{
    memset(connection->out + connection->out_length, 0, count);
    connection->out_length += count;
}

static void put_buffer(struct connection *connection, const void *octets, size_t length)
{
    put_int(connection, (uint32_t)length);
    memcpy(connection->out + connection->out_length, octets, length);
    connection->out_length += length;
}

static void put_data(struct connection *connection, size_t size)
{
    put_int(connection, (uint32_t)size);
    memset(connection->out + connection->out_length, 'x', size);
    connection->out_length += size;
}

static size_t begin_frame(struct connection *connection)
{
    size_t start = connection->out_length;
    put_int(connection, 0);
    return start;
}

static void end_frame(struct connection *connection, size_t start)
{
    size_t end = connection->out_length;
    connection->out_length = start;
    put_int(connection, (uint32_t)(end - start - 4));
    connection->out_length = end;
}

static size_t begin_request(struct connection *connection, uint32_t opcode)
{
    size_t start = begin_frame(connection);
    put_int(connection, connection->next_xid++);
    put_int(connection, opcode);
    put_buffer(connection, connection->path, strlen(connection->path));
    return start;
}

static bool is_read(struct load *load)
{
    load->random = load->random * 6364136223846793005U + 1442695040888963407U;
    return (load->random >> 33) % 100 < load->setting.reads;
}

static void put_request(struct load *load, struct connection *connection)
{
    connection->sent_ns[connection->next_xid % load->setting.window] = now_ns();
    bool reads = is_read(load);
    size_t start = begin_request(connection, reads ? OP_GET_DATA : OP_SET_DATA);
    if (reads) {
        put_zeros(connection, 1); /* no watch */
    } else {
        put_data(connection, load->setting.size);
        put_int(connection, UINT32_MAX); /* any version */
    }
    end_frame(connection, start);
}

/* ---- octets --------------------------------------------------------------------------------------------------------- */

static void flush(struct load *load, struct connection *connection)
{
    while (connection->out_sent < connection->out_length) {
        ssize_t count = send(connection->socket, connection->out + connection->out_sent,
                             connection->out_length - connection->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno != EAGAIN) {
            die("a server went away");
        }
        if (count < 0) {
            break;
        }
        connection->out_sent += (size_t)count;
    }
    bool all = connection->out_sent == connection->out_length;
    if (all) {
        connection->out_length = connection->out_sent = 0;
    }
    struct epoll_event event = {.events = EPOLLIN | (all ? 0U : (uint32_t)EPOLLOUT), .data.ptr = connection};
    epoll_ctl(load->poll, EPOLL_CTL_MOD, connection->socket, &event);
}

static uint32_t int_at(const uint8_t *octets)
{
    return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
}

static void count_answer(struct load *load, uint64_t ns, bool failed)
{
    if (load->counting) {
        load->answers++;
        load->errors += failed;
        load->histogram[bucket_of(ns)]++;
        load->longest_ns = ns > load->longest_ns ? ns : load->longest_ns;
    }
}

/* A reply: xid, zxid, error, and what was asked for. */
static void take_frame(struct load *load, struct connection *connection, const uint8_t *frame)
{
    if (int_at(frame) != connection->oldest_xid) {
        die_of("an answer is not to the oldest request");
    }
    uint64_t sent = connection->sent_ns[connection->oldest_xid++ % load->setting.window];
    count_answer(load, now_ns() - sent, int_at(frame + 12) != 0);
}

static void take_octets(struct load *load, struct connection *connection)
{
    ssize_t count = recv(connection->socket, connection->in + connection->in_length,
                         load->buffer - connection->in_length, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN)) {
        die("a server closed a connection");
    }
    connection->in_length += count > 0 ? (size_t)count : 0;
    size_t at = 0;
    while (connection->in_length - at >= 4) {
        size_t length = int_at(connection->in + at);
        if (length < 16 || length + 4 > load->buffer) {
            die_of("an answer has a strange length");
        }
        if (connection->in_length - at - 4 < length) {
            break;
        }
        take_frame(load, connection, connection->in + at + 4);
        at += length + 4;
    }
    memmove(connection->in, connection->in + at, connection->in_length - at);
    connection->in_length -= at;
}

/* ---- connecting -------------------------------------------------------------------------------------------------------- */

static void exchange(struct connection *connection, size_t buffer)
{
    if (send(connection->socket, connection->out, connection->out_length, 0) != (ssize_t)connection->out_length) {
        die("send");
    }
    connection->out_length = 0;
    size_t length = 0;
    while (length < 4 || length < int_at(connection->in) + 4U) {
        ssize_t count = recv(connection->socket, connection->in + length, buffer - length, 0);
        if (count <= 0) {
            die("a server does not answer");
        }
        length += (size_t)count;
    }
}

static void open_session(struct load *load, struct connection *connection, unsigned number)
{
    const struct sockaddr_in *host = &load->setting.hosts[number % load->setting.host_count];
    connection->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection->socket, (const struct sockaddr *)host, sizeof *host) != 0) {
        die("cannot connect");
    }
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    connection->out = malloc(load->buffer);
    connection->in = malloc(load->buffer);
    snprintf(connection->path, sizeof connection->path, "/load-%u", number);
    size_t start = begin_frame(connection); /* version, last zxid, time-out, session, password, read-only */
    put_zeros(connection, 12);
    put_int(connection, 30000);
    put_zeros(connection, 8);
    put_int(connection, 16);
    put_zeros(connection, 17);
    end_frame(connection, start);
    exchange(connection, load->buffer);
    connection->next_xid = 1;
    start = begin_request(connection, OP_CREATE);
    put_data(connection, load->setting.size);
    put_int(connection, 1); /* one ACL: world:anyone may do all */
    put_int(connection, 31);
    put_buffer(connection, "world", 5);
    put_buffer(connection, "anyone", 6);
    put_int(connection, 0);
    end_frame(connection, start);
    exchange(connection, load->buffer);
    int32_t error = (int32_t)int_at(connection->in + 16);
    if (error != 0 && error != NODE_EXISTS) {
        die_of("a znode could not be made");
    }
    connection->oldest_xid = connection->next_xid;
}

static void connect_all(struct load *load)
{
    load->buffer = ((size_t)load->setting.size + 256) * (load->setting.window + 1);
    load->connections = calloc(load->setting.connections, sizeof *load->connections);
    load->poll = epoll_create1(0);
    for (unsigned i = 0; i < load->setting.connections; i++) {
        struct connection *connection = &load->connections[i];
        open_session(load, connection, i);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(load->poll, EPOLL_CTL_ADD, connection->socket, &event);
    }
}

/* ---- the load ------------------------------------------------------------------------------------------------------------ */

static void refill(struct load *load, struct connection *connection)
{
    while (connection->next_xid - connection->oldest_xid < load->setting.window) {
        put_request(load, connection);
    }
    flush(load, connection);
}

static void run_until(struct load *load, uint64_t end)
{
    struct epoll_event events[64];
    while (now_ns() < end) {
        int count = epoll_wait(load->poll, events, 64, 100);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
                take_octets(load, connection);
            }
            refill(load, connection);
        }
    }
}

static void measure(struct load *load)
{
    const struct setting *setting = &load->setting;
    for (unsigned i = 0; i < setting->connections; i++) {
        refill(load, &load->connections[i]);
    }
    run_until(load, now_ns() + WARM_UP_NS);
    load->counting = true;
    double servers = servers_cpu(setting);
    double own = own_cpu();
    uint64_t start = now_ns();
    run_until(load, start + setting->seconds * UINT64_C(1000000000));
    double seconds = (double)(now_ns() - start) / 1e9;
    double answers = load->answers == 0 ? 1 : (double)load->answers;
    printf("%u connections, %u %% reads: %.0f operations/s, p50 %.0f us, p99 %.0f us, longest %.0f us, "
           "CPU per operation: servers %.1f us, load %.1f us; %" PRIu64 " errors\n",
           setting->connections, setting->reads, (double)load->answers / seconds, quantile_us(load, 0.5),
           quantile_us(load, 0.99), (double)load->longest_ns / 1000, (servers_cpu(setting) - servers) * 1e6 / answers,
           (own_cpu() - own) * 1e6 / answers, load->errors);
}

/* ---- settings ---------------------------------------------------------------------------------------------------------- */

static void add_host(struct setting *setting, char *text)
{
    char *colon = strchr(text, ':');
    if (colon == NULL || setting->host_count == HOSTS_MAX) {
        die_of("--hosts: expected ADDRESS:PORT, ...");
    }
    *colon = '\0';
    struct sockaddr_in *host = &setting->hosts[setting->host_count++];
    host->sin_family = AF_INET;
    host->sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, text, &host->sin_addr) != 1) {
        die_of("--hosts: expected an IPv4 address");
    }
}

static void parse_list(struct setting *setting, char *list, bool is_hosts)
{
    for (char *item = strtok(list, ","); item != NULL; item = strtok(NULL, ",")) {
        if (is_hosts) {
            add_host(setting, item);
        } else if (setting->pid_count < PIDS_MAX) {
            setting->pids[setting->pid_count++] = strtol(item, NULL, 10);
        }
    }
}

static void parse(struct setting *setting, int argc, char **argv)
{
    struct {
        const char *name;
        unsigned *value, most;
    } numbers[] = {
        {"--connections", &setting->connections, CONNECTIONS_MAX},
        {"--window", &setting->window, WINDOW_MAX},
        {"--reads", &setting->reads, 100},
        {"--size", &setting->size, SIZE_MAX_OCTETS},
        {"--seconds", &setting->seconds, 3600},
    };
    for (int i = 1; i < argc; i += 2) {
        bool known = i + 1 < argc;
        bool is_hosts = known && strcmp(argv[i], "--hosts") == 0;
        if (is_hosts || (known && strcmp(argv[i], "--pids") == 0)) {
            parse_list(setting, argv[i + 1], is_hosts);
            continue;
        }
        bool found = false;
        for (size_t k = 0; known && k < sizeof numbers / sizeof numbers[0]; k++) {
            if (strcmp(argv[i], numbers[k].name) == 0) {
                *numbers[k].value = (unsigned)strtoul(argv[i + 1], NULL, 10);
                found = *numbers[k].value <= numbers[k].most;
            }
        }
        if (!found) {
            die_of("usage: load --hosts ADDRESS:PORT,... [--connections N] [--window N] [--reads PERCENT] [--size N] "
                   "[--seconds N] [--pids N,...]");
        }
    }
    if (setting->host_count == 0 || setting->connections == 0 || setting->window == 0) {
        die_of("--hosts is needed, and at least one connection and one request under way");
    }
}

int main(int argc, char **argv)
{
    static struct load load = {
        .setting = {.connections = 10, .window = 20, .reads = 70, .size = 1024, .seconds = 5},
        .random = 1,
    };
    parse(&load.setting, argc, argv);
    connect_all(&load);
    measure(&load);
    return 0;
}
