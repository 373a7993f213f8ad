/*
** dynamic.c: a program that loads the querycache extension, and reads one query twice through it,
** before and after a write.
**
**     $ cc -o dynamic docs/examples/dynamic.c $(pkg-config --cflags --libs sqlite3)
**     $ ./dynamic "$(pkg-config --variable=extension querycache)"
**     2024: north 20, south 5 (miss)
**     2024: north 20, south 5 (hit)
**     2024: north 20, south 105 (miss)
**     2024: north 20, south 105 (hit)
*/
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static _Noreturn void fail(sqlite3 *db, const char *what)
{
    fprintf(stderr, "dynamic: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail(db, sql);
    }
}

/* Loads the extension for this connection. SQL cannot load more: load_extension() stays off. */
static void load(sqlite3 *db, const char *extension)
{
    char *error = NULL;
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
    if (sqlite3_load_extension(db, extension, NULL, &error) != SQLITE_OK) {
        fprintf(stderr, "dynamic: %s\n", error);
        exit(1);
    }
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
}

/* How the last cached read of this connection was answered. */
static void print_status(sqlite3 *db)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, "SELECT cache_last_status()", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        fail(db, "cache_last_status()");
    }
    printf(" (%s)\n", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
}

static void print_year(sqlite3 *db, sqlite3_stmt *by_region, int year)
{
    const char *separator = "";
    printf("%d:", year);
    sqlite3_bind_int(by_region, 1, year);
    while (sqlite3_step(by_region) == SQLITE_ROW) {
        printf("%s %s %d", separator, (const char *)sqlite3_column_text(by_region, 0),
               sqlite3_column_int(by_region, 1));
        separator = ",";
    }
    if (sqlite3_reset(by_region) != SQLITE_OK) {
        fail(db, "reading by_region");
    }
    print_status(db);
}

int main(int argc, char **argv)
{
    sqlite3 *db;
    sqlite3_stmt *by_region;
    if (argc != 2) {
        fprintf(stderr, "usage: dynamic EXTENSION\n");
        return 2;
    }
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) {
        fail(db, ":memory:");
    }
    run(db,
        "CREATE TABLE sales(year INTEGER, region TEXT, amount INTEGER);"
        "INSERT INTO sales VALUES (2023, 'north', 10), (2024, 'north', 20), (2024, 'south', 5);");
    load(db, argv[1]);
    run(db, "CREATE VIRTUAL TABLE temp.by_region USING cache("
            "(SELECT region, sum(amount) AS total FROM sales WHERE year = :year GROUP BY region))");

    /* Prepared once, and used again and again: that is when a hit costs least. */
    if (sqlite3_prepare_v2(db, "SELECT region, total FROM by_region(?)", -1, &by_region, NULL) !=
        SQLITE_OK) {
        fail(db, "by_region");
    }
    print_year(db, by_region, 2024);
    print_year(db, by_region, 2024);
    run(db, "INSERT INTO sales VALUES (2024, 'south', 100)");
    print_year(db, by_region, 2024);
    print_year(db, by_region, 2024);
    sqlite3_finalize(by_region);
    return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}
