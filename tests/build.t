#!/usr/bin/env bash
# The library as built and installed: what it exports, what it needs, where it loads.
. "$(dirname "$0")/shell.sh"

library=$(ls "$QUERYCACHE".so "$QUERYCACHE".dylib 2>/dev/null)

case $(uname -s) in
Linux)
    exported=$(nm -D --defined-only "$library" | awk '$2 ~ /[A-Z]/ { print $3 }' |
        grep -vE '^(_init|_fini|_edata|_end|__bss_start)$')
    needed=$(nm -D --undefined-only "$library" | awk '{ print $2 }')
    ;;
*)
    exported=$(nm -gU "$library" | awk '{ print substr($3, 2) }')
    needed=$(nm -gu "$library" | sed 's/^ *_//')
    ;;
esac
if grep -qE '^_*(asan|ubsan|gcov|llvm)' <<<"$exported"$'\n'"$needed"; then
    skip 'what is exported' 'an instrumented build'
else
    like "$exported" 'sqlite3_querycache_init' 'the entry point is exported'
    is "$(grep -vE '^(sqlite3_querycache_init|querycache_[a-z0-9_]+)$' <<<"$exported")" '' \
        'nothing else is but the C API'
    for symbol in $exported; do
        ok "include/querycache.h declares what is exported: $symbol" \
            grep -qw "$symbol" include/querycache.h
    done
    is "$(grep '^sqlite3_' <<<"$needed")" '' \
        'all of SQLite is reached through the table it hands over'
    if command -v readelf >/dev/null; then
        is "$(readelf -r "$library" | grep -o 'querycache_[a-z0-9_]*')" '' \
            'what it exports is not looked up elsewhere: a copy in the same process calls its own'
    fi
fi

# Install below a folder of the test's own, from the library under test where it is the release.
if [ "$library" = "$root/build/querycache.so" ] && command -v make >/dev/null; then
    version=$(env -u MAKEFLAGS make -s version)
    ok 'make install' env -u MAKEFLAGS make -s install PREFIX=/opt/qc DESTDIR="$dir/stage"
    is "$(cd "$dir/stage" && find . -type f | LC_ALL=C sort)" "$(
        printf './opt/qc/%s\n' bin/querycache-run include/querycache.h lib/libquerycache.a \
            lib/pkgconfig/querycache.pc lib/querycache/libquerycache_preload.so lib/sqlite3/querycache.so \
            share/man/man1/querycache-run.1 share/man/man7/querycache.7
    )" 'it puts the extension, the library, the header, the pkg-config file and man pages below PREFIX'
    is "$(QUERYCACHE=$dir/stage/opt/qc/lib/sqlite3/querycache run_sql <<<'SELECT querycache_version();')" \
        "$version" 'the installed extension loads'
    if command -v pkg-config >/dev/null; then
        export PKG_CONFIG_PATH=$dir/stage/opt/qc/lib/pkgconfig
        is "$(pkg-config --modversion querycache)" "$version" 'pkg-config knows the version'
        is "$(pkg-config --variable=extension querycache)" /opt/qc/lib/sqlite3/querycache.so \
            'pkg-config knows where the extension is'
        is "$(pkg-config --variable=libdir querycache) $(pkg-config --variable=includedir querycache)" \
            '/opt/qc/lib /opt/qc/include' 'and where the library and the header are'
    fi
    ok 'make uninstall' env -u MAKEFLAGS make -s uninstall PREFIX=/opt/qc DESTDIR="$dir/stage"
    is "$(find "$dir/stage" -type f)" '' 'it leaves nothing behind'
fi
done_testing
