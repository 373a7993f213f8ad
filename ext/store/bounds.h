/*
** Room: how the store keeps within its bounds. Room is reserved before anything is linked, under a
** lock that nothing else is done under; where there is none, the policy of whatever is short says
** which entry goes. This header has the store's inside, too, which only store.c and room.c know.
*/
#ifndef QUERYCACHE_STORE_BOUNDS_H
#define QUERYCACHE_STORE_BOUNDS_H

#include "store/shard.h"

/* What all hits read is apart from what one of them or an insertion writes. */
struct store {
    struct shard *shards;
    unsigned shard_count;
    struct space *ad_hoc;
    char read_gap[CACHE_GAP];
    struct readers readers;
    struct lock bounds_lock; /* of limits and of making room; no other lock is taken under it */
    _Atomic int64_t max_entries;
    _Atomic int64_t max_bytes;
    _Atomic int64_t entries; /* with those that have room reserved */
    _Atomic int64_t bytes;   /* likewise */
    int64_t last_insertion;  /* recency of the last: no two insertions have the same */
    struct scope scope;
    _Atomic bool admit_twice;
    struct ghosts asked; /* what was offered of late, where all is admitted at the second time */
    struct spaces spaces;
    char write_gap[CACHE_GAP];
};

/* What is to be kept. */
struct demand {
    struct space *space;
    int64_t now;
    int64_t entries;
    int64_t bytes;       /* of the entry */
    int64_t table_bytes; /* of a table; set to 0 where that is too much */
    int64_t recency;     /* out: its place among all insertions */
};

/* Could that much ever be kept? */
bool bounds_is_possible(struct store *store, struct demand *demand);

/* Evict until there is room for the demand, and reserve it: it counts from then on. False when it
** is alone over a limit. Wants no lock held. */
bool bounds_make(struct store *store, struct demand *demand);

/* Reserved bytes that came to nothing. Wants no lock held. */
void bounds_give_back(struct store *store, const struct demand *demand);

/* Have the ghosts of the store and of that space, and what was asked, be as large as they should,
** where there is memory. Before each insertion. */
void bounds_for_ghosts(struct store *store, struct space *space);

/* May a result of that key be kept? Notes that it was offered. */
bool bounds_admits(struct store *store, const struct key *key);

/* Unlock, having settled the account of what was unlinked; then free it, which may take time. */
void bounds_settle(struct store *store, struct shard *shard, struct removal *removal);

#endif
