#include "query/names.h"

#include <string.h>

#include "base/buffer.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/sql.h"
#include "query/token.h"

/* What the subquery is called, and how names begin that SQLite makes long by it. */
#define ALIAS "querycache"
#define LONG_START ALIAS "."

/* ---- unique ---- */

/* The length of a name without the ":1" that SQLite adds to make it unique. */
static size_t base_size(const char *name)
{
    size_t size = strlen(name);
    size_t end = size;
    while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9')
        end--;
    return end > 1 && end < size && name[end - 1] == ':' ? end - 1 : size;
}

static bool is_taken(char *const *names, unsigned before, const char *name)
{
    for (unsigned i = 0; i < before; i++) {
        if (sqlite3_stricmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* Put the first free one of base:1, base:2, … in a name's place. */
static int number_name(char **names, unsigned index, const char *base)
{
    for (int suffix = 1; suffix == 1 || is_taken(names, index, names[index]); suffix++) {
        struct buffer text = {0};
        buffer_add_format(&text, "%s:%d", base, suffix);
        char *made = buffer_take(&text);
        if (made == NULL)
            return SQLITE_NOMEM;
        memory_free(names[index]);
        names[index] = made;
    }
    return SQLITE_OK;
}

/* After a few tries SQLite makes a name unique with a random number; ours must not change. So what
** it has `numbered` is numbered again. */
static int take_name(char **names, unsigned index, const char *name, bool numbered)
{
    size_t size = base_size(name);
    char *base = memory_copy_text(name, size);
    names[index] = memory_copy_text(name, strlen(name));
    int rc = base != NULL && names[index] != NULL ? SQLITE_OK : SQLITE_NOMEM;
    if (rc == SQLITE_OK && (is_taken(names, index, name) ||
                            (numbered && name[size] != '\0' && is_taken(names, index, base))))
        rc = number_name(names, index, base);
    memory_free(base);
    return rc;
}

static int read_names(sqlite3_stmt *statement, char **names, bool numbered)
{
    int rc = SQLITE_OK;
    for (int i = 0; i < sqlite3_column_count(statement) && rc == SQLITE_OK; i++) {
        const char *name = sqlite3_column_name(statement, i);
        rc = name != NULL ? take_name(names, (unsigned)i, name, numbered) : SQLITE_NOMEM;
    }
    return rc;
}

/* ---- of a statement ---- */

int names_read_statement(sqlite3_stmt *statement, char **names)
{
    return read_names(statement, names, false);
}

/* ---- of a view ---- */

int names_prepare_subquery(sqlite3 *db, const char *sql, sqlite3_stmt **subquery)
{
    return sql_prepare(db, subquery, "SELECT * FROM (\n%s\n) AS " ALIAS, sql);
}

int names_are_long(sqlite3 *db, bool *are_long)
{
    sqlite3_stmt *statement = NULL;
    int rc = names_prepare_subquery(db, "SELECT 1 AS one", &statement);
    const char *name = rc == SQLITE_OK ? sqlite3_column_name(statement, 0) : NULL;
    *are_long = name != NULL && strcmp(name, LONG_START "one") == 0 && GUARD(LONG_NAMES);
    sqlite3_finalize(statement);
    return rc == SQLITE_OK && name == NULL ? SQLITE_NOMEM : rc;
}

#define PROBE "\"querycache columns\""

struct shortening {
    sqlite3_stmt *subquery; /* has the long names */
    char **names;
    unsigned found;
};

/* "t.id" and "id" are "id". What does not end so has been given its name, or is called otherwise in
** a subquery than in a table ("rowid"). */
static const char *short_name(const char *long_name, const char *in_table)
{
    size_t size = base_size(long_name);
    size_t end = base_size(in_table);
    if (size > end && long_name[size - end - 1] == '.' &&
        memcmp(long_name + size - end, in_table, end) == 0)
        return in_table;
    return long_name;
}

static int take_short_name(struct shortening *shortening, const char *in_table)
{
    unsigned index = shortening->found++;
    const char *name = sqlite3_column_name(shortening->subquery, (int)index);
    if (name == NULL)
        return SQLITE_NOMEM;
    return take_name(shortening->names, index, short_name(name + strlen(LONG_START), in_table),
                     true);
}

/* CREATE TABLE "querycache columns"(a INT,"b c" TEXT,d): a name of letters stands bare, and a type
** is one word. */
static int read_declaration(const struct instruction *instruction, int address, void *context)
{
    static const char start[] = "CREATE TABLE " PROBE "(";
    struct shortening *shortening = context;
    int count = sqlite3_column_count(shortening->subquery);
    int rc = SQLITE_OK;
    (void)address;
    if (strncmp(instruction->p4, start, strlen(start)) != 0)
        return SQLITE_OK;
    struct token token = token_read_solid(instruction->p4 + strlen(start));
    while (rc == SQLITE_OK && token.type != TOKEN_END && (int)shortening->found < count) {
        char *name = token_identifier(token);
        rc = name != NULL ? take_short_name(shortening, name) : SQLITE_NOMEM;
        memory_free(name);
        while (token.type != TOKEN_END && *token.text != ',')
            token = token_next(token);
        token = token_next(token);
    }
    return rc;
}

/*
** SQLite leaves the PRAGMAs aside where it makes a table of a SELECT. So it is asked how it would
** declare the table; that is compiled, not run. An authorizer may forbid even that: then there is
** an error.
*/
static int read_short_names(sqlite3 *db, const char *sql, sqlite3_stmt *subquery, char **names)
{
    char *query = sqlite3_mprintf("CREATE TEMP TABLE " PROBE " AS\n%s", sql);
    if (query == NULL)
        return SQLITE_NOMEM;
    struct shortening shortening = {.subquery = subquery, .names = names};
    int rc = program_each(db, query, read_declaration, &shortening);
    sqlite3_free(query);
    bool all = (int)shortening.found == sqlite3_column_count(subquery);
    return rc == SQLITE_OK && !all ? SQLITE_ERROR : rc;
}

int names_read_view(sqlite3 *db, const char *sql, sqlite3_stmt *subquery, bool are_long,
                    char **names)
{
    if (are_long)
        return read_short_names(db, sql, subquery, names);
    return read_names(subquery, names, true);
}
