#include "checker/explore/monitor.h"

#include <stdarg.h>
#include <stdio.h>

#include "checker/explore/monitor_internal.h"

static const struct monitor *const monitors[] = {&monitor_zab,  &monitor_client,  &monitor_commit,    &monitor_recipes,
                                                 &monitor_herd, &monitor_members, &monitor_staleness, NULL};

const struct monitor *monitor_at(size_t index)
{
    return index < ARRAY_LENGTH(monitors) ? monitors[index] : NULL;
}

bool monitor_is_wanted(const struct monitor *monitor, const struct monitor_config *config)
{
    uint64_t nodes = 0;
    switch (monitor->subject) {
    case SUBJECT_SERVERS:
        nodes = config->servers;
        break;
    case SUBJECT_CLIENTS:
        nodes = config->clients;
        break;
    case SUBJECT_SITES:
        nodes = config->sites;
        break;
    case SUBJECT_MEMBERS:
        nodes = config->members;
        break;
    }
    return nodes != 0 && (monitor->guarantees & config->guarantees) != 0;
}

bool monitor_concerns(const struct monitor *monitor, const struct monitor_config *config,
                      const struct happening *happening)
{
    return monitor->concerns(config, happening);
}

void monitor_start(const struct monitor *monitor, const struct monitor_config *config, struct monitor_state *state)
{
    state->length = 0;
    monitor->start(config, state);
}

static void begin_verdict(struct monitor_verdict *verdict)
{
    verdict->broken = 0;
    verdict->overflow = false;
    verdict->explanation[0] = '\0';
}

/* A state that overflowed is empty for ever; no other is. */
void monitor_step(const struct monitor *monitor, const struct monitor_config *config, struct monitor_state *state,
                  const struct happening *happenings, size_t count, struct monitor_verdict *verdict)
{
    begin_verdict(verdict);
    verdict->overflow = state->length == 0;
    if (count > 0 && !verdict->overflow) {
        monitor->step(config, state, happenings, count, verdict);
    }
    if (verdict->overflow) {
        state->length = 0;
    }
}

void monitor_end(const struct monitor *monitor, const struct monitor_config *config, const struct monitor_state *state,
                 struct monitor_verdict *verdict)
{
    begin_verdict(verdict);
    verdict->overflow = state->length == 0;
    if (monitor->end != NULL && !verdict->overflow) {
        monitor->end(config, state, verdict);
    }
}

void verdict_report(struct monitor_verdict *verdict, const struct monitor_config *config, enum guarantee_id id,
                    const char *format, ...)
{
    if ((config->guarantees & GUARANTEE_BIT(id)) == 0) {
        return;
    }
    if (verdict->broken == 0) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(verdict->explanation, sizeof verdict->explanation, format, arguments);
        va_end(arguments);
    }
    verdict->broken |= GUARANTEE_BIT(id);
}

uint64_t monitor_covered(void)
{
    uint64_t covered = 0;
    for (size_t i = 0; monitors[i] != NULL; i++) {
        covered |= monitors[i]->guarantees;
    }
    return covered;
}

uint64_t monitor_judged(const struct monitor_config *config)
{
    uint64_t judged = 0;
    for (size_t i = 0; monitors[i] != NULL; i++) {
        judged |= monitor_is_wanted(monitors[i], config) ? monitors[i]->guarantees : 0;
    }
    return judged & config->guarantees;
}

uint64_t monitor_covered_if_asked(void)
{
    return monitor_staleness.guarantees;
}

uint64_t monitor_covered_at_end(void)
{
    return GUARANTEE_BIT(GUARANTEE_AC_NON_BLOCKING) | GUARANTEE_BIT(GUARANTEE_NO_ABANDONED_LOCK) |
           GUARANTEE_BIT(GUARANTEE_NO_FORGOTTEN_TASK);
}
