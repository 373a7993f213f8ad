#include "query/modules.h"

#include <string.h>

#include "base/databases.h"
#include "base/memory.h"
#include "base/program.h"
#include "query/token.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const constants[] = {"json_each", "json_tree", "jsonb_each", "jsonb_tree",
                                        "generate_series"};

static const struct {
    const char *name;
    bool full_text;
} in_file[] = {
    {"fts3", true},   {"fts4", true},       {"fts5", true},
    {"rtree", false}, {"rtree_i32", false}, {"geopoly", false},
};

/* ---- the address of a table that can be named ---- */

static int note_address(const struct instruction *instruction, int address, void *context)
{
    (void)address;
    if (strcmp(instruction->opcode, "VOpen") == 0)
        program_vtab(instruction->p4, context);
    return SQLITE_OK;
}

/* False also where the table cannot be read at all: then the query does not read it either. */
static bool is_at(sqlite3 *db, const char *schema, const char *table, const sqlite3_vtab *address)
{
    char *sql = schema != NULL ? sqlite3_mprintf("SELECT 1 FROM \"%w\".\"%w\"", schema, table)
                               : sqlite3_mprintf("SELECT 1 FROM \"%w\"", table);
    const sqlite3_vtab *found = NULL;
    if (sql != NULL)
        program_each(db, sql, note_address, &found);
    sqlite3_free(sql);
    return found == address;
}

/* What there is no module for cannot be in the query: to ask further would be an error, which the
** application's log hears of. */
static bool is_registered(sqlite3 *db, const char *module)
{
    sqlite3_stmt *lookup = NULL;
    bool registered = true;
    if (sqlite3_prepare_v2(db, "SELECT 1 FROM pragma_module_list WHERE name = ?1 COLLATE nocase",
                           -1, &lookup, NULL) == SQLITE_OK) {
        sqlite3_bind_text(lookup, 1, module, -1, SQLITE_STATIC);
        registered = sqlite3_step(lookup) != SQLITE_DONE;
    }
    sqlite3_finalize(lookup);
    return registered;
}

/* True when main has a table or view of that name, which then hides the table-valued function. */
static bool is_stored(sqlite3 *db, const char *name)
{
    sqlite3_stmt *lookup = NULL;
    bool stored = true;
    if (sqlite3_prepare_v2(db, "SELECT 1 FROM main.sqlite_master WHERE name = ?1 COLLATE nocase",
                           -1, &lookup, NULL) == SQLITE_OK) {
        sqlite3_bind_text(lookup, 1, name, -1, SQLITE_STATIC);
        stored = sqlite3_step(lookup) != SQLITE_DONE;
    }
    sqlite3_finalize(lookup);
    return stored;
}

/* ---- tables stored in a schema ---- */

/* The module's name in CREATE VIRTUAL TABLE … USING name(…); caller frees. */
static char *module_of(const char *sql)
{
    struct token token = token_read_solid(sql);
    while (token.type != TOKEN_END && !token_is_word(token, "using"))
        token = token_next(token);
    if (token.type == TOKEN_END)
        return NULL;
    return token_identifier(token_next(token));
}

static void take_module(struct module_use *use, const char *module)
{
    for (size_t i = 0; module != NULL && i < COUNT(in_file); i++) {
        if (sqlite3_stricmp(module, in_file[i].name) == 0) {
            use->kind = MODULE_IN_FILE;
            use->full_text = in_file[i].full_text;
        }
    }
}

/* The table named by content = … of a full-text table; caller frees. NULL where none is. */
static char *content_of(const char *sql)
{
    struct token token = token_read_solid(sql);
    while (token.type != TOKEN_END) {
        struct token next = token_next(token);
        if (token_is_word(token, "content") && next.size == 1 && *next.text == '=')
            return token_identifier(token_next(next));
        token = next;
    }
    return NULL;
}

/* Text that is kept elsewhere is in the same file only if it is in a table of the same schema: a
** view could read anything. */
static bool keeps_to_file(sqlite3 *db, const char *schema, const char *sql)
{
    char *content = content_of(sql);
    if (content == NULL || content[0] == '\0') {
        memory_free(content);
        return true;
    }
    char *text = sqlite3_mprintf("SELECT 1 FROM \"%w\".sqlite_master WHERE type = 'table' AND "
                                 "name = %Q COLLATE nocase AND sql NOT LIKE 'CREATE VIRTUAL%%'",
                                 schema, content);
    sqlite3_stmt *lookup = NULL;
    bool found = text != NULL && sqlite3_prepare_v2(db, text, -1, &lookup, NULL) == SQLITE_OK &&
                 sqlite3_step(lookup) == SQLITE_ROW;
    sqlite3_finalize(lookup);
    sqlite3_free(text);
    memory_free(content);
    return found;
}

static int find_in_schema(sqlite3 *db, const char *schema, const sqlite3_vtab *address,
                          struct module_use *use)
{
    char *sql = sqlite3_mprintf("SELECT name, sql FROM \"%w\".sqlite_master WHERE type = 'table' "
                                "AND sql LIKE 'CREATE VIRTUAL TABLE%%'",
                                schema);
    sqlite3_stmt *tables = NULL;
    if (sql == NULL)
        return SQLITE_NOMEM;
    int rc = sqlite3_prepare_v2(db, sql, -1, &tables, NULL);
    sqlite3_free(sql);
    while (rc == SQLITE_OK && use->table == NULL && sqlite3_step(tables) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(tables, 0);
        const char *text = (const char *)sqlite3_column_text(tables, 1);
        if (name == NULL || text == NULL || !is_at(db, schema, name, address))
            continue;
        char *module = module_of(text);
        take_module(use, module);
        memory_free(module);
        if (use->full_text && !keeps_to_file(db, schema, text))
            use->kind = MODULE_UNKNOWN;
        use->table = memory_copy_text(name, strlen(name));
        use->schema = memory_copy_text(schema, strlen(schema));
        if (use->table == NULL || use->schema == NULL)
            rc = SQLITE_NOMEM;
    }
    int finalized = sqlite3_finalize(tables);
    return rc != SQLITE_OK ? rc : finalized;
}

/* ---- table-valued functions ---- */

static int find_eponymous(sqlite3 *db, const sqlite3_vtab *address, struct module_use *use)
{
    sqlite3_stmt *modules = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT name FROM pragma_module_list", -1, &modules, NULL);
    while (rc == SQLITE_OK && use->table == NULL && sqlite3_step(modules) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(modules, 0);
        if (name == NULL || !is_at(db, NULL, name, address))
            continue;
        use->table = memory_copy_text(name, strlen(name));
        if (use->table == NULL)
            rc = SQLITE_NOMEM;
    }
    int finalized = sqlite3_finalize(modules);
    return rc != SQLITE_OK ? rc : finalized;
}

int module_find(sqlite3 *db, const sqlite3_vtab *address, struct module_use *use)
{
    *use = (struct module_use){.kind = MODULE_UNKNOWN};
    for (size_t i = 0; i < COUNT(constants); i++) {
        if (is_registered(db, constants[i]) && is_at(db, "main", constants[i], address) &&
            !is_stored(db, constants[i])) {
            use->kind = MODULE_CONSTANT;
            return SQLITE_OK;
        }
    }
    struct databases list = databases_of(db);
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && use->table == NULL && databases_next(&list))
        rc = find_in_schema(db, list.name, address, use);
    int ended = databases_end(&list);
    if (rc == SQLITE_OK)
        rc = ended;
    if (rc == SQLITE_OK && use->table == NULL)
        rc = find_eponymous(db, address, use);
    return rc;
}
