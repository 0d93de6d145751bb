#!/usr/bin/env bash
# What `make demo` shows: a run and its verdicts, a flaw that is caught, a query of the history, a figure.
set -euo pipefail
cd "$(dirname "$0")/.."
zksim=build/zksim
out=build/demo
rm -rf "$out"
mkdir -p "$out"

say() {
    printf '\n==> %s\n' "$*"
}

say "zksim run scenarios/3pc-partition.scn --record messages --history $out/3pc.db    # the lecture's picture"
"$zksim" run scenarios/3pc-partition.scn --record messages --history "$out/3pc.db" | sed -n '/^ac-agreement is violated/,$p'

say "zksim show $out/3pc.db"
"$zksim" show "$out/3pc.db"

say "zksim run scenarios/deposed-leader.scn --seed 42 --history $out/history.db"
"$zksim" run scenarios/deposed-leader.scn --seed 42 --history "$out/history.db"

say "zksim sweep scenarios/chaos.scn --seeds 1..20 -j2"
"$zksim" sweep scenarios/chaos.scn --seeds 1..20 -j2 2>/dev/null | tail -4

say "zksim run scenarios/calm.scn --flaw notify-after-reply    # a known mistake, built in: exit status 1"
status=0
"$zksim" run scenarios/calm.scn --flaw notify-after-reply > "$out/flaw.txt" || status=$?
[ "$status" = 1 ] || { cat "$out/flaw.txt"; echo "the flaw was not caught" >&2; exit 1; }
sed -n '/ is violated:/,/^$/p' "$out/flaw.txt" | head -20

say "sqlite3 -box $out/history.db 'SELECT * FROM v_leaders'"
sqlite3 -box "$out/history.db" 'SELECT * FROM v_leaders'

say "zksim plot latency $out/history.db -o $out/latency.png"
"$zksim" plot latency "$out/history.db" -o "$out/latency.png"
[ -s "$out/latency.png" ] && echo "see $out/latency.png"
