#!/usr/bin/env bash
# Hits and the kernel: outside a transaction a hit in WAL mode makes no system call, and one in
# rollback mode a single small read. strace counts what lies between two marks (getppid()).
. "$(dirname "$0")/shell.sh"

case $QUERYCACHE in
*/asan/* | */coverage/*) skip_all 'an instrumented build' ;;
esac
program=${BUILD:-build}/test-system/test_hit_path
times=1000

[ -x "$program" ] || skip_all "make test-system builds $program"
command -v strace >/dev/null || skip_all 'strace is not installed (make dev-deps)'
strace -o /dev/null true 2>/dev/null || skip_all 'strace may not trace here'

# How often each system call was made between the marks: "1000 pread64". Where a machine has no
# clock that can be read without a call, CLOCK_MONOTONIC too, that call is none of ours.
calls_between_marks() { # MODE SQL
    rm -f "$dir"/calls.db*
    strace -o "$dir/calls" "$program" "$1" "$2" $times "$dir/calls.db" >"$dir/answer" || return
    local ours='^$'
    grep -q '^clock_gettime(CLOCK_MONOTONIC,' "$dir/calls" && ours='^clock_gettime'
    awk -F'(' '/^getppid/ { mark++; next } mark == 1 && /^[a-z]/ { print $1 }' "$dir/calls" |
        grep -v "$ours" | sort | uniq -c | awk '{ print $1, $2 }'
}

one='SELECT b FROM one(2)'
all='SELECT a, b FROM c'

is "$(calls_between_marks WAL "$one")" '' "WAL: no system call in $times hits of one row"
is "$(cat "$dir/answer")" "$times rows, hit" 'they were hits'
is "$(calls_between_marks WAL "$all")" '' "WAL: nor in $times hits of three rows"
is "$(cat "$dir/answer")" "$((3 * times)) rows, hit" 'they were hits'
like "$(calls_between_marks DELETE "$one" | grep -v ' lseek$')" "^$times (pread64|read)\$" \
    'rollback mode: one read for each hit'
is "$(cat "$dir/answer")" "$times rows, hit" 'they were hits'
like "$(calls_between_marks WAL 'SELECT b FROM main.t WHERE a = 2')" \
    'fcntl' 'a plain read does make calls, which are seen'
done_testing
