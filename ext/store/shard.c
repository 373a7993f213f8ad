#include "store/shard.h"

#include <assert.h>
#include <string.h>
bool shard_init(struct shard *shard, unsigned number, struct readers *readers, struct scope *scope)
{
    memset(shard, 0, sizeof *shard);
    if (!lock_init(&shard->lock, LOCK_SHARD))
        return false;
    shard->number = number;
    shard->readers = readers;
    shard->buckets = shard->first;
    shard->bucket_count = SHARD_FIRST_BUCKETS;
    shard->newest = INT64_MIN;
    order_init(&shard->order, scope, offsetof(struct entry, in_shard));
    return true;
}

void shard_destroy(struct shard *shard)
{
    lock_destroy(&shard->lock);
}

struct order *shard_order(struct shard *shard, struct space *space)
{
    return space != NULL ? &space->segments[shard->number].order : &shard->order;
}

/* ---- the ways in ---- */

struct reader *shard_enter(struct shard *shard)
{
    struct reader *reader = reader_claim(shard->readers, shard->number);
    if (!atomic_load(&shard->closed))
        return reader;
    reader_leave(reader);
    /* Who closed it has the lock; with the lock in hand, nobody has. */
    lock_take(&shard->lock);
    reader = reader_claim(shard->readers, shard->number);
    lock_give(&shard->lock);
    return reader;
}

void shard_lock(struct shard *shard)
{
    lock_take(&shard->lock);
}

/* Of the reader's place and `closed`, each thread writes one and then reads the other: so one of
** the two sees what the other wrote. */
static void close_shard(struct shard *shard)
{
    assert(lock_is_held(&shard->lock));
    if (atomic_load_explicit(&shard->closed, memory_order_relaxed))
        return;
    atomic_store(&shard->closed, true);
    readers_await(shard->readers, shard->number);
}

void shard_unlock(struct shard *shard)
{
    assert(lock_is_held(&shard->lock));
    if (atomic_load_explicit(&shard->closed, memory_order_relaxed))
        atomic_store_explicit(&shard->closed, false, memory_order_release);
    lock_give(&shard->lock);
}

/* ---- order ---- */

void shard_use(const struct shard *shard, struct reader *reader, struct entry *entry, int64_t now)
{
    /* Within one tick, too, after what was in this shard before, and what this thread used. */
    int64_t last = atomic_load_explicit(&reader->last_used, memory_order_relaxed);
    if (last < shard->newest)
        last = shard->newest;
    int64_t used = now > last ? now : last + 1;
    atomic_store_explicit(&reader->last_used, used, memory_order_relaxed);
    entry_use(entry, used);
}

/* Later uses are to be above what an order took for settled. */
static void note_newest(struct shard *shard, const struct order *order)
{
    if (shard->newest < order->newest)
        shard->newest = order->newest;
}

bool shard_evict(struct shard *shard, struct space *space, unsigned queue, int64_t most,
                 struct removal *removal)
{
    assert(lock_is_held(&shard->lock));
    assert(queue < QUEUES);
    struct order *order = shard_order(shard, space);
    close_shard(shard);
    struct entry *entry = order_first(order, queue);
    bool goes = entry != NULL && node_of(order, entry)->rank <= most && order_dismiss(order, entry);
    if (goes) {
        shard_unlink(shard, entry, CAUSE_SIZE, removal);
        /* So that the next who looks for the first of all goes to the right shard. */
        order_first(order, queue);
    }
    note_newest(shard, order);
    return goes;
}

void shard_follow(struct shard *shard, struct order *order, const struct policy *policy)
{
    assert(lock_is_held(&shard->lock));
    close_shard(shard);
    order_follow(order, policy);
    note_newest(shard, order);
}

/* ---- the table ---- */

/* The shard was chosen by the key's high half; the bucket is by the low one. */
static struct entry **bucket_of(const struct shard *shard, struct key key)
{
    assert((shard->bucket_count & (shard->bucket_count - 1)) == 0);
    return &shard->buckets[key.low & (shard->bucket_count - 1)];
}

struct entry *shard_find(const struct shard *shard, const struct query_identity *identity)
{
    struct entry *entry = *bucket_of(shard, identity->key);
    while (entry != NULL && !entry_answers(entry, identity))
        entry = entry->next;
    return entry;
}

void shard_link(struct shard *shard, struct entry *entry)
{
    assert(lock_is_held(&shard->lock));
    assert(entry->next == NULL || entry->space != NULL);
    struct entry **bucket = bucket_of(shard, entry->key);
    int64_t used = atomic_load_explicit(&entry->used, memory_order_relaxed);
    close_shard(shard);
    shard->newest = used > shard->newest ? used : shard->newest + 1;
    atomic_store_explicit(&entry->used, shard->newest, memory_order_relaxed);
    entry->next = *bucket;
    *bucket = entry;
    shard->entries++;
    order_add(&shard->order, entry);
    order_add(shard_order(shard, entry->space), entry);
    space_count(entry->space, COUNTER(insertions), 1);
}

void shard_grow(struct shard *shard, struct entry *entry, size_t bytes)
{
    assert(lock_is_held(&shard->lock));
    close_shard(shard);
    entry->bytes += bytes;
    order_grow(&shard->order, entry, bytes);
    order_grow(shard_order(shard, entry->space), entry, bytes);
}

static void count_cause(struct space *space, enum cause cause)
{
    switch (cause) {
    case CAUSE_SIZE:
        space_count(space, COUNTER(evictions), 1);
        break;
    case CAUSE_EXPIRED:
        space_count(space, COUNTER(expirations), 1);
        break;
    case CAUSE_TABLE_CHANGE:
        space_count(space, COUNTER(invalidations), 1);
        break;
    case CAUSE_EXPLICIT:
    case CAUSE_REPLACED:
        break;
    }
}

void shard_unlink(struct shard *shard, struct entry *entry, enum cause cause,
                  struct removal *removal)
{
    assert(lock_is_held(&shard->lock));
    assert(shard->entries > 0);
    struct entry **link = bucket_of(shard, entry->key);
    close_shard(shard);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    order_remove(&shard->order, entry, cause);
    order_remove(shard_order(shard, entry->space), entry, cause);
    shard->entries--;
    count_cause(entry->space, cause);
    entry->cause = cause;
    entry->next = removal->entries;
    removal->entries = entry;
}

int shard_each(struct shard *shard, int (*visit)(struct shard *, struct entry *, void *),
               void *context)
{
    assert(lock_is_held(&shard->lock));
    int stop = 0;
    for (size_t i = 0; i < shard->bucket_count && stop == 0; i++) {
        struct entry *next = shard->buckets[i];
        while (next != NULL && stop == 0) {
            struct entry *entry = next;
            next = entry->next;
            stop = visit(shard, entry, context);
        }
    }
    return stop;
}

void shard_sweep(struct shard *shard, int64_t now, struct removal *removal)
{
    assert(lock_is_held(&shard->lock));
    size_t budget = shard->bucket_count < SHARD_SWEEP ? shard->bucket_count : SHARD_SWEEP;
    for (; budget > 0; budget--) {
        struct entry *entry = shard->buckets[shard->hand++ & (shard->bucket_count - 1)];
        while (entry != NULL) {
            struct entry *next = entry->next;
            if (entry_expires(entry) <= now)
                shard_unlink(shard, entry, CAUSE_EXPIRED, removal);
            else if (entry_is_stale(entry))
                shard_unlink(shard, entry, CAUSE_TABLE_CHANGE, removal);
            entry = next;
        }
    }
}

size_t shard_wanted_buckets(const struct shard *shard)
{
    assert(lock_is_held(&shard->lock));
    size_t entries = shard->entries + 1;
    if (entries > shard->bucket_count / 4)
        return shard->bucket_count * 2;
    /* Far from the point where it grows again, so that it does not swing. */
    if (shard->bucket_count > SHARD_FIRST_BUCKETS * 4 && entries < shard->bucket_count / 16)
        return shard->bucket_count / 2;
    return shard->bucket_count;
}

struct entry **shard_rehash(struct shard *shard, struct entry **buckets, size_t count)
{
    assert(lock_is_held(&shard->lock));
    assert(count > 0 && (count & (count - 1)) == 0);
    struct entry **old = shard->buckets;
    size_t old_count = shard->bucket_count;
    close_shard(shard);
    shard->buckets = buckets;
    shard->bucket_count = count;
    for (size_t i = 0; i < old_count; i++) {
        while (old[i] != NULL) {
            struct entry *entry = old[i];
            old[i] = entry->next;
            struct entry **bucket = bucket_of(shard, entry->key);
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    return old != shard->first ? old : NULL;
}

size_t shard_trim(struct shard *shard, struct removal *removal)
{
    assert(lock_is_held(&shard->lock));
    if (shard->entries > 0 || shard->buckets == shard->first)
        return 0;
    size_t bytes = shard->bucket_count * sizeof(struct entry *);
    removal->buckets = shard_rehash(shard, shard->first, SHARD_FIRST_BUCKETS);
    return bytes;
}
