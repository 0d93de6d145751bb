#include "sim/walk.h"
#include "sim/text_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/ensure.h"
#include "sim/explore_start.h"
#include "sim/stage.h"
#include "sim/walk_view.h"

#define PROMPT_MOVES_MAX 10000U

/* A move of the path. */
struct step {
    struct move move;
    bool prompt; /* it followed at once from the one before */
};

struct walk {
    const struct scenario *scenario;
    const struct simulation_options *options;
    const struct explore_plan *plan;
    FILE *out;
    struct world *world;
    struct world_image *root;
    struct explore_used used;
    GArray *path; /* struct step; beyond `made` those that `forward` makes again */
    guint made;
    guint started; /* of these before the exploration begins: they use up nothing */
    GArray *moves; /* struct move: possible now */
    struct random random;
};

/* ---- moves ------------------------------------------------------------------------------------------------------- */

static struct step *step_at(const struct walk *walk, guint index)
{
    return &g_array_index(walk->path, struct step, index);
}

static void list_moves(struct walk *walk)
{
    size_t count = explore_moves(walk->world, walk->plan, &walk->used, NULL, 0);
    g_array_set_size(walk->moves, (guint)count);
    explore_moves(walk->world, walk->plan, &walk->used, (struct move *)(void *)walk->moves->data, count);
}

static void print_move(const struct walk *walk, const char *before, const struct move *move)
{
    GString *text = g_string_new(NULL);
    GString *meaning = g_string_new(NULL);
    move_print(walk->world, move, text);
    schedule_explain(walk->world, move, meaning);
    if (meaning->len > 0) {
        fprintf(walk->out, "%s%-48s %s\n", before, text->str, meaning->str);
    } else {
        fprintf(walk->out, "%s%s\n", before, text->str);
    }
    g_string_free(text, TRUE);
    g_string_free(meaning, TRUE);
}

static void print_moves(const struct walk *walk)
{
    for (guint i = 0; i < walk->moves->len; i++) {
        char number[16];
        g_snprintf(number, sizeof number, "%3u  ", i + 1);
        print_move(walk, number, &g_array_index(walk->moves, struct move, i));
    }
    if (walk->moves->len == 0) {
        fputs("nothing more can happen within the plan\n", walk->out);
    }
}

static void make(struct walk *walk, const struct move *move)
{
    explore_use(walk->world, walk->plan, move, &walk->used);
    bool made = move_make(walk->world, move);
    ensure(made);
    world_clear_fresh(walk->world);
    walk->world->now += NS_PER_MS;
    walk->made++;
}

/* Makes a move that is possible, forgets what `forward` would have made, and lets follow what is prompt. */
static void go(struct walk *walk, const struct move *move, bool shown)
{
    struct step step = {.move = *move};
    g_array_set_size(walk->path, walk->made);
    g_array_append_val(walk->path, step);
    if (shown) {
        print_move(walk, "     ", move);
    }
    make(walk, move);
    for (uint32_t i = 0; i < PROMPT_MOVES_MAX; i++) {
        step.prompt = true;
        if (!explore_prompt_move(walk->world, walk->plan, &walk->used, &step.move)) {
            break;
        }
        if (shown) {
            print_move(walk, "  => ", &step.move);
        }
        g_array_append_val(walk->path, step);
        make(walk, &step.move);
    }
    list_moves(walk);
}

static void rebuild(struct walk *walk, guint length)
{
    world_restore(walk->world, walk->root);
    walk->used = (struct explore_used){{0}};
    walk->made = 0;
    while (walk->made < length) {
        make(walk, &step_at(walk, walk->made)->move);
        if (walk->made == walk->started) {
            walk->used = (struct explore_used){{0}};
        }
    }
    list_moves(walk);
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static bool go_back(struct walk *walk)
{
    guint length = walk->made;
    while (length > 0 && step_at(walk, length - 1)->prompt) {
        length--;
    }
    if (length > 0) {
        rebuild(walk, length - 1);
    }
    return length > 0;
}

static bool go_forward(struct walk *walk)
{
    if (walk->made == walk->path->len) {
        return false;
    }
    do {
        print_move(walk, "     ", &step_at(walk, walk->made)->move);
        make(walk, &step_at(walk, walk->made)->move);
    } while (walk->made < walk->path->len && step_at(walk, walk->made)->prompt);
    list_moves(walk);
    return true;
}

static void go_randomly(struct walk *walk, guint64 count)
{
    for (guint64 i = 0; i < count && walk->moves->len > 0; i++) {
        struct move move =
            g_array_index(walk->moves, struct move, (guint)random_below(&walk->random, walk->moves->len));
        go(walk, &move, true);
    }
}

static void save(const struct walk *walk, const char *file)
{
    GError *error = NULL;
    GString *text = g_string_new(NULL);
    struct schedule *schedule = schedule_new(walk->scenario, walk->options, walk->plan->from);
    for (guint i = 0; i < walk->made; i++) {
        schedule_add(schedule, walk->world, &step_at(walk, i)->move, NULL);
    }
    schedule_comment(schedule, walk->scenario);
    schedule_print(schedule, text);
    if (text_file_write(file, text->str, text->len, &error)) {
        fprintf(walk->out, "%u moves written to %s\n", walk->made, file);
    } else {
        fprintf(walk->out, "%s\n", error->message);
        g_error_free(error);
    }
    schedule_free(schedule);
    g_string_free(text, TRUE);
}

static void show_world(const struct walk *walk)
{
    GString *text = g_string_new(NULL);
    world_view(walk->world, text);
    fputs(text->str, walk->out);
    g_string_free(text, TRUE);
}

static void show_help(const struct walk *walk)
{
    fputs("NUMBER     makes the move of that number\n"
          "MOVE       makes the move written out, also one that the plan does not allow: crash server-1\n"
          "back       undoes a move; forward makes it again\n"
          "list       what can happen now\n"
          "world      every node and what is under way\n"
          "random N   makes N moves by chance\n"
          "save FILE  writes the moves so far as a schedule, for 'zksim replay'\n"
          "quit\n",
          walk->out);
}

static void try_move(struct walk *walk, const char *line)
{
    GError *error = NULL;
    struct move move;
    if (!move_parse(walk->world, line, &move, &error)) {
        fprintf(walk->out, "%s\n", error->message);
        g_error_free(error);
    } else if (!move_is_possible(walk->world, &move)) {
        fputs("that cannot happen now\n", walk->out);
    } else {
        go(walk, &move, true);
        print_moves(walk);
    }
}

static void choose(struct walk *walk, guint64 number)
{
    if (number == 0 || number > walk->moves->len) {
        fprintf(walk->out, "there are moves 1 to %u\n", walk->moves->len);
        return;
    }
    struct move move = g_array_index(walk->moves, struct move, (guint)number - 1);
    go(walk, &move, true);
    print_moves(walk);
}

static void understand(struct walk *walk, const char *line)
{
    guint64 number = 0;
    if (*line == '\0' || strcmp(line, "list") == 0) {
        print_moves(walk);
    } else if (g_ascii_string_to_unsigned(line, 10, 0, UINT32_MAX, &number, NULL)) {
        choose(walk, number);
    } else if (strcmp(line, "back") == 0 || strcmp(line, "forward") == 0) {
        bool done = *line == 'b' ? go_back(walk) : go_forward(walk);
        if (done) {
            print_moves(walk);
        } else {
            fputs(*line == 'b' ? "this is the beginning\n" : "nothing was undone\n", walk->out);
        }
    } else if (strcmp(line, "world") == 0) {
        show_world(walk);
    } else if (strcmp(line, "help") == 0) {
        show_help(walk);
    } else if (g_str_has_prefix(line, "save ")) {
        save(walk, line + strlen("save "));
    } else if (g_str_has_prefix(line, "random ") &&
               g_ascii_string_to_unsigned(line + strlen("random "), 10, 1, 1000000, &number, NULL)) {
        go_randomly(walk, number);
        print_moves(walk);
    } else {
        try_move(walk, line);
    }
}

/* ---- the conversation -------------------------------------------------------------------------------------------- */

static void converse(struct walk *walk, FILE *in)
{
    char *line = NULL;
    size_t capacity = 0;
    bool shows_itself = isatty(fileno(in)) != 0;
    print_moves(walk);
    for (;;) {
        fprintf(walk->out, "%u> ", walk->made);
        fflush(walk->out);
        if (getline(&line, &capacity, in) < 0) {
            fputc('\n', walk->out);
            break;
        }
        g_strstrip(line);
        if (!shows_itself) {
            fprintf(walk->out, "%s\n", line);
        }
        if (strcmp(line, "quit") == 0) {
            break;
        }
        understand(walk, line);
    }
    free(line);
}

/* What is prompt belongs to the path, but nobody chose it. */
static void settle(struct walk *walk, const struct explore_plan *plan)
{
    struct step step = {.prompt = true};
    for (uint32_t i = 0; i < PROMPT_MOVES_MAX && explore_prompt_move(walk->world, plan, &walk->used, &step.move); i++) {
        g_array_append_val(walk->path, step);
        make(walk, &step.move);
    }
}

/* False: it cannot happen there. */
static bool start(struct walk *walk, const struct explore_start *start, struct explore_plan *plan)
{
    struct explore_plan settling = *plan;
    struct step step = {.move = start->move, .prompt = true};
    settling.prompt = explore_settling();
    switch (start->kind) {
    case EXPLORE_START_MOVE:
        if (!move_is_possible(walk->world, &start->move)) {
            return false;
        }
        g_array_append_val(walk->path, step);
        make(walk, &start->move);
        break;
    case EXPLORE_START_SETTLE:
        settle(walk, &settling);
        break;
    case EXPLORE_START_PROMPT:
        plan->prompt = start->prompt;
        break;
    }
    settle(walk, plan);
    return true;
}

static bool begin(struct walk *walk, GError **error)
{
    struct explore_plan plan = *walk->plan;
    GArray *steps = explore_start_read(walk->scenario, walk->world, error);
    if (steps == NULL) {
        return false;
    }
    guint made = 0;
    if (steps->len == 0 || g_array_index(steps, struct explore_start, 0).kind != EXPLORE_START_PROMPT) {
        settle(walk, &plan);
    }
    while (made < steps->len && start(walk, &g_array_index(steps, struct explore_start, made), &plan)) {
        made++;
    }
    bool begun = made == steps->len;
    if (!begun) {
        explore_start_refuse(walk->scenario, made, error);
    }
    settle(walk, walk->plan);
    walk->used = (struct explore_used){{0}};
    walk->started = walk->made;
    list_moves(walk);
    g_array_free(steps, TRUE);
    return begun;
}

bool walk(const struct scenario *scenario, const struct simulation_options *options, const struct explore_plan *plan,
          FILE *in, FILE *out, GError **error)
{
    struct ensemble *ensemble = stage_new(scenario, options, plan->from, NULL, error);
    if (ensemble == NULL) {
        return false;
    }
    struct walk walk = {
        .scenario = scenario,
        .options = options,
        .plan = plan,
        .out = out,
        .world = ensemble->world,
        .root = world_save(ensemble->world),
        .path = g_array_new(FALSE, FALSE, sizeof(struct step)),
        .moves = g_array_new(FALSE, FALSE, sizeof(struct move)),
    };
    random_seed(&walk.random, options->seed);
    bool begun = begin(&walk, error);
    if (begun) {
        converse(&walk, in);
    }
    world_image_free(walk.root);
    g_array_free(walk.path, TRUE);
    g_array_free(walk.moves, TRUE);
    ensemble_free(ensemble);
    return begun;
}
