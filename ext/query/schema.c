#include "query/schema.h"

#include <string.h>

#include "query/program.h"

/* What a program expects of a schema stands in its Transaction opcode: p1 is the database, p3 the
** schema's version in memory. */
struct expectation {
    int database;
    int version;
};

static int note_transaction(const struct instruction *instruction, int address, void *context)
{
    struct expectation *expected = context;
    (void)address;
    if (strcmp(instruction->opcode, "Transaction") == 0 && instruction->p1 == expected->database)
        expected->version = instruction->p3;
    return SQLITE_OK;
}

/* PRAGMA schema_version reads the file's version and compares it with nothing. */
static int hold_one(sqlite3 *db, const char *name, struct schema_hold *hold, int *version)
{
    char *sql = sqlite3_mprintf("PRAGMA \"%w\".schema_version", name);
    if (sql == NULL)
        return SQLITE_NOMEM;
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    sqlite3_free(sql);
    if (rc != SQLITE_OK)
        return rc;
    hold->statements[hold->count++] = statement;
    rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_ERROR : rc;
    *version = sqlite3_column_int(statement, 0);
    return SQLITE_OK;
}

static int compare(sqlite3 *db, int index, const char *name, struct schema_hold *hold)
{
    int version = 0;
    int rc = hold_one(db, name, hold, &version);
    if (rc != SQLITE_OK)
        return rc;
    char *sql = sqlite3_mprintf("SELECT 1 FROM \"%w\".sqlite_master", name);
    if (sql == NULL)
        return SQLITE_NOMEM;
    struct expectation expected = {.database = index, .version = version};
    rc = program_each(db, sql, note_transaction, &expected);
    sqlite3_free(sql);
    if (rc == SQLITE_OK && expected.version != version)
        rc = SQLITE_SCHEMA;
    return rc;
}

int schema_hold(sqlite3 *db, struct schema_hold *hold, char stale[64])
{
    hold->count = 0;
    sqlite3_stmt *list = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA database_list", -1, &list, NULL);
    while (rc == SQLITE_OK && sqlite3_step(list) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(list, 1);
        int index = sqlite3_column_int(list, 0);
        if (name == NULL) {
            rc = SQLITE_NOMEM;
        } else if (index != TEMP_DATABASE && hold->count < SCHEMA_HOLDS &&
                   sqlite3_txn_state(db, name) != SQLITE_TXN_WRITE) {
            sqlite3_snprintf(64, stale, "%s", name);
            rc = compare(db, index, name, hold);
        }
    }
    sqlite3_finalize(list);
    return rc;
}

void schema_release(struct schema_hold *hold)
{
    for (int i = 0; i < hold->count; i++)
        sqlite3_finalize(hold->statements[i]);
    hold->count = 0;
}

void schema_reload(sqlite3 *db)
{
    sqlite3_stmt *list = NULL;
    if (sqlite3_prepare_v2(db, "PRAGMA database_list", -1, &list, NULL) != SQLITE_OK)
        return;
    while (sqlite3_step(list) == SQLITE_ROW) {
        char *sql = sqlite3_mprintf("SELECT 1 FROM \"%w\".sqlite_master LIMIT 1",
                                    (const char *)sqlite3_column_text(list, 1));
        if (sql != NULL)
            sqlite3_exec(db, sql, NULL, NULL, NULL);
        sqlite3_free(sql);
    }
    sqlite3_finalize(list);
}
