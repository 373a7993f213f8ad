/*
** Running a statement to its end, into a result. Called under the connection's mutex.
*/
#ifndef QUERYCACHE_READ_RUN_H
#define QUERYCACHE_READ_RUN_H

#include "base/sqlite.h"
#include "query/parameters.h"
#include "store/result.h"

/*
** Bind one value per parameter, run the statement, reset it, and clear its bindings. SQLITE_OK and
** a result that the caller releases; or SQLite's error code, the text being in sqlite3_errmsg().
** *recompiled tells whether SQLite compiled the statement anew: because a schema changed, or
** because the plan depends on a parameter's value. SQLITE_SCHEMA: it then has other columns.
*/
int run_statement(sqlite3_stmt *statement, const struct parameters *parameters,
                  sqlite3_value **values, struct result **result, _Bool *recompiled);

/* One value for each parameter; SQLite's error code. */
int run_bind(sqlite3_stmt *statement, const struct parameters *parameters, sqlite3_value **values);

/* Add the row that the statement stands on; `row` has room for its cells. SQLITE_OK or
** SQLITE_NOMEM. */
int run_add_row(sqlite3_stmt *statement, struct result_builder *builder, struct cell *row,
                int columns);

#endif
