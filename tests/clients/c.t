#!/usr/bin/env bash
# C programs: docs/clients/c.md, and each of docs/examples/, built and run as its first comment
# says.
. "$(dirname "$0")/page.sh"
pkg-config --exists sqlite3 || skip_all 'pkg-config is not installed, or knows no sqlite3'
install_here

# The session in the first comment: lines with `$` are commands, the others what they print.
replay() { # FILE
    local session
    session=$(sed -n '/^\*\/$/q; s/^\*\*     //p' "$1")
    sed -n 's/^\$ //p' <<<"$session" >"$dir/commands"
    is "$(run_here "$dir/commands")" "$(grep -v '^\$ ' <<<"$session")" \
        "$1 prints what its comment says"
    rm -rf "${work:?}"/*.db*
}

for example in docs/examples/*.c; do
    replay "$example"
    ok "$example has no warnings" cc -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
        -Werror -fsyntax-only -I "$prefix/include" "$example"
done
if [ "$(uname -s)" = Linux ]; then
    follow docs/clients/c.md
else
    skip docs/clients/c.md 'it shows the messages of Linux'
fi
done_testing
