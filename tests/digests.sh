#!/usr/bin/env bash
# tests/digests.sh ZKSIM [rewrite]: the golden digests of (scenario, seed) pairs in tests/data/digests.txt.
# Equal digests mean equal runs; `rewrite` writes what this program gets: then read the diff.
set -euo pipefail
cd "$(dirname "$0")/.."
zksim=$1
golden=tests/data/digests.txt
got=$(mktemp)
trap 'rm -f "$got"' EXIT
while read -r scenario seed level _; do
    case $scenario in
    '#'* | '') echo "$scenario $seed $level $_" ;;
    *)
        digest=$("$zksim" run "$scenario" --seed "$seed" --record "$level" | sed -n 's/^digest //p') || true
        echo "$scenario $seed $level $digest"
        ;;
    esac
done < <(grep -v '^#' "$golden") > "$got"
if [ "${2:-}" = rewrite ]; then
    { grep '^#' "$golden"; cat "$got"; } > "$got.all"
    mv "$got.all" "$golden"
    exit 0
fi
diff <(grep -v '^#' "$golden") "$got" || { echo "digests differ: < golden, > this program; see 'make golden'" >&2; exit 1; }
echo "digests: $(wc -l < "$got") runs as recorded"
