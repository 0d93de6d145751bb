#include "sim/store_schema.h"

#include <stdio.h>

#include "protocol/commit/commit_message.h"
#include "protocol/observation.h"
#include "protocol/wire/op.h"
#include "protocol/wire/packet.h"
#include "sim/fault.h"
#include "sim/record_names.h"

/* proposed, logged, committed, delivered: repeated word for word where the partial index is to be used. */
#define TRANSACTION_OBSERVATIONS "(13, 14, 15, 16)"
_Static_assert(OBSERVE_PROPOSED == 13 && OBSERVE_LOGGED == 14 && OBSERVE_COMMITTED == 15 && OBSERVE_DELIVERED == 16,
               "the numbers stand in the schema");

const char *const store_schema_tables[] = {
    /* what numbers mean */
    "CREATE TABLE outcomes (code INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE levels (code INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE verdict_names (code INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE session_states (code INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE channels (code INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE disk_operation_names (code INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE file_kinds (code INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE disk_results (code INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE observation_types (code INTEGER PRIMARY KEY, name TEXT NOT NULL, meaning TEXT NOT NULL)",
    "CREATE TABLE fault_kinds (code INTEGER PRIMARY KEY, name TEXT NOT NULL, meaning TEXT NOT NULL)",
    "CREATE TABLE opcodes (code INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE errors (code INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE event_types (code INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE packet_types (code INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE commit_message_types (code INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    /* what happened; the large tables do without NOT NULL, which would cost a fifth of the speed: the reader checks */
    "CREATE TABLE run ("
    " id INTEGER PRIMARY KEY CHECK (id = 1), scenario TEXT, scenario_text TEXT, version TEXT, flaws TEXT,"
    " seed INTEGER NOT NULL, digest TEXT NOT NULL, events INTEGER NOT NULL, simulated_ns INTEGER NOT NULL,"
    " quiet_from_ns INTEGER, available_within_ns INTEGER NOT NULL, inherited_zxid INTEGER NOT NULL,"
    " livelock_node INTEGER REFERENCES nodes, livelock_from_ns INTEGER, level INTEGER NOT NULL REFERENCES levels,"
    " finished INTEGER NOT NULL)",
    "CREATE TABLE nodes ("
    " id INTEGER PRIMARY KEY, is_server INTEGER NOT NULL, is_observer INTEGER NOT NULL, server INTEGER, name TEXT NOT "
    "NULL)",
    "CREATE TABLE stats ("
    " id INTEGER PRIMARY KEY, czxid INTEGER, mzxid INTEGER, ctime_ms INTEGER, mtime_ms INTEGER, version INTEGER,"
    " cversion INTEGER, aversion INTEGER, ephemeral_owner INTEGER, data_length INTEGER, num_children INTEGER, pzxid "
    "INTEGER)",
    "CREATE TABLE inherited_znodes ("
    " id INTEGER PRIMARY KEY, path TEXT, data TEXT, czxid INTEGER, mzxid INTEGER, ctime_ms INTEGER, mtime_ms INTEGER,"
    " pzxid INTEGER, version INTEGER, aversion INTEGER, creates INTEGER, ephemeral_owner INTEGER)",
    "CREATE TABLE operations ("
    " id INTEGER PRIMARY KEY, client INTEGER REFERENCES nodes, parent INTEGER REFERENCES operations,"
    " opcode INTEGER, xid INTEGER, session INTEGER, server INTEGER REFERENCES nodes,"
    " outcome INTEGER REFERENCES outcomes, error INTEGER, flags INTEGER,"
    " version INTEGER, watch INTEGER, invoked_ns INTEGER, returned_ns INTEGER,"
    " invoked_seq INTEGER, returned_seq INTEGER, zxid INTEGER, path TEXT, data TEXT,"
    " result_path TEXT, result_data TEXT, children TEXT, stat INTEGER REFERENCES stats)",
    "CREATE TABLE session_changes ("
    " id INTEGER PRIMARY KEY, client INTEGER NOT NULL REFERENCES nodes, state INTEGER NOT NULL REFERENCES "
    "session_states,"
    " session INTEGER, timeout_ms INTEGER NOT NULL, server INTEGER REFERENCES nodes, time_ns INTEGER NOT NULL,"
    " seq INTEGER NOT NULL)",
    "CREATE TABLE watch_events ("
    " id INTEGER PRIMARY KEY, client INTEGER NOT NULL REFERENCES nodes, type INTEGER NOT NULL, session INTEGER,"
    " zxid INTEGER, path TEXT, time_ns INTEGER NOT NULL, seq INTEGER NOT NULL)",
    "CREATE TABLE observations ("
    " id INTEGER PRIMARY KEY, node INTEGER REFERENCES nodes, type INTEGER REFERENCES "
    "observation_types,"
    " value0 INTEGER, value1 INTEGER, value2 INTEGER, value3 INTEGER,"
    " value4 INTEGER, value5 INTEGER, time_ns INTEGER, seq INTEGER)",
    "CREATE TABLE messages ("
    " id INTEGER PRIMARY KEY, sender INTEGER REFERENCES nodes, receiver INTEGER REFERENCES nodes,"
    " channel INTEGER REFERENCES channels, connection INTEGER, sent_ns INTEGER,"
    " delivered_ns INTEGER, seq INTEGER, delivered_seq INTEGER, octets BLOB)",
    "CREATE TABLE disk_operations ("
    " id INTEGER PRIMARY KEY, node INTEGER REFERENCES nodes,"
    " operation INTEGER REFERENCES disk_operation_names, file_kind INTEGER REFERENCES file_kinds,"
    " file_zxid INTEGER, octets INTEGER, result INTEGER REFERENCES disk_results,"
    " started_ns INTEGER, finished_ns INTEGER, seq INTEGER)",
    "CREATE TABLE faults ("
    " id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL REFERENCES "
    "fault_kinds,"
    " node INTEGER REFERENCES nodes, peer INTEGER REFERENCES nodes, detail TEXT)",
    "CREATE TABLE verdicts ("
    " id INTEGER PRIMARY KEY, guarantee TEXT NOT NULL, verdict INTEGER NOT NULL REFERENCES verdict_names,"
    " checked INTEGER NOT NULL, explanation TEXT)",
    /* the common questions */
    "CREATE VIEW v_run AS SELECT scenario, printf('%llu', seed) AS seed, version, digest, flaws, events, simulated_ns "
    "/ 1e9 AS"
    " simulated_s, quiet_from_ns / 1e9 AS quiet_from_s, l.name AS level, CASE WHEN finished = 0 THEN"
    " 'no: killed half way' WHEN livelock_node IS NULL THEN 'yes' ELSE 'no: a livelock ended it' END AS finished FROM "
    "run r JOIN levels l ON l.code = r.level",
    "CREATE VIEW v_operations AS SELECT o.id, c.name AS client, coalesce(p.name, o.opcode) AS operation, o.path, "
    "o.data,"
    " u.name AS outcome, coalesce(e.name, o.error) AS error, o.invoked_ns / 1e6 AS invoked_ms,"
    " o.returned_ns / 1e6 AS returned_ms, (o.returned_ns - o.invoked_ns) / 1e6 AS latency_ms,"
    " printf('0x%llx', o.zxid) AS zxid, o.xid, printf('0x%llx', o.session) AS session, s.name AS server,"
    " o.flags, o.version, o.watch, o.result_path, o.result_data, replace(o.children, char(10), ' ') AS children,"
    " t.version AS stat_version, o.parent"
    " FROM operations o JOIN nodes c ON c.id = o.client JOIN outcomes u ON u.code = o.outcome"
    " LEFT JOIN opcodes p ON p.code = o.opcode LEFT JOIN errors e ON e.code = o.error"
    " LEFT JOIN nodes s ON s.id = o.server LEFT JOIN stats t ON t.id = o.stat",
    "CREATE VIEW v_session_changes AS SELECT c.time_ns / 1e6 AS time_ms, n.name AS client, t.name AS state,"
    " printf('0x%llx', c.session) AS session, c.timeout_ms, s.name AS server, c.seq"
    " FROM session_changes c JOIN nodes n ON n.id = c.client JOIN session_states t ON t.code = c.state"
    " LEFT JOIN nodes s ON s.id = c.server",
    "CREATE VIEW v_sessions AS SELECT printf('0x%llx', c.session) AS session, n.name AS client,"
    " min(c.time_ns) / 1e6 AS first_ms, max(c.time_ns) / 1e6 AS last_ms, max(c.timeout_ms) AS timeout_ms,"
    " sum(c.state = 1) AS connects, sum(c.state = 2) AS disconnects,"
    " (SELECT t.name FROM session_changes l JOIN session_states t ON t.code = l.state WHERE l.client = c.client"
    "  AND l.session = c.session ORDER BY l.seq DESC LIMIT 1) AS last_state"
    " FROM session_changes c JOIN nodes n ON n.id = c.client WHERE c.session IS NOT NULL GROUP BY c.client, c.session"
    " ORDER BY min(c.seq)",
    "CREATE VIEW v_watch_events AS SELECT w.time_ns / 1e6 AS time_ms, n.name AS client, coalesce(t.name, w.type) AS "
    "type,"
    " w.path, printf('0x%llx', w.session) AS session, w.seq"
    " FROM watch_events w JOIN nodes n ON n.id = w.client LEFT JOIN event_types t ON t.code = w.type",
    "CREATE VIEW v_observations AS SELECT o.time_ns / 1e6 AS time_ms, n.name AS node, t.name AS observation,"
    " printf('0x%llx', value0) AS value0, printf('0x%llx', value1) AS value1, printf('0x%llx', value2) AS value2,"
    " printf('0x%llx', value3) AS value3, printf('0x%llx', value4) AS value4, printf('0x%llx', value5) AS value5,"
    " t.meaning, o.seq FROM observations o JOIN nodes n ON n.id = o.node JOIN observation_types t ON t.code = o.type",
    /* a leader's time ends with its stepping down or its process; the mark is 10: established, 12: stepped-down */
    "CREATE VIEW v_leaders AS SELECT n.name AS leader, o.value0 AS epoch, o.time_ns / 1e6 AS from_ms,"
    " (SELECT min(t) / 1e6 FROM ("
    "   SELECT min(d.time_ns) AS t FROM observations d JOIN observation_types y ON y.code = d.type"
    "     WHERE d.node = o.node AND d.seq > o.seq AND y.name IN ('stepped-down', 'recovered', 'refused')"
    "     AND d.type NOT IN " TRANSACTION_OBSERVATIONS
    "   UNION ALL SELECT min(f.time_ns) FROM faults f JOIN fault_kinds k ON k.code = f.kind"
    "     WHERE f.node = o.node AND f.seq > o.seq AND k.name IN ('crash', 'kill', 'torn-tail', 'exit'))) AS until_ms"
    " FROM observations o JOIN nodes n ON n.id = o.node JOIN observation_types e ON e.code = o.type"
    " WHERE e.name = 'established' AND o.type NOT IN " TRANSACTION_OBSERVATIONS " ORDER BY o.seq",
    "CREATE VIEW v_faults AS SELECT f.time_ns / 1e6 AS time_ms, k.name AS fault, n.name AS node, p.name AS peer, "
    "f.detail,"
    " f.seq FROM faults f JOIN fault_kinds k ON k.code = f.kind LEFT JOIN nodes n ON n.id = f.node"
    " LEFT JOIN nodes p ON p.id = f.peer",
    /* quorum packets start with their type; client frames with length, xid and, in requests, opcode (0 and -1: handshakes
     * and notifications) */
    "CREATE VIEW v_messages AS SELECT m.sent_ns / 1e6 AS sent_ms, m.delivered_ns / 1e6 AS delivered_ms,"
    " (m.delivered_ns - m.sent_ns) / 1e6 AS latency_ms, a.name AS sender, b.name AS receiver, c.name AS channel,"
    " CASE c.name WHEN 'quorum' THEN coalesce(q.name, '')"
    "  WHEN 'election' THEN 'vote' WHEN 'commit' THEN coalesce(y.name, '')"
    "  ELSE CASE hex(substr(m.octets, 5, 4)) WHEN '00000000' THEN 'connect' WHEN 'FFFFFFFF' THEN 'notification'"
    "   WHEN 'FFFFFFFE' THEN 'ping' ELSE CASE WHEN a.is_server THEN 'reply' ELSE coalesce(r.name, 'request') END END "
    "END"
    " AS message, m.connection, length(m.octets) AS length, hex(m.octets) AS octets, m.seq"
    " FROM messages m JOIN nodes a ON a.id = m.sender JOIN nodes b ON b.id = m.receiver"
    " JOIN channels c ON c.code = m.channel"
    " LEFT JOIN packet_types q ON c.name = 'quorum' AND hex(substr(m.octets, 1, 4)) = printf('%08X', q.code)"
    " LEFT JOIN commit_message_types y ON c.name = 'commit' AND hex(substr(m.octets, 5, 4)) = printf('%08X', y.code)"
    " LEFT JOIN opcodes r ON c.name = 'client' AND NOT a.is_server"
    "  AND hex(substr(m.octets, 9, 4)) = printf('%08X', r.code & 0xffffffff)",
    "CREATE VIEW v_disk AS SELECT d.started_ns / 1e6 AS started_ms, d.finished_ns / 1e6 AS finished_ms, n.name AS node,"
    " o.name AS operation, k.name || CASE WHEN d.file_kind < 2 OR d.file_kind = 5 THEN printf('.%llx', d.file_zxid) "
    "ELSE '' END AS file,"
    " d.octets, r.name AS result, d.seq FROM disk_operations d JOIN nodes n ON n.id = d.node"
    " JOIN disk_operation_names o ON o.code = d.operation JOIN file_kinds k ON k.code = d.file_kind"
    " JOIN disk_results r ON r.code = d.result",
    "CREATE VIEW v_verdicts AS SELECT v.guarantee, n.name AS verdict, v.checked, v.explanation FROM verdicts v"
    " JOIN verdict_names n ON n.code = v.verdict",
    /* everything but messages and disks, in order */
    "CREATE VIEW v_timeline AS"
    " SELECT seq, time_ms, coalesce(node, '') AS node, 'fault' AS what, fault || coalesce(' ' || peer, '') ||"
    "  coalesce(' (' || detail || ')', '') AS text FROM v_faults"
    " UNION ALL SELECT seq, time_ms, node, 'observation', observation || ' ' || value0 ||"
    "  CASE WHEN meaning LIKE '%,%' THEN ' ' || value1 ELSE '' END ||"
    "  CASE WHEN meaning LIKE '%,%,%' THEN ' ' || value2 ELSE '' END FROM v_observations"
    " UNION ALL SELECT seq, time_ms, client, 'session', state || coalesce(' ' || server, '') || ' ' || session"
    "  FROM v_session_changes"
    " UNION ALL SELECT seq, time_ms, client, 'watch', type || ' ' || path FROM v_watch_events"
    " UNION ALL SELECT o.invoked_seq, v.invoked_ms, v.client, 'call', v.operation || coalesce(' ' || v.path, '') ||"
    "  coalesce(' = ' || v.data, '') FROM operations o JOIN v_operations v ON v.id = o.id WHERE o.parent IS NULL"
    " UNION ALL SELECT o.returned_seq, v.returned_ms, v.client, 'return', v.operation || coalesce(' ' || v.path, '') ||"
    "  ' ' || v.outcome || CASE v.error WHEN 'OK' THEN '' ELSE ' ' || v.error END ||"
    "  coalesce(' = ' || v.result_data, '') || ' ' || v.zxid"
    "  FROM operations o JOIN v_operations v ON v.id = o.id WHERE o.parent IS NULL AND o.returned_ns IS NOT NULL"
    " ORDER BY 1",
    /* Watches a client left on data that another operation changed later, while their session lived on, and that never
     * fired.  A hint for people; the guarantee no-lost-watch judges. */
    "CREATE VIEW v_lost_watches AS SELECT r.id AS set_by, c.name AS client, r.path, r.returned_ns / 1e6 AS set_ms,"
    " w.id AS missed, w.returned_ns / 1e6 AS changed_ms, printf('0x%llx', w.zxid) AS changed_zxid"
    " FROM operations r JOIN nodes c ON c.id = r.client"
    " JOIN operations w ON w.id = (SELECT min(x.id) FROM operations x WHERE x.path = r.path AND x.outcome = 1"
    "   AND x.parent IS NULL AND x.opcode IN (1, 2, 5, 15) AND x.zxid > r.zxid AND x.invoked_seq > r.returned_seq)"
    " WHERE r.watch = 1 AND r.outcome = 1 AND r.opcode IN (3, 4)"
    " AND NOT EXISTS (SELECT 1 FROM watch_events e WHERE e.client = r.client AND e.path = r.path AND e.seq > "
    "r.invoked_seq)"
    " AND EXISTS (SELECT 1 FROM operations l WHERE l.client = r.client AND l.session = r.session AND l.outcome = 1"
    "   AND l.zxid >= w.zxid AND l.returned_seq > w.returned_seq)",
    NULL,
};

const char *const store_schema_indices[] = {
    "CREATE INDEX operations_by_path ON operations (path, zxid)",
    "CREATE INDEX operations_by_parent ON operations (parent) WHERE parent IS NOT NULL",
    "CREATE INDEX watch_events_by_client ON watch_events (client, path)",
    "CREATE INDEX session_changes_by_session ON session_changes (session)",
    /* the many that are about single transactions stay out: sorting them would cost more than it ever saves */
    "CREATE INDEX observations_by_type ON observations (type, node) WHERE type NOT IN " TRANSACTION_OBSERVATIONS,
    "CREATE INDEX faults_by_kind ON faults (kind)",
    NULL,
};

/* ---- the names ------------------------------------------------------------------------------------------------ */

typedef const char *(name_function)(int32_t);

static int insert_name(sqlite3 *database, const char *table, int32_t code, const char *name, const char *meaning)
{
    char *sql = meaning == NULL ? sqlite3_mprintf("INSERT INTO %s VALUES (%d, %Q)", table, code, name)
                                : sqlite3_mprintf("INSERT INTO %s VALUES (%d, %Q, %Q)", table, code, name, meaning);
    if (sql == NULL) {
        return SQLITE_NOMEM;
    }
    int code_of_sqlite = sqlite3_exec(database, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return code_of_sqlite;
}

/* All numbers in a range that have a name. */
static int fill(sqlite3 *database, const char *table, name_function *name, int32_t least, int32_t most)
{
    for (int32_t code = least; code <= most; code++) {
        const char *text = name(code);
        int result = text == NULL ? SQLITE_OK : insert_name(database, table, code, text, NULL);
        if (result != SQLITE_OK) {
            return result;
        }
    }
    return SQLITE_OK;
}

static int fill_observation_types(sqlite3 *database)
{
    int result = SQLITE_OK;
    for (int32_t type = 0; type < OBSERVATION_COUNT && result == SQLITE_OK; type++) {
        const char *name = observation_name((enum observation_type)type);
        result = insert_name(database, "observation_types", type, name, observation_values(type));
    }
    return result;
}

static int fill_fault_kinds(sqlite3 *database)
{
    int result = SQLITE_OK;
    for (int32_t kind = 0; kind < FAULT_KIND_COUNT && result == SQLITE_OK; kind++) {
        const struct fault_info *info = fault_info((enum fault_kind)kind);
        result = insert_name(database, "fault_kinds", kind, info->name, info->description);
    }
    return result;
}

static const char *commit_type_name(int32_t type)
{
    return commit_message_name((uint32_t)type);
}

int store_schema_fill_names(sqlite3 *database)
{
    static const struct {
        const char *table;
        name_function *name;
        int32_t least, most;
    } ranges[] = {
        {"outcomes", outcome_name, 0, 9},
        {"levels", record_level_name, 0, 9},
        {"verdict_names", record_verdict_name, 0, 9},
        {"session_states", session_state_name, 0, 9},
        {"channels", channel_name, 0, 9},
        {"disk_operation_names", disk_operation_name, 0, 20},
        {"file_kinds", file_kind_name, 0, 9},
        {"disk_results", disk_result_name, 0, 9},
        {"opcodes", opcode_name, -20, 110},
        {"errors", zk_error_name, -130, 0},
        {"event_types", event_type_name, -1, 9},
        {"packet_types", packet_type_name, 0, 30},
        {"commit_message_types", commit_type_name, 0, 20},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ranges); i++) {
        int result = fill(database, ranges[i].table, ranges[i].name, ranges[i].least, ranges[i].most);
        if (result != SQLITE_OK) {
            return result;
        }
    }
    int result = fill_observation_types(database);
    return result == SQLITE_OK ? fill_fault_kinds(database) : result;
}
