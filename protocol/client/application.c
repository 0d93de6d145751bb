/* The recipe on top of a client: what it is told, what it asks for. */
#include "protocol/base/ensure.h"
#include "protocol/base/hash.h"
#include "protocol/client/client_internal.h"

#define PURPOSE_BITS 16

static const struct recipe *recipe_of(const struct client *client)
{
    return client->config.recipe.recipe;
}

static struct recipe_step recipe_step_of(struct client *client, const struct client_step *step)
{
    return (struct recipe_step){
        .state = client->application.state,
        .setting = &client->config.recipe,
        .random = &client->application.random,
        .pauses = &client->pauses,
        .now = step->now,
        .session = client->session,
        .session_state = client->application.told,
        .client = client,
        .outputs = step->outputs,
    };
}

/* ---- what it is told ---- */

void application_start(struct client *client, const struct client_step *step)
{
    random_seed(&client->application.random, random_next(&client->order));
    if (recipe_of(client)->start != NULL) {
        struct recipe_step call = recipe_step_of(client, step);
        recipe_of(client)->start(&call);
    }
}

void application_timer(struct client *client, uint32_t timer, const struct client_step *step)
{
    ensure(timer < RECIPE_TIMERS_MAX && client->application.timers[timer].is_set);
    client->application.timers[timer].is_set = false;
    struct recipe_step call = recipe_step_of(client, step);
    recipe_of(client)->timer(&call, timer);
}

void application_command(struct client *client, const struct input *input, const struct client_step *step)
{
    ensure(recipe_of(client)->command != NULL);
    struct recipe_step call = recipe_step_of(client, step);
    recipe_of(client)->command(&call, input->request.opcode, input->request.body);
}

/* The error of the first part that failed by itself. */
static int32_t multi_error(const struct reply_body *body)
{
    struct jute_reader walk = multi_walk(body->results);
    struct multi_result result;
    int32_t error = ZOK;
    while (multi_next_result(&walk, &result)) {
        if (result.error != ZOK && (error == ZOK || error == ZRUNTIMEINCONSISTENCY)) {
            error = result.error;
        }
    }
    return error;
}

static void decode_body(const struct output *output, struct recipe_answer *answer)
{
    if (answer->error != ZOK || bytes_is_null(output->answer.body)) {
        return;
    }
    struct jute_reader reader = jute_reader_of_bytes(output->answer.body);
    reply_body_read(&reader, answer->opcode, &answer->body);
    if (reader.failed) {
        memset(&answer->body, 0, sizeof answer->body);
        answer->error = ZMARSHALLINGERROR;
    } else if (answer->opcode == OP_MULTI) {
        answer->error = multi_error(&answer->body);
    }
}

static void tell_answer(struct client *client, const struct output *output, const struct client_step *step)
{
    if (recipe_of(client)->answer == NULL || output->answer.opcode == OP_CREATE_SESSION) {
        return;
    }
    struct recipe_answer answer = {
        .purpose = (uint16_t)(output->answer.tag & UINT16_MAX),
        .opcode = output->answer.opcode,
        .error = output->answer.error,
        .zxid = output->answer.zxid,
        .session = output->answer.session,
    };
    decode_body(output, &answer);
    bool is_over = answer.error == ZSESSIONEXPIRED || answer.error == ZAUTHFAILED;
    answer.is_certain = zk_error_is_definite(answer.error) && !is_over;
    struct recipe_step call = recipe_step_of(client, step);
    recipe_of(client)->answer(&call, &answer);
}

static void tell_session(struct client *client, enum session_state state, const struct client_step *step)
{
    client->application.told = state;
    if (recipe_of(client)->session != NULL) {
        struct recipe_step call = recipe_step_of(client, step);
        recipe_of(client)->session(&call, state);
    }
}

static void tell_event(struct client *client, const struct output *output, const struct client_step *step)
{
    if (recipe_of(client)->event != NULL) {
        struct recipe_step call = recipe_step_of(client, step);
        recipe_of(client)->event(&call, output->event.event, output->event.path);
    }
}

/* What it asks for meanwhile appends outputs, which are its turn later in the same loop.  Copies, because they stand in the
 * array that grows. */
void application_listen(struct client *client, const struct client_step *step)
{
    for (size_t i = 0; i < step->outputs->count; i++) {
        struct output output = step->outputs->items[i];
        if (output.type == OUTPUT_ANSWER) {
            tell_answer(client, &output, step);
        } else if (output.type == OUTPUT_SESSION) {
            tell_session(client, output.session.state, step);
        } else if (output.type == OUTPUT_EVENT) {
            tell_event(client, &output, step);
        }
    }
}

/* ---- what it asks for ---- */

static struct request_body body_of(const struct recipe_operation *operation)
{
    struct request_body body = {
        .opcode = operation->opcode,
        .version = operation->version,
        .flags = operation->flags,
        .watch = operation->watch,
        .path = operation->path.data == NULL ? bytes_null() : operation->path,
        .data = operation->data.data == NULL ? bytes_null() : operation->data,
    };
    if (opcode_is_create(operation->opcode)) {
        body.acl = acl_list_open();
    }
    return body;
}

static struct bytes encode(struct outputs *outputs, const struct recipe_operation *operation)
{
    struct jute_writer writer = outputs_write(outputs);
    if (operation->opcode == OP_MULTI) {
        for (uint32_t i = 0; i < operation->part_count; i++) {
            struct request_body part = body_of(&operation->parts[i]);
            multi_write_operation(&writer, &part);
        }
        multi_write_end(&writer);
    } else {
        struct request_body body = body_of(operation);
        request_body_write(&writer, &body);
    }
    return outputs_keep(outputs, &writer);
}

static void submit(struct recipe_step *step, int32_t opcode, struct bytes body, uint16_t purpose)
{
    struct client *client = step->client;
    uint64_t tag = ++client->application.submissions << PURPOSE_BITS | purpose;
    struct output *output = outputs_add(step->outputs, OUTPUT_SUBMIT);
    output->submit.tag = tag;
    output->submit.opcode = opcode;
    output->submit.body = body;
    struct input input = {.type = INPUT_REQUEST, .now = step->now};
    input.request.tag = tag;
    input.request.opcode = opcode;
    input.request.body = body;
    client_request(client, &input, &(struct client_step){step->now, step->outputs});
}

void recipe_submit(struct recipe_step *step, const struct recipe_operation *operation, uint16_t purpose)
{
    ensure(operation->part_count <= RECIPE_PARTS_MAX);
    submit(step, operation->opcode, encode(step->outputs, operation), purpose);
}

void recipe_open_session(struct recipe_step *step)
{
    submit(step, OP_CREATE_SESSION, bytes_null(), 0);
}

void recipe_close_session(struct recipe_step *step)
{
    submit(step, OP_CLOSE_SESSION, bytes_null(), UINT16_MAX);
}

/* ---- timers ---- */

void recipe_set_timer(struct recipe_step *step, uint32_t timer, duration_ns after)
{
    ensure(timer < RECIPE_TIMERS_MAX);
    ensure(recipe_of(step->client)->timer != NULL);
    step->client->application.timers[timer] = (struct recipe_timer){true, step->now + after};
}

void recipe_stop_timer(struct recipe_step *step, uint32_t timer)
{
    ensure(timer < RECIPE_TIMERS_MAX);
    step->client->application.timers[timer].is_set = false;
}

bool recipe_timer_is_set(const struct recipe_step *step, uint32_t timer)
{
    ensure(timer < RECIPE_TIMERS_MAX);
    return step->client->application.timers[timer].is_set;
}

size_t application_deadlines(const struct client *client, struct deadline deadlines[RECIPE_TIMERS_MAX])
{
    size_t count = 0;
    for (uint32_t i = 0; i < RECIPE_TIMERS_MAX; i++) {
        const struct recipe_timer *timer = &client->application.timers[i];
        if (timer->is_set) {
            deadlines[count++] = (struct deadline){timer->at, TIMER_RECIPE, i};
        }
    }
    return count;
}

/* ---- the record, the digest ---- */

void recipe_observe(struct recipe_step *step, enum observation_type type, int64_t value1, int64_t value2)
{
    struct observation observation = {type, {step->setting->group, value1, value2}};
    outputs_observe(step->outputs, observation);
}

static uint64_t add_setting(uint64_t hash, const struct recipe_setting *setting)
{
    hash = hash_octets(hash, setting->recipe->name, strlen(setting->recipe->name));
    hash = hash_octets(hash, setting->path, strlen(setting->path));
    hash = hash_mix(hash, (uint64_t)setting->variant << 32 | setting->group);
    hash = hash_mix(hash, (uint64_t)setting->number << 32 | setting->count);
    for (size_t i = 0; i < RECIPE_PARAMETERS_MAX; i++) {
        hash = hash_mix(hash, (uint64_t)setting->parameter[i]);
    }
    return hash;
}

/* That of a recipe counts submissions, which is of no interest; what it is about is. */
uint64_t application_tag_worth(const struct client *client, uint64_t tag)
{
    if (recipe_of(client) == NULL) {
        return tag;
    }
    uint16_t purpose = (uint16_t)(tag & UINT16_MAX);
    return recipe_of(client)->awaits == NULL ? purpose : recipe_of(client)->awaits(client->application.state, purpose);
}

uint64_t application_digest(const struct client *client)
{
    const struct application *application = &client->application;
    uint64_t hash = add_setting(HASH_START, &client->config.recipe);
    for (const struct recipe_field *field = recipe_of(client)->fields; field != NULL && field->name != NULL; field++) {
        hash = hash_octets(hash, (const uint8_t *)application->state + field->offset, field->size);
    }
    hash = hash_mix(hash, application->told);
    for (size_t i = 0; i < RECIPE_TIMERS_MAX; i++) {
        hash = hash_mix(hash, application->timers[i].is_set);
    }
    return hash;
}
