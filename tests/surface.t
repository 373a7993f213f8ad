#!/usr/bin/env bash
# What SQL sees: tables, columns, functions, parameters, and that a cached table gives what its
# SELECT gives.

. "$(dirname "$0")/sample.sh"

# ---- the tables that look in ----

columns() { # TABLE EXPECTED: under both names
    gives "the columns of $1" "$2
$2" <<SQL
SELECT group_concat(name, ' ') FROM pragma_table_info('$1');
SELECT group_concat(name, ' ') FROM pragma_table_info('query$1');
SQL
}
counters='hits misses hit_rate bypasses coalesced insertions rejections evictions expirations'
counters+=' invalidations entries bytes'
columns cache_stats "$counters max_entries max_bytes load_us saved_us"
columns cache_definitions "name schema sql tables ttl tti max_entries max_bytes max_result_bytes \
max_rows min_time policy coherence share nondeterministic tags $counters load_us saved_us"
columns cache_entries "key cache database sql params rows bytes hits created_at age idle \
expires_in load_us tables state"
columns cache_tables 'database name entries commits invalidations last_change_at'
columns cache_config 'name value default_value description'
for table in stats definitions entries tables config; do
    gives "a table of the user named cache_$table hides ours, querycache_$table stays" 'mine
1' <<SQL
CREATE TABLE cache_$table(x);
INSERT INTO cache_$table VALUES ('mine');
SELECT x FROM cache_$table;
SELECT count(*) >= 0 FROM querycache_$table;
SQL
done

by_year="CREATE VIRTUAL TABLE temp.by_year USING cache(
  (SELECT region, sum(amount) AS total FROM sales WHERE year = :year
    GROUP BY region ORDER BY region DESC));"

gives 'cache_stats before the first read: one row, no hit rate' '0|0||0|0|0|0|0|0|0|0|0' <<'SQL'
SELECT hits, misses, hit_rate, bypasses, coalesced, insertions, rejections, evictions, expirations,
       invalidations, entries, bytes FROM cache_stats;
SQL
gives 'cache_stats counts' 'West|
South|40.5
north|20.0
West|
South|40.5
north|20.0
South|30.0
North|10.0
1|2|33|0|2|2|1|1|1' <<SQL
$by_year
SELECT * FROM by_year(2024); SELECT * FROM by_year(2024); SELECT * FROM by_year(2023);
SELECT hits, misses, CAST(hit_rate * 100 AS INTEGER), bypasses, insertions, entries, bytes > 200,
       load_us > 0, saved_us > 0 FROM cache_stats;
SQL
gives 'cache_definitions' '30.0
10.0
by_year|temp|["sales"]|0|1|1
1' <<SQL
$by_year
SELECT total FROM by_year(2023);
SELECT name, schema, tables, hits, misses, entries FROM cache_definitions;
SELECT sql LIKE 'SELECT region, sum(amount) AS total FROM sales WHERE year = :year%'
  FROM cache_definitions;
SQL
gives 'cache_entries' '30.0
10.0
30.0
10.0
by_year|[2023]|2|1|["sales"]|fresh
1|1|1|1|1|1|1
1' <<SQL
$by_year
SELECT total FROM by_year(2023); SELECT total FROM by_year(2023);
SELECT cache, params, rows, hits, tables, state FROM cache_entries;
SELECT length(key) = 32, bytes > 100, abs(created_at - (julianday('now') - 2440587.5) * 86400) < 5,
       age BETWEEN 0 AND 5, idle BETWEEN 0 AND age, expires_in BETWEEN 3590 AND 3600, load_us > 0
  FROM cache_entries;
SELECT database LIKE '%case.db' FROM cache_entries;
SQL
gives 'params is JSON in parameter order: every type' '[null,1,1.0,"1","00ff"]' <<'SQL'
INSERT INTO sink
SELECT cache_query('SELECT ?1, ?2, ?3, ?4, ?5', NULL, 1, 1.0, '1', x'00FF');
SELECT lower(params) FROM cache_entries;
SQL
gives 'state is stale once a table was written, and fresh for the others' '10.0
3
by_year|stale
users|fresh' <<SQL
${by_year/= :year/= :year AND id = 1}
CREATE VIRTUAL TABLE temp.users USING cache((SELECT count(*) FROM main.users));
SELECT total FROM by_year(2023); SELECT * FROM temp.users;
UPDATE sales SET amount = 11 WHERE id = 1;
SELECT cache, state FROM cache_entries ORDER BY cache;
SQL
gives 'looking in changes nothing: a transaction that wrote nothing leaves what is kept' '5
fresh
hit' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT count(*) AS n FROM sales));
SELECT n FROM c;
INSERT INTO sink SELECT n FROM c;
BEGIN IMMEDIATE; COMMIT;
SELECT state FROM cache_entries;
INSERT INTO sink SELECT n FROM c;
SELECT cache_last_status();
SQL
gives 'DELETE FROM cache_entries drops what the WHERE says' '2
1|[2024]
miss' <<SQL
$by_year
INSERT INTO sink SELECT total FROM by_year WHERE year IN (2023, 2024);
SELECT count(*) FROM cache_entries;
DELETE FROM cache_entries WHERE params = '[2023]';
SELECT changes(), params FROM cache_entries;
INSERT INTO sink SELECT total FROM by_year(2023);
SELECT cache_last_status();
SQL
gives 'cache_tables: entries, commits seen, invalidations, the time of the last change' '5
sales|1|0|0|
6
sales|1|1|1|1' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT count(*) FROM sales));
SELECT * FROM c;
SELECT name, entries, commits, invalidations, last_change_at FROM cache_tables;
INSERT INTO sales DEFAULT VALUES;
SELECT * FROM c;
SELECT name, entries, commits, invalidations,
       abs(last_change_at - (julianday('now') - 2440587.5) * 86400) < 5 FROM cache_tables;
SQL
gives 'cache_config describes every setting' '12|12' \
    <<<'SELECT count(*), sum(length(description) > 20) FROM cache_config;'

# ---- functions that act ----

filled="$by_year
CREATE VIRTUAL TABLE temp.names USING cache((SELECT name FROM users), tags = 'people');
INSERT INTO sink SELECT total FROM by_year WHERE year IN (2023, 2024);
INSERT INTO sink SELECT name FROM names;"
acts() { # CALL EXPECTED: what it returns, then what is left
    gives "$1" "$2" \
        <<<"$filled SELECT $1; SELECT $1; SELECT count(*) FROM cache_entries WHERE state = 'fresh';"
}
acts "cache_clear()" '3
0
0'
acts "cache_invalidate('by_year')" '2
0
1'
acts "cache_invalidate('BY_YEAR')" '2
0
1'
acts "cache_invalidate('nothing')" '0
0
3'
acts "cache_invalidate_table('users')" '1
0
2'
acts "cache_invalidate_table('SALES')" '2
0
1'
acts "cache_invalidate_tag('people')" '1
0
2'
acts "cache_invalidate_matching('*sum(*')" '2
0
1'
acts "cache_invalidate_matching('*users*')" '1
0
2'
gives 'cache_drop(key) drops one entry, once' '1
0
2' <<SQL
$filled
DELETE FROM sink;
INSERT INTO sink SELECT key FROM cache_entries WHERE params = '[2024]';
SELECT cache_drop(x) FROM sink;
SELECT cache_drop(x) FROM sink;
SELECT count(*) FROM cache_entries;
SQL
gives 'cache_invalidate_table: the next read computes' 'miss' \
    <<<"$filled INSERT INTO sink SELECT cache_invalidate_table('users');
        INSERT INTO sink SELECT name FROM names; SELECT cache_last_status();"
gives 'cache_configure sets what UPDATE cache_config sets' '2 MiB' <<'SQL'
INSERT INTO sink SELECT cache_configure('max_bytes', '2 MiB');
SELECT value FROM cache_config WHERE name = 'max_bytes';
SQL
gives 'cache_reset_stats: counters are 0, entries stay' '0|0|0|3' <<SQL
$filled
INSERT INTO sink SELECT cache_reset_stats();
SELECT hits, misses, insertions, entries FROM cache_stats;
SQL
gives 'cache_last_status: NULL, miss, hit, bypass' '1
miss
hit
bypass' <<SQL
SELECT cache_last_status() IS NULL;
$by_year
INSERT INTO sink SELECT total FROM by_year(2023); SELECT cache_last_status();
INSERT INTO sink SELECT total FROM by_year(2023); SELECT cache_last_status();
BEGIN; INSERT INTO users DEFAULT VALUES;
INSERT INTO sink SELECT total FROM by_year(2023); SELECT cache_last_status();
COMMIT;
SQL

# ---- functions that tell ----

same() { # NAME EXPECTED A B: whether two texts are normalized alike
    gives "$1" "$2" <<SQL
SELECT cache_normalize('${3//\'/\'\'}') = cache_normalize('${4//\'/\'\'}');
SQL
}
same 'normalizing folds space, comments, case of words, the semicolon' 1 \
    $'SELECT  Region /* c */ FROM\n sales -- d\n;' 'select region from SALES'
same 'it keeps the case of a string' 0 "SELECT 'a'" "SELECT 'A'"
same 'it keeps the space in a string' 0 "SELECT 'a  b'" "SELECT 'a b'"
same 'it keeps a quoted identifier' 0 'SELECT "region" FROM sales' 'SELECT "Region" FROM sales'
same 'it keeps the type of a number' 0 'SELECT 1' 'SELECT 1.0'
same 'it keeps where one word ends' 0 'SELECT 1 AS ab' 'SELECT 1 AS a b'
same 'it keeps unary minuses apart from a comment' 0 'SELECT 1 - -1' 'SELECT 1'
gives 'normalizing twice is normalizing once' 1 <<'SQL'
SELECT cache_normalize(cache_normalize(x)) = cache_normalize(x)
  FROM (SELECT 'SELECT [A b], "c", `d`, x''00'', 1e3, ?1, :p  FROM t -- e' AS x);
SQL
gives 'cache_key is the key of the entry' '1|32' <<'SQL'
INSERT INTO sink SELECT cache_query('SELECT id FROM sales WHERE year = ?', 2023);
SELECT key = cache_key('SELECT id FROM sales WHERE year = ?', 2023), length(key) FROM cache_entries;
SQL
gives 'the key tells the types of a value apart' 5 <<'SQL'
SELECT count(DISTINCT cache_key('SELECT ?', v))
  FROM (SELECT 1 AS v UNION ALL SELECT 1.0 UNION ALL SELECT '1' UNION ALL SELECT x'31'
        UNION ALL SELECT NULL);
SQL
gives 'cache_explain: its properties' 'cacheable reason normalized key tables functions' \
    <<<"SELECT group_concat(property, ' ') FROM cache_explain('SELECT count(*) FROM sales');"
gives 'cache_explain: tables and functions, through a view' '["sales","users"]
1' <<'SQL'
CREATE VIEW v AS SELECT upper(region) AS r, count(*) AS n FROM sales GROUP BY 1;
SELECT value FROM cache_explain('SELECT * FROM v, users') WHERE property = 'tables';
SELECT value LIKE '%count%' AND value LIKE '%upper%'
  FROM cache_explain('SELECT * FROM v, users') WHERE property = 'functions';
SQL
gives 'cache_explain: cacheable differs from not cacheable' '1|1' <<'SQL'
SELECT a.value <> b.value, a.value = (
       SELECT value FROM cache_explain('SELECT 2') WHERE property = 'cacheable')
  FROM cache_explain('SELECT 1') AS a, cache_explain('SELECT random()') AS b
 WHERE a.property = 'cacheable' AND b.property = 'cacheable';
SQL
gives 'querycache_version is a version' 1 \
    <<<"SELECT querycache_version() GLOB '[0-9]*.[0-9]*.[0-9]*';"
gives 'functions that look are not for the optimizer to fold: each call tells the present' 'miss|2' <<SQL
$by_year
SELECT cache_last_status(), count(*) FROM by_year(2023);
SQL

# ---- ad hoc queries ----

gives 'cache_query: a JSON array of objects, with types' \
    '[{"n":null,"i":1,"r":1.5,"w":2.0,"t":"a\"b","b":"00FF"}]' \
    <<<"SELECT cache_query('SELECT NULL AS n, 1 AS i, 1.5 AS r, 2.0 AS w, ''a\"b'' AS t, x''00ff'' AS b');"
gives 'cache_query: infinite reals' '[{"a":9.0e+999,"b":-9.0e+999}]' \
    <<<"SELECT cache_query('SELECT 9e999 AS a, -9e999 AS b');"
gives 'cache_query: two columns of one name' '[{"x":1,"x:1":2}]' \
    <<<"SELECT cache_query('SELECT 1 AS x, 2 AS x');"
gives 'cache_query: no rows' '[]' <<<"SELECT cache_query('SELECT 1 WHERE 0');"
gives 'cache_query: parameters, and it is a read like any other' \
    '[{"id":1},{"id":3}]|miss
[{"id":1},{"id":3}]|hit
[{"id":2},{"id":4},{"id":5}]|miss' <<'SQL'
SELECT cache_query('SELECT id FROM sales WHERE year = ?', 2023), cache_last_status();
SELECT cache_query('select id from sales where year = ?;', 2023), cache_last_status();
SELECT cache_query('SELECT id FROM sales WHERE year = ?', 2024), cache_last_status();
SQL
gives 'cache_query: control characters and Unicode in a text are valid JSON' '1|1' <<'SQL'
SELECT json_valid(j), json_extract(j, '$[0].t') = char(1, 9, 10, 34, 92, 233, 128512)
  FROM (SELECT cache_query('SELECT char(1, 9, 10, 34, 92, 233, 128512) AS t') AS j);
SQL
gives 'cache_query: a numbered parameter that is used twice' '[{"a":7,"b":7,"c":8}]' \
    <<<"SELECT cache_query('SELECT ?1 AS a, ?1 AS b, ?2 AS c', 7, 8);"
gives 'cache_query of VALUES and of WITH' '[{"column1":1},{"column1":2}]
[{"y":3}]' <<'SQL'
SELECT cache_query('VALUES (1), (2)');
SELECT cache_query('WITH x(y) AS (SELECT 3) SELECT y FROM x');
SQL
gives 'cache_rows: row and value' '1|{"id":1}|integer|text
2|{"id":3}|integer|text' \
    <<<"SELECT row, value, typeof(row), typeof(value)
          FROM cache_rows('SELECT id FROM sales WHERE year = ?', 2023);"
gives 'cache_rows in a join, with a parameter from the other table' '2023|10.0
2023|30.0
2024|20.0
2024|40.5
2024|' <<'SQL'
SELECT years.column1, json_extract(value, '$.amount')
  FROM (VALUES (2023), (2024)) AS years,
       cache_rows('SELECT amount FROM sales WHERE year = ? ORDER BY id', years.column1);
SQL
gives 'cache_rows takes 16 parameters' '{"x":136}' <<'SQL'
SELECT value FROM cache_rows('SELECT ?1+?2+?3+?4+?5+?6+?7+?8+?9+?10+?11+?12+?13+?14+?15+?16 AS x',
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
SQL
gives 'the columns of cache_rows' \
    'row value|sql p1 p2 p3 p4 p5 p6 p7 p8 p9 p10 p11 p12 p13 p14 p15 p16' <<'SQL'
SELECT group_concat(name, ' ') FILTER (WHERE hidden = 0),
       group_concat(name, ' ') FILTER (WHERE hidden = 1) FROM pragma_table_xinfo('cache_rows');
SQL

# ---- parameters of a cached table ----

gives 'the ways to pass a parameter' 'South|30.0
South|30.0
South|30.0
2023
South|2023' <<SQL
$by_year
SELECT * FROM by_year(2023) LIMIT 1;
SELECT * FROM by_year WHERE year = 2023 LIMIT 1;
SELECT * FROM by_year WHERE 2023 = year ORDER BY total DESC LIMIT 1;
SELECT year FROM by_year(2023) LIMIT 1;
SELECT region, year FROM by_year WHERE year = 2023 AND region = 'south';
SQL
gives 'IN, a join and a subquery pass one value after the other' '2023|2
2024|3
2023|2
2024|3
2023|40.0
2024|60.5
2025|' <<SQL
$by_year
SELECT year, count(*) FROM by_year WHERE year IN (2023, 2024, 2025) GROUP BY year;
SELECT column1, count(*) FROM (VALUES (2023), (2024)) JOIN by_year(column1) GROUP BY 1;
SELECT column1, (SELECT sum(total) FROM by_year(column1)) FROM (VALUES (2023), (2024), (2025));
SQL
gives 'IN passes each value with its type' '1|text
3|text
1|text
2|text
3|text
{"n":1}' <<'SQL'
CREATE TABLE parts(code TEXT, n INT);
INSERT INTO parts VALUES ('007', 1), ('7', 2), ('8', 3);
CREATE VIRTUAL TABLE temp.part USING cache(
  (SELECT n, typeof(:code) AS type FROM parts WHERE code = :code));
SELECT * FROM part WHERE code IN ('007', '8') ORDER BY n;
SELECT * FROM part WHERE code IN (SELECT code FROM parts) ORDER BY n;
SELECT value FROM cache_rows('SELECT n FROM parts WHERE code = ?') WHERE p1 IN ('007', '17');
SQL
gives 'a LEFT JOIN gives the row without a match too' '2023|2
2025|0' <<SQL
$by_year
SELECT y.column1, count(c.total) FROM (VALUES (2023), (2025)) AS y
  LEFT JOIN by_year AS c ON c.year = y.column1 GROUP BY 1;
SQL
gives 'a second constraint on a parameter filters' '0
2
0
3' <<SQL
$by_year
SELECT count(*) FROM by_year(2023) WHERE year = 2024;
SELECT count(*) FROM by_year(2023) WHERE year < 2024;
SELECT count(*) FROM by_year WHERE year = 2023 AND year IN (2024, 2025);
SELECT count(*) FROM by_year WHERE year IN (2023, 2024) AND year = 2024;
SQL
gives 'NULL is a value' '1
1' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT id FROM users WHERE face IS :face));
SELECT count(*) FROM c(NULL);
SELECT count(*) FROM c WHERE face IS NULL;
SQL
gives 'a parameter keeps its type' 'integer
real
text
blob
null' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT typeof(?) AS t));
SELECT t FROM c(1);
SELECT t FROM c(1.0);
SELECT t FROM c('1');
SELECT t FROM c(x'31');
SELECT t FROM c(NULL);
SQL
gives "a parameter 'now' of a date function is the present: a bypass" 'miss
hit
bypass
bypass' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT date(:day) AS d));
INSERT INTO sink SELECT d FROM c('2024-02-29'); SELECT cache_last_status();
INSERT INTO sink SELECT d FROM c('2024-02-29'); SELECT cache_last_status();
INSERT INTO sink SELECT d FROM c('now'); SELECT cache_last_status();
INSERT INTO sink SELECT d FROM c('NOW'); SELECT cache_last_status();
SQL
gives 'a lone ?3 is the first and only parameter' 'p3
7' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT ?3 AS x));
SELECT name FROM pragma_table_xinfo('c') WHERE hidden = 1;
SELECT x FROM c(7);
SQL
hidden() { # SELECT EXPECTED: the names of its hidden columns
    gives "the parameters of $1" "$2" <<SQL
CREATE VIRTUAL TABLE temp.c USING cache(($1));
SELECT group_concat(name, ' ') FROM pragma_table_xinfo('c') WHERE hidden = 1;
SQL
}
hidden 'SELECT :a AS x, @b AS y, $c AS z' 'a b c'
hidden 'SELECT :a AS x, @a AS y, $A AS z' 'a a:1 A:2'
hidden 'SELECT ? AS x, ?5 AS y, ? AS z' 'p1 p5 p6'
hidden 'SELECT :b AS x, :a AS y, :b AS z' 'b a'
gives 'a parameter named like a column keeps its prefix; the call is the same' ':id
7|Ada
7|Ada' <<'SQL'
CREATE VIRTUAL TABLE temp.users_by_id USING cache((SELECT id, name FROM users WHERE id = :id));
SELECT name FROM pragma_table_xinfo('users_by_id') WHERE hidden = 1;
SELECT * FROM users_by_id(7);
SELECT * FROM users_by_id WHERE ":id" = 7;
SQL
gives 'parameters are called in the order of their numbers' '1|2' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT ?2 AS second, ?1 AS first));
SELECT first, second FROM c(1, 2);
SQL

# ---- columns: names, types, affinity, collation, order ----

gives 'two columns of one name' 'x|x:1|x:2' <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT 1 AS x, 2 AS x, 3 AS X));
SELECT lower(group_concat(name, '|')) FROM pragma_table_info('c');
SQL
gives 'declared types come along' 'id INTEGER,region TEXT,year INT,amount REAL,twice ,name TEXT,face BLOB' \
    <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache(
  (SELECT sales.*, amount * 2 AS twice, name, face FROM sales, users));
SELECT group_concat(name || ' ' || type) FROM pragma_table_info('c');
SQL

plain_and_cached() { # NAME QUERY: the query over c gives what it gives over the SELECT itself
    local select="SELECT id, region, year, amount, region || '' AS free, CAST(amount AS TEXT) AS text,
        +year AS bare, year COLLATE NOCASE AS nocase, rtrim COLLATE RTRIM AS rtrim
        FROM sales JOIN (SELECT 'x' AS rtrim UNION ALL SELECT 'x ') ORDER BY id DESC, rtrim DESC"
    local query=${2//FROM c/FROM ($select)} cached
    cached=$(run_case <<<"CREATE VIRTUAL TABLE temp.c USING cache(($select)); $2;")
    is "$cached" "$(run_case <<<"$query;")" "$1"
}
plain_and_cached 'a NOCASE column compares without case' \
    "SELECT count(*) FROM c WHERE region = 'NORTH'"
plain_and_cached 'an expression compares with case' "SELECT count(*) FROM c WHERE free = 'NORTH'"
plain_and_cached 'an RTRIM column compares without trailing spaces' \
    "SELECT count(*) FROM c WHERE rtrim = 'x'"
plain_and_cached 'GROUP BY follows the collation' "SELECT region, count(*) FROM c GROUP BY region"
plain_and_cached 'DISTINCT follows the collation' "SELECT count(DISTINCT region) FROM c"
plain_and_cached 'ORDER BY follows the collation' "SELECT region, id FROM c ORDER BY region, id"
plain_and_cached 'an INT column compares with a text by value' \
    "SELECT count(*) FROM c WHERE year = '2023'"
plain_and_cached 'an expression does not' "SELECT count(*) FROM c WHERE bare = '2023'"
plain_and_cached 'a TEXT expression compares with a number' \
    "SELECT count(*) FROM c WHERE text = 10.0"
plain_and_cached 'a REAL column keeps its type' \
    "SELECT typeof(amount), typeof(id), typeof(text) FROM c"
plain_and_cached "rows come in the SELECT's order" "SELECT id, rtrim FROM c"
plain_and_cached 'min, max and an index-like range' \
    "SELECT min(region), max(amount) FROM c WHERE id BETWEEN 2 AND 4"
plain_and_cached 'IN with a collation' \
    "SELECT id FROM c WHERE region IN ('SOUTH', 'west') ORDER BY id"
gives 'blobs, embedded zeros and empty values come back as they were' "X'00FF'|blob
NULL|null
X''|blob
3|1" <<'SQL'
CREATE VIRTUAL TABLE temp.c USING cache((SELECT face FROM users ORDER BY id));
SELECT quote(face), typeof(face) FROM c;
CREATE VIRTUAL TABLE temp.z USING cache((SELECT CAST(x'610062' AS TEXT) AS t));
SELECT length(CAST(t AS BLOB)), t = CAST(x'610062' AS TEXT) FROM z;
SQL
gives 'rowid counts the rows' '1
2' <<<"$by_year SELECT rowid FROM by_year(2023);"

# ---- where cached tables live ----

gives 'a temp table puts a view behind the cache; its SQL stays' '40.0|60.5
hit
70.5' <<'SQL'
CREATE VIEW totals AS SELECT year, sum(amount) AS total FROM sales GROUP BY year;
CREATE VIRTUAL TABLE temp.totals USING cache((SELECT * FROM main.totals));
SELECT group_concat(total, '|') FROM totals;
INSERT INTO sink SELECT total FROM totals;
SELECT cache_last_status();
UPDATE sales SET amount = amount + 10 WHERE id = 4;
SELECT total FROM totals WHERE year = 2024;
SQL

stored=$dir/stored.db
cp "$dir/sample.db" "$stored"
got=$(run_sql "$stored" <<<"${by_year/temp./main.} SELECT * FROM by_year(2023);")
is "$got" 'South|30.0
North|10.0' 'a definition stored in main'
got=$(run_sql "$stored" <<<"SELECT * FROM by_year(2023); SELECT cache_last_status();
SELECT * FROM main.by_year(2023); SELECT cache_last_status(); SELECT schema FROM cache_definitions;")
is "$got" 'South|30.0
North|10.0
miss
South|30.0
North|10.0
hit
main' 'reopened, it is there'
got=$(plain_sql "$stored" <<<'SELECT count(*) FROM sales; SELECT * FROM by_year(2023);')
like "$got" '(^|
)5($|
)' 'without the extension the database opens'
like "$got" 'no such module: cache' 'and the cached table alone is out of reach'
got=$(run_sql "$stored" -readonly <<<"SELECT total FROM by_year(2023); SELECT total FROM by_year(2023);
SELECT cache_last_status();
SELECT cache_drop((SELECT key FROM cache_entries)); SELECT count(*) FROM cache_entries;
CREATE TEMP TABLE sink AS SELECT cache_configure('max_entries', 7);
SELECT value FROM cache_config WHERE name = 'max_entries';")
is "$got" '30.0
10.0
30.0
10.0
hit
1
0
7' 'a read-only database: reads, cache_drop and cache_configure work'
cat >"$dir/inner.sql" <<SQL
.load $QUERYCACHE
SELECT total FROM by_year(2023);
SELECT cache_drop((SELECT key FROM cache_entries));
CREATE TEMP TABLE sink AS SELECT cache_configure('max_entries', 7);
SELECT value FROM cache_config WHERE name = 'max_entries';
SQL
got=$(run_sql "$stored" <<SQL
BEGIN IMMEDIATE;
.shell "$SQLITE3" -batch -init /dev/null "$stored" <"$dir/inner.sql"
COMMIT;
SQL
)
is "$got" '30.0
10.0
1
7' 'so they do on a database that another process writes'
plain_sql "$stored" <<<'DROP TABLE sales;' >/dev/null
got=$(run_sql "$stored" <<'SQL'
SELECT 'opens';
SELECT * FROM by_year(2023);
DROP TABLE by_year;
SELECT 'left: ' || count(*) FROM sqlite_master WHERE name = 'by_year';
SQL
)
like "$got" 'no such table: .*sales.*opens.*left: 0|opens.*no such table: .*sales.*left: 0' \
    'a stored definition whose table is gone connects, says so, and can be dropped'
gives 'a definition stored in an attached database reads that one' '1
2' <<'SQL'
ATTACH ':memory:' AS other;
CREATE TABLE other.stock(x);
INSERT INTO other.stock VALUES (1), (2);
CREATE VIRTUAL TABLE other.c USING cache((SELECT x FROM stock));
SELECT * FROM other.c;
SQL
gives 'one name with two SELECTs is two caches' '5
3
main|1
temp|1' <<'SQL'
CREATE VIRTUAL TABLE main.c USING cache((SELECT count(*) FROM sales));
CREATE VIRTUAL TABLE temp.c USING cache((SELECT count(*) FROM users));
SELECT * FROM main.c;
SELECT * FROM temp.c;
SELECT schema, misses FROM cache_definitions ORDER BY schema;
SQL

done_testing
