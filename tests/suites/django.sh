#!/usr/bin/env bash
# Django's own tests of its models, queries, transactions, schemas and migrations, twice: with
# databases in memory, shared by the connections of several threads
# (file:…?mode=memory&cache=shared), as Django has it; and in files. A test that fails in one of
# the two has two endings.
#
#     DJANGO=folder        a source of Django instead of Debian's
#     DJANGO_MODULES=…     these of its folders in tests/
. "$(dirname "$0")/common.sh"

/usr/bin/python3 -c 'import asgiref, sqlparse, pytz' 2>/dev/null ||
    skip_all 'django is left out: what it needs of Python is not here (make suite-deps)'
source_of python3-django "${DJANGO:-}"
modules=${DJANGO_MODULES:-aggregation aggregation_regress annotations backends basic bulk_create
    custom_lookups datetimes db_functions defer delete expressions expressions_case
    expressions_window generic_relations lookup many_to_many many_to_one migrations model_fields
    ordering prefetch_related queries raw_query schema select_related transactions update}
export PYTHONPATH=$suite:$root/tests/peers:$root/tests/suites PYTHONDONTWRITEBYTECODE=1

django_tests() { # [FOLDER]: of the databases
    # shellcheck disable=SC2086
    DATABASES_IN=${1:-} /usr/bin/python3 -W ignore runtests.py --settings=django_settings \
        --parallel=1 --noinput $modules
}
both() {
    cd "$suite/tests" && django_tests && django_tests "$dir"
}

suite_runs() { # WAY
    (run "$1" both)
}
ok 'the suite runs plain' suite_runs plain
for way in $ways; do
    ok "the suite runs $way" suite_runs "$way"
    compare "$way"
done
done_testing
