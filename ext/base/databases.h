/*
** The databases of a connection: main is number 0, temp 1, and what is attached comes behind, as
** `PRAGMA database_list` shows them. Where SQLite offers it (sqlite3_db_name(), since 3.39) they
** are found without a statement, which the application's authorizer, trace and log would hear of.
** Used under the connection's mutex.
**
**     struct databases list = databases_of(db);
**     while (databases_next(&list))
**         … list.index, list.name …
**     rc = databases_end(&list);
*/
#ifndef QUERYCACHE_BASE_DATABASES_H
#define QUERYCACHE_BASE_DATABASES_H

#include <stdbool.h>

#include "base/sqlite.h"

struct databases {
    int index;        /* SQLite's number of the one at hand */
    const char *name; /* SQLite's memory; stays until the next call, or the next DETACH */
    sqlite3 *db;
    sqlite3_stmt *pragma; /* where the names have to be asked for so */
    int rc;
};

struct databases databases_of(sqlite3 *db);

/* Go to the next one that is open; temp is once it holds something. False behind the last. */
bool databases_next(struct databases *list);

/* In any case, also before the last: SQLITE_OK, or what went wrong. */
int databases_end(struct databases *list);

/* True where sqlite3_db_name() can be called: also in a hook. */
bool databases_have_names(void);

#endif
