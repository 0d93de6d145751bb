/* record_names.h -- The names of what record.h counts, as files, listings and tests show them.
 *
 * Lower case with dashes.  The *_name functions return NULL for a number they do not know, so a loop from 0 until NULL visits all.
 */
#ifndef SIM_RECORD_NAMES_H
#define SIM_RECORD_NAMES_H

#include "protocol/base/types.h"

const char *outcome_name(int32_t outcome);            /* "not-sent" */
const char *record_level_name(int32_t level);         /* "ops" */
const char *record_verdict_name(int32_t verdict);     /* "holds" */
const char *session_state_name(int32_t state);        /* "connected" */
const char *channel_name(int32_t channel);            /* "quorum" */
const char *disk_operation_name(int32_t output_type); /* "fsync"; NULL also for outputs that do not concern the disk */
const char *file_kind_name(int32_t kind);             /* "accepted-epoch" */
const char *disk_result_name(int32_t result);         /* "full" */

/* What the values of an observation mean, in order, separated by ", "; see protocol/observation.h. */
const char *observation_values(int32_t type);

#endif
