#!/usr/bin/env bash
# tests/explore_flaws.sh ZKSIM [short] [FLAW...]: the explorer finds each flaw with the scenario of its row, its schedule replays to the same
# violation, and the same exploration without the flaw, to its end, finds nothing.  Prints a Markdown table.
#
# `short`: those of a second, and what is complete without a flaw (for make test).
# Steps are counted as the published specifications count them (tests/steps.awk); `published` is the length of their counterexample, `TLC`
# the CPU seconds it took on the specification.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
zksim=$1
shift
short=
[ "${1:-}" = short ] && { short=1; shift; }
only=" $* "
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0

# flaw, scenario, guarantee (-: whichever breaks first), published steps, whether these have threads, TLC's CPU seconds, short or long
rows() {
    cat << 'ROWS'
truncate-unapplied     truncate-unapplied - - atomic - short
zk-4712                zab - 13 threads 36.9 short
zk-2845                zab - 10 atomic - short
zk-3023                zab-cut-off agreement 13 threads 34.1 long
zk-4785                zab - - threads - short
zk-1208                pipeline-close - - threads - short
zk-1412                pipeline-watch - - threads - short
zk-3145                snapshot-ephemeral - - threads - short
zk-4837                zab-elections - - atomic - short
zk-4646                zab committed-never-truncated 21 threads 105.9 long
zk-3911                zab committed-never-truncated 16 atomic - long
zk-4643                zab committed-never-truncated 21 atomic 40.5 long
zk-2355                zab - - atomic - long
zk-4925                zab - - atomic - long
zk-962                 zab - - threads - long
zk-335                 zab one-leader-per-epoch - atomic - long
zk-1154                zab-lost-messages replica-agreement - atomic - long
zk-2832                zab-lost-messages replica-agreement - atomic - long
zk-1489                zab-lost-messages - - atomic - long
zk-1319                zab-boot - - atomic - long
zk-2872                zab-snapshots - - threads - long
zk-3127                snapshot-multi - - threads - long
zk-1046                snapshot-sequence - - threads - long
zk-3642                zab-snapshot-unsaved - - atomic - long
zk-2926                zab-session-joins - - atomic - short
zk-1367                zab-session-away - - atomic - long
zk-1549                zab-write-alone - - atomic - long
zk-790                 zab-led-in-vain - - atomic - long
zk-3701                zab-disk-fails - - atomic - long
zk-1192                zab-epoch-alone - - atomic - long
zk-2959                zab-observer-counts - - atomic - long
zk-1496                session-expires-early - - threads - short
zk-4394                recovery-join available-after-heal - atomic - short
zk-4685                recovery-unshared available-after-heal - atomic - short
zk-1343                recovery-accepted available-after-heal - atomic - short
zk-1277                recovery-rollover available-after-heal - atomic - short
zk-1419                recovery-epochs available-after-heal - atomic - long
zk-975                 recovery-stale-votes available-after-heal - atomic - short
zk-1732                recovery-rounds available-after-heal - atomic - long
zk-1863                recovery-overtake available-after-heal - atomic - short
never-step-down        recovery-deposed available-after-heal - atomic - short
commit-without-quorum  zab - - threads - long
ack-before-fsync       zab - - threads - long
elect-older-zxid       zab - - threads - long
skip-epoch-check       zab - - threads - long
early-newleader-ack    zab - - threads - long
late-history           zab agreement - threads - long
apply-out-of-order     zab - - threads - long
ROWS
}

number_of() { # KEY FILE: a number in the explorer's JSON
    grep -o "\"$1\": [0-9.]*" "$2" | head -1 | grep -o '[0-9.]*$'
}

fail() {
    echo "FAILED: $*" >&2
    bad=1
}

# Without a flaw, to the end of the same budgets.  Where the depth is one of them, the flaw was found in half as many choices.
clean() { # SCENARIO CHOICES
    local so_far
    timeout 3600 nice "$zksim" explore "scenarios/explore/$1.scn" --memory 4GiB --format json > "$scratch/clean" 2> "$scratch/errors"
    grep -q '"verdict": "violated"' "$scratch/clean" && fail "$1 without a flaw: $(grep -o '"guarantee": "[a-z-]*", "verdict": "violated"' "$scratch/clean")"
    [ -s "$scratch/clean" ] || fail "$1: $(cat "$scratch/errors")"
    so_far=$(grep -o 'every order of at most [0-9]* choices' "$scratch/clean" | head -1)
    if grep -q '"complete": true' "$scratch/clean"; then
        so_far=complete
    elif [ -z "$so_far" ] || [ "$(number_of depth "$scratch/clean")" -lt $((2 * $2)) ]; then
        fail "$1 without a flaw is not explored to the end: $(grep -o '"end": "[^"]*"' "$scratch/clean")"
    fi
    printf '| none | `%s` | all hold, %s | | | | %d | %d | %.1f | %d | |\n' "$1" "$so_far" \
        "$(number_of distinct "$scratch/clean")" "$(number_of transitions "$scratch/clean")" \
        "$(number_of cpu_seconds "$scratch/clean")" "$(($(number_of memory "$scratch/clean") >> 20))"
}

find() { # FLAW SCENARIO GUARANTEE PUBLISHED GRAIN TLC
    local check=() broken steps=
    [ "$3" = - ] || check=(--check "$3")
    rm -f "$scratch/found.sched"
    timeout 3600 nice "$zksim" explore "scenarios/explore/$2.scn" --flaw "$1" "${check[@]}" --states 4000000 -o "$scratch/found.sched" \
        --format json > "$scratch/found" 2> "$scratch/errors"
    broken=$(grep -o '"guarantee": "[a-z-]*", "verdict": "violated"' "$scratch/found" | cut -d'"' -f4 | tail -1)
    if [ -z "$broken" ] || [ ! -s "$scratch/found.sched" ]; then
        fail "$1: $2 finds nothing $(cat "$scratch/errors")"
        return
    fi
    "$zksim" replay "$scratch/found.sched" --format json > "$scratch/replay" 2>&1
    grep -q "\"guarantee\": \"$broken\", \"verdict\": \"violated\"" "$scratch/replay" || fail "$1: the replay does not break $broken"
    [ "$4" = - ] || steps=$(awk -v threads=$([ "$5" = threads ] && echo 1 || echo 0) -f tests/steps.awk "$scratch/found.sched")
    printf '| `%s` | `%s` | `%s` | %d | %s | %s | %d | %d | %.1f | %d | %s |\n' "$1" "$2" "$broken" \
        "$(number_of depth "$scratch/found")" "$steps" "${4/-/}" \
        "$(number_of distinct "$scratch/found")" "$(number_of transitions "$scratch/found")" \
        "$(number_of cpu_seconds "$scratch/found")" "$(($(number_of memory "$scratch/found") >> 20))" "${6/-/}"
    [ "$(number_of depth "$scratch/found")" -gt "${most[$2]:--1}" ] && most[$2]=$(number_of depth "$scratch/found")
}

for flaw in $only; do
    rows | grep "^$flaw " > /dev/null || fail "no row for the flaw '$flaw'"
done
[ "$bad" = 0 ] || exit 2
declare -A most # choices, by scenario
echo '| flaw | scenario | breaks | choices | steps | published | states | transitions | CPU s | MiB | TLC CPU s |'
echo '|---|---|---|---|---|---|---|---|---|---|---|'
while read -r flaw scenario guarantee published grain tlc class; do
    if [ "$only" != "  " ]; then
        [[ "$only" == *" $flaw "* ]] || continue
    elif [ -n "$short" ] && [ "$class" != short ]; then
        continue
    fi
    find "$flaw" "$scenario" "$guarantee" "$published" "$grain" "$tlc"
done < <(rows)
if [ -n "$short" ]; then
    for scenario in truncate-unapplied session-expires-early zab-session-joins zab-observer-counts \
        recovery-{join,unshared,accepted,rollover,deposed,stale-votes}; do
        clean "$scenario" 0
    done
else
    for scenario in $(printf '%s\n' "${!most[@]}" | LC_ALL=C sort); do
        clean "$scenario" "${most[$scenario]}"
    done
fi
exit $bad
