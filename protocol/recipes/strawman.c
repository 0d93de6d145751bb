#include "protocol/recipes/strawman.h"

#include <string.h>

#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/node_internal.h"
#include "protocol/outputs.h"

#define CONN_BACKUP (CONN_DIALED | 1U)
#define RESERVE_OCTETS 256U

enum line_state {
    LINE_DOWN,
    LINE_DIALING,
    LINE_UP,
};

struct strawman {
    struct node node;
    struct strawman_config config;
    enum line_state line; /* of the primary */
    bool leads;
    bool is_armed;
    instant_ns at; /* next heartbeat; the end of the backup's patience */
};

static bool is_primary(const struct strawman *self)
{
    return self->config.setting.number == 0;
}

static void arm(struct strawman *self, instant_ns now)
{
    enum recipe_parameter after = is_primary(self) ? RECIPE_HOLD : RECIPE_THINK;
    self->is_armed = !self->leads || is_primary(self);
    self->at = now + (duration_ns)self->config.setting.parameter[after];
}

static void lead(struct strawman *self, struct outputs *outputs)
{
    self->leads = true;
    int64_t token = (int64_t)self->config.setting.number + 1;
    outputs_observe(outputs, (struct observation){OBSERVE_LEADING, {self->config.setting.group, token}});
}

static void send_heartbeat(struct strawman *self, struct outputs *outputs)
{
    if (self->line == LINE_UP) {
        struct jute_writer writer = outputs_write(outputs);
        jute_write_int32(&writer, 1);
        outputs_send(outputs, CONN_BACKUP, &writer);
    } else if (self->line == LINE_DOWN) {
        self->line = LINE_DIALING;
        outputs_open(outputs, CONN_BACKUP, CHANNEL_HEARTBEAT, self->config.peer);
    }
}

static void strawman_step(struct node *node, const struct input *input, struct outputs *outputs)
{
    struct strawman *self = (struct strawman *)node;
    switch (input->type) {
    case INPUT_BOOT:
        if (is_primary(self)) {
            lead(self, outputs);
            send_heartbeat(self, outputs);
        }
        arm(self, input->now);
        return;
    case INPUT_CONNECTED:
        self->line = LINE_UP;
        send_heartbeat(self, outputs);
        return;
    case INPUT_DISCONNECTED:
        self->line = LINE_DOWN; /* of the primary; the backup's ends mean nothing to it */
        return;
    case INPUT_ACCEPTED:
    case INPUT_RECEIVED:
        arm(self, input->now);
        return;
    case INPUT_DEADLINE:
        ensure(self->is_armed);
        if (is_primary(self)) {
            send_heartbeat(self, outputs);
        } else {
            lead(self, outputs);
        }
        arm(self, input->now);
        return;
    case INPUT_REQUEST: /* nothing can be told to it */
        return;
    case INPUT_DISK_DONE:
    case INPUT_TASK:
        break;
    }
    ensure(false && "an input for a strawman");
}

static uint32_t strawman_tasks(const struct node *node)
{
    (void)node;
    return 0;
}

static struct deadline strawman_next_deadline(const struct node *node)
{
    const struct strawman *self = (const struct strawman *)node;
    return self->is_armed ? (struct deadline){self->at, TIMER_RECIPE, 0}
                          : (struct deadline){INSTANT_NEVER, TIMER_NONE, 0};
}

static size_t strawman_deadlines(const struct node *node, struct deadline *deadlines, size_t capacity)
{
    if (capacity > 0 && ((const struct strawman *)node)->is_armed) {
        deadlines[0] = strawman_next_deadline(node);
    }
    return ((const struct strawman *)node)->is_armed ? 1 : 0;
}

static uint64_t strawman_digest(const struct node *node)
{
    const struct strawman *self = (const struct strawman *)node;
    uint64_t hash = hash_mix(HASH_START, self->config.setting.number);
    hash = hash_mix(hash, self->config.setting.group);
    hash = hash_mix(hash, (uint64_t)self->config.peer);
    hash = hash_mix(hash, (uint64_t)self->config.setting.parameter[RECIPE_HOLD]);
    hash = hash_mix(hash, (uint64_t)self->config.setting.parameter[RECIPE_THINK]);
    hash = hash_mix(hash, self->line);
    hash = hash_mix(hash, self->leads);
    return hash_finish(hash_mix(hash, self->is_armed));
}

static const struct node_behaviour strawman_behaviour = {
    .kind = NODE_CLIENT,
    .step = strawman_step,
    .tasks = strawman_tasks,
    .next_deadline = strawman_next_deadline,
    .deadlines = strawman_deadlines,
    .digest = strawman_digest,
};

struct node *strawman_create(void *region, uint64_t capacity, const struct strawman_config *config)
{
    struct arena *arena = arena_create(region, capacity);
    struct strawman *self = arena_alloc(arena, sizeof *self);
    arena->root = self;
    self->node = (struct node){.behaviour = &strawman_behaviour, .arena = arena, .reserve = RESERVE_OCTETS};
    self->config = *config;
    return &self->node;
}

static const char *const variants[] = {"heartbeat", NULL};

const struct recipe recipe_strawman = {
    .name = "strawman",
    .variants = variants,
};
