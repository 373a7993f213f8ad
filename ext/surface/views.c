/*
** cache_view() and cache_unview(): an existing view behind the cache, and out again, by one call.
**
**     SELECT cache_view('top_products', 'ttl = 60');
**     SELECT * FROM top_products;
**     SELECT cache_unview('top_products');
**
** SQLite looks for a bare name in temp first. So a cached table of temp with the view's name, over
** main.top_products, takes its place on this connection. What stands in temp's schema is all that
** is known of it: a table that was created so by hand is the same thing.
*/
#include <string.h>

#include "base/buffer.h"
#include "base/databases.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/sql.h"
#include "query/options_list.h"
#include "query/token.h"
#include "surface/surface.h"

/* A view or a table of a schema; in sqlite3_malloc()'s memory. */
struct object {
    char *schema;
    char *name; /* NULL: there is none */
    char *sql;
};

static void object_clear(struct object *object)
{
    sqlite3_free(object->schema);
    sqlite3_free(object->name);
    sqlite3_free(object->sql);
    *object = (struct object){0};
}

/* Names may have dots in them, so it is the whole that is compared. */
static bool is_qualified(const char *asked, const char *schema, const char *name)
{
    size_t size = strlen(schema);
    return sqlite3_strnicmp(asked, schema, (int)size) == 0 && asked[size] == '.' &&
           sqlite3_stricmp(asked + size + 1, name) == 0;
}

/* ---- what there is ---- */

static int object_take(struct object *object, const char *schema, sqlite3_stmt *row)
{
    object_clear(object);
    object->schema = sqlite3_mprintf("%s", schema);
    object->name = sqlite3_mprintf("%s", sqlite3_column_text(row, 0));
    object->sql = sqlite3_mprintf("%s", sqlite3_column_text(row, 1)); /* NULL gives an empty one */
    return object->schema != NULL && object->name != NULL && object->sql != NULL ? SQLITE_OK
                                                                                 : SQLITE_NOMEM;
}

/* The view or table of this schema that is asked for, by its name alone (unless *found is another
** already) or with the schema's. */
static int find_in(sqlite3 *db, const char *schema, const char *asked, struct object *found)
{
    sqlite3_stmt *list;
    int code = sql_prepare(
        db, &list, "SELECT name, sql FROM \"%w\".sqlite_schema WHERE type IN ('table', 'view')",
        schema);
    while (code == SQLITE_OK && sqlite3_step(list) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(list, 0);
        if (name != NULL && ((found->name == NULL && sqlite3_stricmp(asked, name) == 0) ||
                             is_qualified(asked, schema, name)))
            code = object_take(found, schema, list);
    }
    int finalized = sqlite3_finalize(list);
    return code != SQLITE_OK ? code : finalized;
}

/* In main, then in the attached databases; one that is named with its schema before any other. */
static int find_source(sqlite3 *db, const char *asked, struct object *found)
{
    struct databases list = databases_of(db);
    int code = SQLITE_OK;
    while (code == SQLITE_OK && databases_next(&list)) {
        if (list.index != TEMP_DATABASE)
            code = find_in(db, list.name, asked, found);
        if (found->name != NULL && strchr(asked, '.') == NULL)
            break;
    }
    int ended = databases_end(&list);
    return code != SQLITE_OK ? code : ended;
}

/*
** The schema over which a table of temp stands as cache_view() makes it, CREATE VIRTUAL TABLE name
** USING cache((SELECT * FROM schema.name), … ; NULL where it is anything else. Caller frees.
*/
static int source_schema(const struct object *table, char **schema)
{
    static const char *const words[] = {"create", "virtual", "table",  NULL, "using", "cache",
                                        "(",      "(",       "select", "*",  "from"};
    struct token token = token_read_solid(table->sql);
    *schema = NULL;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++, token = token_next(token)) {
        if (words[i] == NULL)
            continue;
        bool same = token.size == strlen(words[i]) &&
                    sqlite3_strnicmp(token.text, words[i], (int)token.size) == 0;
        if (!same || token.type == TOKEN_END)
            return SQLITE_OK;
    }
    struct token dot = token_next(token);
    struct token name = token_next(dot);
    struct token close = token_next(name);
    if (token.type == TOKEN_END || dot.text[0] != '.' || name.type == TOKEN_END ||
        close.text[0] != ')')
        return SQLITE_OK;
    char *text = token_identifier(name);
    if (text == NULL)
        return SQLITE_NOMEM;
    bool same = sqlite3_stricmp(text, table->name) == 0;
    memory_free(text);
    *schema = same ? token_identifier(token) : NULL;
    return same && *schema == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

/* ---- options ---- */

static int add_option(const char *argument, void *context)
{
    buffer_add_format(context, ", %s", argument);
    return SQLITE_OK;
}

/* Add ", name = value" for each option of the text, having read them all as the module will. */
static int add_options(struct buffer *create, const char *text, char **error)
{
    struct options options = {0};
    int code = options_read_list(&options, text, error);
    options_clear(&options);
    return code == SQLITE_OK ? options_split(text, add_option, create, error) : code;
}

/* ---- the functions ---- */

static int create(sqlite3 *db, const struct object *source, const char *options, char **error)
{
    struct buffer text = {0};
    buffer_add_format(&text,
                      "CREATE VIRTUAL TABLE temp.\"%w\" USING cache((SELECT * FROM \"%w\".\"%w\")",
                      source->name, source->schema, source->name);
    int code = options != NULL ? add_options(&text, options, error) : SQLITE_OK;
    buffer_add_char(&text, ')');
    char *sql = buffer_take(&text);
    if (code == SQLITE_OK)
        code = sql != NULL ? sqlite3_exec(db, sql, NULL, NULL, error) : SQLITE_NOMEM;
    memory_free(sql);
    return code;
}

/* What is in temp under the name of the source, or under the name that is asked for. */
static int refuse_taken(const struct object *taken, char **error)
{
    char *schema;
    int code = source_schema(taken, &schema);
    if (code != SQLITE_OK)
        return code;
    code = error_set(
        error, SQLITE_ERROR,
        schema != NULL
            ? sqlite3_mprintf("%s is behind the cache already, over %s.%s; SELECT "
                              "cache_unview(%Q) takes it away",
                              taken->name, schema, taken->name, taken->name)
            : sqlite3_mprintf("temp has something called %s already, where the cached table would "
                              "have to stand; a view of main or of an attached database can be put "
                              "behind the cache where temp has nothing of that name",
                              taken->name));
    memory_free(schema);
    return code;
}

/* The error of the last call on `db`, where the code alone would say less. */
static int with_text(sqlite3 *db, int code, char **error)
{
    return code == SQLITE_OK || *error != NULL ? code : error_from_sqlite(error, db, code);
}

static int refuse_ignored(const char *done, const char *name, char **error)
{
    return error_set(error, SQLITE_AUTH,
                     sqlite3_mprintf("the connection's authorizer ignored that the table temp.%s "
                                     "was to be %s",
                                     name, done));
}

/* *source is what is behind the cache then. */
static int put_behind(sqlite3 *db, const char *asked, const char *options, struct object *source,
                      char **error)
{
    struct object taken = {0};
    int code = with_text(db, find_source(db, asked, source), error);
    if (code == SQLITE_OK)
        code = with_text(
            db, find_in(db, "temp", source->name != NULL ? source->name : asked, &taken), error);
    if (code == SQLITE_OK && taken.name != NULL)
        code = refuse_taken(&taken, error);
    else if (code == SQLITE_OK && source->name == NULL)
        code = error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("there is neither a view nor a table '%s' in main or an "
                                         "attached database; write its name as it is, without "
                                         "quotes of its own: cache_view('top_products') or "
                                         "('main.top_products')",
                                         asked));
    else if (code == SQLITE_OK)
        code = create(db, source, options, error);
    if (code == SQLITE_OK)
        code = with_text(db, find_in(db, "temp", source->name, &taken), error);
    if (code == SQLITE_OK &&
        taken.name == NULL) /* SQLITE_IGNORE leaves a statement without effect */
        code = error_set(error, SQLITE_AUTH,
                         sqlite3_mprintf("the connection's authorizer let no table temp.%s be made",
                                         source->name));
    object_clear(&taken);
    return code;
}

static int drop(sqlite3 *db, const struct object *table, char **error)
{
    struct object left = {0};
    char *sql = sqlite3_mprintf("DROP TABLE temp.\"%w\"", table->name);
    int code = sql != NULL ? sqlite3_exec(db, sql, NULL, NULL, error) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (code == SQLITE_OK)
        code = with_text(db, find_in(db, "temp", table->name, &left), error);
    if (code == SQLITE_OK && left.name != NULL)
        code = refuse_ignored("dropped", table->name, error);
    object_clear(&left);
    return code;
}

static int take_away(sqlite3 *db, const char *asked, char **error)
{
    struct object table = {0};
    /* As it was given to cache_view(), too: then the bare name behind the schema's is in temp. */
    const char *dot = strchr(asked, '.');
    int code = find_in(db, "temp", asked, &table);
    for (; code == SQLITE_OK && table.name == NULL && dot != NULL; dot = strchr(dot + 1, '.'))
        code = find_in(db, "temp", dot + 1, &table);
    code = with_text(db, code, error);
    char *schema = NULL;
    if (code == SQLITE_OK && table.name != NULL)
        code = source_schema(&table, &schema);
    bool right = schema != NULL && (sqlite3_stricmp(asked, table.name) == 0 ||
                                    is_qualified(asked, "temp", table.name) ||
                                    is_qualified(asked, schema, table.name));
    memory_free(schema);
    if (code == SQLITE_OK && right)
        code = drop(db, &table, error);
    else if (code == SQLITE_OK && table.name != NULL)
        code = error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("temp.%s is not what cache_view(%Q) makes, a cached table "
                                         "over a view of that name; DROP TABLE or DROP VIEW takes "
                                         "it away",
                                         table.name, asked));
    else if (code == SQLITE_OK)
        code = error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("'%s' is not behind the cache on this connection; SELECT "
                                         "cache_view(%Q) puts it there",
                                         asked, asked));
    object_clear(&table);
    return code;
}

/* Takes *error over, and puts the function's name in front. */
static void finish_with_error(sqlite3_context *context, const char *function, int code, char *error)
{
    char *text = error != NULL ? sqlite3_mprintf("%s: %s", function, error) : NULL;
    sqlite3_free(error);
    surface_result_error(context, text != NULL || code != SQLITE_OK ? code : SQLITE_NOMEM, text);
}

static void cache_view(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct session *session = sqlite3_user_data(context);
    const char *asked = surface_text(
        context, argv[0],
        "cache_view: the name of a view is wanted, and the options of its cached table may "
        "follow: cache_view('top_products', 'ttl = 60')");
    const char *options = argc > 1 ? (const char *)sqlite3_value_text(argv[1]) : NULL;
    struct object source = {0};
    char *error = NULL;
    if (asked == NULL)
        return;
    int code = session_check(session, &error);
    if (code == SQLITE_OK)
        code = put_behind(session->db, asked, options, &source, &error);
    char *name = code == SQLITE_OK ? sqlite3_mprintf("temp.%s", source.name) : NULL;
    object_clear(&source);
    if (code == SQLITE_OK && name == NULL)
        code = SQLITE_NOMEM;
    if (code == SQLITE_OK)
        sqlite3_result_text(context, name, -1, sqlite3_free);
    else
        finish_with_error(context, "cache_view", code, error);
}

static void cache_unview(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct session *session = sqlite3_user_data(context);
    const char *asked =
        surface_text(context, argv[0],
                     "cache_unview: the name of a view is wanted, as it was given to "
                     "cache_view(): cache_unview('top_products')");
    char *error = NULL;
    (void)argc;
    if (asked == NULL)
        return;
    int code = session_check(session, &error);
    if (code == SQLITE_OK)
        code = take_away(session->db, asked, &error);
    if (code != SQLITE_OK)
        finish_with_error(context, "cache_unview", code, error);
}

int views_register(sqlite3 *db, struct session *session)
{
    static const struct {
        const char *name;
        int arguments;
        void (*call)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {
        {"cache_view", 1, cache_view},
        {"cache_view", 2, cache_view},
        {"cache_unview", 1, cache_unview},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        /* SQLite calls the destructor when this fails, too. */
        int code = sqlite3_create_function_v2(
            db, functions[i].name, functions[i].arguments, SQLITE_UTF8 | SQLITE_DIRECTONLY,
            session_retain(session), functions[i].call, NULL, NULL, session_release);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}
