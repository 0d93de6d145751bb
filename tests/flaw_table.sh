#!/usr/bin/env bash
# tests/flaw_table.sh ZKSIM [-j JOBS] [-r RANGES] [-c CAP] [--shrink] [FLAW...]: how fast undirected chaos finds each flaw, as a Markdown table.
#
# Range k (from 0) begins at seed k*250+1 and goes upward until some guarantee breaks, CAP seeds at most (and five minutes).  A row says the median over the
# ranges of the seeds needed (least and most behind it) and of the processor seconds (user time, judging included), and in how many ranges
# the first seed that broke anything also broke the guarantee that the flaw's entry in the catalogue names.
# --shrink adds the size of the first failure of range 0, shrunk (lines, faults, servers): minutes of work.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
zksim=$1
shift
jobs=1
ranges=20
cap=40
shrink=
while [ $# -gt 0 ]; do
    case $1 in
    -j) jobs=$2; shift 2 ;;
    -j*) jobs=${1#-j}; shift ;;
    -r) ranges=$2; shift 2 ;;
    -c) cap=$2; shift 2 ;;
    --shrink) shrink=1; shift ;;
    *) break ;;
    esac
done
flaws=${*:-$("$zksim" list flaws | awk '$2 == "breaks" {print $1}')}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

guarantee_of() {
    "$zksim" list flaws | awk -v flaw="$1" '$1 == flaw && $2 == "breaks" {print $3}'
}

# One line: seeds needed (0: none within the cap), user seconds, 1 if the named guarantee broke, the seed.
measure() {
    local flaw=$1 first=$(($2 * 250 + 1)) out=$scratch/$1-$2 seconds seed
    local TIMEFORMAT=%U
    { time timeout 300 "$zksim" sweep scenarios/chaos.scn --seeds "$first..$((first + cap - 1))" --flaw "$flaw" \
        --until-violated --format json > "$out.json" 2> /dev/null; } 2> "$out.time"
    seconds=$(cat "$out.time")
    seed=$(grep '"as_expected": false' "$out.json" | head -1 | sed 's/.*"seed": \([0-9]*\),.*/\1/')
    if [ -z "$seed" ]; then
        echo "0 $seconds 0 0" > "$out"
    else
        grep -q "\"guarantee\": \"$(guarantee_of "$flaw")\", \"verdict\": \"violated\"" "$out.json" && named=1 || named=0
        echo "$((seed - first + 1)) $seconds $named $seed" > "$out"
    fi
    rm "$out.json" "$out.time"
}

size_when_shrunk() {
    local small=$scratch/$1.scn servers
    "$zksim" shrink scenarios/chaos.scn --seed "$2" --flaw "$1" -j "$jobs" -o "$small" > /dev/null 2>&1 || { echo '-'; return; }
    servers=$(awk '$1 == "servers" || $1 == "observers" {n += $2} END {print n}' "$small")
    echo "$(grep -cvE '^ *(#|$)' "$small") / $(grep -cE '^at ' "$small") / ${servers:-3}"
}

# Of what stands first on the lines of stdin, numerically; a range without a find counts as longer than any.
median() {
    sort -n | awk '{v[NR] = $1} END {print (NR % 2 == 1 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2)}'
}

echo "| flaw | guarantee | found in | seeds: median (least to most) | CPU seconds: median | that guarantee broke first |${shrink:+ shrunk: lines / faults / servers |}"
echo "|---|---|---|---|---|---|${shrink:+---|}"
missed=0
for flaw in $flaws; do
    for ((range = 0; range < ranges; range++)); do
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
            wait -n
        done
        measure "$flaw" "$range" &
    done
    wait
    lines=$(cat "$scratch/$flaw"-*)
    found=$(awk '$1 > 0' <<< "$lines" | wc -l)
    named=$(awk '{n += $3} END {print n}' <<< "$lines")
    seeds=$(awk -v cap="$cap" '{print ($1 > 0 ? $1 : cap + 1)}' <<< "$lines" | median)
    over=$(awk -v m="$seeds" -v cap="$cap" 'BEGIN {print ((m + 0 > cap + 0) ? "> " cap : m)}')
    least=$(awk '$1 > 0 {print $1}' <<< "$lines" | sort -n | head -1)
    most=$([ "$found" = "$ranges" ] && awk '{print $1}' <<< "$lines" | sort -n | tail -1 || echo "> $cap")
    seconds=$(awk '{print $2}' <<< "$lines" | median)
    size=
    if [ -n "$shrink" ]; then
        seed=$(awk '$1 > 0 {print $4; exit}' <<< "$lines")
        size=" $([ -n "$seed" ] && size_when_shrunk "$flaw" "$seed" || echo '-') |"
    fi
    echo "| $flaw | $(guarantee_of "$flaw") | $found of $ranges | $over (${least:--} to $most) | $seconds | $named of $found |$size"
    [ "$found" -gt 0 ] || missed=1
    rm "$scratch/$flaw"-*
done
exit $missed
