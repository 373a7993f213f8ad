#!/usr/bin/env bash
# SQLite's fuzz data through the cache, under the address and undefined-behaviour sanitizers: no
# crash, no report, and what both plain runs of a script say alike, the cached one says.
#
#     FUZZ_EVERY=10          of the scripts, every so many-th; 1 is all of them
#     SQLITE_SOURCE=folder   a source of SQLite instead of Debian's
. "$(dirname "$0")/common.sh"

program=$root/${BUILD:-build}/asan/fuzz
[ -x "$program" ] || skip_all "$program is not built (make suites)"
source_of sqlite3 "${SQLITE_SOURCE:-}"
# It says where it was when it is told to abort.
export ASAN_OPTIONS=abort_on_error=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1

for file in "$suite"/test/fuzzdata*.db; do
    base=$(basename "$file" .db)
    "$program" "${FUZZ_EVERY:-10}" "$(readlink -f "$file")" >"$out/$base" 2>"$out/$base.errors"
    status=$?
    # A difference makes the status 1; what a sanitizer reports is more.
    is "$(grep -E 'ERROR: |runtime error|^while running' "$out/$base.errors")" '' \
        "$base: the sanitizers report nothing"
    like "$(tail -n 1 "$out/$base")" '^[0-9]+ scripts, ' "$base: it comes to its end ($status)"
    unexplained=
    while IFS= read -r difference; do
        if reason=$(reason_of cached "$difference"); then
            diag <<<"explained: $difference: $reason"
        else
            unexplained+=$difference$'\n'
        fi
    done < <(sed '$d' "$out/$base")
    is "$unexplained" '' "$base: cached as plain"
    diag <<<"$base: $(tail -n 1 "$out/$base")"
done
done_testing
