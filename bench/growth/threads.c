/*
** How many reads threads get done together, each on a connection of its own to one file in WAL
** mode: hits; a virtual table that does nothing, which is all that SQLite allows; and primary-key
** lookups of the same rows. Where there are more threads than cores there is nothing to gain.
**
**     make bench-report        keeps and draws what this prints, which is CSV
*/
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "../support/floor.h"
#include "../support/measure.h"
#include "../support/series.h"
#include "base/ticks.h"

#define MOST 8
#define ROWS 1000
#define ROUNDS 9
#define ROUND_NS INT64_C(50000000)
#define BATCH 64

enum what { HIT, FLOOR, LOOKUP, SIDES };

struct thread {
    pthread_t id;
    sqlite3 *db;
    struct random_read reads[SIDES];
    enum what what;
    double rate; /* reads per nanosecond */
    char gap[128];
};

static struct thread threads[MOST];
static atomic_int waiting;

static void *work(void *argument)
{
    struct thread *thread = argument;
    atomic_fetch_sub(&waiting, 1);
    while (atomic_load(&waiting) > 0)
        sched_yield(); /* until all are there */
    int64_t start = ticks_now();
    int64_t now = start;
    int64_t reads = 0;
    while (now - start < ROUND_NS) {
        for (int i = 0; i < BATCH; i++)
            series_read(&thread->reads[thread->what]);
        reads += BATCH;
        now = ticks_now();
    }
    thread->rate = (double)reads / (double)(now - start);
    return NULL;
}

/* Reads per second of all together. */
static double measure_round(int count, enum what what)
{
    double rate = 0;
    atomic_store(&waiting, count);
    for (int i = 0; i < count; i++) {
        threads[i].what = what;
        if (pthread_create(&threads[i].id, NULL, work, &threads[i]) != 0)
            bench_fail("a thread", "cannot be started");
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i].id, NULL);
        rate += threads[i].rate;
    }
    return rate * 1e9;
}

static void connect(struct thread *thread, int number)
{
    static const char *const tables[SIDES] = {"cached_item(?)", "constant_item(?)",
                                              "main.item WHERE id = ?"};
    thread->db = bench_open("threads.db", true);
    bench_check(thread->db, floor_register(thread->db), "floor_register");
    bench_run(thread->db,
              "CREATE VIRTUAL TABLE temp.cached_item USING cache("
              "  (SELECT name, quantity, price FROM main.item WHERE id = :id), ttl = 'none');"
              "CREATE VIRTUAL TABLE temp.constant_item USING constant");
    for (int i = 0; i < SIDES; i++) {
        struct random_read *read = &thread->reads[i];
        read->statement =
            bench_prepare(thread->db, "SELECT name, quantity, price FROM %s", tables[i]);
        read->limit = ROWS;
        read->state = (uint64_t)number;
        for (int run = 0; run < 20 * ROWS; run++)
            series_read(read); /* what is kept in the rounds is kept before them */
    }
}

static void disconnect(struct thread *thread)
{
    sqlite3_stmt *last_status = bench_prepare(thread->db, "SELECT cache_last_status()");
    if (!bench_was_hit(last_status))
        bench_fail("cached_item", "a read that should be a hit was none");
    sqlite3_finalize(last_status);
    for (int i = 0; i < SIDES; i++)
        sqlite3_finalize(thread->reads[i].statement);
    bench_check(thread->db, sqlite3_close(thread->db), "close");
}

int main(void)
{
    sqlite3 *maker = bench_open("threads.db", false);
    bench_run(maker,
              "PRAGMA journal_mode = WAL;"
              "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, quantity INT, price REAL);"
              "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
              "INSERT INTO item SELECT i, 'item ' || i, i %% 97, i * 0.25 FROM n",
              ROWS);
    for (int i = 0; i < MOST; i++)
        connect(&threads[i], i);
    puts(
        "threads,hits per second,constant virtual table per second,primary-key lookups per second");
    for (int count = 1; count <= MOST; count++) {
        double rates[SIDES][ROUNDS];
        for (int round = 0; round < ROUNDS; round++)
            for (int i = 0; i < SIDES; i++)
                rates[i][round] = measure_round(count, (enum what)i);
        printf("%d,%.0f,%.0f,%.0f\n", count, bench_median(rates[HIT], ROUNDS),
               bench_median(rates[FLOOR], ROUNDS), bench_median(rates[LOOKUP], ROUNDS));
        fflush(stdout);
    }
    for (int i = 0; i < MOST; i++)
        disconnect(&threads[i]);
    bench_check(maker, sqlite3_close(maker), "close");
    return 0;
}
