/*
** Calls of a cached table that cannot be answered, and the errors that show how they are written.
*/
#ifndef QUERYCACHE_SURFACE_CALL_H
#define QUERYCACHE_SURFACE_CALL_H

#include "session/cached_query.h"

/* Parameters have no value: SQLITE_ERROR, with a text in *error (sqlite3_mprintf), or
** SQLITE_NOMEM. */
int call_explain(const struct cached_query *query, char **error);

/* Of the values behind the first MOST_TRUSTED (access.h), none may be NULL where SQLite compares
** them once more. SQLITE_OK, or as above. */
int call_refuse_null(const struct cached_query *query, sqlite3_value **values, char **error);

#endif
