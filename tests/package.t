#!/usr/bin/env bash
# What leaves the repository: one version, a source archive, man pages, an npm package. What only a
# Debian machine can test is in debian.sh, which `make check-package` runs.
. "$(dirname "$0")/shell.sh"

if [ "$QUERYCACHE" != "$root/build/querycache" ] || [ ! -e "$QUERYCACHE.so" ]; then
    skip_all 'packages are made from the release build'
fi
# As somebody would who has just unpacked the source.
plain_make() {
    env -u MAKEFLAGS -u MAKELEVEL make -s "$@"
}
version=$(plain_make version)

# ---- the version ----

like "$version" '^[0-9]+\.[0-9]+\.[0-9]+$' 'make version prints three numbers'
is "$(run_sql <<<'SELECT querycache_version();')" "$version" 'the extension says the same'
ok 'make dist' packaging/dist.sh "$dir/first/querycache-$version.tar.gz"
tar -C "$dir" -xzf "$dir/first/querycache-$version.tar.gz"
unpacked=$dir/querycache-$version
# But debian/, which `make deb` fills in, and where this then runs.
is "$(grep -rlE "(^|[^0-9.])${version//./\\.}([^0-9.]|$)" "$unpacked" | grep -v "^$unpacked/debian/")" '' \
    'no file states the version'
is "$(grep -rlE 'define QUERYCACHE_VERSION_(MAJOR|MINOR|PATCH)' "$unpacked" --include='*.[ch]')" \
    "$unpacked/include/querycache.h" 'but the header, in three numbers'

# ---- the source archive ----

if [ -e .git ]; then
    is "$(cd "$unpacked" && find . -type f | sed 's|^\./||' | LC_ALL=C sort)" \
        "$(git ls-files | LC_ALL=C sort)" 'the source archive has what git knows, and no more'
else
    skip 'the source archive has what git knows, and no more' 'no git here'
fi
(cd "$unpacked" && mkdir build && touch build/left-over README.md && chmod 600 README.md &&
    packaging/dist.sh "$dir/second/querycache-$version.tar.gz")
ok 'made from the archive unpacked, where files have other times and modes, it is the same' \
    cmp "$dir/first/querycache-$version.tar.gz" "$dir/second/querycache-$version.tar.gz"
is "$(plain_make -C "$unpacked" version)" "$version" 'and it is of the same version'

# ---- the man pages ----

ok 'make man' plain_make -C "$unpacked" man PREFIX=/opt/qc
for page in "$unpacked"/build/man/*; do
    name=$(basename "$page")
    if command -v mandoc >/dev/null; then
        is "$(mandoc -Tlint "$page")" '' "mandoc finds nothing in $name"
    else
        skip "mandoc finds nothing in $name" 'no mandoc'
    fi
    if man --version 2>/dev/null | grep -q '^man [0-9]'; then
        is "$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" \
            2>&1 >/dev/null)" '' "man warns of nothing in $name"
    else
        skip "man warns of nothing in $name" 'no man-db'
    fi
    is "$(grep -n '@[A-Z]*@' "$page")" '' "all is filled in in $name"
    is "$(LC_ALL=C grep -n '[^[:print:][:space:]]' "$page")" '' "$name is plain ASCII"
done
like "$(cat "$unpacked/build/man/querycache.7")" '/opt/qc/lib/sqlite3/querycache' \
    'querycache(7) says where the extension is'

# The names at the head of an item, without their arguments.
awk '/^\.TP$/ { getline; print }' "$unpacked/build/man/querycache.7" |
    sed -e 's/\\f.//g' -e 's/(.*//' | sort -u >"$dir/documented"
described() { # WHAT, the names on standard input
    sort -u >"$dir/names"
    like "$(cat "$dir/names")" '[a-z]' "there are $1"
    is "$(comm -23 "$dir/names" "$dir/documented")" '' "querycache(7) describes all $1"
}
described functions <<<"$(run_sql <<<"SELECT name FROM pragma_function_list WHERE name GLOB '*cache_*';")"
# Tables are also there with the prefix `query`, which the page says once.
described tables <<<"$(run_sql <<<"SELECT name FROM pragma_module_list WHERE name GLOB 'cache_*';")"
described settings <<<"$(run_sql <<<'SELECT name FROM cache_config;')"
described options <<<"$(run_sql <<<'CREATE VIRTUAL TABLE temp.x USING cache((SELECT 1), none = 1);' |
    sed -n 's/.*the options are //p' | grep -oE '[a-z_]+')"

if [ -x build/querycache-run ]; then
    sed -e 's/\\f.//g' -e 's/\\-/-/g' "$unpacked/build/man/querycache-run.1" >"$dir/run.1"
    for name in $(build/querycache-run --help | grep -oE '^  --[a-z]+') \
        $(grep -ohE '\bQUERYCACHE_[A-Z_]+' ext/preload/querycache-run | sort -u); do
        ok "querycache-run(1) describes $name" grep -qw -e "$name" "$dir/run.1"
    done
else
    skip 'querycache-run(1) describes its options' 'none was built'
fi

# ---- the npm package ----

if command -v npm >/dev/null && command -v node >/dev/null; then
    export npm_config_cache=$dir/npm-cache npm_config_update_notifier=false
    ok 'packaging/npm.sh packs' packaging/npm.sh "$version" "$QUERYCACHE.so" "$dir/npm"
    mkdir "$dir/app" && cd "$dir/app" || exit 1
    echo '{ "private": true }' >package.json
    ok 'npm installs it, without a network' \
        npm install --silent --offline --no-audit --no-fund "$dir/npm/querycache-$version.tgz"
    is "$(node -p "require('querycache/package.json').version")" "$version" 'npm knows the version'
    path=$(node -p "require('querycache').path")
    is "$(QUERYCACHE=$path run_sql <<<'SELECT querycache_version();')" "$version" \
        "require('querycache').path is what loads"
    is "$(QUERYCACHE=${path%.so} run_sql <<<'SELECT querycache_version();')" "$version" \
        'also without the suffix'
    refusal=$(node -e "Object.defineProperty(process, 'arch', { value: 'vax' }); require('querycache')" 2>&1)
    like "$refusal" "no library for [a-z]*-vax[-a-z]*, only for .*make npm" \
        'on another platform the error names it, what there is, and what to do'
    cd "$root" || exit 1
else
    skip 'the npm package' 'no npm'
fi
done_testing
