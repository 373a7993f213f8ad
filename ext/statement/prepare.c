#include "statement/prepare.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/ticks.h"
#include "metrics/refusals.h"
#include "metrics/refused_shapes.h"
#include "metrics/shapes.h"
#include "query/key.h"
#include "query/normalize.h"
#include "query/token.h"
#include "statement/prepared_table.h"

/* ---- what is left alone ---- */

/* A word that names SQLite's own tables. Reading them rests on everything in the file; and SQLite
** reads them itself, by statements that come along here, while it reads a schema. */
static bool names_system_table(const char *sql)
{
    struct token token = token_read_solid(sql);
    for (; token.type != TOKEN_END; token = token_next(token)) {
        if ((token.type == TOKEN_WORD && sqlite3_strnicmp(token.text, "sqlite_", 7) == 0) ||
            (token.type == TOKEN_QUOTED && sqlite3_strnicmp(token.text + 1, "sqlite_", 7) == 0))
            return true;
    }
    return false;
}

/* Inside BEGIN, before the first read of any database: to find out what a query means is to read,
** and would fix what the transaction sees there earlier than the application does. */
static bool would_begin_reading(struct session *session)
{
    if (sqlite3_get_autocommit(session->db))
        return false;
    bool would = session_anchor(session) != SQLITE_OK ||
                 observer_list_databases(session->observer, true) != SQLITE_OK;
    for (const struct database *d = session->observer->connection.databases; d != NULL; d = d->next)
        would = would || (d->index >= 0 && d->index != TEMP_DATABASE &&
                          sqlite3_txn_state(session->db, d->name) == SQLITE_TXN_NONE);
    return would;
}

/* SQLite takes a read lock on main for the statement over an eponymous table. */
static bool reads_main(const struct cached_query *query)
{
    for (unsigned i = 0; i < query->definition.database_count; i++) {
        if (query->definition.databases[i]->index == MAIN_DATABASE)
            return true;
    }
    return false;
}

/* ---- the same to look at ---- */

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool look_alike(sqlite3_stmt *plain, sqlite3_stmt *made)
{
    int columns = sqlite3_column_count(plain);
    int parameters = sqlite3_bind_parameter_count(plain);
    if (sqlite3_column_count(made) != columns || sqlite3_bind_parameter_count(made) != parameters ||
        !sqlite3_stmt_readonly(made))
        return false;
    for (int i = 0; i < columns; i++) {
        if (!same_text(sqlite3_column_name(plain, i), sqlite3_column_name(made, i)) ||
            !same_text(sqlite3_column_decltype(plain, i), sqlite3_column_decltype(made, i)))
            return false;
    }
    for (int i = 1; i <= parameters; i++) {
        if (!same_text(sqlite3_bind_parameter_name(plain, i), sqlite3_bind_parameter_name(made, i)))
            return false;
    }
    return true;
}

/* ---- preparing ---- */

struct preparing {
    sqlite3 *db;
    struct session *session;
    const struct prepare_request *request;
    const char *sql;
    sqlite3_stmt *plain;
    struct cached_query *query;
    sqlite3_stmt *made;
    const char *refusal; /* why not; NULL: none yet */
    struct shape_key shape;
};

/* What is left alone keeps no statement. After a while it is looked into again: of a schema that
** changed meanwhile nobody may have told. */
static bool is_left_alone(const struct cached_query *query)
{
    return query->left_alone && ticks_now() - query->left_at < SHAPE_SECONDS * TICKS_PER_SECOND;
}

static bool is_current(const struct session *session, const struct cached_query *query)
{
    const struct definition *definition = &query->definition;
    return definition->generation == session->observer->connection.schema_generation &&
           !sentinel_has_expired(session->observer->connection.sentinel) &&
           (definition->statement != NULL || is_left_alone(query));
}

/* Another text of the shape was refused for what no literal changes. */
static bool is_refused_shape(struct preparing *preparing)
{
    const struct session *session = preparing->session;
    const char *options = preparing->request->options;
    preparing->shape = (struct shape_key){
        .shape = shape_of(preparing->sql),
        .options = options != NULL ? key_hash(options, strlen(options)).low : 0,
        .generation = session->observer->connection.schema_generation,
    };
    if (!sentinel_has_expired(session->observer->connection.sentinel))
        preparing->refusal = refused_shapes_find(session->refused_shapes, &preparing->shape);
    return preparing->refusal != NULL;
}

/* Whether a date function is given 'now' is a matter of literals. */
static void note_shape(struct preparing *preparing)
{
    const struct definition *definition = &preparing->query->definition;
    if (definition->analysis.calls_date || !cached_query_is_refused(preparing->query))
        return;
    preparing->shape.generation = preparing->session->observer->connection.schema_generation;
    refused_shapes_note(&preparing->session->refused_shapes, &preparing->shape, preparing->refusal);
}

static int find_query(struct preparing *preparing, char **error)
{
    const struct prepare_request *request = preparing->request;
    struct session *session = preparing->session;
    preparing->query = prepared_find(session, preparing->sql, request->options);
    if (preparing->query != NULL && is_current(session, preparing->query))
        return SQLITE_OK;
    if (preparing->query == NULL && names_system_table(preparing->sql)) {
        preparing->refusal = "names a table of SQLite's own";
        return SQLITE_OK;
    }
    if (preparing->query == NULL && is_refused_shape(preparing))
        return SQLITE_OK;
    if (would_begin_reading(session)) {
        preparing->refusal = "is prepared inside BEGIN, before anything is read there";
        session_wait(session, preparing->sql, request->name, request->options);
        return SQLITE_OK;
    }
    return preparing->query != NULL ? prepared_refresh(session, preparing->query)
                                    : prepared_open(session, preparing->sql, request->name,
                                                    request->options, &preparing->query, error);
}

/* A `*` for columns, not one that multiplies or counts. */
static bool selects_star(const char *sql)
{
    struct token before = {.type = TOKEN_END};
    struct token token = token_read_solid(sql);
    for (; token.type != TOKEN_END; token = token_next(token)) {
        if (token.size == 1 && *token.text == '*' && before.type != TOKEN_END &&
            (*before.text == ',' || *before.text == '.' || token_is_word(before, "select") ||
             token_is_word(before, "distinct") || token_is_word(before, "all")))
            return true;
        before = token;
    }
    return false;
}

static bool is_identifier(const char *name)
{
    size_t size = 0;
    for (; (name[size] >= '0' && name[size] <= '9') || name[size] == '_' ||
           ((name[size] | 32) >= 'a' && (name[size] | 32) <= 'z');
         size++)
        ;
    return name[size] == '\0';
}

/* Whether AS stands before a name. */
static bool is_given(const char *sql, const char *name)
{
    size_t size = strlen(name);
    bool after_as = false;
    struct token token = token_read_solid(sql);
    for (; token.type != TOKEN_END; token = token_next(token)) {
        if (after_as && token.size == size && memcmp(token.text, name, size) == 0)
            return true;
        after_as = token_is_word(token, "as");
    }
    return false;
}

/*
** True where all columns seem to be called as the text itself says, by AS or as an expression is:
** no PRAGMA and no schema changes that. An error in this costs an error at most, should names
** change.
*/
static bool gives_names(const struct preparing *preparing)
{
    for (int i = 0; i < sqlite3_column_count(preparing->plain); i++) {
        const char *name = sqlite3_column_name(preparing->plain, i);
        if (name == NULL || (is_identifier(name) && !is_given(preparing->sql, name)))
            return false;
    }
    return !selects_star(preparing->sql);
}

static int make_statement(struct preparing *preparing)
{
    struct cached_query *query = preparing->query;
    bool settled;
    int rc = prepared_settle_names(query, preparing->plain, gives_names(preparing), &settled);
    if (rc != SQLITE_OK)
        return rc;
    if (!settled)
        preparing->refusal = "has columns of other names than another statement of it";
    else if (prepared_has_fixed_names(query) && selects_star(preparing->sql))
        preparing->refusal = query->definition.columns.long_names
                                 ? "gives columns by *, under PRAGMA full_column_names"
                                 : "gives columns the same name by *";
    if (preparing->refusal != NULL)
        return SQLITE_OK;
    rc = prepared_renew(query);
    char *text = rc == SQLITE_OK ? prepared_text(query) : NULL;
    if (text == NULL)
        return SQLITE_NOMEM;
    rc = sqlite3_prepare_v3(preparing->db, text, -1, preparing->request->flags, &preparing->made,
                            NULL);
    memory_free(text);
    if (rc != SQLITE_OK)
        preparing->refusal = "cannot be read as a table";
    else if (!look_alike(preparing->plain, preparing->made))
        preparing->refusal = "would look different to the application";
    return SQLITE_OK;
}

static int attempt(struct preparing *preparing, char **error)
{
    int rc = find_query(preparing, error);
    if (rc != SQLITE_OK || preparing->refusal != NULL)
        return rc;
    struct cached_query *query = preparing->query;
    query->shape = preparing->request->shape;
    if (cached_query_is_refused(query))
        preparing->refusal = query->definition.analysis.refusal;
    else if (query->definition.analysis.reads_cached)
        preparing->refusal = "reads a cached table, which does that already";
    else if (query->shape != 0 && !query->definition.analysis.loops)
        preparing->refusal = "reads no more than a row of each table, and so is quick to compute";
    else if (preparing->request->unasked && query->definition.analysis.by_mark &&
             GUARD(UNASKED_FUNCTIONS))
        preparing->refusal = "calls a function that is not SQLite's own, and no rule asks for it";
    else if (query->definition.analysis.own_functions && query->definition.parameters.count > 0)
        preparing->refusal = "may hand a pointer that is bound to a function of the application";
    else if (!reads_main(query))
        preparing->refusal = "reads no table of main";
    else
        rc = make_statement(preparing);
    preparing->query->left_alone = preparing->refusal != NULL;
    preparing->query->left_at = ticks_now();
    if (preparing->refusal != NULL && preparing->shape.shape != 0)
        note_shape(preparing);
    if (preparing->refusal != NULL)
        definition_suspend(&preparing->query->definition);
    return rc;
}

static void note_refusal(const struct preparing *preparing, const char *reason)
{
    if (preparing->query != NULL) {
        refusals_note(preparing->query->definition.normalized, reason);
        return;
    }
    char *normalized = normalize_sql(preparing->sql);
    if (normalized != NULL)
        refusals_note(normalized, reason);
    memory_free(normalized);
}

static int prepare(struct preparing *preparing, sqlite3_stmt **statement, char **error)
{
    int rc = attempt(preparing, error);
    if (rc == SQLITE_OK && preparing->refusal == NULL) {
        sqlite3_finalize(preparing->plain);
        *statement = preparing->made;
        return SQLITE_OK;
    }
    if (*error == NULL)
        note_refusal(preparing, rc != SQLITE_OK ? sqlite3_errstr(rc) : preparing->refusal);
    sqlite3_finalize(preparing->made);
    error_forget(preparing->db); /* the application's own statement is prepared */
    return *error != NULL ? rc : SQLITE_OK;
}

bool prepare_is_select(sqlite3_stmt *statement)
{
    const char *sql = sqlite3_sql(statement);
    if (sql == NULL)
        return false;
    struct token first = token_read_solid(sql);
    return (token_is_word(first, "select") || token_is_word(first, "with") ||
            token_is_word(first, "values")) &&
           sqlite3_stmt_readonly(statement) && sqlite3_column_count(statement) > 0;
}

void prepare_catch_up(sqlite3 *db)
{
    sqlite3_mutex *mutex = sqlite3_db_mutex(db);
    sqlite3_mutex_enter(mutex);
    struct session *session = session_find(db);
    if (session != NULL && session->waiting.sql != NULL && !session_is_foreign(session) &&
        !would_begin_reading(session)) {
        struct waiting waiting = session->waiting;
        struct cached_query *query = prepared_find(session, waiting.sql, waiting.options);
        char *error = NULL;
        if (query == NULL)
            prepared_open(session, waiting.sql, waiting.name, waiting.options, &query, &error);
        else
            prepared_refresh(session, query);
        sqlite3_free(error); /* whoever prepares it again is told */
        if (query != NULL)
            cached_query_settle(query);
        session_wait(session, NULL, NULL, NULL);
        error_forget(db);
    }
    sqlite3_mutex_leave(mutex);
}

int prepare_through(sqlite3 *db, sqlite3_stmt **statement, const struct prepare_request *request,
                    char **error)
{
    const char *sql = sqlite3_sql(*statement);
    *error = NULL;
    if (!prepare_is_select(*statement) || (request->flags & SQLITE_PREPARE_NO_VTAB) != 0)
        return SQLITE_OK;
    sqlite3_mutex *mutex = sqlite3_db_mutex(db);
    sqlite3_mutex_enter(mutex);
    int rc = SQLITE_OK;
    struct session *session = session_find(db);
    if (session != NULL && !session_is_foreign(session)) {
        struct preparing preparing = {
            .db = db, .session = session, .request = request, .sql = sql, .plain = *statement};
        rc = prepare(&preparing, statement, error);
    }
    sqlite3_mutex_leave(mutex);
    return rc;
}
