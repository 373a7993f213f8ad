/*
** What a hit of one row costs: against a primary-key lookup of the same row and columns, and
** against the floor, a virtual table that gives a constant row. In WAL mode by itself, in WAL mode
** inside a transaction, and in rollback mode. bench/support/sides.h says how a comparison is made.
** All sides of one run on one connection.
**
**     make bench
** build/static/hits COMPARISON SIDE ROUNDS     one side alone, by numbers, to count instructions
*/
#include <stdio.h>

#include "support/floor.h"
#include "support/sides.h"

enum { ROUNDS = 1000, RUNS = 200 };
enum { LOOKUP, HIT, FLOOR, SIDES };

/* Targets are set for two versions, 3.40.1 and 3.53; the later one does more in less. */
#define LATER_VERSION 3050000

struct targets {
    double lookup; /* 0: none */
    double floor;
};

static const struct comparison {
    const char *title;
    const char *short_title;
    const char *before; /* run before and after, apart from what is measured */
    const char *after;
    struct targets earlier;
    struct targets later;
} comparisons[] = {
    /* The mode is set anew, so that the WAL is. */
    {"One row, WAL mode, nothing committed yet",
     "new WAL",
     "PRAGMA journal_mode = DELETE; PRAGMA journal_mode = WAL",
     "",
     {0.55, 1.45},
     {0.40, 1.60}},
    {"One row, WAL mode, with a commit in the WAL",
     "WAL",
     "UPDATE main.item SET quantity = quantity + 1 WHERE id = 1",
     "",
     {0.55, 1.45},
     {0.40, 1.60}},
    {"One row, WAL mode, inside BEGIN … COMMIT",
     "in BEGIN",
     "BEGIN",
     "COMMIT",
     {0, 1.50},
     {0, 1.60}},
    {"One row, rollback mode",
     "rollback",
     "PRAGMA journal_mode = DELETE",
     "",
     {0.65, 0},
     {0.55, 0}},
};

enum { COMPARISONS = sizeof comparisons / sizeof comparisons[0] };

static struct side sides[SIDES];

static void set_sides(void)
{
    sides[LOOKUP] = (struct side){.name = "primary-key lookup",
                                  .sql = "SELECT name, quantity, price FROM main.item WHERE id = ?",
                                  .parameter = 5000,
                                  .runs = RUNS};
    sides[HIT] = (struct side){.name = "hit",
                               .sql = "SELECT name, quantity, price FROM cached_item(?)",
                               .parameter = 5000,
                               .status = "hit",
                               .runs = RUNS};
    sides[FLOOR] = (struct side){.name = "floor: a constant virtual table",
                                 .sql = "SELECT name, quantity, price FROM constant_item(?)",
                                 .parameter = 5000,
                                 .runs = RUNS};
}

static void compare(sqlite3 *db, const struct comparison *comparison)
{
    const struct targets *targets =
        sqlite3_libversion_number() < LATER_VERSION ? &comparison->earlier : &comparison->later;
    set_sides();
    bench_run(db, "%s", comparison->before);
    sides_measure(sides, SIDES, ROUNDS);
    bench_run(db, "%s", comparison->after);
    sides_print(comparison->title, sides, SIDES, ROUNDS);
    double lookup = sides_ratio(&sides[HIT], &sides[LOOKUP], ROUNDS);
    double floor = sides_ratio(&sides[HIT], &sides[FLOOR], ROUNDS);
    if (targets->lookup > 0)
        bench_print_target(lookup, AT_MOST, targets->lookup, "hit / lookup, %s",
                           comparison->short_title);
    if (targets->floor > 0)
        bench_print_target(floor, AT_MOST, targets->floor, "hit / floor, %s",
                           comparison->short_title);
}

/* A comparison goes on from the state of those before it, in which something was read. */
static void run_alone(sqlite3 *db, unsigned comparison, unsigned side, unsigned rounds)
{
    set_sides();
    for (unsigned i = 0; i < comparison; i++) {
        bench_run(db, "%s", comparisons[i].before);
        sides_time_alone(&sides[HIT], 1);
        bench_run(db, "%s", comparisons[i].after);
    }
    bench_run(db, "%s", comparisons[comparison].before);
    sides_time_alone(&sides[side], (int)rounds);
    bench_run(db, "%s", comparisons[comparison].after);
}

int main(int argc, char **argv)
{
    sqlite3 *db = bench_open("hits.db", true);
    bench_check(db, floor_register(db), "floor_register");
    bench_run(db, "PRAGMA cache_size = -65536; BEGIN;"
                  "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, quantity INT, price REAL);"
                  "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                  "INSERT INTO item SELECT i, 'item ' || i, i %% 97, i * 0.25 FROM n; COMMIT;"
                  "CREATE VIRTUAL TABLE temp.cached_item USING cache("
                  "  (SELECT name, quantity, price FROM main.item WHERE id = :id), ttl = 'none');"
                  "CREATE VIRTUAL TABLE temp.constant_item USING constant");
    bench_header();
    sides_begin(db);
    if (argc == 4)
        run_alone(db, bench_number(argv[1], COMPARISONS), bench_number(argv[2], SIDES),
                  bench_number(argv[3], SIDES_MAX_ROUNDS + 1));
    for (int i = 0; i < COMPARISONS && argc != 4; i++)
        compare(db, &comparisons[i]);
    sides_end();
    bench_check(db, sqlite3_close(db), "close");
    return 0;
}
