/*
** Spaces: the named parts of a store, each with limits and counters of its own, found by name and
** identity. A space lives while it is held, by a reference that store_space() gave out or by an
** entry. Thread-safe; the lock of the spaces may be held while a shard's is taken, never the other
** way round.
**
** All is counted in the spaces. Hits, which many threads count at once, have a place for each
** reader; what comes with other work is counted by atomic additions. The store's counters are the
** sum over its spaces, those that are gone included.
*/
#ifndef QUERYCACHE_STORE_SPACE_H
#define QUERYCACHE_STORE_SPACE_H

#include <stdatomic.h>

#include "base/lock.h"
#include "store/entry.h"
#include "store/policy/policy.h"
#include "store/readers.h"

/* The counters by number, in the order of struct counters. */
#define COUNTERS (sizeof(struct counters) / sizeof(uint64_t))
#define COUNTER(name) (offsetof(struct counters, name) / sizeof(uint64_t))

struct spaces {
    struct lock lock;
    struct space *first;
    const struct policy *policy; /* of those that have none of their own */
    _Atomic int64_t *bytes;      /* of the store, where their ghosts count */
    uint64_t gone[COUNTERS]; /* what the spaces counted that are no more, since the last reset */
};

/* What the holders of one reader count. */
struct tally {
    _Atomic uint64_t hits;
    _Atomic uint64_t saved_ns;
    char gap[CACHE_GAP - 2 * sizeof(uint64_t)];
};

/* The space's part of a shard. */
struct segment {
    struct order order;
    char gap[CACHE_GAP];
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
    struct limits limits;    /* under the store's bounds lock */
    struct scope scope;
    bool has_own_policy; /* under the lock of the spaces */
    _Atomic uint64_t counted[COUNTERS];
    uint64_t reset[COUNTERS]; /* the sums at the last reset, under the lock of the spaces */
    char gap[CACHE_GAP];      /* between what insertions write and what hits do */
    struct tally tallies[READERS];
    struct segment segments[];
};

/* The space, made for `shards` shards if need be, with one more hold; NULL when memory is short. */
struct space *space_get(struct spaces *spaces, struct store *store, unsigned shards,
                        const char *name, const void *identity, size_t identity_size);

/* Whoever holds it. It is not in the list any more. */
void space_free(struct space *space);

struct space *space_hold(struct space *space);

/* Give a hold back; the last frees the space. Wants no shard lock held. */
void space_drop(struct space *space);

/* entry_bytes() and entry_new() for the identity's space, which the entry then holds; and
** entry_free() for an entry with its hold, which wants no shard lock held. */
size_t space_entry_bytes(const struct query_identity *identity, const struct admission *admission);
struct entry *space_new_entry(const struct query_identity *identity,
                              const struct admission *admission);
void space_free_entry(struct entry *entry);

/* Add to one of the counters. */
static inline void space_count(struct space *space, size_t counter, uint64_t amount)
{
    atomic_fetch_add_explicit(&space->counted[counter], amount, memory_order_relaxed);
}

/* Count a hit, holding the reader. */
void space_count_hit(struct space *space, const struct reader *reader, int64_t saved_ns);

/* Of one space; of all, those that are gone included; and for all, from 0 again. */
struct counters space_sum(const struct space *space);
struct counters spaces_sum(struct spaces *spaces);
void spaces_reset(struct spaces *spaces);

#endif
