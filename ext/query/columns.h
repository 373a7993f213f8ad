/*
** Columns: the names, declared types, affinities and collations of a SELECT's columns, so that a
** cached table can declare the same. Names (query/names.h), made unique; affinity and collation, as
** the comparison shows that SQLite compiles for each column. Called under the connection's mutex.
*/
#ifndef QUERYCACHE_QUERY_COLUMNS_H
#define QUERYCACHE_QUERY_COLUMNS_H

#include <stdbool.h>

#include "base/sqlite.h"
#include "query/facts.h"

/* How SQLite converts what is compared with a column. */
enum affinity { AFFINITY_BLOB, AFFINITY_TEXT, AFFINITY_NUMERIC, AFFINITY_INTEGER, AFFINITY_REAL };

static inline bool affinity_is_numeric(enum affinity affinity)
{
    return affinity >= AFFINITY_NUMERIC;
}

/* How a column's texts are compared, unless a query says otherwise. */
enum collation { COLLATION_BINARY, COLLATION_NOCASE, COLLATION_OTHER };

/* What the declaration says of one column. */
struct column_kind {
    enum affinity affinity;
    enum collation collation;
};

struct columns {
    unsigned count;
    bool long_names;           /* under PRAGMAs that want a table before each name (names.h) */
    char **names;              /* unique, whatever their case */
    struct column_kind *kinds; /* one for each */
    char *declaration;         /* "a" INTEGER, "b" TEXT COLLATE "NOCASE", … */
};

/* NULL is BINARY. */
enum collation collation_of_name(const char *name);

/*
** Read the columns of a SELECT whose greatest parameter number is `parameters`: under the names
** that this statement of it has; or, where it is NULL, those of a view of it. Only for the latter
** is it found out how they compare: else there is no declaration, and the kinds say nothing.
** SQLite's error code.
*/
int columns_read(struct facts *facts, const char *sql, int parameters, sqlite3_stmt *statement,
                 struct columns *columns);

/* The same names, with the types that a statement of the SELECT has declared, whatever their
** affinity: for who asks it for them, and compares nothing. Caller frees with memory_free(); NULL
** when memory is short. */
char *columns_declare_as(const struct columns *columns, sqlite3_stmt *statement);

void columns_clear(struct columns *columns);

#endif
