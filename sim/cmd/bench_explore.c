/* How fast the explorer is: the same space again and again, with one worker and with two. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker/explore/explorer.h"
#include "checker/explore/states.h"
#include "sim/cmd/bench.h"
#include "sim/cmd/command.h"

#define STATES_MAX 3000000U
#define REPETITIONS_MAX 100U

/* Every single step is a transition here: nothing is prompt but starting. */
static const char scenario_text[] = "title    Three servers, two writes, one crash, step by step\n"
                                    "servers  3\n"
                                    "clients  1\n"
                                    "script client 1: create /a 1, set /a 2\n"
                                    "run for  10s\n"
                                    "explore  from established\n"
                                    "explore  prompt boot\n"
                                    "explore  crashes 1\n";

struct rates {
    double transitions[REPETITIONS_MAX], states[REPETITIONS_MAX]; /* per second of `clock` */
    uint64_t distinct, tried, remembered, run;
    double octets_per_state;
};

static bool measure_once(const struct scenario *scenario, uint32_t jobs, unsigned number, struct rates *rates,
                         GError **error)
{
    struct simulation_options options = {.seed = 1, .settings = &scenario->settings, .version = program_version};
    struct explore_plan plan = scenario->explore;
    struct search_options search = {.jobs = jobs};
    plan.states = STATES_MAX;
    struct explorer *explorer = explorer_new(scenario, &options, &plan, &search, error);
    if (explorer == NULL) {
        return false;
    }
    explorer_run(explorer);
    struct search_counts counts;
    struct sites_counts sites;
    search_counts(explorer->search, &counts);
    sites_counts(space_sites(explorer->space), &sites);
    struct states_size size = states_size(search_visited(explorer->search));
    double seconds = jobs == 1 ? explorer->cpu_seconds : explorer->seconds;
    rates->transitions[number] = (double)counts.transitions / seconds;
    rates->states[number] = (double)size.states / seconds;
    rates->distinct = size.states;
    rates->tried = counts.transitions;
    rates->remembered = sites.remembered;
    rates->run = sites.run;
    rates->octets_per_state = (double)size.resident_octets / (double)size.states;
    explorer_free(explorer);
    return true;
}

static int compare_rates(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void print_rates(uint32_t jobs, unsigned repetitions, struct rates *rates)
{
    qsort(rates->transitions, repetitions, sizeof rates->transitions[0], compare_rates);
    qsort(rates->states, repetitions, sizeof rates->states[0], compare_rates);
    printf("-j %u  %6.2f M transitions/s (%.2f .. %.2f)  %4.0f k new states/s (%.0f .. %.0f)  %5.1f octets a state  "
           "%.2f %% of the steps run\n",
           jobs, rates->transitions[repetitions / 2] / 1e6, rates->transitions[0] / 1e6,
           rates->transitions[repetitions - 1] / 1e6, rates->states[repetitions / 2] / 1e3, rates->states[0] / 1e3,
           rates->states[repetitions - 1] / 1e3, rates->octets_per_state,
           100.0 * (double)rates->run / (double)(rates->run + rates->remembered));
    fflush(stdout);
}

int bench_explore(unsigned repetitions)
{
    GError *error = NULL;
    struct scenario *scenario =
        scenario_parse("bench", scenario_text, strlen(scenario_text), 1, command_vocabulary(), &error);
    if (scenario == NULL) {
        return command_fail(error);
    }
    static struct rates rates;
    int status = STATUS_AS_EXPECTED;
    printf("3 servers, 1 client, 2 writes, 1 crash, every step by itself; %u states; all guarantees watched\n"
           "-j 1 per second of CPU, -j 2 per second of time; median of %u (least .. most)\n\n",
           STATES_MAX, repetitions);
    for (uint32_t jobs = 1; jobs <= 2 && status == STATUS_AS_EXPECTED; jobs++) {
        for (unsigned i = 0; i < repetitions && status == STATUS_AS_EXPECTED; i++) {
            status = measure_once(scenario, jobs, i, &rates, &error) ? STATUS_AS_EXPECTED : command_fail(error);
        }
        if (status == STATUS_AS_EXPECTED) {
            print_rates(jobs, repetitions, &rates);
        }
    }
    scenario_free(scenario);
    return status;
}
