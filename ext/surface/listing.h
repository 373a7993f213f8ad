/*
** A listing: an eponymous virtual table whose rows are collected when a query over it starts, and
** then stay as they are. A table's file says what the columns are and how the rows come about; the
** cursor is here, once for all.
*/
#ifndef QUERYCACHE_SURFACE_LISTING_H
#define QUERYCACHE_SURFACE_LISTING_H

#include <string.h>

#include "metrics/statistics.h"
#include "store/result.h"
#include "surface/surface.h"

struct listing_table {
    const char *name;        /* querycache_…; cache_… comes by itself */
    const char *declaration; /* for sqlite3_declare_vtab(): the columns, and then the arguments */
    unsigned columns;
    int arguments; /* hidden columns behind them: none or one */

    /*
    ** Add the rows, each of `columns` cells and a last one that is its rowid. `argument` is NULL
    ** where none was given. SQLITE_OK; or an error code, and a text in *error (sqlite3_mprintf) or
    ** NULL.
    */
    int (*collect)(struct session *session, struct result_builder *rows, sqlite3_value *argument,
                   char **error);

    /* xUpdate, NULL for a table that cannot be written. Errors as above. */
    int (*update)(struct session *session, int argc, sqlite3_value **argv, char **error);
};

/* Register it under both names. `table` is static. */
int listing_register(sqlite3 *db, struct session *session, const struct listing_table *table);

/* Add a row; the bytes are copied. SQLITE_OK or SQLITE_NOMEM. */
int listing_add(struct result_builder *rows, const struct cell *row);

static inline struct cell listing_null(void)
{
    return (struct cell){.type = CELL_NULL};
}

static inline struct cell listing_integer(int64_t value)
{
    return (struct cell){.type = CELL_INTEGER, .integer = value};
}

static inline struct cell listing_count(uint64_t value)
{
    return listing_integer((int64_t)value);
}

static inline struct cell listing_real(double value)
{
    return (struct cell){.type = CELL_REAL, .real = value};
}

/* NULL for no text. The bytes stay the caller's. */
static inline struct cell listing_text(const char *text)
{
    if (text == NULL)
        return listing_null();
    return (struct cell){.type = CELL_TEXT, .bytes = text, .size = strlen(text)};
}

/* What a statistic comes to. */
struct cell listing_statistic(const struct statistic *statistic, const struct measured *measured);

#endif
