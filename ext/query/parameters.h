/*
** Parameters: the ?, ?3, :name, @name and $name of a SELECT, in number order, and the names that a
** cached table's hidden columns have for them. Numbers follow SQLite's rules
** (https://sqlite.org/c3ref/bind_blob.html); numbers that the text skips are no parameters.
*/
#ifndef QUERYCACHE_QUERY_PARAMETERS_H
#define QUERYCACHE_QUERY_PARAMETERS_H

#include "base/sqlite.h"

struct parameter {
    int number; /* for sqlite3_bind */
    char *text; /* as first written; owned */
    char *name; /* the hidden column's, once named; owned */
};

struct parameters {
    unsigned count;
    struct parameter *list;
    int greatest; /* number */
};

/* SQLITE_OK or SQLITE_NOMEM. */
int parameters_read(const char *sql, struct parameters *parameters);

/*
** Name them, beside these columns: without the prefix (`?` and `?3` are p1, p3), but with it where
** a column has that name, and with ":1" behind where a parameter before has it. SQLITE_OK or
** SQLITE_NOMEM.
*/
int parameters_name(struct parameters *parameters, const char *const *columns, unsigned count);

void parameters_clear(struct parameters *parameters);

#endif
