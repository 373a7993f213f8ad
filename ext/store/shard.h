/*
** A shard: a part of the store's entries under one lock, in a hash table and in one exact recency
** list. A segment is a space's part of a shard, with a recency list of its own. A shard knows no
** limits; who unlinks from it gets the entry handed over, and gives it back after unlocking.
**
** All functions but shard_init() and shard_destroy() want the shard's lock held.
*/
#ifndef QUERYCACHE_STORE_SHARD_H
#define QUERYCACHE_STORE_SHARD_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/entry.h"

/* Slots that a shard has without allocating, so that linking an entry can never fail. */
#define SHARD_FIRST_BUCKETS ((size_t)8)

/* Longer than a cache line: nothing that two shards write is on the same one, wherever the blocks
** that they lie in begin. */
#define SHARD_GAP 128

struct segment {
    struct lru recency;
    _Atomic int64_t
        oldest; /* recency of the tail; TICKS_NEVER while empty; read without the lock */
    struct counters counters;
    char gap[SHARD_GAP];
};

struct shard {
    pthread_mutex_t lock;
    unsigned number;
    size_t entries;
    struct entry **buckets; /* `first`, or allocated */
    size_t bucket_count;    /* a power of two */
    size_t hand;            /* the bucket where the next sweep begins */
    int64_t newest;         /* the greatest recency so far */
    struct lru recency;
    _Atomic int64_t oldest; /* as in a segment */
    struct counters counters;
    struct entry *first[SHARD_FIRST_BUCKETS];
    char gap[SHARD_GAP];
};

/* What was taken out of a shard under its lock, to be freed after it. Starts as all zero bytes. */
struct removal {
    struct entry *entries;
    struct entry **buckets; /* a table that was left empty; at most one for each time locked */
};

/* False when a lock cannot be made. */
bool shard_init(struct shard *shard, unsigned number);
void shard_destroy(struct shard *shard);

void segment_init(struct segment *segment);

struct entry *shard_find(const struct shard *shard, const struct query_identity *identity);

/* Make an entry the most recently used: not before `now`, nor before any other here. */
void shard_use(struct shard *shard, struct entry *entry, int64_t now);

/* Link it as the most recently used. The shard owns it from here on. */
void shard_link(struct shard *shard, struct entry *entry);

/* Unlink it, count why, and hand it over to `removal`. Its bytes no longer count from here on. */
void shard_unlink(struct shard *shard, struct entry *entry, enum cause cause,
                  struct removal *removal);

/* Unlink what is expired or stale in the next SHARD_SWEEP buckets: a fixed price on each insert,
** by which the whole shard is visited once in (buckets / SHARD_SWEEP) inserts. */
#define SHARD_SWEEP 16
void shard_sweep(struct shard *shard, int64_t now, struct removal *removal);

/* How many buckets it should have with one more entry. */
size_t shard_wanted_buckets(const struct shard *shard);

/* Move all entries to a zeroed table of that many buckets, which the shard owns from here on.
** Returns the allocated one that it had, or NULL; the caller frees it. */
struct entry **shard_rehash(struct shard *shard, struct entry **buckets, size_t count);

/* Give an empty shard's table to `removal`. Returns its bytes, 0 when there is none to give. */
size_t shard_trim(struct shard *shard, struct removal *removal);

/* Add `amount` to one counter of the shard and of the segment: they are the same two lines that
** the hit itself writes. */
static inline void shard_count(uint64_t *in_shard, uint64_t *in_segment, uint64_t amount)
{
    *in_shard += amount;
    *in_segment += amount;
}

void counters_add(struct counters *sum, const struct counters *part);

#endif
