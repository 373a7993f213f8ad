/*
** What the extension costs who only writes: a million rows inserted in one transaction, by a
** statement for each row and by INSERT … SELECT, and 20,000 commits of one row (WAL, synchronous =
** OFF). The sides, each a connection with a file of its own, are: without the extension; with hooks
** that do nothing, the floor, since SQLite itself does more for a connection that has any; with the
** extension; and with entries that depend on the tables written, computed and hit between rounds.
**
** A round is a part of the transaction, or some of the commits; the sides take turns.
**
**   bulk                    all of it
** bulk SIDE COST ROUNDS   only this side and cost (both by number), for a counter of instructions:
** valgrind --tool=callgrind --toggle-collect=run_round build/static/bulk …
*/
#include <stdio.h>
#include <stdlib.h>

#include "base/ticks.h"
#include "support/measure.h"

#define MILLION 1000000
#define ENTRIES 10
#define MAX_ROUNDS 500

/* Rows of the table that INSERT … SELECT reads again and again. */
#define SOURCE_ROWS 10000

enum cost { ROW_BY_ROW, SELECTED, MOVED, COMMITS, COSTS };

static const struct {
    const char *title;
    const char *table;
    const char *sql;
    int rounds;
    int runs;   /* of the statement, in a round */
    bool whole; /* in one transaction */
    double target;
} costs[COSTS] = {
    {"A million rows, a statement for each", "one", "INSERT INTO one VALUES(?1, 'item')", 200,
     MILLION / 200, true, 1.05},
    {"A million rows, INSERT … SELECT", "selected",
     "INSERT INTO selected SELECT quantity + 1, name FROM source", MILLION / SOURCE_ROWS, 1, true,
     1.05},
    /* SQLite then copies records from one b-tree to the other without looking into them. */
    {"A million rows, INSERT … SELECT * of a table alike", "moved",
     "INSERT INTO moved SELECT * FROM source", MILLION / SOURCE_ROWS, 1, true, 1.05},
    {"20,000 commits of one row", "committed", "INSERT INTO committed VALUES(?1, 'item')",
     MAX_ROUNDS, 20000 / MAX_ROUNDS, false, 1.05},
};

enum who { PLAIN, EMPTY_HOOKS, LOADED, DEPENDED_ON, SIDES };

struct side {
    const char *name;
    sqlite3 *db;
    sqlite3_stmt *statement;
    sqlite3_stmt *read; /* NULL: no entries */
    sqlite3_stmt *last_status;
    double times[MAX_ROUNDS]; /* nanoseconds per row */
    double total;             /* with the beginning and the end of the transaction */
};

static struct side sides[SIDES] = {
    {.name = "without the extension"},
    {.name = "hooks that do nothing"},
    {.name = "with the extension"},
    {.name = "and entries that depend on the table"},
};

/* ---- hooks that do nothing ---- */

static void no_update(void *context, int operation, const char *schema, const char *table,
                      sqlite3_int64 rowid)
{
    (void)context, (void)operation, (void)schema, (void)table, (void)rowid;
}

static int no_commit(void *context)
{
    (void)context;
    return 0;
}

static void no_rollback(void *context)
{
    (void)context;
}

/* ---- the sides ---- */

static void open_side(struct side *side, enum who who)
{
    char name[32];
    snprintf(name, sizeof name, "bulk-%d.db", (int)who);
    side->db = bench_open(name, who >= LOADED);
    bench_run(side->db,
              "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
              "CREATE TABLE source(quantity INT, name TEXT);"
              "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
              "INSERT INTO source SELECT i, 'item' FROM n",
              SOURCE_ROWS);
    for (int i = 0; i < COSTS; i++)
        bench_run(side->db, "CREATE TABLE %s(quantity INT, name TEXT)", costs[i].table);
    if (who == EMPTY_HOOKS) {
        sqlite3_update_hook(side->db, no_update, NULL);
        sqlite3_commit_hook(side->db, no_commit, NULL);
        sqlite3_rollback_hook(side->db, no_rollback, NULL);
    }
}

static void close_side(struct side *side)
{
    bench_check(side->db, sqlite3_close(side->db), "close");
}

/* Entries of the table that is about to be written, each of a query of its own. */
static void depend(struct side *side, const char *table)
{
    bench_run(side->db,
              "CREATE VIRTUAL TABLE temp.cached_%s USING cache("
              "  (SELECT count(*) AS n FROM main.%s WHERE rowid = :id), ttl = 'none')",
              table, table);
    side->read = bench_prepare(side->db, "SELECT n FROM cached_%s(?)", table);
    side->last_status = bench_prepare(side->db, "SELECT cache_last_status()");
}

/* Computed by the first read, hit by the second. */
static void read_entries(struct side *side)
{
    for (int i = 0; i < ENTRIES && side->read != NULL; i++) {
        sqlite3_bind_int(side->read, 1, i);
        bench_step(side->read);
        bench_step(side->read);
        if (!bench_was_hit(side->last_status))
            bench_fail(sqlite3_sql(side->read), "no hit");
    }
}

static void begin(struct side *side, enum who who, enum cost cost)
{
    if (who == DEPENDED_ON)
        depend(side, costs[cost].table);
    side->statement = bench_prepare(side->db, "%s", costs[cost].sql);
    read_entries(side);
    int64_t start = ticks_now();
    if (costs[cost].whole)
        bench_run(side->db, "BEGIN");
    side->total = (double)(ticks_now() - start);
}

static void end(struct side *side, enum cost cost)
{
    int64_t start = ticks_now();
    if (costs[cost].whole)
        bench_run(side->db, "COMMIT");
    side->total += (double)(ticks_now() - start);
    sqlite3_finalize(side->statement);
    sqlite3_finalize(side->read);
    sqlite3_finalize(side->last_status);
    side->statement = side->read = side->last_status = NULL;
}

/* Found by its name by who counts instructions. */
__attribute__((noinline)) static void run_round(sqlite3_stmt *statement, int runs)
{
    for (int i = 0; i < runs; i++) {
        sqlite3_bind_int(statement, 1, i); /* refused where there is no parameter */
        bench_step(statement);
    }
}

static void take_turn(struct side *side, enum cost cost, int round)
{
    if (!costs[cost].whole)
        read_entries(side);
    sqlite3_int64 before = sqlite3_total_changes64(side->db);
    int64_t start = ticks_now();
    run_round(side->statement, costs[cost].runs);
    double time = (double)(ticks_now() - start);
    side->times[round] = time / (double)(sqlite3_total_changes64(side->db) - before);
    side->total += time;
}

/* ---- the comparisons ---- */

static void print_ratio(enum cost cost, enum who who)
{
    double ratio = bench_median_ratio(sides[who].times, sides[PLAIN].times, costs[cost].rounds);
    if (who == LOADED)
        bench_print_target(ratio, AT_MOST, costs[cost].target, "%s / without", sides[who].name);
    else
        bench_print(ratio, "%s / without", sides[who].name);
}

static void bench_cost(enum cost cost)
{
    int rounds = costs[cost].rounds;
    for (int i = 0; i < SIDES; i++)
        begin(&sides[i], (enum who)i, cost);
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < SIDES; i++)
            take_turn(&sides[i], cost, round);
    for (int i = 0; i < SIDES; i++)
        end(&sides[i], cost);
    printf("\n%s (%d rounds)\n", costs[cost].title, rounds);
    for (int i = PLAIN + 1; i < SIDES; i++)
        print_ratio(cost, (enum who)i);
    if (costs[cost].whole)
        bench_print(sides[LOADED].total / sides[PLAIN].total,
                    "the same of the whole transaction, once");
    for (int i = 0; i < SIDES; i++)
        bench_print_time(bench_median(sides[i].times, rounds), "%s, a row", sides[i].name);
}

static void run_one(struct side *side, enum who who, enum cost cost, int rounds)
{
    open_side(side, who);
    begin(side, who, cost);
    for (int round = 0; round < rounds && round < costs[cost].rounds; round++)
        take_turn(side, cost, round);
    end(side, cost);
    close_side(side);
}

int main(int argc, char **argv)
{
    bench_header();
    if (argc == 4) {
        unsigned who = bench_number(argv[1], SIDES);
        run_one(&sides[who], (enum who)who, (enum cost)bench_number(argv[2], COSTS),
                (int)bench_number(argv[3], MAX_ROUNDS + 1));
        return 0;
    }
    for (int i = 0; i < SIDES; i++)
        open_side(&sides[i], (enum who)i);
    for (int i = 0; i < COSTS; i++)
        bench_cost((enum cost)i);
    for (int i = 0; i < SIDES; i++)
        close_side(&sides[i]);
    return 0;
}
