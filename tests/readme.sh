#!/usr/bin/env bash
# The READMEs show what the program prints, and this plays them:
#   - a fenced block that begins with "$ " is a session: its commands are run, in order, and print what stands there;
#   - a fenced block of sql is asked of h.db, which a session before it made, and the fenced block behind it is the answer.
#
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

run() {
    echo . >> "$scratch/commands"
    (cd "$scratch/here" && env -u MAKEFLAGS -u MAKELEVEL bash -c "$1" 2>&1)
}

# Prints the file with the output of every session and query as it is now.
play() {
    local line block=none query=''
    while IFS= read -r line; do
        case "$block:$line" in
            none:'```sql') block=sql query='' ;;
            none:'```'*)
                block=text
                if [ -n "$query" ]; then
                    printf '%s\n' "$line"
                    run "sqlite3 -box h.db \"$query\""
                    block=answer query=''
                    continue
                fi
                ;;
            *:'```') block=none ;;
            sql:*) query+="$line "$'\n' ;;
            text:'$ '* | session:'$ '*)
                block=session
                printf '%s\n' "$line"
                run "${line:2}"
                continue
                ;;
        esac
        [ $block = session ] || [ $block = answer ] || printf '%s\n' "$line"
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
echo "readme: $(wc -l < "$scratch/commands") commands in $# files, $failures files are out of date"
[ "$failures" = 0 ]
