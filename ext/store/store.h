/*
** The store: kept results of the whole process, found by key, bounded in bytes and entries. What
** goes when room is wanted, a policy says: the least recently used, unless another is set. The
** store is divided into shards (a power of two), each with a lock of its own, a hash table and the
** policies' orders; eviction takes the first of all shards, so the order is exact across them. Hits
** take no lock and write no line of the cache that others write but the entry's and the result's;
** they wait only for what changes their shard at the moment. A space is a named cache's part of the
** store with limits, a policy and counters of its own; what is asked ad hoc lives in the store's
** default space.
**
** The store knows no SQL and no connection: it is told the key, and what the reader sees of the
** histories, by which it judges a kept result. All functions are thread-safe. A shard lock is held
** for a time bounded by the shard's entries, mostly for that of a few; and no two at once.
**
** The byte bound is hard: after any insert, bytes <= max_bytes; what `bytes` counts is every byte
** the store has allocated for its entries: the entry with its key text, parameters and evidence,
** the result, both with what the allocator needs for them (memory_footprint()), the hash tables'
** slots but for the few that each shard has in place, and what policies and admission remember of
** keys that are not there. Room is reserved before an entry is linked, so the bound holds for
** inserts at once, too. A result that somebody still reads after its entry left is no longer
** counted.
*/
#ifndef QUERYCACHE_STORE_STORE_H
#define QUERYCACHE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/types.h"

struct store;
struct policy; /* store/policy/policy.h has them by name */

/* `shards` is a power of two from 1 to 1024. NULL when memory is short. */
struct store *store_new(unsigned shards, struct limits limits);

/* Frees everything; nothing may be in use. For tests: the process's store lives until exit. */
void store_free(struct store *store);

/* Lowering a limit evicts at once. */
void store_set_limits(struct store *store, struct limits limits);
struct limits store_limits(const struct store *store);

/* Follow that policy from now on, with the entries that are there: the store, and the spaces that
** have no policy of their own. At first it is the least recently used. */
void store_set_policy(struct store *store, const struct policy *policy);

/* Whether a result is kept only when the same was offered before, not long ago: within about as
** many offers as four times the entries. Where memory is too short to know, it is kept. */
void store_set_admission(struct store *store, bool twice);

/* ---- spaces ---- */

/*
** The space of that identity, made if need be, with one more reference. `name` is what people call
** it; `identity` (any bytes) tells two of one name apart. NULL name and identity: the default
** space. NULL when memory is short. A space without references and entries is freed.
*/
struct space *store_space(struct store *store, const char *name, const void *identity,
                          size_t identity_size);
void space_release(struct space *space);
/* True when more than one reference is out. */
bool space_has_others(const struct space *space);
const char *space_name(const struct space *space);                /* NULL for the default space */
void space_set_limits(struct space *space, struct limits limits); /* evicts at once */

/* What goes when the space is over limits of its own. NULL: as the store has it. */
void space_set_policy(struct space *space, const struct policy *policy);
const struct policy *space_policy(const struct space *space);

/* ---- one entry ---- */

enum found {
    FOUND_HIT,
    FOUND_MISS,  /* there is none, or the one that there is is not for this reader */
    FOUND_UNSURE /* there is one: find out more (views->probed), and ask again */
};

/*
** Find the entry with this identity: key, space and owner, and then SQL text and parameters byte
** for byte; and judge it by what the reader sees. `views` NULL: any state will do. On FOUND_HIT
** *result has one more reference, which the caller releases; the entry is now the most recently
** used. An expired or stale one is dropped on the way, and counted. Counts the hit; the caller who
** then computes counts the miss. Allocates nothing.
*/
enum found store_find(struct store *store, const struct query_identity *identity, int64_t now,
                      const struct views *views, struct result **result);

enum kept { KEPT, KEPT_TOO_BIG, KEPT_NOT_ADMITTED, KEPT_NO_MEMORY };

/*
** Keep a result, in place of an older one of the same identity. Makes room by evicting what the
** policies say, first of the space, then of the store. KEPT_TOO_BIG: the entry alone is over a
** byte limit; counted as a rejection, and nothing else is evicted for it. KEPT_NOT_ADMITTED: it was
** not offered before; counted likewise. KEPT_NO_MEMORY: the store is as it was, but for the older
** one, which is dropped.
*/
enum kept store_insert(struct store *store, const struct query_identity *identity,
                       const struct admission *admission);

/*
** Attach something to a kept result, which then counts in the entry's bytes, with room made for it
** as for an insertion. `make` is called only where the result is the entry's of this identity, the
** bounds allow so many bytes more, and nobody else is making something of it; no lock is held then.
** It returns what memory_alloc() gave, or NULL. Where there came to be no room for it, or the entry
** left meanwhile, it is freed. True when it was attached.
*/
struct extension {
    size_t bytes; /* of what is made, as memory_footprint() has it */
    struct attachment *(*make)(void *context);
    void *context;
};

bool store_extend(struct store *store, const struct query_identity *identity, int64_t now,
                  struct result *result, const struct extension *extension);

/* ---- counting what the store does not see itself ---- */

void store_count_bypass(struct store *store, struct space *space);
void store_count_miss(struct store *store, struct space *space);

/* A hit on what another was computing, which took it that long. */
void store_count_coalesced(struct store *store, struct space *space, int64_t load_ns);

/* A hit on what was kept in another place (store/places.h), and took that long to compute. */
void store_count_found(struct store *store, struct space *space, int64_t load_ns);
void store_count_rejection(struct store *store, struct space *space);
void store_count_load(struct store *store, struct space *space, int64_t nanoseconds);

/* ---- looking in, taking out ---- */

/* Call `visit` for each entry, under its shard's lock: it must not call the store or SQLite. A
** non-zero return stops and is returned. */
int store_each(struct store *store, int (*visit)(const struct entry_view *, void *), void *context);

/* Drop each entry for which `match` says so (NULL: all). Returns how many of them could still have
** been served: neither expired nor stale. Counted by `cause`: CAUSE_TABLE_CHANGE as invalidations,
** CAUSE_EXPLICIT not at all. */
int64_t store_remove(struct store *store, bool (*match)(const struct entry_view *, void *),
                     void *context, enum cause cause);

struct counters store_counters(const struct store *store);
struct usage store_usage(const struct store *store);
struct counters space_counters(const struct space *space);
struct usage space_usage(const struct space *space);
void store_reset_counters(struct store *store); /* the spaces' too */

#endif
