#include "base/program.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

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

static int prepare_listing(sqlite3 *db, const char *sql, sqlite3_stmt **listing)
{
    char *explain = sqlite3_mprintf("EXPLAIN %s", sql);
    if (explain == NULL)
        return SQLITE_NOMEM;
    int rc = sqlite3_prepare_v3(db, explain, -1, SQLITE_PREPARE_DONT_LOG, listing, NULL);
    sqlite3_free(explain);
    return rc;
}

int program_each(sqlite3 *db, const char *sql,
                 int (*visit)(const struct instruction *instruction, int address, void *context),
                 void *context)
{
    assert(sql != NULL && visit != NULL);
    sqlite3_stmt *listing = NULL;
    int rc = prepare_listing(db, sql, &listing);
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

/* ---- a listing that is kept ---- */

/* Texts move while they are collected, so instructions have their offsets first. */
struct collected {
    struct instruction instruction;
    size_t opcode;
    size_t p4;
};

static size_t add_text(struct buffer *texts, const char *text)
{
    size_t offset = texts->size;
    buffer_add(texts, text, strlen(text) + 1);
    return offset;
}

static void collect(sqlite3_stmt *listing, struct buffer *rows, struct buffer *texts)
{
    struct collected row = {.instruction = read_instruction(listing)};
    row.opcode = add_text(texts, row.instruction.opcode);
    row.p4 = add_text(texts, row.instruction.p4);
    buffer_add(rows, &row, sizeof row);
}

static int keep(const struct buffer *rows, struct buffer *texts, struct program *program)
{
    const struct collected *collected = (const void *)rows->bytes;
    size_t count = rows->size / sizeof *collected;
    if (rows->failed || texts->failed)
        return SQLITE_NOMEM;
    program->instructions = memory_alloc((count ? count : 1) * sizeof *program->instructions);
    program->texts = buffer_take(texts);
    if (program->instructions == NULL || program->texts == NULL)
        return SQLITE_NOMEM;
    for (size_t i = 0; i < count; i++) {
        program->instructions[i] = collected[i].instruction;
        program->instructions[i].opcode = program->texts + collected[i].opcode;
        program->instructions[i].p4 = program->texts + collected[i].p4;
    }
    program->count = (int)count;
    return SQLITE_OK;
}

int program_read(sqlite3 *db, const char *sql, struct program *program)
{
    assert(sql != NULL);
    struct buffer rows = {0};
    struct buffer texts = {0};
    sqlite3_stmt *listing = NULL;
    *program = (struct program){0};
    int rc = prepare_listing(db, sql, &listing);
    while (rc == SQLITE_OK && sqlite3_step(listing) == SQLITE_ROW)
        collect(listing, &rows, &texts);
    int finalized = sqlite3_finalize(listing);
    if (rc == SQLITE_OK)
        rc = finalized;
    if (rc == SQLITE_OK)
        rc = keep(&rows, &texts, program);
    buffer_clear(&rows);
    buffer_clear(&texts);
    if (rc != SQLITE_OK)
        program_clear(program);
    return rc;
}

void program_clear(struct program *program)
{
    memory_free(program->instructions);
    memory_free(program->texts);
    *program = (struct program){0};
}

/* ---- schemas ---- */

/* p1 is the database, p3 the schema's version in memory, p4 the generation. */
bool program_label(const struct instruction *instruction, struct schema_label *label)
{
    if (strcmp(instruction->opcode, "Transaction") != 0)
        return false;
    *label = (struct schema_label){.database = instruction->p1,
                                   .version = (uint32_t)instruction->p3,
                                   .generation = (int)strtol(instruction->p4, NULL, 10)};
    return true;
}

bool program_same_schema(const struct schema_label *a, const struct schema_label *b)
{
    return a->database == b->database && a->version == b->version && a->generation == b->generation;
}

struct expectation {
    struct schema_label label;
    bool found;
};

static int note_label(const struct instruction *instruction, int address, void *context)
{
    struct expectation *expected = context;
    struct schema_label label;
    (void)address;
    if (program_label(instruction, &label) && label.database == expected->label.database) {
        expected->label = label;
        expected->found = true;
    }
    return SQLITE_OK;
}

int program_schema_label(sqlite3 *db, int index, const char *schema, struct schema_label *label)
{
    char *sql = sqlite3_mprintf("SELECT 1 FROM \"%w\".sqlite_master", schema);
    if (sql == NULL)
        return SQLITE_NOMEM;
    struct expectation expected = {.label = {.database = index}};
    int rc = program_each(db, sql, note_label, &expected);
    sqlite3_free(sql);
    if (rc == SQLITE_OK && !expected.found)
        rc = SQLITE_ERROR;
    *label = expected.label;
    return rc;
}

int program_schema_version(sqlite3 *db, int index, const char *schema, uint32_t *version)
{
    struct schema_label label;
    int rc = program_schema_label(db, index, schema, &label);
    if (rc == SQLITE_OK)
        *version = label.version;
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
