#!/usr/bin/env bash
# Bad input: each error says what was asked, what is wrong, and what would be right.
# A line for each statement: of several in one line, newer shells show the last error alone.

. "$(dirname "$0")/sample.sh"

# ---- what is not one SELECT ----

for text in "DELETE FROM sales" "INSERT INTO sales DEFAULT VALUES" "DROP TABLE sales" \
    "PRAGMA user_version = 3" "EXPLAIN SELECT 1" "WITH x AS (SELECT 1) DELETE FROM sales"; do
    says "a cached table refuses $text" 'SELECT' <<SQL
CREATE VIRTUAL TABLE temp.c USING cache(($text));
SELECT * FROM c;
SQL
    says "cache_query refuses $text, and the rows stay" 'SELECT' 'rows: 5' <<SQL
SELECT cache_query('$text');
SELECT 'rows: ' || count(*) FROM sales;
SQL
done
says 'cache_rows refuses INSERT … RETURNING' 'SELECT' 'rows: 5' <<'SQL'
SELECT * FROM cache_rows('INSERT INTO sales DEFAULT VALUES RETURNING *');
SELECT 'rows: ' || count(*) FROM sales;
SQL
says 'a cached table without a SELECT' 'SELECT' 'cache(' <<<'CREATE VIRTUAL TABLE temp.c USING cache();'
says 'a cached table with options alone' 'SELECT' \
    <<<"CREATE VIRTUAL TABLE temp.c USING cache(ttl = '5 min');"
says 'cache_query of an empty text' 'SELECT' <<<"SELECT cache_query('');"
says 'cache_query of a comment' 'SELECT' <<<"SELECT cache_query('-- nothing');"
says 'cache_query without arguments' 'cache_query' <<<'SELECT cache_query();'
says 'two statements in a cached table' 'one' 'statement' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT 1; SELECT 2));
SELECT * FROM c;
SQL
says 'two statements in cache_query: neither runs' 'one' 'statement' 'rows: 5' <<'SQL'
SELECT cache_query('SELECT 1; DELETE FROM sales');
SELECT 'rows: ' || count(*) FROM sales;
SQL

# ---- what SQLite itself refuses ----

says "a syntax error has SQLite's own message" 'near "FORM": syntax error' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT * FORM sales));
SELECT * FROM c;
SQL
says "cache_query passes SQLite's syntax error on" 'near "FORM": syntax error' \
    <<<"SELECT cache_query('SELECT * FORM sales');"
says 'a table that is not there' 'no such table: nowhere' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT * FROM nowhere));
SELECT * FROM c;
SQL
says 'cache_rows: a column that is not there' 'no such column: colour' \
    <<<"SELECT * FROM cache_rows('SELECT colour FROM sales');"
says 'a query that fails half way gives its error, and keeps nothing' 'integer overflow' \
    'kept: 0' <<'SQL'
INSERT INTO users(id) VALUES (-9223372036854775808);
CREATE VIRTUAL TABLE temp.c USING cache((SELECT abs(id) FROM users ORDER BY id DESC));
SELECT * FROM c;
SELECT 'kept: ' || entries FROM cache_stats;
SQL

# ---- what may not be cached is named ----

refused() { # TEXT NAME: neither a table nor cache_query takes the text, and both name the culprit
    says "a cached table refuses $1" "$2" <<SQL
CREATE VIRTUAL TABLE temp.c USING cache((SELECT $1));
SELECT * FROM c;
SQL
    says "cache_query refuses $1" "$2" <<<"SELECT cache_query('SELECT ' || '${1//\'/\'\'}');"
}
refused "random() AS x" random
refused "randomblob(4) AS x" randomblob
refused "changes() AS x" changes
refused "total_changes() AS x" total_changes
refused "last_insert_rowid() AS x" last_insert_rowid
refused "CURRENT_TIMESTAMP AS x" current_timestamp
refused "CURRENT_DATE AS x" current_date
refused "date('now') AS x" date
refused "datetime() AS x" datetime
refused "strftime('%Y', 'NOW') AS x" strftime
refused "julianday() AS x" julianday
refused "id FROM sales WHERE year < (SELECT max(random()) FROM users)" random
refused "hits FROM cache_stats" cache_stats
refused "name FROM fsdir('tests')" fsdir
refused "candidate FROM completion('SEL')" completion
says 'cache_explain says why, without an error' 'reason|' 'random' \
    <<<"SELECT property, value FROM cache_explain('SELECT random()') WHERE property = 'reason';"

# ---- parameters ----

years="CREATE VIRTUAL TABLE temp.by_year USING cache((SELECT id FROM sales WHERE year = :year));"
says 'a parameter left out is named, with the call' 'by_year needs year' 'FROM by_year(' \
    <<<"$years SELECT * FROM by_year;"
says 'a parameter left out is named, with the comparison' 'WHERE year = 7' <<<"$years SELECT * FROM by_year;"
says 'a parameter that has the name of a column is named as it is to be written' 'WHERE ":id" = 7' <<'SQL'
CREATE VIRTUAL TABLE temp.one_sale USING cache((SELECT * FROM sales WHERE id = :id));
SELECT * FROM one_sale WHERE id = 7;
SQL
says 'a parameter that is only compared with < is left out' 'by_year needs year' \
    <<<"$years SELECT * FROM by_year WHERE year < 2024;"
says 'the second of two parameters is named' 'span needs' 'last' 'span(' <<'SQL'
CREATE VIRTUAL TABLE temp.span USING cache(
  (SELECT id FROM sales WHERE year BETWEEN @first AND @last));
SELECT * FROM span(2023);
SQL
says 'a surplus parameter' 'too many arguments on by_year() - max 1' \
    <<<"$years SELECT * FROM by_year(2023, 2024);"
says 'cache_query: a parameter is missing' 'parameter' '1' '0' \
    <<<"SELECT cache_query('SELECT id FROM sales WHERE year = ?');"
says 'cache_query: a parameter too many' 'parameter' '1' '2' \
    <<<"SELECT cache_query('SELECT id FROM sales WHERE year = ?', 2023, 2024);"
says 'cache_rows: a parameter is missing' 'parameter' '2' '1' \
    <<<"SELECT * FROM cache_rows('SELECT id FROM sales WHERE year IN (?, ?)', 2023);"
says 'cache_rows: a parameter too many' 'parameter' '0' '1' \
    <<<"SELECT * FROM cache_rows('SELECT id FROM sales', 2023);"
says 'cache_rows: the SQL is missing' 'cache_rows' 'SELECT' <<<'SELECT * FROM cache_rows;'
says 'cache_key: a parameter too many' 'parameter' <<<"SELECT cache_key('SELECT 1', 2);"

# ---- options ----

option() { # ARGUMENT WORD ...: a cached table with this option is refused with these words
    local argument=$1
    shift
    says "option: $argument" "$@" <<<"CREATE VIRTUAL TABLE temp.c USING cache((SELECT 1), $argument);"
}
option "colour = 'red'" colour ttl tti max_entries max_bytes max_result_bytes max_rows min_time \
    policy coherence share nondeterministic tags
option "ttl" ttl '='
option "ttl =" ttl
option "= 5" 'ttl' 'max_bytes'
option "ttl = 5, ttl = 6" ttl
for name in ttl tti min_time; do
    for value in "'5 parsecs'" "'soon'" "''" "'0 s'" "-1" "'-5 min'" "'99999999999999 d'" \
        "1e400"; do
        option "$name = $value" "$name" "${value//\'/}" '5 min'
    done
done
option "ttl = 0" ttl '5 min'
for name in max_bytes max_result_bytes; do
    for value in "'16 potatoes'" "0" "-1" "'-4 KB'" "'99999999999999 TB'" \
        "99999999999999999999"; do
        option "$name = $value" "$name" "${value//\'/}" '16 MB'
    done
done
for name in max_entries max_rows; do
    for value in 0 -3 1.5 "'many'" 99999999999999999999; do
        option "$name = $value" "$name" "${value//\'/}" 'positive'
    done
done
option "policy = 'fifo'" policy fifo "'lru', 's3fifo', 'gdsf'"
option "coherence = 'maybe'" coherence maybe exact ttl
option "share = 'planet'" share planet process connection
option "nondeterministic = 'perhaps'" nondeterministic perhaps refuse allow

# ---- results that are not kept are served ----

gives 'max_bytes below one entry: served, not kept, counted as a rejection' '5
5
0|2|0|0' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT * FROM sales), max_bytes = 64);
SELECT count(*) FROM c;
SELECT count(*) FROM c;
SELECT hits, rejections, insertions, entries FROM cache_definitions WHERE name = 'c';
SQL
gives 'a result over max_result_bytes: served in full, not kept, counted' '10000|49995000
10000|49995000
0|2|0' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache(
  (WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 9999)
   SELECT n, printf('%040d', n) AS text FROM n),
  max_result_bytes = '64 KB');
SELECT count(*), sum(text) FROM c;
SELECT count(*), sum(text) FROM c;
SELECT hits, rejections, entries FROM cache_stats;
SQL

# ---- the tables behind a cached table change ----

cached="CREATE VIRTUAL TABLE temp.c USING cache((SELECT * FROM sales)); SELECT count(*) FROM c;"
says 'the table is dropped' 'no such table' 'sales' \
    <<<"$cached DROP TABLE sales; SELECT * FROM c;"
says 'the table is dropped by another process' 'no such table' <<SQL
$cached
$(other_process 'DROP TABLE sales')
SELECT * FROM c;
SQL
gives 'DROP TABLE of the cached table works all the same' '5
0' <<<"$cached DROP TABLE sales; DROP TABLE c; SELECT count(*) FROM temp.sqlite_master WHERE name = 'c';"
gives 'made anew with the same columns: the new rows' '5
1|East|2025|1.0' <<<"$cached DROP TABLE sales;
CREATE TABLE sales(id INTEGER PRIMARY KEY, region TEXT COLLATE NOCASE, year INT, amount REAL);
INSERT INTO sales VALUES (1, 'East', 2025, 1); SELECT * FROM c;"
# An ALTER by this connection makes SQLite connect the table anew, then with the new columns. What
# must not be is an old row, or a value under another name.
right_or_error() { # CHANGE
    local got plain
    got=$(run_case <<<"$cached $1;"$'\n.headers on\nSELECT * FROM c;')
    plain=$(run_case <<<"SELECT count(*) FROM sales; $1;"$'\n.headers on\nSELECT * FROM sales;')
    if [[ $got == *column*drop*create* ]]; then
        report 1 "the columns changed: $1"
    else
        is "$got" "$plain" "the columns changed: $1"
    fi
}
for change in "ALTER TABLE sales ADD COLUMN note TEXT" \
    "ALTER TABLE sales DROP COLUMN amount" \
    "ALTER TABLE sales RENAME COLUMN year TO age" \
    "DROP TABLE sales; CREATE TABLE sales AS SELECT 1 AS id, 'r' AS region, 2 AS year, 3 AS amount" \
    "DROP TABLE sales; CREATE TABLE sales AS SELECT 3 AS amount, 2 AS year, 'r' AS region, 1 AS id"; do
    right_or_error "$change"
    says "the columns changed by another process: $change" 'column' 'drop' 'create' <<SQL
$cached
$(other_process "$change")
SELECT * FROM c;
SQL
done
says 'a column that the SELECT names is renamed' 'no such column: year' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT year FROM sales));
SELECT count(*) FROM c;
ALTER TABLE sales RENAME COLUMN year TO age;
SELECT * FROM c;
SQL
gives 'a change of a view that keeps the columns: the new rows' '1
2' <<'SQL'
CREATE VIEW v AS SELECT 1 AS x;
CREATE VIRTUAL TABLE temp.c USING cache((SELECT x FROM v));
SELECT * FROM c;
DROP VIEW v;
CREATE VIEW v AS SELECT 2 AS x;
SELECT * FROM c;
SQL
says 'a cached table that reads itself' 'itself' 'main.sales' \
    <<<'CREATE VIRTUAL TABLE temp.sales USING cache((SELECT * FROM sales)); SELECT * FROM sales;'
says 'a dropped cached table is gone' 'no such table: c' <<<"$cached DROP TABLE c; SELECT * FROM c;"

# ---- definitions that are stored in a database ----

says 'a stored definition that reads an attached database' 'other' 'main' <<'SQL'
ATTACH ':memory:' AS other;
CREATE TABLE other.t(x);
CREATE VIRTUAL TABLE main.c USING cache((SELECT x FROM other.t));
SELECT * FROM c;
SQL
says 'a stored definition that reads temp' 'temp' 'main' <<'SQL'
CREATE TEMP TABLE t(x);
CREATE VIRTUAL TABLE main.c USING cache((SELECT x FROM t));
SELECT * FROM c;
SQL
direct="((SELECT sha3_query('SELECT 1') AS x), nondeterministic = allow)"
says 'a stored definition that calls a DIRECTONLY function' 'sha3_query' <<SQL
CREATE VIRTUAL TABLE main.c USING cache$direct;
SELECT length(x) FROM c;
SQL
gives 'in temp it may' 32 \
    <<<"CREATE VIRTUAL TABLE temp.c USING cache$direct; SELECT length(x) FROM c;"
ordinary="((SELECT lsmode(33188) AS x), nondeterministic = allow)"
says 'trusted_schema = OFF: a stored definition that calls a function not innocuous' 'lsmode' <<SQL
CREATE VIRTUAL TABLE main.c USING cache$ordinary;
PRAGMA trusted_schema = OFF;
SELECT 'got ' || x FROM c;
SQL
gives 'trusted_schema = ON: it may' '-rw-r--r--' \
    <<<"PRAGMA trusted_schema = ON; CREATE VIRTUAL TABLE main.c USING cache$ordinary; SELECT * FROM c;"
gives 'trusted_schema = OFF does not hold for temp' '-rw-r--r--' \
    <<<"PRAGMA trusted_schema = OFF; CREATE VIRTUAL TABLE temp.c USING cache$ordinary; SELECT * FROM c;"
for call in "cache_query('SELECT 1')" "cache_clear()" "cache_drop('0')" \
    "cache_invalidate_table('sales')" "cache_configure('enabled', 0)" "cache_reset_stats()"; do
    says "a stored view may not call $call" 'unsafe use of' "${call%%(*}" \
        <<<"CREATE VIEW v AS SELECT $call AS x; SELECT * FROM v;"
done
says 'a stored view may not run SQL through cache_rows' 'unsafe use of' 'cache_rows' \
    <<<"CREATE VIEW v AS SELECT value FROM cache_rows('SELECT 1'); SELECT * FROM v;"
says 'a stored trigger may not change the settings' 'unsafe use of' 'cache_config' <<'SQL'
CREATE TRIGGER t AFTER INSERT ON users BEGIN
  UPDATE cache_config SET value = 0 WHERE name = 'enabled';
END;
INSERT INTO users DEFAULT VALUES;
SQL

# ---- settings ----

setting() { # NAME VALUE WORD ...: refused by UPDATE and by cache_configure(), and unchanged
    local name=$1 value=$2
    shift 2
    says "cache_config: $name = $value" "$name" "$@" 'unchanged' <<SQL
CREATE TEMP TABLE before AS SELECT * FROM cache_config;
UPDATE cache_config SET value = $value WHERE name = '$name';
SELECT 'unchanged' WHERE NOT EXISTS (SELECT * FROM cache_config EXCEPT SELECT * FROM before);
SQL
    says "cache_configure('$name', $value)" "$name" "$@" 'unchanged' <<SQL
CREATE TEMP TABLE before AS SELECT * FROM cache_config;
SELECT cache_configure('$name', $value);
SELECT 'unchanged' WHERE NOT EXISTS (SELECT * FROM cache_config EXCEPT SELECT * FROM before);
SQL
}
setting enabled 2 0 1
setting enabled "'maybe'" maybe
setting max_bytes "'16 potatoes'" potatoes '16 MB'
setting max_bytes 0 '16 MB'
setting max_bytes -1 -1
setting max_entries 1.5 1.5 positive
setting max_entries 0 positive
setting ttl "'soon'" soon '5 min'
setting ttl 0 '5 min'
setting tti -3 -3 '5 min'
setting max_result_bytes "'99999999999999 TB'" '16 MB'
setting policy "'fifo'" fifo "'lru', 's3fifo', 'gdsf'"
setting admit "'once'" once all twice
setting shards 8 shards QUERYCACHE_SHARDS
setting hooks 7 0 1
says 'a setting that is not there, with those that are' colour enabled max_bytes max_entries ttl \
    tti max_result_bytes shards policy admit hooks <<<"SELECT cache_configure('colour', 'red');"
gives 'UPDATE of a setting that is not there changes nothing' 0 \
    <<<"UPDATE cache_config SET value = 1 WHERE name = 'colour'; SELECT changes();"
says 'only the value of a setting can be set' 'value' \
    <<<"UPDATE cache_config SET name = 'colour' WHERE name = 'ttl';"
says 'the default of a setting is fixed' 'value' \
    <<<"UPDATE cache_config SET default_value = 1 WHERE name = 'ttl';"
says 'settings are not made' 'cache_config' 'UPDATE' \
    <<<"INSERT INTO cache_config(name, value) VALUES ('colour', 'red');"
says 'settings are not deleted' 'cache_config' 'UPDATE' <<<"DELETE FROM cache_config;"

# ---- tables that cannot be written so ----

says 'entries are not made by hand' 'cache_entries' 'DELETE' \
    <<<"INSERT INTO cache_entries(cache) VALUES ('c');"
says 'entries are not changed by hand' 'cache_entries' 'DELETE' \
    <<<"$cached UPDATE cache_entries SET hits = 100;"
for table in cache_stats cache_definitions cache_tables; do
    says "$table is only read" "table $table may not be modified" <<<"DELETE FROM $table;"
done
for write in "INSERT INTO c DEFAULT VALUES" "UPDATE c SET amount = 0" "DELETE FROM c"; do
    says "a cached table is only read: $write" 'table c may not be modified' 'rows: 5' <<SQL
$cached
$write;
SELECT 'rows: ' || count(*) FROM sales;
SQL
done

# ---- loading ----

for variable in QUERYCACHE_MAX_BYTES=lots QUERYCACHE_TTL=-5 QUERYCACHE_ENABLED=perhaps \
    QUERYCACHE_SHARDS=3 QUERYCACHE_POLICY=fifo; do
    got=$(env "$variable" "$SQLITE3" -batch -init /dev/null :memory: ".load $QUERYCACHE" 2>&1)
    like "$got" "${variable%=*}.*${variable#*=}" "a bad environment variable is named: $variable"
done
if [ -x "$SQLITE3_OLD" ]; then
    got=$(SQLITE3=$SQLITE3_OLD run_sql <<<"SELECT 'lives';")
    like "$got" '3\.34.*3\.31|3\.31.*3\.34' 'a SQLite that is too old: both versions are named'
    like "$got" 'lives' 'and its shell lives on'
else
    skip 'a SQLite that is too old' 'SQLITE3_OLD names no shell'
fi

done_testing
