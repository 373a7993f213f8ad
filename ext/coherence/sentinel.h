/*
** The sentinel: a statement of ours that is there to be expired. SQLite expires every statement of
** a connection when a function, collation or authorizer is set, at DETACH, and by some PRAGMAs; a
** sentinel that has expired tells so. Used under the connection's mutex.
*/
#ifndef QUERYCACHE_COHERENCE_SENTINEL_H
#define QUERYCACHE_COHERENCE_SENTINEL_H

#include <stdbool.h>

#include "base/sqlite.h"

/* Put a new one in place of *sentinel (or NULL). SQLite's error code, and then there is none. */
int sentinel_set(sqlite3 *db, sqlite3_stmt **sentinel);

/* Finalize it: until it is set again, it counts as expired. */
void sentinel_drop(sqlite3_stmt **sentinel);

/* True once SQLite has expired the statements it had prepared, and where there is no sentinel. A
** statement's own flag would not tell: binding a value that the plan depends on sets it, too. Steps
** the sentinel where SQLite cannot be asked, so not to be called in a hook there. */
bool sentinel_has_expired(sqlite3_stmt *sentinel);

/* True where it can be told in a hook as well: SQLite has sqlite3_expired(). */
bool sentinel_tells_in_hooks(void);

#endif
