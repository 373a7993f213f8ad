/*
** What the extension adds to opening and closing a connection, beside none that is open and beside
** 4,000 others, which have it. Each is compared with a plain connection to the same file, opened
** and closed by turns. With a read each connection counts the rows of a table, once, through the
** cache or plainly.
**
**     make bench
*/
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/ticks.h"
#include "support/measure.h"

enum { OTHERS = 4000, ROUNDS = 1000, RUNS = 2, SPARE_FILES = 100 };
enum { PLAIN, CACHED, SIDES };

/* Of what the extension makes of opening and closing beside the others, to what it makes of it
** alone. */
#define TARGET 1.2

#define COUNT_ROWS "SELECT count(*) FROM item"

static sqlite3 *open_one(int side, bool reads)
{
    sqlite3 *db = bench_open("connections.db", side == CACHED);
    if (reads)
        bench_run(db, side == CACHED ? "SELECT cache_query('" COUNT_ROWS "')" : COUNT_ROWS);
    return db;
}

static void close_one(sqlite3 *db)
{
    bench_check(db, sqlite3_close(db), "close");
}

static double time_one(int side, bool reads)
{
    int64_t start = ticks_now();
    for (int i = 0; i < RUNS; i++)
        close_one(open_one(side, reads));
    return (double)(ticks_now() - start) / RUNS;
}

/* The median of the ratios. */
static double compare(bool reads, int others)
{
    static double times[SIDES][ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        for (int side = 0; side < SIDES; side++)
            times[side][round] = time_one(side, reads);
    }
    double ratio = bench_median_ratio(times[CACHED], times[PLAIN], ROUNDS);
    printf("  %5d others %12.2f us %12.2f us %8.2f\n", others,
           bench_median(times[PLAIN], ROUNDS) / 1e3, bench_median(times[CACHED], ROUNDS) / 1e3,
           ratio);
    return ratio;
}

/* As many as the process may have files open: one each. */
static int count_others(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        bench_fail("getrlimit", "failed");
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur >= OTHERS + SPARE_FILES)
        return OTHERS;
    return files.rlim_cur > SPARE_FILES ? (int)files.rlim_cur - SPARE_FILES : 0;
}

int main(void)
{
    int others = count_others();
    sqlite3 **open = calloc(OTHERS, sizeof(sqlite3 *));
    sqlite3 *db = bench_open("connections.db", false);
    if (open == NULL)
        bench_fail("calloc", "memory is short");
    bench_run(db, "CREATE TABLE item(id INTEGER PRIMARY KEY); INSERT INTO item VALUES (1), (2)");
    close_one(db);
    bench_header();
    for (int reads = 0; reads < 2; reads++) {
        printf("\nOpening%s and closing (%d rounds)          plain with the extension\n",
               reads ? ", a first read" : "", ROUNDS);
        double alone = compare(reads, 0);
        for (int i = 0; i < others; i++)
            open[i] = open_one(CACHED, reads);
        double beside = compare(reads, others);
        bench_print_target(beside / alone, AT_MOST, TARGET, "beside %d others / alone, %s", others,
                           reads ? "with a read" : "opening and closing");
        for (int i = 0; i < others; i++)
            close_one(open[i]);
    }
    free(open);
    return 0;
}
