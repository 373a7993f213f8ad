#include "statement/prepared_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/memory.h"
#include "coherence/snapshot.h"
#include "lookup/access.h"
#include "query/key.h"
#include "query/options_list.h"
#include "query/plan.h"
#include "read/cells.h"
#include "read/read.h"
#include "read/stream.h"
#include "session/session.h"

/* So many a connection remembers; beyond that those go that no statement uses. */
#define MAX_PREPARED 256

/* How a statement over one begins (as OWN_STATEMENT has it, and yet the application's). */
#define MARK ";; SELECT "

/* How a table's name begins: its number tells it from all others. */
#define NAME_START "querycache %lld: "

/* Characters of the SELECT that it shows. */
#define SHOWN 100

struct prepared {
    struct cached_query query; /* must be first */
    struct session *session;
    uint64_t number;
    bool made;           /* statements were made over it, and their text names the columns so: */
    unsigned checked;    /* definition.preparations when those were the SELECT's names; 0: never */
    unsigned references; /* modules of SQLite's under that name; 0: it has none */
};

struct prepared_table {
    sqlite3_vtab base; /* must be first */
    struct prepared *prepared;
    int columns; /* before the hidden ones */
};

struct prepared_cursor {
    sqlite3_vtab_cursor base; /* must be first */
    struct result *result;    /* a kept one; or */
    struct stream *stream;
    uint64_t row;
    struct buffer params; /* encoded (query/key.h) */
};

static struct prepared *of_query(const struct cached_query *query)
{
    return (struct prepared *)(void *)query;
}

/* ---- life ---- */

static void unlist(struct prepared *prepared)
{
    struct session *session = prepared->session;
    struct cached_query **link = &session->prepared;
    while (*link != NULL && *link != &prepared->query)
        link = &(*link)->next;
    if (*link == NULL)
        return;
    *link = prepared->query.next;
    session->prepared_count--;
}

/* SQLite has dropped the module and all tables of it. */
static void module_release(void *context)
{
    struct prepared *prepared = context;
    struct session *session = prepared->session;
    if (--prepared->references > 0)
        return;
    if (!session_is_foreign(session)) {
        unlist(prepared);
        cached_query_free(&prepared->query);
    }
    session_release(session);
}

/* ---- connecting ---- */

static int prepared_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                            sqlite3_vtab **out, char **error)
{
    struct prepared *prepared = aux;
    struct cached_query *query = &prepared->query;
    const char *columns = query->columns;
    (void)argc, (void)argv, (void)error;
    if (columns == NULL) /* its SELECT does not prepare any more */
        return SQLITE_SCHEMA;
    char *declaration = cached_query_declaration(query, columns);
    char *declared = memory_copy_text(columns, strlen(columns));
    struct prepared_table *table = memory_alloc_zero(sizeof *table);
    int rc = declaration != NULL && declared != NULL && table != NULL
                 ? sqlite3_declare_vtab(db, declaration)
                 : SQLITE_NOMEM;
    memory_free(declaration);
    if (rc != SQLITE_OK) {
        memory_free(declared);
        memory_free(table);
        return rc;
    }
    memory_free(query->declared);
    query->declared = declared;
    query->compared = query->definition.preparations;
    table->prepared = prepared;
    table->columns = (int)query->definition.columns.count;
    session_connected(prepared->session);
    *out = &table->base;
    return SQLITE_OK;
}

static int prepared_disconnect(sqlite3_vtab *base)
{
    struct prepared_table *table = (struct prepared_table *)base;
    session_disconnected(table->prepared->session);
    sqlite3_free(base->zErrMsg);
    memory_free(table);
    return SQLITE_OK;
}

/* All parameters are given: the statement is ours. */
static int prepared_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct prepared_table *table = (struct prepared_table *)base;
    /* SQLite opens a transaction before it asks for rows. */
    if (!session_is_foreign(table->prepared->session))
        snapshot_prepare(table->prepared->session->observer);
    enum known known = access_parameters(&table->prepared->query, info, table->columns);
    if (known == KNOWN_LATER || known == KNOWN_NEVER)
        return SQLITE_CONSTRAINT;
    info->estimatedRows = 100;
    info->estimatedCost = 120.0;
    return SQLITE_OK;
}

/* ---- reading ---- */

static int prepared_open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    struct prepared_cursor *cursor = memory_alloc_zero(sizeof *cursor);
    (void)base;
    if (cursor == NULL)
        return SQLITE_NOMEM;
    *out = &cursor->base;
    return SQLITE_OK;
}

static void cursor_clear(struct prepared_cursor *cursor)
{
    if (cursor->result != NULL)
        result_release(cursor->result);
    stream_end(cursor->stream);
    cursor->result = NULL;
    cursor->stream = NULL;
    cursor->row = 0;
    buffer_clear(&cursor->params);
}

static int prepared_close_cursor(sqlite3_vtab_cursor *base)
{
    struct prepared_cursor *cursor = (struct prepared_cursor *)base;
    cursor_clear(cursor);
    memory_free(cursor);
    return SQLITE_OK;
}

static int fail(sqlite3_vtab_cursor *base, int rc, char *error)
{
    if (error != NULL)
        error_set(&base->pVtab->zErrMsg, rc, error);
    return rc;
}

/* ---- names ---- */

/* Whether the table's columns have the names that this statement of the SELECT has, and SQLite
** leaves them so. */
static bool follows(const struct prepared *prepared, sqlite3_stmt *select)
{
    const struct columns *columns = &prepared->query.definition.columns;
    for (unsigned i = 0; i < columns->count && !columns->long_names; i++) {
        const char *name = sqlite3_column_name(select, (int)i);
        if (name == NULL || strcmp(name, columns->names[i]) != 0)
            return false;
    }
    return !columns->long_names;
}

/* The columns under the names that it has. NULL when memory is short. */
static char *fix_names(const struct prepared *prepared, sqlite3_stmt *select)
{
    const struct columns *columns = &prepared->query.definition.columns;
    struct buffer text = {0};
    for (unsigned i = 0; i < columns->count; i++) {
        const char *name = sqlite3_column_name(select, (int)i);
        /* A name alone in double quotes would become a text where no column has it any more. */
        buffer_add_format(&text, "%sq.\"%w\" AS \"%w\"", i ? ", " : "", columns->names[i],
                          name != NULL ? name : "");
    }
    return buffer_take(&text);
}

/*
** Statements that were made before keep their text, and with it their names, where SQLite gives one
** of the SELECT's own those of now. `*` takes part in that, as the table declares other columns
** then; a name that stands in the text cannot.
*/
static int check_names(struct prepared *prepared, char **error)
{
    const struct definition *definition = &prepared->query.definition;
    if (prepared->checked == definition->preparations || definition->statement == NULL ||
        !GUARD(NAMES_CHANGED))
        return SQLITE_OK;
    sqlite3_stmt *select = definition->statement;
    char *now = prepared->query.fixed != NULL ? fix_names(prepared, select) : NULL;
    if (prepared->query.fixed != NULL && now == NULL)
        return SQLITE_NOMEM;
    bool same = now != NULL ? strcmp(now, prepared->query.fixed) == 0 : follows(prepared, select);
    memory_free(now);
    if (same) {
        prepared->checked = definition->preparations;
        return SQLITE_OK;
    }
    return error_set(error, SQLITE_ERROR,
                     sqlite3_mprintf("the columns of this SELECT have other names than when it was "
                                     "prepared through the cache (PRAGMA full_column_names, "
                                     "short_column_names, or the schema); prepare it again"));
}

/* SQLite compiles the statement anew then, over the table as it is by now. */
static int renew(struct prepared *prepared, char **error)
{
    int rc = prepared_refresh(prepared->session, &prepared->query);
    if (rc == SQLITE_OK)
        rc = check_names(prepared, error);
    if (rc == SQLITE_OK)
        rc = prepared_renew(&prepared->query);
    return rc == SQLITE_OK ? SQLITE_SCHEMA : rc;
}

/* A scan begins. */
static int prepared_filter(sqlite3_vtab_cursor *base, int plan, const char *plan_text, int argc,
                           sqlite3_value **argv)
{
    struct prepared_cursor *cursor = (struct prepared_cursor *)base;
    struct prepared_table *table = (struct prepared_table *)base->pVtab;
    char *error = NULL;
    (void)plan, (void)plan_text;
    cursor_clear(cursor);
    /* The statement reads this table, once. */
    struct request request = {.query = &table->prepared->query,
                              .value_count = argc,
                              .values = argv,
                              .once = true,
                              .params = &cursor->params};
    int rc = read_streaming(table->prepared->session, &request, &cursor->result, &cursor->stream,
                            &error);
    if (rc == SQLITE_OK && cursor->result != NULL &&
        (int)result_columns(cursor->result) != table->columns)
        rc = SQLITE_SCHEMA;
    if (rc == SQLITE_SCHEMA && !session_is_foreign(table->prepared->session))
        rc = renew(table->prepared, &error);
    else if (rc == SQLITE_OK && !session_is_foreign(table->prepared->session))
        rc = check_names(table->prepared, &error);
    return fail(base, rc, error);
}

static int prepared_next(sqlite3_vtab_cursor *base)
{
    struct prepared_cursor *cursor = (struct prepared_cursor *)base;
    char *error = NULL;
    cursor->row++;
    if (cursor->stream == NULL)
        return SQLITE_OK;
    int rc = stream_next(cursor->stream, &error);
    return fail(base, rc, error);
}

static int prepared_eof(sqlite3_vtab_cursor *base)
{
    const struct prepared_cursor *cursor = (struct prepared_cursor *)base;
    if (cursor->stream != NULL)
        return stream_at_end(cursor->stream);
    return cursor->result == NULL || cursor->row >= result_rows(cursor->result);
}

static int prepared_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct prepared_cursor *cursor = (struct prepared_cursor *)base;
    const struct prepared_table *table = (struct prepared_table *)base->pVtab;
    if (column >= table->columns)
        cell_give(context,
                  key_parameter(cursor->params.bytes, (unsigned)(column - table->columns)));
    else if (cursor->stream != NULL)
        sqlite3_result_value(context, stream_value(cursor->stream, column));
    else
        cell_give_at(context, table->prepared->session->lender, cursor->result, cursor->row,
                     (unsigned)column, cursor->row == 0);
    return SQLITE_OK;
}

static int prepared_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    *rowid = (sqlite3_int64)((struct prepared_cursor *)base)->row + 1;
    return SQLITE_OK;
}

static const sqlite3_module prepared_module = {
    .iVersion = 0,
    .xConnect = prepared_connect,
    .xBestIndex = prepared_best_index,
    .xDisconnect = prepared_disconnect,
    .xOpen = prepared_open_cursor,
    .xClose = prepared_close_cursor,
    .xFilter = prepared_filter,
    .xNext = prepared_next,
    .xEof = prepared_eof,
    .xColumn = prepared_column,
    .xRowid = prepared_rowid,
};

static int create_module(struct prepared *prepared)
{
    struct session *session = prepared->session;
    if (prepared->references == 0)
        session_retain(session);
    /* SQLite calls the destructor when this fails, too; our callers go on using the query. */
    prepared->references += 2;
    int rc = sqlite3_create_module_v2(session->db, prepared->query.name, &prepared_module, prepared,
                                      module_release);
    if (--prepared->references == 0)
        session_release(session);
    return rc;
}

/* ---- those of a session ---- */

static const char *or_none(const char *options)
{
    return options != NULL ? options : "";
}

struct cached_query *prepared_find(const struct session *session, const char *sql,
                                   const char *options)
{
    for (struct cached_query *q = session->prepared; q != NULL; q = q->next) {
        if (strcmp(q->text, sql) == 0 && strcmp(q->asked_options, or_none(options)) == 0)
            return q;
    }
    return NULL;
}

bool prepared_is_mark(const char *sql)
{
    return strncmp(sql, MARK, strlen(MARK)) == 0;
}

/* What looks so and is none of its statements only keeps it longer. */
static bool is_used(const struct prepared *prepared)
{
    sqlite3 *db = prepared->session->db;
    char name[40];
    sqlite3_snprintf(sizeof name, name, NAME_START, (sqlite3_int64)prepared->number);
    for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s != NULL; s = sqlite3_next_stmt(db, s)) {
        const char *sql = sqlite3_sql(s);
        if (sql != NULL && prepared_is_mark(sql) && strstr(sql, name) != NULL)
            return true;
    }
    return false;
}

/* Half of those that are there, the oldest first, unless a statement uses them. */
static void trim(struct session *session)
{
    if (session->prepared_count <= MAX_PREPARED || session->readings > 0)
        return;
    uint64_t newest = session->prepared_last - MAX_PREPARED / 2;
    struct cached_query *next;
    for (struct cached_query *q = session->prepared; q != NULL; q = next) {
        struct prepared *prepared = of_query(q);
        next = q->next;
        if (prepared->number > newest || is_used(prepared))
            continue;
        if (prepared->references > 0) {
            sqlite3_create_module_v2(session->db, prepared->query.name, NULL, NULL, NULL);
        } else {
            unlist(prepared);
            cached_query_free(&prepared->query);
        }
    }
}

static int read_options(struct prepared *prepared, const char *options, char **error)
{
    options = or_none(options);
    prepared->query.asked_options = memory_copy_optional(options);
    return prepared->query.asked_options != NULL
               ? options_read_list(&prepared->query.options, options, error)
               : SQLITE_NOMEM;
}

/* With a name, limits or tags of its own it is a named cache; else it is kept as ad hoc queries
** are. */
static int open_space(struct prepared *prepared, const char *name)
{
    struct cached_query *query = &prepared->query;
    const struct options *options = &query->options;
    bool limited = options->max_entries != 0 || options->max_bytes != 0 ||
                   options->policy != NULL || options->tags != NULL;
    if (name == NULL && limited)
        name = "prepared";
    const char *normalized = query->definition.normalized;
    query->space = store_space(prepared->session->store, name, name != NULL ? normalized : NULL,
                               name != NULL ? strlen(normalized) : 0);
    if (query->space == NULL)
        return SQLITE_NOMEM;
    if (name != NULL)
        cached_query_apply_limits(query);
    return SQLITE_OK;
}

/* The very types that the SELECT declares. */
static int look_closer(struct cached_query *query)
{
    const struct definition *definition = &query->definition;
    if (query->looked_at == definition->preparations)
        return SQLITE_OK;
    memory_free(query->columns);
    query->columns = cached_query_columns(query);
    if (query->columns == NULL)
        return SQLITE_NOMEM;
    query->looked_at = definition->preparations;
    return SQLITE_OK;
}

int prepared_refresh(struct session *session, struct cached_query *query)
{
    struct schema_hold hold;
    char *words = NULL; /* SQLite has told the application already, or will */
    session_begin_read(session);
    int rc = read_guard_writer(session, &hold, &words);
    /* A PRAGMA, a function or an authorizer that was set since is found out by this alone. */
    if (rc == SQLITE_OK)
        rc = observer_list_databases(session->observer, false);
    if (rc == SQLITE_OK)
        rc = definition_refresh(&query->definition, &words);
    if (rc == SQLITE_OK)
        rc = look_closer(query);
    schema_release(&hold);
    session_end_read(session);
    sqlite3_free(words);
    return rc;
}

static int open_definition(struct prepared *prepared, const char *sql)
{
    struct session *session = prepared->session;
    struct cached_query *query = &prepared->query;
    struct definition_source source = {.sql = sql,
                                       .session = session->id,
                                       .share = query->options.share != SHARE_CONNECTION,
                                       .nesting = &session->nesting,
                                       .facts = &session->facts};
    char *words = NULL;
    int rc = definition_open(&query->definition, session->observer, &source, &words);
    sqlite3_free(words);
    return rc == SQLITE_OK ? prepared_refresh(session, query) : rc;
}

int prepared_open(struct session *session, const char *sql, const char *name, const char *options,
                  struct cached_query **query, char **error)
{
    struct prepared *prepared = memory_alloc_zero(sizeof *prepared);
    if (prepared == NULL)
        return SQLITE_NOMEM;
    prepared->session = session;
    prepared->query.prepared = true;
    prepared->query.text = memory_copy_text(sql, strlen(sql));
    int rc = prepared->query.text != NULL ? read_options(prepared, options, error) : SQLITE_NOMEM;
    if (rc == SQLITE_OK)
        rc = session_anchor(session);
    if (rc == SQLITE_OK)
        rc = open_definition(prepared, sql);
    if (rc == SQLITE_OK)
        rc = open_space(prepared, name);
    if (rc != SQLITE_OK) {
        cached_query_free(&prepared->query);
        return rc;
    }
    trim(session);
    prepared->number = ++session->prepared_last;
    prepared->query.next = session->prepared;
    session->prepared = &prepared->query;
    session->prepared_count++;
    *query = &prepared->query;
    return SQLITE_OK;
}

int prepared_renew(struct cached_query *query)
{
    struct prepared *prepared = of_query(query);
    const char *columns = query->columns;
    if (columns == NULL || (query->declared != NULL && strcmp(columns, query->declared) == 0))
        return SQLITE_OK;
    if (prepared->query.name == NULL) {
        char *name = sqlite3_mprintf(NAME_START "%!.*s", (sqlite3_int64)prepared->number, SHOWN,
                                     query->definition.sql);
        prepared->query.name = name != NULL ? memory_copy_text(name, strlen(name)) : NULL;
        sqlite3_free(name);
        if (prepared->query.name == NULL)
            return SQLITE_NOMEM;
    }
    /* prepared_text() may need the names before SQLite has connected the table. */
    struct definition *definition = &query->definition;
    int rc =
        parameters_name(&definition->parameters, (const char *const *)definition->columns.names,
                        definition->columns.count);
    return rc == SQLITE_OK ? create_module(prepared) : rc;
}

int prepared_settle_names(struct cached_query *query, sqlite3_stmt *plain, bool given,
                          bool *settled)
{
    struct prepared *prepared = of_query(query);
    bool star = !given && follows(prepared, plain);
    char *fixed = star ? NULL : fix_names(prepared, plain);
    if (!star && fixed == NULL)
        return SQLITE_NOMEM;
    bool same = prepared->made &&
                (star ? prepared->query.fixed == NULL
                      : prepared->query.fixed != NULL && strcmp(fixed, prepared->query.fixed) == 0);
    *settled = same || !prepared->made || !is_used(prepared);
    if (*settled) {
        memory_free(prepared->query.fixed);
        prepared->query.fixed = fixed;
        prepared->made = true;
    } else {
        memory_free(fixed);
    }
    return SQLITE_OK;
}

bool prepared_has_fixed_names(const struct cached_query *query)
{
    return query->fixed != NULL;
}

/* Behind MOST_TRUSTED arguments SQLite compares again, and no NULL is equal to another. IS knows no
** such difference, but wants a WHERE. */
static void add_parameters(struct buffer *text, const struct parameters *parameters, bool all)
{
    bool arguments = parameters->count <= MOST_TRUSTED;
    if (arguments && parameters->count > 0)
        buffer_add_char(text, '(');
    for (unsigned i = 0; i < parameters->count && arguments; i++)
        buffer_add_format(text, "%s%s", i ? ", " : "", parameters->list[i].text);
    if (arguments && parameters->count > 0)
        buffer_add_char(text, ')');
    if (!all || !arguments)
        buffer_add_text(text, " AS q");
    for (unsigned i = 0; i < parameters->count && !arguments; i++)
        buffer_add_format(text, " %s q.\"%w\" IS %s", i ? "AND" : "WHERE", parameters->list[i].name,
                          parameters->list[i].text);
}

char *prepared_text(const struct cached_query *query)
{
    const struct prepared *prepared = of_query(query);
    struct buffer text = {0};
    buffer_add_format(&text, MARK "%s FROM \"%w\"",
                      prepared->query.fixed != NULL ? prepared->query.fixed : "*",
                      prepared->query.name);
    add_parameters(&text, &query->definition.parameters, prepared->query.fixed == NULL);
    return buffer_take(&text);
}
