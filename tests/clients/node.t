#!/usr/bin/env bash
# Node with better-sqlite3, which has an SQLite of its own: docs/clients/node.md, and what its users
# use besides, in node_client.js. `make amalgamation` installs it once.
. "$(dirname "$0")/page.sh"

installed=$root/${CACHE:-.cache/sqlite}/better-sqlite3
case ${CACHE:-} in /*) installed=$CACHE/better-sqlite3 ;; esac
[ -e "$installed/reason" ] && skip_all "$(cat "$installed/reason")"
[ -e "$installed/node_modules" ] || skip_all 'better-sqlite3 is not there (make amalgamation)'
install_here
ln -s "$installed/node_modules" "$work/node_modules"
follow docs/clients/node.md

export QUERYCACHE=$prefix/lib/sqlite3/querycache
cd "$work" || exit 1
while IFS= read -r name; do
    ok "Node: $name" node "$root/tests/clients/node_client.js" "$name"
done < <(node "$root/tests/clients/node_client.js" --list)
done_testing
