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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ticks.h"
#include "querycache.h"

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

/* ---- the database, in a folder of its own ---- */

static char folder[256];
static sqlite3 *db;
static sqlite3_stmt *last_status;
static sqlite3_stmt *clear_store;

static void remove_files(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[sizeof folder + 16];
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(path, sizeof path, "%s/bench.db%s", folder, suffixes[i]);
        unlink(path);
    }
    rmdir(folder);
}

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "hits: %s: %s\n", what, why);
    exit(1);
}

static void check(int rc, const char *what)
{
    if (rc != SQLITE_OK)
        fail(what, sqlite3_errmsg(db));
}

static void run_sql(const char *sql)
{
    check(sqlite3_exec(db, sql, NULL, NULL, NULL), sql);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement = NULL;
    check(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), sql);
    return statement;
}

static void open_database(void)
{
    const char *parent = getenv("TMPDIR");
    char path[sizeof folder + 16];
    snprintf(folder, sizeof folder, "%s/querycache-bench-XXXXXX", parent != NULL ? parent : "/tmp");
    if (mkdtemp(folder) == NULL)
        fail(folder, "cannot be made");
    atexit(remove_files);
    snprintf(path, sizeof path, "%s/bench.db", folder);
    check(sqlite3_open(path, &db), path);
    check(querycache_init(db), "querycache_init");
}

/* ---- the floor: the least that any virtual table costs ---- */

/* The shape of the cached item below, one constant row, and nothing behind it. */
#define FLOOR_SHAPE "CREATE TABLE x(name TEXT, quantity INTEGER, price REAL, id HIDDEN)"
enum { FLOOR_NAME, FLOOR_QUANTITY, FLOOR_PRICE, FLOOR_ID };

struct floor_cursor {
    sqlite3_vtab_cursor base; /* must be first */
    bool at_end;
};

static int floor_connect(sqlite3 *connection, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **table, char **error)
{
    (void)aux, (void)argc, (void)argv, (void)error;
    *table = sqlite3_malloc(sizeof **table);
    if (*table == NULL)
        return SQLITE_NOMEM;
    memset(*table, 0, sizeof **table);
    return sqlite3_declare_vtab(connection, FLOOR_SHAPE);
}

/* A function of its own: were it floor_connect(), the table would be eponymous, and of `main`. */
static int floor_create(sqlite3 *connection, void *aux, int argc, const char *const *argv,
                        sqlite3_vtab **table, char **error)
{
    return floor_connect(connection, aux, argc, argv, table, error);
}

static int floor_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

static int floor_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].iColumn != FLOOR_ID || !info->aConstraint[i].usable)
            continue;
        info->aConstraintUsage[i].argvIndex = 1;
        info->aConstraintUsage[i].omit = 1;
    }
    info->estimatedCost = 1;
    info->estimatedRows = 1;
    return SQLITE_OK;
}

static int floor_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    (void)table;
    struct floor_cursor *opened = sqlite3_malloc(sizeof *opened);
    if (opened == NULL)
        return SQLITE_NOMEM;
    memset(opened, 0, sizeof *opened);
    *cursor = &opened->base;
    return SQLITE_OK;
}

static int floor_close(sqlite3_vtab_cursor *cursor)
{
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int floor_filter(sqlite3_vtab_cursor *cursor, int plan, const char *index_text, int argc,
                        sqlite3_value **argv)
{
    (void)plan, (void)index_text, (void)argc, (void)argv;
    ((struct floor_cursor *)cursor)->at_end = false;
    return SQLITE_OK;
}

static int floor_next(sqlite3_vtab_cursor *cursor)
{
    ((struct floor_cursor *)cursor)->at_end = true;
    return SQLITE_OK;
}

static int floor_eof(sqlite3_vtab_cursor *cursor)
{
    return ((struct floor_cursor *)cursor)->at_end;
}

static int floor_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    (void)cursor;
    if (column == FLOOR_NAME)
        sqlite3_result_text(context, "item 5000", -1, SQLITE_STATIC);
    else if (column == FLOOR_QUANTITY)
        sqlite3_result_int(context, 1);
    else if (column == FLOOR_PRICE)
        sqlite3_result_double(context, 0.5);
    return SQLITE_OK;
}

static int floor_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid)
{
    (void)cursor;
    *rowid = 1;
    return SQLITE_OK;
}

static const sqlite3_module floor_module = {
    .iVersion = 0,
    .xCreate = floor_create,
    .xConnect = floor_connect,
    .xBestIndex = floor_best_index,
    .xDisconnect = floor_disconnect,
    .xDestroy = floor_disconnect,
    .xOpen = floor_open,
    .xClose = floor_close,
    .xFilter = floor_filter,
    .xNext = floor_next,
    .xEof = floor_eof,
    .xColumn = floor_column,
    .xRowid = floor_rowid,
};

/* ---- measuring ---- */

static void step_to_end(sqlite3_stmt *statement)
{
    int rc;
    do
        rc = sqlite3_step(statement);
    while (rc == SQLITE_ROW);
    if (rc != SQLITE_DONE)
        fail(sqlite3_sql(statement), sqlite3_errmsg(db));
    sqlite3_reset(statement);
}

static void run_once(const struct side *side)
{
    if (side->parameter != 0)
        sqlite3_bind_int64(side->statement, 1, side->parameter);
    step_to_end(side->statement);
}

/* What is called a hit must have been one. */
static void check_status(const struct side *side)
{
    if (side->status == NULL)
        return;
    const char *status = NULL;
    if (sqlite3_step(last_status) == SQLITE_ROW)
        status = (const char *)sqlite3_column_text(last_status, 0);
    if (status == NULL || strcmp(status, side->status) != 0) {
        fprintf(stderr, "hits: %s should be a %s and was a %s\n", side->sql, side->status,
                status != NULL ? status : "read past the cache");
        exit(1);
    }
    sqlite3_reset(last_status);
}

static double time_round(const struct side *side)
{
    if (side->clear)
        step_to_end(clear_store);
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
    check(sqlite3_reset(side->statement), side->sql);
    char *rows = sqlite3_str_finish(text);
    if (rows == NULL)
        fail(side->sql, "out of memory");
    return rows;
}

static void compare_rows(const struct side *plain, const struct side *cached)
{
    char *expected = read_rows(plain);
    char *got = read_rows(cached);
    if (strcmp(expected, got) != 0)
        fail(cached->sql, "other rows than those of the plain query");
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
        sides[i].statement = prepare(sides[i].sql);
        for (int run = 0; run < 3; run++)
            run_once(&sides[i]);
        if (sides[i].status != NULL)
            compare_rows(&sides[0], &sides[i]);
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++)
            sides[i].times[round] = time_round(&sides[i]);
    for (int i = 0; i < count; i++)
        check(sqlite3_finalize(sides[i].statement), sides[i].sql);
}

/* ---- reporting ---- */

static int compare_numbers(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Of the times, or of their ratios to another side's of the same round. */
static double median(const struct side *side, const struct side *against, int rounds)
{
    static double numbers[MAX_ROUNDS];
    for (int i = 0; i < rounds; i++)
        numbers[i] = against != NULL ? side->times[i] / against->times[i] : side->times[i];
    qsort(numbers, (size_t)rounds, sizeof numbers[0], compare_numbers);
    return numbers[rounds / 2];
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
    run_sql("CREATE VIRTUAL TABLE temp.cached_item USING cache("
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
    run_sql("CREATE VIRTUAL TABLE temp.cached_items USING cache("
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
    slow.statement = prepare(slow.sql);
    for (int guess = 0; guess < GUESSES; guess++) {
        for (int i = 0; i < TRIES; i++)
            slow.times[i] = time_round(&slow);
        double wanted = (double)slow.parameter * 1e7 / median(&slow, NULL, TRIES);
        slow.parameter = wanted < SALES ? (int)wanted : SALES;
    }
    check(sqlite3_finalize(slow.statement), slow.sql);
    return (int)slow.parameter;
}

static void bench_slow_query(void)
{
    enum { ROUNDS = 150 };
    char title[80];
    int last = calibrate();
    run_sql("CREATE VIRTUAL TABLE temp.cached_sale USING cache((" SLOW_QUERY "), ttl = 'none')");
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
    open_database();
    check(sqlite3_create_module(db, "constant", &floor_module, NULL), "create_module");
    run_sql("PRAGMA journal_mode = WAL; PRAGMA cache_size = -65536; BEGIN;"
            "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, quantity INT, price REAL);"
            "CREATE TABLE sale(id INTEGER PRIMARY KEY, shelf INT, quantity INT, price REAL);"
            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
            "INSERT INTO item SELECT i, 'item ' || i, i % 97, i * 0.25 FROM n;"
            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000)"
            "INSERT INTO sale SELECT i, i * 7 % 100, i % 11, i * 0.25 FROM n;"
            "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    last_status = prepare("SELECT cache_last_status()");
    clear_store = prepare("SELECT cache_clear()");
    printf("querycache %s, SQLite %s; medians\n", querycache_version(), sqlite3_libversion());
    bench_one_row();
    bench_many_rows();
    bench_slow_query();
    sqlite3_finalize(last_status);
    sqlite3_finalize(clear_store);
    check(sqlite3_close(db), "close");
    return 0;
}
