/*
** What a lookup in 100,000 kept rows costs, by a column of theirs, against the same in a temp table
** that was made of them and has an index on that column. In WAL mode, with a commit in the WAL;
** bench/support/sides.h says how a comparison is made. Both sides run on one connection.
**
**     make bench
** build/static/lookups COMPARISON SIDE ROUNDS  one side alone, by numbers, to count instructions
*/
#include <stdio.h>

#include "support/sides.h"

enum { ROUNDS = 400, RUNS = 200 };
enum { TABLE, KEPT, SIDES };

#define KEPT_ROWS "100000"

/* Of the lookup in the kept rows, to that in the temp table. */
#define TARGET 2.0

static const struct comparison {
    const char *title;
    const char *short_title;
    const char *sql; /* %s: the table */
    int parameter;
} comparisons[] = {
    {"An integer that one row has", "integer",
     "SELECT name, quantity, price FROM %s WHERE number = ?", 50021},
    {"An integer that ten rows have", "ten rows",
     "SELECT name, quantity, price FROM %s WHERE customer = ?", 5002},
    {"A text that one row has", "text",
     "SELECT name, quantity, price FROM %s WHERE name = 'item ' || ?", 50021},
    {"A range of ten rows", "range",
     "SELECT count(*), sum(quantity), max(price) FROM %s WHERE number > ?1 AND number <= ?1 + 10",
     50021},
    {"An IN of three values", "IN",
     "SELECT count(*), sum(quantity) FROM %s WHERE number IN (?1, ?1 + 300, ?1 - 9000)", 50021},
    {"The ten greatest", "ORDER BY",
     "SELECT name, quantity, price FROM %s WHERE number < ? ORDER BY number DESC LIMIT 10", 50021},
};

enum { COMPARISONS = sizeof comparisons / sizeof comparisons[0] };

static struct side sides[SIDES];
static char *texts[SIDES];

static void set_sides(const struct comparison *comparison)
{
    static const char *const tables[SIDES] = {"item_copy", "cached_item"};
    static const char *const names[SIDES] = {"temp table with an index", "kept rows"};
    for (int i = 0; i < SIDES; i++) {
        sqlite3_free(texts[i]);
        texts[i] = sqlite3_mprintf(comparison->sql, tables[i]);
        sides[i] = (struct side){.name = names[i],
                                 .sql = texts[i],
                                 .parameter = comparison->parameter,
                                 .status = i == KEPT ? "hit" : NULL,
                                 .runs = RUNS};
    }
}

static void compare(const struct comparison *comparison)
{
    set_sides(comparison);
    sides_measure(sides, SIDES, ROUNDS);
    sides_print(comparison->title, sides, SIDES, ROUNDS);
    bench_print_target(sides_ratio(&sides[KEPT], &sides[TABLE], ROUNDS), AT_MOST, TARGET,
                       "kept rows / indexed temp table, %s", comparison->short_title);
}

static void run_alone(unsigned comparison, unsigned side, unsigned rounds)
{
    set_sides(&comparisons[comparison]);
    sides_time_alone(&sides[side], (int)rounds);
}

int main(int argc, char **argv)
{
    sqlite3 *db = bench_open("lookups.db", true);
    bench_run(db, "PRAGMA journal_mode = WAL; PRAGMA cache_size = -65536; BEGIN;"
                  "CREATE TABLE item(number INTEGER, name TEXT, customer INT, quantity INT, "
                  "  price REAL);"
                  "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " KEPT_ROWS ")"
                  "INSERT INTO item SELECT i * 7919 %% " KEPT_ROWS ", 'item ' || i, i %% 10000, "
                  "  i %% 97, i * 0.25 FROM n; COMMIT;"
                  "CREATE TEMP TABLE item_copy AS SELECT * FROM item;"
                  "CREATE INDEX temp.by_number ON item_copy(number);"
                  "CREATE INDEX temp.by_name ON item_copy(name);"
                  "CREATE INDEX temp.by_customer ON item_copy(customer);"
                  "CREATE VIRTUAL TABLE temp.cached_item USING cache((SELECT * FROM main.item))");
    bench_header();
    sides_begin(db);
    if (argc == 4)
        run_alone(bench_number(argv[1], COMPARISONS), bench_number(argv[2], SIDES),
                  bench_number(argv[3], SIDES_MAX_ROUNDS + 1));
    for (int i = 0; i < COMPARISONS && argc != 4; i++)
        compare(&comparisons[i]);
    sides_end();
    for (int i = 0; i < SIDES; i++)
        sqlite3_free(texts[i]);
    bench_check(db, sqlite3_close(db), "close");
    return 0;
}
