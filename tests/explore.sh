#!/usr/bin/env bash
# tests/explore.sh ZKSIM: what `explore` finds, `replay` shows; a limit is never a proof; an interrupt tells what was covered.
set -uo pipefail
cd "$(dirname "$0")/.."
zksim=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
checks=0
failures=0

# check 'WHAT' COMMAND...: it succeeds.
check() {
    local what=$1
    shift
    checks=$((checks + 1))
    if ! "$@" > "$scratch/check.out" 2>&1; then
        failures=$((failures + 1))
        echo "tests/explore.sh: $what" >&2
        head -c 1000 "$scratch/check.out" | sed 's/^/  /' >&2
    fi
}

# scenario NAME < LINES: in the scratch directory.
scenario() {
    { echo "title $1"; cat; echo 'run for 10s'; } > "$scratch/$1.scn"
}

# breaks NAME GUARANTEE OPTIONS...: explore finds it, with one worker and two as early; the schedule shows the same in the simulator.
breaks() {
    local name=$1 guarantee=$2 depth=
    shift 2
    for jobs in 1 2; do
        "$zksim" explore "$scratch/$name.scn" "$@" -j $jobs -o "$scratch/$name.$jobs" --format json > "$scratch/$name.json"
        check "$name breaks $guarantee, -j $jobs" grep -q "\"guarantee\": \"$guarantee\", \"verdict\": \"violated\"" "$scratch/$name.json"
        check "$name: the schedule of -j $jobs shows it" grep -qE "^shows +$guarantee" "$scratch/$name.$jobs"
        "$zksim" replay "$scratch/$name.$jobs" > "$scratch/$name.replay"
        check "$name: replayed" grep -qE "^ *$guarantee +violated" "$scratch/$name.replay"
        depth="$depth $(grep -o '"depth": [0-9]*' "$scratch/$name.json")"
    done
    # shellcheck disable=SC2086
    set -- $depth
    check "$name: one worker and two find it at the same depth" [ "$2" = "$4" ]
}

# ends NAME 'TEXT' OPTIONS...: explore says so, and that nothing holds of which it does not know.
ends() {
    local name=$1 text=$2
    shift 2
    "$zksim" explore "$scratch/$name.scn" "$@" > "$scratch/$name.out" 2>&1
    check "$name $*: $text" grep -qF -- "$text" "$scratch/$name.out"
    if [ "$text" != 'complete: every order' ]; then
        check "$name $*: no bound looks like a proof" bash -c "! grep -qE ' holds( |$)' '$scratch/$name.out'"
    fi
}

scenario disagreement << 'END'
atomic-commit 3pc coordinator=C participants=A,B
explore from boot
explore prompt boot,connect
explore partitions 1
explore timeouts 3
explore timing reliable
END
breaks disagreement ac-agreement

scenario early-ack << 'END'
servers 3
clients 1
script client 1: create /a 1
flaw ack-before-fsync
explore from established
explore prompt election,connect,close,requests,boot,client,tasks
explore kills 2
explore restarts 2
END
breaks early-ack committed-never-truncated

scenario late-event << 'END'
servers 1
clients 2
script client 1: create /a 1, get /a watch, get /a
script client 2: set /a 2
flaw notify-after-reply
explore from established
explore prompt election,connect,close,requests,boot
END
breaks late-event no-lost-watch

scenario hasty-read << 'END'
servers 3
clients 1
script client 1 pipelined: create /a 1, get /a
flaw read-ahead-of-own-write
explore from established
explore prompt election,connect,close,requests,boot
END
breaks hasty-read read-your-writes

scenario sound << 'END'
servers 2
clients 1
script client 1: create /a 1, set /a 2
explore from established
explore prompt election,connect,close
explore crashes 1
explore resets 1
END
ends sound 'complete: every order'
"$zksim" explore "$scratch/sound.scn" --run-every-step --format json | grep -o '"distinct": [0-9]*, "transitions": [0-9]*' > "$scratch/every"
"$zksim" explore "$scratch/sound.scn" -j 2 --format json | grep -o '"distinct": [0-9]*, "transitions": [0-9]*' > "$scratch/remembered"
check 'remembering steps changes nothing' cmp "$scratch/every" "$scratch/remembered"
ends sound 'takes one process; -j goes with breadth' --order depth -j 2
ends sound 'takes one process; -j goes with breadth' --order guided -j 2
ends sound 'cannot go on from a checkpoint' --order depth --checkpoint "$scratch/none"
ends sound 'cannot go on from a checkpoint' --order guided --checkpoint "$scratch/none"
ends sound 'impossible: only sites of an atomic commit' --symmetry on
ends sound '--symmetry goes with breadth' --order depth --symmetry on
ends sound '--symmetry takes on or off' --symmetry yes
check 'what cannot be is status 2' bash -c "'$zksim' explore '$scratch/sound.scn' --symmetry on; [ \$? = 2 ]"
check 'and so is an order it does not go with' bash -c "'$zksim' explore '$scratch/sound.scn' --order walk --symmetry on; [ \$? = 2 ]"
check 'two processes for depth are status 2' bash -c "'$zksim' explore '$scratch/sound.scn' --order depth -j 2; [ \$? = 2 ]"
for order in depth walk pct guided; do
    check "a checkpoint of $order is status 2" bash -c "'$zksim' explore '$scratch/sound.scn' --order $order --checkpoint '$scratch/none'; [ \$? = 2 ]"
    check "$order wrote none" [ ! -e "$scratch/none" ]
done
ends sound 'not complete: the limit of depth was reached: every order of at most 5 choices was tried' --depth 5
ends sound 'not complete: the limit of states' --states 300
ends sound 'not complete: the memory allowed' --memory 6MiB
ends sound 'not complete: the memory allowed' --memory 6MiB -j 2
ends sound 'the memory allowed is not enough to begin' --memory 1MiB

scenario begun << 'END'
servers 3
clients 1
script client 1: create /a 1
explore from established
explore start crash server-1
explore start settle
explore restarts 1
explore fair 1000
explore prompt boot,election,connect,close,quorum,client,disk,tasks
END
ends begun 'complete: every order'
check 'what happened before is told' grep -qF 'after    crash server-1; settle' "$scratch/begun.out"
ends begun 'after 5 events the servers do not all serve' --fair 5
sed 's/start settle/start crash server-1/' "$scratch/begun.scn" > "$scratch/twice.scn"
ends twice 'explore start crash server-1: that cannot happen there'
sed 's/start settle/start prompt everything/' "$scratch/begun.scn" > "$scratch/prompt.scn"
ends prompt 'is no list of classes of moves'

scenario endless << 'END'
servers 3
clients 2
script clients: create /a 1, set /a 2, get /a watch, delete /a
explore from boot
explore crashes 3
explore restarts 3
explore timeouts 9
END
ends endless 'not complete: the time allowed' --time 1s
for jobs in 1 2; do
    timeout --foreground --signal=INT 2 "$zksim" explore "$scratch/endless.scn" -j $jobs > "$scratch/endless.out" 2>&1
    check "an interrupt tells what was covered, -j $jobs" grep -qE 'not complete: interrupted' "$scratch/endless.out"
    check "and how much that was, -j $jobs" grep -qE 'states +[1-9][0-9]* distinct' "$scratch/endless.out"
done

# What is not watched is said, and cannot be asked for in silence.
lock=scenarios/explore/lock-fenced.scn
"$zksim" explore $lock --check fenced-exclusion > "$scratch/fenced.out"
check 'what nobody asked for is not watched' grep -qE 'NOT WATCHED, only with --check: .* mutual-exclusion ' "$scratch/fenced.out"
"$zksim" explore scenarios/explore/tasks.scn --format text > "$scratch/tasks.out"
check 'what nobody can break is not watched' grep -qE 'NOT WATCHED, .* group-membership' "$scratch/tasks.out"
check 'bounded-staleness is watched where it is asked for' grep -qE 'NOT WATCHED, only with --check: .*bounded-staleness' "$scratch/tasks.out"
for name in group-membership ac-agreement mutual-exclusio; do
    "$zksim" explore $lock --check $name > "$scratch/refused.out" 2>&1
    check "--check $name: refused" [ $? = 2 ]
    check "--check $name: why" grep -qE "nobody in .* can break $name|no guarantee '$name': see" "$scratch/refused.out"
done

# Closures that never rest: of messages alone, and with pauses that an observer draws.
circles=scenarios/explore/zab-observer-counts.scn
for options in '-j 1' '-j 2' '--order depth'; do
    # shellcheck disable=SC2086
    "$zksim" explore "$circles" $options --format json > "$scratch/circles.json"
    check "circles are left, $options" grep -q '"complete": true' "$scratch/circles.json"
    grep -o '"distinct": [0-9]*' "$scratch/circles.json" >> "$scratch/circles"
done
check 'and all come to the same' [ "$(sort -u "$scratch/circles" | wc -l)" = 1 ]

[ "$failures" = 0 ] || { echo "tests/explore.sh: $failures of $checks checks failed" >&2; exit 1; }
echo "explore: $checks checks"
