/* A violation found far away, told in fewer moves: moves are left out as long as the same guarantee still breaks.
 *
 * Halves, quarters and so on down to single moves are left out in turn (delta debugging); what is impossible without them is skipped.
 * The result is minimal in that no single move can be left out, unless STEPS_MAX ended it; it need not be the shortest.
 */
#include <stdlib.h>
#include <string.h>

#include "checker/explore/search_internal.h"
#include "protocol/base/ensure.h"

#define STEPS_MAX 1000000U

struct step {
    struct space_event event;
    struct move move;
    uint32_t number; /* of the event in the world where it was made */
};

struct steps {
    struct step *all;
    uint32_t count;
};

struct shortening {
    struct search *search;
    bool at_end;     /* it is the last state itself that breaks it */
    uint64_t broken; /* the guarantee that shall break */
    uint32_t made;
    struct steps best, tried, done;
    struct space_sight sight; /* of the last that broke it */
};

static bool may_be(const struct space_event *a, const struct space_event *b)
{
    return a->kind == b->kind && a->node == b->node && a->pair == b->pair && a->link == b->link &&
           a->timer == b->timer && a->subject == b->subject;
}

static bool find_event(const struct shortening *self, const uint32_t *vector, const struct step *wanted,
                       struct step *found)
{
    struct space_event events[SPACE_EVENTS_MAX];
    uint32_t count = space_events(self->search->space, vector, events);
    for (uint32_t i = 0; i < count; i++) {
        if (may_be(&events[i], &wanted->event)) {
            struct move move = space_move(self->search->space, vector, &events[i]);
            if (move_equal(&move, &wanted->move)) {
                *found = (struct step){events[i], move, i};
                return true;
            }
        }
    }
    return false;
}

/* Makes what is possible of `tried`; what was made is `done`. */
static bool still_breaks(struct shortening *self)
{
    uint32_t vector[SPACE_WIDTH_MAX];
    struct space_event events[SPACE_EVENTS_MAX];
    struct space *space = self->search->space;
    search_load_root(self->search, vector);
    self->done.count = 0;
    for (uint32_t i = 0; i < self->tried.count; i++) {
        struct step *step = &self->done.all[self->done.count];
        if (!find_event(self, vector, &self->tried.all[i], step)) {
            continue;
        }
        struct space_sight sight = {0};
        space_apply(space, vector, &step->event, &sight);
        self->done.count++;
        self->made++;
        if (!search_may_follow(&sight)) {
            self->sight = sight;
            return !self->at_end && (sight.broken & self->broken) != 0;
        }
    }
    struct space_sight sight = {0};
    if (self->at_end) {
        uint32_t count = space_events(space, vector, events);
        search_judge(self->search, vector, events, count, &sight);
        self->sight = sight;
    }
    return (sight.broken & self->broken) != 0;
}

static void take_over(struct shortening *self)
{
    struct search_violation *violation = &self->search->common->violation;
    memcpy(self->best.all, self->done.all, self->done.count * sizeof *self->done.all);
    self->best.count = self->done.count;
    violation->broken = self->sight.broken;
    memcpy(violation->explanation, self->sight.explanation, sizeof violation->explanation);
}

/* Leaves out `length` of them wherever that is possible.  True: somewhere it was. */
static bool leave_out(struct shortening *self, uint32_t length)
{
    bool any = false;
    for (uint32_t first = 0; first < self->best.count && self->made < STEPS_MAX;) {
        uint32_t end = self->best.count - first < length ? self->best.count : first + length;
        memcpy(self->tried.all, self->best.all, first * sizeof *self->tried.all);
        memcpy(self->tried.all + first, self->best.all + end, (self->best.count - end) * sizeof *self->tried.all);
        self->tried.count = self->best.count - (end - first);
        if (still_breaks(self)) {
            take_over(self);
            any = true;
        } else {
            first = end;
        }
    }
    return any;
}

static void load_steps(struct shortening *self, const uint32_t *events, uint32_t count)
{
    uint32_t vector[SPACE_WIDTH_MAX];
    struct space_event offered[SPACE_EVENTS_MAX];
    struct space *space = self->search->space;
    search_load_root(self->search, vector);
    for (uint32_t i = 0; i < count; i++) {
        struct space_sight sight = {0};
        ensure(events[i] < space_events(space, vector, offered));
        const struct space_event *event = &offered[events[i]];
        self->best.all[i] = (struct step){*event, space_move(space, vector, event), events[i]};
        space_apply(space, vector, event, &sight);
    }
    self->best.count = count;
}

void search_shorten(struct search *search, uint32_t *events, uint32_t count)
{
    struct search_violation *violation = &search->common->violation;
    struct step *room = calloc(3 * ((size_t)count + 1), sizeof *room);
    ensure(room != NULL);
    struct shortening self = {
        .search = search,
        .at_end = violation->event == UINT32_MAX,
        .broken = violation->broken & (~violation->broken + 1),
        .best = {room, 0},
        .tried = {room + count + 1, 0},
        .done = {room + 2 * ((size_t)count + 1), 0},
    };
    load_steps(&self, events, count);
    for (uint32_t length = count / 2; length > 1; length /= 2) {
        leave_out(&self, length);
    }
    while (leave_out(&self, 1)) {
    }
    for (uint32_t i = 0; i < self.best.count; i++) {
        events[i] = self.best.all[i].number;
    }
    violation->depth = self.best.count;
    free(search->path);
    search->path = events;
    search->path_length = self.best.count;
    free(room);
}
