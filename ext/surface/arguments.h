/*
** Arguments: the values that a table-valued function got for its hidden columns, which come last in
** its declaration. Each may be given as f(1, 2) or as WHERE p1 = 1 AND p2 IS 2.
*/
#ifndef QUERYCACHE_SURFACE_ARGUMENTS_H
#define QUERYCACHE_SURFACE_ARGUMENTS_H

#include "base/sqlite.h"

#define ARGUMENTS_MAX 17

struct arguments {
    sqlite3_value *values[ARGUMENTS_MAX]; /* NULL where none was given; owned */
};

/*
** For xBestIndex: hand each of the `count` hidden columns from `first` on the value it is
** compared with. idxNum gets a bit for each one given. SQLITE_CONSTRAINT when a value is known
** only in another order of the join. A second constraint on one column is left to SQLite, so it
** filters.
*/
int arguments_plan(sqlite3_index_info *info, int first, int count);

/* For xFilter: copy the values of the plan with that idxNum. SQLITE_OK or SQLITE_NOMEM. */
int arguments_take(struct arguments *arguments, int given, sqlite3_value **values);

void arguments_clear(struct arguments *arguments);

/* For xColumn: the value of that argument, NULL where none was given. */
void arguments_result(const struct arguments *arguments, int index, sqlite3_context *context);

#endif
