/*
** static.c: a program that has querycache linked in, on every connection it opens. Two of them on
** one file share what either of them computed, and a commit by one ends what it changed for both.
**
**     $ cc -o static docs/examples/static.c $(pkg-config --cflags --libs querycache)
**     $ ./static shop.db
**     the first reads 3 sales (miss)
**     the second reads 3 sales (hit)
**     the first adds one
**     the second reads 4 sales (miss)
**     the first reads 4 sales (hit)
*/
#include <querycache.h>
#include <stdio.h>
#include <stdlib.h>

static _Noreturn void fail(sqlite3 *db, const char *what)
{
    fprintf(stderr, "static: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail(db, sql);
    }
}

/* Opens the file; querycache is there, for main() said so. The cached table is this
** connection's. */
static sqlite3 *open_shop(const char *file)
{
    sqlite3 *db;
    if (sqlite3_open(file, &db) != SQLITE_OK) {
        fail(db, file);
    }
    run(db, "PRAGMA journal_mode = WAL;"
            "CREATE TABLE IF NOT EXISTS sales(year INTEGER, amount INTEGER);"
            "CREATE VIRTUAL TABLE temp.sales_count USING cache((SELECT count(*) AS n FROM sales))");
    return db;
}

static void read_count(const char *who, sqlite3 *db)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, "SELECT n, cache_last_status() FROM sales_count", -1, &stmt, NULL) !=
            SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        fail(db, "sales_count");
    }
    printf("%s reads %d sales (%s)\n", who, sqlite3_column_int(stmt, 0),
           (const char *)sqlite3_column_text(stmt, 1));
    sqlite3_finalize(stmt);
}

int main(int argc, char **argv)
{
    sqlite3 *first, *second;
    if (argc != 2) {
        fprintf(stderr, "usage: static FILE\n");
        return 2;
    }
    /* For one connection alone, call querycache_init(db) after sqlite3_open() instead. */
    sqlite3_auto_extension((void (*)(void))sqlite3_querycache_init);
    first = open_shop(argv[1]);
    second = open_shop(argv[1]);
    run(first, "DELETE FROM sales; INSERT INTO sales VALUES (2023, 10), (2024, 20), (2024, 5)");

    read_count("the first", first);
    read_count("the second", second);
    run(first, "INSERT INTO sales VALUES (2024, 100)");
    printf("the first adds one\n");
    read_count("the second", second);
    read_count("the first", first);
    sqlite3_close(second);
    sqlite3_close(first);
    return 0;
}
