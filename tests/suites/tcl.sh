#!/usr/bin/env bash
# SQLite's own tests in Tcl, those of its permutation veryquick, on a shared libsqlite3: each file
# in a process and a folder of its own. The same tests must fail as do plain. Those that fail memory
# or files count how often that is done, and so have other names from run to run; names that pass
# are not compared.
#
#     TCL_FILES='select*'    only these
#     TCL_EVERY=1            of them every so many-th
#     SQLITE_SOURCE=folder   a source of SQLite instead of Debian's
. "$(dirname "$0")/common.sh"

source_of sqlite3 "${SQLITE_SOURCE:-}"
suite=$(cd "$suite" && pwd)
built=$out/built
build() {
    mkdir -p "$built" && cd "$built" || return 1
    [ -e Makefile ] ||
        "$suite/configure" --enable-all --disable-static >configure.output || return 1
    make -f "$root/tests/suites/tcl.mk" shared/testfixture
}
[ -e "$built/shared/testfixture" ] || ok 'SQLite and its testfixture compile' build
[ -e "$built/shared/testfixture" ] || { done_testing; }

cat >"$dir/list.tcl" <<'TCL'
set argv0 [file join [lindex $argv 0] list.tcl]
set argv {}
source [file dirname $argv0]/permutations.test
array set set $::testspec(veryquick)
foreach file [lsort $set(-files)] { puts [file tail $file] }
TCL
(cd "$dir" && "$built/shared/testfixture" list.tcl "$suite/test") | grep '\.test$' >"$dir/files"

# Its output goes to a file, and from there the failures to $ENDINGS; and that it came to its end.
one_file() { # FILE
    local folder
    folder=$(mktemp -d "$dir/run.XXXXXX") && cd "$folder" || return
    timeout "${TEST_SECONDS:-600}" "$built/shared/testfixture" "$suite/test/permutations.test" \
        veryquick "$1" >"$folder.output" 2>&1
    {
        sed -n 's/^!Failures on these tests: //p' "$folder.output" | tr ' ' '\n' | sed 's/$/ fails/'
        grep -q '^[0-9]* errors out of [0-9]* tests' "$folder.output" && echo "$1 passes"
    } >>"$ENDINGS"
    echo "== $1"
    cat "$folder.output"
    cd "$dir" && rm -rf "$folder" "$folder.output"
}
export -f one_file
export dir built suite
all_files() {
    local pattern=${TCL_FILES:-*}
    while read -r file; do
        # shellcheck disable=SC2053
        [[ $file == $pattern ]] && echo "$file"
    done <"$dir/files" | awk -v every="${TCL_EVERY:-1}" 'NR % every == 0' |
        xargs -P "${JOBS:-2}" -I FILE bash -c 'one_file FILE'
}
run_of() { # WAY: the number of tests
    awk '/^[0-9]+ errors out of [0-9]+ tests/ { sum += $5 } END { print sum + 0 }' "$out/$1.output"
}
suite_runs() { # WAY
    (run "$1" all_files)
}
ok 'the suite runs plain' suite_runs plain
for way in $ways; do
    ok "the suite runs $way" suite_runs "$way"
    compare "$way"
    echo "of $(run_of "$way") tests ($(run_of plain) plain)" | diag
done
done_testing
