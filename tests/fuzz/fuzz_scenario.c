/* Any octets as a scenario (libFuzzer; `make build/fuzz/fuzz_scenario && build/fuzz/fuzz_scenario -max_total_time=60`).
 *
 * A text is accepted or refused with a message that starts with its place, and the same whatever is drawn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/ensure.h"
#include "sim/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void ensure_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
    abort();
}

static bool parse(const uint8_t *data, size_t size, uint64_t seed)
{
    static const char *const guarantees[] = {"available-after-heal", "integrity", NULL};
    static const struct scenario_vocabulary vocabulary = {guarantees};
    GError *error = NULL;
    struct scenario *scenario = scenario_parse("x", (const char *)data, size, seed, &vocabulary, &error);
    ensure((scenario == NULL) == (error != NULL));
    ensure(error == NULL || g_str_has_prefix(error->message, "x:"));
    g_clear_error(&error);
    bool accepted = scenario != NULL;
    scenario_free(scenario);
    return accepted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ensure(parse(data, size, 1) == parse(data, size, 2));
    return 0;
}
