/* What clients see in scenarios, beyond the guarantees. */
#include <glib.h>

#include "checker/guarantee.h"
#include "protocol/node.h"
#include "protocol/wire/op.h"
#include "sim/simulation.h"
#include "tests/test.h"

static struct record *simulate(const char *path, uint64_t seed)
{
    static const char *guarantees[GUARANTEE_COUNT + 1];
    static const struct scenario_vocabulary words = {guarantees};
    for (int i = 0; i < GUARANTEE_COUNT; i++) {
        guarantees[i] = guarantee_info((enum guarantee_id)i)->name;
    }
    GError *error = NULL;
    struct scenario *scenario = scenario_load(path, seed, &words, &error);
    CU_ASSERT_FATAL(scenario != NULL);
    struct record *record = record_new();
    struct simulation_options options = {.seed = seed, .level = RECORD_OPS};
    CU_ASSERT_FATAL(simulation_run(scenario, &options, record, &error));
    scenario_free(scenario);
    return record;
}

static const struct operation_row *operation_at(const struct record *record, guint index)
{
    return &g_array_index(record->operations, struct operation_row, index);
}

/* Of the clients of guarded.scn, nodes after its five servers, the first three are members. */
static bool is_member(const struct operation_row *row)
{
    return row->client < 5 + 3;
}

static void a_password_is_said_again_at_every_server(void)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct record *record = simulate("scenarios/guarded.scn", seed);
        guint let_in = 0, kept_out = 0, wrong = 0;
        for (guint i = 0; i < record->operations->len; i++) {
            const struct operation_row *row = operation_at(record, i);
            bool is_access = row->opcode == OP_GET_DATA || row->opcode == OP_SET_DATA;
            bool is_refused = row->outcome == OUTCOME_FAILED && row->error == ZNOAUTH;
            bool is_granted =
                row->outcome == OUTCOME_OK || (row->outcome == OUTCOME_FAILED && row->error == ZBADVERSION);
            let_in += is_access && is_granted && is_member(row) ? 1 : 0;
            kept_out += is_access && is_refused && !is_member(row) ? 1 : 0;
            wrong += is_access && (is_member(row) ? is_refused : is_granted) ? 1 : 0;
        }
        CHECK(let_in > 300);
        CHECK(kept_out > 300);
        CHECK_INT(wrong, 0);
        record_free(record);
    }
}

/* The same session, connected at one server and then at another, without an end between. */
static void a_session_is_resumed_at_another_server(void)
{
    struct record *record = simulate("scenarios/moving-clients.scn", 1);
    GHashTable *servers = g_hash_table_new(g_int64_hash, g_int64_equal);
    guint moved = 0;
    for (guint i = 0; i < record->sessions->len; i++) {
        struct session_row *row = &g_array_index(record->sessions, struct session_row, i);
        if (row->state == SESSION_CONNECTED) {
            gpointer before = g_hash_table_lookup(servers, &row->session);
            moved += before != NULL && GPOINTER_TO_INT(before) != row->server + 1 ? 1 : 0;
            g_hash_table_insert(servers, &row->session, GINT_TO_POINTER(row->server + 1));
        } else if (row->state == SESSION_EXPIRED || row->state == SESSION_CLOSED) {
            g_hash_table_remove(servers, &row->session);
        }
    }
    CHECK(moved > 5);
    g_hash_table_destroy(servers);
    record_free(record);
}

struct read_only_count {
    GHashTable *sessions; /* those of servers without a quorum */
    guint reads, refused, granted;
};

static void count_read_only(const struct record *record, struct read_only_count *count)
{
    for (guint i = 0; i < record->operations->len; i++) {
        const struct operation_row *row = operation_at(record, i);
        if (!g_hash_table_contains(count->sessions, &row->session)) {
            continue;
        }
        bool writes = row->opcode == OP_SET_DATA || row->opcode == OP_CREATE || row->opcode == OP_DELETE;
        count->reads += !writes && row->outcome == OUTCOME_OK ? 1 : 0;
        count->refused += writes && row->outcome == OUTCOME_FAILED && row->error == ZNOTREADONLY ? 1 : 0;
        count->granted += writes && row->outcome == OUTCOME_OK ? 1 : 0;
    }
}

/* Server 1 is alone until 35 s; from 20 s on the clients reach the others. */
static void a_read_only_client_goes_on_where_there_is_a_quorum(void)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct record *record = simulate("scenarios/read-only.scn", seed);
        struct read_only_count count = {.sessions = g_hash_table_new(g_int64_hash, g_int64_equal)};
        bool is_read_only[16] = {false};
        guint found = 0;
        for (guint i = 0; i < record->sessions->len; i++) {
            struct session_row *row = &g_array_index(record->sessions, struct session_row, i);
            CU_ASSERT_FATAL(row->client < 16);
            if (row->state == SESSION_CONNECTED_READ_ONLY) {
                is_read_only[row->client] = true;
                g_hash_table_add(count.sessions, &row->session);
            } else if (row->state == SESSION_CONNECTED && is_read_only[row->client]) {
                found += row->time_ns > 20 * INT64_C(1000000000) && row->time_ns < 35 * INT64_C(1000000000) ? 1 : 0;
                CHECK(!g_hash_table_contains(count.sessions, &row->session));
            }
        }
        count_read_only(record, &count);
        CHECK_INT(g_hash_table_size(count.sessions), 2);
        CHECK_INT(found, 2);
        CHECK(count.reads > 20);
        CHECK(count.refused > 20);
        CHECK_INT(count.granted, 0);
        g_hash_table_destroy(count.sessions);
        record_free(record);
    }
}

static const struct test_case cases[] = {
    {"a password is said again at every server", a_password_is_said_again_at_every_server},
    {"a session is resumed at another server", a_session_is_resumed_at_another_server},
    {"a read-only client goes on where there is a quorum", a_read_only_client_goes_on_where_there_is_a_quorum},
    {NULL, NULL},
};

const struct test_suite test_suite_client_scenarios = {"client-scenarios", cases};
