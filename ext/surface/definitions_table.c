/*
** cache_definitions: the cached tables of this connection, with their options and counters.
**
**     SELECT name, tables, ttl, hits, hit_rate, bytes FROM cache_definitions;
*/
#include "base/databases.h"
#include "base/memory.h"
#include "base/sql.h"
#include "query/token.h"
#include "surface/describe.h"
#include "surface/listing.h"

enum { FIRST_OPTION = 4, FIRST_COUNTER = FIRST_OPTION + OPTION_COUNT };
enum { DEFINITION_COLUMNS = FIRST_COUNTER + STATISTIC_COUNT_OF_EACH };

/* ---- tables that are stored but not yet connected ---- */

/* True when this CREATE VIRTUAL TABLE says USING cache. */
static bool uses_cache(const char *sql)
{
    struct token token = token_read_solid(sql);
    while (token.type != TOKEN_END && !token_is_word(token, "using"))
        token = token_next(token);
    if (token.type == TOKEN_END)
        return false;
    token = token_next(token);
    if (token.type != TOKEN_WORD && token.type != TOKEN_QUOTED)
        return false;
    char *module = token_identifier(token);
    bool is_cache = module != NULL && sqlite3_stricmp(module, "cache") == 0;
    memory_free(module);
    return is_cache;
}

/* To prepare a statement over a virtual table is to connect it. */
static void connect_table(sqlite3 *db, const char *schema, const char *name)
{
    sqlite3_stmt *statement;
    sql_prepare(db, &statement, "SELECT 1 FROM \"%w\".\"%w\"", schema, name);
    sqlite3_finalize(statement);
}

static void connect_schema(sqlite3 *db, const char *schema)
{
    sqlite3_stmt *tables;
    if (sql_prepare(db, &tables,
                    "SELECT name, sql FROM \"%w\".sqlite_master WHERE type = 'table' "
                    "AND rootpage = 0",
                    schema) == SQLITE_OK) {
        while (sqlite3_step(tables) == SQLITE_ROW) {
            const char *name = (const char *)sqlite3_column_text(tables, 0);
            const char *text = (const char *)sqlite3_column_text(tables, 1);
            if (name != NULL && text != NULL && uses_cache(text))
                connect_table(db, schema, name);
        }
    }
    sqlite3_finalize(tables);
}

/* Errors are ignored: a database that is locked or a table that fails is left out. */
static void connect_stored(sqlite3 *db)
{
    struct databases list = databases_of(db);
    while (databases_next(&list))
        connect_schema(db, list.name);
    databases_end(&list);
}

/* ---- rows ---- */

static void fill_counters(const struct space *space, struct cell *cells)
{
    struct measured measured = statistics_of_space(space);
    for (size_t i = 0; i < STATISTIC_COUNT; i++) {
        if (statistics[i].shows != STATISTIC_PROCESS)
            *cells++ = listing_statistic(&statistics[i], &measured);
    }
}

static int add_definition(const struct cached_query *query, struct result_builder *rows,
                          int64_t rowid)
{
    const struct definition *definition = &query->definition;
    struct cell row[DEFINITION_COLUMNS + 1];
    char *shown[OPTION_COUNT] = {NULL};
    /* A SELECT that never prepared has no columns; what it reads is not known. */
    bool is_known = definition->columns.count > 0;
    char *tables = is_known ? describe_tables(&definition->analysis) : NULL;
    int code = is_known && tables == NULL ? SQLITE_NOMEM : SQLITE_OK;
    row[0] = listing_text(query->name);
    row[1] = listing_text(query->schema);
    row[2] = listing_text(definition->sql);
    row[3] = listing_text(tables);
    for (int i = 0; code == SQLITE_OK && i < OPTION_COUNT; i++) {
        code = options_show(&query->options, i, &shown[i]);
        row[FIRST_OPTION + i] = listing_text(shown[i]);
    }
    fill_counters(query->space, row + FIRST_COUNTER);
    row[DEFINITION_COLUMNS] = listing_integer(rowid);
    if (code == SQLITE_OK)
        code = listing_add(rows, row);
    for (int i = 0; i < OPTION_COUNT; i++)
        sqlite3_free(shown[i]);
    memory_free(tables);
    return code;
}

static int definitions_collect(struct session *session, struct result_builder *rows,
                               sqlite3_value *argument, char **error)
{
    int code = SQLITE_OK;
    int64_t rowid = 0;
    (void)argument, (void)error;
    connect_stored(session->db);
    for (const struct cached_query *query = session->queries; code == SQLITE_OK && query != NULL;
         query = query->next)
        code = add_definition(query, rows, ++rowid);
    return code;
}

static const struct listing_table definitions_table = {
    .name = "querycache_definitions",
    .declaration = "CREATE TABLE cache_definitions(name TEXT, schema TEXT, sql TEXT, "
                   "tables TEXT" OPTION_COLUMNS STATISTICS_COLUMNS_OF_EACH ")",
    .columns = DEFINITION_COLUMNS,
    .collect = definitions_collect,
};

int definitions_table_register(sqlite3 *db, struct session *session)
{
    return listing_register(db, session, &definitions_table);
}
