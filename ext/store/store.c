#include "store/store.h"

#include <sched.h>
#include <string.h>

#include "base/memory.h"
#include "base/ticks.h"
#include "store/space.h"

/* After so many looks at each shard, while others went on using entries: the oldest of one will do. */
#define EVICTION_ATTEMPTS 2

/* A table for a shard may take this part of all bytes; nothing is evicted for a larger one. */
#define TABLE_SHARE 16

/* What all hits read is apart from what one of them or an insertion writes. */
struct store {
    struct shard *shards;
    unsigned shard_count;
    struct space *ad_hoc;
    char read_gap[CACHE_GAP];
    struct stripes stripes;
    pthread_mutex_t room; /* of limits and of making room; no other lock is taken under it */
    _Atomic int64_t max_entries;
    _Atomic int64_t max_bytes;
    _Atomic int64_t entries; /* with those that have room reserved */
    _Atomic int64_t bytes;   /* likewise */
    int64_t last_insertion;  /* recency of the last: no two insertions have the same */
    struct spaces spaces;
    char write_gap[CACHE_GAP];
};

/* ---- making and unmaking ---- */

static int64_t at_least_zero(int64_t limit)
{
    return limit > 0 ? limit : 0;
}

static void destroy(struct store *store, unsigned shards)
{
    for (unsigned i = 0; i < shards; i++)
        shard_destroy(&store->shards[i]);
    pthread_mutex_destroy(&store->spaces.lock);
    pthread_mutex_destroy(&store->room);
    memory_free(store);
}

struct store *store_new(unsigned shards, struct limits limits)
{
    struct store *store = memory_alloc_zero(sizeof *store + shards * sizeof *store->shards);
    if (store == NULL)
        return NULL;
    store->shards = (struct shard *)(void *)(store + 1);
    atomic_init(&store->max_entries, at_least_zero(limits.max_entries));
    atomic_init(&store->max_bytes, at_least_zero(limits.max_bytes));
    if (pthread_mutex_init(&store->room, NULL) != 0) {
        memory_free(store);
        return NULL;
    }
    if (pthread_mutex_init(&store->spaces.lock, NULL) != 0) {
        pthread_mutex_destroy(&store->room);
        memory_free(store);
        return NULL;
    }
    stripes_init(&store->stripes);
    while (store->shard_count < shards &&
           shard_init(&store->shards[store->shard_count], store->shard_count, &store->stripes))
        store->shard_count++;
    if (store->shard_count == shards)
        store->ad_hoc = space_get(&store->spaces, store, shards, NULL, NULL, 0);
    if (store->ad_hoc == NULL) {
        destroy(store, store->shard_count);
        return NULL;
    }
    return store;
}

void store_free(struct store *store)
{
    if (store == NULL)
        return;
    store_remove(store, NULL, NULL, CAUSE_EXPLICIT);
    struct space *space = store->spaces.first;
    while (space != NULL) {
        struct space *next = space->next;
        memory_free(space);
        space = next;
    }
    destroy(store, store->shard_count);
}

struct space *store_space(struct store *store, const char *name, const void *identity,
                          size_t identity_size)
{
    struct space *space =
        space_get(&store->spaces, store, store->shard_count, name, identity, identity_size);
    if (space != NULL)
        atomic_fetch_add(&space->references, 1);
    return space;
}

void space_release(struct space *space)
{
    if (space == NULL)
        return;
    atomic_fetch_sub(&space->references, 1);
    space_drop(space);
}

bool space_has_others(const struct space *space)
{
    return atomic_load(&space->references) > 1;
}

const char *space_name(const struct space *space)
{
    return space->name;
}

/* ---- locking a shard, and giving back what was taken out ---- */

static struct shard *shard_of(const struct store *store, struct key key)
{
    return &store->shards[key.high & (store->shard_count - 1)];
}

/* Unlock, having settled the account of what was unlinked; then free it, which may take time. */
static void unlock(struct store *store, struct shard *shard, struct removal *removal)
{
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
    while (removal->entries != NULL) {
        struct entry *entry = removal->entries;
        removal->entries = entry->next;
        if (entry->cause == CAUSE_TABLE_CHANGE && entry->evidence != NULL)
            evidence_count_invalidation(entry->evidence);
        entry_free(entry);
    }
}

/* ---- room ---- */

enum room {
    ROOM_MADE,
    ROOM_NEVER,       /* alone over a limit */
    ROOM_SPACE_SHORT, /* the space must give something up first */
    ROOM_STORE_SHORT,
};

/* What an insertion asks for. */
struct demand {
    struct space *space;
    int64_t now;
    int64_t bytes;       /* of the entry */
    int64_t table_bytes; /* of a new table for the shard; set to 0 where that is too much */
    int64_t recency;     /* out: its place among all insertions */
};

static bool is_over(int64_t used, int64_t more, int64_t limit)
{
    return more > limit || used > limit - more;
}

/* Holds the room lock. */
static enum room judge(const struct store *store, struct demand *demand)
{
    const struct space *space = demand->space;
    int64_t max_bytes = atomic_load(&store->max_bytes);
    int64_t max_entries = atomic_load(&store->max_entries);
    if (is_over(0, demand->bytes, max_bytes) ||
        is_over(0, demand->bytes, space->limits.max_bytes) || max_entries < 1 ||
        space->limits.max_entries < 1)
        return ROOM_NEVER;
    if (demand->table_bytes > max_bytes / TABLE_SHARE ||
        is_over(demand->bytes, demand->table_bytes, max_bytes))
        demand->table_bytes = 0;
    if (is_over(atomic_load(&space->bytes), demand->bytes, space->limits.max_bytes) ||
        is_over(atomic_load(&space->entries), 1, space->limits.max_entries))
        return ROOM_SPACE_SHORT;
    if (is_over(atomic_load(&store->bytes), demand->bytes + demand->table_bytes, max_bytes) ||
        is_over(atomic_load(&store->entries), 1, max_entries))
        return ROOM_STORE_SHORT;
    return ROOM_MADE;
}

/* Reserve all that is demanded, or nothing. What is reserved counts from now on, so that threads
** that insert at once cannot pass a limit together. */
static enum room reserve(struct store *store, struct demand *demand)
{
    pthread_mutex_lock(&store->room);
    enum room room = judge(store, demand);
    if (room == ROOM_MADE) {
        atomic_fetch_add(&demand->space->bytes, demand->bytes);
        atomic_fetch_add(&demand->space->entries, 1);
        atomic_fetch_add(&store->bytes, demand->bytes + demand->table_bytes);
        atomic_fetch_add(&store->entries, 1);
        int64_t last = stripes_last_used(&store->stripes);
        if (last < store->last_insertion)
            last = store->last_insertion;
        store->last_insertion = demand->now > last ? demand->now : last + 1;
        demand->recency = store->last_insertion;
    }
    pthread_mutex_unlock(&store->room);
    return room;
}

/* The shard that may have the least recently used entry of the space, or of all (NULL); NULL when
** there are no entries. In all other shards, all are used at `others` or later. Read without locks,
** but true whatever happens meanwhile: recencies only grow. */
static struct shard *oldest_shard(const struct store *store, const struct space *space,
                                  int64_t *others)
{
    struct shard *shard = NULL;
    int64_t least = TICKS_NEVER;
    *others = TICKS_NEVER;
    for (unsigned i = 0; i < store->shard_count; i++) {
        const _Atomic int64_t *bound =
            space != NULL ? &space->segments[i].oldest : &store->shards[i].oldest;
        int64_t oldest = atomic_load_explicit(bound, memory_order_acquire);
        if (oldest < least) {
            *others = least;
            least = oldest;
            shard = &store->shards[i];
        } else if (oldest < *others) {
            *others = oldest;
        }
    }
    return shard;
}

/* Evict the least recently used entry of the space, or of all (NULL). False when none is linked. */
static bool evict(struct store *store, struct space *space)
{
    for (unsigned attempt = 1;; attempt++) {
        int64_t others;
        struct shard *shard = oldest_shard(store, space, &others);
        if (shard == NULL)
            return false;
        struct removal removal = {0};
        shard_lock(shard);
        struct entry *entry = shard_oldest(shard, space);
        bool evicted = entry != NULL &&
                       (entry->used <= others || attempt >= store->shard_count * EVICTION_ATTEMPTS);
        if (evicted) {
            shard_unlink(shard, entry, CAUSE_SIZE, &removal);
            /* So that the next to look for the least recently used goes to the right shard. */
            shard_oldest(shard, space);
        }
        unlock(store, shard, &removal);
        if (evicted)
            return true;
    }
}

/* Evict one, or let those go on who have reserved room for an entry and not linked it yet: they
** wait for nobody, and what they link can be evicted. */
static void give_way(struct store *store, struct space *space)
{
    if (!evict(store, space))
        sched_yield();
}

static bool make_room(struct store *store, struct demand *demand)
{
    enum room room;
    while ((room = reserve(store, demand)) != ROOM_MADE) {
        if (room == ROOM_NEVER)
            return false;
        give_way(store, room == ROOM_SPACE_SHORT ? demand->space : NULL);
    }
    return true;
}

void store_set_limits(struct store *store, struct limits limits)
{
    pthread_mutex_lock(&store->room);
    atomic_store(&store->max_entries, at_least_zero(limits.max_entries));
    atomic_store(&store->max_bytes, at_least_zero(limits.max_bytes));
    pthread_mutex_unlock(&store->room);
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
    pthread_mutex_lock(&store->room);
    bool over = atomic_load(&space->bytes) > space->limits.max_bytes ||
                atomic_load(&space->entries) > space->limits.max_entries;
    pthread_mutex_unlock(&store->room);
    return over;
}

void space_set_limits(struct space *space, struct limits limits)
{
    struct store *store = space->store;
    pthread_mutex_lock(&store->room);
    space->limits.max_entries = at_least_zero(limits.max_entries);
    space->limits.max_bytes = at_least_zero(limits.max_bytes);
    pthread_mutex_unlock(&store->room);
    while (space_is_over(space))
        give_way(store, space);
}

/* ---- one entry ---- */

/* What an entry is good for. */
struct judgement {
    enum found found;
    bool ended; /* for good, by `cause` */
    enum cause cause;
};

static struct judgement judge_entry(const struct entry *entry, int64_t now, store_check check,
                                    void *context)
{
    if (entry_expires(entry) <= now)
        return (struct judgement){FOUND_MISS, true, CAUSE_EXPIRED};
    enum verdict verdict = VERDICT_FRESH;
    if (check != NULL && entry->evidence != NULL)
        verdict = check(entry->evidence, context);
    switch (verdict) {
    case VERDICT_FRESH:
        return (struct judgement){.found = FOUND_HIT};
    case VERDICT_STALE:
        return (struct judgement){FOUND_MISS, true, CAUSE_TABLE_CHANGE};
    case VERDICT_UNSURE:
        return (struct judgement){.found = FOUND_UNSURE};
    case VERDICT_OTHER:
        break;
    }
    return (struct judgement){.found = FOUND_MISS};
}

/* Drop the entry that was found to have ended, unless another thread has done so meanwhile. */
static void drop_ended(struct store *store, struct shard *shard,
                       const struct query_identity *identity, int64_t now, store_check check,
                       void *context)
{
    struct removal removal = {0};
    shard_lock(shard);
    struct entry *entry = shard_find(shard, identity);
    if (entry != NULL) {
        struct judgement judgement = judge_entry(entry, now, check, context);
        if (judgement.ended)
            shard_unlink(shard, entry, judgement.cause, &removal);
    }
    unlock(store, shard, &removal);
}

enum found store_find(struct store *store, const struct query_identity *identity, int64_t now,
                      store_check check, void *context, struct result **result)
{
    struct shard *shard = shard_of(store, identity->key);
    struct judgement judgement = {.found = FOUND_MISS};
    *result = NULL;
    struct stripe *stripe = shard_enter(shard);
    struct entry *entry = shard_find(shard, identity);
    if (entry != NULL)
        judgement = judge_entry(entry, now, check, context);
    if (judgement.found == FOUND_HIT) {
        *result = result_retain(entry->result);
        shard_use(shard, stripe, entry, now);
        space_count_hit(identity->space, stripe, entry->load_ns);
    }
    stripe_leave(stripe);
    if (judgement.ended)
        drop_ended(store, shard, identity, now, check, context);
    return judgement.found;
}

/* Could an entry of that size ever be kept? */
static bool can_fit(struct store *store, const struct query_identity *identity, size_t bytes)
{
    if (bytes > INT64_MAX / 4)
        return false;
    struct demand demand = {.space = identity->space, .bytes = (int64_t)bytes};
    pthread_mutex_lock(&store->room);
    bool fits = judge(store, &demand) != ROOM_NEVER;
    pthread_mutex_unlock(&store->room);
    return fits;
}

/* Drop the older one and what the sweep finds. A zeroed table where the shard should have one of
** another size; NULL also when memory is short: the shard then goes on with what it has. */
static struct entry **prepare(struct store *store, struct shard *shard,
                              const struct query_identity *identity, int64_t now,
                              size_t *table_count)
{
    struct removal removal = {0};
    shard_lock(shard);
    struct entry *older = shard_find(shard, identity);
    if (older != NULL)
        shard_unlink(shard, older, CAUSE_REPLACED, &removal);
    shard_sweep(shard, now, &removal);
    *table_count = shard_wanted_buckets(shard);
    bool as_it_is = *table_count == shard->bucket_count;
    unlock(store, shard, &removal);
    return as_it_is ? NULL : memory_alloc_zero(*table_count * sizeof(struct entry *));
}

/* Link the entry, for which there is room, and use the table, if there is one and still need. */
static void link_entry(struct store *store, struct shard *shard, struct entry *entry,
                       const struct query_identity *identity, struct entry **table,
                       size_t table_count)
{
    struct removal removal = {0};
    struct entry **unused = table;
    size_t unused_count = table_count;
    shard_lock(shard);
    struct entry *older = shard_find(shard, identity);
    if (older != NULL) /* another thread was here since prepare() */
        shard_unlink(shard, older, CAUSE_REPLACED, &removal);
    if (table != NULL && shard_wanted_buckets(shard) == table_count) {
        unused_count = shard->bucket_count;
        unused = shard_rehash(shard, table, table_count);
    }
    shard_link(shard, entry);
    unlock(store, shard, &removal);
    if (unused != NULL) {
        memory_free(unused);
        atomic_fetch_sub(&store->bytes, (int64_t)(unused_count * sizeof(struct entry *)));
    }
}

enum kept store_insert(struct store *store, const struct query_identity *identity,
                       const struct admission *admission)
{
    size_t bytes = entry_bytes(identity, admission);
    if (!can_fit(store, identity, bytes)) {
        store_count_rejection(store, identity->space);
        return KEPT_TOO_BIG;
    }
    struct shard *shard = shard_of(store, identity->key);
    size_t table_count;
    struct entry **table = prepare(store, shard, identity, admission->now, &table_count);
    struct entry *entry = entry_new(identity, admission);
    struct demand demand = {
        .space = identity->space,
        .now = admission->now,
        .bytes = (int64_t)bytes,
        .table_bytes = table != NULL ? (int64_t)(table_count * sizeof(struct entry *)) : 0,
    };
    bool room = entry != NULL && make_room(store, &demand);
    if (table != NULL && (!room || demand.table_bytes == 0)) {
        memory_free(table);
        table = NULL;
    }
    if (entry == NULL)
        return KEPT_NO_MEMORY;
    if (!room) { /* a limit was lowered meanwhile */
        entry_free(entry);
        store_count_rejection(store, identity->space);
        return KEPT_TOO_BIG;
    }
    atomic_init(&entry->used, demand.recency);
    link_entry(store, shard, entry, identity, table, table_count);
    return KEPT;
}

/* ---- looking in, taking out ---- */

struct visit {
    int (*visit)(const struct entry_view *, void *);
    void *context;
};

static int show(struct shard *shard, struct entry *entry, void *context)
{
    (void)shard;
    const struct visit *visit = context;
    struct entry_view view = entry_view(entry);
    return visit->visit(&view, visit->context);
}

int store_each(struct store *store, int (*visit)(const struct entry_view *, void *), void *context)
{
    int stop = 0;
    struct visit each = {visit, context};
    for (unsigned i = 0; i < store->shard_count && stop == 0; i++) {
        shard_lock(&store->shards[i]);
        stop = shard_each(&store->shards[i], show, &each);
        shard_unlock(&store->shards[i]);
    }
    return stop;
}

struct choice {
    bool (*match)(const struct entry_view *, void *);
    void *context;
    enum cause cause;
    int64_t now;
    int64_t servable; /* of those removed */
    struct removal removal;
};

static int remove_chosen(struct shard *shard, struct entry *entry, void *context)
{
    struct choice *choice = context;
    struct entry_view view = entry_view(entry);
    if (choice->match != NULL && !choice->match(&view, choice->context))
        return 0;
    choice->servable += view.expires > choice->now && !entry_is_stale(entry);
    shard_unlink(shard, entry, choice->cause, &choice->removal);
    return 0;
}

int64_t store_remove(struct store *store, bool (*match)(const struct entry_view *, void *),
                     void *context, enum cause cause)
{
    struct choice choice = {.match = match, .context = context, .cause = cause};
    for (unsigned i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        shard_lock(shard);
        choice.now = ticks_now();
        choice.removal = (struct removal){0};
        shard_each(shard, remove_chosen, &choice);
        unlock(store, shard, &choice.removal);
    }
    return choice.servable;
}

/* ---- counters ---- */

void store_count_bypass(struct store *store, struct space *space)
{
    (void)store;
    space_count(space, COUNTER(bypasses), 1);
}

void store_count_miss(struct store *store, struct space *space)
{
    (void)store;
    space_count(space, COUNTER(misses), 1);
}

void store_count_coalesced(struct store *store, struct space *space, int64_t load_ns)
{
    (void)store;
    space_count(space, COUNTER(hits), 1);
    space_count(space, COUNTER(coalesced), 1);
    space_count(space, COUNTER(saved_ns), (uint64_t)load_ns);
}

void store_count_rejection(struct store *store, struct space *space)
{
    (void)store;
    space_count(space, COUNTER(rejections), 1);
}

void store_count_load(struct store *store, struct space *space, int64_t nanoseconds)
{
    (void)store;
    space_count(space, COUNTER(load_ns), (uint64_t)nanoseconds);
}

struct counters store_counters(const struct store *store)
{
    return spaces_sum(store->ad_hoc->spaces);
}

struct counters space_counters(const struct space *space)
{
    return space_sum(space);
}

struct usage store_usage(const struct store *store)
{
    return (struct usage){.entries = atomic_load(&store->entries),
                          .bytes = atomic_load(&store->bytes)};
}

struct usage space_usage(const struct space *space)
{
    return (struct usage){.entries = atomic_load(&space->entries),
                          .bytes = atomic_load(&space->bytes)};
}

void store_reset_counters(struct store *store)
{
    spaces_reset(&store->spaces);
}
