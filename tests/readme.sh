#!/usr/bin/env bash
# Every fenced block of a README that begins with "$ " is a session: its commands are run, in order, and must print what stands there.
#   tests/readme.sh FILE...           compares
#   tests/readme.sh --rewrite FILE... puts in what they print today: then read the diff
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
rewrite=no
[ "${1:-}" = --rewrite ] && rewrite=yes && shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/here"
ln -s "$root"/* "$scratch/here"
failures=0
commands=0

# Prints the file with the output of every session as it is now.
play() {
    local line inside=no session=no
    while IFS= read -r line; do
        if [ "${line:0:3}" = '```' ]; then
            [ $inside = no ] && inside=yes || inside=no
            session=no
        elif [ $inside = yes ] && [ "${line:0:2}" = '$ ' ]; then
            session=yes
            printf '%s\n' "$line"
            (cd "$scratch/here" && bash -c "${line:2}" 2>&1)
            echo . >> "$scratch/commands"
            continue
        fi
        [ $session = yes ] || printf '%s\n' "$line"
    done < "$1"
}

for file; do
    play "$file" > "$scratch/now"
    if [ $rewrite = yes ]; then
        cp "$scratch/now" "$file"
    elif ! diff -u --label "$file" --label "$file, played" "$file" "$scratch/now"; then
        failures=$((failures + 1))
    fi
done
commands=$(wc -l < "$scratch/commands")
echo "readme: $commands commands in $# files, $failures files are out of date"
[ "$failures" = 0 ]
