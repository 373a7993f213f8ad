#!/usr/bin/env bash
# Python's own suite of its sqlite3 module: each test ends with the cache as it does without.
. "$(dirname "$0")/peers.sh"

python=/usr/bin/python3
need_suite python-suite
run_suite() { # NAME COMMAND ...: the endings to $dir/NAME
    local name=$1
    shift
    mkdir "$dir/$name.d"
    (cd "$dir/$name.d" && PYTHONPATH=$suite/Lib PYTHONDONTWRITEBYTECODE=1 "$@" \
        >"$dir/$name" 2>"$dir/$name.errors")
}

ok 'the suite runs without the cache' run_suite plain "$python" "$root/tests/peers/python_suite.py"
# The count that it had when this was written; Debian's updates take none away.
ok 'it has its 400 tests' test "$(grep -c ' passes$' "$dir/plain")" -ge 400

ok 'the suite runs with the extension on every connection' \
    run_suite loaded "$python" "$root/tests/peers/python_suite.py" "$QUERYCACHE.so"
is "$(differences plain loaded)" '' 'each test ends as without it'

if [ -e "$preload" ]; then
    ok 'the suite runs with the cache preloaded, everything cached' \
        run_suite cached cached_program "$python" "$root/tests/peers/python_suite.py"
    is "$(differences plain cached)" '' 'each test ends as without it'
    isnt "$(reported misses)" 0 'its queries went through the cache'
else
    skip 'the suite runs with the cache preloaded' "there is no $preload"
fi
done_testing
