#!/usr/bin/env bash
# Programs that SQLite tests itself with, with the cache before the system's library: speedtest1,
# whose hash is over all rows that it read, and mptest, processes at once on one file, some of them
# killed.
. "$(dirname "$0")/peers.sh"

need_suite sqlite-suite
[ -e "$preload" ] || skip_all "there is no $preload"

build() { # SOURCE
    ${CC:-cc} -w -O1 -o "$dir/$(basename "$1" .c)" "$suite/$1" -lsqlite3
}
ok 'speedtest1 compiles' build test/speedtest1.c
ok 'mptest compiles' build mptest/mptest.c

hash_of() { # COMMAND ...
    rm -f "$dir"/speed.db*
    "$@" 2>&1 | sed -n 's/^Verification Hash: //p'
}
for set in main cte fp orm; do
    for options in '' '--journal wal' '--reprepare --without-rowid' '--exclusive --utf16be'; do
        # shellcheck disable=SC2086
        plain=$(hash_of "$dir/speedtest1" --verify --size 4 --testset $set $options "$dir/speed.db")
        # shellcheck disable=SC2086
        cached=$(hash_of cached_program "$dir/speedtest1" --verify --size 4 --testset $set $options \
            "$dir/speed.db")
        like "$plain" '^[0-9]+ [0-9a-f]+' "speedtest1 $set $options reads rows"
        is "$cached" "$plain" 'the same with the cache'
        [ "$set" = cte ] || isnt "$(reported misses)" 0 'through which it reads'
    done
done
isnt "$(reported hits)" 0 'and hits'

for script in multiwrite01 crash01; do
    for mode in delete wal; do
        rm -f "$dir"/many.db*
        output=$(cd "$dir" && cached_program ./mptest many.db "$suite/mptest/$script.test" \
            --journalmode $mode 2>&1)
        like "$output" 'Summary: 0 errors out of [1-9]' "mptest $script with the cache ($mode)"
        isnt "$(reported misses)" 0 'its queries went through the cache'
    done
done
done_testing
