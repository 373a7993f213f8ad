#include "query/modules.h"

#include <string.h>

#include "base/databases.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/sql.h"
#include "query/full_text.h"
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

/* The PRAGMA itself, not pragma_module_list: that belongs to main, and to read it takes main's
** lock, which the query itself may not need. */
#define LIST_MODULES "PRAGMA module_list"

/* What there is no module for cannot be in the query: to ask further would be an error, which the
** application's log hears of. */
static bool is_registered(sqlite3 *db, const char *module)
{
    sqlite3_stmt *list = NULL;
    bool known = sql_prepare(db, &list, LIST_MODULES) == SQLITE_OK;
    bool registered = false;
    while (!registered && sqlite3_step(list) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(list, 0);
        registered = name != NULL && sqlite3_stricmp(name, module) == 0;
    }
    known = sqlite3_finalize(list) == SQLITE_OK && known;
    return registered || !known;
}

/* True when main has a table or view of that name, which then hides the table-valued function. */
static bool is_stored(sqlite3 *db, const char *name)
{
    sqlite3_stmt *lookup = NULL;
    bool stored = true;
    if (sql_prepare(db, &lookup, "SELECT 1 FROM main.sqlite_master WHERE name = %Q COLLATE nocase",
                    name) == SQLITE_OK)
        stored = sqlite3_step(lookup) != SQLITE_DONE;
    sqlite3_finalize(lookup);
    return stored;
}

/* ---- tables stored in a schema ---- */

/* The token of the module's name in CREATE VIRTUAL TABLE … USING name(…). */
static struct token module_of(const char *sql)
{
    struct token token = token_read_solid(sql);
    while (token.type != TOKEN_END && !token_is_word(token, "using"))
        token = token_next(token);
    return token.type != TOKEN_END ? token_next(token) : token;
}

static int take_module(sqlite3 *db, const char *schema, const char *sql, struct module_use *use)
{
    struct token module = module_of(sql);
    char *name = token_identifier(module);
    for (size_t i = 0; name != NULL && i < COUNT(in_file); i++) {
        if (sqlite3_stricmp(name, in_file[i].name) == 0) {
            use->kind = MODULE_IN_FILE;
            use->full_text = in_file[i].full_text;
        }
    }
    if (use->full_text) {
        struct full_text found = full_text_read(db, schema, module, name);
        use->own_tokenizer = found.own_tokenizer;
        use->calls = found.calls;
        if (found.elsewhere && GUARD(TEXT_ELSEWHERE))
            use->kind = MODULE_UNKNOWN;
    }
    bool failed = name == NULL;
    memory_free(name);
    return failed ? SQLITE_NOMEM : SQLITE_OK;
}

/* What has no root page and is no view is a virtual table: the same in each version of SQLite, and
** no function is asked, as LIKE would be, which the application may have replaced. */
static int find_in_schema(sqlite3 *db, const char *schema, const sqlite3_vtab *address,
                          struct module_use *use)
{
    sqlite3_stmt *tables;
    int rc = sql_prepare(db, &tables,
                         "SELECT name, sql FROM \"%w\".sqlite_master WHERE type = 'table' "
                         "AND rootpage = 0",
                         schema);
    while (rc == SQLITE_OK && use->table == NULL && sqlite3_step(tables) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(tables, 0);
        const char *text = (const char *)sqlite3_column_text(tables, 1);
        if (name == NULL || text == NULL || !is_at(db, schema, name, address))
            continue;
        rc = take_module(db, schema, text, use);
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
    int rc = sql_prepare(db, &modules, LIST_MODULES);
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
    while (rc == SQLITE_OK && use->table == NULL && databases_next(&list)) {
        rc = find_in_schema(db, list.name, address, use);
        /* What is locked the query cannot read either: it is of another schema. */
        if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
            rc = SQLITE_OK;
    }
    int ended = databases_end(&list);
    if (rc == SQLITE_OK)
        rc = ended;
    if (rc == SQLITE_OK && use->table == NULL)
        rc = find_eponymous(db, address, use);
    return rc;
}
