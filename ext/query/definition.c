#include "query/definition.h"

#include <assert.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/sql.h"
#include "coherence/schema.h"
#include "coherence/snapshot.h"
#include "query/collations.h"
#include "query/key.h"
#include "query/normalize.h"
#include "query/token.h"

/* ---- taking in a text ---- */

static int check_first_word(const char *sql, char **error)
{
    struct token first = token_read_solid(sql);
    if (token_is_word(first, "select") || token_is_word(first, "values") ||
        token_is_word(first, "with"))
        return SQLITE_OK;
    if (first.type == TOKEN_END)
        return error_set(
            error, SQLITE_ERROR,
            sqlite3_mprintf("there is no SELECT; a cached query is one SELECT, VALUES, or "
                            "WITH … SELECT"));
    return error_set(error, SQLITE_ERROR,
                     sqlite3_mprintf("\"%.*s …\" cannot be cached; a cached query is one SELECT, "
                                     "VALUES, or WITH … SELECT",
                                     (int)first.size, first.text));
}

/* The text up to its last token before a semicolon, and the `whole` before that; what follows may
** only be more semicolons. */
static int trim(const char *sql, size_t *start, size_t *size, size_t *whole, char **error)
{
    struct token token = token_read_solid(sql);
    *start = (size_t)(token.text - sql);
    size_t end = *start;
    while (token.type != TOKEN_END && token.type != TOKEN_SEMICOLON) {
        end = (size_t)(token.text - sql) + token.size;
        token = token_next(token);
    }
    *size = end - *start;
    *whole = (size_t)(token.text - sql);
    while (token.type == TOKEN_SEMICOLON)
        token = token_next(token);
    if (token.type == TOKEN_END)
        return SQLITE_OK;
    return error_set(
        error, SQLITE_ERROR,
        sqlite3_mprintf("there is a second statement, \"%.20s …\"; a cached query is one "
                        "SELECT",
                        token.text));
}

/* What stands around the tokens of a text is white space and comments. */
static bool has_comment(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '/' || text[i] == '-')
            return true;
    }
    return false;
}

int definition_open(struct definition *definition, struct observer *observer,
                    const struct definition_source *source, char **error)
{
    size_t start, size, whole;
    *definition = (struct definition){0};
    int rc = check_first_word(source->sql, error);
    if (rc == SQLITE_OK)
        rc = trim(source->sql, &start, &size, &whole, error);
    if (rc != SQLITE_OK)
        return rc;
    definition->db = observer->connection.db;
    definition->observer = observer;
    definition->nesting = source->nesting;
    definition->facts = source->facts;
    definition->session = source->session;
    definition->share = source->share;
    definition->as_view = source->as_view;
    /* SQLite reads a view's text once, before comments were made errors. */
    bool commented =
        !source->as_view && (has_comment(source->sql, start) ||
                             has_comment(source->sql + start + size, whole - start - size));
    definition->sql = memory_copy_text(source->sql + start, size);
    definition->home = memory_copy_optional(source->home);
    definition->self = memory_copy_optional(source->self);
    if (commented)
        definition->whole = memory_copy_text(source->sql, whole);
    if (definition->sql == NULL || (commented && definition->whole == NULL) ||
        (source->home != NULL && definition->home == NULL) ||
        (source->self != NULL && definition->self == NULL))
        rc = SQLITE_NOMEM;
    if (rc == SQLITE_OK) {
        definition->normalized = normalize_sql(definition->sql);
        rc = definition->normalized != NULL ? SQLITE_OK : SQLITE_NOMEM;
    }
    if (rc == SQLITE_OK)
        definition->normalized_size = strlen(definition->normalized);
    if (rc == SQLITE_OK)
        rc = parameters_read(definition->sql, &definition->parameters);
    if (rc != SQLITE_OK)
        definition_close(definition);
    return rc;
}

/* ---- what a definition may not do ---- */

static int hash_program(const struct instruction *instruction, int address, void *context)
{
    struct buffer *text = context;
    (void)address;
    buffer_add_format(text, "%s %d %d %d\n", instruction->opcode, instruction->p1, instruction->p2,
                      instruction->p3);
    return SQLITE_OK;
}

/* The listing of the query as a subquery, where the name means a common table expression; failing
** to compile is an answer too. */
static int listing_under(struct definition *definition, const char *name, struct buffer *listing)
{
    char *sql = sqlite3_mprintf("WITH \"%w\"(querycache_self) AS (SELECT 'itself' WHERE 0) "
                                "SELECT * FROM (\n%s\n)",
                                name, definition->sql);
    if (sql == NULL)
        return SQLITE_NOMEM;
    int rc = program_each(definition->db, sql, hash_program, listing);
    sqlite3_free(sql);
    if (rc != SQLITE_OK && rc != SQLITE_NOMEM)
        buffer_add_text(listing, "does not compile");
    return rc == SQLITE_NOMEM || listing->failed ? SQLITE_NOMEM : SQLITE_OK;
}

/*
** Once it exists, a table is what its bare name means, also in its own SELECT. A common
** table expression of that name hides what the name means now; where that changes nothing, the
** SELECT does not use the bare name as a table.
*/
static int check_self(struct definition *definition, char **error)
{
    if (definition->self == NULL)
        return SQLITE_OK;
    struct buffer plain = {0};
    struct buffer hidden = {0};
    /* Both have a WITH clause: that alone has SQLite compile some SELECTs differently. */
    int rc = listing_under(definition, "querycache nobody", &plain);
    if (rc == SQLITE_OK)
        rc = listing_under(definition, definition->self, &hidden);
    bool same = plain.size == hidden.size &&
                (plain.size == 0 || memcmp(plain.bytes, hidden.bytes, plain.size) == 0);
    buffer_clear(&plain);
    buffer_clear(&hidden);
    if (rc != SQLITE_OK || same)
        return rc;
    if (definition->home != NULL)
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("%s would read itself; give the cached table another name",
                                         definition->self));
    return error_set(
        error, SQLITE_ERROR,
        sqlite3_mprintf("%s would read itself; write main.%s (or another schema) in its "
                        "SELECT for the table or view behind it",
                        definition->self, definition->self));
}

static int trusts_schema(sqlite3 *db, bool *trusted)
{
    sqlite3_stmt *pragma = NULL;
    int rc = sql_prepare(db, &pragma, "PRAGMA trusted_schema");
    *trusted =
        rc == SQLITE_OK && sqlite3_step(pragma) == SQLITE_ROW && sqlite3_column_int(pragma, 0) != 0;
    int finalized = sqlite3_finalize(pragma);
    return rc != SQLITE_OK ? rc : finalized;
}

/* A stored definition is somebody else's text once its file travels: it may do what a view may. */
static int check_home(const struct definition *definition, const struct analysis *analysis,
                      char **error)
{
    const char *home = definition->home;
    if (home == NULL)
        return SQLITE_OK;
    for (unsigned i = 0; i < analysis->use_count; i++) {
        const struct table_use *use = &analysis->uses[i];
        if (sqlite3_stricmp(use->schema, home) != 0)
            return error_set(
                error, SQLITE_ERROR,
                sqlite3_mprintf("it reads %s.%s, but a cached table stored in %s may read "
                                "%s alone; create it in temp, or write %s.%s",
                                use->schema, use->table, home, home, home, use->table));
    }
    if (analysis->direct_only != NULL)
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("it calls %s(), which a stored definition may not "
                                         "(SQLITE_DIRECTONLY); create the cached table in temp",
                                         analysis->direct_only));
    bool trusted = true;
    int rc = analysis->not_innocuous != NULL ? trusts_schema(definition->db, &trusted) : SQLITE_OK;
    if (rc == SQLITE_OK && !trusted)
        rc = error_set(error, SQLITE_ERROR,
                       sqlite3_mprintf("it calls %s(), which is not innocuous, and PRAGMA "
                                       "trusted_schema is off; create the cached table in temp",
                                       analysis->not_innocuous));
    return rc;
}

/* ---- what it depends on ---- */

static void clear_dependencies(struct definition *definition)
{
    for (unsigned i = 0; i < definition->dependency_count; i++)
        sqlite3_finalize(definition->dependencies[i].probe);
    memory_free(definition->dependencies);
    memory_free(definition->databases);
    definition->dependencies = NULL;
    definition->databases = NULL;
    definition->dependency_count = 0;
    definition->database_count = 0;
}

static void add_database(struct definition *definition, struct database *database)
{
    for (unsigned i = 0; i < definition->database_count; i++) {
        if (definition->databases[i] == database)
            return;
    }
    definition->databases[definition->database_count++] = database;
}

static int resolve_dependencies(struct definition *definition)
{
    const struct analysis *analysis = &definition->analysis;
    unsigned count = analysis->use_count;
    unsigned most = count + analysis->schema_count;
    definition->dependencies =
        memory_alloc_zero((count ? count : 1) * sizeof *definition->dependencies);
    definition->databases = memory_alloc_zero((most ? most : 1) * sizeof *definition->databases);
    if (definition->dependencies == NULL || definition->databases == NULL)
        return SQLITE_NOMEM;
    for (unsigned i = 0; i < count; i++) {
        const struct table_use *use = &analysis->uses[i];
        struct dependency *dependency = &definition->dependencies[i];
        dependency->database = observer_find(definition->observer, use->schema);
        if (dependency->database == NULL)
            return SQLITE_SCHEMA;
        dependency->table =
            history_table(database_history(dependency->database), use->table, use->kind);
        if (dependency->table == NULL)
            return SQLITE_NOMEM;
        dependency->whole_file = use->whole_file;
        definition->dependency_count++;
        add_database(definition, dependency->database);
    }
    for (unsigned i = 0; i < analysis->schema_count; i++) {
        struct database *database = observer_find(definition->observer, analysis->schemas[i]);
        if (database == NULL)
            return SQLITE_SCHEMA;
        add_database(definition, database);
    }
    return SQLITE_OK;
}

/* The first look at a database may show that it is not what others can share, and its tables then
** belong to another history. */
static int look_at_dependencies(struct definition *definition)
{
    const struct observer *observer = definition->observer;
    uint64_t generation = observer->connection.schema_generation;
    int rc = resolve_dependencies(definition);
    if (rc == SQLITE_OK)
        snapshot_learn(definition->observer, definition->databases, definition->database_count);
    if (rc == SQLITE_OK && observer->connection.schema_generation != generation) {
        clear_dependencies(definition);
        rc = resolve_dependencies(definition);
    }
    return rc;
}

/* ---- the key's prefix ---- */

static int read_encoding(sqlite3 *db, char out[16])
{
    sqlite3_stmt *pragma = NULL;
    int rc = sql_prepare(db, &pragma, "PRAGMA encoding");
    out[0] = '\0';
    if (rc == SQLITE_OK && sqlite3_step(pragma) == SQLITE_ROW)
        sqlite3_snprintf(16, out, "%s", (const char *)sqlite3_column_text(pragma, 0));
    int finalized = sqlite3_finalize(pragma);
    return rc != SQLITE_OK ? rc : finalized;
}

int definition_learn_flags(struct observer *observer)
{
    char encoding[16];
    if (observer->flags_known)
        return SQLITE_OK;
    int rc = read_encoding(observer->connection.db, encoding);
    observer->utf8 = strcmp(encoding, "UTF-8") == 0;
    if (rc == SQLITE_OK)
        rc = collations_check(observer->connection.db, observer->utf8, &observer->own_collations);
    observer->flags_known = rc == SQLITE_OK;
    return rc;
}

/*
** No transaction is opened for a view that comes to nothing but constants, as one over a common
** table expression, or over a table-valued function; and the program shows of a blob what is before
** its first zero byte, of a real 16 digits. (What temp's views say is part of the key.)
*/
static bool hides_views(const struct definition *definition)
{
    if (!definition->analysis.has_literals || !GUARD(HIDDEN_VIEWS))
        return false;
    for (const struct database *d = definition->observer->connection.databases; d != NULL;
         d = d->next) {
        bool read = d->index < 0 || d->index == TEMP_DATABASE;
        for (unsigned i = 0; i < definition->database_count && !read; i++)
            read = definition->databases[i] == d;
        if (!read && schema_may_have_views(definition->db, d->name))
            return true;
    }
    return false;
}

/* Whose results they are: all connections', unless something in them is this connection's own. */
static int find_owner(struct definition *definition)
{
    const struct analysis *analysis = &definition->analysis;
    int rc = definition_learn_flags(definition->observer);
    bool own = !definition->share || (analysis->own_functions && GUARD(OWN_FUNCTIONS)) ||
               (analysis->own_collations && GUARD(OWN_COLLATIONS)) ||
               (definition->observer->own_collations && GUARD(OWN_COLLATIONS));
    own = own || definition->hides_views;
    for (unsigned i = 0; i < definition->database_count; i++)
        own = own || !file_is_shared(definition->databases[i]->member.file);
    definition->owner = own ? definition->session : 0;
    return rc;
}

/* A view of temp may mean another text on each connection, and the program does not show all of it:
** a blob is cut off at its first zero byte, a real at 16 digits. */
static int add_temp_views(struct buffer *text, sqlite3 *db)
{
    sqlite3_stmt *views = NULL;
    int rc = sql_prepare(db, &views, "SELECT sql FROM sqlite_temp_master WHERE type = 'view'");
    while (rc == SQLITE_OK && sqlite3_step(views) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(views, 0);
        buffer_add_text(text, sql != NULL ? sql : "");
    }
    int finalized = sqlite3_finalize(views);
    return rc != SQLITE_OK ? rc : finalized;
}

static int make_prefix(struct definition *definition)
{
    struct buffer text = {0};
    char encoding[16];
    int rc = read_encoding(definition->db, encoding);
    buffer_add_format(&text, "%s\n", encoding);
    struct surroundings now =
        surroundings_ask(definition->observer, definition->analysis.follows_zone);
    definition->surroundings = now;
    buffer_add_format(&text, "%d %d %d\n", now.length, now.pattern, now.digits);
    buffer_add(&text, &now.zone, sizeof now.zone);
    if (definition->owner != 0)
        buffer_add_format(&text, "%llu %llu\n", (unsigned long long)definition->owner,
                          (unsigned long long)definition->observer->incarnation);
    if (definition->hides_views)
        buffer_add_format(&text, "%llx schemas\n",
                          (unsigned long long)schema_fingerprint(definition->observer));
    for (unsigned i = 0; i < definition->database_count; i++) {
        char file[FILE_TEXT];
        file_describe(definition->databases[i]->member.file, file);
        buffer_add_format(&text, "%s\n", file);
    }
    if (rc == SQLITE_OK && definition->analysis.has_literals)
        rc = add_temp_views(&text, definition->db);
    buffer_add(&text, &definition->analysis.program, sizeof definition->analysis.program);
    buffer_add_text(&text, definition->normalized);
    if (text.failed)
        rc = SQLITE_NOMEM;
    if (rc == SQLITE_OK)
        definition->prefix = key_hash(text.bytes, text.size);
    buffer_clear(&text);
    return rc;
}

bool definition_surroundings_stand(const struct definition *definition)
{
    return surroundings_stand(definition->observer, definition->analysis.follows_zone,
                              &definition->surroundings);
}

/* ---- preparing ---- */

int definition_compile(const struct definition *definition, unsigned flags,
                       sqlite3_stmt **statement)
{
    const char *given = definition->whole != NULL ? definition->whole : definition->sql;
    char *sql = sqlite3_mprintf(OWN_STATEMENT "%s", given);
    if (sql == NULL)
        return SQLITE_NOMEM;
    int rc = sqlite3_prepare_v3(definition->db, sql, -1, flags, statement, NULL);
    sqlite3_free(sql);
    return rc;
}

static int prepare_statement(struct definition *definition, char **error)
{
    sqlite3 *db = definition->db;
    int rc = definition_compile(definition, SQLITE_PREPARE_PERSISTENT, &definition->statement);
    if (rc != SQLITE_OK)
        return error_from_sqlite(error, db, rc);
    if (!sqlite3_stmt_readonly(definition->statement) ||
        sqlite3_column_count(definition->statement) == 0)
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("it writes, and so cannot be cached; a cached query is a "
                                         "SELECT that only reads"));
    return SQLITE_OK;
}

static int find_locked(const struct instruction *instruction, int address, void *context)
{
    const struct observer *observer = context;
    (void)address;
    if (strcmp(instruction->opcode, "Transaction") != 0)
        return SQLITE_OK;
    const struct database *database = observer_at(observer, instruction->p1);
    return database != NULL && database->out_of_reach ? SQLITE_BUSY : SQLITE_OK;
}

/* Nothing was run yet: what it reads is known by its program alone. */
static int check_reach(const struct definition *definition, char **error)
{
    struct observer *observer = definition->observer;
    bool any = false;
    for (const struct database *d = observer->connection.databases; d != NULL; d = d->next)
        any = any || d->out_of_reach;
    int rc = any ? program_each(definition->db, definition->sql, find_locked, observer) : SQLITE_OK;
    if (rc != SQLITE_BUSY)
        return rc;
    return error_set(error, rc, sqlite3_mprintf("%s", sqlite3_errstr(rc)));
}

static void forget(struct definition *definition)
{
    sqlite3_finalize(definition->statement);
    definition->statement = NULL;
    clear_dependencies(definition);
    columns_clear(&definition->columns);
    analysis_clear(&definition->analysis);
}

static int prepare(struct definition *definition, bool *outdated, char **error)
{
    *outdated = false;
    int rc = observer_list_databases(definition->observer, true);
    uint64_t schemas = schema_fingerprint(definition->observer);
    if (rc == SQLITE_OK)
        rc = check_self(definition, error);
    if (rc == SQLITE_OK)
        rc = prepare_statement(definition, error);
    if (rc == SQLITE_OK)
        rc = check_reach(definition, error);
    if (rc == SQLITE_OK) {
        facts_refresh(definition->facts);
        rc = columns_read(definition->facts, definition->sql, definition->parameters.greatest,
                          definition->as_view ? NULL : definition->statement, &definition->columns);
        if (rc == SQLITE_OK)
            rc = analysis_make(definition->facts, definition->sql, definition->nesting,
                               &definition->analysis);
        if (rc != SQLITE_OK)
            rc = error_from_sqlite(error, definition->db, rc);
    }
    if (rc == SQLITE_OK && definition->analysis.reads_itself)
        rc = error_set(error, SQLITE_ERROR, sqlite3_mprintf("it reads itself"));
    if (rc == SQLITE_OK)
        rc = check_home(definition, &definition->analysis, error);
    if (rc == SQLITE_OK)
        rc = look_at_dependencies(definition);
    /* What was prepared from an outdated schema has outdated columns. Only what the query reads is
    ** looked at: inside BEGIN a look at a file keeps a transaction on it. */
    if (rc == SQLITE_OK)
        rc = schema_verify(definition->observer, definition->databases, definition->database_count);
    if (rc == SQLITE_OK)
        *outdated = schema_fingerprint(definition->observer) != schemas;
    if (rc == SQLITE_OK) {
        definition->hides_views = hides_views(definition);
        rc = find_owner(definition);
    }
    if (rc == SQLITE_OK)
        rc = make_prefix(definition);
    return rc;
}

int definition_refresh(struct definition *definition, char **error)
{
    assert(definition->observer != NULL);
    sqlite3_stmt *statement = definition->statement;
    uint64_t generation = definition->observer->connection.schema_generation;
    if (statement != NULL && (definition->generation == generation || !GUARD(SCHEMA_GENERATION)))
        return definition_surroundings_stand(definition) ? SQLITE_OK : make_prefix(definition);
    if (statement != NULL && sqlite3_stmt_busy(statement))
        return SQLITE_OK;
    forget(definition);
    snapshot_prepare(definition->observer);
    definition->preparing = true;
    definition->preparations++;
    bool outdated;
    int rc = prepare(definition, &outdated, error);
    if (rc == SQLITE_OK && outdated) {
        forget(definition);
        rc = prepare(definition, &outdated, error);
    }
    definition->preparing = false;
    if (rc != SQLITE_OK)
        forget(definition);
    else
        error_forget(definition->db);
    if (rc == SQLITE_SCHEMA)
        schema_find_outdated(definition->observer, definition->sql);
    definition->generation = definition->observer->connection.schema_generation;
    return rc;
}

void definition_suspend(struct definition *definition)
{
    if (definition->statement != NULL && sqlite3_stmt_busy(definition->statement))
        return;
    sqlite3_finalize(definition->statement);
    definition->statement = NULL;
    for (unsigned i = 0; i < definition->dependency_count; i++) {
        sqlite3_finalize(definition->dependencies[i].probe);
        definition->dependencies[i].probe = NULL;
    }
}

void definition_close(struct definition *definition)
{
    forget(definition);
    parameters_clear(&definition->parameters);
    memory_free(definition->sql);
    memory_free(definition->whole);
    memory_free(definition->normalized);
    memory_free(definition->home);
    memory_free(definition->self);
    *definition = (struct definition){0};
}
