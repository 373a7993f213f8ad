-- Reports over the cache tables: what the cache does in the process that reads this.
--
--     sqlite> .load build/querycache
--     sqlite> .read sql/report.sql
--
-- The tables are read by their long names, which no table of an application hides.

.mode box
.headers on

.print
.print == The whole process
SELECT hits, misses, bypasses, printf('%.1f %%', 100 * hit_rate) AS 'hit rate',
       printf('%,d of %,d', entries, max_entries) AS entries,
       printf('%.1f of %.1f MB', bytes / 1e6, max_bytes / 1e6) AS memory,
       printf('%.1f s', load_us / 1e6) AS 'spent computing',
       printf('%.1f s', saved_us / 1e6) AS 'saved by hits'
  FROM querycache_stats;

.print
.print == Named caches, those first that save the most
SELECT schema || '.' || name AS cache, hits, misses, bypasses,
       printf('%.1f %%', 100 * hit_rate) AS 'hit rate', entries,
       printf('%.1f KB', bytes / 1e3) AS memory,
       printf('%.1f ms', load_us / 1e3 / nullif(misses, 0)) AS 'one miss',
       printf('%.1f s', saved_us / 1e6) AS saved, tables
  FROM querycache_definitions
 ORDER BY saved_us DESC, cache;

.print
.print == Named caches that may be better without: few hits, or misses that cost little
SELECT schema || '.' || name AS cache, hits, misses, rejections, evictions, invalidations,
       CASE WHEN rejections > misses / 2 THEN 'most results are not kept: see its limits'
            WHEN evictions > misses / 2 THEN 'evicted before they are read again: more room?'
            WHEN invalidations > misses / 2 THEN 'its tables change before it is read again'
            WHEN hits < misses THEN 'seldom asked the same twice'
            ELSE 'computing takes less than 100 us' END AS why
  FROM querycache_definitions
 WHERE misses > 0 AND (hits < misses OR load_us < 100 * misses)
 ORDER BY cache;

.print
.print == The ten largest entries
SELECT coalesce(cache, substr(sql, 1, 40)) AS query, substr(params, 1, 30) AS params, rows,
       printf('%.1f KB', bytes / 1e3) AS memory, hits,
       printf('%.1f ms', load_us / 1e3) AS 'to compute',
       printf('%.0f s', age) AS age, printf('%.0f s', idle) AS idle, state
  FROM querycache_entries
 ORDER BY bytes DESC
 LIMIT 10;

.print
.print == Tables, those first whose changes cost the most entries
SELECT database, name AS 'table', entries, commits, invalidations,
       datetime(last_change_at, 'unixepoch') AS 'last change, UTC'
  FROM querycache_tables
 ORDER BY invalidations DESC, entries DESC, database, name
 LIMIT 20;

.print
.print == Settings that are not at their default
SELECT name, value, default_value FROM querycache_config WHERE value <> default_value;
