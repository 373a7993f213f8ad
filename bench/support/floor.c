#include "floor.h"

#include <stdlib.h>
#include <string.h>

#define FLOOR_SHAPE "CREATE TABLE x(name TEXT, quantity INTEGER, price REAL, id HIDDEN)"
enum { FLOOR_NAME, FLOOR_QUANTITY, FLOOR_PRICE, FLOOR_ID };

#define FLOOR_TEXT "item 5000"

struct floor_table {
    sqlite3_vtab base; /* must be first */
    int rows;
};

struct floor_cursor {
    sqlite3_vtab_cursor base; /* must be first */
    int row;
    int rows;
};

static int floor_connect(sqlite3 *connection, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **table, char **error)
{
    (void)aux, (void)error;
    struct floor_table *made = sqlite3_malloc(sizeof *made);
    if (made == NULL)
        return SQLITE_NOMEM;
    memset(made, 0, sizeof *made);
    made->rows = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1;
    *table = &made->base;
    return sqlite3_declare_vtab(connection, FLOOR_SHAPE);
}

/* A function of its own: were it floor_connect(), the table would be eponymous, and of `main`. */
static int floor_create(sqlite3 *connection, void *aux, int argc, const char *const *argv,
                        sqlite3_vtab **table, char **error)
{
    return floor_connect(connection, aux, argc, argv, table, error);
}

static int floor_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

static int floor_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].iColumn != FLOOR_ID || !info->aConstraint[i].usable)
            continue;
        info->aConstraintUsage[i].argvIndex = 1;
        info->aConstraintUsage[i].omit = 1;
    }
    info->estimatedCost = 1;
    info->estimatedRows = ((struct floor_table *)table)->rows;
    return SQLITE_OK;
}

static int floor_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    struct floor_cursor *opened = sqlite3_malloc(sizeof *opened);
    if (opened == NULL)
        return SQLITE_NOMEM;
    memset(opened, 0, sizeof *opened);
    opened->rows = ((struct floor_table *)table)->rows;
    *cursor = &opened->base;
    return SQLITE_OK;
}

static int floor_close(sqlite3_vtab_cursor *cursor)
{
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int floor_filter(sqlite3_vtab_cursor *cursor, int plan, const char *index_text, int argc,
                        sqlite3_value **argv)
{
    (void)plan, (void)index_text, (void)argc, (void)argv;
    ((struct floor_cursor *)cursor)->row = 0;
    return SQLITE_OK;
}

static int floor_next(sqlite3_vtab_cursor *cursor)
{
    ((struct floor_cursor *)cursor)->row++;
    return SQLITE_OK;
}

static int floor_eof(sqlite3_vtab_cursor *cursor)
{
    const struct floor_cursor *reading = (struct floor_cursor *)cursor;
    return reading->row >= reading->rows;
}

static int floor_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    (void)cursor;
    if (column == FLOOR_NAME)
        sqlite3_result_text(context, FLOOR_TEXT, sizeof FLOOR_TEXT - 1, SQLITE_STATIC);
    else if (column == FLOOR_QUANTITY)
        sqlite3_result_int(context, 1);
    else if (column == FLOOR_PRICE)
        sqlite3_result_double(context, 0.5);
    return SQLITE_OK;
}

static int floor_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid)
{
    *rowid = ((struct floor_cursor *)cursor)->row + 1;
    return SQLITE_OK;
}

static const sqlite3_module floor_module = {
    .iVersion = 0,
    .xCreate = floor_create,
    .xConnect = floor_connect,
    .xBestIndex = floor_best_index,
    .xDisconnect = floor_disconnect,
    .xDestroy = floor_disconnect,
    .xOpen = floor_open,
    .xClose = floor_close,
    .xFilter = floor_filter,
    .xNext = floor_next,
    .xEof = floor_eof,
    .xColumn = floor_column,
    .xRowid = floor_rowid,
};

int floor_register(sqlite3 *db)
{
    return sqlite3_create_module(db, "constant", &floor_module, NULL);
}
