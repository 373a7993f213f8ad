/*
** A cached query: a definition together with how it is kept: options, its space in the store, and
** where it was defined. Belongs to one connection.
*/
#ifndef QUERYCACHE_SESSION_CACHED_QUERY_H
#define QUERYCACHE_SESSION_CACHED_QUERY_H

#include "query/definition.h"
#include "query/options.h"
#include "store/store.h"

struct cached_query {
    struct definition definition;
    struct options options;
    struct space *space;
    char *text;                /* as asked; NULL for a cached table */
    char *asked_options;       /* with `prepared`, as asked */
    char *name;                /* of the table; NULL for an ad hoc query */
    char *schema;              /* where the table was created: temp, main, … ; NULL likewise */
    bool in_temp;              /* and whether that is temp */
    bool prepared;             /* for statements of the application, which follow its columns */
    char *columns;             /* for its table to declare */
    char *fixed;               /* with `prepared`: q."x" AS "y", …; NULL: by `*` */
    unsigned looked_at;        /* definition.preparations when these were found out; 0: never */
    bool left_alone;           /* nothing reads through it, and its statement is not kept */
    int64_t left_at;           /* when that was found out (base/ticks.h) */
    uint64_t shape;            /* what to note of it in shapes.h; 0: nothing */
    bool cheap;                /* computed last, it took less than options.min_time */
    char *declared;            /* the columns that the cached table declared; NULL: ad hoc */
    unsigned compared;         /* definition.preparations when it had those columns; 0: never */
    const sqlite3_vtab *table; /* the cached table; NULL likewise */
    struct cached_query *next; /* of the same connection */
};

/* True when its results may not be kept, all options considered: then each read is computed. */
bool cached_query_is_refused(const struct cached_query *query);

/*
** What nothing is kept of, or reads a cached table, keeps no statement either, once it was looked
** into or read: over a table of ours a kept statement would keep that connected, and the connection
** from closing.
*/
void cached_query_settle(struct cached_query *query);

/* Have its space follow the options. */
void cached_query_apply_limits(struct cached_query *query);

/* The columns that the SELECT has now, as its table declares them: with the affinities that it
** compares by, or, where `prepared`, with the very types that it declares. Right after a refresh.
** Caller frees with memory_free(); NULL when memory is short. */
char *cached_query_columns(const struct cached_query *query);

/*
** CREATE TABLE x(…), for sqlite3_declare_vtab(): these columns, and the parameters, hidden. Caller
** frees with memory_free(); NULL when memory is short.
*/
char *cached_query_declaration(struct cached_query *query, const char *columns);

/* Free it and all that it owns, and give its space back. Safe with NULL. Not while it is in a
** list. */
void cached_query_free(struct cached_query *query);

#endif
