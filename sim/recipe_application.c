#include "sim/recipe_application.h"

#include "sim/operation.h"

struct recorder {
    struct operations operations;
    session_id_t session;
};

static void on_start(struct world *world, uint32_t client, void *state, const void *setting)
{
    struct recorder *recorder = state;
    (void)world;
    (void)client;
    (void)setting;
    operations_init(&recorder->operations);
}

static void on_submit(struct world *world, uint32_t client, void *state, const struct output *submit)
{
    struct recorder *recorder = state;
    operation_note(world, client, &recorder->operations, submit);
}

static void on_answer(struct world *world, uint32_t client, void *state, const struct output *output)
{
    struct recorder *recorder = state;
    struct answer answer;
    operation_answer(world, client, &recorder->operations, output, &answer);
}

static void on_event(struct world *world, uint32_t client, void *state, const struct output *event)
{
    struct recorder *recorder = state;
    event_record(world, client, event, recorder->session);
}

static void on_session(struct world *world, uint32_t client, void *state, const struct output *output)
{
    struct recorder *recorder = state;
    recorder->session = output->session.session;
    session_record(world, client, &recorder->operations, output);
}

static void on_wake_up(struct world *world, uint32_t client, void *state, uint64_t tag)
{
    (void)world;
    (void)client;
    (void)state;
    (void)tag;
}

const struct application_calls recipe_application = {
    .name = "recipe",
    .state_octets = sizeof(struct recorder),
    .on_start = on_start,
    .on_answer = on_answer,
    .on_event = on_event,
    .on_session = on_session,
    .on_wake_up = on_wake_up,
    .on_submit = on_submit,
};
