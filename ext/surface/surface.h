/*
** The surface: what SQL sees of the cache. Each virtual table has a file of its own with one
** function that registers it; this header lists them, and has what they share. Nothing here decides
** what is kept or served.
**
** A registered module or function holds a reference on the session, which its destructor releases.
*/
#ifndef QUERYCACHE_SURFACE_SURFACE_H
#define QUERYCACHE_SURFACE_SURFACE_H

#include "base/sqlite.h"
#include "session/session.h"

/* Register everything on the session's connection. SQLite's error code when something could not
** be; what is registered by then stays, and works. */
int surface_register(sqlite3 *db, struct session *session);

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

/* The same session with one more reference. */
struct session *surface_retain(struct session *session);

/* What a module gets as its client data. */
struct surface_module {
    struct session *session;
    const void *table; /* what the module's xConnect wants to know of the table */
};

/* Create an eponymous table's module under `name`, which no user's table hides (querycache_stats), and
** under its short name (cache_stats). The module is static; so is `table`. */
int surface_create_module(sqlite3 *db, struct session *session, const char *name,
                          const sqlite3_module *module, const void *table);

/* The text of a function's argument; NULL after finishing it with an error: `missing` where the
** argument is NULL. */
const char *surface_text(sqlite3_context *context, sqlite3_value *value, const char *missing);

/* Finish a function with an error; takes *error over (sqlite3_mprintf, or NULL). */
void surface_result_error(sqlite3_context *context, int code, char *error);

/* Give a cell. Text and blobs are copied: SQLite may keep them longer than a cursor its result.
** Where SQLite finds the end of a text itself, the copy counts as terminated; else it would be
** terminated, and in older versions moved, when somebody reads it. */
static inline void surface_result_cell(sqlite3_context *context, struct cell cell)
{
    switch (cell.type) {
    case CELL_INTEGER:
        sqlite3_result_int64(context, cell.integer);
        break;
    case CELL_REAL:
        sqlite3_result_double(context, cell.real);
        break;
    case CELL_TEXT:
        if (cell.terminated)
            sqlite3_result_text(context, cell.bytes, -1, SQLITE_TRANSIENT);
        else
            sqlite3_result_text64(context, cell.bytes, cell.size, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case CELL_BLOB:
        sqlite3_result_blob64(context, cell.size > 0 ? cell.bytes : "", cell.size,
                              SQLITE_TRANSIENT);
        break;
    case CELL_NULL:
        sqlite3_result_null(context);
        break;
    }
}

/* The same of a result's cell: the inner loop of a hit. In the first row a short text is lent: to copy
** it SQLite would allocate. In later rows a copy goes where the last one was, and is quicker. */
void surface_result_any_cell(sqlite3_context *context, const struct column *column, uint64_t row);

static inline void surface_result_at(sqlite3_context *context, struct lender *lender,
                                     const struct result *result, uint64_t row, unsigned number,
                                     bool first)
{
    const struct column *column = &result->columns[number];
    if (!column->plain) {
        surface_result_any_cell(context, column, row);
        return;
    }
    struct cell cell = result_plain_cell(column, row);
    if (!first || cell.type != CELL_TEXT || !cell.terminated ||
        !lender_give_text(lender, context, cell.bytes, cell.size))
        surface_result_cell(context, cell);
}

/* SQLITE_ERROR with this text in *error, or SQLITE_NOMEM when there is no text because memory was
** short: surface_failure(sqlite3_mprintf(…), error). */
int surface_failure(char *text, char **error);

/* Set a setting and let the store follow. Error codes as in config_set(). */
int surface_configure(const char *name, const char *value, char **error);

/* JSON values are marked for SQLite's JSON functions by this subtype. */
#define SURFACE_JSON_SUBTYPE 'J'

#endif
