/*
** How a commit of one row (WAL, synchronous = OFF) grows with the kept entries that depend on its
** table: commits one after the other, where all but the first find the entries stale; and the one
** commit that ends entries just computed. Beside it commits to a file that no connection with the
** extension has open. Each number of entries has a process of its own, and so a store of its own.
**
**     make bench-report        keeps and draws what this prints, which is CSV
*/
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/measure.h"
#include "../support/series.h"
#include "base/ticks.h"

#define FEWEST 10
#define MOST 100000
#define ROUNDS 15
#define WARM_UP 30

static sqlite3 *open_file(const char *name, bool cached)
{
    sqlite3 *db = bench_open(name, cached);
    bench_run(db,
              "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
              "CREATE TABLE item(id INTEGER PRIMARY KEY, quantity INT);"
              "CREATE TABLE other(id INTEGER PRIMARY KEY, quantity INT);"
              "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
              "INSERT INTO item SELECT i, i FROM n; INSERT INTO other SELECT * FROM item",
              MOST);
    return db;
}

static struct random_read writer(sqlite3 *db, const char *table)
{
    return (struct random_read){
        bench_prepare(db, "UPDATE %s SET quantity = quantity + 1 WHERE id = ?", table), MOST, 1};
}

/* As many reads for any number of entries, so that they leave the processor's caches alike. */
static void compute_entries(sqlite3_stmt *read, sqlite3_stmt *last_status, int entries)
{
    for (int i = 0; i < MOST || i % entries != 0; i++) {
        sqlite3_bind_int(read, 1, 1 + i % entries);
        bench_step(read);
    }
    sqlite3_bind_int(read, 1, entries);
    bench_step(read);
    if (!bench_was_hit(last_status))
        bench_fail("cached_item", "a read that should be a hit was none");
}

static double time_once(struct random_read *write)
{
    int64_t start = ticks_now();
    series_read(write);
    return (double)(ticks_now() - start);
}

static void bench_entries(int entries)
{
    sqlite3 *plain = open_file("plain.db", false);
    sqlite3 *db = open_file("cached.db", true);
    bench_run(db,
              "SELECT cache_configure('max_entries', %d), cache_configure('max_bytes', '1 GiB');"
              "CREATE VIRTUAL TABLE temp.cached_item USING cache("
              "  (SELECT quantity FROM main.item WHERE id = :id), ttl = 'none')",
              2 * MOST);
    sqlite3_stmt *read = bench_prepare(db, "SELECT quantity FROM cached_item(?)");
    sqlite3_stmt *last_status = bench_prepare(db, "SELECT cache_last_status()");
    struct random_read write = writer(db, "item");
    struct random_read other = writer(db, "other");
    struct random_read unwatched = writer(plain, "item");
    double ending[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        compute_entries(read, last_status, entries);
        for (int i = 0; i < WARM_UP; i++)
            series_read(&other); /* ends nothing, and has all pages and code at hand */
        ending[round] = time_once(&write);
    }
    struct side sides[] = {{.run = series_read, .context = &write},
                           {.run = series_read, .context = &unwatched}};
    series_measure(sides, 2);
    printf("%d,%.2f,%.2f,%.2f\n", entries, sides[0].time / 1e3, bench_median(ending, ROUNDS) / 1e3,
           sides[1].time / 1e3);
    sqlite3_finalize(read);
    sqlite3_finalize(last_status);
    sqlite3_finalize(write.statement);
    sqlite3_finalize(other.statement);
    sqlite3_finalize(unwatched.statement);
    bench_check(plain, sqlite3_close(plain), "close");
    bench_check(db, sqlite3_close(db), "close");
}

int main(void)
{
    puts("entries,commit us,commit that ends them us,commit without the extension us");
    for (int entries = FEWEST; entries <= MOST; entries = series_next(entries)) {
        fflush(stdout);
        int status = 1;
        pid_t child = fork();
        if (child == 0) {
            bench_entries(entries);
            exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            bench_fail("a process", "failed");
    }
    return 0;
}
