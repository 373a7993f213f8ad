#include "base/program.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *column_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text != NULL ? text : "";
}

/* Older versions of SQLite show p5 as hexadecimal text. */
static int read_p5(sqlite3_stmt *listing)
{
    if (sqlite3_column_type(listing, 6) == SQLITE_TEXT)
        return (int)strtol(column_text(listing, 6), NULL, 16);
    return sqlite3_column_int(listing, 6);
}

/* EXPLAIN's columns: addr, opcode, p1, p2, p3, p4, p5, comment. */
static struct instruction read_instruction(sqlite3_stmt *listing)
{
    return (struct instruction){
        .opcode = column_text(listing, 1),
        .p1 = sqlite3_column_int(listing, 2),
        .p2 = sqlite3_column_int(listing, 3),
        .p3 = sqlite3_column_int(listing, 4),
        .p4 = column_text(listing, 5),
        .p5 = read_p5(listing),
    };
}

int program_each(sqlite3 *db, const char *sql,
                 int (*visit)(const struct instruction *instruction, int address, void *context),
                 void *context)
{
    char *explain = sqlite3_mprintf("EXPLAIN %s", sql);
    if (explain == NULL)
        return SQLITE_NOMEM;
    sqlite3_stmt *listing = NULL;
    int rc = sqlite3_prepare_v3(db, explain, -1, SQLITE_PREPARE_DONT_LOG, &listing, NULL);
    sqlite3_free(explain);
    if (rc != SQLITE_OK)
        return rc;
    int visited = SQLITE_OK;
    while (visited == SQLITE_OK && sqlite3_step(listing) == SQLITE_ROW) {
        struct instruction instruction = read_instruction(listing);
        visited = visit(&instruction, sqlite3_column_int(listing, 0), context);
    }
    rc = sqlite3_finalize(listing);
    return visited != SQLITE_OK ? visited : rc;
}

/* What a program expects of a schema stands in its Transaction opcode: p1 is the database, p3 the
** schema's version in memory. */
struct expectation {
    int database;
    bool found;
    uint32_t version;
};

static int note_transaction(const struct instruction *instruction, int address, void *context)
{
    struct expectation *expected = context;
    (void)address;
    if (strcmp(instruction->opcode, "Transaction") == 0 && instruction->p1 == expected->database) {
        expected->version = (uint32_t)instruction->p3;
        expected->found = true;
    }
    return SQLITE_OK;
}

int program_schema_version(sqlite3 *db, int index, const char *schema, uint32_t *version)
{
    char *sql = sqlite3_mprintf("SELECT 1 FROM \"%w\".sqlite_master", schema);
    if (sql == NULL)
        return SQLITE_NOMEM;
    struct expectation expected = {.database = index};
    int rc = program_each(db, sql, note_transaction, &expected);
    sqlite3_free(sql);
    if (rc == SQLITE_OK && !expected.found)
        rc = SQLITE_ERROR;
    if (rc == SQLITE_OK)
        *version = expected.version;
    return rc;
}

/* SQLite prints "vtab:%p" with its own printf: hexadecimal digits, with or without 0x. */
bool program_vtab(const char *p4, const sqlite3_vtab **address)
{
    if (strncmp(p4, "vtab:", 5) != 0)
        return false;
    char *end;
    unsigned long long value = strtoull(p4 + 5, &end, 16);
    *address = (const sqlite3_vtab *)(uintptr_t)value;
    return end != p4 + 5;
}
