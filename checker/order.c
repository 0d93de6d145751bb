/* Order within one session: fifo-client-order, monotonic-reads, read-your-writes; and that a session is one: session-uniqueness.
 *
 * All three compare an operation with the earlier ones of its session, in the order in which the client asked.  What the
 * earlier and the later one are decides whose promise it is:
 *
 *   earlier \ later   write                 read or sync
 *   write             fifo-client-order     read-your-writes
 *   read or sync      fifo-client-order     monotonic-reads
 */
#include <inttypes.h>

#include "checker/explain.h"
#include "protocol/wire/op.h"

struct walk {
    struct history *history;
    int32_t write; /* the operation with the greatest zxid so far, or NO_INDEX */
    int32_t own;   /* the same of acknowledged writes: what reads must show */
    int32_t read;
    int32_t answered; /* the operation answered last */
    zxid_t write_zxid;
    zxid_t own_zxid;
    zxid_t read_zxid;
};

static void explain_order(struct walk *walk, GString *story, int32_t earlier, int32_t later, zxid_t zxid)
{
    explain_operation(story, walk->history, earlier);
    explain_operation(story, walk->history, later);
    g_string_append_printf(story, "  allowed: zxid 0x%" PRIx64 " or greater, for both are of session 0x%" PRIx64 "\n",
                           (uint64_t)zxid, (uint64_t)operation_at(walk->history, later)->session);
    int32_t made = walk->history->change_made[later];
    zxid_t seen =
        made == NO_INDEX ? operation_at(walk->history, later)->zxid : change_at(walk->history, (size_t)made)->zxid;
    g_string_append_printf(story, "  seen:    0x%" PRIx64 "\n", (uint64_t)seen);
}

static void walk_write(struct walk *walk, int32_t index, zxid_t zxid)
{
    struct report *report = &walk->history->reports[GUARANTEE_FIFO_CLIENT_ORDER];
    report->checked++;
    if (walk->write != NO_INDEX && zxid < walk->write_zxid && report_violation(report)) {
        g_string_append(report->story,
                        "Two writes of one session took effect against the order in which it asked for them.\n");
        explain_order(walk, report->story, walk->write, index, walk->write_zxid);
    } else if (walk->read != NO_INDEX && zxid < walk->read_zxid && report_violation(report)) {
        g_string_append(report->story, "A write took effect before a state that its session had been shown earlier.\n");
        explain_order(walk, report->story, walk->read, index, walk->read_zxid);
    }
    if (walk->write == NO_INDEX || zxid > walk->write_zxid) {
        walk->write = index;
        walk->write_zxid = zxid;
    }
    /* one that was never answered may take effect long after the session went on reading elsewhere */
    if (operation_is_answered(operation_at(walk->history, index)) && (walk->own == NO_INDEX || zxid > walk->own_zxid)) {
        walk->own = index;
        walk->own_zxid = zxid;
    }
}

static void walk_read(struct walk *walk, int32_t index, zxid_t zxid)
{
    struct report *monotonic = &walk->history->reports[GUARANTEE_MONOTONIC_READS];
    struct report *own = &walk->history->reports[GUARANTEE_READ_YOUR_WRITES];
    monotonic->checked++;
    own->checked += walk->own != NO_INDEX;
    if (walk->read != NO_INDEX && zxid < walk->read_zxid && report_violation(monotonic)) {
        g_string_append(monotonic->story, "A session was shown an older state than it had seen before.\n");
        explain_order(walk, monotonic->story, walk->read, index, walk->read_zxid);
    }
    if (walk->own != NO_INDEX && zxid < walk->own_zxid && report_violation(own)) {
        g_string_append(own->story, "A read was answered from a state before its session's own write.\n");
        explain_order(walk, own->story, walk->own, index, walk->own_zxid);
    }
    if (walk->read == NO_INDEX || zxid > walk->read_zxid) {
        walk->read = index;
        walk->read_zxid = zxid;
    }
}

/* Answers come in the order of the requests. */
static void walk_answer(struct walk *walk, int32_t index)
{
    const struct operation_row *row = operation_at(walk->history, index);
    struct report *report = &walk->history->reports[GUARANTEE_FIFO_CLIENT_ORDER];
    if (walk->answered != NO_INDEX && operation_at(walk->history, walk->answered)->returned_seq > row->returned_seq &&
        report_violation(report)) {
        g_string_append(report->story, "Two requests of one session were answered in the wrong order.\n");
        explain_operation(report->story, walk->history, walk->answered);
        explain_operation(report->story, walk->history, index);
        g_string_append(report->story, "  allowed: answers in the order of the requests\n");
    }
    walk->answered = index;
}

static void walk_operation(struct walk *walk, int32_t index)
{
    const struct operation_row *row = operation_at(walk->history, index);
    bool answered = operation_is_answered(row) && row->xid != 0;
    if (answered) {
        walk_answer(walk, index);
    }
    if (operation_is_write(row)) {
        int32_t made = walk->history->change_made[index];
        /* one that was lost may still be refused much later, when its session has moved on */
        if (made != NO_INDEX && (answered || change_at(walk->history, (size_t)made)->effective)) {
            walk_write(walk, index, change_at(walk->history, (size_t)made)->zxid);
        }
    } else if (answered && row->zxid > 0) {
        walk_read(walk, index, row->zxid);
    }
}

/* ---- one session, one client ---------------------------------------------------------------------------------- */

static void check_opened_once(struct history *history)
{
    struct report *report = &history->reports[GUARANTEE_SESSION_UNIQUENESS];
    GHashTable *opened = g_hash_table_new(g_int64_hash, g_int64_equal);
    for (size_t i = 0; i < history->changes->len; i++) {
        const struct change *change = change_at(history, i);
        if (change->type != OP_CREATE_SESSION || change->alternate) {
            continue;
        }
        report->checked++;
        const struct change *before = g_hash_table_lookup(opened, &change->session);
        if (before == NULL) {
            g_hash_table_insert(opened, (void *)(uintptr_t)&change->session, (void *)(uintptr_t)change);
        } else if (report_violation(report)) {
            g_string_append_printf(report->story, "Session 0x%" PRIx64 " was opened twice.\n",
                                   (uint64_t)change->session);
            g_string_append(report->story, "  seen:    ");
            explain_transaction(report->story, before);
            g_string_append(report->story, "\n  seen:    ");
            explain_transaction(report->story, change);
            g_string_append(report->story, "\n  allowed: a new id for each createSession\n");
        }
    }
    g_hash_table_destroy(opened);
}

void pass_sessions(struct history *history)
{
    for (guint s = 0; s < history->sessions->len; s++) {
        const struct session_index *session = &g_array_index(history->sessions, struct session_index, s);
        struct walk walk = {
            .history = history, .write = NO_INDEX, .own = NO_INDEX, .read = NO_INDEX, .answered = NO_INDEX};
        for (size_t i = session->operation_start; i < session->operation_end; i++) {
            walk_operation(&walk, history->session_operations[i]);
        }
    }
    check_opened_once(history);
}
