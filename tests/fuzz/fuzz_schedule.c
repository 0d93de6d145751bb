/* Any octets as a schedule, performed in a small world (libFuzzer; `make build/fuzz/fuzz_schedule && build/fuzz/fuzz_schedule
 * -max_total_time=60`).
 *
 * The first octets choose between a whole schedule, of which only the text is read, and moves that are also made: a move is refused with its
 * place, or cannot happen, or happens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "sim/schedule.h"
#include "sim/stage.h"

#define HEAD "zksim schedule 1\nseed 1\nfrom established\nscenario\n| clients 1\n| run for 1s\nmoves\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void ensure_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
    abort();
}

static struct schedule *parse(const char *text, size_t size)
{
    static const char *const guarantees[] = {"available-after-heal", "integrity", NULL};
    static const struct scenario_vocabulary vocabulary = {guarantees};
    GError *error = NULL;
    struct schedule *schedule = schedule_parse("x", text, size, &vocabulary, &error);
    ensure((schedule == NULL) == (error != NULL));
    ensure(error == NULL || g_str_has_prefix(error->message, "x:"));
    g_clear_error(&error);
    return schedule;
}

static void make_all(const struct schedule *schedule)
{
    static struct ensemble *ensemble;
    static struct world_image *image;
    if (ensemble == NULL) {
        struct simulation_options options = {.seed = 1, .settings = &(struct settings){{0}, {false}}};
        ensemble = stage_new(schedule->scenario, &options, EXPLORE_FROM_ESTABLISHED, NULL, NULL);
        ensure(ensemble != NULL);
        image = world_save(ensemble->world);
    }
    world_restore(ensemble->world, image);
    for (guint i = 0; i < schedule->lines->len; i++) {
        struct move move;
        GError *error = NULL;
        bool read = schedule_move(schedule, i, ensemble->world, &move, &error);
        ensure(read == (error == NULL));
        ensure(error == NULL || g_str_has_prefix(error->message, "x:"));
        g_clear_error(&error);
        if (read) {
            bool possible = move_is_possible(ensemble->world, &move);
            ensure(move_make(ensemble->world, &move) == possible);
            world_clear_fresh(ensemble->world);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool whole = size >= 6 && memcmp(data, "zksim ", 6) == 0;
    GString *text = g_string_new(whole ? "" : HEAD);
    g_string_append_len(text, (const char *)data, (gssize)size);
    struct schedule *schedule = parse(text->str, text->len);
    ensure(whole || schedule != NULL || !g_utf8_validate((const char *)data, (gssize)size, NULL) ||
           size > SCENARIO_LINE_OCTETS_MAX);
    if (schedule != NULL && !whole) {
        make_all(schedule);
    }
    schedule_free(schedule);
    g_string_free(text, TRUE);
    return 0;
}
