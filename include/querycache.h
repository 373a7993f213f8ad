/*
** querycache: an SQLite extension that keeps query results in memory and hands them back for as
** long as they are exactly what the query would return now.
**
** Most applications need none of this: they load the extension, and everything else is SQL. This
** header is for those that link it in:
**
**     sqlite3_auto_extension((void (*)(void))sqlite3_querycache_init);  // every new connection
**     querycache_init(db);                                              // or one at a time
**
** All functions are thread-safe, as far as the connection they are given is.
*/
#ifndef QUERYCACHE_H
#define QUERYCACHE_H

#include <sqlite3.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUERYCACHE_VERSION "0.1.0"
#define QUERYCACHE_VERSION_NUMBER 1000 /* major * 1000000 + minor * 1000 + patch */

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
** than 3.34.0 or a bad environment variable; SQLITE_MISUSE where the extension is a library that
** was not yet loaded by SQLite.
*/
QUERYCACHE_API int querycache_init(sqlite3 *db);

/* QUERYCACHE_VERSION of the library, which may differ from that of this header. Static storage. */
QUERYCACHE_API const char *querycache_version(void);

#ifdef __cplusplus
}
#endif

#endif
