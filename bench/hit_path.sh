#!/usr/bin/env bash
# Prints which functions of ext/ a hit of one row calls, then how many they are, of how many modules
# (a header's inline functions are its module's), and how many instructions the whole statement is.
#
#     bench/hit_path.sh build/hit-path build/static        as `make hit-path` does
#
# The benchmark runs rounds of 200 hits, 10 of them and then 20; what the longer run has more is
# 2,000 hits. A function is on the way of a hit if each of them calls it. GCOV is the compiler's
# gcov; without valgrind the instructions are not counted.
set -eu

counting=$1
release=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# FILE FUNCTION CALLS, for each function of ext/, after that many rounds.
calls() {
    find "$counting" -name '*.gcda' -delete
    "$counting/hits" 1 1 "$1" > /dev/null
    find "$counting/ext" -name '*.gcno' | while read -r notes; do
        ${GCOV:-gcov} --branch-probabilities --stdout --object-directory "$(dirname "$notes")" \
            "$notes" 2> /dev/null
    done | awk '
        /:Source:/ { file = $0; sub(/.*:Source:/, "", file); next }
        $1 == "function" && file ~ /^ext\// { calls[file " " $2] += $4 }
        END { for (each in calls) print each, calls[each] }' | sort
}

instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$release/hits" 1 1 "$1" 2>&1 |
        awk '/Collected/ { print $NF }'
}

calls 10 > "$work/10"
calls 20 > "$work/20"
awk '
    NR == FNR { before[$1 " " $2] = $3; next }
    $3 - before[$1 " " $2] >= 2000 {
        module = $1
        sub(/^ext\//, "", module)
        sub(/\.[ch]$/, "", module)
        modules += !(module in seen)
        seen[module] = 1
        functions++
        printf "%5.1f  %-24s %s\n", ($3 - before[$1 " " $2]) / 2000, module, $2
    }
    END { printf "a hit: %d modules, %d functions\n", modules, functions }
' "$work/10" "$work/20"
if command -v valgrind > /dev/null; then
    each=$((($(instructions 20) - $(instructions 10)) / 2000))
    echo "a hit: $each instructions, SQLite's included"
fi
