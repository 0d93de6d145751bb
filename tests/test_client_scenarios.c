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

static const struct test_case cases[] = {
    {"a password is said again at every server", a_password_is_said_again_at_every_server},
    {"a session is resumed at another server", a_session_is_resumed_at_another_server},
    {NULL, NULL},
};

const struct test_suite test_suite_client_scenarios = {"client-scenarios", cases};
