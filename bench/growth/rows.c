/*
** How a hit grows with the rows of its result: of an integer, a real and a short text.
**
**     make bench-report        keeps and draws what this prints, which is CSV
*/
#include <stdio.h>

#include "../support/measure.h"
#include "../support/series.h"

#define MOST 100000

int main(void)
{
    sqlite3 *db = bench_open("rows.db", true);
    bench_run(db,
              "PRAGMA journal_mode = WAL; PRAGMA temp_store = MEMORY;"
              "CREATE TABLE item(id INTEGER PRIMARY KEY, quantity INT, price REAL, name TEXT);"
              "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
              "INSERT INTO item SELECT i, i %% 97, i * 0.25, 'item ' || i FROM n;"
              "CREATE TEMP TABLE items AS SELECT quantity, price, name FROM item;"
              "SELECT cache_configure('max_result_bytes', '64 MiB');"
              "CREATE VIRTUAL TABLE temp.cached_items USING cache("
              "  (SELECT quantity, price, name FROM main.item WHERE id <= :last), ttl = 'none')",
              MOST);
    struct random_read hit = {
        bench_prepare(db, "SELECT quantity, price, name FROM cached_items(?)"), 0, 0};
    struct random_read scan = {
        bench_prepare(db, "SELECT quantity, price, name FROM temp.items WHERE rowid <= ?"), 0, 0};
    sqlite3_stmt *last_status = bench_prepare(db, "SELECT cache_last_status()");
    puts("rows,hit us,temp table us,hit ns per row");
    for (int rows = 1; rows <= MOST; rows = series_next(rows)) {
        struct side sides[] = {{.run = series_read, .context = &hit},
                               {.run = series_read, .context = &scan}};
        sqlite3_bind_int(hit.statement, 1, rows);
        sqlite3_bind_int(scan.statement, 1, rows);
        series_measure(sides, 2);
        if (!bench_was_hit(last_status))
            bench_fail("cached_items", "a read that should be a hit was none");
        printf("%d,%.3f,%.3f,%.1f\n", rows, sides[0].time / 1e3, sides[1].time / 1e3,
               sides[0].time / rows);
    }
    sqlite3_finalize(hit.statement);
    sqlite3_finalize(scan.statement);
    sqlite3_finalize(last_status);
    bench_check(db, sqlite3_close(db), "close");
    return 0;
}
