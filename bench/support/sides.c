#include "sides.h"

#include <querycache.h>
#include <stdio.h>
#include <string.h>

#include "base/ticks.h"

static sqlite3 *db;
static sqlite3_stmt *last_status;
static sqlite3_stmt *clear_store;

void sides_begin(sqlite3 *on)
{
    db = on;
    last_status = bench_prepare(db, "SELECT cache_last_status()");
    clear_store = bench_prepare(db, "SELECT cache_clear()");
}

void sides_end(void)
{
    sqlite3_finalize(last_status);
    sqlite3_finalize(clear_store);
}

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

static sqlite3_stmt *prepare(const struct side *side)
{
    if (!side->through)
        return bench_prepare(db, "%s", side->sql);
    sqlite3_stmt *statement = NULL;
    struct querycache_options options = {.options = side->options};
    bench_check(db,
                querycache_prepare_v3(db, side->sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                                      NULL, &options),
                side->sql);
    return statement;
}

/* A first run fills the store, a second proves that the plan reads once, and from the third on a
** hit opens no read transaction: so three runs come before. */
void sides_measure(struct side *sides, int count, int rounds)
{
    if (rounds > SIDES_MAX_ROUNDS)
        bench_fail(sides[0].name, "more rounds than there is room for");
    for (int i = 0; i < count; i++) {
        sides[i].statement = prepare(&sides[i]);
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

double sides_time_alone(struct side *side, int runs)
{
    side->statement = prepare(side);
    for (int i = 0; i < runs; i++)
        side->times[i] = time_round(side);
    bench_check(db, sqlite3_finalize(side->statement), side->sql);
    return bench_median(side->times, runs);
}

/* ---- reporting ---- */

double sides_ratio(const struct side *over, const struct side *under, int rounds)
{
    return bench_median_ratio(over->times, under->times, rounds);
}

static void print_time(const struct side *side, int rounds)
{
    static double times[SIDES_MAX_ROUNDS];
    memcpy(times, side->times, (size_t)rounds * sizeof *times);
    double time = bench_median(times, rounds);
    const char *unit = "ns";
    if (time >= 1e6) {
        time /= 1e6;
        unit = "ms";
    } else if (time >= 1e4) {
        time /= 1e3;
        unit = "us";
    }
    printf("  %-46s %8.*f %s", side->name, *unit == 'n' ? 0 : 2, time, unit);
}

void sides_print(const char *title, const struct side *sides, int count, int rounds)
{
    printf("\n%s (%d rounds)\n", title, rounds);
    for (int i = 0; i < count; i++) {
        print_time(&sides[i], rounds);
        if (i > 0)
            printf("   %.3g of the first", sides_ratio(&sides[i], &sides[0], rounds));
        printf("\n");
    }
}
