#!/usr/bin/env bash
# docs/clients/run.md, followed word for word.
. "$(dirname "$0")/page.sh"
[ "$(uname -s)" = Linux ] || skip_all 'LD_PRELOAD is for Linux'
[ -x /usr/bin/python3 ] || skip_all 'no python3 of the system'
ldd "$(/usr/bin/python3 -c 'import _sqlite3; print(_sqlite3.__file__)')" | grep -q libsqlite3 ||
    skip_all "python3's SQLite is its own"
install_here
PATH=$prefix/bin:$PATH
follow docs/clients/run.md
done_testing
