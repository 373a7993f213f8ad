/*
** An entry: a kept result, what it answers, and what it rests on. One allocation holds all but the
** result. An entry belongs to one shard, whose lock guards it; before it is linked and after it is
** unlinked, it belongs to whoever made or unlinked it.
*/
#ifndef QUERYCACHE_STORE_ENTRY_H
#define QUERYCACHE_STORE_ENTRY_H

#include "store/lru.h"
#include "store/store.h"

struct entry {
    struct entry *next; /* in the same bucket, or among the removed */
    struct lru_link in_shard;
    struct lru_link in_segment;
    struct space *space; /* held: it outlives the entry */
    struct key key;
    uint64_t owner;
    const char *sql;
    size_t sql_size;
    const void *params;
    size_t params_size;
    struct result *result;
    struct evidence *evidence; /* NULL: depends on nothing */
    size_t bytes;              /* the allocation and the result's */
    uint64_t hits;
    double created_at;
    int64_t created;
    int64_t used;
    int64_t recency; /* `used`, but never behind an entry that was used before */
    int64_t ttl_end;
    int64_t tti;
    int64_t load_ns;
    enum cause cause; /* once removed: why */
};

/* What entry_new() will make the entry count; SIZE_MAX when that is no size. */
size_t entry_bytes(const struct query_identity *identity, const struct admission *admission);

/* A new entry with its own references on the space, the result and the evidence's histories. NULL
** when memory is short. */
struct entry *entry_new(const struct query_identity *identity, const struct admission *admission);

/* Give all of it back. Takes the lock of the spaces, and so wants no shard lock held. */
void entry_free(struct entry *entry);

bool entry_answers(const struct entry *entry, const struct query_identity *identity);

/* Ticks from which it may not be served any more. */
int64_t entry_expires(const struct entry *entry);

bool entry_is_stale(const struct entry *entry);

struct entry_view entry_view(const struct entry *entry);

static inline struct entry *entry_of_shard_link(struct lru_link *link)
{
    return (struct entry *)(void *)((char *)link - offsetof(struct entry, in_shard));
}

static inline struct entry *entry_of_segment_link(struct lru_link *link)
{
    return (struct entry *)(void *)((char *)link - offsetof(struct entry, in_segment));
}

#endif
