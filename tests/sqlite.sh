#!/bin/sh
# Fetches SQLite's sources by the name of an npm package that carries them.
#
#     tests/sqlite.sh newest DIRECTORY      the amalgamation in the newest better-sqlite3
#     tests/sqlite.sh 3.52.0 DIRECTORY      amalgamation and shell, from sqlite3@6.0.1
#     tests/sqlite.sh 3.31.1 DIRECTORY      the same from sqlite3@5.0.0: too old for the extension
#
# DIRECTORY then has sqlite3.c, sqlite3.h and sqlite3ext.h, and shell.c where there is one.
set -eu

case $1 in
newest) package=better-sqlite3@latest ;;
3.52.0) package=sqlite3@6.0.1 ;;
3.31.1) package=sqlite3@5.0.0 ;;
*) echo "$0: newest, 3.52.0 or 3.31.1, not $1" >&2 && exit 2 ;;
esac

mkdir -p "$2"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo >&2
    echo "SQLite $1 is not there: $2" >&2
    echo 'The tests against other SQLite versions need the npm package '"$package"' once.' >&2
    echo '`make test-system` tests with the SQLite of this machine alone, and needs no network.' >&2
    exit 1
}

command -v npm >/dev/null || fail "$1" 'npm is not installed (make deps)'
echo "fetching SQLite $1 (npm pack $package)"
(cd "$work" &&
    npm pack --loglevel=error --ignore-scripts --no-update-notifier "$package" >log 2>&1) || {
    cat "$work/log" >&2
    fail "$1" 'npm could not fetch it, and says why above'
}

cd "$work"
tar xzf ./*.tgz
case $1 in
newest) sources=package/deps/sqlite3 ;;
*)
    tar xzf package/deps/sqlite-autoconf-*.tar.gz
    sources=$(echo sqlite-autoconf-*)
    ;;
esac
cd "$OLDPWD"

# sqlite3.c last: make takes it for the sign that everything is there.
for file in sqlite3.h sqlite3ext.h shell.c sqlite3.c; do
    if [ -f "$work/$sources/$file" ]; then
        cp "$work/$sources/$file" "$2/$file"
    fi
done
sed -n 's/^#define SQLITE_VERSION  *"\(.*\)"/SQLite \1 is in place/p' "$2/sqlite3.h"
