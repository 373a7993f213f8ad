/*
** Names: what the columns of a SELECT are called. A statement's follow PRAGMA full_column_names and
** short_column_names; a view's do not, and neither do a cached table's, which is created once. All
** are made unique, as SQLite makes those of a subquery. Called under the connection's mutex.
*/
#ifndef QUERYCACHE_QUERY_NAMES_H
#define QUERYCACHE_QUERY_NAMES_H

#include <stdbool.h>

#include "base/sqlite.h"

/* The SELECT as a subquery, whose columns names_read_view() reads. The caller finalizes. SQLite's
** error codes. */
int names_prepare_subquery(sqlite3 *db, const char *sql, sqlite3_stmt **subquery);

/*
** Whether names are long: under full_column_names without short_column_names SQLite puts the table
** before the name of each column that comes by `*`, in subqueries, too. To set either expires all
** statements. SQLite's error codes.
*/
int names_are_long(sqlite3 *db, bool *are_long);

/* The names that a statement has just now; those of a view of the SELECT. There is room for one of
** each column; the caller frees each with memory_free(), after an error as well. SQLite's error
** codes. */
int names_read_statement(sqlite3_stmt *statement, char **names);
int names_read_view(sqlite3 *db, const char *sql, sqlite3_stmt *subquery, bool are_long,
                    char **names);

#endif
