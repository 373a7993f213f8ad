#!/usr/bin/env bash
# cache_view() and cache_unview(): a view behind the cache, and out again.

. "$(dirname "$0")/sample.sh"

view="CREATE VIEW totals AS SELECT year, sum(amount) AS total FROM sales GROUP BY year;"
status='SELECT cache_last_status();'
schema='SELECT sql FROM sqlite_temp_schema WHERE sql LIKE '\''%USING cache%'\'';'

gives 'a query that names the view reads the cache, and the view again afterwards' 'temp.totals
2023|40.0
2024|60.5
miss
2023|40.0
2024|60.5
hit
2024|60.5
hit

2023|40.0
2024|60.5
0' <<SQL
$view
SELECT cache_view('totals');
SELECT * FROM totals; $status
SELECT * FROM totals; $status
SELECT * FROM totals WHERE year = 2024; $status
SELECT cache_unview('totals');
SELECT * FROM totals; SELECT count(*) FROM cache_definitions;
SQL
gives 'a write shows at once' '2023|40.0
2024|60.5
2023|40.0
2024|61.5' <<SQL
$view
INSERT INTO sink SELECT cache_view('totals');
SELECT * FROM totals;
INSERT INTO sales(year, amount) VALUES (2024, 1);
SELECT * FROM totals;
SQL
gives 'options are those of USING cache' '5 min|16 MB|billing, eu|s3fifo' <<SQL
$view
INSERT INTO sink
  SELECT cache_view('totals', ' ttl = ''5 min'', MAX_BYTES=16000000 /* , ( */, tags = ''billing, eu''
   , policy = s3fifo -- and so on');
SELECT ttl, max_bytes, tags, policy FROM cache_definitions;
SQL
gives 'no options, an empty text and NULL are the same' 'temp.totals

temp.totals

temp.totals' <<SQL
$view
SELECT cache_view('totals', NULL); SELECT cache_unview('totals');
SELECT cache_view('totals', ' '); SELECT cache_unview('totals');
SELECT cache_view('totals', '/* none */');
SQL
gives 'a table can be put behind the cache, too' 'temp.users
7|Ada
miss
7|Ada
hit' <<SQL
SELECT cache_view('users');
SELECT id, name FROM users WHERE id = 7; $status
SELECT id, name FROM users WHERE id = 7; $status
SQL

# ---- names ----

gives 'main comes before attached databases, a schema before all' 'temp.v
main
other

temp.v
other
temp.w
third' <<SQL
ATTACH ':memory:' AS other; ATTACH ':memory:' AS "the third";
CREATE VIEW main.v AS SELECT 'main'; CREATE VIEW other.v AS SELECT 'other';
CREATE VIEW "the third".w AS SELECT 'third';
SELECT cache_view('v'); SELECT * FROM v; SELECT * FROM other.v; SELECT cache_unview('main.v');
SELECT cache_view('OTHER.V'); SELECT * FROM v;
SELECT cache_view('the third.w'); SELECT * FROM w;
SQL
gives 'quotes, dots, spaces and other letters in names are no matter' 'temp.a "b" '"'c'"'; é.d
1

0' <<'SQL'
CREATE VIEW "a ""b"" 'c'; é.d" AS SELECT 1 AS x;
SELECT cache_view('a "b" ''c''; é.d');
SELECT * FROM "a ""b"" 'c'; é.d";
SELECT cache_unview('a "b" ''c''; é.d');
SELECT count(*) FROM cache_definitions;
SQL
gives 'cache_unview takes the name with either schema' 'temp.totals

temp.totals

out' <<SQL
$view
SELECT cache_view('totals'); SELECT cache_unview('temp.totals');
SELECT cache_view('main.totals'); SELECT cache_unview('main.TOTALS'); SELECT 'out';
SQL
gives 'what was put behind the cache by hand comes out by cache_unview, too' '
0' <<SQL
$view
CREATE VIRTUAL TABLE temp.totals USING cache((SELECT * FROM main.totals), ttl = 5);
SELECT cache_unview('totals');
SELECT count(*) FROM cache_definitions;
SQL
gives 'all views of a schema in one statement' 'temp.a
temp.b
2


0' <<SQL
CREATE VIEW a AS SELECT 1; CREATE VIEW b AS SELECT 2;
SELECT cache_view(name) FROM sqlite_schema WHERE type = 'view';
SELECT count(*) FROM cache_definitions;
SELECT cache_unview(name) FROM sqlite_schema WHERE type = 'view';
SELECT count(*) FROM cache_definitions;
SQL

# ---- errors ----

says 'no such view' "neither a view nor a table 'nothing'" 'cache_view(' \
    <<<"SELECT cache_view('nothing');"
says 'no such view in that schema' "neither a view nor a table 'temp.totals'" \
    <<<"$view SELECT cache_view('temp.totals');"
says 'twice' 'totals is behind the cache already, over main.totals' "cache_unview('totals')" \
    <<<"$view SELECT cache_view('totals'); SELECT cache_view('main.totals', 'ttl = 5');"
says 'a view of temp stands in the way' 'temp has something called totals already' \
    <<<"$view CREATE TEMP VIEW totals AS SELECT 1; SELECT cache_view('totals');"
says 'another cached table stands in the way' 'temp has something called totals already' \
    <<<"$view CREATE VIRTUAL TABLE temp.totals USING cache((SELECT 1)); SELECT cache_view('totals');"
says 'NULL' "cache_view: the name of a view is wanted" "cache_unview: the name of a view is wanted" \
    <<<$'SELECT cache_view(NULL);\nSELECT cache_unview(NULL);'
says 'cache_unview of what is not behind the cache' "'totals' is not behind the cache" \
    "cache_view('totals')" <<<"$view SELECT cache_unview('totals');"
says 'cache_unview of something else in temp' 'is not what cache_view' 'DROP TABLE' '|sink|' \
    <<<$'SELECT cache_unview(\'sink\');\nSELECT \'|\' || name || \'|\' FROM sqlite_temp_schema;'
says 'cache_unview with the wrong schema' 'is not what cache_view' 'still 1' <<SQL
ATTACH ':memory:' AS other;
$view
SELECT cache_view('totals');
SELECT cache_unview('other.totals');
SELECT 'still ' || count(*) FROM cache_definitions;
SQL
says 'cache_unview under a statement that reads the table' 'table is locked' 'still 1' <<SQL
$view
SELECT cache_view('totals');
SELECT cache_unview('totals') FROM totals;
SELECT 'still ' || count(*) FROM cache_definitions;
SQL
says 'a view that cannot be cached' 'cannot be cached' 'random()' \
    <<<"CREATE VIEW v AS SELECT random(); SELECT cache_view('v');"
says 'an unknown option' 'there is no option colour' 'ttl, tti' \
    <<<"$view SELECT cache_view('totals', 'ttl = 5, colour = red');"
says 'a value that no option accepts' "the option ttl cannot be long" "'5 min'" \
    <<<"$view SELECT cache_view('totals', 'ttl = long');"
says 'a stored view may not call it' 'unsafe use of cache_view' \
    <<<"$view CREATE VIEW evil AS SELECT cache_view('totals'); SELECT * FROM evil;"
for options in '/*' 'ttl=5 /*' 'ttl = 5,' ', ttl = 5'; do
    says "what is no list of options is an error: $options" 'cache_view: ' 'option' 'none 0' <<SQL
$view
SELECT cache_view('totals', '$options');
SELECT 'none ' || count(*) FROM cache_definitions;
SQL
done
for options in 'ttl=60); DROP TABLE sales; --' 'tags = a)' "tags = ''a" 'tags = (a)' ';' 'ttl = 5;' \
    'tags = "a'; do
    says "what would end the list of options is an error: $options" "cannot be ${options//\'\'/\'}" \
        "max_bytes = '16 MB'" 'sales 5, none 0' <<SQL
$view
SELECT cache_view('totals', '$options');
SELECT 'sales ' || (SELECT count(*) FROM sales) || ', none ' || count(*) FROM cache_definitions;
SQL
done

# ---- transactions and other statements ----

gives 'ROLLBACK takes back what was done' 'temp.totals
2
bypass
2
temp.totals

1
temp.totals' <<SQL
$view
BEGIN; INSERT INTO sales(year) VALUES (2024);
SELECT cache_view('totals'); SELECT count(*) FROM totals; $status ROLLBACK;
SELECT count(*) FROM totals;
SELECT cache_view('totals');
BEGIN; SELECT cache_unview('totals'); ROLLBACK;
SELECT count(*) FROM cache_definitions;
BEGIN; INSERT INTO sink SELECT cache_unview('totals'); SELECT cache_view('totals'); COMMIT;
SQL
gives 'a statement that writes may put a view behind the cache' 'temp.totals
60.5' <<SQL
$view
INSERT INTO users(name) SELECT cache_view('totals');
SELECT name FROM users WHERE id = 10;
SELECT total FROM totals WHERE year = 2024;
SQL

done_testing
