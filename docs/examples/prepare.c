/*
** prepare.c: a program whose SELECTs stay as they are. It prepares them by querycache_prepare_v2()
** instead of sqlite3_prepare_v2(); all else is as before.
**
**     $ cc -o prepare docs/examples/prepare.c $(pkg-config --cflags --libs querycache)
**     $ ./prepare shop.db
**     2023: 10 in 1 sales
**     2024: 25 in 2 sales
**     2024: 25 in 2 sales
**     one more sale
**     2024: 125 in 3 sales
**     2024: 125 in 3 sales
**     2 of 5 reads were hits
*/
#include <querycache.h>
#include <stdio.h>
#include <stdlib.h>

static _Noreturn void fail(sqlite3 *db, const char *what)
{
    fprintf(stderr, "prepare: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(db, sql);
}

static void report(sqlite3_stmt *sales, int year)
{
    sqlite3_bind_int(sales, sqlite3_bind_parameter_index(sales, ":year"), year);
    if (sqlite3_step(sales) != SQLITE_ROW)
        fail(sqlite3_db_handle(sales), "sales");
    printf("%d: %d in %d sales\n", year, sqlite3_column_int(sales, 0),
           sqlite3_column_int(sales, 1));
    sqlite3_reset(sales);
}

int main(int argc, char **argv)
{
    sqlite3 *db;
    sqlite3_stmt *sales;
    struct querycache_stats stats = {.size = sizeof stats};
    if (argc != 2) {
        fprintf(stderr, "usage: prepare FILE\n");
        return 2;
    }
    querycache_register_auto(); /* for every connection from now on */
    if (sqlite3_open(argv[1], &db) != SQLITE_OK)
        fail(db, argv[1]);
    run(db, "CREATE TABLE IF NOT EXISTS sales(year INTEGER, amount INTEGER);"
            "DELETE FROM sales; INSERT INTO sales VALUES (2023, 10), (2024, 20), (2024, 5)");

    /* What SQLite's own function would give, but that it reads through the cache. The last argument
    ** may be NULL. */
    struct querycache_options options = {.options = "ttl = '5 min'"};
    if (querycache_prepare_v2(db, "SELECT sum(amount), count(*) FROM sales WHERE year = :year", -1,
                              &sales, NULL, &options) != SQLITE_OK)
        fail(db, "sales");
    report(sales, 2023);
    report(sales, 2024);
    report(sales, 2024);
    run(db, "INSERT INTO sales VALUES (2024, 100)");
    printf("one more sale\n");
    report(sales, 2024);
    report(sales, 2024);

    if (querycache_get_stats(&stats) == SQLITE_OK)
        printf("%lld of %lld reads were hits\n", stats.hits,
               stats.hits + stats.misses + stats.bypasses);
    sqlite3_finalize(sales);
    sqlite3_close(db);
    return 0;
}
