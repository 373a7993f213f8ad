/*
** A shard: a part of the store's entries, in a hash table and in an order, by which they are
** evicted when the store is short. A space's part of it has an order of its own (struct segment). A
** shard knows no limits; who unlinks from it gets the entry handed over, and gives it back after
** unlocking.
**
** Two ways in. shard_enter() lets any number of threads find entries and use them at once, each
** with a reader of its own; they write to no line that two of them share but that of an entry both
** hit. shard_lock() lets one in, who may look at everything while others go on finding; what
** changes the shard first keeps out who enters, until the lock is given back. A thread that has
** entered takes no lock before it has left.
**
** All functions from shard_evict() on want the shard locked.
*/
#ifndef QUERYCACHE_STORE_SHARD_H
#define QUERYCACHE_STORE_SHARD_H

#include <stdatomic.h>

#include "base/lock.h"
#include "store/space.h"

/* Slots that a shard has without allocating, so that linking an entry can never fail. */
#define SHARD_FIRST_BUCKETS ((size_t)8)

struct shard {
    _Atomic bool closed; /* to who would enter: somebody changes it, or waits to */
    unsigned number;
    struct readers *readers;
    struct entry **buckets; /* `first`, or allocated */
    size_t bucket_count;    /* a power of two */
    int64_t newest;         /* all later uses are above it: what the orders know stands */
    struct entry *first[SHARD_FIRST_BUCKETS];
    struct lock lock;
    size_t entries;
    size_t hand; /* the bucket where the next sweep begins */
    struct order order;
    char gap[CACHE_GAP];
};

/* What was taken out of a shard under its lock, to be freed after it. Starts as all zero bytes. */
struct removal {
    struct entry *entries;
    struct entry **buckets; /* a table that was left empty; at most one for each time locked */
};

/* `scope` is the store's. False when a lock cannot be made. */
bool shard_init(struct shard *shard, unsigned number, struct readers *readers, struct scope *scope);
void shard_destroy(struct shard *shard);

/* The shard's order, or its segment's for a space. Of what it publishes, anybody may read. */
struct order *shard_order(struct shard *shard, struct space *space);

/* To find and to use; then reader_leave(). */
struct reader *shard_enter(struct shard *shard);

void shard_lock(struct shard *shard);
void shard_unlock(struct shard *shard);

/* Having entered or locked. */
struct entry *shard_find(const struct shard *shard, const struct query_identity *identity);

/* Make an entry the most recently used. Having entered. */
void shard_use(const struct shard *shard, struct reader *reader, struct entry *entry, int64_t now);

/* Evict the first of that queue, of the space or of all (NULL), if its rank is not above `most`.
** False where it is, where there is none, and where it was given another turn. */
bool shard_evict(struct shard *shard, struct space *space, unsigned queue, int64_t most,
                 struct removal *removal);

/* Have an order of this shard follow that policy, with the same entries. */
void shard_follow(struct shard *shard, struct order *order, const struct policy *policy);

/* Link it as the most recently used. The shard owns it from here on. */
void shard_link(struct shard *shard, struct entry *entry);

/* So many bytes more are the entry's. It keeps its place. */
void shard_grow(struct shard *shard, struct entry *entry, size_t bytes);

/* Unlink it, count why, and hand it over to `removal`. Its bytes no longer count from here on. */
void shard_unlink(struct shard *shard, struct entry *entry, enum cause cause,
                  struct removal *removal);

/* Call `visit` for each entry, which it may unlink. A non-zero return stops and is returned. */
int shard_each(struct shard *shard, int (*visit)(struct shard *, struct entry *, void *),
               void *context);

/* Unlink what is expired or stale in the next SHARD_SWEEP buckets: a fixed price on each insert,
** by which the whole shard is visited once in (buckets / SHARD_SWEEP) inserts. */
#define SHARD_SWEEP 64
void shard_sweep(struct shard *shard, int64_t now, struct removal *removal);

/* How many buckets it should have with one more entry: enough that a search seldom meets another
** entry on its way, which others may be hitting. With fewer it works, too. */
size_t shard_wanted_buckets(const struct shard *shard);

/* Move all entries to a zeroed table of that many buckets, which the shard owns from here on.
** Returns the allocated one that it had, or NULL; the caller frees it. */
struct entry **shard_rehash(struct shard *shard, struct entry **buckets, size_t count);

/* Give an empty shard's table to `removal`. Returns its bytes, 0 when there is none to give. */
size_t shard_trim(struct shard *shard, struct removal *removal);

#endif
