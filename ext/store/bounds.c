#include "store/bounds.h"

#include <assert.h>
#include <sched.h>

#include "base/lock.h"
#include "base/memory.h"
#include "base/ticks.h"

/* After so many looks at each shard, while others went on using entries: the first of one will
** do. */
#define EVICTION_ATTEMPTS 2

/* A table may take this part of all bytes; nothing is evicted for a larger one. */
#define TABLE_SHARE 16

/* Unlock, having settled the account of what was unlinked; then free it, which may take time. */
void bounds_settle(struct store *store, struct shard *shard, struct removal *removal)
{
    assert(lock_is_held(&shard->lock));
    for (struct entry *entry = removal->entries; entry != NULL; entry = entry->next) {
        atomic_fetch_sub(&entry->space->bytes, (int64_t)entry->bytes);
        atomic_fetch_sub(&entry->space->entries, 1);
        atomic_fetch_sub(&store->bytes, (int64_t)entry->bytes);
        atomic_fetch_sub(&store->entries, 1);
    }
    if (removal->entries != NULL)
        atomic_fetch_sub(&store->bytes, (int64_t)shard_trim(shard, removal));
    shard_unlock(shard);

    memory_free(removal->buckets);
    if (removal->entries != NULL)
        ghosts_trim(&store->scope.ghosts);
    while (removal->entries != NULL) {
        struct entry *entry = removal->entries;
        removal->entries = entry->next;
        ghosts_trim(&entry->space->scope.ghosts);
        /* Computed anew, it was asked for twice. */
        if (entry->cause != CAUSE_EXPLICIT && entry->cause != CAUSE_SIZE)
            ghosts_remember(&store->asked, &entry->key);
        if (entry->cause == CAUSE_TABLE_CHANGE && entry->evidence != NULL)
            evidence_count_invalidation(entry->evidence);
        space_free_entry(entry);
    }
}

/* ---- reserving ---- */

enum fit {
    FIT_MADE,
    FIT_NEVER,       /* alone over a limit */
    FIT_SPACE_SHORT, /* the space must give something up first */
    FIT_STORE_SHORT,
};

static bool is_over(int64_t used, int64_t more, int64_t limit)
{
    return more > limit || used > limit - more;
}

static enum fit judge(const struct store *store, struct demand *demand)
{
    assert(lock_is_held(&store->bounds_lock));
    assert(demand->entries >= 0 && demand->bytes >= 0 && demand->table_bytes >= 0);
    const struct space *space = demand->space;
    int64_t max_bytes = atomic_load(&store->max_bytes);
    int64_t max_entries = atomic_load(&store->max_entries);
    if (is_over(0, demand->bytes, max_bytes) ||
        is_over(0, demand->bytes, space->limits.max_bytes) || max_entries < 1 ||
        space->limits.max_entries < 1)
        return FIT_NEVER;
    if (demand->table_bytes > max_bytes / TABLE_SHARE ||
        is_over(demand->bytes, demand->table_bytes, max_bytes))
        demand->table_bytes = 0;
    if (is_over(atomic_load(&space->bytes), demand->bytes, space->limits.max_bytes) ||
        is_over(atomic_load(&space->entries), demand->entries, space->limits.max_entries))
        return FIT_SPACE_SHORT;
    if (is_over(atomic_load(&store->bytes), demand->bytes + demand->table_bytes, max_bytes) ||
        is_over(atomic_load(&store->entries), demand->entries, max_entries))
        return FIT_STORE_SHORT;
    return FIT_MADE;
}

/* Above those of all insertions and uses so far. */
static int64_t next_recency(struct store *store, int64_t now)
{
    assert(lock_is_held(&store->bounds_lock));
    int64_t last = readers_last_used(&store->readers);
    if (last < store->last_insertion)
        last = store->last_insertion;
    store->last_insertion = now > last ? now : last + 1;
    return store->last_insertion;
}

/* Reserve all that is demanded, or nothing. What is reserved counts from now on, so that threads
** that insert at once cannot pass a limit together. */
static enum fit reserve(struct store *store, struct demand *demand)
{
    assert(lock_none_is_held());
    lock_take(&store->bounds_lock);
    enum fit fit = judge(store, demand);
    if (fit == FIT_MADE) {
        atomic_fetch_add(&demand->space->bytes, demand->bytes);
        atomic_fetch_add(&demand->space->entries, demand->entries);
        atomic_fetch_add(&store->bytes, demand->bytes + demand->table_bytes);
        atomic_fetch_add(&store->entries, demand->entries);
        if (demand->entries > 0)
            demand->recency = next_recency(store, demand->now);
    }
    lock_give(&store->bounds_lock);
    return fit;
}

/* Of one queue of a scope, as its orders publish it. */
struct sight {
    struct shard *shard; /* that may have who goes first; NULL: it is empty */
    int64_t least;
    int64_t others; /* no rank is less in any other shard */
    int64_t bytes;
};

/* Of the space, or of all (NULL). Read without locks, but what is said of ranks is true whatever
** happens meanwhile: they only grow. */
static struct sight look(const struct store *store, const struct space *space, unsigned queue)
{
    struct sight sight = {.least = TICKS_NEVER, .others = TICKS_NEVER};
    for (unsigned i = 0; i < store->shard_count; i++) {
        const struct order *order =
            space != NULL ? &space->segments[i].order : &store->shards[i].order;
        int64_t bound = atomic_load_explicit(&order->bound[queue], memory_order_acquire);
        sight.bytes += atomic_load_explicit(&order->bytes[queue], memory_order_relaxed);
        if (bound < sight.least) {
            sight.others = sight.least;
            sight.least = bound;
            sight.shard = &store->shards[i];
        } else if (bound < sight.others) {
            sight.others = bound;
        }
    }
    return sight;
}

/* The queue that must give, and what is seen of it. Where that is empty, another: also one that the
** policy does not have, while some orders still follow the policy before. */
static unsigned survey(const struct store *store, const struct space *space, struct sight *sight)
{
    const struct scope *scope = space != NULL ? &space->scope : &store->scope;
    const struct policy *policy = atomic_load(&scope->policy);
    unsigned queue = 0;
    if (policy->choose == NULL) {
        *sight = look(store, space, 0);
    } else {
        struct sight sights[QUEUES] = {look(store, space, 0), look(store, space, 1)};
        queue = policy->choose((int64_t[QUEUES]){sights[0].bytes, sights[1].bytes});
        *sight = sights[queue];
    }
    if (sight->shard == NULL) {
        queue = 1 - queue;
        *sight = look(store, space, queue);
    }
    return queue;
}

/* Evict what the policy of the space, or of the store (NULL), says. False when nothing is
** linked. */
static bool evict(struct store *store, struct space *space)
{
    for (unsigned attempt = 1;; attempt++) {
        struct sight sight;
        unsigned queue = survey(store, space, &sight);
        if (sight.shard == NULL)
            return false;
        if (attempt >= store->shard_count * EVICTION_ATTEMPTS)
            sight.others = TICKS_NEVER;
        struct removal removal = {0};
        shard_lock(sight.shard);
        bool evicted = shard_evict(sight.shard, space, queue, sight.others, &removal);
        bounds_settle(store, sight.shard, &removal);
        if (evicted)
            return true;
    }
}

/* Evict one, or let those go on who have reserved room for an entry and not linked it yet: they
** wait for nobody, and what they link can be evicted. */
static void give_way(struct store *store, struct space *space)
{
    if (evict(store, space))
        return;
    if (space == NULL && atomic_load(&store->asked.count) > 0)
        ghosts_resize(&store->asked, NULL, 0, false);
    else
        sched_yield();
}

bool bounds_make(struct store *store, struct demand *demand)
{
    assert(lock_none_is_held());
    enum fit fit;
    while ((fit = reserve(store, demand)) != FIT_MADE) {
        if (fit == FIT_NEVER)
            return false;
        give_way(store, fit == FIT_SPACE_SHORT ? demand->space : NULL);
    }
    return true;
}

void bounds_give_back(struct store *store, const struct demand *demand)
{
    assert(lock_none_is_held() && demand->bytes >= 0);
    atomic_fetch_sub(&demand->space->bytes, demand->bytes);
    atomic_fetch_sub(&store->bytes, demand->bytes);
}

bool bounds_is_possible(struct store *store, struct demand *demand)
{
    lock_take(&store->bounds_lock);
    bool possible = judge(store, demand) != FIT_NEVER;
    lock_give(&store->bounds_lock);
    return possible;
}

/* ---- limits ---- */

static int64_t at_least_zero(int64_t limit)
{
    return limit > 0 ? limit : 0;
}

void store_set_limits(struct store *store, struct limits limits)
{
    lock_take(&store->bounds_lock);
    atomic_store(&store->max_entries, at_least_zero(limits.max_entries));
    atomic_store(&store->max_bytes, at_least_zero(limits.max_bytes));
    lock_give(&store->bounds_lock);
    while (atomic_load(&store->bytes) > atomic_load(&store->max_bytes) ||
           atomic_load(&store->entries) > atomic_load(&store->max_entries))
        give_way(store, NULL);
}

struct limits store_limits(const struct store *store)
{
    return (struct limits){.max_entries = atomic_load(&store->max_entries),
                           .max_bytes = atomic_load(&store->max_bytes)};
}

static bool space_is_over(struct space *space)
{
    struct store *store = space->store;
    lock_take(&store->bounds_lock);
    bool over = atomic_load(&space->bytes) > space->limits.max_bytes ||
                atomic_load(&space->entries) > space->limits.max_entries;
    lock_give(&store->bounds_lock);
    return over;
}

void space_set_limits(struct space *space, struct limits limits)
{
    struct store *store = space->store;
    lock_take(&store->bounds_lock);
    space->limits.max_entries = at_least_zero(limits.max_entries);
    space->limits.max_bytes = at_least_zero(limits.max_bytes);
    lock_give(&store->bounds_lock);
    while (space_is_over(space))
        give_way(store, space);
}

/* ---- policies ---- */

/* All orders of the space that are not yet as its policy says. */
static void follow(struct store *store, struct space *space)
{
    const struct scope *scope = space != NULL ? &space->scope : &store->scope;
    for (unsigned i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        struct order *order = shard_order(shard, space);
        shard_lock(shard);
        shard_follow(shard, order, atomic_load(&scope->policy));
        shard_unlock(shard);
    }
}

/* Policies change one after the other, under the lock of the spaces. */
static void set_policy(struct store *store, struct space *space, const struct policy *policy)
{
    struct scope *scope = space != NULL ? &space->scope : &store->scope;
    assert(lock_is_held(&store->spaces.lock));
    if (atomic_load(&scope->policy) == policy)
        return;
    atomic_store(&scope->policy, policy);
    follow(store, space);
    if (!policy->remembers)
        ghosts_resize(&scope->ghosts, NULL, 0, false);
}

void store_set_policy(struct store *store, const struct policy *policy)
{
    lock_take(&store->spaces.lock);
    store->spaces.policy = policy;
    set_policy(store, NULL, policy);
    for (struct space *space = store->spaces.first; space != NULL; space = space->next)
        if (!space->has_own_policy)
            set_policy(store, space, policy);
    lock_give(&store->spaces.lock);
}

void space_set_policy(struct space *space, const struct policy *policy)
{
    struct store *store = space->store;
    lock_take(&store->spaces.lock);
    space->has_own_policy = policy != NULL;
    set_policy(store, space, policy != NULL ? policy : store->spaces.policy);
    lock_give(&store->spaces.lock);
}

const struct policy *space_policy(const struct space *space)
{
    return atomic_load(&space->scope.policy);
}

/* ---- ghosts ---- */

/* So many entries' worth of offers, and no fewer than so many, are remembered for 'twice'. */
#define ASKED_PER_ENTRY 4
#define ASKED_LEAST 1024

static int64_t asked_window(const struct store *store)
{
    int64_t window = atomic_load(&store->entries) * ASKED_PER_ENTRY;
    return window > ASKED_LEAST ? window : ASKED_LEAST;
}

/* Make a table that remembers so many, or none for 0, if it is not as it should be. */
static void resize(struct store *store, struct space *space, struct ghosts *ghosts,
                   int64_t remembered, bool unless_empty)
{
    size_t count = ghosts_wanted(ghosts, remembered, atomic_load(&store->max_bytes) / TABLE_SHARE);
    if (count == atomic_load_explicit(&ghosts->count, memory_order_relaxed))
        return;
    uint64_t *slots = count > 0 ? memory_alloc_zero(count * sizeof *slots) : NULL;
    struct demand demand = {.space = space, .table_bytes = (int64_t)(count * sizeof *slots)};
    if (slots != NULL && (!bounds_make(store, &demand) || demand.table_bytes == 0)) {
        memory_free(slots);
        return;
    }
    if (slots != NULL || count == 0)
        ghosts_resize(ghosts, slots, count, unless_empty);
}

/* Without limits of its own, a space never evicts. */
static bool is_bounded(struct store *store, const struct space *space)
{
    lock_take(&store->bounds_lock);
    bool bounded = space->limits.max_bytes < INT64_MAX || space->limits.max_entries < INT64_MAX;
    lock_give(&store->bounds_lock);
    return bounded;
}

void bounds_for_ghosts(struct store *store, struct space *space)
{
    if (atomic_load(&store->scope.policy)->remembers)
        resize(store, space, &store->scope.ghosts, atomic_load(&store->entries), true);
    if (atomic_load(&space->scope.policy)->remembers && is_bounded(store, space))
        resize(store, space, &space->scope.ghosts, atomic_load(&space->entries), true);
    if (atomic_load(&store->admit_twice))
        resize(store, space, &store->asked, asked_window(store), false);
}

void store_set_admission(struct store *store, bool twice)
{
    atomic_store(&store->admit_twice, twice);
    if (!twice)
        ghosts_resize(&store->asked, NULL, 0, false);
}

bool bounds_admits(struct store *store, const struct key *key)
{
    if (!atomic_load(&store->admit_twice))
        return true;
    bool again = ghosts_recall(&store->asked, key, asked_window(store));
    ghosts_remember(&store->asked, key);
    return again || atomic_load(&store->asked.count) == 0;
}
