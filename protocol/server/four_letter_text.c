/* What the four-letter words say, in Apache's formats. */
#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/text.h"
#include "protocol/server/four_letter.h"
#include "protocol/server/remote_address.h"
#include "protocol/server/server_state.h"
#include "protocol/tree/path.h"

#define VERSION "3.8.0-zksim, built on 2022-02-25 08:49 UTC"
#define LATENCY_PARTS 10000U /* an average has four places */

/* ---- pieces ---- */

static void line_decimal(struct text_builder *text, const char *label, int64_t value)
{
    text_add(text, label);
    text_add_decimal(text, value);
    text_add_char(text, '\n');
}

static void line_text(struct text_builder *text, const char *label, const char *value)
{
    text_add(text, label);
    text_add(text, value);
    text_add_char(text, '\n');
}

/* As Java prints a double rounded to four places: "5.6667", "0.0", "5.0E-4". */
static void add_average(struct text_builder *text, const struct latency_statistics *latency)
{
    uint64_t parts =
        latency->count == 0 ? 0 : (latency->total_ms * LATENCY_PARTS + latency->count / 2) / latency->count;
    if (parts > 0 && parts < LATENCY_PARTS / 1000) {
        text_add_decimal(text, (int64_t)parts);
        text_add(text, ".0E-4");
        return;
    }
    text_add_decimal(text, (int64_t)(parts / LATENCY_PARTS));
    text_add_char(text, '.');
    uint64_t rest = parts % LATENCY_PARTS;
    uint64_t unit = LATENCY_PARTS / 10;
    do {
        text_add_decimal(text, (int64_t)(rest / unit));
        rest %= unit;
        unit /= 10;
    } while (rest != 0);
}

static void add_two_digits(struct text_builder *text, int64_t value)
{
    text_add(text, value < 10 ? "0" : "");
    text_add_decimal(text, value);
}

/* As java.util.Date in UTC: "Sat Nov 21 16:05:19 UTC 2026".  The calendar from a count of days: years begin in March, so
 * that the leap day is the last. */
static void add_date(struct text_builder *text, instant_ns at)
{
    static const char weekdays[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[][4] = {"Mar", "Apr", "May", "Jun", "Jul", "Aug",
                                     "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"};
    int64_t seconds = (int64_t)(at / NS_PER_SECOND);
    int64_t days = seconds / 86400;
    int64_t of_day = seconds % 86400;
    int64_t shifted = days + 719468; /* since 1 March of the year 0 */
    int64_t era = shifted / 146097;
    int64_t of_era = shifted % 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * of_year + 2) / 153;
    text_add(text, weekdays[days % 7]);
    text_add_char(text, ' ');
    text_add(text, months[month]);
    text_add_char(text, ' ');
    add_two_digits(text, of_year - (153 * month + 2) / 5 + 1);
    text_add_char(text, ' ');
    add_two_digits(text, of_day / 3600);
    text_add_char(text, ':');
    add_two_digits(text, of_day / 60 % 60);
    text_add_char(text, ':');
    add_two_digits(text, of_day % 60);
    text_add(text, " UTC ");
    text_add_decimal(text, era * 400 + year_of_era + (month >= 10));
}

/* How Apache names the last request of a connection. */
static const char *operation_code(int32_t opcode)
{
    switch (opcode) {
    case OP_PING:
        return "PING";
    case OP_CREATE_SESSION:
        return "SESS";
    case OP_MULTI:
        return "MULT";
    case OP_MULTI_READ:
        return "MLTR";
    case OP_CREATE:
    case OP_CREATE2:
    case OP_CREATE_TTL:
    case OP_CREATE_CONTAINER:
        return "CREA";
    case OP_DELETE:
        return "DELE";
    case OP_SET_DATA:
        return "SETD";
    case OP_RECONFIG:
        return "RECO";
    case OP_SET_ACL:
        return "SETA";
    case OP_CLOSE_SESSION:
        return "CLOS";
    case OP_SYNC:
        return "SYNC";
    case OP_CHECK:
        return "CHEC";
    case OP_EXISTS:
        return "EXIS";
    case OP_GET_DATA:
        return "GETD";
    case OP_SET_WATCHES:
        return "SETW";
    case OP_SET_WATCHES2:
        return "STW2";
    case OP_ADD_WATCH:
        return "ADDW";
    case OP_GET_ACL:
        return "GETA";
    case OP_GET_CHILDREN:
    case OP_GET_CHILDREN2:
        return "GETC";
    case OP_GET_ALL_CHILDREN_NUMBER:
        return "GETACN";
    case OP_CHECK_WATCHES:
        return "CHKW";
    case OP_REMOVE_WATCHES:
        return "REMW";
    case OP_NOTIFICATION:
        return "null";
    case OP_WHO_AM_I:
        return "HOMI";
    case OP_GET_EPHEMERALS:
        return "GETE";
    default:
        return "NA";
    }
}

/* text_add_hex() with its 0x, of what may be negative. */
static void add_session(struct text_builder *text, session_id_t session)
{
    text_add_hex(text, (uint64_t)session);
}

static uint64_t count_clients(const struct server *server)
{
    uint64_t count = 0;
    const struct connection *connection;
    TAILQ_FOREACH(connection, &server->connections.list, in_list)
    {
        count += connection->channel == CHANNEL_CLIENT;
    }
    return count;
}

/* ---- srvr, stat, cons ---- */

const char *four_letter_mode(const struct server *server)
{
    if (server->config.standalone) {
        return "standalone";
    }
    switch (server->state) {
    case PEER_LEADING:
        return "leader";
    case PEER_FOLLOWING:
        return "follower";
    case PEER_OBSERVING:
        return "observer";
    case PEER_LOOKING:
        break;
    }
    return "read-only";
}

static void add_connection_details(struct text_builder *text, const struct connection *connection)
{
    const struct connection_statistics *statistics = &connection->statistics;
    const struct latency_statistics *latency = &statistics->latency;
    text_add(text, ",sid=");
    add_session(text, connection->session);
    text_add(text, ",lop=");
    text_add(text, operation_code(statistics->last_operation));
    text_add(text, ",est=");
    text_add_decimal(text, (int64_t)(statistics->established / NS_PER_MS));
    text_add(text, ",to=");
    text_add_decimal(text, connection->timeout_ms);
    if (statistics->last_cxid >= 0) {
        text_add(text, ",lcxid=");
        text_add_hex(text, (uint64_t)statistics->last_cxid);
    }
    text_add(text, ",lzxid=");
    text_add_hex(text, (uint64_t)statistics->last_zxid);
    text_add(text, ",lresp=");
    text_add_decimal(text, (int64_t)(statistics->last_response / NS_PER_MS));
    text_add(text, ",llat=");
    text_add_decimal(text, (int64_t)statistics->last_latency_ms);
    text_add(text, ",minlat=");
    text_add_decimal(text, (int64_t)latency->min_ms);
    text_add(text, ",avglat=");
    text_add_decimal(text, latency->count == 0 ? 0 : (int64_t)(latency->total_ms / latency->count));
    text_add(text, ",maxlat=");
    text_add_decimal(text, (int64_t)latency->max_ms);
}

/* In brackets whether it is read from. */
static void add_connection(const struct four_letter *word, const struct connection *connection, bool brief)
{
    struct text_builder *text = word->text;
    text_add(text, " /");
    remote_address_add(text, &connection->from);
    text_add(text, connection->held || connection == word->connection ? "[0](queued=" : "[1](queued=");
    text_add_decimal(text, connection->outstanding);
    text_add(text, ",recved=");
    text_add_decimal(text, (int64_t)connection->statistics.received);
    text_add(text, ",sent=");
    text_add_decimal(text, (int64_t)connection->statistics.sent);
    if (!brief && connection->session != 0) {
        add_connection_details(text, connection);
    }
    text_add(text, ")\n");
}

static void add_connections(const struct four_letter *word, bool brief)
{
    const struct connection *connection;
    TAILQ_FOREACH(connection, &word->server->connections.list, in_list)
    {
        if (connection->channel == CHANNEL_CLIENT) {
            add_connection(word, connection, brief);
        }
    }
    text_add_char(word->text, '\n');
}

static void add_version(const struct four_letter *word)
{
    text_add(word->text, "Zookeeper version: " VERSION "\n");
    if (word->server->state == PEER_LOOKING) {
        text_add(word->text, "READ-ONLY mode; serving only read-only clients\n");
    }
}

/* Apache has the root under two keys. */
static int64_t count_nodes(const struct server *server)
{
    return (int64_t)server->tree->node_count + 1;
}

static void add_sizes(struct text_builder *text, const struct size_statistics *sizes)
{
    text_add_decimal(text, sizes->last);
    text_add_char(text, '/');
    text_add_decimal(text, sizes->min);
    text_add_char(text, '/');
    text_add_decimal(text, sizes->max);
}

static void add_status(const struct four_letter *word)
{
    const struct server *server = word->server;
    const struct server_statistics *statistics = &server->statistics;
    struct text_builder *text = word->text;
    text_add(text, "Latency min/avg/max: ");
    text_add_decimal(text, (int64_t)statistics->latency.min_ms);
    text_add_char(text, '/');
    add_average(text, &statistics->latency);
    text_add_char(text, '/');
    text_add_decimal(text, (int64_t)statistics->latency.max_ms);
    line_decimal(text, "\nReceived: ", (int64_t)statistics->received);
    line_decimal(text, "Sent: ", (int64_t)statistics->sent);
    line_decimal(text, "Connections: ", (int64_t)count_clients(server));
    line_decimal(text, "Outstanding: ", server->in_process);
    text_add(text, "Zxid: ");
    text_add_hex(text, (uint64_t)server->tree->last_processed);
    line_text(text, "\nMode: ", four_letter_mode(server));
    line_decimal(text, "Node count: ", count_nodes(server));
    if (server->state == PEER_LEADING && !server->config.standalone) {
        text_add(text, "Proposal sizes last/min/max: ");
        add_sizes(text, &statistics->proposals);
        text_add_char(text, '\n');
    }
}

void four_letter_srvr(const struct four_letter *word)
{
    add_version(word);
    add_status(word);
}

void four_letter_stat(const struct four_letter *word)
{
    add_version(word);
    text_add(word->text, "Clients:\n");
    add_connections(word, true);
    add_status(word);
}

void four_letter_cons(const struct four_letter *word)
{
    add_connections(word, false);
}

/* ---- conf, envi, dirs ---- */

void four_letter_conf(const struct four_letter *word)
{
    const struct server_config *config = &word->server->config;
    struct text_builder *text = word->text;
    uint32_t tick = config->tick_ms;
    line_decimal(text, "clientPort=", config->client_port);
    line_decimal(text, "secureClientPort=", -1);
    line_text(text, "dataDir=", config->data_dir);
    line_decimal(text, "dataDirSize=", 0);
    line_text(text, "dataLogDir=", config->data_dir);
    line_decimal(text, "dataLogSize=", 0);
    line_decimal(text, "tickTime=", tick);
    line_decimal(text, "maxClientCnxns=", config->client_cnxns_max);
    line_decimal(text,
                 "minSessionTimeout=", config->session_timeout_ms_min != 0 ? config->session_timeout_ms_min : 2 * tick);
    line_decimal(
        text, "maxSessionTimeout=", config->session_timeout_ms_max != 0 ? config->session_timeout_ms_max : 20 * tick);
    line_decimal(text, "clientPortListenBacklog=", -1);
    line_decimal(text, "serverId=", config->standalone ? 0 : config->id);
    if (config->standalone) {
        return;
    }
    line_decimal(text, "initLimit=", config->init_limit_ticks);
    line_decimal(text, "syncLimit=", config->sync_limit_ticks);
    line_decimal(text, "electionAlg=", 3);
    line_decimal(text, "electionPort=", 3888);
    line_decimal(text, "quorumPort=", 2888);
    line_decimal(text, "peerType=", server_is_observer(word->server));
    if (word->server->state != PEER_LOOKING) {
        text_add(text, "membership: \n");
        text_add_octets(text, word->server->verifier.text);
    }
}

void four_letter_envi(const struct four_letter *word)
{
    static const char *const unknown[] = {
        "java.version=",   "java.vendor=",   "java.home=", "java.class.path=", "java.library.path=",
        "java.io.tmpdir=", "java.compiler=", "os.name=",   "os.arch=",         "os.version=",
        "user.name=",      "user.home=",     "user.dir=",
    };
    struct text_builder *text = word->text;
    text_add(text, "Environment:\nzookeeper.version=" VERSION "\nhost.name=localhost\n");
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        line_text(text, unknown[i], "<NA>");
    }
    text_add(text, "os.memory.free=0MB\nos.memory.max=0MB\nos.memory.total=0MB\n");
}

void four_letter_dirs(const struct four_letter *word)
{
    text_add(word->text, "datadir_size: 0\nlogdir_size: 0\n");
}

/* ---- dump ---- */

/* The connection or session that an entry of an expiry queue stands for. */
typedef void add_subject(const struct four_letter *word, uint64_t subject);

static void add_expiry_queue(const struct four_letter *word, const struct expiry_queue *queue, add_subject *add)
{
    struct text_builder *text = word->text;
    const struct expiry_bucket *bucket;
    const struct expiry_entry *entry;
    uint64_t buckets = 0, entries = 0;
    TAILQ_FOREACH(bucket, &queue->buckets, in_queue)
    {
        buckets++;
        TAILQ_FOREACH(entry, &bucket->entries, in_bucket)
        {
            entries++;
        }
    }
    text_add(text, "Sets (");
    text_add_decimal(text, (int64_t)buckets);
    text_add(text, ")/(");
    text_add_decimal(text, (int64_t)entries);
    text_add(text, "):\n");
    TAILQ_FOREACH(bucket, &queue->buckets, in_queue)
    {
        uint64_t count = 0;
        TAILQ_FOREACH(entry, &bucket->entries, in_bucket)
        {
            count++;
        }
        text_add_decimal(text, (int64_t)count);
        text_add(text, " expire at ");
        add_date(text, bucket->at);
        text_add(text, ":\n");
        TAILQ_FOREACH(entry, &bucket->entries, in_bucket)
        {
            text_add_char(text, '\t');
            add(word, entry->subject);
            text_add_char(text, '\n');
        }
    }
}

static void add_session_subject(const struct four_letter *word, uint64_t subject)
{
    add_session(word->text, (session_id_t)subject);
}

static void add_connection_subject(const struct four_letter *word, uint64_t subject)
{
    const struct connection *connection = connections_find(&word->server->connections, (conn_id)subject);
    ensure(connection != NULL);
    text_add(word->text, "ip: /");
    remote_address_add(word->text, &connection->from);
    text_add(word->text, " sessionId: ");
    add_session(word->text, connection->session);
}

static void add_learned_sessions(const struct four_letter *word)
{
    struct text_builder *text = word->text;
    text_add(text, "Global Sessions(");
    text_add_decimal(text, (int64_t)word->server->tree->session_count);
    text_add(text, "):\n");
    const struct session *session;
    for (session = tree_first_session(word->server->tree); session != NULL; session = session_next(session)) {
        add_session(text, session->id);
        text_add_char(text, '\t');
        text_add_decimal(text, session->timeout_ms);
        text_add(text, "ms\n");
    }
}

static void add_ephemerals(const struct four_letter *word)
{
    struct text_builder *text = word->text;
    const struct session *session;
    int64_t owners = 0;
    for (session = tree_first_session(word->server->tree); session != NULL; session = session_next(session)) {
        owners += !TAILQ_EMPTY(&session->ephemerals);
    }
    text_add(text, "Sessions with Ephemerals (");
    text_add_decimal(text, owners);
    text_add(text, "):\n");
    for (session = tree_first_session(word->server->tree); session != NULL; session = session_next(session)) {
        if (TAILQ_EMPTY(&session->ephemerals)) {
            continue;
        }
        add_session(text, session->id);
        text_add(text, ":\n");
        const struct znode *node;
        TAILQ_FOREACH(node, &session->ephemerals, owned)
        {
            text_add_char(text, '\t');
            text_add_octets(text, znode_path(node));
            text_add_char(text, '\n');
        }
    }
}

void four_letter_dump(const struct four_letter *word)
{
    struct text_builder *text = word->text;
    text_add(text, "SessionTracker dump:\n");
    if (server_is_leading(word->server)) {
        text_add(text, "Session ");
        add_expiry_queue(word, &word->server->sessions.expiry, add_session_subject);
    } else {
        if (word->server->read_only) {
            text_add(text, "Local Session ");
            add_expiry_queue(word, &word->server->sessions.expiry, add_session_subject);
        }
        add_learned_sessions(word);
    }
    text_add(text, "ephemeral nodes dump:\n");
    add_ephemerals(word);
    text_add(text, "Connections dump:\nConnections ");
    add_expiry_queue(word, &word->server->idle, add_connection_subject);
}

/* ---- wchs, wchc, wchp ---- */

struct listing {
    const struct four_letter *word;
    struct bytes path; /* of the last line */
    conn_id conn;
};

static void add_watching_session(struct listing *listing, conn_id conn)
{
    const struct connection *connection = connections_find(&listing->word->server->connections, conn);
    ensure(connection != NULL);
    add_session(listing->word->text, connection->session);
    text_add_char(listing->word->text, '\n');
}

static void list_by_path(void *context, struct bytes path, conn_id conn)
{
    struct listing *listing = context;
    if (path.data != listing->path.data) {
        text_add_octets(listing->word->text, path);
        text_add_char(listing->word->text, '\n');
    }
    listing->path = path;
    text_add_char(listing->word->text, '\t');
    add_watching_session(listing, conn);
}

static void list_by_connection(void *context, struct bytes path, conn_id conn)
{
    struct listing *listing = context;
    if (conn != listing->conn) {
        add_watching_session(listing, conn);
    }
    listing->conn = conn;
    text_add_char(listing->word->text, '\t');
    text_add_octets(listing->word->text, path);
    text_add_char(listing->word->text, '\n');
}

void four_letter_wchs(const struct four_letter *word)
{
    struct watches_summary summary = watches_summary(word->server->watches);
    text_add_decimal(word->text, (int64_t)summary.connections);
    text_add(word->text, " connections watching ");
    text_add_decimal(word->text, (int64_t)summary.paths);
    line_decimal(word->text, " paths\nTotal watches:", (int64_t)summary.watches);
}

void four_letter_wchc(const struct four_letter *word)
{
    struct listing listing = {word, bytes_null(), CONN_NONE};
    watches_visit_by_connection(word->server->watches, list_by_connection, &listing);
    text_add_char(word->text, '\n');
}

void four_letter_wchp(const struct four_letter *word)
{
    struct listing listing = {word, bytes_null(), CONN_NONE};
    watches_visit_by_path(word->server->watches, list_by_path, &listing);
    text_add_char(word->text, '\n');
}

/* ---- mntr ---- */

/* Paths and data of all znodes; Apache has the root a second time, under the empty path. */
static int64_t approximate_data_size(const struct tree *tree)
{
    int64_t size = 1;
    for (const struct znode *node = tree->nodes; node != NULL; node = node->hh.next) {
        size += znode_path(node).length + (node->data.length > 0 ? node->data.length : 0);
    }
    return size + (tree->root->data.length > 0 ? tree->root->data.length : 0);
}

static void add_peer_state(const struct four_letter *word)
{
    static const char *const leading[] = {"leading - broadcast", "following - broadcast", "observing - broadcast"};
    switch (word->server->state) {
    case PEER_LEADING:
        line_text(word->text, "zk_peer_state\t", leading[0]);
        break;
    case PEER_FOLLOWING:
        line_text(word->text, "zk_peer_state\t", leading[1]);
        break;
    case PEER_OBSERVING:
        line_text(word->text, "zk_peer_state\t", leading[2]);
        break;
    case PEER_LOOKING:
        break;
    }
}

static void add_learners(const struct four_letter *word)
{
    const struct server *server = word->server;
    struct text_builder *text = word->text;
    int64_t learners = 0, followers = 0, observers = 0, syncs = 0;
    const struct handler *handler;
    TAILQ_FOREACH(handler, &server->leader.handlers, in_leader)
    {
        learners++;
        followers += handler->forwarding && !handler->observer;
        observers += handler->forwarding && handler->observer;
    }
    const struct outstanding *outstanding;
    TAILQ_FOREACH(outstanding, &server->leader.outstanding, next)
    {
        syncs += !STAILQ_EMPTY(&outstanding->syncs);
    }
    line_decimal(text, "zk_learners\t", learners);
    line_decimal(text, "zk_synced_followers\t", followers);
    line_decimal(text, "zk_synced_non_voting_followers\t", 0);
    line_decimal(text, "zk_synced_observers\t", observers);
    line_decimal(text, "zk_pending_syncs\t", syncs);
    line_decimal(text, "zk_leader_uptime\t", (int64_t)((server->now - server->statistics.since) / NS_PER_MS));
    line_decimal(text, "zk_last_proposal_size\t", server->statistics.proposals.last);
    line_decimal(text, "zk_max_proposal_size\t", server->statistics.proposals.max);
    line_decimal(text, "zk_min_proposal_size\t", server->statistics.proposals.min);
}

static void add_quorum(const struct four_letter *word)
{
    line_decimal(word->text, "zk_quorum_size\t", word->server->verifier.quorum.count);
    if (word->server->state == PEER_LEADING) {
        add_learners(word);
    } else if (word->server->state == PEER_FOLLOWING) {
        line_decimal(word->text, "zk_synced_observers\t", 0);
    }
}

static void add_gauges(const struct four_letter *word)
{
    const struct server *server = word->server;
    const struct server_statistics *statistics = &server->statistics;
    struct text_builder *text = word->text;
    line_decimal(text, "zk_ephemerals_count\t", (int64_t)server->tree->ephemeral_count);
    line_decimal(text, "zk_num_alive_connections\t", (int64_t)count_clients(server));
    text_add(text, "zk_avg_latency\t");
    add_average(text, &statistics->latency);
    line_decimal(text, "\nzk_outstanding_requests\t", server->in_process);
    line_decimal(text, "zk_znode_count\t", count_nodes(server));
    line_decimal(text, "zk_global_sessions\t", (int64_t)server->tree->session_count);
    line_decimal(text, "zk_non_mtls_remote_conn_count\t", 0);
    line_decimal(text, "zk_last_client_response_size\t", statistics->responses.last);
    line_decimal(text, "zk_packets_sent\t", (int64_t)statistics->sent);
    line_decimal(text, "zk_packets_received\t", (int64_t)statistics->received);
    line_decimal(text, "zk_max_client_response_size\t", statistics->responses.max);
    text_add(text, "zk_connection_drop_probability\t0.0\n");
    line_decimal(text, "zk_watch_count\t", (int64_t)server->watches->count);
    line_decimal(text, "zk_auth_failed_count\t", 0);
    line_decimal(text, "zk_min_latency\t", (int64_t)statistics->latency.min_ms);
    line_decimal(text, "zk_approximate_data_size\t", approximate_data_size(server->tree));
    line_decimal(text, "zk_local_sessions\t", 0);
    line_decimal(text, "zk_uptime\t", (int64_t)((server->now - statistics->since) / NS_PER_MS));
    line_decimal(text, "zk_max_latency\t", (int64_t)statistics->latency.max_ms);
    line_decimal(text, "zk_outstanding_tls_handshake\t", 0);
    line_decimal(text, "zk_min_client_response_size\t", statistics->responses.min);
    line_decimal(text, "zk_non_mtls_local_conn_count\t", 0);
    line_decimal(text, "zk_connection_rejected\t", (int64_t)statistics->rejected);
}

void four_letter_mntr(const struct four_letter *word)
{
    line_text(word->text, "zk_version\t", VERSION);
    line_text(word->text, "zk_server_state\t", four_letter_mode(word->server));
    if (word->server->config.standalone) {
        add_gauges(word);
        return;
    }
    add_peer_state(word);
    add_gauges(word);
    add_quorum(word);
}

/* ---- crst, srst ---- */

void four_letter_crst(const struct four_letter *word)
{
    struct connection *connection;
    TAILQ_FOREACH(connection, &word->server->connections.list, in_list)
    {
        if (connection->channel == CHANNEL_CLIENT) {
            statistics_reset_connection(&connection->statistics);
        }
    }
    text_add(word->text, "Connection stats reset.\n");
}

void four_letter_srst(const struct four_letter *word)
{
    statistics_reset_server(&word->server->statistics);
    text_add(word->text, "Server stats reset.\n");
}
