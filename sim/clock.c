#include "sim/clock.h"

#include "protocol/base/ensure.h"

#define MILLION 1000000

/* floor(elapsed * ppm / 10^6), without leaving 64 bits. */
static int64_t drifted(uint64_t elapsed, int64_t ppm)
{
    int64_t whole = (int64_t)(elapsed / MILLION) * ppm;
    int64_t rest = (int64_t)(elapsed % MILLION) * ppm;
    int64_t quotient = rest / MILLION;
    return whole + quotient - (rest % MILLION < 0);
}

static void anchor(struct clock *clock, instant_ns t, instant_ns local, int64_t drift_ppm)
{
    ensure(drift_ppm <= CLOCK_DRIFT_PPM_MAX);
    ensure(drift_ppm >= -CLOCK_DRIFT_PPM_MAX || drift_ppm == CLOCK_STANDS_PPM);
    *clock = (struct clock){t, local, drift_ppm, clock->epoch};
}

void clock_init(struct clock *clock, int64_t offset_ns, int64_t drift_ppm)
{
    clock->epoch = CLOCK_EPOCH_NS;
    anchor(clock, 0, CLOCK_EPOCH_NS + (uint64_t)offset_ns, drift_ppm);
}

void clock_set_epoch(struct clock *clock, instant_ns epoch)
{
    clock->local_anchor += epoch - clock->epoch;
    clock->epoch = epoch;
}

instant_ns clock_read(const struct clock *clock, instant_ns t)
{
    ensure(t >= clock->virtual_anchor);
    uint64_t elapsed = t - clock->virtual_anchor;
    if (clock->drift_ppm == 0) {
        return clock->local_anchor + elapsed;
    }
    return clock->local_anchor + elapsed + (uint64_t)drifted(elapsed, clock->drift_ppm);
}

instant_ns clock_when(const struct clock *clock, instant_ns local)
{
    if (local <= clock->local_anchor) {
        return clock->virtual_anchor;
    }
    if (clock->drift_ppm == CLOCK_STANDS_PPM) {
        return INSTANT_NEVER;
    }
    uint64_t wanted = local - clock->local_anchor;
    if (clock->drift_ppm == 0) {
        return clock->virtual_anchor + wanted;
    }
    uint64_t rate = (uint64_t)(MILLION + clock->drift_ppm);
    uint64_t guess = wanted / rate * MILLION + wanted % rate * MILLION / rate;
    instant_ns t = clock->virtual_anchor + guess;
    while (clock_read(clock, t) < local) {
        t++;
    }
    while (t > clock->virtual_anchor && clock_read(clock, t - 1) >= local) {
        t--;
    }
    return t;
}

void clock_drift(struct clock *clock, instant_ns t, int64_t drift_ppm)
{
    anchor(clock, t, clock_read(clock, t), drift_ppm);
}

void clock_jump(struct clock *clock, instant_ns t, int64_t step_ns)
{
    anchor(clock, t, clock_read(clock, t) + (uint64_t)step_ns, clock->drift_ppm);
}

void clock_set_offset(struct clock *clock, instant_ns t, int64_t offset_ns)
{
    anchor(clock, t, clock->epoch + t + (uint64_t)offset_ns, clock->drift_ppm);
}
