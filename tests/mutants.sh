#!/usr/bin/env bash
# Tests the tests: takes out one guard of exactness at a time (ext/base/guard.h lists them) and runs
# the test programs until one fails. A guard that no test misses is a failure. TAP on stdout.
#
#     tests/mutants.sh [GUARD ...]      all guards by default; `make mutants` builds what this runs
#
# From the environment: BUILD, JOBS (mutants at a time), STEPS and SEED (for the differential test),
# MUTANT_SECONDS (a test that takes longer than this has failed).
set -u
cd "$(dirname "$0")/.." || exit 1

programs=${BUILD:-build}/mutants
limit=${MUTANT_SECONDS:-300}
export STEPS=${STEPS:-5000}
export SEED=${SEED:-20240501} # one run of the differential test, and the same every day

# What takes long comes last.
slow='test_index test_index_shared test_memory test_threads differential test_model torture'
tests=()
for name in $(basename -s .c tests/test_*.c | grep -vxF "${slow// /$'\n'}") \
    test_pages-newest $slow; do
    [ -x "$programs/$name" ] && tests+=("$name")
done

# Prints the first test that fails with the guard taken out, and how; nothing if all pass.
# An empty name leaves all guards in place.
first_failure() { # GUARD
    local name output status
    for name in "${tests[@]}"; do
        output=$(QUERYCACHE_MUTANT=$1 timeout "$limit" "$programs/$name" 2>&1 </dev/null)
        status=$?
        if [ "$status" = 124 ]; then
            echo "$name (not done after $limit s)"
        elif grep -q '^not ok' <<<"$output"; then
            echo "$name ($(grep -m 1 '^not ok' <<<"$output" | cut -c1-100 | tr '#' ' '))"
        elif [ "$status" != 0 ]; then
            echo "$name (status $status)"
        else
            continue
        fi
        return
    done
}

try() { # GUARD
    local failure
    if ! grep -rhE "\bGUARD\($1\)" ext --include='*.c' | grep -qvE '^ *(/?\*|//)'; then
        echo "not ok - $1 guards something"
        echo "#   no GUARD($1) in ext/"
        return
    fi
    failure=$(first_failure "$1")
    if [ -n "$failure" ]; then
        echo "ok - $1 is caught by $failure"
    else
        echo "not ok - $1 is caught by a test"
    fi
}

if [ $# -gt 0 ]; then
    guards=("$@")
else
    # shellcheck disable=SC2207
    guards=($(sed -n 's/^ *X(\([A-Z_]*\)).*/\1/p' ext/base/guard.h))
fi

echo "1..$((${#guards[@]} + 1))"
if [ ${#tests[@]} = 0 ]; then
    echo "Bail out! no test programs in $programs (make mutants builds them)"
    exit 1
fi

failure=$(first_failure '')
if [ -n "$failure" ]; then
    echo "not ok - with every guard in place all tests pass"
    echo "Bail out! $failure"
    exit 1
fi
echo "ok - with every guard in place all tests pass"

results=$(mktemp)
trap 'rm -f "$results"' EXIT
export programs limit
export -f try first_failure
# Arrays cannot be exported.
declare -p tests >"$results.tests"
trap 'rm -f "$results" "$results.tests"' EXIT
printf '%s\n' "${guards[@]}" |
    xargs -P "${JOBS:-2}" -I GUARD bash -c '. "$1"; try "$2"' mutant "$results.tests" GUARD |
    tee "$results"
! grep -q '^not ok' "$results"
