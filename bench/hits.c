/*
** What a hit costs, what a miss costs, and against what: the medians of many short rounds, in
** each of which all sides take their turn, so that a busy machine slows them alike. A ratio is
** the median of the rounds' ratios; times are printed beside it only to give an idea.
**
**     make bench
**
** A run is bind, step to the end, reset; nothing reads the columns. Every side is prepared once.
** All sides of a comparison run on one connection, in autocommit, on one database in WAL mode.
*/
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/ticks.h"
#include "support/floor.h"
#include "support/measure.h"

#define MAX_SIDES 3
#define MAX_ROUNDS 2000

/* One of the things compared. */
struct side {
    const char *name;
    const char *sql;
    sqlite3_int64 parameter; /* bound where the statement has one */
    const char *status;      /* what cache_last_status() must say after a run; NULL: not asked */
    bool clear;              /* the store is emptied before each round */
    int runs;                /* in one round */
    sqlite3_stmt *statement;
    double times[MAX_ROUNDS]; /* nanoseconds per run */
};

static sqlite3 *db;
static sqlite3_stmt *last_status;
static sqlite3_stmt *clear_store;

/* ---- measuring ---- */

static void run_once(const struct side *side)
{
    if (side->parameter != 0)
        sqlite3_bind_int64(side->statement, 1, side->parameter);
    bench_step(side->statement);
}

/* What is called a hit must have been one. */
static void check_status(const struct side *side)
{
    if (side->status != NULL && bench_was_hit(last_status) != (strcmp(side->status, "hit") == 0))
        bench_fail(side->sql, "not answered as it should be");
}

static double time_round(const struct side *side)
{
    if (side->clear)
        bench_step(clear_store);
    int64_t start = ticks_now();
    for (int i = 0; i < side->runs; i++)
        run_once(side);
    int64_t end = ticks_now();
    check_status(side);
    return (double)(end - start) / side->runs;
}

/* All rows of a side, as text. Rows are compared, as a fast wrong answer is no hit. */
static char *read_rows(const struct side *side)
{
    sqlite3_str *text = sqlite3_str_new(db);
    if (side->parameter != 0)
        sqlite3_bind_int64(side->statement, 1, side->parameter);
    while (sqlite3_step(side->statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(side->statement); i++)
            sqlite3_str_appendf(text, "%s|", sqlite3_column_text(side->statement, i));
        sqlite3_str_appendchar(text, 1, '\n');
    }
    bench_check(db, sqlite3_reset(side->statement), side->sql);
    char *rows = sqlite3_str_finish(text);
    if (rows == NULL)
        bench_fail(side->sql, "out of memory");
    return rows;
}

static void compare_rows(const struct side *plain, const struct side *cached)
{
    char *expected = read_rows(plain);
    char *got = read_rows(cached);
    if (strcmp(expected, got) != 0)
        bench_fail(cached->sql, "other rows than those of the plain query");
    sqlite3_free(expected);
    sqlite3_free(got);
}

/*
** The first side is the plain one. A first run fills the store, a second proves that the plan reads
** once, and from the third on a hit opens no read transaction: so three runs come before.
*/
static void measure(struct side *sides, int count, int rounds)
{
    for (int i = 0; i < count; i++) {
        sides[i].statement = bench_prepare(db, sides[i].sql);
        for (int run = 0; run < 3; run++)
            run_once(&sides[i]);
        if (sides[i].status != NULL)
            compare_rows(&sides[0], &sides[i]);
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++)
            sides[i].times[round] = time_round(&sides[i]);
    for (int i = 0; i < count; i++)
        bench_check(db, sqlite3_finalize(sides[i].statement), sides[i].sql);
}

/* ---- reporting ---- */

/* Of the times, or of their ratios to another side's of the same round. */
static double median(const struct side *side, const struct side *against, int rounds)
{
    static double numbers[MAX_ROUNDS];
    for (int i = 0; i < rounds; i++)
        numbers[i] = against != NULL ? side->times[i] / against->times[i] : side->times[i];
    return bench_median(numbers, rounds);
}

static void print_time(const struct side *side, int rounds)
{
    double time = median(side, NULL, rounds);
    const char *unit = "ns";
    if (time >= 1e6) {
        time /= 1e6;
        unit = "ms";
    } else if (time >= 1e4) {
        time /= 1e3;
        unit = "us";
    }
    printf("  %-34s %8.*f %s", side->name, *unit == 'n' ? 0 : 2, time, unit);
}

static void print_sides(const char *title, const struct side *sides, int count, int rounds)
{
    printf("\n%s (%d rounds)\n", title, rounds);
    for (int i = 0; i < count; i++) {
        print_time(&sides[i], rounds);
        if (i > 0)
            printf("   %.3g of the first", median(&sides[i], &sides[0], rounds));
        printf("\n");
    }
}

/* ---- the comparisons ---- */

static struct side sides[MAX_SIDES];

static void bench_one_row(void)
{
    enum { ROUNDS = 2000, RUNS = 200 };
    bench_run(db, "CREATE VIRTUAL TABLE temp.cached_item USING cache("
                  "  (SELECT name, quantity, price FROM main.item WHERE id = :id), ttl = 'none');"
                  "CREATE VIRTUAL TABLE temp.constant_item USING constant");
    sides[0] = (struct side){.name = "primary-key lookup",
                             .sql = "SELECT name, quantity, price FROM main.item WHERE id = ?",
                             .parameter = 5000,
                             .runs = RUNS};
    sides[1] = (struct side){.name = "hit",
                             .sql = "SELECT name, quantity, price FROM cached_item(?)",
                             .parameter = 5000,
                             .status = "hit",
                             .runs = RUNS};
    sides[2] = (struct side){.name = "floor: a constant virtual table",
                             .sql = "SELECT name, quantity, price FROM constant_item(?)",
                             .parameter = 5000,
                             .runs = RUNS};
    measure(sides, 3, ROUNDS);
    print_sides("One row, one parameter", sides, 3, ROUNDS);
    double ratio = median(&sides[1], &sides[0], ROUNDS);
    printf("  hit / lookup %.3f, target: below 1.0: %s\n", ratio, ratio < 1.0 ? "met" : "missed");
    printf("  hit / floor %.3f\n", median(&sides[1], &sides[2], ROUNDS));
}

static void bench_many_rows(void)
{
    enum { ROUNDS = 600, RUNS = 4 };
    bench_run(db, "CREATE VIRTUAL TABLE temp.cached_items USING cache("
                  "  (SELECT quantity, price, name FROM main.item WHERE id <= 1000), ttl = 'none');"
                  "CREATE TEMP TABLE items AS SELECT quantity, price, name FROM main.item "
                  "  WHERE id <= 1000");
    sides[0] = (struct side){.name = "scan of a temp table",
                             .sql = "SELECT quantity, price, name FROM temp.items",
                             .runs = RUNS};
    sides[1] = (struct side){.name = "hit",
                             .sql = "SELECT quantity, price, name FROM cached_items",
                             .status = "hit",
                             .runs = RUNS};
    measure(sides, 2, ROUNDS);
    print_sides("1,000 rows of an integer, a real and a short text", sides, 2, ROUNDS);
    printf("  hit / scan %.3f\n", median(&sides[1], &sides[0], ROUNDS));
}

#define SALES 500000
#define SLOW_QUERY                                                                                 \
    "SELECT shelf, count(*), sum(quantity), avg(price) FROM main.sale WHERE id <= :last "          \
    "GROUP BY shelf"

/* How many sales the query must read to take 10 ms. The time is not in proportion to the rows, so
** the guess is made better a few times. */
static int calibrate(void)
{
    enum { GUESSES = 4, TRIES = 5 };
    struct side slow = {.sql = SLOW_QUERY, .parameter = SALES / 20, .runs = 1};
    slow.statement = bench_prepare(db, slow.sql);
    for (int guess = 0; guess < GUESSES; guess++) {
        for (int i = 0; i < TRIES; i++)
            slow.times[i] = time_round(&slow);
        double wanted = (double)slow.parameter * 1e7 / median(&slow, NULL, TRIES);
        slow.parameter = wanted < SALES ? (int)wanted : SALES;
    }
    bench_check(db, sqlite3_finalize(slow.statement), slow.sql);
    return (int)slow.parameter;
}

static void bench_slow_query(void)
{
    enum { ROUNDS = 150 };
    char title[80];
    int last = calibrate();
    bench_run(db,
              "CREATE VIRTUAL TABLE temp.cached_sale USING cache((" SLOW_QUERY "), ttl = 'none')");
    sides[0] =
        (struct side){.name = "plain query", .sql = SLOW_QUERY, .parameter = last, .runs = 1};
    sides[1] = (struct side){.name = "miss",
                             .sql = "SELECT * FROM cached_sale(?)",
                             .parameter = last,
                             .status = "miss",
                             .clear = true,
                             .runs = 1};
    sides[2] = sides[1];
    sides[2].name = "hit";
    sides[2].status = "hit";
    sides[2].clear = false;
    sides[2].runs = 20;
    measure(sides, 3, ROUNDS);
    snprintf(title, sizeof title, "A query of about 10 ms: 100 groups from %d rows", last);
    print_sides(title, sides, 3, ROUNDS);
    printf("  miss / plain %.3f\n", median(&sides[1], &sides[0], ROUNDS));
    printf("  plain / hit %.0f\n", median(&sides[0], &sides[2], ROUNDS));
}

int main(void)
{
    db = bench_open("hits.db", true);
    bench_check(db, floor_register(db), "floor_register");
    bench_run(db, "PRAGMA journal_mode = WAL; PRAGMA cache_size = -65536; BEGIN;"
                  "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, quantity INT, price REAL);"
                  "CREATE TABLE sale(id INTEGER PRIMARY KEY, shelf INT, quantity INT, price REAL);"
                  "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                  "INSERT INTO item SELECT i, 'item ' || i, i %% 97, i * 0.25 FROM n;"
                  "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000)"
                  "INSERT INTO sale SELECT i, i * 7 %% 100, i %% 11, i * 0.25 FROM n;"
                  "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    last_status = bench_prepare(db, "SELECT cache_last_status()");
    clear_store = bench_prepare(db, "SELECT cache_clear()");
    printf("querycache %s, SQLite %s; medians\n", querycache_version(), sqlite3_libversion());
    bench_one_row();
    bench_many_rows();
    bench_slow_query();
    sqlite3_finalize(last_status);
    sqlite3_finalize(clear_store);
    bench_check(db, sqlite3_close(db), "close");
    return 0;
}
