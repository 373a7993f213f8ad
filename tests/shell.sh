# TAP for shell tests that drive the real sqlite3 shell. A test starts with
#
#     #!/usr/bin/env bash
#     . "$(dirname "$0")/shell.sh"
#
# and ends with `done_testing`. A test that stops early has no plan line, and so fails.
#
#     got=$(run_sql "$dir/a.db" <<<'SELECT querycache_version();')
#     is "$got" "$version" 'the version is a SELECT away'
#
#     ok NAME COMMAND ...           passes if the command succeeds; its output is shown if not
#     is GOT EXPECTED NAME          the same text
#     isnt GOT UNEXPECTED NAME      another text
#     like GOT REGEX NAME           the text has a match (bash's extended regular expressions)
#     unlike GOT REGEX NAME         it has none
#     skip NAME REASON              counts as passed
#     skip_all REASON               ends the test
#     run_sql [DATABASE] [OPTION ...]
#                                   runs standard input in the shell, the extension loaded first;
#                                   output and errors together; :memory: by default
#     plain_sql [DATABASE] [OPTION ...]     the same, without the extension
#
# Set for the test: $dir, a directory of its own, removed at the end; $root, the repository; $data,
# the folder of real databases (it may be missing); $SQLITE3 and $QUERYCACHE, the shell and the
# extension under test; $SQLITE3_OLD, a shell older than the extension supports, or empty.

set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

SQLITE3=${SQLITE3:-sqlite3}
SQLITE3_OLD=${SQLITE3_OLD:-}
QUERYCACHE=${QUERYCACHE:-build/querycache}
case $QUERYCACHE in /*) ;; *) QUERYCACHE=$root/$QUERYCACHE ;; esac
data=${QUERYCACHE_DATA:-$root/../shared/data}
export SQLITE3 SQLITE3_OLD QUERYCACHE

test_count=0
test_failed=0

# Prints its standard input as TAP diagnostics.
diag() {
    sed 's/^/#   /'
}

report() { # PASSED(0 or 1) NAME
    test_count=$((test_count + 1))
    if [ "$1" = 1 ]; then
        echo "ok $test_count - $2"
    else
        test_failed=$((test_failed + 1))
        echo "not ok $test_count - $2"
        # The outermost frame: the line of the test itself, not of a helper it calls.
        local last=$((${#BASH_SOURCE[@]} - 1))
        echo "at ${BASH_SOURCE[last]##*/} line ${BASH_LINENO[last - 1]}" | diag
        return 1
    fi
}

show() { # LABEL TEXT: each line of the text behind the label
    printf '%s\n' "$2" | sed "s/^/$1/" | diag
}

ok() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        report 1 "$name"
    else
        report 0 "$name" || show '' "\$ $*"$'\n'"$output"
        return 1
    fi
}

is() {
    if [ "$1" = "$2" ]; then
        report 1 "$3"
    else
        report 0 "$3" || {
            show '     got: ' "$1"
            show 'expected: ' "$2"
        }
        return 1
    fi
}

isnt() {
    if [ "$1" != "$2" ]; then
        report 1 "$3"
    else
        report 0 "$3" || show 'got, and should not: ' "$1"
        return 1
    fi
}

like() {
    if [[ $1 =~ $2 ]]; then
        report 1 "$3"
    else
        report 0 "$3" || {
            show '           got: ' "$1"
            show 'expected match: ' "$2"
        }
        return 1
    fi
}

unlike() {
    if [[ $1 =~ $2 ]]; then
        report 0 "$3" || {
            show '              got: ' "$1"
            show 'unexpected match: ' "$2"
        }
        return 1
    else
        report 1 "$3"
    fi
}

skip() {
    test_count=$((test_count + 1))
    echo "ok $test_count - $1 # SKIP $2"
}

skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

done_testing() {
    echo "1..$test_count"
    exit $((test_failed != 0))
}

plain_sql() {
    local database=${1:-:memory:}
    shift $(($# > 0))
    "$SQLITE3" -batch -init /dev/null "$@" "$database" 2>&1
}

run_sql() {
    { printf '.load %s\n' "$QUERYCACHE" && cat; } | plain_sql "$@"
}
