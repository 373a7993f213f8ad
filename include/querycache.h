/*
** querycache: an SQLite extension that keeps query results in memory and hands them back for as
** long as they are exactly what the query would return now.
**
** Most applications need none of this: they load the extension, and everything else is SQL. This
** header is for those that link it in, or want SELECTs cached that stay as they are:
**
**     querycache_register_auto();                                         // once, before opening
**     sqlite3_open("shop.db", &db);
** querycache_prepare_v2(db, "SELECT …", -1, &statement, NULL, NULL);  // instead of SQLite's own
**
** Functions that get a connection are as thread-safe as that is; the others are thread-safe. Texts
** are UTF-8, zero-terminated. Codes are SQLite's (SQLITE_OK, …). The library may be linked
** statically, or be the loadable extension; there, until SQLite has loaded it on some connection,
** all but querycache_version() return SQLITE_MISUSE, and do nothing.
**
** A process may have several SQLite libraries (Python's beside apsw's), each of which loads the
** extension. Each then has a cache of its own. Functions that get a connection serve it by its own
** SQLite, where it has the extension (querycache_is_loaded()); for one without it they return
** SQLITE_MISUSE or NULL, as its SQLite cannot be told. querycache_register_auto() is for the
** library that loaded the extension first; the other functions that get no connection are for all
** together.
*/
#ifndef QUERYCACHE_H
#define QUERYCACHE_H

#include <stddef.h>

#include <sqlite3.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. These three numbers are the only place that says it. */
#define QUERYCACHE_VERSION_MAJOR 0
#define QUERYCACHE_VERSION_MINOR 1
#define QUERYCACHE_VERSION_PATCH 0

/* As a number to compare: 2.13.4 is 2013004. */
#define QUERYCACHE_VERSION_NUMBER                                                                  \
    (QUERYCACHE_VERSION_MAJOR * 1000000 + QUERYCACHE_VERSION_MINOR * 1000 +                        \
     QUERYCACHE_VERSION_PATCH)

/* As a text: "2.13.4". */
#define QUERYCACHE_VERSION                                                                         \
    QUERYCACHE_JOIN(QUERYCACHE_VERSION_MAJOR, QUERYCACHE_VERSION_MINOR, QUERYCACHE_VERSION_PATCH)
#define QUERYCACHE_JOIN(major, minor, patch) QUERYCACHE_JOIN_(major, minor, patch)
#define QUERYCACHE_JOIN_(major, minor, patch) #major "." #minor "." #patch

#ifndef QUERYCACHE_API
#define QUERYCACHE_API __attribute__((visibility("default")))
#endif

struct sqlite3_api_routines;

/*
** The entry point that sqlite3_load_extension() and `.load` call. `error` may be NULL; else it
** gets a text that the caller frees with sqlite3_free(). `api` is what SQLite hands over, and may
** be NULL where the extension is linked in statically. Loading twice on one connection is
** harmless.
*/
QUERYCACHE_API int sqlite3_querycache_init(sqlite3 *db, char **error,
                                           const struct sqlite3_api_routines *api);

/*
** The same for a connection of a program that has the extension linked in statically. Returns
** SQLITE_OK, or an error code whose text goes to sqlite3_log(): SQLITE_ERROR for an SQLite older
** than 3.34.0 or a bad environment variable.
*/
QUERYCACHE_API int querycache_init(sqlite3 *db);

/* querycache_init() for every connection that the process opens from now on
** (sqlite3_auto_extension()). An error code that it gives makes sqlite3_open() fail. */
QUERYCACHE_API int querycache_register_auto(void);

/* 1 where the connection has the extension, else 0. */
QUERYCACHE_API int querycache_is_loaded(sqlite3 *db);

/* QUERYCACHE_VERSION of the library, and QUERYCACHE_VERSION_NUMBER: they may differ from those of
** this header. Static storage. */
QUERYCACHE_API const char *querycache_version(void);
QUERYCACHE_API int querycache_version_number(void);

/* ---- statements ---- */

/* How results are to be kept. All zero bytes: as cache_config has it. */
struct querycache_options {
    const char *name; /* of the cache that keeps them; NULL: none of its own, as of cache_query() */
    const char
        *options; /* as behind the SELECT of USING cache(…): "ttl = '5 min', max_rows = 1000" */
    char **error; /* if not NULL, gets a text for SQLITE_MISUSE; free it with sqlite3_free() */
};

/*
** sqlite3_prepare_v2() and its kin (https://sqlite.org/c3ref/prepare.html), with options, which may
** be NULL. What they give is an ordinary statement, used and finalized like any other. Where the
** text is a SELECT that can be cached, it reads through the cache: a result that is kept is handed
** out, another is computed row by row as it is stepped through, and kept once it was read to its
** end. All other statements are prepared plainly; the table cache_refusals says which SELECTs were,
** and why.
**
** Results, names and declared types of columns, parameters, tails and errors are those of SQLite's
** own function. What differs: sqlite3_sql() and EXPLAIN show the text over the cache;
** sqlite3_column_database_name(), _table_name() and _origin_name() show its table; statement
** counters (sqlite3_stmt_status()) and traces count its work; a function that is marked
** deterministic is not called for a kept result; an authorizer is asked for the cache's table as
** well. Preparing takes two to three times as long, and a new text 0.08 to 0.14 ms more
** (bench/texts): reuse statements.
**
** Trace and profile callbacks and the authorizer hear of statements that the cache runs for itself,
** as SQLite has no way to run them unseen. Where a new text is looked into, these are 3 traced
** statements and some 30 questions to the authorizer beyond SQLite's own; for the first text of a
** connection 12 and some 50; for a hit none. The guide has the list (tests/test_unseen.c counts
** them).
**
** Prepared plainly: on a connection that has not the extension; inside BEGIN before the first read
** of each database there (the next time this text is prepared, it is not); what reads no table of
** main, a table of SQLite's own (sqlite_schema, …) or a cached table; what gives columns of one
** name by a `*`; parameters together with functions of the application, which may be handed a
** pointer; flags with SQLITE_PREPARE_NO_VTAB.
**
** A SELECT's columns get other names by PRAGMA full_column_names and short_column_names, also for a
** statement that was prepared before. Where one through the cache cannot follow, stepping it is an
** error, which says to prepare it again.
**
** sqlite3_next_stmt() also gives the statements that the cache keeps, whose text (sqlite3_sql())
** begins with three semicolons: they are not the application's to finalize. A statement that was
** prepared before fork() is just run in the child.
**
** Codes are those of SQLite's function; SQLITE_MISUSE, and no statement, for options that are
** wrong.
*/
QUERYCACHE_API int querycache_prepare_v2(sqlite3 *db, const char *sql, int size,
                                         sqlite3_stmt **statement, const char **tail,
                                         const struct querycache_options *options);
QUERYCACHE_API int querycache_prepare_v3(sqlite3 *db, const char *sql, int size, unsigned int flags,
                                         sqlite3_stmt **statement, const char **tail,
                                         const struct querycache_options *options);

/* The same for text in UTF-16, whose `size` is in bytes. */
QUERYCACHE_API int querycache_prepare16_v2(sqlite3 *db, const void *sql, int size,
                                           sqlite3_stmt **statement, const void **tail,
                                           const struct querycache_options *options);
QUERYCACHE_API int querycache_prepare16_v3(sqlite3 *db, const void *sql, int size,
                                           unsigned int flags, sqlite3_stmt **statement,
                                           const void **tail,
                                           const struct querycache_options *options);

/* ---- hooks ---- */

/*
** sqlite3_update_hook() and its kin (https://sqlite.org/c3ref/update_hook.html), for connections
** that have the extension: it holds SQLite's one slot for each, and calls the hook that is set
** here. They return the argument of the hook that was set before. On other connections, SQLite's
** own functions.
*/
QUERYCACHE_API void *querycache_update_hook(sqlite3 *db,
                                            void (*hook)(void *argument, int operation,
                                                         const char *schema, const char *table,
                                                         sqlite3_int64 rowid),
                                            void *argument);
QUERYCACHE_API void *querycache_commit_hook(sqlite3 *db, int (*hook)(void *argument),
                                            void *argument);
QUERYCACHE_API void *querycache_rollback_hook(sqlite3 *db, void (*hook)(void *argument),
                                              void *argument);

/* ---- the cache of the process ---- */

/*
** The row of cache_stats; of several SQLite libraries, the sums. Counts since the start or
** cache_reset_stats(); times in microseconds. The struct may grow at its end: `size` says which one
** the program was compiled with.
*/
struct querycache_stats {
    size_t size; /* in: sizeof(struct querycache_stats) */
    sqlite3_int64 hits, misses, bypasses, coalesced;
    sqlite3_int64 insertions, rejections, evictions, expirations, invalidations;
    sqlite3_int64 entries, bytes, max_entries, max_bytes;
    sqlite3_int64 load_us, saved_us;
};

/*
** Fill what is behind `size`: of a smaller struct as much as it has, of a larger one the rest with
** zeroes.
**
**     struct querycache_stats stats = {.size = sizeof stats};
**     querycache_get_stats(&stats);
**
** SQLITE_OK; SQLITE_MISUSE where `stats` is NULL or `size` has no room for a single count;
** SQLITE_NOMEM.
*/
QUERYCACHE_API int querycache_get_stats(struct querycache_stats *stats);

/* Drop all entries; *dropped, if not NULL, is how many could still have been served. */
QUERYCACHE_API int querycache_clear(sqlite3_int64 *dropped);

/* Drop what depends on a table, as a connection names it: "sales", or "main.sales". `dropped` as
** above. SQLITE_MISUSE where `table` is NULL, the connection has no cache, or is one of a parent
** process that this one was forked from; SQLITE_NOMEM. */
QUERYCACHE_API int querycache_invalidate_table(sqlite3 *db, const char *table,
                                               sqlite3_int64 *dropped);

/* Set a setting of cache_config: querycache_configure("max_bytes", "256 MiB", NULL). SQLITE_ERROR
** for an unknown name or a bad value, with a text in *error, if not NULL, to be freed with
** sqlite3_free(). */
QUERYCACHE_API int querycache_configure(const char *name, const char *value, char **error);

#ifdef __cplusplus
}
#endif

#endif
