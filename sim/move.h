/* move.h -- One thing that can happen, named so that the name means the same in any world in the same logical state.
 *
 * A world_event (sim/world.h) names connections by slots and serial numbers, which depend on how a state was reached.  A move
 * names a connection by who dialed whom on which channel, and by its place among the live ones between the same two in the order of dialing.  The
 * explorer, a schedule (sim/schedule.h) and the interactive walk speak of moves.
 *
 *   kind                    node      peer       others
 *   MOVE_DELIVER            dialer    listener   channel, ordinal; back: the link from the listener to the dialer
 *   MOVE_CONNECT_TIMEOUT    dialer    listener   channel, ordinal
 *   MOVE_DEADLINE           whose                timer, subject: the deadline's
 *   MOVE_DISK               whose                subject: position in its queue
 *   MOVE_TASK               whose                subject: enum task
 *   MOVE_REQUEST            client
 *   MOVE_WAKE_UP            client               subject: tag
 *   MOVE_BOOT               whose
 *   MOVE_CRASH              whose                subject: 1 if the disk operations under way happened, 0 if none did
 *   MOVE_KILL               whose                subject: LOSS_ALL, and no operation happened; LOSS_NONE, and all did
 *   MOVE_RESET              dialer    listener   channel, ordinal: both ends learn that the connection is gone
 *   MOVE_PARTITION                               subject: mask of the nodes on one side; both ways are blocked
 *   MOVE_HEAL                                    all partitions and clogs end
 *   MOVE_PAUSE, MOVE_RESUME whose
 *   MOVE_FAIL_DISK          whose                the next of its disk operations fails: full, torn or broken, it makes nothing durable
 *
 * Those up to MOVE_BOOT are ordinary, what world_enabled() lists; the rest are faults.  In a world without time nothing here draws from
 * a random stream; a process that ends itself (OUTPUT_EXIT) leaves its disk operations undone there.
 *
 * Text:   one line (move_print(), move_parse()); `dialer -> listener` is what the dialer sent, `dialer <- listener` the way back,
 *         #1 the second of their connections on the channel:
 *           deliver server-1 -> server-2 quorum          connect-timeout client-1 -> server-3 client
 *           deliver server-1 <- server-2 quorum#1        fire server-1 session 0x100000a5
 *           disk server-1 0                              step server-1 log
 *           request client-1                             wake client-1 7
 *           boot server-3                                crash server-1 [after-disk]
 *           kill server-2 losing unsynced|nothing        reset server-1 -> server-2 quorum
 *           partition server-1 client-1 | rest           heal
 *           pause server-1                               resume server-1
 *           fail-disk server-1
 */
#ifndef SIM_MOVE_H
#define SIM_MOVE_H

#include <glib.h>

#include "sim/world.h"

enum move_kind {
    MOVE_DELIVER,
    MOVE_CONNECT_TIMEOUT,
    MOVE_DEADLINE,
    MOVE_DISK,
    MOVE_TASK,
    MOVE_REQUEST,
    MOVE_WAKE_UP,
    MOVE_BOOT,
    MOVE_CRASH,
    MOVE_KILL,
    MOVE_RESET,
    MOVE_PARTITION,
    MOVE_HEAL,
    MOVE_PAUSE,
    MOVE_RESUME,
    MOVE_FAIL_DISK,
};
#define MOVE_KIND_COUNT 16

/* Only a world of so many nodes can be partitioned by a move. */
#define MOVE_PARTITION_NODES_MAX 64U

/* What a kind does not use is zero. */
struct move {
    enum move_kind kind;
    uint32_t node, peer;
    enum channel channel;
    uint32_t ordinal;
    bool back;
    enum timer timer;
    uint64_t subject;
};

static inline bool move_is_fault(const struct move *move)
{
    return move->kind > MOVE_BOOT;
}

/* The event is one of world_enabled(). */
struct move move_of_event(const struct world *world, const struct world_event *event);

/* One that is about a connection, named by its slot. */
struct move move_of_connection(const struct world *world, enum move_kind kind, uint32_t connection);

/* The slot of the connection that the move names, or CONNECTION_NONE. */
uint32_t move_connection(const struct world *world, const struct move *move);

/* All ordinary moves, ascending by move_compare(): an order that depends only on the logical state.  Returns how many, writes at
 * most `capacity` of them. */
size_t moves_enabled(const struct world *world, struct move *moves, size_t capacity);

/* Whether move_make() would do something.  A move may name anything: it may come from a file. */
bool move_is_possible(const struct world *world, const struct move *move);

/* Makes it happen; false, and nothing changed, when it is not possible.  A fault is recorded.  Leaves world->fresh to the caller. */
bool move_make(struct world *world, const struct move *move);

/* Negative, 0, positive; by kind first. */
int move_compare(const struct move *a, const struct move *b);

static inline bool move_equal(const struct move *a, const struct move *b)
{
    return move_compare(a, b) == 0;
}

/* ---- as text (sim/move_text.c) ---- */

/* Appends one line without its end. */
void move_print(const struct world *world, const struct move *move, GString *text);

/* False with an error "FILE:LINE:COLUMN: ..." that names the nearest known word.  The move need not be possible. */
bool move_parse(const struct world *world, const char *text, struct move *move, GError **error);

/* The same for the words of a line of a larger file, from its next word to its end; false: line->failed. */
struct scenario_line;
bool move_parse_words(struct scenario_line *line, const struct world *world, struct move *move);

const char *move_kind_name(enum move_kind kind); /* "deliver" */
const char *move_timer_name(enum timer timer);   /* "leader-ping" */
const char *move_task_name(enum task task);      /* "log" */

#endif
