/*
** A cached query: a definition together with how it is kept: options, its space in the store, and
** where it was defined. Belongs to one connection.
*/
#ifndef QUERYCACHE_QUERY_CACHED_QUERY_H
#define QUERYCACHE_QUERY_CACHED_QUERY_H

#include "query/definition.h"
#include "query/options.h"
#include "store/store.h"

struct cached_query {
    struct definition definition;
    struct options options;
    struct space *space;
    char *text;                /* as asked; NULL for a cached table */
    char *name;                /* of the cached table; NULL for an ad hoc query */
    char *schema;              /* where the table was created: temp, main, … ; NULL likewise */
    bool in_temp;              /* and whether that is temp */
    char *declared;            /* the columns that the cached table declared; NULL likewise */
    unsigned compared;         /* definition.preparations when it had those columns; 0: never */
    const sqlite3_vtab *table; /* the cached table; NULL likewise */
    struct cached_query *next; /* of the same connection */
};

/* True when its results may not be kept, all options considered: then each read is computed. */
bool cached_query_is_refused(const struct cached_query *query);

/* Free it and all that it owns, and give its space back. Safe with NULL. Not while it is in a
** list. */
void cached_query_free(struct cached_query *query);

#endif
