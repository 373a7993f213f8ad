/*
** An entry: a kept result, what it answers, and what it rests on. One allocation holds all but the
** result. An entry belongs to one shard, whose lock guards it; before it is linked and after it is
** unlinked, it belongs to whoever made or unlinked it. Many may hit it at once: what a hit writes
** is atomic, and lies together.
*/
#ifndef QUERYCACHE_STORE_ENTRY_H
#define QUERYCACHE_STORE_ENTRY_H

#include <stdatomic.h>

#include "store/policy/node.h"
#include "store/types.h"

/* In the order in which a hit comes to need it. */
struct entry {
    struct entry *next; /* in the same bucket, or among the removed */
    struct key key;
    struct space *space; /* held: it outlives the entry */
    uint64_t owner;
    size_t sql_size;
    size_t params_size;
    struct result *result;
    const char *sql; /* the space's, where that is the same */
    const void *params;
    struct evidence *evidence; /* NULL: depends on nothing */
    int64_t ttl_end;
    int64_t tti;
    int64_t load_ns;
    /* Far from what a search for another entry reads on its way. */
    _Atomic uint64_t hits;
    _Atomic int64_t used; /* ticks; later by a few where they would not tell two uses apart */
    /* What no hit reads. */
    struct node in_shard;
    struct node in_segment;
    size_t bytes; /* the allocation and the result's */
    double created_at;
    int64_t created;
    enum cause cause; /* once removed: why */
};

/* What entry_new() will make the entry count; SIZE_MAX when that is no size. */
size_t entry_bytes(const struct query_identity *identity, const struct admission *admission,
                   const char *kept_sql);

/* A new entry with its own references on the result and the evidence's histories. `kept_sql` is the
** SQL text where somebody keeps it for longer than the entry, and NULL otherwise. The caller holds
** the space for the entry. NULL when memory is short. */
struct entry *entry_new(const struct query_identity *identity, const struct admission *admission,
                        const char *kept_sql);

/* Give all of it back but the space. */
void entry_free(struct entry *entry);

/* Note a hit. Others may do so meanwhile. */
void entry_use(struct entry *entry, int64_t now);

bool entry_answers(const struct entry *entry, const struct query_identity *identity);

/* Ticks from which it may not be served any more. */
int64_t entry_expires(const struct entry *entry);

bool entry_is_stale(const struct entry *entry);

struct entry_view entry_view(const struct entry *entry);

#endif
