#include "protocol/base/ensure.h"
#include "protocol/node_internal.h"
#include "protocol/outputs.h"

/* The octets of an input that a node may have to keep.  Not a disk's: what is loaded from it replaces what is there. */
static uint64_t input_size(const struct input *input)
{
    switch (input->type) {
    case INPUT_RECEIVED:
        return bytes_size(input->received.octets);
    case INPUT_REQUEST:
        return bytes_size(input->request.body);
    case INPUT_BOOT:
    case INPUT_ACCEPTED:
    case INPUT_CONNECTED:
    case INPUT_DISCONNECTED:
    case INPUT_DEADLINE:
    case INPUT_DISK_DONE:
    case INPUT_TASK:
        return 0;
    }
    ensure(false && "a known input");
    return 0;
}

static bool has_room(const struct node *node, const struct input *input)
{
    return arena_room(node->arena) >= node->reserve + NODE_RESERVE_PER_OCTET * input_size(input);
}

void node_step(struct node *node, const struct input *input, struct outputs *outputs)
{
    if (__builtin_expect(!has_room(node, input), 0)) {
        outputs_observe(outputs, (struct observation){OBSERVE_CAPACITY, {(int64_t)node->arena->used}});
        outputs_exit(outputs, EXIT_CAPACITY);
        return;
    }
    node->behaviour->step(node, input, outputs);
}

enum node_kind node_kind(const struct node *node)
{
    return node->behaviour->kind;
}

uint32_t node_tasks(const struct node *node)
{
    return node->behaviour->tasks(node);
}

struct deadline node_next_deadline(const struct node *node)
{
    return node->behaviour->next_deadline(node);
}

size_t node_deadlines(const struct node *node, struct deadline *deadlines, size_t capacity)
{
    return node->behaviour->deadlines(node, deadlines, capacity);
}

uint64_t node_digest(const struct node *node)
{
    return node->behaviour->digest(node);
}
