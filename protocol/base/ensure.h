/* ensure.h -- Invariants, checked in every build.
 *
 * A condition that is false means a bug of ours, never bad input: peers and clients that misbehave are answered,
 * not asserted.  Conditions have no side effects.
 */
#ifndef PROTOCOL_BASE_ENSURE_H
#define PROTOCOL_BASE_ENSURE_H

/* Supplied by the host, never returns: the simulator prints the seed and aborts, the explorer jumps back to its
 * search and reports the path. */
_Noreturn void ensure_failed(const char *condition, const char *file, int line);

#define ensure(condition) ((condition) ? (void)0 : ensure_failed(#condition, __FILE__, __LINE__))

#endif
