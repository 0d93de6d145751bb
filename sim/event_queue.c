#include "sim/event_queue.h"

#include "protocol/base/ensure.h"
#include "sim/grow.h"

#define SOURCE_MASK (EVENT_SOURCES_MAX - 1)
#define FIRST_CAPACITY 64U
#define STALE_MIN 64U

__extension__ typedef unsigned __int128 wide;

static wide order_of(const struct event_entry *entry)
{
    return (wide)entry->at << 64 | entry->key;
}

static bool is_live(const struct event_queue *queue, const struct event_entry *entry)
{
    return queue->live[entry->key & SOURCE_MASK] == entry->key;
}

void event_queue_init(struct event_queue *queue, struct arena *arena)
{
    *queue = (struct event_queue){.arena = arena};
}

static void reserve_source(struct event_queue *queue, uint32_t source)
{
    ensure(source < EVENT_SOURCES_MAX);
    size_t wanted = queue->source_capacity == 0 ? FIRST_CAPACITY : queue->source_capacity;
    while (wanted <= source) {
        wanted *= 2;
    }
    size_t width = sizeof queue->live[0];
    queue->live = grow_block(queue->arena, queue->live, queue->source_capacity * width, wanted * width);
    queue->source_capacity = wanted;
}

static void reserve_entry(struct event_queue *queue)
{
    size_t wanted = queue->capacity == 0 ? FIRST_CAPACITY : queue->capacity * 2;
    size_t width = sizeof queue->heap[0];
    queue->heap = grow_block(queue->arena, queue->heap, queue->capacity * width, wanted * width);
    queue->capacity = wanted;
}

/* Puts the entry at `hole` or above. */
static void rise(struct event_entry *heap, size_t hole, struct event_entry entry)
{
    wide order = order_of(&entry);
    while (hole > 0) {
        size_t parent = (hole - 1) / 4;
        if (order_of(&heap[parent]) < order) {
            break;
        }
        heap[hole] = heap[parent];
        hole = parent;
    }
    heap[hole] = entry;
}

static size_t least_of_four(const struct event_entry *heap, size_t first)
{
    size_t left = order_of(&heap[first + 1]) < order_of(&heap[first]) ? first + 1 : first;
    size_t right = order_of(&heap[first + 3]) < order_of(&heap[first + 2]) ? first + 3 : first + 2;
    return order_of(&heap[right]) < order_of(&heap[left]) ? right : left;
}

static size_t least_child(const struct event_entry *heap, size_t first, size_t count)
{
    size_t least = first;
    for (size_t i = first + 1; i < count; i++) {
        if (order_of(&heap[i]) < order_of(&heap[least])) {
            least = i;
        }
    }
    return least;
}

/* The hole sinks to a leaf without looking at the last entry, which then rises from there: it came from a leaf and will not rise far. */
static void remove_top(struct event_queue *queue)
{
    struct event_entry *heap = queue->heap;
    size_t count = --queue->count;
    struct event_entry last = heap[count];
    size_t hole = 0;
    size_t child = 1;
    while (child + 4 <= count) {
        size_t least = least_of_four(heap, child);
        heap[hole] = heap[least];
        hole = least;
        child = hole * 4 + 1;
    }
    if (child < count) {
        size_t least = least_child(heap, child, count);
        heap[hole] = heap[least];
        hole = least;
    }
    if (count > 0) {
        rise(heap, hole, last);
    }
}

/* Puts the entry at the top or below. */
static void sink(struct event_entry *heap, size_t count, struct event_entry entry)
{
    wide order = order_of(&entry);
    size_t hole = 0;
    size_t child = 1;
    while (child < count) {
        size_t least = child + 4 <= count ? least_of_four(heap, child) : least_child(heap, child, count);
        if (order < order_of(&heap[least])) {
            break;
        }
        heap[hole] = heap[least];
        hole = least;
        child = hole * 4 + 1;
    }
    heap[hole] = entry;
}

static void fill_vacancy(struct event_queue *queue)
{
    if (queue->vacant) {
        queue->vacant = false;
        remove_top(queue);
    }
}

/* Rebuilds the heap from its live entries.  The order among them is total, so the result pops as before. */
static void drop_stale(struct event_queue *queue)
{
    struct event_entry *heap = queue->heap;
    size_t count = 0;
    for (size_t i = 0; i < queue->count; i++) {
        if (is_live(queue, &heap[i])) {
            struct event_entry entry = heap[i];
            rise(heap, count++, entry);
        }
    }
    queue->count = count;
}

void event_queue_set(struct event_queue *queue, uint32_t source, instant_ns at)
{
    if (source >= queue->source_capacity) {
        reserve_source(queue, source);
    }
    queue->live_count += queue->live[source] == 0;
    struct event_entry entry = {++queue->sequence << EVENT_SOURCE_BITS | source, at};
    queue->live[source] = entry.key;
    if (queue->vacant) {
        queue->vacant = false;
        sink(queue->heap, queue->count, entry);
        return;
    }
    if (queue->count == queue->capacity) {
        if (queue->count > queue->live_count * 2 + STALE_MIN) {
            drop_stale(queue);
        } else {
            reserve_entry(queue);
        }
    }
    rise(queue->heap, queue->count++, entry);
}

void event_queue_clear(struct event_queue *queue, uint32_t source)
{
    if (event_queue_is_set(queue, source)) {
        queue->live[source] = 0;
        queue->live_count--;
    }
}

bool event_queue_is_set(const struct event_queue *queue, uint32_t source)
{
    return source < queue->source_capacity && queue->live[source] != 0;
}

static void drop_stale_top(struct event_queue *queue)
{
    fill_vacancy(queue);
    while (queue->count > 0 && !is_live(queue, &queue->heap[0])) {
        remove_top(queue);
    }
}

instant_ns event_queue_next_time(struct event_queue *queue)
{
    drop_stale_top(queue);
    return queue->count == 0 ? INSTANT_NEVER : queue->heap[0].at;
}

uint32_t event_queue_pop(struct event_queue *queue, instant_ns *at)
{
    drop_stale_top(queue);
    if (queue->count == 0) {
        return EVENT_SOURCE_NONE;
    }
    uint32_t source = (uint32_t)(queue->heap[0].key & SOURCE_MASK);
    *at = queue->heap[0].at;
    queue->live[source] = 0;
    queue->live_count--;
    queue->vacant = true;
    return source;
}
