-- A stopwatch in SQL, for the demo. All of it is in temp, and all of it is made before the first
-- cached read: a new temp table could stand before a table of main, so SQLite reads its schema
-- anew, and the cache drops what it computed under the old one.

-- The pass that runs now, and how often it reads each query.
CREATE TEMP TABLE pass(name TEXT, reads INTEGER);
INSERT INTO pass VALUES ('plain', 1);
CREATE TEMP VIEW repeat AS
    WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n)
    SELECT n FROM n LIMIT (SELECT reads FROM pass);

-- Milliseconds since 1970, to the millisecond: as fine as SQL's clock is. A pass with hits
-- therefore reads each query many times.
CREATE TEMP TABLE stopwatch(
    id INTEGER PRIMARY KEY,
    query TEXT,
    pass TEXT,
    reads INTEGER,
    rows INTEGER,
    checksum REAL,
    status TEXT,
    started REAL DEFAULT ((julianday('now') - 2440587.5) * 86400000.0),
    stopped REAL);

CREATE TEMP TABLE reading(rows INTEGER, checksum REAL);
CREATE TEMP TRIGGER stop_stopwatch AFTER INSERT ON reading
BEGIN
    UPDATE stopwatch
       SET stopped = (julianday('now') - 2440587.5) * 86400000.0,
           (pass, reads) = (SELECT name, reads FROM pass),
           rows = new.rows / (SELECT reads FROM pass),
           checksum = round(new.checksum / (SELECT reads FROM pass), 2),
           status = coalesce(cache_last_status(), 'no cache')
     WHERE stopped IS NULL;
END;

-- Microseconds for one read of a query in each pass.
CREATE TEMP VIEW times AS
SELECT query,
       max(rows) AS rows,
       count(DISTINCT rows || ' ' || checksum) = 1 AS same,
       max((stopped - started) * 1000 / reads) FILTER (WHERE pass = 'plain') AS plain,
       max((stopped - started) * 1000 / reads) FILTER (WHERE pass = 'cold') AS cold,
       max((stopped - started) * 1000 / reads) FILTER (WHERE pass = 'warm') AS warm
  FROM stopwatch
 GROUP BY query
 ORDER BY min(id);
