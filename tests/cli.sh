#!/usr/bin/env bash
# tests/cli.sh ZKSIM: exit statuses and messages of the commands: right input, wrong input, a full disk, a kill half way.
set -uo pipefail
cd "$(dirname "$0")/.."
zksim=$1
scratch=$(mktemp -d)
mounted=
clean_up() {
    [ -z "$mounted" ] || umount "$scratch/small"
    rm -rf "$scratch"
}
trap clean_up EXIT
checks=0
failures=0

# expect STATUS 'TEXT' COMMAND...: the status, and that stdout or stderr contains the text.
expect() {
    local status=$1 text=$2 got=0
    shift 2
    "$@" > "$scratch/out" 2> "$scratch/err" || got=$?
    checks=$((checks + 1))
    if [ "$got" != "$status" ] || ! { [ -z "$text" ] || grep -qF -- "$text" "$scratch/out" "$scratch/err"; }; then
        failures=$((failures + 1))
        echo "tests/cli.sh: $*" >&2
        echo "  want status $status and '$text'; got status $got and:" >&2
        head -c 600 "$scratch/out" "$scratch/err" | sed 's/^/  /' >&2
    fi
}

# ---- right input ----
expect 0 'as expected' "$zksim" run scenarios/calm.scn --history "$scratch/calm.db"
expect 0 'as expected' "$zksim" check "$scratch/calm.db"
verdicts() { grep -E ' (holds|violated|unknown) '; }
"$zksim" run scenarios/deposed-leader.scn --seed 7 --history "$scratch/h.db" | verdicts > "$scratch/run.txt"
"$zksim" check "$scratch/h.db" | verdicts > "$scratch/check.txt"
expect 0 '' cmp "$scratch/run.txt" "$scratch/check.txt"
expect 0 'linearizable-writes' cat "$scratch/run.txt"
expect 0 '"verdicts": [{"guarantee": ' "$zksim" run scenarios/calm.scn --format json
expect 0 '<testsuite name="zksim" tests="1" failures="0">' "$zksim" run scenarios/calm.scn --format junit
expect 0 '"summary": true' "$zksim" sweep scenarios/calm.scn --seeds 1..2 --format json
expect 0 '4 runs, 0 not as expected' "$zksim" sweep scenarios/calm.scn scenarios/observer.scn --seeds 1..2 -j2
expect 0 ' runs, 0 not as expected' "$zksim" sweep scenarios/recipes --seeds 1..1 -j2
expect 0 '1 runs, 0 not as expected' "$zksim" sweep scenarios/calm.scn --seeds 1..2 --shard 2/2
expect 0 'Usage' "$zksim" --help
for command in run sweep check list plot bench shrink merge why show replay explore; do
    expect 0 'Usage' "$zksim" $command --help
done
for what in scenarios guarantees flaws workloads faults settings plots words; do
    expect 0 '' "$zksim" list $what
done
expect 0 'partition' "$zksim" list faults
expect 0 'when OBSERVATION' "$zksim" list words

# A walk by hand is saved, and replayed to the same end each time.
cat > "$scratch/walk.scn" << 'END'
title Two writes
clients 1
script client 1: create /a 1, set /a 2
run for 1s
explore from established
explore crashes 1
explore restarts 1
END
# A device is written to, not replaced by a file.
expect 3 'No space left' "$zksim" explore scenarios/explore/3pc-lost-message.scn -o /dev/full
expect 0 '' test -c /dev/full

walk() { printf '%s\n' "$@" | "$zksim" explore "$scratch/walk.scn" --interactive; }
expect 0 'request client-1' walk quit
expect 0 'this is the beginning' walk 1 back back
expect 0 'nothing was undone' walk 1 forward
expect 0 'there are moves 1 to' walk 999
expect 0 "did you mean 'server-1'?" walk 'crash server-7'
expect 0 'that cannot happen now' walk 'boot server-1'
expect 0 'leading, serving' walk world
expect 0 '31 moves written' walk 'random 30' 'crash server-2' "save $scratch/walk.schedule" quit
expect 0 'as expected' "$zksim" replay "$scratch/walk.schedule" --history "$scratch/walk.db" --record messages
expect 0 'as expected' "$zksim" check "$scratch/walk.db"
expect 0 '"verdicts": [{"guarantee": ' "$zksim" replay "$scratch/walk.schedule" --format json --settle 30s
"$zksim" replay "$scratch/walk.schedule" > "$scratch/one"
"$zksim" replay "$scratch/walk.schedule" > "$scratch/four"
expect 0 '' cmp "$scratch/one" "$scratch/four"
sed 's/^seed .*/&\nshows integrity/' "$scratch/walk.schedule" > "$scratch/other.schedule"
expect 1 'integrity is not violated' "$zksim" replay "$scratch/other.schedule"
echo 'boot server-1' >> "$scratch/other.schedule"
expect 2 "'boot server-1' cannot happen here" "$zksim" replay "$scratch/other.schedule"
expect 2 'not a schedule' "$zksim" replay "$scratch/walk.scn"
expect 2 'No such file' "$zksim" replay "$scratch/none"
expect 2 '--crashes takes N' "$zksim" explore "$scratch/walk.scn" --crashes many

# The output of a sweep does not depend on how many processes work.
"$zksim" sweep scenarios/chaos.scn --seeds 1..12 --format json -j1 > "$scratch/one" 2> /dev/null
"$zksim" sweep scenarios/chaos.scn --seeds 1..12 --format json -j4 > "$scratch/four" 2> /dev/null
expect 0 '' cmp "$scratch/one" "$scratch/four"

# Every query of sim/README.md has an answer.
"$zksim" run scenarios/deposed-leader.scn --seed 42 --record messages --history "$scratch/queries.db" > /dev/null
awk -v out="$scratch/query" '/^```sql/ {n++; inside = 1; next} /^```/ {inside = 0} inside {print > (out n)}' sim/README.md
for query in "$scratch"/query[0-9]*; do
    checks=$((checks + 1))
    if ! sqlite3 -readonly "$scratch/queries.db" < "$query" 2> "$scratch/err" | grep -q .; then
        failures=$((failures + 1))
        echo "tests/cli.sh: sim/README.md: no answer to:" >&2
        cat "$query" "$scratch/err" >&2
    fi
done

# ---- a guarantee breaks, or does not break as expected ----
expect 1 'NOT as expected' "$zksim" run scenarios/calm.scn --flaw notify-after-reply --history "$scratch/broken.db"
expect 1 'watch-before-state is violated' "$zksim" check "$scratch/broken.db"
expect 1 'zksim run scenarios/calm.scn --seed 2 --flaw notify-after-reply' \
    "$zksim" sweep scenarios/calm.scn --seeds 1..3 --flaw notify-after-reply --out "$scratch/failing"
expect 1 'watch-before-state is violated' "$zksim" check "$scratch"/failing/calm-*-watch-before-state/history.db
# Stopping at the first does not depend on how many processes work; the canary: with a flaw the alarm goes off, everywhere.
expect 1 '1 runs, 1 not as expected' "$zksim" sweep scenarios/calm.scn --seeds 2..9 --flaw notify-after-reply --until-violated -j4
expect 0 '2 runs, 0 not as expected' "$zksim" sweep scenarios/calm.scn --seeds 1..2 --until-violated -j2
canary="scenarios/chaos.scn --seeds 1..20 --flaw elect-older-zxid --until-violated"
# shellcheck disable=SC2086 # words
{
    expect 1 'FAILED scenarios/chaos.scn' "$zksim" sweep $canary -j2
    expect 1 '<failure' "$zksim" sweep $canary -j2 --format junit
    expect 1 '"as_expected": false' "$zksim" sweep $canary --format json
}
printf 'run for 3s\nexpect violated total-order\n' > "$scratch/holds.scn"
expect 1 'holds total-order (expected to be violated)' "$zksim" run "$scratch/holds.scn"
printf 'run for 3s\nexpect observed truncated\n' > "$scratch/never.scn"
expect 1 'never observed truncated' "$zksim" run "$scratch/never.scn"

# ---- from a failing seed to a bug report ----
flawed="--flaw notify-after-reply"
expect 0 'tries' "$zksim" shrink scenarios/calm.scn --seed 2 $flawed --guarantee watch-before-state -j2 -o "$scratch/small.scn"
expect 0 'expect   violated watch-before-state' cat "$scratch/small.scn"
expect 0 '"signature": "watch-before-state: ' "$zksim" shrink \
    scenarios/calm.scn --seed 2 $flawed --guarantee watch-before-state -j1 --format json -o "$scratch/small-1.scn"
expect 0 '' cmp "$scratch/small.scn" "$scratch/small-1.scn"
expect 0 'the effort was spent' "$zksim" shrink scenarios/chaos.scn --seed 1 $flawed --effort 1 -o "$scratch/large.scn"
expect 0 'WARNING: --budget' "$zksim" shrink scenarios/chaos.scn --seed 1 $flawed --budget 1ms -o "$scratch/large.scn"
expect 0 '2 sites' "$zksim" shrink scenarios/3pc-partition.scn --seed 1 -o "$scratch/3pc.scn"
expect 0 'as expected' "$zksim" run "$scratch/3pc.scn"
expect 0 'as expected' "$zksim" run "$scratch/small.scn" --history "$scratch/small.db" --record messages --report "$scratch/report.txt"
expect 0 'To see it again:' cat "$scratch/report.txt"
seed=$(awk '$1 == "seeds" {print $2}' "$scratch/small.scn")
expect 1 'nothing to shrink' "$zksim" shrink scenarios/calm.scn --seed 2
expect 1 'nothing to explain' "$zksim" why scenarios/calm.scn --seed 2
expect 0 "How probable is it that watch-before-state breaks" "$zksim" why "$scratch/small.scn" --seed "$seed" --steps 2 --samples 2 -j2 --guarantee watch-before-state
expect 0 'seconds' "$zksim" show "$scratch/small.db" --node server-1 --node client-1 --until 2s
expect 0 'established' "$zksim" show "$scratch/small.db" --timeline
expect 0 '' "$zksim" show "$scratch/small.db" --svg "$scratch/small.svg" --until 1s
expect 0 '</svg>' cat "$scratch/small.svg"
for shard in 1/2 2/2; do
    "$zksim" sweep scenarios/calm.scn --seeds 1..6 $flawed --format json --shard $shard > "$scratch/shard-${shard%/*}" 2> /dev/null
done
"$zksim" sweep scenarios/calm.scn --seeds 1..6 $flawed --format json > "$scratch/whole" 2> /dev/null
"$zksim" merge --format json "$scratch/shard-1" "$scratch/shard-2" > "$scratch/merged"
expect 0 '' cmp "$scratch/whole" "$scratch/merged"
expect 1 'different failures' "$zksim" merge "$scratch/shard-1" "$scratch/shard-2"
expect 2 'not a line of' "$zksim" merge scenarios/calm.scn
if command -v parallel > /dev/null; then
    parallel -j2 "$zksim sweep scenarios/calm.scn --seeds 1..6 $flawed --format json --shard {}/3 2> /dev/null" ::: 1 2 3 \
        > "$scratch/parallel"
    "$zksim" merge --format json "$scratch/parallel" > "$scratch/merged"
    expect 0 '' cmp "$scratch/whole" "$scratch/merged"
else
    echo "SKIPPED: sweeping with GNU parallel, which is not installed (make setup installs it)"
fi
# One way of failing is one failure, whichever scenario shows it; scenarios of the same name have folders of their own.
mkdir -p "$scratch/left" "$scratch/right"
cp scenarios/calm.scn "$scratch/left/same.scn"
cp scenarios/calm.scn "$scratch/right/same.scn"
printf 'run for 3s\nexpect violated total-order\n' | tee "$scratch/left/never.scn" > "$scratch/right/never.scn"
expect 1 '3 different failures' "$zksim" sweep "$scratch/left" "$scratch/right" --seeds 2..3 $flawed --out "$scratch/folders"
for failure in left-never-3-holds right-never-3-holds left-same-2-watch-before-state; do
    expect 0 'zksim' cat "$scratch"/folders/*-"$failure"/command.txt
done
expect 0 '2/2' script -qec "$zksim sweep scenarios/calm.scn --seeds 1..2" /dev/null
expect 2 'one SCENARIO and --seed N are needed' "$zksim" shrink scenarios/calm.scn
expect 2 "unknown guarantee 'x'" "$zksim" shrink scenarios/calm.scn --seed 1 --guarantee x
expect 2 'no node has that name' "$zksim" show "$scratch/small.db" --node nobody
expect 2 'one FILE is needed' "$zksim" show

# ---- wrong usage and input ----
expect 2 'Usage' "$zksim"
expect 2 "unknown command 'rum'" "$zksim" rum
expect 2 "no address to listen on" "$zksim" serve --port 0 --bind nowhere
expect 2 "expected a factor" "$zksim" serve --port 0 --speed fast
expect 2 "nobody listens there" "$zksim" ctl --socket "$scratch/none.sock" state
expect 2 'one SCENARIO is needed' "$zksim" run
expect 2 'Unknown option --sed' "$zksim" run scenarios/calm.scn --sed 1
expect 2 "--seed 'x'" "$zksim" run scenarios/calm.scn --seed x
expect 2 "unknown flaw 'x'" "$zksim" run scenarios/calm.scn --flaw x
expect 2 "unknown setting 'x'" "$zksim" run scenarios/calm.scn --set x=1
expect 2 'from 1ms to 1min' "$zksim" run scenarios/calm.scn --set tickTime=2h
expect 2 "unknown level 'x'" "$zksim" run scenarios/calm.scn --record x
expect 2 "unknown format 'x'" "$zksim" run scenarios/calm.scn --format x
expect 2 'No such file' "$zksim" run "$scratch/missing.scn"
expect 2 '--seeds A..B is needed' "$zksim" sweep scenarios/calm.scn
expect 2 "--seeds '1'" "$zksim" sweep scenarios/calm.scn --seeds 5..1
expect 2 '--shard' "$zksim" sweep scenarios/calm.scn --seeds 1..2 --shard 3/2
expect 2 'one of scenarios' "$zksim" list nothing
expect 2 "unknown kind 'x'" "$zksim" plot x "$scratch/h.db" -o "$scratch/x.png"
expect 2 '.png or .svg' "$zksim" plot latency "$scratch/h.db" -o "$scratch/x.gif"

printf 'workload strawman clients=1\nrun for 3s\n' > "$scratch/alone.scn"
expect 2 'a strawman needs two' "$zksim" run "$scratch/alone.scn"
printf 'servers 3\nat 5s klil leader\nrun for 9s\n' > "$scratch/typo.scn"
expect 2 "$scratch/typo.scn:2:7: unknown fault 'klil'; did you mean 'kill'?" "$zksim" run "$scratch/typo.scn"
expect 2 "typo.scn:2:7" "$zksim" sweep "$scratch/typo.scn" --seeds 1..3
head -c 3000 /dev/urandom > "$scratch/noise.scn"
expect 2 'not UTF-8 text' "$zksim" run "$scratch/noise.scn"

expect 2 'No such file' "$zksim" check "$scratch/missing.db"
expect 2 'not a regular file' "$zksim" check "$scratch"
expect 2 'not an SQLite file' "$zksim" check "$scratch/typo.scn"
sqlite3 "$scratch/other.db" 'CREATE TABLE run (x)'
expect 2 'an SQLite file of another program' "$zksim" check "$scratch/other.db"
expect 2 'will not overwrite' "$zksim" run scenarios/calm.scn --history "$scratch/other.db"
expect 2 'will not overwrite' "$zksim" run scenarios/calm.scn --history "$scratch/typo.scn"
cp "$scratch/h.db" "$scratch/newer.db"
sqlite3 "$scratch/newer.db" 'PRAGMA user_version = 99'
expect 2 'schema version 99' "$zksim" check "$scratch/newer.db"
head -c 100000 "$scratch/h.db" > "$scratch/short.db"
expect 2 'truncated' "$zksim" check "$scratch/short.db"
sqlite3 "$scratch/newer.db" 'PRAGMA user_version = 3; UPDATE operations SET client = 99 WHERE id = 5'
expect 2 'row 5 of table operations' "$zksim" check "$scratch/newer.db"
expect 2 'cannot create it' "$zksim" run scenarios/calm.scn --history "$scratch/nowhere/h.db"

# ---- data directories ----
expect 0 'as expected' "$zksim" run scenarios/calm.scn --dump-disks "$scratch/disks"
expect 2 'is there already' "$zksim" run scenarios/calm.scn --dump-disks "$scratch/disks"
expect 0 'as expected' "$zksim" run scenarios/calm.scn --seed 2 --load-disks "$scratch/disks" --history "$scratch/loaded.db"
expect 0 'as expected' "$zksim" check "$scratch/loaded.db"
sqlite3 "$scratch/loaded.db" "UPDATE inherited_znodes SET version = version + 1 WHERE path = '/mixed/register/r0'"
expect 1 'linearizable-writes is violated' "$zksim" check "$scratch/loaded.db"
sqlite3 "$scratch/loaded.db" "UPDATE inherited_znodes SET path = '/nowhere/x' WHERE path = '/mixed/ephemeral'"
expect 1 'not a tree' "$zksim" check "$scratch/loaded.db"
sed 's/^servers.*/servers 3\nobservers 1/' scenarios/calm.scn > "$scratch/four.scn"
expect 0 'as expected' "$zksim" run "$scratch/four.scn" --load-disks tests/data/captures/disk-ensemble
expect 2 's4/myid: the ensemble has no server 4' "$zksim" run scenarios/calm.scn --load-disks tests/data/captures/disk-ensemble
expect 2 'no version-2' "$zksim" run scenarios/calm.scn --load-disks scenarios
echo first > "$scratch/disks/server-1/myid"
expect 2 "must hold the server's number" "$zksim" run scenarios/calm.scn --load-disks "$scratch/disks"
touch "$scratch/disks/server-1/version-2/snapshot.7.gz"
expect 2 'hexadecimal zxid' "$zksim" run scenarios/calm.scn --load-disks "$scratch/disks/server-1"

# Configurations lie beside the version folder, and come back from there.
expect 0 'as expected' "$zksim" run scenarios/reconfig-add-voter.scn --dump-disks "$scratch/five"
sed '/^script/d; /^at/d; /^quiet/d; /^expect/d; s/^run for.*/run for 5s/' scenarios/reconfig-add-voter.scn > "$scratch/on.scn"
expect 0 'as expected' "$zksim" run "$scratch/on.scn" --load-disks "$scratch/five" --dump-disks "$scratch/on"
expect 0 'server.5=10.0.0.5' cat "$scratch"/five/spare-5/zoo.cfg.dynamic.*
for config in $(cd "$scratch/five" && ls */zoo.cfg.dynamic.*); do
    expect 0 '' cmp "$scratch/five/$config" "$scratch/on/$config"
done

# Whatever chaos left on the disks, the next run goes on from there.
for seed in $(seq 5 11); do
    rm -rf "$scratch/left"
    "$zksim" run scenarios/chaos.scn --seed "$seed" --dump-disks "$scratch/left" > /dev/null
    sed "s/^servers.*/servers $(ls "$scratch/left" | wc -l)/; s/^run for.*/run for 5s/" scenarios/calm.scn > "$scratch/next.scn"
    expect 0 'as expected' "$zksim" run "$scratch/next.scn" --load-disks "$scratch/left"
done

# ---- measuring ----
expect 2 'unknown flaw nonsense' tests/flaw_table.py "$zksim" nonsense

# ---- the machine fails us ----
expect 3 'cannot write the results' sh -c "'$zksim' run scenarios/calm.scn > /dev/full"
mkdir "$scratch/small"
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=1m tmpfs "$scratch/small" 2> /dev/null; then
    mounted=yes
    expect 3 'disk is full' "$zksim" run scenarios/deposed-leader.scn --record messages --history "$scratch/small/h.db"
    rm -f "$scratch/small/"*
    mkdir -p "$scratch/small/out"
    expect 3 'disk is full' "$zksim" sweep scenarios/chaos.scn --seeds 1..9 --flaw notify-after-reply --out "$scratch/small/out"
else
    echo "tests/cli.sh: no small file system here (not root?): the full disk is not tested" >&2
fi

# A run killed half way leaves a file that can be read, and says so.
sed 's/^run .*/run for 30min/; /^quiet/d; /^expect/d' scenarios/calm.scn > "$scratch/long.scn"
"$zksim" run "$scratch/long.scn" --record messages --history "$scratch/killed.db" > /dev/null 2>&1 &
run=$!
for _ in $(seq 100); do
    sleep 0.1
    [ "$(stat -c %s "$scratch/killed.db" 2> /dev/null || echo 0)" -gt 20000000 ] && break
done
kill -9 $run
wait $run 2> /dev/null
expect 0 'stopped half way' "$zksim" check "$scratch/killed.db"
expect 0 'killed half way' sqlite3 "$scratch/killed.db" 'SELECT finished FROM v_run'
expect 0 'ok' sqlite3 "$scratch/killed.db" 'PRAGMA quick_check'
# and may be overwritten
expect 0 'as expected' "$zksim" run scenarios/calm.scn --history "$scratch/killed.db"

# An exploration that is cut short goes on from its checkpoint, and ends as if it had never stopped.
cat > "$scratch/space.scn" << 'END'
title A space of some thousand states
servers 3
clients 1
script client 1: create /a 1
run for 10s
explore from established
explore prompt election,connect,close,requests,boot
explore crashes 1
explore restarts 1
END
space="$scratch/space.scn"
size_of() { sed -n 's/^  states *//p'; }
whole=$("$zksim" explore "$space" | size_of | sed 's/, [0-9]* single steps//')
"$zksim" explore "$space" --states 2000 --checkpoint "$scratch/part" > /dev/null
expect 2 'exists: go on from it' "$zksim" explore "$space" --checkpoint "$scratch/part"
expect 2 "it was 'explore crashes 1' and is now 'explore crashes 2'" "$zksim" explore "$space" --crashes 2 --resume "$scratch/part"
expect 2 "it was 'seed      1' and is now 'seed      2'" "$zksim" explore "$space" --seed 2 --resume "$scratch/part"
expect 2 'cannot go on from a checkpoint' "$zksim" explore "$space" --order depth --checkpoint "$scratch/other"
expect 2 'needs --checkpoint FILE' "$zksim" explore "$space" --checkpoint-every 1s
expect 2 'no directory to which files can be written' "$zksim" explore "$space" --spill "$scratch/nowhere"
expect 1 'limit of states was reached' "$zksim" explore "$space" -j2 --states 4000 --resume "$scratch/part"
expect 1 'To go on:' "$zksim" explore "$space" --depth 20 --resume "$scratch/part"
parts=$("$zksim" explore "$space" --resume "$scratch/part" | size_of | sed 's/, [0-9]* single steps//')
checks=$((checks + 1))
if [ "$parts" != "$whole" ] || [ -e "$scratch/part" ]; then
    echo "an exploration in parts: '$parts' instead of '$whole'" >&2
    failures=$((failures + 1))
fi
if [ "$mounted" = yes ]; then
    rm -rf "$scratch/small/"*
    expect 1 'directory to spill to is full' "$zksim" explore "$space" --crashes 2 --restarts 2 --spill "$scratch/small"
    rm -rf "$scratch/small/"*
    expect 3 'cannot be written' "$zksim" explore "$space" --crashes 2 --states 60000 --checkpoint "$scratch/small/part"
fi

# A worker that is killed ends the search at once.
"$zksim" explore "$space" -j2 --crashes 3 --restarts 3 > /dev/null 2> "$scratch/died" &
search=$!
for _ in $(seq 400); do
    sleep 0.05
    worker=$(ps -o pid= --ppid $search | head -1)
    [ -n "$worker" ] && kill -9 $worker 2> /dev/null && break
done
wait $search
status=$?
checks=$((checks + 1))
if [ $status != 3 ] || ! grep -q 'was ended by signal 9' "$scratch/died"; then
    echo "a worker that is killed: status $status" >&2
    failures=$((failures + 1))
fi

# Every scenario is listed, in whatever folder.
expect 0 "$(find scenarios -name "*.scn" | wc -l)" sh -c "'$zksim' list scenarios | wc -l"

# Whoever reads may stop reading.
expect 0 '' sh -c "'$zksim' list words | head -1"

echo "cli: $checks checks, $failures failed"
[ "$failures" = 0 ]
