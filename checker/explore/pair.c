#include "checker/explore/pair.h"

#include <string.h>

#include "protocol/base/ensure.h"

/* ---- as words ---- */

uint32_t pair_encode(const struct pair *pair, uint32_t *words)
{
    uint32_t *next = words;
    *next++ = pair->count;
    for (uint32_t i = 0; i < pair->count; i++) {
        const struct pair_connection *of = &pair->connections[i];
        *next++ = (uint32_t)of->dialer | (uint32_t)of->channel << 8 | (uint32_t)of->state[0] << 16 |
                  (uint32_t)of->state[1] << 24;
        *next++ = of->conn[0];
        *next++ = of->conn[1];
        *next++ = of->count[0] | of->count[1] << 16;
        for (unsigned link = 0; link < 2; link++) {
            memcpy(next, of->segments[link], of->count[link] * sizeof *next);
            next += of->count[link];
        }
    }
    return (uint32_t)(next - words);
}

void pair_decode(struct pair *pair, const uint32_t *words, uint32_t count)
{
    const uint32_t *next = words;
    pair->overflow = false;
    pair->count = *next++;
    for (uint32_t i = 0; i < pair->count; i++) {
        struct pair_connection *of = &pair->connections[i];
        of->dialer = (uint8_t)next[0];
        of->channel = (uint8_t)(next[0] >> 8);
        of->state[0] = (uint8_t)(next[0] >> 16);
        of->state[1] = (uint8_t)(next[0] >> 24);
        of->conn[0] = next[1];
        of->conn[1] = next[2];
        of->count[0] = next[3] & 0xffffU;
        of->count[1] = next[3] >> 16;
        next += 4;
        for (unsigned link = 0; link < 2; link++) {
            memcpy(of->segments[link], next, of->count[link] * sizeof *next);
            next += of->count[link];
        }
    }
    ensure(next == words + count);
}

/* ---- links and ends ---- */

static bool lives(uint8_t state)
{
    return state == END_OPENING || state == END_UP;
}

static unsigned end_of_side(const struct pair_connection *of, unsigned side)
{
    return of->dialer == side ? 0 : 1;
}

static void append(struct pair *pair, struct pair_connection *of, unsigned link, uint32_t segment)
{
    if (of->count[link] == PAIR_SEGMENTS_MAX) {
        pair->overflow = true;
        return;
    }
    of->segments[link][of->count[link]++] = segment;
}

static uint32_t take(struct pair_connection *of, unsigned link)
{
    ensure(of->count[link] > 0);
    uint32_t segment = of->segments[link][0];
    of->count[link]--;
    memmove(of->segments[link], of->segments[link] + 1, of->count[link] * sizeof segment);
    return segment;
}

static void end_with(struct pair_connection *of, unsigned end, enum end_state state)
{
    of->conn[end] = CONN_NONE;
    of->state[end] = (uint8_t)state;
    if (state == END_CLOSED) {
        of->count[1 - end] = 0;
    }
}

static bool is_over(const struct pair_connection *of)
{
    bool may_be_accepted = of->state[1] == END_NONE && of->count[0] > 0;
    return !lives(of->state[0]) && !lives(of->state[1]) && !may_be_accepted;
}

static void forget_if_over(struct pair *pair, uint32_t position)
{
    if (is_over(&pair->connections[position])) {
        pair->count--;
        memmove(&pair->connections[position], &pair->connections[position + 1],
                (pair->count - position) * sizeof pair->connections[0]);
    }
}

static void close_end(struct pair *pair, uint32_t position, unsigned end)
{
    struct pair_connection *of = &pair->connections[position];
    bool was_accepted = of->state[1] != END_NONE;
    end_with(of, end, END_CLOSED);
    if (end == 0 && !was_accepted) {
        of->count[0] = 0;
    } else if (of->state[1 - end] != END_CLOSED) {
        append(pair, of, end, PAIR_SEGMENT_CLOSE);
    }
    forget_if_over(pair, position);
}

static uint32_t find(struct pair *pair, unsigned side, conn_id conn)
{
    for (uint32_t i = 0; i < pair->count; i++) {
        const struct pair_connection *of = &pair->connections[i];
        if (of->conn[end_of_side(of, side)] == conn) {
            return i;
        }
    }
    ensure(false && "a node names a connection it has");
    return 0;
}

/* ---- what a node does ---- */

static bool stands_before(const struct pair_connection *of, uint8_t dialer, uint8_t channel)
{
    return of->dialer < dialer || (of->dialer == dialer && of->channel <= channel);
}

static void dial(struct pair *pair, const struct pair_deed *deed)
{
    if (pair->count == PAIR_CONNECTIONS_MAX) {
        pair->overflow = true;
        return;
    }
    uint32_t at = pair->count++;
    while (at > 0 && !stands_before(&pair->connections[at - 1], deed->side, (uint8_t)deed->channel)) {
        pair->connections[at] = pair->connections[at - 1];
        at--;
    }
    struct pair_connection *of = &pair->connections[at];
    *of = (struct pair_connection){
        .dialer = deed->side,
        .channel = (uint8_t)deed->channel,
        .state = {END_OPENING, END_NONE},
        .conn = {deed->conn, CONN_NONE},
    };
    append(pair, of, 0, PAIR_SEGMENT_OPEN);
}

static void send(struct pair *pair, const struct pair_deed *deed)
{
    struct pair_connection *of = &pair->connections[find(pair, deed->side, deed->conn)];
    unsigned end = end_of_side(of, deed->side);
    if (of->state[1 - end] != END_CLOSED) {
        append(pair, of, end, deed->segment);
    }
}

static void crash(struct pair *pair, unsigned side)
{
    for (uint32_t i = pair->count; i-- > 0;) {
        const struct pair_connection *of = &pair->connections[i];
        unsigned end = end_of_side(of, side);
        if (lives(of->state[end])) {
            close_end(pair, i, end);
        }
    }
}

/* What it sent across a cut is never sent again, and if that was the news of a close its peer finds out only by sending something. */
static void vanish(struct pair_connection *of, unsigned end, bool cut)
{
    bool told_nothing = false;
    if (cut) {
        told_nothing = of->count[end] > 0;
        of->count[end] = 0;
    }
    if (lives(of->state[end]) || (of->state[end] == END_CLOSED && told_nothing)) {
        end_with(of, end, END_GONE);
    }
}

static void kill(struct pair *pair, unsigned side, bool cut)
{
    for (uint32_t i = pair->count; i-- > 0;) {
        struct pair_connection *of = &pair->connections[i];
        vanish(of, end_of_side(of, side), cut);
        forget_if_over(pair, i);
    }
}

/* ---- what the network does ---- */

static void arrive(struct pair *pair, uint32_t position, unsigned link)
{
    struct pair_connection *of = &pair->connections[position];
    unsigned end = 1 - link;
    uint32_t segment = take(of, link);
    switch ((enum end_state)of->state[end]) {
    case END_OPENING:
    case END_UP:
        if (segment == PAIR_SEGMENT_CLOSE) {
            end_with(of, end, END_CLOSED);
            forget_if_over(pair, position);
        } else if (segment == PAIR_SEGMENT_OPEN) {
            of->state[end] = END_UP;
        }
        break;
    case END_GONE:
        end_with(of, end, END_CLOSED);
        /* a close that is not the peer's own comes from a reset */
        if (segment != PAIR_SEGMENT_CLOSE || lives(of->state[link])) {
            append(pair, of, end, PAIR_SEGMENT_CLOSE);
        }
        forget_if_over(pair, position);
        break;
    case END_NONE:
    case END_CLOSED:
        break;
    }
}

static void accept_dialed(struct pair *pair, struct pair_connection *of, conn_id conn)
{
    take(of, 0);
    of->conn[1] = conn;
    of->state[1] = END_UP;
    append(pair, of, 1, PAIR_SEGMENT_OPEN);
}

static void refuse(struct pair *pair, struct pair_connection *of)
{
    take(of, 0);
    of->state[1] = END_CLOSED;
    append(pair, of, 1, PAIR_SEGMENT_CLOSE);
}

static void reset(struct pair *pair, uint32_t position)
{
    struct pair_connection *of = &pair->connections[position];
    of->count[0] = of->count[1] = 0;
    if (of->state[1] == END_NONE) {
        of->state[1] = END_CLOSED;
    }
    for (unsigned end = 0; end < 2; end++) {
        if (lives(of->state[end])) {
            append(pair, of, 1 - end, PAIR_SEGMENT_CLOSE);
        }
    }
    forget_if_over(pair, position);
}

void pair_perform(struct pair *pair, const struct pair_deed *deed)
{
    switch ((enum pair_action)deed->action) {
    case PAIR_DIAL:
        dial(pair, deed);
        break;
    case PAIR_SEND:
        send(pair, deed);
        break;
    case PAIR_CLOSE: {
        uint32_t position = find(pair, deed->side, deed->conn);
        close_end(pair, position, end_of_side(&pair->connections[position], deed->side));
        break;
    }
    case PAIR_CRASH:
        crash(pair, deed->side);
        break;
    case PAIR_KILL:
        kill(pair, deed->side, false);
        break;
    case PAIR_KILL_CUT:
        kill(pair, deed->side, true);
        break;
    case PAIR_ARRIVE:
        arrive(pair, deed->conn, deed->segment);
        break;
    case PAIR_ACCEPT:
        accept_dialed(pair, &pair->connections[deed->conn], deed->segment);
        break;
    case PAIR_REFUSE:
        refuse(pair, &pair->connections[deed->conn]);
        break;
    case PAIR_GIVE_UP:
        close_end(pair, deed->conn, 0);
        break;
    case PAIR_RESET:
        reset(pair, deed->conn);
        break;
    }
}

/* ---- questions ---- */

static uint8_t arrival_kind(uint8_t state, uint32_t segment)
{
    if (state == END_CLOSED || state == END_GONE) {
        return ARRIVAL_NOTHING;
    }
    if (segment == PAIR_SEGMENT_CLOSE) {
        return ARRIVAL_DISCONNECTED;
    }
    if (segment == PAIR_SEGMENT_OPEN) {
        return state == END_NONE ? ARRIVAL_OPEN : ARRIVAL_CONNECTED;
    }
    return ARRIVAL_OCTETS;
}

bool pair_arrival(const struct pair *pair, uint32_t position, unsigned link, struct arrival *arrival)
{
    const struct pair_connection *of = &pair->connections[position];
    if (of->count[link] == 0) {
        return false;
    }
    uint32_t segment = of->segments[link][0];
    unsigned end = 1 - link;
    *arrival = (struct arrival){
        .kind = arrival_kind(of->state[end], segment),
        .position = (uint8_t)position,
        .link = (uint8_t)link,
        .to = (uint8_t)pair_side_of_end(of, end),
        .channel = of->channel,
        .conn = of->conn[end],
        .message = segment,
    };
    return true;
}

uint32_t pair_ordinal(const struct pair *pair, uint32_t position)
{
    uint32_t ordinal = 0;
    for (uint32_t i = 0; i < position; i++) {
        ordinal += pair->connections[i].dialer == pair->connections[position].dialer &&
                   pair->connections[i].channel == pair->connections[position].channel;
    }
    return ordinal;
}
