#include "protocol/recipes/two_phase_commit.h"

#include "protocol/base/ensure.h"
#include "protocol/commit/commit.h"
#include "protocol/recipes/routine.h"

enum phase {
    PHASE_MAKE = 1,   /* the transaction */
    PHASE_MAKE_SITE,  /* the znode of site `at` */
    PHASE_FIND,       /* one's own znode */
    PHASE_WAIT_FOUND, /* it is not there yet */
    PHASE_VOTE,
    PHASE_LOOK, /* at the znode of site `at` */
    PHASE_WAIT,
    PHASE_ABORT_MAKE, /* for site `at`, in case the coordinator did not get so far */
    PHASE_ABORT_FOR,
    PHASE_DECIDED,
};

enum {
    TIMER_BEGIN = 1,
    TIMER_SILENCE,
};

#define TRANSACTION "tx"
#define SITE "tx/s-"
#define YES "commit"
#define NO "abort"

struct vote {
    struct routine routine;
    uint32_t at;        /* the site a phase is about */
    uint32_t yes, no;   /* masks: what the present look has found */
    uint8_t begun;      /* of the coordinator */
    uint8_t voted;      /* said so */
    uint8_t is_changed; /* something fired during the look */
    uint8_t is_late;    /* the silence was too long */
    uint8_t decided;    /* nothing more to do, in this session or another */
};

static uint32_t me(const struct recipe_step *step)
{
    return step->setting->number + 1;
}

static bool is_coordinator(const struct recipe_step *step)
{
    return step->setting->number == 0;
}

static void ask(struct recipe_step *step, int32_t opcode, uint32_t site, const char *data, bool watch)
{
    struct recipe_path path;
    struct recipe_operation operation = {
        .opcode = opcode,
        .path = site == 0 ? recipe_path(step, TRANSACTION, "", &path) : recipe_path_number(step, SITE, site, &path),
        .data = bytes_of(data),
        .version = 0,
        .watch = watch,
    };
    routine_submit(step, &operation);
}

/* A vote is given before it takes effect: what the site promises is that it can do either from here on. */
static void cast_vote(struct recipe_step *step)
{
    struct vote *vote = step->state;
    bool yes = step->setting->parameter[RECIPE_SIZE] == 0;
    if (!vote->voted) {
        vote->voted = true;
        recipe_observe(step, OBSERVE_COMMIT_VOTED, me(step), yes);
    }
    ask(step, OP_SET_DATA, me(step), yes ? YES : NO, false);
}

static void vote_enter(struct recipe_step *step, uint8_t phase)
{
    struct vote *vote = step->state;
    switch ((enum phase)phase) {
    case PHASE_MAKE:
        ask(step, OP_CREATE, 0, "", false);
        return;
    case PHASE_MAKE_SITE:
    case PHASE_ABORT_MAKE:
        ask(step, OP_CREATE, vote->at, "", false);
        return;
    case PHASE_FIND:
        ask(step, OP_EXISTS, me(step), "", true);
        return;
    case PHASE_VOTE:
        cast_vote(step);
        return;
    case PHASE_LOOK:
        ask(step, OP_GET_DATA, vote->at, "", true);
        return;
    case PHASE_ABORT_FOR:
        ask(step, OP_SET_DATA, vote->at, NO, false);
        return;
    case PHASE_WAIT_FOUND:
    case PHASE_WAIT:
    case PHASE_DECIDED:
        return;
    }
}

/* ---- what was seen ---- */

static void look_at_all(struct recipe_step *step, struct vote *vote)
{
    vote->at = 1;
    vote->yes = 0;
    vote->no = 0;
    vote->is_changed = false;
    routine_enter(step, PHASE_LOOK);
}

static void decide(struct recipe_step *step, bool commit)
{
    recipe_stop_timer(step, TIMER_SILENCE);
    ((struct vote *)step->state)->decided = true;
    recipe_observe(step, OBSERVE_COMMIT_DECIDED, me(step), commit);
    routine_enter(step, PHASE_DECIDED);
}

static uint32_t first_of(uint32_t mask)
{
    uint32_t site = 1;
    while ((mask & site_bit(site)) == 0) {
        site++;
    }
    return site;
}

static void conclude(struct recipe_step *step, struct vote *vote)
{
    uint32_t all = sites_all(step->setting->count);
    if (vote->no != 0 || vote->yes == all) {
        decide(step, vote->no == 0);
    } else if (vote->is_changed) {
        look_at_all(step, vote);
    } else if (vote->is_late) {
        vote->at = first_of(all & ~vote->yes);
        routine_enter(step, PHASE_ABORT_MAKE);
    } else {
        if (!recipe_timer_is_set(step, TIMER_SILENCE)) {
            recipe_set_timer(step, TIMER_SILENCE, (duration_ns)step->setting->parameter[RECIPE_HOLD]);
        }
        routine_enter(step, PHASE_WAIT);
    }
}

static void looked(struct recipe_step *step, struct vote *vote, const struct recipe_answer *answer)
{
    bool there = answer->error == ZOK;
    bool yes = there && bytes_equal(answer->body.data, bytes_of(YES));
    bool no = there && bytes_equal(answer->body.data, bytes_of(NO));
    vote->yes |= yes ? site_bit(vote->at) : 0;
    vote->no |= no ? site_bit(vote->at) : 0;
    if (vote->at < step->setting->count) {
        vote->at++;
        routine_enter(step, PHASE_LOOK);
    } else {
        conclude(step, vote);
    }
}

static void made_site(struct recipe_step *step, struct vote *vote)
{
    if (vote->at < step->setting->count) {
        vote->at++;
        routine_enter(step, PHASE_MAKE_SITE);
    } else {
        routine_enter(step, PHASE_VOTE);
    }
}

static void vote_done(struct recipe_step *step, uint8_t phase, const struct recipe_answer *answer)
{
    struct vote *vote = step->state;
    bool there = answer->error == ZOK || answer->error == ZNODEEXISTS;
    switch ((enum phase)phase) {
    case PHASE_MAKE:
        vote->at = 1;
        routine_enter(step, there ? PHASE_MAKE_SITE : PHASE_MAKE);
        return;
    case PHASE_MAKE_SITE:
        made_site(step, vote);
        return;
    case PHASE_FIND:
        routine_enter(step, answer->error == ZOK ? PHASE_VOTE : PHASE_WAIT_FOUND);
        return;
    case PHASE_VOTE: /* BADVERSION: it is cast already, by this site or for it; looking tells which */
        look_at_all(step, vote);
        return;
    case PHASE_LOOK:
        looked(step, vote, answer);
        return;
    case PHASE_ABORT_MAKE:
        routine_enter(step, PHASE_ABORT_FOR);
        return;
    case PHASE_ABORT_FOR:
        look_at_all(step, vote);
        return;
    case PHASE_WAIT_FOUND:
    case PHASE_WAIT:
    case PHASE_DECIDED:
        return;
    }
}

static void vote_event(struct recipe_step *step, int32_t type, struct bytes path)
{
    struct vote *vote = step->state;
    (void)type;
    (void)path;
    vote->is_changed = true;
    if (routine_is_in(step, PHASE_WAIT_FOUND)) {
        routine_enter(step, PHASE_VOTE);
    } else if (routine_is_in(step, PHASE_WAIT)) {
        look_at_all(step, vote);
    }
}

/* ---- time, and sessions that end ---- */

static void vote_begin(struct recipe_step *step)
{
    struct vote *vote = step->state;
    if (vote->decided) {
        routine_enter(step, PHASE_DECIDED);
    } else if (!is_coordinator(step)) {
        routine_enter(step, PHASE_FIND);
    } else if (vote->begun) {
        routine_enter(step, PHASE_MAKE);
    } else if (!recipe_timer_is_set(step, TIMER_BEGIN)) {
        recipe_set_timer(step, TIMER_BEGIN, (duration_ns)step->setting->parameter[RECIPE_DELAY]);
    }
}

static void vote_timer(struct recipe_step *step, uint32_t timer)
{
    struct vote *vote = step->state;
    if (timer == TIMER_BEGIN) {
        vote->begun = true;
        recipe_observe(step, OBSERVE_COMMIT_PROPOSED, me(step), (int64_t)sites_all(step->setting->count));
        routine_enter(step, PHASE_MAKE);
    } else {
        ensure(timer == TIMER_SILENCE);
        vote->is_late = true;
        if (routine_is_in(step, PHASE_WAIT)) {
            look_at_all(step, vote);
        }
    }
}

/* Its watches are gone with it.  A decision needs no session. */
static void vote_ended(struct recipe_step *step)
{
    recipe_stop_timer(step, TIMER_SILENCE);
}

static const struct recipe_field fields[] = {
    ROUTINE_FIELDS(struct vote),           RECIPE_FIELD(struct vote, at),
    RECIPE_FIELD(struct vote, yes),        RECIPE_FIELD(struct vote, no),
    RECIPE_FIELD(struct vote, begun),      RECIPE_FIELD(struct vote, voted),
    RECIPE_FIELD(struct vote, is_changed), RECIPE_FIELD(struct vote, is_late),
    RECIPE_FIELD(struct vote, decided),    {NULL, 0, 0},
};

static const struct routine_calls vote_calls = {
    .begin = vote_begin,
    .enter = vote_enter,
    .done = vote_done,
    .ended = vote_ended,
    .event = vote_event,
    .timer = vote_timer,
};

static const char *const variants[] = {"votes", NULL};

const struct recipe recipe_two_phase_commit = {
    .name = "two-phase-commit",
    .variants = variants,
    .state_octets = sizeof(struct vote),
    .fields = fields,
    .routine = &vote_calls,
    ROUTINE_RECIPE_CALLS,
};
