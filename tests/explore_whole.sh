#!/usr/bin/env bash
# tests/explore_whole.sh ZKSIM: Zab without flaws, explored to the end: every guarantee holds, and the spaces have their sizes.  Whoever
# changes a step of the protocol changes these: see that the change is meant.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
zksim=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0

# scenario, states, transitions, depth
while read -r name states transitions depth; do
    "$zksim" explore "scenarios/explore/$name.scn" --format json > "$scratch/out" || bad=1
    want="\"distinct\": $states, \"transitions\": $transitions, \"depth\": $depth, \"complete\": true"
    got=$(sed 's/"steps": [0-9]*, //' "$scratch/out" | grep -oE '"distinct": .*"complete": (true|false)' | head -1)
    if [ "$got" != "$want" ]; then
        printf '%s:\n  %s\n  instead of\n  %s\n' "$name" "$got" "$want" >&2
        bad=1
    fi
done << 'END'
zab             514362   1310196 48
zab-two-writes  499994   2116281 50
zab-two-crashes 6910328 26900505 64
zab-observer-counts 12975 19622 9
END
[ "$bad" = 0 ] && echo "explore: Zab's spaces are complete and have their sizes"
exit $bad
