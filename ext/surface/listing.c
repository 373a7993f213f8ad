#include "surface/listing.h"

#include "base/error.h"
#include "base/memory.h"
#include "read/cells.h"
#include "surface/arguments.h"

struct listing_vtab {
    sqlite3_vtab base; /* must be first */
    struct session *session;
    const struct listing_table *table;
};

struct listing_cursor {
    sqlite3_vtab_cursor base; /* must be first */
    struct arguments arguments;
    struct result *rows; /* NULL before the first xFilter */
    uint64_t row;
};

/* ---- rows ---- */

int listing_add(struct result_builder *rows, const struct cell *row)
{
    return result_builder_add(rows, row) ? SQLITE_OK : SQLITE_NOMEM;
}

struct cell listing_statistic(const struct statistic *statistic, const struct measured *measured)
{
    double ratio;
    if (statistic->kind != STATISTIC_RATIO)
        return listing_integer(statistic->value(measured));
    return statistics_hit_rate(measured, &ratio) ? listing_real(ratio) : listing_null();
}

/* ---- the table ---- */

/* SQLite connects an eponymous table when a statement first names it. */
static int listing_connect(sqlite3 *db, void *client, int argc, const char *const *argv,
                           sqlite3_vtab **vtab, char **error)
{
    const struct surface_module *module = client;
    const struct listing_table *table = module->table;
    (void)argc, (void)argv, (void)error;
    int code = sqlite3_declare_vtab(db, table->declaration);
    /* What can be written, and what runs a SQL text, is not for somebody else's schema. */
    if (code == SQLITE_OK && (table->update != NULL || table->arguments > 0))
        code = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (code != SQLITE_OK)
        return code;
    struct listing_vtab *listing = memory_alloc_zero(sizeof *listing);
    if (listing == NULL)
        return SQLITE_NOMEM;
    listing->session = module->session;
    listing->table = table;
    session_connected(module->session);
    *vtab = &listing->base;
    return SQLITE_OK;
}

static int listing_disconnect(sqlite3_vtab *vtab)
{
    struct listing_vtab *listing = (struct listing_vtab *)vtab;
    session_disconnected(listing->session);
    memory_free(listing);
    return SQLITE_OK;
}

/* Every query reads all rows. Where there is an argument, it comes first in a join. */
static int listing_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
    const struct listing_table *table = ((struct listing_vtab *)vtab)->table;
    info->estimatedRows = 100;
    info->estimatedCost = 10000;
    return arguments_plan(info, (int)table->columns, table->arguments);
}

/* ---- the cursor ---- */

static int listing_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out)
{
    struct listing_cursor *cursor = memory_alloc_zero(sizeof *cursor);
    (void)vtab;
    if (cursor == NULL)
        return SQLITE_NOMEM;
    *out = &cursor->base;
    return SQLITE_OK;
}

static void cursor_empty(struct listing_cursor *cursor)
{
    if (cursor->rows != NULL)
        result_release(cursor->rows);
    cursor->rows = NULL;
    arguments_clear(&cursor->arguments);
}

static int listing_close(sqlite3_vtab_cursor *base)
{
    struct listing_cursor *cursor = (struct listing_cursor *)base;
    cursor_empty(cursor);
    memory_free(cursor);
    return SQLITE_OK;
}

/* A query starts, or starts over: collect the rows as they are now. */
static int listing_filter(sqlite3_vtab_cursor *base, int plan, const char *plan_text, int argc,
                          sqlite3_value **argv)
{
    struct listing_cursor *cursor = (struct listing_cursor *)base;
    struct listing_vtab *listing = (struct listing_vtab *)base->pVtab;
    const struct listing_table *table = listing->table;
    (void)plan_text, (void)argc;
    cursor_empty(cursor);
    int code = arguments_take(&cursor->arguments, plan, argv);
    if (code != SQLITE_OK)
        return code;
    struct result_builder *rows = result_builder_new(table->columns + 1);
    if (rows == NULL)
        return SQLITE_NOMEM;
    char *error = NULL;
    code = session_check(listing->session, &error);
    if (code == SQLITE_OK)
        code = table->collect(listing->session, rows, cursor->arguments.values[0], &error);
    if (code == SQLITE_OK)
        error_forget(listing->session->db);
    if (code != SQLITE_OK) {
        result_builder_free(rows);
        sqlite3_free(listing->base.zErrMsg);
        listing->base.zErrMsg = error;
        return code;
    }
    cursor->rows = result_builder_finish(rows);
    cursor->row = 0;
    return cursor->rows == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

static int listing_next(sqlite3_vtab_cursor *base)
{
    ((struct listing_cursor *)base)->row++;
    return SQLITE_OK;
}

static int listing_eof(sqlite3_vtab_cursor *base)
{
    const struct listing_cursor *cursor = (struct listing_cursor *)base;
    return cursor->rows == NULL || cursor->row >= result_rows(cursor->rows);
}

static int listing_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct listing_cursor *cursor = (struct listing_cursor *)base;
    int columns = (int)((struct listing_vtab *)base->pVtab)->table->columns;
    if (column >= columns) {
        arguments_result(&cursor->arguments, column - columns, context);
        return SQLITE_OK;
    }
    struct cell cell = result_cell(cursor->rows, cursor->row, (unsigned)column);
    cell_give(context, cell);
    return SQLITE_OK;
}

static int listing_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    const struct listing_cursor *cursor = (struct listing_cursor *)base;
    const struct listing_vtab *listing = (struct listing_vtab *)base->pVtab;
    *rowid = result_cell(cursor->rows, cursor->row, listing->table->columns).integer;
    return SQLITE_OK;
}

/* INSERT, UPDATE or DELETE of one row, which may come after the cursor was closed. */
static int listing_update(sqlite3_vtab *vtab, int argc, sqlite3_value **argv, sqlite3_int64 *rowid)
{
    struct listing_vtab *listing = (struct listing_vtab *)vtab;
    char *error = NULL;
    (void)rowid;
    int code = session_check(listing->session, &error);
    if (code == SQLITE_OK)
        code = listing->table->update(listing->session, argc, argv, &error);
    if (code != SQLITE_OK) {
        sqlite3_free(vtab->zErrMsg);
        vtab->zErrMsg = error;
    }
    return code;
}

/* Without xCreate: the table is there by its name alone. */
#define LISTING_METHODS                                                                            \
    .xConnect = listing_connect, .xBestIndex = listing_best_index,                                 \
    .xDisconnect = listing_disconnect, .xOpen = listing_open, .xClose = listing_close,             \
    .xFilter = listing_filter, .xNext = listing_next, .xEof = listing_eof,                         \
    .xColumn = listing_column, .xRowid = listing_rowid

static const sqlite3_module readable_module = {LISTING_METHODS};
static const sqlite3_module writable_module = {LISTING_METHODS, .xUpdate = listing_update};

int listing_register(sqlite3 *db, struct session *session, const struct listing_table *table)
{
    const sqlite3_module *module = table->update != NULL ? &writable_module : &readable_module;
    return surface_create_module(db, session, table->name, module, table);
}
