#include "query/columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/sql.h"
#include "query/names.h"

/* Affinities as the comparison opcodes carry them in p5 (sqliteInt.h, SQLITE_AFF_…). */
#define CODE_MASK 0x47
#define CODE_NONE 0x40
#define CODE_BLOB 0x41
#define CODE_TEXT 0x42
#define CODE_NUMERIC 0x43
#define CODE_INTEGER 0x44
#define CODE_REAL 0x45

/* EXPLAIN cuts a collation's name at this length (18; 20 before SQLite 3.36). */
#define COLLATION_CUT 18

struct traits {
    int reg; /* the register that holds the value compared with the column */
    int affinity;
    char *collation; /* NULL: BINARY */
};

struct probe {
    int first; /* the parameter number that stands against column 0 */
    unsigned count;
    struct traits *traits;
};

/* ---- affinity and collation ---- */

/* "NOCASE-8", "NOCASE-16LE", or "(NOCASE)" in older versions. */
static char *collation_name(const char *p4)
{
    size_t size = strlen(p4);
    if (size > 2 && p4[0] == '(' && p4[size - 1] == ')')
        return memory_copy_text(p4 + 1, size - 2);
    const char *dash = strrchr(p4, '-');
    return memory_copy_text(p4, dash != NULL ? (size_t)(dash - p4) : size);
}

/* The parameters may be loaded before or after they are compared, so the listing is read twice. */
static void find_register(const struct instruction *instruction, struct probe *probe)
{
    /* Elsewhere p1 may be any number, as a constant is: then it is no column's, far from any. */
    if (strcmp(instruction->opcode, "Variable") != 0 || instruction->p1 < probe->first)
        return;
    unsigned column = (unsigned)(instruction->p1 - probe->first);
    if (column < probe->count)
        probe->traits[column].reg = instruction->p2;
}

static int find_comparison(const struct instruction *instruction, struct probe *probe)
{
    if (strcmp(instruction->opcode, "Eq") != 0)
        return SQLITE_OK;
    for (unsigned i = 0; i < probe->count; i++) {
        struct traits *traits = &probe->traits[i];
        if (traits->reg == 0 || (traits->reg != instruction->p1 && traits->reg != instruction->p3))
            continue;
        traits->affinity = instruction->p5 & CODE_MASK;
        if (traits->collation == NULL && instruction->p4[0] != '\0') {
            traits->collation = collation_name(instruction->p4);
            if (traits->collation == NULL)
                return SQLITE_NOMEM;
        }
    }
    return SQLITE_OK;
}

static int read_traits(sqlite3 *db, const char *sql, const struct columns *columns,
                       struct probe *probe)
{
    struct buffer text = {0};
    buffer_add_text(&text, "WITH querycache_columns(");
    for (unsigned i = 0; i < columns->count; i++)
        buffer_add_format(&text, "%sc%d", i ? ", " : "", (int)i);
    buffer_add_format(&text, ") AS (\n%s\n) SELECT ", sql);
    for (unsigned i = 0; i < columns->count; i++)
        buffer_add_format(&text, "%sc%d = ?%d", i ? ", " : "", (int)i, probe->first + (int)i);
    buffer_add_text(&text, " FROM querycache_columns");
    char *query = buffer_take(&text);
    if (query == NULL)
        return SQLITE_NOMEM;
    struct program program;
    int rc = program_read(db, query, &program);
    for (int i = 0; i < program.count; i++)
        find_register(&program.instructions[i], probe);
    for (int i = 0; rc == SQLITE_OK && i < program.count; i++)
        rc = find_comparison(&program.instructions[i], probe);
    program_clear(&program);
    memory_free(query);
    return rc;
}

/* ---- declarations ---- */

static bool mentions(const char *type, const char *word)
{
    size_t size = strlen(word);
    for (; *type != '\0'; type++) {
        if (sqlite3_strnicmp(type, word, (int)size) == 0)
            return true;
    }
    return false;
}

/* Section 3.1 of https://sqlite.org/datatype3.html, in its order. */
static int affinity_of_type(const char *type)
{
    if (mentions(type, "int"))
        return CODE_INTEGER;
    if (mentions(type, "char") || mentions(type, "clob") || mentions(type, "text"))
        return CODE_TEXT;
    if (mentions(type, "blob") || type[0] == '\0')
        return CODE_BLOB;
    if (mentions(type, "real") || mentions(type, "floa") || mentions(type, "doub"))
        return CODE_REAL;
    return CODE_NUMERIC;
}

/* A type of that affinity; NONE has none, and BLOB is the nearest that a declaration can say. */
static const char *type_of_affinity(int affinity)
{
    switch (affinity) {
    case CODE_NONE:
    case CODE_BLOB:
        return "";
    case CODE_TEXT:
        return "TEXT";
    case CODE_INTEGER:
        return "INT";
    case CODE_REAL:
        return "REAL";
    default:
        return "NUM";
    }
}

/* The declared type where it says the affinity that the column really has; rows come before
** names. */
static const char *choose_type(const char *declared, int affinity)
{
    if (affinity == CODE_NONE)
        affinity = CODE_BLOB;
    /* In a virtual table the word "hidden" in a type would hide the column. */
    if (declared != NULL && affinity_of_type(declared) == affinity && !mentions(declared, "hidden"))
        return declared;
    return type_of_affinity(affinity);
}

/* A type is words, and perhaps numbers in parentheses behind them; what a schema quoted stays
** quoted. */
static bool is_plain_type(const char *type)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const char *rest = type;
    size_t word;
    while ((word = strspn(rest, letters)) > 0) {
        if (sqlite3_keyword_check(rest, (int)word))
            return false;
        rest += word + strspn(rest + word, " ");
    }
    if (*rest == '\0')
        return true;
    size_t size = strlen(rest);
    return rest > type && rest[0] == '(' && strspn(rest + 1, "0123456789,.+- ") + 2 == size &&
           rest[size - 1] == ')';
}

static void declare_type(struct buffer *text, const char *type)
{
    if (type[0] != '\0')
        buffer_add_format(text, is_plain_type(type) ? " %s" : " \"%w\"", type);
}

/* PRAGMA collation_list gives a number and a name. It is no matter for any database; the
** table-valued function of that name takes main's lock. */
#define LIST_COLLATION 1

/* The one collation that begins so; NULL when there are several: then BINARY would be a guess. */
static int complete_collation(sqlite3 *db, char **name)
{
    if (*name == NULL || strlen(*name) < COLLATION_CUT)
        return SQLITE_OK;
    sqlite3_stmt *list = NULL;
    char *whole = NULL;
    int found = 0;
    int rc = sql_prepare(db, &list, "PRAGMA collation_list");
    while (rc == SQLITE_OK && sqlite3_step(list) == SQLITE_ROW) {
        const char *listed = (const char *)sqlite3_column_text(list, LIST_COLLATION);
        if (listed == NULL || strncmp(listed, *name, strlen(*name)) != 0)
            continue;
        memory_free(whole);
        whole = memory_copy_text(listed, strlen(listed));
        rc = whole != NULL ? SQLITE_OK : SQLITE_NOMEM;
        found++;
    }
    int finalized = sqlite3_finalize(list);
    if (rc == SQLITE_OK)
        rc = finalized;
    if (rc == SQLITE_OK && found != 1)
        rc = SQLITE_ERROR;
    if (rc == SQLITE_OK) {
        memory_free(*name);
        *name = whole;
    } else {
        memory_free(whole);
    }
    return rc;
}

enum collation collation_of_name(const char *name)
{
    if (name == NULL || sqlite3_stricmp(name, "BINARY") == 0)
        return COLLATION_BINARY;
    return sqlite3_stricmp(name, "NOCASE") == 0 ? COLLATION_NOCASE : COLLATION_OTHER;
}

static enum affinity affinity_of_code(int code)
{
    switch (code) {
    case CODE_NONE:
    case CODE_BLOB:
        return AFFINITY_BLOB;
    case CODE_TEXT:
        return AFFINITY_TEXT;
    case CODE_INTEGER:
        return AFFINITY_INTEGER;
    case CODE_REAL:
        return AFFINITY_REAL;
    default:
        return AFFINITY_NUMERIC;
    }
}

static int declare(sqlite3 *db, sqlite3_stmt *statement, struct columns *columns,
                   struct probe *probe)
{
    struct buffer text = {0};
    int rc = SQLITE_OK;
    for (unsigned i = 0; i < columns->count && rc == SQLITE_OK; i++) {
        struct traits *traits = &probe->traits[i];
        const char *declared = sqlite3_column_decltype(statement, (int)i);
        buffer_add_format(&text, "%s\"%w\"", i ? ", " : "", columns->names[i]);
        declare_type(&text, choose_type(declared, traits->affinity));
        rc = complete_collation(db, &traits->collation);
        if (traits->collation != NULL && sqlite3_stricmp(traits->collation, "BINARY") != 0)
            buffer_add_format(&text, " COLLATE \"%w\"", traits->collation);
        columns->kinds[i] = (struct column_kind){affinity_of_code(traits->affinity),
                                                 collation_of_name(traits->collation)};
    }
    if (rc != SQLITE_OK) {
        buffer_clear(&text);
        return rc;
    }
    columns->declaration = buffer_take(&text);
    return columns->declaration != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

/* ---- all together ---- */

static int make_room(struct columns *columns, sqlite3_stmt *statement)
{
    unsigned count = (unsigned)sqlite3_column_count(statement);
    columns->names = memory_alloc_zero((count ? count : 1) * sizeof *columns->names);
    columns->kinds = memory_alloc_zero((count ? count : 1) * sizeof *columns->kinds);
    if (columns->names == NULL || columns->kinds == NULL)
        return SQLITE_NOMEM;
    columns->count = count;
    return SQLITE_OK;
}

/* Find out how they compare, and put it into a declaration. */
static int compare_and_declare(sqlite3 *db, const char *sql, int parameters,
                               sqlite3_stmt *statement, struct columns *columns)
{
    struct probe probe = {.first = parameters + 1, .count = columns->count};
    probe.traits = memory_alloc_zero((probe.count ? probe.count : 1) * sizeof *probe.traits);
    if (probe.traits == NULL)
        return SQLITE_NOMEM;
    for (unsigned i = 0; i < probe.count; i++)
        probe.traits[i].affinity = CODE_NONE;
    int rc = read_traits(db, sql, columns, &probe);
    if (rc == SQLITE_OK)
        rc = declare(db, statement, columns, &probe);
    for (unsigned i = 0; i < probe.count; i++)
        memory_free(probe.traits[i].collation);
    memory_free(probe.traits);
    return rc;
}

static int read_as_statement(sqlite3_stmt *statement, struct columns *columns)
{
    int rc = make_room(columns, statement);
    return rc == SQLITE_OK ? names_read_statement(statement, columns->names) : rc;
}

static int read_as_view(sqlite3 *db, const char *sql, int parameters, struct columns *columns)
{
    sqlite3_stmt *subquery = NULL;
    int rc = names_prepare_subquery(db, sql, &subquery);
    if (rc == SQLITE_OK)
        rc = make_room(columns, subquery);
    if (rc == SQLITE_OK)
        rc = names_read_view(db, sql, subquery, columns->long_names, columns->names);
    if (rc == SQLITE_OK)
        rc = compare_and_declare(db, sql, parameters, subquery, columns);
    sqlite3_finalize(subquery);
    return rc;
}

int columns_read(struct facts *facts, const char *sql, int parameters, sqlite3_stmt *statement,
                 struct columns *columns)
{
    *columns = (struct columns){0};
    int rc = facts_long_names(facts, &columns->long_names);
    if (rc == SQLITE_OK)
        rc = statement != NULL
                 ? read_as_statement(statement, columns)
                 : read_as_view(facts->observer->connection.db, sql, parameters, columns);
    if (rc != SQLITE_OK)
        columns_clear(columns);
    return rc;
}

char *columns_declare_as(const struct columns *columns, sqlite3_stmt *statement)
{
    struct buffer text = {0};
    for (unsigned i = 0; i < columns->count; i++) {
        const char *type = sqlite3_column_decltype(statement, (int)i);
        buffer_add_format(&text, "%s\"%w\"", i ? ", " : "", columns->names[i]);
        declare_type(&text, type != NULL ? type : "");
    }
    return buffer_take(&text);
}

void columns_clear(struct columns *columns)
{
    for (unsigned i = 0; columns->names != NULL && i < columns->count; i++)
        memory_free(columns->names[i]);
    memory_free(columns->names);
    memory_free(columns->kinds);
    memory_free(columns->declaration);
    *columns = (struct columns){0};
}
