/*
** The `cache` module: a named cached query.
**
**   CREATE VIRTUAL TABLE temp.sales_by_region USING cache(
**     (SELECT region, sum(amount) AS total FROM sales WHERE year = :year GROUP BY region),
**     ttl = '5 min', max_entries = 1000, max_bytes = '16 MB');
**
**   SELECT * FROM sales_by_region(2024);
**   SELECT * FROM sales_by_region WHERE year = 2024 ORDER BY total DESC;
**
** Its columns are the SELECT's; the SELECT's parameters follow as hidden columns in number order. A
** row is served from a kept result, which the cursor holds on to whatever becomes of the entry.
*/
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "coherence/schema.h"
#include "coherence/snapshot.h"
#include "lookup/path.h"
#include "query/key.h"
#include "query/plan.h"
#include "query/token.h"
#include "read/cells.h"
#include "read/read.h"
#include "surface/call.h"
#include "surface/surface.h"

struct cache_table {
    sqlite3_vtab base; /* must be first */
    struct session *session;
    struct cached_query *query;
    int columns;  /* declared, before the hidden ones */
    char *broken; /* why the SELECT did not prepare when the table was connected; NULL: it did */
    struct cache_cursor *spare; /* a closed one, for the next to be opened; or NULL */
};

/* Parameters that take so many bytes, encoded, need no allocation: 7 numbers, or a word or two. */
#define PARAMETER_ROOM 64

struct cache_cursor {
    sqlite3_vtab_cursor base; /* must be first */
    struct result *result;    /* NULL before the first xFilter */
    uint64_t row;
    uint64_t first;       /* the row that came first */
    struct path path;     /* to the rows, where they are not all, in their order */
    struct buffer params; /* encoded (query/key.h): for the key, and for their hidden columns */
    char room[PARAMETER_ROOM];
};

/* idxNum: whether every parameter has a value (access.h), and then the access, shifted. */
enum { PLAN_COMPLETE, PLAN_INCOMPLETE, PLAN_COMPARED, PLAN_BITS = 2 };
#define PLAN_MASK ((1 << PLAN_BITS) - 1)

/*
** idxStr belongs to one prepared plan, and lives as long. Its first byte keeps what is known of the
** plan; the question costs an EXPLAIN, so a statement that runs only once is not asked. Behind it
** EXPLAIN QUERY PLAN shows the access.
*/
enum plan_state { PLAN_NEW = 'n', PLAN_RAN = 'r', PLAN_ONCE = 'o', PLAN_MANY = 'm' };

/* ---- creating ---- */

/* The SELECT without its parentheses; caller frees. NULL and no error: memory is short. */
static char *take_select(const char *argument, char **error)
{
    struct token open = token_read_solid(argument);
    struct token last = open;
    struct token token = open;
    while (token.type != TOKEN_END) {
        last = token;
        token = token_next(token);
    }
    if (open.type == TOKEN_OPERATOR && *open.text == '(' && last.text > open.text &&
        last.type == TOKEN_OPERATOR && *last.text == ')')
        return memory_copy_text(open.text + 1, (size_t)(last.text - open.text - 1));
    *error = sqlite3_mprintf("the SELECT comes first, in parentheses: CREATE VIRTUAL TABLE "
                             "temp.name USING cache((SELECT …), ttl = '5 min'); got \"%.40s\"",
                             argument);
    return NULL;
}

static int read_options(struct options *options, int argc, const char *const *argv, char **error)
{
    unsigned given = 0;
    for (int i = 4; i < argc; i++) {
        int rc = options_read(options, &given, argv[i], error);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

/* One name and one SELECT are one named cache, on whatever connection. */
static int open_space(struct session *session, struct cached_query *query)
{
    const char *normalized = query->definition.normalized;
    query->space = store_space(session->store, query->name, normalized, strlen(normalized));
    if (query->space == NULL)
        return SQLITE_NOMEM;
    cached_query_apply_limits(query);
    return SQLITE_OK;
}

/* argv: module, schema, table, and then what stands between the parentheses. */
static int open_query(struct session *session, bool create, int argc, const char *const *argv,
                      struct cached_query **made, char **error)
{
    if (argc < 4)
        return error_set(
            error, SQLITE_ERROR,
            sqlite3_mprintf("there is no SELECT; write CREATE VIRTUAL TABLE temp.%s USING "
                            "cache((SELECT …), ttl = '5 min')",
                            argv[2]));
    struct cached_query *query = memory_alloc_zero(sizeof *query);
    if (query == NULL)
        return SQLITE_NOMEM;
    *made = query;
    query->schema = memory_copy_text(argv[1], strlen(argv[1]));
    query->name = memory_copy_text(argv[2], strlen(argv[2]));
    char *sql = take_select(argv[3], error);
    bool temp = sqlite3_stricmp(argv[1], "temp") == 0;
    query->in_temp = temp;
    struct definition_source source = {
        .sql = sql,
        .home = temp ? NULL : argv[1],
        .self = create ? argv[2] : NULL,
        .session = session->id,
        .as_view = true,
        .nesting = &session->nesting,
        .facts = &session->facts,
    };
    int rc = *error != NULL ? SQLITE_ERROR : SQLITE_OK;
    if (rc == SQLITE_OK && (query->schema == NULL || query->name == NULL || sql == NULL))
        rc = SQLITE_NOMEM;
    if (rc == SQLITE_OK)
        rc = read_options(&query->options, argc, argv, error);
    source.share = query->options.share != SHARE_CONNECTION;
    if (rc == SQLITE_OK)
        rc = definition_open(&query->definition, session->observer, &source, error);
    memory_free(sql);
    return rc == SQLITE_OK ? open_space(session, query) : rc;
}

static int declare(sqlite3 *db, struct cache_table *table)
{
    struct cached_query *query = table->query;
    const char *columns = query->definition.columns.declaration;
    table->columns = columns != NULL ? (int)query->definition.columns.count : 1;
    char *declaration = cached_query_declaration(query, columns != NULL ? columns : "unavailable");
    if (declaration == NULL)
        return SQLITE_NOMEM;
    int rc = sqlite3_declare_vtab(db, declaration);
    memory_free(declaration);
    if (rc == SQLITE_OK && columns != NULL) {
        query->declared = memory_copy_text(columns, strlen(columns));
        rc = query->declared != NULL ? SQLITE_OK : SQLITE_NOMEM;
    }
    return rc;
}

static int check_refusal(const struct cached_query *query, char **error)
{
    const struct analysis *analysis = &query->definition.analysis;
    if (!cached_query_is_refused(query))
        return SQLITE_OK;
    return error_set(error, SQLITE_ERROR,
                     sqlite3_mprintf("this SELECT cannot be cached: it %s%s", analysis->refusal,
                                     analysis->nondeterministic
                                         ? "; nondeterministic = 'allow' keeps it as first computed"
                                         : ""));
}

/*
** Errors that say nothing of the SELECT: the same may work when it is tried again. At SQLITE_SCHEMA
** SQLite itself does that, having read the schema anew.
*/
static bool is_passing(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
    case SQLITE_SCHEMA:
    case SQLITE_INTERRUPT:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
    case SQLITE_FULL:
        return true;
    default:
        return false;
    }
}

/*
** A table being created must be right; one that is connected again may have lost the tables of its
** SELECT, and must connect all the same, or it could not even be dropped.
*/
static int prepare(struct cache_table *table, sqlite3 *db, bool create, char **error)
{
    struct cached_query *query = table->query;
    int rc = definition_refresh(&query->definition, error);
    if (rc == SQLITE_OK && create)
        rc = check_refusal(query, error);
    if (rc != SQLITE_OK && (create || is_passing(rc)))
        return rc;
    if (rc != SQLITE_OK) {
        table->broken = *error != NULL ? *error : sqlite3_mprintf("%s", sqlite3_errstr(rc));
        *error = NULL;
        if (table->broken == NULL)
            return SQLITE_NOMEM;
    }
    rc = declare(db, table);
    if (rc != SQLITE_OK && rc != SQLITE_NOMEM && *error == NULL)
        rc = error_set(error, rc, sqlite3_mprintf("%s", sqlite3_errmsg(db)));
    memory_free(query->definition.self);
    query->definition.self = NULL;
    return rc;
}

static void table_free(struct cache_table *table)
{
    cached_query_free(table->query);
    memory_free(table->spare);
    sqlite3_free(table->broken);
    sqlite3_free(table->base.zErrMsg);
    memory_free(table);
}

static int open_table(sqlite3 *db, struct session *session, bool create, int argc,
                      const char *const *argv, sqlite3_vtab **out, char **error)
{
    int usable = session_check(session, error);
    if (usable != SQLITE_OK)
        return usable;
    struct cache_table *table = memory_alloc_zero(sizeof *table);
    if (table == NULL)
        return SQLITE_NOMEM;
    table->session = session;
    char *text = NULL;
    session_connected(session); /* statements are kept from here on */
    int rc = open_query(session, create, argc, argv, &table->query, &text);
    if (rc == SQLITE_OK)
        rc = prepare(table, db, create, &text);
    if (rc != SQLITE_OK) {
        if (text != NULL)
            *error = sqlite3_mprintf("cache table %s: %s", argv[2], text);
        sqlite3_free(text);
        table_free(table);
        session_disconnected(session);
        return rc;
    }
    table->query->table = &table->base;
    table->query->next = session->queries;
    session->queries = table->query;
    *out = &table->base;
    return SQLITE_OK;
}

/*
** CREATE VIRTUAL TABLE. Where a schema in memory is out of date, preparing the SELECT would have
** SQLite throw it away, and the table with it that is just being created. So it is reloaded first,
** and the statement starts over: at SQLITE_SCHEMA SQLite does that by itself, and touches the lost
** table no more.
*/
static int cache_create(sqlite3 *db, void *aux, int argc, const char *const *argv,
                        sqlite3_vtab **table, char **error)
{
    struct schema_hold hold;
    char stale[64];
    struct session *session = aux;
    struct observer *observer = session->observer;
    int usable = session_check(session, error);
    if (usable != SQLITE_OK)
        return usable;
    session_begin_read(session);
    int listed = observer_list_databases(observer, true);
    int rc = schema_hold(observer, &hold, stale);
    if (rc == SQLITE_OK)
        rc = listed;
    if (rc == SQLITE_OK)
        rc = open_table(db, aux, true, argc, argv, table, error);
    else if (rc != SQLITE_SCHEMA && rc != SQLITE_NOMEM)
        *error =
            sqlite3_mprintf("cache table %s: %s", argv[2],
                            sqlite3_errcode(db) == rc ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    schema_release(&hold);
    if (rc == SQLITE_SCHEMA) {
        if (observer_list_databases(observer, true) == SQLITE_OK)
            schema_reload(observer);
    }
    session_end_read(session);
    return rc;
}

/* The first use of a table that was created before. */
static int cache_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **table, char **error)
{
    return open_table(db, aux, false, argc, argv, table, error);
}

/* The connection closes, or its schema is read anew. */
static int cache_disconnect(sqlite3_vtab *base)
{
    struct cache_table *table = (struct cache_table *)base;
    struct session *session = table->session;
    if (session_is_foreign(session)) {
        /* What it shares with the parent's threads stays as it is; its statements have to go. */
        session_disconnected(session);
        return SQLITE_OK;
    }
    struct cached_query **link = &session->queries;
    while (*link != table->query)
        link = &(*link)->next;
    *link = table->query->next;
    table_free(table);
    session_disconnected(session);
    return SQLITE_OK;
}

static bool is_of_query(const struct entry_view *entry, void *context)
{
    const struct cache_table *table = context;
    return entry->space == table->query->space &&
           (entry->owner == table->session->id ||
            (entry->owner == 0 && !space_has_others(table->query->space)));
}

/* DROP TABLE. */
static int cache_destroy(sqlite3_vtab *base)
{
    struct cache_table *table = (struct cache_table *)base;
    if (!session_is_foreign(table->session))
        store_remove(table->session->store, is_of_query, table, CAUSE_EXPLICIT);
    return cache_disconnect(base);
}

/* ALTER TABLE … RENAME: another name is another named cache. */
static int cache_rename(sqlite3_vtab *base, const char *name)
{
    struct cache_table *table = (struct cache_table *)base;
    struct cached_query *query = table->query;
    struct cached_query renamed = *query;
    if (session_is_foreign(table->session))
        return SQLITE_MISUSE;
    renamed.name = memory_copy_text(name, strlen(name));
    int rc = renamed.name != NULL ? open_space(table->session, &renamed) : SQLITE_NOMEM;
    if (rc != SQLITE_OK) {
        memory_free(renamed.name);
        return rc;
    }
    store_remove(table->session->store, is_of_query, table, CAUSE_EXPLICIT);
    space_release(query->space);
    memory_free(query->name);
    query->name = renamed.name;
    query->space = renamed.space;
    return SQLITE_OK;
}

/* ---- planning ---- */

/* Cost of a plan that lacks a value: only where there is no other is it chosen, to say what
** lacks. */
#define COST_INCOMPLETE 1e300

/* How a statement means to read the table; called while it is prepared, perhaps many times. */
static int cache_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct cache_table *table = (struct cache_table *)base;
    /* A stored table is read in a transaction that SQLite opens before it asks. */
    snapshot_prepare(table->session->observer);
    enum known known = access_parameters(table->query, info, table->columns);
    if (known == KNOWN_LATER)
        return SQLITE_CONSTRAINT;
    info->idxNum = known == KNOWN_NOW        ? PLAN_COMPLETE
                   : known == KNOWN_COMPARED ? PLAN_COMPARED
                                             : PLAN_INCOMPLETE;
    info->estimatedRows = 100;
    info->estimatedCost = info->idxNum != PLAN_INCOMPLETE ? 120.0 : COST_INCOMPLETE;
    struct access access = {0};
    if (info->idxNum != PLAN_INCOMPLETE)
        access = access_choose(table->query, info, table->columns,
                               (int)table->query->definition.parameters.count + 1);
    info->idxNum |= access_pack(&access) << PLAN_BITS;
    char *shown = access_describe(&access, table->query);
    info->idxStr =
        shown != NULL ? sqlite3_mprintf("%c%s%s", PLAN_NEW, *shown ? " " : "", shown) : NULL;
    info->needToFreeIdxStr = 1;
    sqlite3_free(shown);
    return info->idxStr != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

/* ---- reading ---- */

static int cursor_new(sqlite3_vtab_cursor **out)
{
    struct cache_cursor *cursor = memory_alloc(sizeof *cursor);
    if (cursor == NULL)
        return SQLITE_NOMEM;
    cursor->result = NULL;
    cursor->row = 0;
    cursor->first = 0;
    cursor->path.rows = NULL;
    buffer_start_in(&cursor->params, cursor->room, sizeof cursor->room);
    *out = &cursor->base;
    return SQLITE_OK;
}

/* A statement opens its cursor each time it runs; the spare one was cleared when it was closed. */
static int cache_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    struct cache_table *table = (struct cache_table *)base;
    struct cache_cursor *cursor = table->spare;
    table->spare = NULL;
    if (cursor == NULL)
        return cursor_new(out);
    *out = &cursor->base;
    return SQLITE_OK;
}

static void cursor_clear(struct cache_cursor *cursor)
{
    if (cursor->result != NULL)
        result_release(cursor->result);
    cursor->result = NULL;
    cursor->row = 0;
    cursor->first = 0;
    if (cursor->path.rows != NULL)
        path_clear(&cursor->path);
    buffer_clear(&cursor->params);
    buffer_start_in(&cursor->params, cursor->room, sizeof cursor->room);
}

static int cache_close(sqlite3_vtab_cursor *base)
{
    struct cache_cursor *cursor = (struct cache_cursor *)base;
    struct cache_table *table = (struct cache_table *)base->pVtab;
    cursor_clear(cursor);
    if (table->spare == NULL)
        table->spare = cursor;
    else
        memory_free(cursor);
    return SQLITE_OK;
}

static bool plan_is_once(struct facts *facts, const char *index_text)
{
    char *state = (char *)index_text;
    if (*state == PLAN_RAN)
        *state = plan_reads_once(facts) ? PLAN_ONCE : PLAN_MANY;
    else if (*state == PLAN_NEW)
        *state = PLAN_RAN;
    return *state == PLAN_ONCE;
}

/* Have the cursor visit the rows as the plan has it. */
__attribute__((noinline)) static int take_path(struct cache_cursor *cursor, struct session *session,
                                               struct request *request, int plan)
{
    struct access access = access_unpack(plan >> PLAN_BITS);
    int rc = path_find(&cursor->path, session, request, cursor->result, &access,
                       request->values + request->value_count);
    cursor->first = path_start(&cursor->path, cursor->result);
    cursor->row = cursor->first;
    return rc;
}

/* A scan begins. */
static int cache_filter(sqlite3_vtab_cursor *base, int plan, const char *index_text, int argc,
                        sqlite3_value **argv)
{
    (void)argc;
    struct cache_cursor *cursor = (struct cache_cursor *)base;
    struct cache_table *table = (struct cache_table *)base->pVtab;
    if (cursor->result != NULL || cursor->params.size > 0) /* it has scanned before */
        cursor_clear(cursor);
    if (table->broken != NULL)
        return error_set(&base->pVtab->zErrMsg, SQLITE_ERROR,
                         sqlite3_mprintf("cache table %s: %s (when the table was connected; drop "
                                         "and create it, or open the database again)",
                                         table->query->name, table->broken));
    if ((plan & PLAN_MASK) == PLAN_INCOMPLETE)
        return call_explain(table->query, &base->pVtab->zErrMsg);
    if ((plan & PLAN_MASK) == PLAN_COMPARED &&
        call_refuse_null(table->query, argv, &base->pVtab->zErrMsg) != SQLITE_OK)
        return SQLITE_ERROR;
    char *error = NULL;
    struct request request = {.query = table->query,
                              .value_count = (int)table->query->definition.parameters.count,
                              .values = argv,
                              .once = plan_is_once(&table->session->facts, index_text),
                              .params = &cursor->params};
    int rc = read_through(table->session, &request, &cursor->result, &error);
    if (rc == SQLITE_OK && (int)result_columns(cursor->result) != table->columns)
        rc = error_set(
            &error, SQLITE_ERROR,
            sqlite3_mprintf("the columns of %s changed while it was read; drop and create %s "
                            "again",
                            table->query->name, table->query->name));
    if (rc == SQLITE_OK && plan >> PLAN_BITS != 0)
        rc = take_path(cursor, table->session, &request, plan);
    if (rc != SQLITE_OK && error != NULL)
        error_set(&base->pVtab->zErrMsg, rc, error);
    return rc;
}

/* Apart, so that a plain step needs no frame. */
__attribute__((noinline)) static int next_on_path(struct cache_cursor *cursor)
{
    cursor->row = path_next(&cursor->path, cursor->result);
    return SQLITE_OK;
}

static int cache_next(sqlite3_vtab_cursor *base)
{
    struct cache_cursor *cursor = (struct cache_cursor *)base;
    if (cursor->path.rows != NULL)
        return next_on_path(cursor);
    cursor->row++;
    return SQLITE_OK;
}

static int cache_eof(sqlite3_vtab_cursor *base)
{
    const struct cache_cursor *cursor = (struct cache_cursor *)base;
    return cursor->result == NULL || cursor->row >= result_rows(cursor->result);
}

static int cache_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct cache_cursor *cursor = (struct cache_cursor *)base;
    const struct cache_table *table = (struct cache_table *)base->pVtab;
    int columns = (int)result_columns(cursor->result);
    if (column < columns)
        cell_give_at(context, table->session->lender, cursor->result, cursor->row, (unsigned)column,
                     cursor->row == cursor->first);
    else if (cursor->params.size > 0)
        cell_give(context, key_parameter(cursor->params.bytes, (unsigned)(column - columns)));
    return SQLITE_OK;
}

static int cache_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    *rowid = (sqlite3_int64)((struct cache_cursor *)base)->row + 1;
    return SQLITE_OK;
}

static const sqlite3_module cache_module = {
    .iVersion = 0,
    .xCreate = cache_create,
    .xConnect = cache_connect,
    .xBestIndex = cache_best_index,
    .xDisconnect = cache_disconnect,
    .xDestroy = cache_destroy,
    .xOpen = cache_open,
    .xClose = cache_close,
    .xFilter = cache_filter,
    .xNext = cache_next,
    .xEof = cache_eof,
    .xColumn = cache_column,
    .xRowid = cache_rowid,
    .xRename = cache_rename,
};

int cache_table_register(sqlite3 *db, struct session *session)
{
    return sqlite3_create_module_v2(db, "cache", &cache_module, session_retain(session),
                                    session_release);
}
