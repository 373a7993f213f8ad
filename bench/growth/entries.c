/*
** How a hit on a random one of the kept results, one row each, grows with their number, beside a
** primary-key lookup of the same rows; what it costs to compute and keep one more; and what an
** entry takes.
**
**     make bench-report        keeps and draws what this prints, which is CSV
*/
#include <stdio.h>

#include "../support/measure.h"
#include "../support/series.h"
#include "base/ticks.h"

#define FEWEST 1000
#define MOST 1000000

static double figure(sqlite3 *db, const char *column)
{
    sqlite3_stmt *statement = bench_prepare(db, "SELECT %s FROM cache_stats", column);
    if (sqlite3_step(statement) != SQLITE_ROW)
        bench_fail("cache_stats", "no row");
    double value = sqlite3_column_double(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

/* Keep the results of the rows from..to. Returns nanoseconds for each. */
static double keep(sqlite3_stmt *read, int from, int to)
{
    int64_t start = ticks_now();
    for (int i = from; i <= to; i++) {
        sqlite3_bind_int(read, 1, i);
        bench_step(read);
    }
    return (double)(ticks_now() - start) / (to - from + 1);
}

int main(void)
{
    sqlite3 *db = bench_open("entries.db", true);
    bench_run(db,
              "PRAGMA journal_mode = WAL; PRAGMA cache_size = -262144;"
              "CREATE TABLE item(id INTEGER PRIMARY KEY, quantity INT, name TEXT);"
              "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
              "INSERT INTO item SELECT i, i %% 97, 'item ' || i FROM n;"
              "UPDATE cache_config SET value = %d WHERE name = 'max_entries';"
              "UPDATE cache_config SET value = '8 GiB' WHERE name = 'max_bytes';"
              "CREATE VIRTUAL TABLE temp.cached_item USING cache("
              "  (SELECT quantity, name FROM main.item WHERE id = :id), ttl = 'none')",
              MOST, 2 * MOST);
    struct random_read hit = {bench_prepare(db, "SELECT quantity, name FROM cached_item(?)"), 0, 1};
    struct random_read lookup = {
        bench_prepare(db, "SELECT quantity, name FROM main.item WHERE id = ?"), 0, 1};
    double before = figure(db, "bytes");
    puts("entries,hit ns,primary-key lookup ns,compute and keep us,bytes per entry");
    for (int entries = FEWEST, kept = 0; entries <= MOST; entries = series_next(entries)) {
        struct side sides[] = {{.run = series_read, .context = &hit},
                               {.run = series_read, .context = &lookup}};
        double miss = keep(hit.statement, kept + 1, entries);
        kept = entries;
        hit.limit = lookup.limit = (unsigned)entries;
        double misses = figure(db, "misses");
        series_measure(sides, 2);
        if (figure(db, "misses") > misses || (int)figure(db, "entries") != entries)
            bench_fail("cached_item", "not all are kept");
        printf("%d,%.0f,%.0f,%.2f,%.0f\n", entries, sides[0].time, sides[1].time, miss / 1e3,
               (figure(db, "bytes") - before) / entries);
        fflush(stdout);
    }
    sqlite3_finalize(hit.statement);
    sqlite3_finalize(lookup.statement);
    bench_check(db, sqlite3_close(db), "close");
    return 0;
}
