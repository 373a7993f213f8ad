#!/usr/bin/env bash
# Python's sqlite3: docs/clients/python.md, and what its users use besides, in python_client.py.
. "$(dirname "$0")/page.sh"

# The first Python whose sqlite3 can load extensions.
for python in /usr/bin/python3 python3; do
    "$python" -c 'import sqlite3; sqlite3.Connection.enable_load_extension' 2>/dev/null && break
    python=
done
[ -n "$python" ] || skip_all 'no python3 whose sqlite3 can load extensions'
provide python3 "$(command -v $python)"
install_here
follow docs/clients/python.md

# A test's name is its sentence.
export QUERYCACHE=$prefix/lib/sqlite3/querycache PYTHONDONTWRITEBYTECODE=1
client=$root/tests/clients/python_client.py
for test in $(sed -n 's/^    def \(test_[a-z0-9_]*\).*/\1/p' "$client"); do
    name=${test#test_}
    ok "Python: ${name//_/ }" python3 "$client" "Client.$test"
done
done_testing
