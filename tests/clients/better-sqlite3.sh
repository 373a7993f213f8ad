#!/bin/sh
# Installs better-sqlite3, which has an SQLite of its own, from npm below a folder; nothing is done
# where it is there and works.
#
#     tests/clients/better-sqlite3.sh DIRECTORY
#
# The newest one that this node runs, in its binary form where it comes with one, else compiled with
# the headers of this node (as packages have them, below /usr/include): nothing but npm is asked.
# Where that does not work, DIRECTORY/reason says why, for the test to be skipped with.
set -eu

mkdir -p "$1"
cd "$1"
works() {
    node -e 'new (require("better-sqlite3"))(":memory:").prepare("SELECT 1").get()' >/dev/null 2>&1
}
works && exit 0

give_up() {
    echo "$*" | tee reason
    exit 0
}
command -v npm >/dev/null && command -v node >/dev/null || give_up 'npm and node are not installed'

# What can be had for which node: from 13 on it needs node 22, 12 node 20.
case $(node -p 'process.versions.node.split(".")[0]') in
1[4-9]) version=11 ;;
20 | 21) version=12 ;;
*) version=latest ;;
esac

headers=$(node -p 'require("path").resolve(process.execPath, "../..")')
echo "installing better-sqlite3@$version (npm)"
rm -rf node_modules package*.json
echo '{ "private": true }' >package.json
npm_config_nodedir=$headers npm install --loglevel=error --no-audit --no-fund --no-update-notifier \
    --build-from-source "better-sqlite3@$version" >log 2>&1 </dev/null || {
    tail -n 20 log >&2
    give_up "npm install better-sqlite3@$version fails; $PWD/log has why"
}
works || give_up "better-sqlite3@$version is installed, and does not work"
rm -f reason
