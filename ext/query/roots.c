#include "query/roots.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/sql.h"

static void clear_schema(struct schema_roots *schema)
{
    memory_free(schema->roots);
    memory_free(schema->names);
    *schema = (struct schema_roots){0};
}

void roots_clear(struct roots *roots)
{
    for (unsigned i = 0; i < roots->count; i++)
        clear_schema(&roots->schemas[i]);
    memory_free(roots->schemas);
    *roots = (struct roots){0};
}

static int make_room(struct roots *roots, int database)
{
    unsigned count = (unsigned)database + 1;
    if (count <= roots->count)
        return SQLITE_OK;
    struct schema_roots *schemas = memory_resize(roots->schemas, count * sizeof *schemas);
    if (schemas == NULL)
        return SQLITE_NOMEM;
    memset(schemas + roots->count, 0, (count - roots->count) * sizeof *schemas);
    roots->schemas = schemas;
    roots->count = count;
    return SQLITE_OK;
}

/* ---- reading ---- */

static int compare_pages(const void *a, const void *b)
{
    const struct root *one = a;
    const struct root *other = b;
    return (one->page > other->page) - (one->page < other->page);
}

static int keep(struct schema_roots *schema, struct buffer *rows, struct buffer *names)
{
    if (rows->failed || names->failed)
        return SQLITE_NOMEM;
    schema->count = (unsigned)(rows->size / sizeof *schema->roots);
    schema->roots = (void *)buffer_take(rows);
    schema->names = buffer_take(names);
    if (schema->roots == NULL || schema->names == NULL)
        return SQLITE_NOMEM;
    const char *name = schema->names;
    for (unsigned i = 0; i < schema->count; i++, name += strlen(name) + 1)
        schema->roots[i].table = name;
    qsort(schema->roots, schema->count, sizeof *schema->roots, compare_pages);
    return SQLITE_OK;
}

static int read_schema(sqlite3 *db, const char *name, struct schema_roots *schema)
{
    struct buffer rows = {0};
    struct buffer names = {0};
    sqlite3_stmt *statement;
    clear_schema(schema);
    int rc =
        sql_prepare(db, &statement,
                    "SELECT rootpage, tbl_name FROM \"%w\".sqlite_master WHERE rootpage > 0", name);
    while (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        struct root root = {.page = sqlite3_column_int(statement, 0), .kind = -1};
        const char *table = (const char *)sqlite3_column_text(statement, 1);
        rows.failed = rows.failed || table == NULL;
        if (table != NULL)
            buffer_add(&names, table, strlen(table) + 1);
        buffer_add(&rows, &root, sizeof root);
    }
    int finalized = sqlite3_finalize(statement);
    if (rc == SQLITE_OK)
        rc = finalized;
    if (rc == SQLITE_OK)
        rc = keep(schema, &rows, &names);
    buffer_clear(&rows);
    buffer_clear(&names);
    return rc;
}

/* To read the schema table may have SQLite read the whole schema anew. */
static int renew(struct schema_roots *schema, sqlite3 *db, const char *name,
                 const struct schema_label *label)
{
    struct schema_label now;
    int rc = read_schema(db, name, schema);
    if (rc == SQLITE_OK)
        rc = program_schema_label(db, label->database, name, &now);
    if (rc == SQLITE_OK && !program_same_schema(&now, label))
        rc = SQLITE_SCHEMA;
    if (rc == SQLITE_OK)
        schema->label = *label;
    else
        clear_schema(schema);
    return rc;
}

/* ---- finding ---- */

/* PRAGMA index_info gives rows for a table's name only where it is WITHOUT ROWID. */
static int find_kind(sqlite3 *db, const char *schema, struct root *root)
{
    sqlite3_stmt *info;
    int rc = sql_prepare(db, &info, "PRAGMA \"%w\".index_info(\"%w\")", schema, root->table);
    bool rows = rc == SQLITE_OK && sqlite3_step(info) == SQLITE_ROW;
    int finalized = sqlite3_finalize(info);
    if (rc == SQLITE_OK)
        rc = finalized;
    if (rc == SQLITE_OK)
        root->kind = rows ? TABLE_WITHOUT_ROWID : TABLE_ROWID;
    return rc;
}

int roots_find(struct roots *roots, sqlite3 *db, const char *schema,
               const struct schema_label *label, int page, const char **table,
               enum table_kind *kind)
{
    *table = NULL;
    int rc = make_room(roots, label->database);
    if (rc != SQLITE_OK)
        return rc;
    struct schema_roots *known = &roots->schemas[label->database];
    if (known->roots == NULL || !program_same_schema(&known->label, label))
        rc = renew(known, db, schema, label);
    if (rc != SQLITE_OK)
        return rc;
    const struct root wanted = {.page = page};
    struct root *root =
        bsearch(&wanted, known->roots, known->count, sizeof *known->roots, compare_pages);
    if (root == NULL)
        return SQLITE_OK;
    if (root->kind < 0)
        rc = find_kind(db, schema, root);
    *table = root->table;
    *kind = root->kind == TABLE_WITHOUT_ROWID ? TABLE_WITHOUT_ROWID : TABLE_ROWID;
    return rc;
}
