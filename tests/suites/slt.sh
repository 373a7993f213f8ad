#!/usr/bin/env bash
# sqllogictest: queries whose answers other databases have confirmed. First a script of our own,
# which shows that the driver finds a wrong answer; then a sample of theirs.
#
#     SLT=folder         has sqllogictest, which Debian has no package of; without, it is left out
#     SLT_EVERY=60       of its scripts in test/, every so many-th; 1 is all of them
. "$(dirname "$0")/common.sh"

driver() {
    /usr/bin/python3 "$root/tests/suites/slt.py" "$@"
}

cat >"$dir/own.test" <<'SCRIPT'
# A comment
hash-threshold 8

statement ok
CREATE TABLE t(a INTEGER, b REAL, c TEXT)

statement ok
INSERT INTO t VALUES (3, 1.5, 'x'), (1, NULL, ''), (2, 0.25, 'tab	here')

statement error
INSERT INTO missing VALUES (1)

query IRT nosort
SELECT a, b, c FROM t ORDER BY a
----
1
NULL
(empty)
2
0.250
tab@here
3
1.500
x

query I rowsort
SELECT a FROM t ORDER BY a DESC
----
1
2
3

statement ok
UPDATE t SET a = a + 10

query I valuesort label-1
SELECT a FROM t
----
3 values hashing to HASH

skipif sqlite
query I nosort
SELECT no_such_column FROM t
----
1

onlyif mysql
statement ok
no SQL at all

query I nosort
SELECT a FROM t WHERE a = 11
----
12

query I nosort
SELECT count(*) FROM missing
----
0

halt

query I nosort
SELECT 1
----
2
SCRIPT
hash=$(printf '11\n12\n13\n' | md5sum | cut -d' ' -f1)
sed -i "s/HASH/$hash/" "$dir/own.test"
printf '%s\n' passes passes passes passes passes passes passes fails fails >"$dir/expected"
for way in plain cached; do
    ok "a script of our own runs $way" run "$way" driver "$dir/own.test"
    is "$(sort -t: -k2n "$out/$way" | sed 's/.* //')" "$(cat "$dir/expected")" \
        "$way: what holds passes, a wrong answer and an error fail"
done
isnt "$(figure cached hits)" 0 'cached: the second reads hit'

if [ -z "${SLT:-}" ]; then
    skip 'sqllogictest' 'it is left out: SLT= names no folder that has it'
    done_testing
fi
mapfile -t scripts < <(cd "$SLT" && find test -name '*.test' | sort |
    awk -v every="${SLT_EVERY:-60}" 'NR % every == 1 % every')
isnt "${#scripts[@]}" 0 "$SLT has scripts in test/"
sample() {
    cd "$SLT" && driver "${scripts[@]}"
}
suite_runs() { # WAY
    (run "$1" sample)
}
ok 'the sample runs plain' suite_runs plain
diag <<<"${#scripts[@]} scripts, $(grep -c ' fails$' "$out/plain") records fail plain"
for way in $ways; do
    ok "the sample runs $way" suite_runs "$way"
    compare "$way"
done
done_testing
