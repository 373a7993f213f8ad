#!/bin/sh
# Looks for faults in the C files given: with the warnings of gcc and clang at the release's
# optimization, where they see most; with clang-tidy (.clang-tidy has the checks); with cppcheck;
# for lines that are too long, and for arrows between files that run the wrong way. Every finding
# fails. Called by `make lint`, which sets BUILD and JOBS.
set -u

BUILD=${BUILD:-build}
JOBS=${JOBS:-2}
# Headers are looked at through the files that include them.
sources=$(printf '%s\n' "$@" | grep '\.c$')
status=0

run() {
    echo "== $1"
    shift
    "$@" || status=1
}

compile() { # COMPILER
    make --no-print-directory -j"$JOBS" -s BUILD="$BUILD/lint-$1" CC="$1" WERROR=-Werror LTO= \
        programs
}

# Tests see the SQLite of the system, linked in.
tidy() {
    # shellcheck disable=SC2016
    echo "$sources" | xargs -P "$JOBS" -n 1 sh -c '
        findings=$(clang-tidy --quiet --warnings-as-errors="*" "$0" -- \
            -std=c11 -D_GNU_SOURCE -DQUERYCACHE_TEST -DSQLITE_CORE -Iinclude -Iext 2>&1) ||
            { echo "$findings"; exit 1; }'
}

cppcheck_all() {
    # shellcheck disable=SC2086
    cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr -j "$JOBS" \
        --enable=warning,performance,portability --suppress=missingIncludeSystem \
        -D_GNU_SOURCE -DQUERYCACHE_TEST -Iinclude -Iext $sources
}

columns() {
    packaging/files.sh | grep -E '\.(c|h|sh|t|mk|awk|md)$|Makefile$|^\.ci/' |
        xargs tests/columns.sh
}

# The arrows between files: of the objects that gcc has just made without LTO.
layout() {
    tests/layout.sh ext "$BUILD/lint-gcc/test-system/ext"
}

run 'lines of at most 100 columns' columns
run 'gcc -Werror' compile gcc
run 'clang -Werror' compile clang
run 'arrows between files' layout
run clang-tidy tidy
run cppcheck cppcheck_all
exit $status
