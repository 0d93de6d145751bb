#!/usr/bin/env bash
# tests/flaws.sh ZKSIM [SEEDS]: every known flaw is caught, by the guarantee its scenario names (without a scenario: by chaos), within that
# many seeds (200); the same scenario and seeds without the flaw keep every guarantee.
set -uo pipefail
cd "$(dirname "$0")/.."
zksim=$1
seeds=${2:-200}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0
for flaw in $("$zksim" list flaws | awk '/^[^ ]/ {print $1}'); do
    scenario=scenarios/flaws/$flaw.scn
    case $flaw in zk-*) scenario=scenarios/bugs/ZOOKEEPER-${flaw#zk-}.scn ;; esac
    # What no script shows, chaos must find.
    if [ ! -f "$scenario" ]; then
        scenario=$scratch/$flaw-chaos.scn
        guarantee=$("$zksim" list flaws | awk -v flaw="$flaw" '/^[^ ]/ && $1 == flaw {print $3}')
        { grep -v '^expect' scenarios/chaos.scn; echo "flaw $flaw"; echo "expect violated $guarantee"; } > "$scenario"
    fi
    want=$(awk '$1 == "expect" && $2 == "violated" {print $3}' "$scenario")
    counts=$("$zksim" sweep "$scenario" --seeds "1..$seeds" -j2 --format json 2>/dev/null | tail -1)
    caught=$(printf '%s' "$counts" | grep -o "\"guarantee\": \"$want\", \"holds\": [0-9]*, \"violated\": [0-9]*" | grep -o '[0-9]*$')
    grep -vE '^(flaw|expect +violated)' "$scenario" > "$scratch/$flaw.scn"
    "$zksim" sweep "$scratch/$flaw.scn" --seeds "1..$seeds" -j2 > "$scratch/log" 2>&1
    clean=$?
    printf '%-26s %-30s caught by %s of %s seeds; without it %s\n' "$flaw" "$want" "${caught:-0}" "$seeds" \
        "$([ "$clean" = 0 ] && echo 'all hold' || echo 'NOT all hold')"
    [ "${caught:-0}" -gt 0 ] && [ "$clean" = 0 ] || { bad=1; grep -m3 FAILED "$scratch/log"; }
done
exit $bad
