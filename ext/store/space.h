/*
** Spaces: the named parts of a store, each with limits and counters of its own, found by name and
** identity. A space lives while it is held, by a reference that store_space() gave out or by an
** entry. Thread-safe; the lock of the spaces may be held while a shard's is taken, never the other
** way round.
*/
#ifndef QUERYCACHE_STORE_SPACE_H
#define QUERYCACHE_STORE_SPACE_H

#include "store/shard.h"

struct spaces {
    pthread_mutex_t lock;
    struct space *first;
};

struct space {
    struct store *store;
    struct spaces *spaces;
    struct space *next; /* under the lock of the spaces */
    char *name;         /* NULL: the default space */
    const void *identity;
    size_t identity_size;
    _Atomic int64_t references;
    _Atomic int64_t holds;   /* references and entries */
    _Atomic int64_t entries; /* with those that have room reserved */
    _Atomic int64_t bytes;   /* likewise */
    struct limits limits;    /* under the store's room lock */
    char gap[SHARD_GAP];     /* between what insertions write and the first segment */
    struct segment segments[];
};

/* The space, made for `shards` shards if need be, with one more hold; NULL when memory is short. */
struct space *space_get(struct spaces *spaces, struct store *store, unsigned shards,
                        const char *name, const void *identity, size_t identity_size);

struct space *space_hold(struct space *space);

/* Give a hold back; the last frees the space. Wants no shard lock held. */
void space_drop(struct space *space);

#endif
