/*
** The surface: what SQL sees of the cache. Each virtual table has a file of its own with one
** function that registers it; this header lists those, and has what the files share. Nothing here
** decides what is kept or served.
**
** A registered module or function holds a reference on the session, which its destructor releases.
*/
#ifndef QUERYCACHE_SURFACE_SURFACE_H
#define QUERYCACHE_SURFACE_SURFACE_H

#include "base/sqlite.h"
#include "session/session.h"

/* One for each file. */
int cache_table_register(sqlite3 *db, struct session *session);
int stats_table_register(sqlite3 *db, struct session *session);
int definitions_table_register(sqlite3 *db, struct session *session);
int entries_table_register(sqlite3 *db, struct session *session);
int tables_table_register(sqlite3 *db, struct session *session);
int config_table_register(sqlite3 *db, struct session *session);
int rows_table_register(sqlite3 *db, struct session *session);
int explain_table_register(sqlite3 *db, struct session *session);
int rules_table_register(sqlite3 *db, struct session *session);
int refusals_table_register(sqlite3 *db, struct session *session);
int functions_register(sqlite3 *db, struct session *session);
int views_register(sqlite3 *db, struct session *session);

/* What a module gets as its client data. */
struct surface_module {
    struct session *session;
    const void *table; /* what the module's xConnect wants to know of the table */
};

/* Create an eponymous table's module under `name`, which no user's table hides (querycache_stats),
** and under its short name (cache_stats). The module is static; so is `table`. */
int surface_create_module(sqlite3 *db, struct session *session, const char *name,
                          const sqlite3_module *module, const void *table);

/* The text of a function's argument; NULL after finishing it with an error: `missing` where the
** argument is NULL. */
const char *surface_text(sqlite3_context *context, sqlite3_value *value, const char *missing);

/* Finish a function with an error; takes *error over (sqlite3_mprintf, or NULL). */
void surface_result_error(sqlite3_context *context, int code, char *error);

/* JSON values are marked for SQLite's JSON functions by this subtype. */
#define SURFACE_JSON_SUBTYPE 'J'

#endif
