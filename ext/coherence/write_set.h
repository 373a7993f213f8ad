/*
** A write set: the tables of one database that a transaction has written, as far as hooks tell. It
** owns its array, and no table. Used under one lock or by one connection.
*/
#ifndef QUERYCACHE_COHERENCE_WRITE_SET_H
#define QUERYCACHE_COHERENCE_WRITE_SET_H

#include <stdbool.h>

#include "coherence/history.h"

struct write_set {
    struct table **tables;
    unsigned count;
    unsigned capacity;
    bool everything; /* it may have written anything */
};

/* Add a table, once. NULL, or memory that runs short, makes the set everything. */
void write_set_add(struct write_set *set, struct table *table);

void write_set_add_all(struct write_set *set, const struct write_set *other);

/* Nothing was written, as far as it knows: neither a table nor everything. */
bool write_set_is_empty(const struct write_set *set);

/* Empty it; its memory stays. */
void write_set_clear(struct write_set *set);

void write_set_free(struct write_set *set);

#endif
