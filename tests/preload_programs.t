#!/usr/bin/env bash
# Programs that the preload library could harm: they run as without it.
. "$(dirname "$0")/shell.sh"

BUILD=${BUILD:-build}
run=$root/$BUILD/querycache-run
[ "$(uname -s)" = Linux ] || skip_all 'LD_PRELOAD is for Linux'
[ "$QUERYCACHE" = "$root/$BUILD/querycache" ] || skip_all 'an instrumented build'
printf '* => cache\n' >"$dir/all"

build() {
    # shellcheck disable=SC2086
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 ${CPPFLAGS:-} "$@" || echo "Bail out! cannot compile $*"
}
build -shared -fPIC -o "$dir/plugin.so" "$root/tests/preload/plugin.c" ${LDFLAGS:-} -lsqlite3
build -o "$dir/host" "$root/tests/preload/host.c" ${LDFLAGS:-} -ldl
build -o "$dir/finalizer" "$root/tests/preload/finalizer.c" ${LDFLAGS:-} -lsqlite3

# What it prints, and how it ended.
alone() { "$@" 2>&1; echo "ended with $?"; }
cached() { "$run" --rules "$dir/all" --report "$dir/report" "$@" 2>&1; echo "ended with $?"; }

is "$(cached "$dir/host")" "$(alone "$dir/host")" \
    'a program that looks whether there is an SQLite, and there is none'
is "$(cached "$dir/host" "$dir/plugin.so")" "$(alone "$dir/host" "$dir/plugin.so")" \
    'a plug-in that brings SQLite, calls it by jumps, goes, and comes again'
like "$(cat "$dir/report")" '.hits [1-9]' 'and is cached'
is "$(cached "$dir/finalizer")" "$(alone "$dir/finalizer")" \
    'a program that finalizes all statements it finds on a connection'

# ---- two SQLite libraries ------------------------------------------------------------------------
# One of them is cached, by its table of routines; the other is left alone.
build -o "$dir/second" "$root/tests/preload/second.c" ${LDFLAGS:-} -lsqlite3 -ldl
newest=$(dirname "$(dirname "${SQLITE3_OLD:-none}")")/newest/libsqlite3.so.0
system=$(ldd "$dir/second" | sed -n 's/.*libsqlite3.so.0 => \([^ ]*\).*/\1/p')
cp "$system" "$dir/copy.so"
for other in "$dir/copy.so" "$newest"; do
    what='of the same version'
    [ "$other" = "$newest" ] && what='of another version'
    for order in first last; do
        name="a program with a second SQLite $what, used $order"
        if [ ! -f "$other" ]; then
            skip "$name" "$other is not there"
            continue
        fi
        rm -f "$dir/report"
        is "$(cached "$dir/second" "$other" $order)" "$(alone "$dir/second" "$other" $order)" "$name"
        like "$(cat "$dir/report")" '.hits [1-9]' 'and is cached'
        plain=$(alone "$dir/second" "$other" $order "$QUERYCACHE")
        like "$plain" 'load 0.*load 0.*ended with 0' "$name: both load the extension"
        is "$(cached "$dir/second" "$other" $order "$QUERYCACHE")" "$plain" 'and so they do under querycache-run'
    done
done

done_testing
