/*
** Roots: which table of a schema a root page belongs to. A program shows root pages alone. What the
** schema table says of them is read once and kept, for as long as SQLite has the same schema in
** memory. Called under the connection's mutex.
*/
#ifndef QUERYCACHE_QUERY_ROOTS_H
#define QUERYCACHE_QUERY_ROOTS_H

#include "base/program.h"
#include "coherence/history.h"

struct root {
    int page;
    const char *table;
    int kind; /* enum table_kind; -1: not looked up yet */
};

/* Those of one schema. */
struct schema_roots {
    struct schema_label label;
    struct root *roots; /* by their pages; NULL: not read yet */
    unsigned count;
    char *names;
};

struct roots {
    struct schema_roots *schemas; /* by SQLite's numbers of the databases */
    unsigned count;
};

/*
** The table that a page of the database is the root of, or of whose index; *table NULL where there
** is none. It stays until the next call. `label` is what the program that showed the page says of
** the schema. SQLITE_SCHEMA where SQLite has another schema in memory by now: then compile anew.
*/
int roots_find(struct roots *roots, sqlite3 *db, const char *schema,
               const struct schema_label *label, int page, const char **table,
               enum table_kind *kind);

void roots_clear(struct roots *roots);

#endif
