/*
** Pages: what writes a file's pages past the update hook. That is the table sqlite_dbpage, where
** SQLite was compiled with it, and tables made with it as their module. The connection's module is
** replaced by one that does the same through SQLite's own, and tells of each page that was written.
** Used under the connection's mutex.
*/
#ifndef QUERYCACHE_COHERENCE_PAGES_H
#define QUERYCACHE_COHERENCE_PAGES_H

#include <stdbool.h>

#include "base/sqlite.h"

/* A page of the database `schema` was written. Called as the update hook is. */
typedef void (*page_hook)(void *context, const char *schema);

struct pages;

/* From now on `written` is called with `context`. *pages is NULL where SQLite has no such table,
** and becomes NULL when the connection drops its modules. False when memory is short. */
bool pages_watch(sqlite3 *db, page_hook written, void *context, struct pages **pages);

/* `written` is not called any more; may be NULL. */
void pages_unwatch(struct pages *pages);

#endif
