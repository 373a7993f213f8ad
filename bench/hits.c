/*
** What a hit of one row costs, and against what. bench/support/sides.h says how a comparison is
** made. All sides run on one connection, in autocommit, on one database in WAL mode.
**
**     make bench
*/
#include <stdio.h>

#include "support/floor.h"
#include "support/sides.h"

static sqlite3 *db;
static struct side sides[SIDES_MAX];

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
    sides_measure(sides, 3, ROUNDS);
    sides_print("One row, one parameter", sides, 3, ROUNDS);
    double ratio = sides_ratio(&sides[1], &sides[0], ROUNDS);
    printf("  hit / lookup %.3f, target: below 1.0: %s\n", ratio, ratio < 1.0 ? "met" : "missed");
    printf("  hit / floor %.3f\n", sides_ratio(&sides[1], &sides[2], ROUNDS));
}

int main(void)
{
    db = bench_open("hits.db", true);
    bench_check(db, floor_register(db), "floor_register");
    bench_run(db, "PRAGMA journal_mode = WAL; PRAGMA cache_size = -65536; BEGIN;"
                  "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, quantity INT, price REAL);"
                  "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                  "INSERT INTO item SELECT i, 'item ' || i, i %% 97, i * 0.25 FROM n;"
                  "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    bench_header();
    sides_begin(db);
    bench_one_row();
    sides_end();
    bench_check(db, sqlite3_close(db), "close");
    return 0;
}
