/*
** A peer is one way to have the rows of a query without computing them again: what querycache is
** compared with, and querycache itself. There is one file for each kind here. One query is measured
** at a time.
*/
#ifndef BENCH_PEERS_PEER_H
#define BENCH_PEERS_PEER_H

#include <sqlite3.h>
#include <stdbool.h>

#include "../support/rows.h"

/* A query with one parameter, and all the parameters it will be asked for: 1 to `parameters`. */
struct query {
    const char *name; /* a bare name, for tables and keys */
    const char *sql;  /* the parameter is :store */
    int parameters;
    sqlite3 *db;         /* without the extension; has the whole database in its page cache */
    sqlite3_stmt *plain; /* the query on it */
};

struct peer {
    const char *name;
    void *self; /* what its functions get */
    /* Get ready, keeping nothing yet. Returns why this peer has to be left out, or NULL. */
    const char *(*open)(void *self, const struct query *query);
    /* Compute the results of all parameters and keep them. */
    void (*keep)(void *self);
    /* Read the rows for a parameter, all values. It is a failure to find nothing kept. */
    void (*read)(void *self, struct reading *reading, sqlite3_int64 parameter);
    /* Bytes taken now. NULL: keeps nothing. */
    double (*memory)(void *self);
    /* Whether the last read was answered from what was kept; NULL where read() fails otherwise. */
    bool (*was_hit)(void *self);
    void (*close)(void *self);
};

extern const struct peer plain_peer;
extern const struct peer querycache_peer;
extern const struct peer temp_table_peer;
extern const struct peer indexed_temp_table_peer;
extern const struct peer hash_map_peer;
extern const struct peer redis_own_core_peer;
extern const struct peer redis_same_core_peer;
extern const struct peer memcached_own_core_peer;
extern const struct peer memcached_same_core_peer;

/* Compute the rows for a parameter by the plain query, as bytes, for those that keep bytes. The
** caller clears the buffer. */
struct buffer peer_compute(const struct query *query, int parameter);

#endif
