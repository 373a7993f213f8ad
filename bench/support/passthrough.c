#include "passthrough.h"

#include <string.h>

struct passthrough {
    sqlite3_vtab base; /* must be first */
    sqlite3_stmt *statement;
};

struct passthrough_cursor {
    sqlite3_vtab_cursor base; /* must be first */
    sqlite3_stmt *statement;  /* the table's: one cursor at a time */
    sqlite3_int64 row;
    int rc; /* of the last step */
};

static int passthrough_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                               sqlite3_vtab **table, char **error)
{
    (void)aux;
    struct passthrough *made = sqlite3_malloc(sizeof *made);
    if (made == NULL || argc < 4)
        return SQLITE_ERROR;
    memset(made, 0, sizeof *made);
    *table = &made->base;
    char *select = sqlite3_mprintf("SELECT * FROM %s", argv[3]);
    int rc = sqlite3_prepare_v3(db, select, -1, SQLITE_PREPARE_PERSISTENT, &made->statement, NULL);
    sqlite3_free(select);
    if (rc != SQLITE_OK) {
        *error = sqlite3_mprintf("%s", sqlite3_errmsg(db));
        sqlite3_free(made);
        return rc;
    }
    sqlite3_str *shape = sqlite3_str_new(db);
    for (int i = 0; i < sqlite3_column_count(made->statement); i++)
        sqlite3_str_appendf(shape, "%s c%d", i > 0 ? "," : "CREATE TABLE x(", i);
    sqlite3_str_appendchar(shape, 1, ')');
    char *text = sqlite3_str_finish(shape);
    rc = sqlite3_declare_vtab(db, text);
    sqlite3_free(text);
    return rc;
}

/* A function of its own: were it passthrough_connect(), the table would be eponymous. */
static int passthrough_create(sqlite3 *db, void *aux, int argc, const char *const *argv,
                              sqlite3_vtab **table, char **error)
{
    return passthrough_connect(db, aux, argc, argv, table, error);
}

static int passthrough_disconnect(sqlite3_vtab *table)
{
    sqlite3_finalize(((struct passthrough *)table)->statement);
    sqlite3_free(table);
    return SQLITE_OK;
}

static int passthrough_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    info->estimatedCost = 1;
    return SQLITE_OK;
}

static int passthrough_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    struct passthrough_cursor *opened = sqlite3_malloc(sizeof *opened);
    if (opened == NULL)
        return SQLITE_NOMEM;
    memset(opened, 0, sizeof *opened);
    opened->statement = ((struct passthrough *)table)->statement;
    *cursor = &opened->base;
    return SQLITE_OK;
}

static int passthrough_close(sqlite3_vtab_cursor *cursor)
{
    sqlite3_reset(((struct passthrough_cursor *)cursor)->statement);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int passthrough_next(sqlite3_vtab_cursor *base)
{
    struct passthrough_cursor *cursor = (struct passthrough_cursor *)base;
    cursor->row++;
    cursor->rc = sqlite3_step(cursor->statement);
    return cursor->rc == SQLITE_ROW || cursor->rc == SQLITE_DONE ? SQLITE_OK : cursor->rc;
}

static int passthrough_filter(sqlite3_vtab_cursor *base, int plan, const char *index_text, int argc,
                              sqlite3_value **argv)
{
    (void)plan, (void)index_text, (void)argc, (void)argv;
    struct passthrough_cursor *cursor = (struct passthrough_cursor *)base;
    sqlite3_reset(cursor->statement);
    cursor->row = 0;
    return passthrough_next(base);
}

static int passthrough_eof(sqlite3_vtab_cursor *cursor)
{
    return ((struct passthrough_cursor *)cursor)->rc != SQLITE_ROW;
}

static int passthrough_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    sqlite3_stmt *statement = ((struct passthrough_cursor *)cursor)->statement;
    sqlite3_result_value(context, sqlite3_column_value(statement, column));
    return SQLITE_OK;
}

static int passthrough_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid)
{
    *rowid = ((struct passthrough_cursor *)cursor)->row;
    return SQLITE_OK;
}

static const sqlite3_module passthrough_module = {
    .iVersion = 0,
    .xCreate = passthrough_create,
    .xConnect = passthrough_connect,
    .xBestIndex = passthrough_best_index,
    .xDisconnect = passthrough_disconnect,
    .xDestroy = passthrough_disconnect,
    .xOpen = passthrough_open,
    .xClose = passthrough_close,
    .xFilter = passthrough_filter,
    .xNext = passthrough_next,
    .xEof = passthrough_eof,
    .xColumn = passthrough_column,
    .xRowid = passthrough_rowid,
};

int passthrough_register(sqlite3 *db)
{
    return sqlite3_create_module(db, "passthrough", &passthrough_module, NULL);
}
