-- The demo of querycache: a dashboard over a million sales, without the cache and with it.
--
--     make demo        or, from the repository's directory:
--     sqlite3 < sql/demo.sql
--
-- It builds build/demo.sqlite in some ten seconds, and says what it does as it goes.

.bail on
.headers off
.mode list
.shell rm -f build/demo.sqlite build/demo.sqlite-wal build/demo.sqlite-shm
.open build/demo.sqlite
.load build/querycache
SELECT printf('querycache %s, SQLite %s', querycache_version(), sqlite_version());

.print
.print == Building a shop's database: build/demo.sqlite
.output /dev/null
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
.output
.read sql/demo-data.sql
INSERT INTO sales_year(year) VALUES (2020);
SELECT printf('  2020: %,10d sales', count(*)) FROM sales;
INSERT INTO sales_year(year) VALUES (2021);
SELECT printf('  2021: %,10d sales', count(*)) FROM sales;
INSERT INTO sales_year(year) VALUES (2022);
SELECT printf('  2022: %,10d sales', count(*)) FROM sales;
INSERT INTO sales_year(year) VALUES (2023);
SELECT printf('  2023: %,10d sales', count(*)) FROM sales;
INSERT INTO sales_year(year) VALUES (2024);
SELECT printf('  2024: %,10d sales', count(*)) FROM sales;
DROP TABLE temp.sales_year;
PRAGMA synchronous = NORMAL;
.read sql/demo-views.sql
.read sql/demo-stopwatch.sql

.print
.print == The dashboard as it is: five views, each computed at every read
.read sql/demo-queries.sql
SELECT printf('  %-18s %8.1f ms   %s', query, stopped - started, status)
  FROM stopwatch WHERE pass = 'plain';

.print
.print == The cache in front: a temp table of the same name for each view
CREATE VIRTUAL TABLE temp.revenue_by_region USING cache((SELECT * FROM main.revenue_by_region));
CREATE VIRTUAL TABLE temp.revenue_by_shelf USING cache((SELECT * FROM main.revenue_by_shelf));
CREATE VIRTUAL TABLE temp.revenue_by_month USING cache((SELECT * FROM main.revenue_by_month));
CREATE VIRTUAL TABLE temp.best_customers USING cache((SELECT * FROM main.best_customers));
CREATE VIRTUAL TABLE temp.revenue_tree USING cache(
  (SELECT * FROM main.revenue_tree), ttl = '1 d');
-- With a parameter a cached table is a function too, and each argument has its own result.
CREATE VIRTUAL TABLE temp.best_products USING cache(
  (SELECT products.name AS product, sum(amount) / 100.0 AS revenue
     FROM sales JOIN products ON products.id = sales.product
    WHERE sales.region = :region
    GROUP BY products.id ORDER BY revenue DESC, products.id LIMIT 3),
  max_entries = 12);
SELECT sql || ';' FROM sqlite_temp_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%';

.print
.print == The same SQL again: the first read of each computes, and keeps
UPDATE pass SET name = 'cold', reads = 1;
.read sql/demo-queries.sql
SELECT printf('  %-18s %8.1f ms   %s', query, stopped - started, status)
  FROM stopwatch WHERE pass = 'cold';

.print
.print == And again, 10,000 times: no sale is looked at
UPDATE pass SET name = 'warm', reads = 10000;
.read sql/demo-queries.sql
SELECT printf('  %-18s %8.3f ms   %s', query, (stopped - started) / reads, status)
  FROM stopwatch WHERE pass = 'warm';

.print
.print == Times, for one read
.mode box
.headers on
SELECT query, printf('%4d', rows) AS rows, printf('%8.1f', plain / 1000) AS 'plain, ms',
       printf('%8.1f', cold / 1000) AS 'cold, ms', printf('%8.1f', warm) AS 'warm, us',
       printf('%,10d x', plain / max(warm, 0.1)) AS 'speed-up',
       iif(same, 'the same', 'DIFFER') AS 'rows and sums'
  FROM times;

.print
.print == A cached table is a table: order it, filter it, join it
.print "SELECT * FROM revenue_by_region WHERE year = '2024' ORDER BY revenue DESC LIMIT 3;"
SELECT * FROM revenue_by_region WHERE year = '2024' ORDER BY revenue DESC LIMIT 3;
.print
.print SELECT regions.name AS region, product, revenue
.print "  FROM regions JOIN best_products(regions.id) WHERE regions.id <= 2;"
SELECT regions.name AS region, product, revenue
  FROM regions JOIN best_products(regions.id) WHERE regions.id <= 2;

.print
.print == A new price for product 7. Which results does that touch?
.print UPDATE products SET price = price + 100 WHERE id = 7;
UPDATE products SET price = price + 100 WHERE id = 7;
SELECT cache, params, tables, rows, bytes, hits, state
  FROM cache_entries
 ORDER BY state, cache, params;

.print
.print == The ones that read products are computed anew; the others are still true
UPDATE pass SET name = 'after', reads = 1;
.read sql/demo-queries.sql
SELECT query, printf('%8.0f', stopped - started) AS ms, status
  FROM stopwatch WHERE pass = 'after';

.print
.print == The whole process
.mode line
SELECT * FROM cache_stats;
.mode list
.headers off
.print
.print More: sqlite3 build/demo.sqlite, then .load build/querycache and .read sql/report.sql
