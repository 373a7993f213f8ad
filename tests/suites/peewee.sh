#!/usr/bin/env bash
# peewee's own tests, with a database in a file.
#
#     PEEWEE=folder      a source of peewee instead of Debian's
. "$(dirname "$0")/common.sh"

source_of python3-peewee "${PEEWEE:-}"
export PYTHONPATH=$root/tests/peers PYTHONDONTWRITEBYTECODE=1 PEEWEE_TEST_BACKEND=sqlite
suite_in_copy() { # The suite leaves files where it runs.
    rm -rf "$dir/copy" && cp -r "$suite" "$dir/copy" && cd "$dir/copy" &&
        /usr/bin/python3 -W ignore "$root/tests/suites/peewee_suite.py"
}

suite_runs() { # WAY
    (run "$1" suite_in_copy)
}
ok 'the suite runs plain' suite_runs plain
for way in $ways; do
    ok "the suite runs $way" suite_runs "$way"
    compare "$way"
done
done_testing
