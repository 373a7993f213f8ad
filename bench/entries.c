/*
** What a hit costs in a large store: one row, by a random one of a million entries, beside the same
** in a store of a thousand. Little of it is work: each step to memory that no cache of the
** processor has costs as much as a hundred instructions. A primary-key lookup in tables of as many
** rows, all in SQLite's page cache, tells what that means for a b-tree.
**
** Each side is a process of its own with its own store; both have a file of a million rows.
*/
#include <stdio.h>

#include "base/ticks.h"
#include "support/measure.h"
#include "support/turns.h"

#define FEW 1000
#define MANY 1000000

#define ROUNDS 150
#define RUNS 4000    /* in a round */
#define WARM_UP 4000 /* before each, as the other side has had the processor's caches meanwhile */

enum cost { HIT, LOOKUP, BYTES, COSTS };

struct side {
    const char *name;
    int entries;
    struct player player;
    double times[COSTS][ROUNDS]; /* nanoseconds per run; bytes in the store */
};

enum who { SMALL, LARGE, SIDES };

static struct side sides[SIDES] = {
    {.name = "1,000", .entries = FEW},
    {.name = "1,000,000", .entries = MANY},
};

/* ---- in the child ---- */

struct bench {
    sqlite3 *db;
    int entries;
    sqlite3_stmt *statements[COSTS];
    uint64_t state;
};

static void bind_and_step(sqlite3_stmt *statement, int id)
{
    sqlite3_bind_int(statement, 1, id);
    bench_step(statement);
}

static void open_bench(struct bench *bench, int entries)
{
    char name[32];
    snprintf(name, sizeof name, "entries-%d.db", entries);
    bench->entries = entries;
    bench->db = bench_open(name, true);
    bench_run(bench->db,
              "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;"
              "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, quantity INT, price REAL);"
              "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
              "INSERT INTO item SELECT i, 'item ' || i, i %% 97, i * 0.25 FROM n;"
              "SELECT cache_configure('max_entries', 2000000),"
              "       cache_configure('max_bytes', '4 GiB');"
              "CREATE VIRTUAL TABLE temp.cached_item USING cache("
              "  (SELECT name, quantity, price FROM main.item WHERE id = :id), ttl = 'none')",
              MANY);
    bench->statements[HIT] =
        bench_prepare(bench->db, "SELECT name, quantity, price FROM cached_item(?)");
    bench->statements[LOOKUP] =
        bench_prepare(bench->db, "SELECT name, quantity, price FROM item WHERE id = ?");
    bench->statements[BYTES] = bench_prepare(bench->db, "SELECT bytes, entries FROM cache_stats");
}

static double stored_bytes(const struct bench *bench)
{
    sqlite3_stmt *stats = bench->statements[BYTES];
    if (sqlite3_step(stats) != SQLITE_ROW || sqlite3_column_int(stats, 1) != bench->entries)
        bench_fail("entries", "not as many as were computed");
    double bytes = sqlite3_column_double(stats, 0);
    sqlite3_reset(stats);
    return bytes;
}

static void compute_entries(const struct bench *bench)
{
    bench_run(bench->db, "BEGIN"); /* one transaction is quicker */
    for (int i = 1; i <= bench->entries; i++)
        bind_and_step(bench->statements[HIT], i);
    bench_run(bench->db, "COMMIT");
}

static void run(struct bench *bench, enum cost cost, int runs)
{
    for (int i = 0; i < runs; i++)
        bind_and_step(bench->statements[cost],
                      1 + (int)bench_below(&bench->state, (unsigned)bench->entries));
}

static double measure(struct bench *bench, enum cost cost)
{
    if (cost == BYTES)
        return stored_bytes(bench);
    run(bench, cost, WARM_UP);
    int64_t start = ticks_now();
    run(bench, cost, RUNS);
    return (double)(ticks_now() - start) / RUNS;
}

static void check_hits(const struct bench *bench, sqlite3_stmt *hits, int expected)
{
    if (sqlite3_step(hits) != SQLITE_ROW || sqlite3_column_int(hits, 0) != expected)
        bench_fail(sqlite3_sql(bench->statements[HIT]), "not every read was a hit");
    sqlite3_reset(hits);
}

static void play(struct player *player, void *context)
{
    struct bench bench = {.state = 1};
    unsigned char cost;
    int hits = 0;
    open_bench(&bench, ((const struct side *)context)->entries);
    compute_entries(&bench);
    sqlite3_stmt *counter = bench_prepare(bench.db, "SELECT hits FROM cache_stats");
    while (player_next(player, &cost)) {
        player_answer(player, measure(&bench, (enum cost)cost));
        hits += cost == HIT ? WARM_UP + RUNS : 0;
        check_hits(&bench, counter, hits);
    }
    sqlite3_finalize(counter);
    for (int i = 0; i < COSTS; i++)
        sqlite3_finalize(bench.statements[i]);
    bench_check(bench.db, sqlite3_close(bench.db), "close");
}

/* ---- in the parent ---- */

static void print_times(enum cost cost, const char *what)
{
    for (int i = 0; i < SIDES; i++)
        bench_print_time(bench_median(sides[i].times[cost], ROUNDS), "%s of %s", what,
                         sides[i].name);
}

int main(void)
{
    bench_header();
    sqlite3_free(bench_file("")); /* the folder is this process's, which removes it */
    for (int i = 0; i < SIDES; i++)
        player_start(&sides[i].player, sides[i].name, play, &sides[i]);
    for (int round = 0; round < ROUNDS; round++)
        for (int cost = 0; cost < COSTS; cost++)
            for (int i = 0; i < SIDES; i++)
                sides[i].times[cost][round] = player_ask(&sides[i].player, (unsigned char)cost);
    for (int i = 0; i < SIDES; i++)
        player_stop(&sides[i].player);
    double target = sqlite3_libversion_number() < 3050000 ? 2.0 : 3.0;
    printf("\nA hit of one row, by a random key (%d rounds)\n", ROUNDS);
    bench_print_target(bench_median_ratio(sides[LARGE].times[HIT], sides[SMALL].times[HIT], ROUNDS),
                       AT_MOST, target, "one of 1,000,000 / one of 1,000");
    bench_print(bench_median_ratio(sides[LARGE].times[LOOKUP], sides[SMALL].times[LOOKUP], ROUNDS),
                "the same of a primary-key lookup");
    bench_print(bench_median_ratio(sides[LARGE].times[HIT], sides[LARGE].times[LOOKUP], ROUNDS),
                "hit / lookup, both of 1,000,000");
    print_times(HIT, "a hit, one");
    print_times(LOOKUP, "a lookup, one");
    bench_print(sides[LARGE].times[BYTES][0] / MANY, "bytes of an entry, of 1,000,000");
    return 0;
}
