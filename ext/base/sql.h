/*
** Statements that the extension runs for itself, on the application's connection. Used under the
** connection's mutex.
*/
#ifndef QUERYCACHE_BASE_SQL_H
#define QUERYCACHE_BASE_SQL_H

#include "base/sqlite.h"

/*
** Prepare one, without an entry in the application's error log where that fails (SQLite can do so
** since 3.48). The text is a format as in sqlite3_mprintf(). SQLite's error code, or SQLITE_NOMEM.
*/
int sql_prepare(sqlite3 *db, sqlite3_stmt **statement, const char *format, ...);

#endif
