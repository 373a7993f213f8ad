/*
** What it costs an application to have its SELECTs prepared through the cache, and what it gains: a
** hit, a computation whose rows only pass through (what querycache-run does with queries that are
** quick), and preparing itself, against plain statements. In WAL mode; bench/support/sides.h says
** how a comparison is made.
**
**     make bench
** build/static/prepared COMPARISON SIDE ROUNDS  one side alone, by numbers, to count instructions
*/
#include <querycache.h>
#include <stdio.h>

#include "base/ticks.h"
#include "support/sides.h"

enum { ROUNDS = 300, PREPARED = 200 };
enum { PLAIN, HIT, PASSING, SIDES };

/* Nothing takes so long: rows are not collected. */
#define NEVER_KEPT "min_time = '1 h'"

/* The passing one is another text, or it would find what the other has kept. */
static const struct comparison {
    const char *title;
    const char *sql;
    const char *passing;
    int parameter;
    int runs;
} comparisons[] = {
    {"One row by its primary key", "SELECT name, quantity, price FROM item WHERE id = ?",
     "SELECT name, quantity, price FROM item WHERE id = ? AND 1", 5002, 200},
    {"A hundred rows", "SELECT name, quantity, price FROM item WHERE id BETWEEN ?1 AND ?1 + 99",
     "SELECT name, quantity, price FROM item WHERE id BETWEEN ?1 AND ?1 + 99 AND 1", 5002, 20},
    {"A sum over 20,000 rows", "SELECT sum(quantity * price) FROM item",
     "SELECT sum(quantity * price) FROM item WHERE 1", 0, 1},
};

enum { COMPARISONS = sizeof comparisons / sizeof comparisons[0] };

static struct side sides[SIDES];

static void set_sides(const struct comparison *comparison)
{
    static const char *const names[SIDES] = {"plain statement", "prepared through the cache: a hit",
                                             "the same, rows only passing through"};
    for (int i = 0; i < SIDES; i++)
        sides[i] = (struct side){.name = names[i],
                                 .sql = i == PASSING ? comparison->passing : comparison->sql,
                                 .parameter = comparison->parameter,
                                 .status = i == PLAIN ? NULL
                                           : i == HIT ? "hit"
                                                      : "miss",
                                 .through = i != PLAIN,
                                 .options = i == PASSING ? NEVER_KEPT : NULL,
                                 .runs = comparison->runs};
}

static void compare(const struct comparison *comparison)
{
    set_sides(comparison);
    sides_measure(sides, SIDES, ROUNDS);
    sides_print(comparison->title, sides, SIDES, ROUNDS);
}

/* ---- preparing ---- */

enum { PREPARE_PLAIN, PREPARE_KNOWN, PREPARE_NEW, WAYS };

/* `number` makes it another text. */
static void prepare_once(sqlite3 *db, int way, int number)
{
    char sql[100];
    sqlite3_stmt *statement = NULL;
    sqlite3_snprintf(sizeof sql, sql, "SELECT name, price FROM item WHERE quantity < %d", number);
    int rc = way == PREPARE_PLAIN ? sqlite3_prepare_v2(db, sql, -1, &statement, NULL)
                                  : querycache_prepare_v2(db, sql, -1, &statement, NULL, NULL);
    bench_check(db, rc, sql);
    sqlite3_finalize(statement);
}

static void compare_preparing(sqlite3 *db)
{
    static const char *const names[WAYS] = {"plain", "through the cache, a text known",
                                            "through the cache, a new text"};
    static double times[WAYS][PREPARED];
    int new_text = 1000;
    for (int round = 0; round < PREPARED; round++) {
        for (int way = 0; way < WAYS; way++) {
            int64_t start = ticks_now();
            for (int i = 0; i < 10; i++)
                prepare_once(db, way, way == PREPARE_NEW ? new_text++ : i);
            times[way][round] = (double)(ticks_now() - start) / 10;
        }
    }
    printf("\nPreparing and finalizing (%d rounds)\n", PREPARED);
    for (int way = 0; way < WAYS; way++) {
        double ratio = bench_median_ratio(times[way], times[0], PREPARED);
        printf("  %-46s %8.2f us  %6.2f\n", names[way], bench_median(times[way], PREPARED) / 1e3,
               ratio);
    }
}

static void run_alone(unsigned comparison, unsigned side, unsigned rounds)
{
    set_sides(&comparisons[comparison]);
    sides_time_alone(&sides[side], (int)rounds);
}

int main(int argc, char **argv)
{
    sqlite3 *db = bench_open("prepared.db", true);
    bench_run(db, "PRAGMA journal_mode = WAL; PRAGMA cache_size = -65536;"
                  "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, quantity INT, price REAL);"
                  "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
                  "INSERT INTO item SELECT i, 'item ' || i, i %% 97, i * 0.25 FROM n");
    bench_header();
    sides_begin(db);
    if (argc == 4)
        run_alone(bench_number(argv[1], COMPARISONS), bench_number(argv[2], SIDES),
                  bench_number(argv[3], SIDES_MAX_ROUNDS + 1));
    for (int i = 0; i < COMPARISONS && argc != 4; i++)
        compare(&comparisons[i]);
    if (argc != 4)
        compare_preparing(db);
    sides_end();
    bench_check(db, sqlite3_close(db), "close");
    return 0;
}
