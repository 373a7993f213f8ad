#!/usr/bin/env bash
# Other processes: a cached read equals the query itself while real processes commit to the file,
# with and without the extension, and when one of them is killed in the middle of a write.
. "$(dirname "$0")/shell.sh"

# A shell that stays open, with the extension and a cached table: `ask SQL` prints its answer.
start_reader() { # FILE
    coproc READER { "$SQLITE3" -batch "$1" 2>&1; }
    reader=$READER_PID
    ask ".load $QUERYCACHE" >/dev/null
    ask "CREATE VIRTUAL TABLE temp.c USING cache((SELECT a, b FROM main.t ORDER BY a));" >/dev/null
}
ask() { # SQL
    local line
    printf '%s\nSELECT %s;\n' "$1" "'--end--'" >&"${READER[1]}"
    while IFS= read -r -t 20 -u "${READER[0]}" line && [ "$line" != '--end--' ]; do
        printf '%s\n' "$line"
    done
}
stop_reader() {
    printf '.quit\n' >&"${READER[1]}"
    wait "$reader" 2>/dev/null
}

# The cached rows, how they were answered, and the plain rows.
check() { # NAME [STATUS]
    local got status plain
    got=$(ask 'SELECT * FROM c;')
    status=$(ask 'SELECT cache_last_status();')
    plain=$(ask 'SELECT a, b FROM main.t ORDER BY a;')
    is "$got ${2:+$status}" "$plain ${2:-}" "$1"
}

other() { # SQL: in a process of its own
    "$SQLITE3" -batch "$file" "$1" >/dev/null
}

for mode in WAL DELETE; do
    mkdir "$dir/$mode"
    file=$dir/$mode/shop.db
    other "PRAGMA journal_mode = $mode; CREATE TABLE t(a INTEGER PRIMARY KEY, b);
           INSERT INTO t VALUES (1, 1), (2, 2);
           CREATE TABLE big(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
           WHERE i < 2000) INSERT INTO big SELECT zeroblob(500) FROM n;"
    start_reader "$file"
    check "$mode: the first read" miss
    check "$mode: the second" hit
    other 'UPDATE t SET b = b + 10'
    check "$mode: another process commits" miss
    check "$mode: and hits resume" hit
    "$SQLITE3" -batch "$file" ".load $QUERYCACHE" 'UPDATE t SET b = b + 10'
    check "$mode: another process with the extension commits" miss
    ask 'UPDATE t SET b = b;' >/dev/null
    other 'UPDATE t SET b = b + 10'
    check "$mode: an own write of nothing, then another process's commit"
    ask 'BEGIN; SELECT count(*) FROM c;' >/dev/null
    [ "$mode" = WAL ] && other 'UPDATE t SET b = b + 10'
    check "$mode: inside BEGIN, while others commit"
    ask 'COMMIT;' >/dev/null
    check "$mode: and after COMMIT"
    other 'CREATE TABLE t2(a INTEGER PRIMARY KEY, b); INSERT INTO t2 SELECT a, b + 1 FROM t;
           DROP TABLE t; ALTER TABLE t2 RENAME TO t'
    ask 'SELECT 1 FROM main.sqlite_master LIMIT 1;' >/dev/null
    check "$mode: another process makes the table anew"

    # A writer that spills its pages into the file (rollback) or the WAL, and is killed there.
    mkfifo "${file%/*}/in"
    "$SQLITE3" -batch "$file" <"${file%/*}/in" >"${file%/*}/out" 2>&1 &
    writer=$!
    exec 9>"${file%/*}/in"
    printf '%s\n' 'PRAGMA cache_size = 2; BEGIN; UPDATE t SET b = b + 1000;' \
        'UPDATE big SET x = zeroblob(501);' "SELECT 'written';" >&9
    for _ in $(seq 100); do grep -q written "${file%/*}/out" && break || sleep 0.05; done
    kill -9 "$writer"
    wait "$writer" 2>/dev/null
    exec 9>&-
    check "$mode: a writer is killed in the middle"
    check "$mode: and its rows never show"
    other 'UPDATE t SET b = b + 10'
    check "$mode: another commit after it"
    stop_reader
done
done_testing
