#!/usr/bin/env bash
# tests/classics.sh ZKSIM [slow]: explorations of atomic commit, recipes and sessions come out as expected, and every counterexample, replayed
# in the simulator, breaks the same guarantee by the offline checker's judgement.  Without `slow` those that take a second or less.
set -uo pipefail
cd "$(dirname "$0")/.."
zksim=$1
quick="3pc-crash 3pc-power-loss 3pc-elected 3pc-lost-message 3pc-asynchrony 2pc-no 2pc-restart
    lock-paused lock-naive barrier-naive barrier-double-naive
    session-one-server session-ensemble session-pipelined session-notify-after-reply session-read-ahead
    session-forget-watches session-zk-1412 lock-fenced barrier-double-expiry
    group-once group-persistent group-expiry group-reset counter counter-naive counter-retry counter-reset
    tasks tasks-forget-watches sync-alone sync-read"
slow="3pc-partition 3pc-restart 2pc-blocks quorum-partition lock-paused-ensemble lock-reset barrier-gate barrier-double
    session-accept-future"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0
count=0
for name in $quick $([ "${2:-}" = slow ] && echo "$slow"); do
    file=scenarios/explore/$name.scn
    count=$((count + 1))
    # The lock that is fenced is held by two; which is seen elsewhere.
    check=$([ "$name" = lock-fenced ] && echo "--check=fenced-exclusion")
    # shellcheck disable=SC2086
    if ! "$zksim" explore "$file" $check -o "$scratch/schedule" > "$scratch/out" 2>&1; then
        echo "$file: not as expected" >&2
        cat "$scratch/out" >&2
        bad=1
    fi
    want=$(awk '$1 == "expect" && $2 == "violated" {print $3}' "$file")
    [ -n "$want" ] || continue
    if ! "$zksim" replay "$scratch/schedule" > "$scratch/out" 2>&1 || ! grep -q "^ *$want  *violated" "$scratch/out"; then
        echo "$file: its counterexample, replayed, does not break $want" >&2
        cat "$scratch/out" >&2
        bad=1
    fi
    rm -f "$scratch/schedule"
done
[ "$bad" = 0 ] && echo "classics: $count explorations as expected, their counterexamples replayed"
exit $bad
