#!/usr/bin/env bash
# SQLAlchemy's own tests, on databases in files, as applications have them; its dialect's in memory,
# too. What is only for other servers is left out, and what counts calls of Python functions.
#
#     SQLALCHEMY=folder        a source of SQLAlchemy instead of Debian's
#     SQLALCHEMY_TESTS=…       these of its folders and files; test otherwise, which is all
. "$(dirname "$0")/common.sh"

/usr/bin/python3 -c 'import pytest, greenlet, mock' 2>/dev/null ||
    skip_all 'sqlalchemy is left out: what it needs of Python is not here (.ci/deps suites)'
source_of python3-sqlalchemy "${SQLALCHEMY:-}"
export PYTHONPATH=lib:$root/tests/suites PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
left_out='test/aaa_profiling test/perf test/base test/ext/mypy test/dialect/mysql
    test/dialect/postgresql test/dialect/mssql test/dialect/oracle'

pytest_on() { # URI TEST ...
    # shellcheck disable=SC2086
    /usr/bin/python3 -m pytest -p pytest_endings -p no:cacheprovider -q -p no:xdist \
        --maxfail=100000 $(printf -- '--ignore=%s ' $left_out) --dburi "$@"
    [ $? -le 1 ] # 1: some fail, which is for the comparison
}

tests_in_copy() { # The suite leaves files where it runs.
    rm -rf "$dir/copy" && cp -r "$suite" "$dir/copy" && cd "$dir/copy" || return 2
    # shellcheck disable=SC2086
    pytest_on "sqlite:///$dir/copy/suite.db" ${SQLALCHEMY_TESTS:-test} &&
        pytest_on sqlite:///:memory: test/dialect
}

suite_runs() { # WAY
    (run "$1" tests_in_copy)
}
ok 'the suite runs plain' suite_runs plain
for way in $ways; do
    ok "the suite runs $way" suite_runs $way
    compare $way
done
done_testing
