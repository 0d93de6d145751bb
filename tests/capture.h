/* capture.h -- A recorded conversation (tests/data/captures, format zkcap 1) as a list of events in order of time.
 *
 * Memory: everything belongs to the capture; capture_free().
 */
#ifndef TESTS_CAPTURE_H
#define TESTS_CAPTURE_H

#include <glib.h>

#include "protocol/base/types.h"

enum capture_kind {
    CAPTURE_OPEN,  /* the dialing end connected */
    CAPTURE_SAID,  /* the dialing end sent this message */
    CAPTURE_HEARD, /* the listening end sent this message */
    CAPTURE_END,   /* the dialing end closed its direction */
    CAPTURE_SHUT,  /* the listening end did */
};

struct capture_event {
    enum capture_kind kind;
    uint32_t stream; /* from 0 */
    instant_ns at;   /* since the start of the capture */
    uint8_t *octets; /* of a message, with its length */
    size_t length;
    char *where; /* file:line and the comment, for error messages */
};

struct capture {
    GArray *events; /* of struct capture_event, by time; at one time in the order of the file */
    uint32_t streams;
};

/* The streams of that kind ("client", "quorum", "election"); NULL: no such file. */
struct capture *capture_load(const char *path, const char *kind);
void capture_free(struct capture *capture);

static inline const struct capture_event *capture_event(const struct capture *capture, size_t index)
{
    return &g_array_index(capture->events, struct capture_event, index);
}

#endif
