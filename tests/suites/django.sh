#!/usr/bin/env bash
# Django's own tests of its models, queries, transactions, schemas and migrations: the databases are in
# memory, and shared by the connections of several threads (file:…?mode=memory&cache=shared).
#
#     DJANGO=folder      a source of Django instead of Debian's
. "$(dirname "$0")/common.sh"

source_of python3-django "${DJANGO:-}"
modules='aggregation aggregation_regress annotations backends basic bulk_create custom_lookups
    datetimes db_functions defer delete expressions expressions_case expressions_window
    generic_relations lookup many_to_many many_to_one migrations model_fields ordering
    prefetch_related queries raw_query schema select_related transactions update'
export PYTHONPATH=$suite:$root/tests/peers:$root/tests/suites PYTHONDONTWRITEBYTECODE=1
django_tests() {
    # shellcheck disable=SC2086
    cd "$suite/tests" &&
        /usr/bin/python3 -W ignore runtests.py --settings=django_settings --parallel=1 $modules
}

django_run() { # WAY
    (run "$1" django_tests)
}
ok 'the suite runs plain' django_run plain
for way in $ways; do
    ok "the suite runs $way" django_run $way
    compare $way
done
done_testing
