/*
** What a row costs: to hand out when it is kept, to keep when it is computed, and against what.
** bench/support/sides.h says how a comparison is made. All sides run on one connection, in
** autocommit, on one database in WAL mode.
**
**     make bench
*/
#include <stdio.h>

#include "support/floor.h"
#include "support/passthrough.h"
#include "support/sides.h"

/* A scan of a temp table is quicker in newer versions of SQLite, by more than a virtual table is.
** */
#define QUICK_SCAN 3050000

static sqlite3 *db;
static struct side sides[SIDES_MAX];

static void bench_hit(void)
{
    enum { ROUNDS = 600, RUNS = 4 };
    bench_run(db, "CREATE VIRTUAL TABLE temp.cached_items USING cache("
                  "  (SELECT quantity, price, name FROM main.item WHERE id <= 1000), ttl = 'none');"
                  "CREATE VIRTUAL TABLE temp.constant_items USING constant(1000);"
                  "CREATE TEMP TABLE items AS SELECT quantity, price, name FROM main.item "
                  "  WHERE id <= 1000");
    sides[0] = (struct side){.name = "scan of a temp table",
                             .sql = "SELECT quantity, price, name FROM temp.items",
                             .runs = RUNS};
    sides[1] = (struct side){.name = "hit",
                             .sql = "SELECT quantity, price, name FROM cached_items",
                             .status = "hit",
                             .runs = RUNS};
    sides[2] = (struct side){.name = "floor: a virtual table of constant rows",
                             .sql = "SELECT quantity, price, name FROM constant_items",
                             .runs = RUNS};
    sides_measure(sides, 3, ROUNDS);
    sides_print("1,000 rows of an integer, a real and a short text", sides, 3, ROUNDS);
    bench_print_target(sides_ratio(&sides[1], &sides[2], ROUNDS), AT_MOST, 1.15, "hit / floor");
    bench_print_target(sides_ratio(&sides[1], &sides[0], ROUNDS), AT_MOST,
                       sqlite3_libversion_number() < QUICK_SCAN ? 1.90 : 1.30, "hit / scan");
}

static void bench_many_missed(void)
{
    enum { ROUNDS = 41 };
    bench_run(db, "CREATE VIRTUAL TABLE temp.cached_all USING cache("
                  "  (SELECT quantity, price, name FROM main.item), ttl = 'none');"
                  "CREATE VIRTUAL TABLE temp.passed_all USING passthrough("
                  "  (SELECT quantity, price, name FROM main.item))");
    sides[0] = (struct side){
        .name = "plain query", .sql = "SELECT quantity, price, name FROM main.item", .runs = 1};
    sides[1] = (struct side){.name = "miss",
                             .sql = "SELECT quantity, price, name FROM cached_all",
                             .status = "miss",
                             .clear = true,
                             .runs = 1};
    sides[2] = (struct side){.name = "a virtual table that keeps nothing",
                             .sql = "SELECT c0, c1, c2 FROM passed_all",
                             .runs = 1};
    sides_measure(sides, 3, ROUNDS);
    sides_print("100,000 rows of an integer, a real and a short text", sides, 3, ROUNDS);
    bench_print_target(sides_ratio(&sides[1], &sides[2], ROUNDS), AT_MOST, 1.35,
                       "miss / a table that keeps nothing");
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
    struct side *slow = &sides[0];
    *slow = (struct side){.sql = SLOW_QUERY, .parameter = SALES / 20, .runs = 1};
    for (int guess = 0; guess < GUESSES; guess++) {
        double wanted = (double)slow->parameter * 1e7 / sides_time_alone(slow, TRIES);
        slow->parameter = wanted < SALES ? (int)wanted : SALES;
    }
    return (int)slow->parameter;
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
    sides_measure(sides, 3, ROUNDS);
    snprintf(title, sizeof title, "A query of about 10 ms: 100 groups from %d rows", last);
    sides_print(title, sides, 3, ROUNDS);
    bench_print_target(sides_ratio(&sides[1], &sides[0], ROUNDS), AT_MOST, 1.02, "miss / plain");
    bench_print(sides_ratio(&sides[0], &sides[2], ROUNDS), "plain / hit");
}

int main(void)
{
    db = bench_open("rows.db", true);
    bench_check(db, floor_register(db), "floor_register");
    bench_check(db, passthrough_register(db), "passthrough_register");
    bench_run(db, "PRAGMA journal_mode = WAL; PRAGMA cache_size = -65536; BEGIN;"
                  "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, quantity INT, price REAL);"
                  "CREATE TABLE sale(id INTEGER PRIMARY KEY, shelf INT, quantity INT, price REAL);"
                  "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
                  "INSERT INTO item SELECT i, printf('item %%4d', i), i %% 97, i * 0.25 FROM n;"
                  "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000)"
                  "INSERT INTO sale SELECT i, i * 7 %% 100, i %% 11, i * 0.25 FROM n;"
                  "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    bench_header();
    sides_begin(db);
    bench_hit();
    bench_many_missed();
    bench_slow_query();
    sides_end();
    bench_check(db, sqlite3_close(db), "close");
    return 0;
}
