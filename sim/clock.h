/* clock.h -- A node's own clock: wrong by an offset, running at a drifting rate, sometimes jumping.
 *
 * Model:   local(t) = local_anchor + (t - virtual_anchor) + floor((t - virtual_anchor) * drift_ppm / 10^6)
 *          for t >= virtual_anchor.  A change of rate or a jump moves the anchor to the present.  Between changes it never runs
 *          backwards; only clock_jump() with a negative step does that.
 * Units:   nanoseconds; t is virtual time, local readings count from 1970.
 * Limits:  |drift_ppm| <= CLOCK_DRIFT_PPM_MAX, or CLOCK_STANDS_PPM for a clock that stands still; readings below 2^63.
 */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include "protocol/base/types.h"

/* Virtual time 0 on a perfect clock: 2026-01-01T00:00:00Z. */
#define CLOCK_EPOCH_NS (UINT64_C(1767225600) * NS_PER_SECOND)
#define CLOCK_DRIFT_PPM_MAX 500000
#define CLOCK_STANDS_PPM (-1000000)

struct clock {
    instant_ns virtual_anchor;
    instant_ns local_anchor;
    int64_t drift_ppm;
    instant_ns epoch; /* the true time at virtual time 0 */
};

void clock_init(struct clock *clock, int64_t offset_ns, int64_t drift_ppm);

/* The true time at virtual time 0 is this instead; the reading moves along. */
void clock_set_epoch(struct clock *clock, instant_ns epoch);

/* The reading at virtual time `t`, which is not before the last change. */
instant_ns clock_read(const struct clock *clock, instant_ns t);

/* The first virtual instant, not before the last change, at which the clock shows `local` or more;
 * INSTANT_NEVER on a clock that stands still before it. */
instant_ns clock_when(const struct clock *clock, instant_ns local);

/* From `t` on: another rate; a step forwards or backwards; a reading that is `offset_ns` from the true time. */
void clock_drift(struct clock *clock, instant_ns t, int64_t drift_ppm);
void clock_jump(struct clock *clock, instant_ns t, int64_t step_ns);
void clock_set_offset(struct clock *clock, instant_ns t, int64_t offset_ns);

#endif
