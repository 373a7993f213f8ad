# Suites of others, run without the cache and with it preloaded, by the rule to cache everything. A
# test starts with
#
#     . "$(dirname "$0")/peers.sh"
#
#     need_suite NAME               $suite is the folder that `make peer-sources` put it in; or the
#                                   test is skipped
#     cached_program COMMAND …      runs it with $preload before its SQLite; RULE= is another rule,
#                                   such as one by which stale rows stay and a comparison must fail
#     reported hits                 the sum of that figure over all processes of the last such run
#     differences A B               lines of $dir/A and $dir/B that the other lacks

. "$(dirname "${BASH_SOURCE[0]}")/../shell.sh"

preload=$root/${BUILD:-build}/libquerycache_preload.so
fetched=${CACHE:-.cache/sqlite}
case $fetched in /*) ;; *) fetched=$root/$fetched ;; esac

need_suite() {
    suite=$fetched/$1
    if [ ! -e "$suite/version" ]; then
        skip_all "$(cat "$suite/reason" 2>/dev/null || echo "$1 is not there (make peer-sources)")"
    fi
}

cached_program() {
    echo "${RULE:-* => cache}" >"$dir/rules"
    rm -f "$dir/report"
    LD_PRELOAD=$preload QUERYCACHE_RULES=$dir/rules QUERYCACHE_REPORT=$dir/report "$@"
}

reported() {
    awk -v name="$1" '$1 == name { sum += $2 } END { print sum + 0 }' "$dir/report"
}

differences() {
    diff <(sort "$dir/$1") <(sort "$dir/$2") | grep '^[<>]' | sed "s/^</$1:/; s/^>/$2:/"
}
