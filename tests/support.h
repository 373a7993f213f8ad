/*
** What C tests of the extension share: connections, SQL by one call, and the comparison of a cached
** read with the query itself. Every failure of SQLite that a test does not expect ends the program.
*/
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <sqlite3.h>
#include <stdbool.h>

/* A folder for the files of this program, removed at exit. */
const char *scratch_folder(void);

/* 1 under the address sanitizer, where less has to do. */
#ifdef __has_feature
#define SANITIZED __has_feature(address_sanitizer)
#elif defined __SANITIZE_ADDRESS__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* The path of a file in it, in a buffer that stays until the program ends. */
const char *scratch_file(const char *name);

/* The same, with nothing there: what an earlier use of the name left is removed. */
const char *fresh_file(const char *name);

/* Open a database, with or without the extension. Flags as for sqlite3_open_v2(), 0 for the
** usual. */
sqlite3 *open_cached(const char *path, int flags);
sqlite3 *open_plain(const char *path, int flags);

/* A statement by SQLite's own function, or through the cache; NULL where it does not prepare. */
sqlite3_stmt *prepare_plain(sqlite3 *db, const char *sql);
sqlite3_stmt *prepare_cached(sqlite3 *db, const char *sql);

/* True when it reads through the cache. */
bool is_prepared_cached(sqlite3_stmt *statement);

/* Run SQL that must succeed; printf formats as in sqlite3_mprintf(). */
void run(sqlite3 *db, const char *sql, ...);

/* Run SQL that may fail: SQLite's result code. */
int try(sqlite3 *db, const char *sql);

/* All rows of a query as text: cells with their types, "|" between cells and a line end behind
** each row. "error: …" when it fails. The caller frees with sqlite3_free(). */
char *rows(sqlite3 *db, const char *sql);

/* The first value of a query as an integer. */
long long number(sqlite3 *db, const char *sql);

/* 'hit', 'miss', 'bypass' or "none": what the last cached read of the connection was. The text
** stays until the next call. */
const char *status(sqlite3 *db);

/* A check (TAP): the cached query gives what the plain one gives, row for row. */
bool same(sqlite3 *db, const char *cached, const char *plain, const char *name);

/* The same, and it was answered so ('hit', 'miss', 'bypass'). */
bool same_as(sqlite3 *db, const char *cached, const char *plain, const char *expected_status,
             const char *name);

#endif
