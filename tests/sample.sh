# A small database, and two checks for tests that run many short scripts. Each script has a fresh
# copy of the database, $db, the extension loaded, and a temp table sink(x) for rows that need not
# be seen. (A table made in the middle would end what is kept: it may hide another one.)
#
#     gives NAME EXPECTED <<'SQL'     the script's output is EXPECTED
#     says NAME WORD ... <<'SQL'      the output has all of the words, whatever their case, and the
#                                     shell lives on
#     other_process SQL               prints a shell command by which another process, without the
#                                     extension, runs the SQL on $db; for unquoted here-documents

. "$(dirname "${BASH_SOURCE[0]}")/shell.sh"

db=$dir/case.db

plain_sql "$dir/sample.db" <<'SQL'
CREATE TABLE sales(id INTEGER PRIMARY KEY, region TEXT COLLATE NOCASE, year INT, amount REAL);
INSERT INTO sales(region, year, amount) VALUES
    ('North', 2023, 10), ('north', 2024, 20), ('South', 2023, 30), ('South', 2024, 40.5),
    ('West', 2024, NULL);
CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, face BLOB);
INSERT INTO users VALUES (7, 'Ada', x'00ff'), (8, 'Bob', NULL), (9, 'Cyd "C"', x'');
SQL

run_case() {
    rm -f "$db"*
    cp "$dir/sample.db" "$db"
    { echo 'CREATE TEMP TABLE sink(x);' && cat; } | run_sql "$db"
}

gives() {
    local got
    got=$(run_case)
    if [ "$got" = "$2" ]; then
        report 1 "$1"
    else
        report 0 "$1" || {
            show '     got: ' "$got"
            show 'expected: ' "$2"
        }
        return 1
    fi
}

says() {
    local name=$1 got word
    shift
    got=$({ cat && printf '\n.print shell lives on\n'; } | run_case)
    for word in "$@" 'shell lives on'; do
        if ! grep -qiF -e "$word" <<<"$got"; then
            report 0 "$name" || {
                show '          got: ' "$got"
                show 'expected part: ' "$word"
            }
            return 1
        fi
    done
    report 1 "$name"
}

other_process() {
    printf '.shell "%s" -batch -init /dev/null "%s" "%s"' "$SQLITE3" "$db" "$1"
}
