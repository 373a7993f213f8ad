#include "store/shard.h"

#include <string.h>

#include "base/ticks.h"
#include "store/space.h"

bool shard_init(struct shard *shard, unsigned number)
{
    memset(shard, 0, sizeof *shard);
    if (pthread_mutex_init(&shard->lock, NULL) != 0)
        return false;
    shard->number = number;
    shard->buckets = shard->first;
    shard->bucket_count = SHARD_FIRST_BUCKETS;
    lru_init(&shard->recency);
    atomic_init(&shard->oldest, TICKS_NEVER);
    return true;
}

void shard_destroy(struct shard *shard)
{
    pthread_mutex_destroy(&shard->lock);
}

void segment_init(struct segment *segment)
{
    memset(segment, 0, sizeof *segment);
    lru_init(&segment->recency);
    atomic_init(&segment->oldest, TICKS_NEVER);
}

static struct segment *segment_of(const struct shard *shard, const struct entry *entry)
{
    return &entry->space->segments[shard->number];
}

/* Tell who looks for the oldest tail, without the lock, about this shard's. */
static void publish_tails(struct shard *shard, struct segment *segment)
{
    struct lru_link *tail = lru_tail(&shard->recency);
    int64_t oldest = tail != NULL ? entry_of_shard_link(tail)->recency : TICKS_NEVER;
    atomic_store_explicit(&shard->oldest, oldest, memory_order_release);
    tail = lru_tail(&segment->recency);
    oldest = tail != NULL ? entry_of_segment_link(tail)->recency : TICKS_NEVER;
    atomic_store_explicit(&segment->oldest, oldest, memory_order_release);
}

/* The shard was chosen by the key's high half; the bucket is by the low one. */
static struct entry **bucket_of(const struct shard *shard, struct key key)
{
    return &shard->buckets[key.low & (shard->bucket_count - 1)];
}

struct entry *shard_find(const struct shard *shard, const struct query_identity *identity)
{
    struct entry *entry = *bucket_of(shard, identity->key);
    while (entry != NULL && !entry_answers(entry, identity))
        entry = entry->next;
    return entry;
}

static void add_to_lists(struct shard *shard, struct entry *entry)
{
    struct segment *segment = segment_of(shard, entry);
    if (entry->recency < shard->newest)
        entry->recency = shard->newest;
    shard->newest = entry->recency;
    lru_add(&shard->recency, &entry->in_shard);
    lru_add(&segment->recency, &entry->in_segment);
    publish_tails(shard, segment);
}

void shard_use(struct shard *shard, struct entry *entry, int64_t now)
{
    if (entry->used < now)
        entry->used = now;
    entry->recency = entry->used;
    lru_remove(&entry->in_shard);
    lru_remove(&entry->in_segment);
    add_to_lists(shard, entry);
}

void shard_link(struct shard *shard, struct entry *entry)
{
    struct entry **bucket = bucket_of(shard, entry->key);
    entry->next = *bucket;
    *bucket = entry;
    shard->entries++;
    add_to_lists(shard, entry);
    shard_count(&shard->counters.insertions, &segment_of(shard, entry)->counters.insertions, 1);
}

static void count_cause(struct shard *shard, struct segment *segment, enum cause cause)
{
    switch (cause) {
    case CAUSE_SIZE:
        shard_count(&shard->counters.evictions, &segment->counters.evictions, 1);
        break;
    case CAUSE_EXPIRED:
        shard_count(&shard->counters.expirations, &segment->counters.expirations, 1);
        break;
    case CAUSE_TABLE_CHANGE:
        shard_count(&shard->counters.invalidations, &segment->counters.invalidations, 1);
        break;
    case CAUSE_EXPLICIT:
    case CAUSE_REPLACED:
        break;
    }
}

void shard_unlink(struct shard *shard, struct entry *entry, enum cause cause,
                  struct removal *removal)
{
    struct segment *segment = segment_of(shard, entry);
    struct entry **link = bucket_of(shard, entry->key);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    lru_remove(&entry->in_shard);
    lru_remove(&entry->in_segment);
    shard->entries--;
    publish_tails(shard, segment);
    count_cause(shard, segment, cause);
    entry->cause = cause;
    entry->next = removal->entries;
    removal->entries = entry;
}

void shard_sweep(struct shard *shard, int64_t now, struct removal *removal)
{
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
    size_t entries = shard->entries + 1;
    if (entries > shard->bucket_count)
        return shard->bucket_count * 2;
    /* Far from the point where it grows again, so that it does not swing. */
    if (shard->bucket_count > SHARD_FIRST_BUCKETS * 4 && entries < shard->bucket_count / 8)
        return shard->bucket_count / 4;
    return shard->bucket_count;
}

struct entry **shard_rehash(struct shard *shard, struct entry **buckets, size_t count)
{
    struct entry **old = shard->buckets;
    size_t old_count = shard->bucket_count;
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
    if (shard->entries > 0 || shard->buckets == shard->first)
        return 0;
    size_t bytes = shard->bucket_count * sizeof(struct entry *);
    removal->buckets = shard_rehash(shard, shard->first, SHARD_FIRST_BUCKETS);
    return bytes;
}

void counters_add(struct counters *sum, const struct counters *part)
{
    sum->hits += part->hits;
    sum->misses += part->misses;
    sum->bypasses += part->bypasses;
    sum->coalesced += part->coalesced;
    sum->insertions += part->insertions;
    sum->rejections += part->rejections;
    sum->evictions += part->evictions;
    sum->expirations += part->expirations;
    sum->invalidations += part->invalidations;
    sum->load_ns += part->load_ns;
    sum->saved_ns += part->saved_ns;
}
