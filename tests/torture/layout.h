/*
** The layout of the two files that the torture test works on: the tables, what a counter in them
** means, and the queries that read them, plain and cached. It knows nothing of connections.
**
** Every table has a row for each key 0 … KEYS - 1 with a counter `c` that only grows. Tables that
** are always changed together share a row of the ledger, so their counters are equal in every
** snapshot.
*/
#ifndef TORTURE_LAYOUT_H
#define TORTURE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#define KEYS 6

enum table_number {
    TABLE_PLAIN,
    TABLE_INDEXED,
    TABLE_CLUSTERED, /* WITHOUT ROWID */
    TABLE_LEFT,      /* changed together with RIGHT */
    TABLE_RIGHT,
    TABLE_PARENT, /* changed together with CHILD by a foreign key, */
    TABLE_CHILD,
    TABLE_LOGGED,    /* and with this one by a trigger */
    TABLE_REFILLED,  /* truncated in each state 4n + 3, filled anew in the next */
    TABLE_VERSIONED, /* a view that is made anew to change its counters */
    TABLE_REMADE,    /* dropped and made anew now and then */
    TABLE_ALTERED,   /* has a column added and taken away now and then */
    TABLE_NEAR,      /* often changed together with FAR, which lies in the second file */
    TABLE_FAR,
    TABLES
};

struct table_layout {
    const char *name;
    int ledger;   /* the table whose row of the ledger counts */
    bool simple;  /* a row can be written for itself, in any way there is */
    bool empties; /* see TABLE_REFILLED */
    bool second;  /* lies in the second file */
};

extern const struct table_layout layout[TABLES];

/* In state 4n + 3 the table that empties has no rows. */
#define IS_EMPTY_STATE(counter) ((counter) % 4 == 3)

/* How a table is read: one row by its key, or all rows in the order of their keys. */
enum form {
    FORM_PLAIN_KEY,
    FORM_PLAIN_ALL,
    FORM_CACHED_KEY,
    FORM_CACHED_ALL,
    FORM_QUERY_KEY, /* by cache_query() */
    FORM_QUERY_ALL,
    FORM_PREPARED_KEY, /* the plain text, prepared through the cache */
    FORM_PREPARED_ALL,
    FORMS
};

static inline bool form_is_cached(enum form form)
{
    return form >= FORM_CACHED_KEY;
}

static inline bool form_has_key(enum form form)
{
    return form % 2 == 0;
}

static inline bool form_is_prepared(enum form form)
{
    return form >= FORM_PREPARED_KEY;
}

/* The query that a cached form stands for. */
static inline enum form form_plain(enum form form)
{
    return form_has_key(form) ? FORM_PLAIN_KEY : FORM_PLAIN_ALL;
}

/* The statement that reads the table so. */
void layout_read_sql(char *sql, size_t size, int table, enum form form);

/* CREATE VIRTUAL TABLE for the two cached tables over a table: one by key, one of all rows. */
void layout_cache_sql(char *sql, size_t size, int table);

/* Statements that read two cached tables, or one twice. Each row has two columns that are equal in
** every snapshot; ?1 is the key. */
struct pair_layout {
    int table;
    int other;
    const char *sql;
};
extern const struct pair_layout layout_pairs[];
extern const int layout_pair_count;

/* The schemas. The second file is made for itself. */
extern const char layout_main_sql[];
extern const char layout_second_sql[];

/* The rows of a table, each counter 1. A view has its rows already. */
void layout_fill_sql(char *sql, size_t size, int table);

/* The view in the state of this counter. */
#define VIEW_SQL "CREATE VIEW versioned AS SELECT k, %lld AS c FROM plain"

#endif
