/*
** What a one-row commit costs (WAL, synchronous = OFF) on a connection whose entries it ends: with
** 10 of them, with 100,000, and without the extension. Each side is a process of its own with its
** own file and its own store, so that work for each entry shows wherever it is done; the parent
** gives them their turns, one at a time.
**
** Three costs: of commits one after the other, the entries in the store but stale from the first
** on; of the one commit that ends entries just computed, for which they are all computed again
** before each round; and of a commit with the first cached read after it, which finds out about it.
** That read is a miss, and keeping a result takes out some few stale entries that it comes across,
** so this last cost may differ while there are any.
*/
#include <stdio.h>

#include "base/ticks.h"
#include "support/measure.h"
#include "support/turns.h"

#define FEW 10
#define MANY 100000

/* Commits before those that are measured, so that all sides have their code and pages at hand. */
#define WARM_UP 30

#define MAX_ROUNDS 400

enum cost { COMMITS, ENDING_COMMIT, COMMIT_AND_READ, COSTS };

static const struct {
    const char *title;
    int rounds;
    int runs;      /* in a round */
    double target; /* for 100,000 entries / 10 entries; 0: none */
} costs[COSTS] = {
    {"A commit of one row", 400, 50, 1.1},
    {"The commit that ends entries just computed", 25, 1, 1.1},
    {"A commit and the cached read after it", 200, 50, 0},
};

enum who { PLAIN, WITH_FEW, WITH_MANY, SIDES };

struct side {
    const char *name;
    int entries;
    struct player player;     /* which measures a round of a cost, and answers with the time */
    double times[MAX_ROUNDS]; /* nanoseconds per run */
};

static struct side sides[SIDES] = {
    {.name = "without the extension"},
    {.name = "10 entries kept", .entries = FEW},
    {.name = "100,000 entries kept", .entries = MANY},
};

/* ---- in the child ---- */

struct bench {
    sqlite3 *db;
    int entries;
    sqlite3_stmt *write;
    sqlite3_stmt *write_other; /* a table that no entry depends on */
    sqlite3_stmt *read;        /* cached; without the extension, of the table itself */
    sqlite3_stmt *last_status; /* NULL without the extension */
    uint64_t state;
};

static void bind_and_step(sqlite3_stmt *statement, sqlite3_int64 id)
{
    sqlite3_bind_int64(statement, 1, id);
    bench_step(statement);
}

static void open_bench(struct bench *bench, const struct side *side)
{
    char name[32];
    bool cached = side->entries > 0;
    snprintf(name, sizeof name, "commits-%d.db", side->entries);
    bench->entries = side->entries;
    bench->db = bench_open(name, cached);
    bench_run(bench->db,
              "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
              "CREATE TABLE item(id INTEGER PRIMARY KEY, quantity INT);"
              "CREATE TABLE other(id INTEGER PRIMARY KEY, quantity INT);"
              "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
              "INSERT INTO item SELECT i, i FROM n;"
              "INSERT INTO other SELECT * FROM item",
              MANY);
    if (cached)
        bench_run(bench->db, "SELECT cache_configure('max_entries', 1000000),"
                             "       cache_configure('max_bytes', '1 GiB');"
                             "CREATE VIRTUAL TABLE temp.cached_item USING cache("
                             "  (SELECT quantity FROM main.item WHERE id = :id), ttl = 'none')");
    bench->write = bench_prepare(bench->db, "UPDATE item SET quantity = quantity + 1 WHERE id = ?");
    bench->write_other =
        bench_prepare(bench->db, "UPDATE other SET quantity = quantity + 1 WHERE id = ?");
    bench->read = bench_prepare(bench->db, cached ? "SELECT quantity FROM cached_item(?)"
                                                  : "SELECT quantity FROM item WHERE id = ?");
    if (cached)
        bench->last_status = bench_prepare(bench->db, "SELECT cache_last_status()");
}

static sqlite3_int64 random_id(struct bench *bench)
{
    return 1 + bench_below(&bench->state, MANY);
}

/* The same number of reads on all sides, whose caches in the processor are then alike. */
static void compute_entries(struct bench *bench)
{
    int ids = bench->entries > 0 ? bench->entries : MANY;
    for (int i = 0; i < MANY; i++)
        bind_and_step(bench->read, 1 + i % ids);
}

/* That many are kept, and what was computed last can still be served. */
static void check_entries(struct bench *bench)
{
    if (bench->entries == 0)
        return;
    sqlite3_stmt *count = bench_prepare(bench->db, "SELECT entries FROM cache_stats");
    if (sqlite3_step(count) != SQLITE_ROW || sqlite3_column_int(count, 0) != bench->entries)
        bench_fail("entries", "not as many as were computed");
    sqlite3_finalize(count);
    bind_and_step(bench->read, 1 + bench_below(&bench->state, (unsigned)bench->entries));
    if (!bench_was_hit(bench->last_status))
        bench_fail("entries", "stale before the commit that ends them");
}

static void write_other(struct bench *bench)
{
    for (int i = 0; i < WARM_UP; i++)
        bind_and_step(bench->write_other, random_id(bench));
}

static double time_round(struct bench *bench, enum cost cost)
{
    int runs = costs[cost].runs;
    if (cost == ENDING_COMMIT) {
        compute_entries(bench);
        write_other(bench);
        check_entries(bench);
    }
    int64_t start = ticks_now();
    for (int i = 0; i < runs; i++) {
        bind_and_step(bench->write, random_id(bench));
        if (cost == COMMIT_AND_READ)
            bind_and_step(bench->read, 1 + i % FEW);
    }
    return (double)(ticks_now() - start) / runs;
}

static void close_bench(struct bench *bench)
{
    sqlite3_finalize(bench->write);
    sqlite3_finalize(bench->write_other);
    sqlite3_finalize(bench->read);
    sqlite3_finalize(bench->last_status);
    bench_check(bench->db, sqlite3_close(bench->db), "close");
}

static void play(struct player *player, void *context)
{
    const struct side *side = context;
    struct bench bench = {.state = 1};
    unsigned char cost;
    open_bench(&bench, side);
    compute_entries(&bench);
    check_entries(&bench);
    while (player_next(player, &cost))
        player_answer(player, time_round(&bench, (enum cost)cost));
    close_bench(&bench);
}

/* ---- in the parent ---- */

static void bench_cost(enum cost cost)
{
    int rounds = costs[cost].rounds;
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < SIDES; i++)
            sides[i].times[round] = player_ask(&sides[i].player, (unsigned char)cost);
    printf("\n%s (%d rounds)\n", costs[cost].title, rounds);
    double many = bench_median_ratio(sides[WITH_MANY].times, sides[WITH_FEW].times, rounds);
    double few = bench_median_ratio(sides[WITH_FEW].times, sides[PLAIN].times, rounds);
    for (int i = 0; i < SIDES; i++)
        bench_print_time(bench_median(sides[i].times, rounds), "%s", sides[i].name);
    if (costs[cost].target > 0)
        bench_print_target(many, AT_MOST, costs[cost].target, "100,000 entries / 10 entries");
    else
        bench_print(many, "100,000 entries / 10 entries");
    bench_print(few, "10 entries / without the extension");
}

int main(void)
{
    bench_header();
    sqlite3_free(bench_file("")); /* the folder is this process's, which removes it */
    for (int i = 0; i < SIDES; i++)
        player_start(&sides[i].player, sides[i].name, play, &sides[i]);
    for (int i = 0; i < COSTS; i++)
        bench_cost((enum cost)i);
    for (int i = 0; i < SIDES; i++)
        player_stop(&sides[i].player);
    return 0;
}
