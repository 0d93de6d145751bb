/* report.h -- A run's results as text, JSON or JUnit XML. */
#ifndef SIM_CMD_REPORT_H
#define SIM_CMD_REPORT_H

#include "sim/cmd/command.h"
#include "sim/record.h"
#include "sim/tally.h"

struct report_of_run {
    const struct record *record;
    const char *title;  /* of the scenario, or NULL */
    const char *unmet;  /* what is not as expected; "" if all is */
    const char *repeat; /* the command that repeats the run, or NULL */
};

/* Heading, verdict table, explanations of what does not hold, digest. */
void report_text(GString *out, const struct report_of_run *report);

/* One object, on one line, with a newline. */
void report_json(GString *out, const struct report_of_run *report);

/* One <testcase>. */
void report_junit(GString *out, const struct report_of_run *report);
void report_junit_begin(GString *out, uint64_t tests, uint64_t failures);
void report_junit_end(GString *out);

/* On stdout, in that format; as JUnit a suite of its own. */
void report_print(const struct report_of_run *report, enum format format);

/* A JSON string with its quotes; octets that are no UTF-8 are replaced. */
void json_add_string(GString *out, const char *octets, size_t length);
void json_add_tally(GString *out, const struct tally *tally);

#endif
