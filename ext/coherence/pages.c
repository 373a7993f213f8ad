#include "coherence/pages.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "base/program.h"

#define NAME "sqlite_dbpage"

/* SQLite hands it out again with each table: the module is one of the connection's own. */
struct pages {
    sqlite3_module module; /* must be first; complete once the first table is connected */
    const sqlite3_module *original;
    page_hook written; /* NULL: nobody listens */
    void *context;
    struct pages **place; /* where its owner keeps it */
};

/* ---- SQLite's own module ---- */

/* The scratch connection may load this very extension (sqlite3_auto_extension); it then keeps the
** module that is looked for. */
static _Thread_local bool looking;

static int note_module(const struct instruction *instruction, int address, void *context)
{
    const sqlite3_module **module = context;
    const sqlite3_vtab *table = NULL;
    (void)address;
    if (strcmp(instruction->opcode, "VOpen") == 0 && program_vtab(instruction->p4, &table))
        *module = table->pModule;
    return SQLITE_OK;
}

/* A constant of the library, the same for all its connections; ours has replaced it on this one. */
static const sqlite3_module *find_original(void)
{
    const sqlite3_module *module = NULL;
    sqlite3 *scratch = NULL;
    looking = true;
    if (sqlite3_open(":memory:", &scratch) == SQLITE_OK)
        program_each(scratch, "SELECT 1 FROM " NAME, note_module, &module);
    sqlite3_close(scratch);
    looking = false;
    return module;
}

/* ---- ours ---- */

static int connect_table(sqlite3 *db, void *context, int argc, const char *const *argv,
                         sqlite3_vtab **table, char **error);

/* Values: the rowid before and behind, page number, content, schema. */
enum { SCHEMA_VALUE = 4 };

static int update(sqlite3_vtab *table, int argc, sqlite3_value **argv, sqlite3_int64 *rowid)
{
    const struct pages *pages = (const void *)table->pModule;
    int rc = pages->original->xUpdate(table, argc, argv, rowid);
    if (rc != SQLITE_OK || pages->written == NULL)
        return rc;
    const char *schema =
        argc > SCHEMA_VALUE ? (const char *)sqlite3_value_text(argv[SCHEMA_VALUE]) : NULL;
    pages->written(pages->context, schema != NULL ? schema : "main");
    return rc;
}

/* What versions later than the second add it does not have. */
static void complete(struct pages *pages)
{
    const sqlite3_module *original = pages->original;
    bool savepoints = original->iVersion >= 2;
    memcpy(&pages->module, original,
           savepoints ? offsetof(sqlite3_module, xShadowName)
                      : offsetof(sqlite3_module, xSavepoint));
    pages->module.iVersion = savepoints ? 2 : original->iVersion;
    pages->module.xCreate = connect_table;
    pages->module.xConnect = connect_table;
    if (original->xUpdate != NULL)
        pages->module.xUpdate = update;
}

static int connect_table(sqlite3 *db, void *context, int argc, const char *const *argv,
                         sqlite3_vtab **table, char **error)
{
    struct pages *pages = context;
    if (pages->original == NULL) {
        pages->original = find_original();
        if (pages->original == NULL) {
            *error = sqlite3_mprintf("no such table: " NAME); /* as SQLite says without it */
            return SQLITE_ERROR;
        }
        complete(pages);
    }
    return pages->original->xConnect(db, NULL, argc, argv, table, error);
}

static void destroy(void *context)
{
    struct pages *pages = context;
    if (pages->written != NULL)
        *pages->place = NULL;
    memory_free(pages);
}

/* Where SQLite cannot say how it was compiled, it may have the table. */
static bool may_have_it(void)
{
    return sqlite3_compileoption_used == NULL || sqlite3_compileoption_used("ENABLE_DBPAGE_VTAB");
}

bool pages_watch(sqlite3 *db, page_hook written, void *context, struct pages **place)
{
    *place = NULL;
    if (looking || !may_have_it())
        return true;
    struct pages *pages = memory_alloc_zero(sizeof *pages);
    if (pages == NULL)
        return false;
    *pages = (struct pages){.written = written, .context = context, .place = place};
    pages->module.xCreate = connect_table; /* equal: the table is there without being created */
    pages->module.xConnect = connect_table;
    *place = pages;
    return sqlite3_create_module_v2(db, NAME, &pages->module, pages, destroy) == SQLITE_OK;
}

void pages_unwatch(struct pages *pages)
{
    if (pages != NULL)
        pages->written = NULL;
}
