/*
** cache_rows: the rows of a SELECT, kept in the cache, as JSON objects. To be used like json_each.
**
**     SELECT row, value ->> 'name' FROM cache_rows('SELECT name FROM users WHERE id = ?', 7);
*/
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "coherence/snapshot.h"
#include "query/json.h"
#include "read/ad_hoc.h"
#include "surface/arguments.h"
#include "surface/surface.h"

enum { ROWS_ROW, ROWS_VALUE, ROWS_SQL };
enum { ROWS_PARAMETERS = 16, ROWS_ARGUMENTS = 1 + ROWS_PARAMETERS };

#define ROWS_DECLARATION                                                                           \
    "CREATE TABLE cache_rows(row INTEGER, value TEXT, sql TEXT HIDDEN, p1 BLOB HIDDEN, p2 BLOB "   \
    "HIDDEN, "                                                                                     \
    "p3 BLOB HIDDEN, p4 BLOB HIDDEN, p5 BLOB HIDDEN, p6 BLOB HIDDEN, p7 BLOB HIDDEN, p8 BLOB "     \
    "HIDDEN, p9 BLOB HIDDEN, p10 BLOB HIDDEN, "                                                    \
    "p11 BLOB HIDDEN, p12 BLOB HIDDEN, p13 BLOB HIDDEN, p14 BLOB HIDDEN, p15 BLOB HIDDEN, p16 "    \
    "BLOB HIDDEN)"
#define ROWS_CALL "SELECT row, value FROM cache_rows('SELECT … WHERE id = ?', 7)"

struct rows_vtab {
    sqlite3_vtab base; /* must be first */
    struct session *session;
};

struct rows_cursor {
    sqlite3_vtab_cursor base; /* must be first */
    struct arguments arguments;
    struct result *result; /* NULL before the first xFilter */
    char **names;          /* of its columns, in one block: the query itself may go */
    uint64_t row;
};

/* SQLite connects an eponymous table when a statement first names it. */
static int rows_connect(sqlite3 *db, void *client, int argc, const char *const *argv,
                        sqlite3_vtab **vtab, char **error)
{
    const struct surface_module *module = client;
    (void)argc, (void)argv, (void)error;
    int code = sqlite3_declare_vtab(db, ROWS_DECLARATION);
    /* It runs SQL text, so it is not for somebody else's schema. */
    if (code == SQLITE_OK)
        code = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (code != SQLITE_OK)
        return code;
    struct rows_vtab *rows = memory_alloc_zero(sizeof *rows);
    if (rows == NULL)
        return SQLITE_NOMEM;
    rows->session = module->session;
    session_connected(module->session);
    *vtab = &rows->base;
    return SQLITE_OK;
}

static int rows_disconnect(sqlite3_vtab *vtab)
{
    struct rows_vtab *rows = (struct rows_vtab *)vtab;
    session_disconnected(rows->session);
    memory_free(rows);
    return SQLITE_OK;
}

/* A plan without the SQL text is accepted here and refused by xFilter, which can say why. */
static int rows_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
    /* As an eponymous table it is read in a transaction of main that SQLite opens before it
    ** asks. */
    snapshot_prepare(((struct rows_vtab *)vtab)->session->observer);
    info->estimatedRows = 100;
    info->estimatedCost = 10000;
    return arguments_plan(info, ROWS_SQL, ROWS_ARGUMENTS);
}

static int rows_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out)
{
    struct rows_cursor *cursor = memory_alloc_zero(sizeof *cursor);
    (void)vtab;
    if (cursor == NULL)
        return SQLITE_NOMEM;
    *out = &cursor->base;
    return SQLITE_OK;
}

static void cursor_empty(struct rows_cursor *cursor)
{
    if (cursor->result != NULL)
        result_release(cursor->result);
    memory_free(cursor->names);
    cursor->result = NULL;
    cursor->names = NULL;
    arguments_clear(&cursor->arguments);
}

static int rows_close(sqlite3_vtab_cursor *base)
{
    struct rows_cursor *cursor = (struct rows_cursor *)base;
    cursor_empty(cursor);
    memory_free(cursor);
    return SQLITE_OK;
}

/* How many parameters there are; -1 when one before the last is missing. */
static int count_parameters(const struct arguments *arguments)
{
    int count = 0;
    while (count < ROWS_PARAMETERS && arguments->values[1 + count] != NULL)
        count++;
    for (int i = count; i < ROWS_PARAMETERS; i++)
        if (arguments->values[1 + i] != NULL)
            return -1;
    return count;
}

/* The arguments of a read, or an error that says what is missing. */
static int check_arguments(const struct arguments *arguments, const char **sql, int *count,
                           char **error)
{
    sqlite3_value *text = arguments->values[0];
    if (text == NULL || sqlite3_value_type(text) == SQLITE_NULL)
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("cache_rows needs the text of a SELECT: " ROWS_CALL));
    *count = count_parameters(arguments);
    if (*count < 0)
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("cache_rows has a parameter but not all before it; "
                                         "give them from p1 on without a gap: " ROWS_CALL));
    *sql = (const char *)sqlite3_value_text(text);
    return *sql == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

/* The names in one block, pointers first. */
static char **copy_names(const struct columns *columns)
{
    size_t size = columns->count * sizeof(char *);
    for (unsigned i = 0; i < columns->count; i++)
        size += strlen(columns->names[i]) + 1;
    char **names = memory_alloc(size);
    if (names == NULL)
        return NULL;
    char *text = (char *)(names + columns->count);
    for (unsigned i = 0; i < columns->count; i++) {
        size_t length = strlen(columns->names[i]) + 1;
        names[i] = memcpy(text, columns->names[i], length);
        text += length;
    }
    return names;
}

static int rows_filter(sqlite3_vtab_cursor *base, int plan, const char *plan_text, int argc,
                       sqlite3_value **argv)
{
    struct rows_cursor *cursor = (struct rows_cursor *)base;
    struct rows_vtab *rows = (struct rows_vtab *)base->pVtab;
    struct cached_query *query = NULL;
    const char *sql = NULL;
    char *error = NULL;
    int count = 0;
    (void)plan_text, (void)argc;
    cursor_empty(cursor);
    cursor->row = 0;
    int code = arguments_take(&cursor->arguments, plan, argv);
    if (code == SQLITE_OK)
        code = check_arguments(&cursor->arguments, &sql, &count, &error);
    if (code == SQLITE_OK)
        code = ad_hoc_read(rows->session, sql, count, cursor->arguments.values + 1, &cursor->result,
                           &query, &error);
    if (code == SQLITE_OK) {
        cursor->names = copy_names(&query->definition.columns);
        return cursor->names == NULL ? SQLITE_NOMEM : SQLITE_OK;
    }
    sqlite3_free(rows->base.zErrMsg);
    rows->base.zErrMsg = error;
    return code;
}

static int rows_next(sqlite3_vtab_cursor *base)
{
    ((struct rows_cursor *)base)->row++;
    return SQLITE_OK;
}

static int rows_eof(sqlite3_vtab_cursor *base)
{
    const struct rows_cursor *cursor = (struct rows_cursor *)base;
    return cursor->result == NULL || cursor->row >= result_rows(cursor->result);
}

static void result_object(const struct rows_cursor *cursor, sqlite3_context *context)
{
    struct buffer json = {0};
    json_add_row(&json, cursor->result, cursor->row, (const char *const *)cursor->names);
    size_t size = json.size;
    char *text = buffer_take(&json);
    if (text == NULL) {
        sqlite3_result_error_nomem(context);
        return;
    }
    sqlite3_result_text64(context, text, size, memory_free, SQLITE_UTF8);
    sqlite3_result_subtype(context, SURFACE_JSON_SUBTYPE);
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct rows_cursor *cursor = (struct rows_cursor *)base;
    switch (column) {
    case ROWS_ROW:
        sqlite3_result_int64(context, (sqlite3_int64)cursor->row + 1);
        break;
    case ROWS_VALUE:
        result_object(cursor, context);
        break;
    default:
        arguments_result(&cursor->arguments, column - ROWS_SQL, context);
        break;
    }
    return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    *rowid = (sqlite3_int64)((const struct rows_cursor *)base)->row + 1;
    return SQLITE_OK;
}

/* Without xCreate: the table is there by its name alone. */
static const sqlite3_module rows_module = {
    .xConnect = rows_connect,
    .xBestIndex = rows_best_index,
    .xDisconnect = rows_disconnect,
    .xOpen = rows_open,
    .xClose = rows_close,
    .xFilter = rows_filter,
    .xNext = rows_next,
    .xEof = rows_eof,
    .xColumn = rows_column,
    .xRowid = rows_rowid,
};

int rows_table_register(sqlite3 *db, struct session *session)
{
    return surface_create_module(db, session, "querycache_rows", &rows_module, NULL);
}
