#include "store/store.h"

#include <assert.h>
#include <string.h>

#include "base/lock.h"
#include "base/memory.h"
#include "base/ticks.h"
#include "store/bounds.h"
#include "store/places.h"
#include "store/policy/policies.h"

/* ---- making and unmaking ---- */

static void destroy(struct store *store, unsigned shards)
{
    for (unsigned i = 0; i < shards; i++)
        shard_destroy(&store->shards[i]);
    scope_destroy(&store->scope);
    ghosts_destroy(&store->asked);
    lock_destroy(&store->spaces.lock);
    lock_destroy(&store->bounds_lock);
    memory_free(store);
}

/* All or none. */
static bool make_locks(struct store *store)
{
    if (!lock_init(&store->bounds_lock, LOCK_BOUNDS))
        return false;
    if (!lock_init(&store->spaces.lock, LOCK_SPACES)) {
        lock_destroy(&store->bounds_lock);
        return false;
    }
    if (!ghosts_init(&store->asked, &store->entries, &store->bytes)) {
        lock_destroy(&store->spaces.lock);
        lock_destroy(&store->bounds_lock);
        return false;
    }
    if (!scope_init(&store->scope, policy_at(0), &store->entries, &store->bytes)) {
        ghosts_destroy(&store->asked);
        lock_destroy(&store->spaces.lock);
        lock_destroy(&store->bounds_lock);
        return false;
    }
    return true;
}

struct store *store_new(unsigned shards, struct limits limits)
{
    assert(shards >= 1 && shards <= 1024 && (shards & (shards - 1)) == 0);
    struct store *store = memory_alloc_zero(sizeof *store + shards * sizeof *store->shards);
    if (store == NULL)
        return NULL;
    store->shards = (struct shard *)(void *)(store + 1);
    if (!make_locks(store)) {
        memory_free(store);
        return NULL;
    }
    store->spaces.policy = policy_at(0);
    store->spaces.bytes = &store->bytes;
    readers_init(&store->readers);
    while (store->shard_count < shards &&
           shard_init(&store->shards[store->shard_count], store->shard_count, &store->readers,
                      &store->scope))
        store->shard_count++;
    if (store->shard_count == shards)
        store->ad_hoc = space_get(&store->spaces, store, shards, NULL, NULL, 0);
    if (store->ad_hoc == NULL) {
        destroy(store, store->shard_count);
        return NULL;
    }
    store_set_limits(store, limits);
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
        space_free(space);
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
    assert(lock_none_is_held() && atomic_load(&space->references) > 0);
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
    assert(store->shard_count > 0);
    return &store->shards[key.high & (store->shard_count - 1)];
}

/* ---- one entry ---- */

/* What an entry is good for: the first three are for this reader and this time alone. */
enum judgement { SERVE, ASK_AGAIN, LEAVE, EXPIRED, FALLEN };

static enum judgement judge_entry(const struct entry *entry, int64_t now, const struct views *views)
{
    if (entry_expires(entry) <= now)
        return EXPIRED;
    if (views == NULL || entry->evidence == NULL)
        return SERVE;
    switch (evidence_judge(entry->evidence, views)) {
    case EVIDENCE_STANDS:
        return SERVE;
    case EVIDENCE_FALLEN:
        return FALLEN;
    case EVIDENCE_UNSURE:
        return ASK_AGAIN;
    case EVIDENCE_BESIDE:
        break;
    }
    return LEAVE;
}

/* Drop the entry that was found to have ended, unless another thread has done so meanwhile. */
static void drop_ended(struct store *store, struct shard *shard,
                       const struct query_identity *identity, int64_t now,
                       const struct views *views)
{
    struct removal removal = {0};
    shard_lock(shard);
    struct entry *entry = shard_find(shard, identity);
    enum judgement judgement = entry != NULL ? judge_entry(entry, now, views) : LEAVE;
    if (judgement >= EXPIRED)
        shard_unlink(shard, entry, judgement == EXPIRED ? CAUSE_EXPIRED : CAUSE_TABLE_CHANGE,
                     &removal);
    bounds_settle(store, shard, &removal);
}

enum found store_find(struct store *store, const struct query_identity *identity, int64_t now,
                      const struct views *views, struct result **result)
{
    struct shard *shard = shard_of(store, identity->key);
    *result = NULL;
    struct reader *reader = shard_enter(shard);
    struct entry *entry = shard_find(shard, identity);
    enum judgement judgement = entry != NULL ? judge_entry(entry, now, views) : LEAVE;
    if (judgement == SERVE) {
        *result = result_retain(entry->result);
        shard_use(shard, reader, entry, now);
        space_count_hit(identity->space, reader, entry->load_ns);
    }
    reader_leave(reader);
    if (judgement == SERVE)
        return FOUND_HIT;
    if (judgement >= EXPIRED)
        drop_ended(store, shard, identity, now, views);
    return judgement == ASK_AGAIN ? FOUND_UNSURE : FOUND_MISS;
}

/* Could an entry of that size ever be kept? */
static bool can_fit(struct store *store, const struct query_identity *identity, size_t bytes)
{
    struct demand demand = {.space = identity->space, .entries = 1, .bytes = (int64_t)bytes};
    return bytes <= INT64_MAX / 4 && bounds_is_possible(store, &demand);
}

/* Drop the older one and what the sweep finds. A zeroed table where the shard should have one of
** another size; NULL also when memory is short: the shard then goes on with what it has. */
static struct entry **prepare(struct store *store, struct shard *shard,
                              const struct query_identity *identity, int64_t now,
                              size_t *table_count)
{
    assert(lock_none_is_held());
    struct removal removal = {0};
    shard_lock(shard);
    struct entry *older = shard_find(shard, identity);
    if (older != NULL)
        shard_unlink(shard, older, CAUSE_REPLACED, &removal);
    shard_sweep(shard, now, &removal);
    *table_count = shard_wanted_buckets(shard);
    bool as_it_is = *table_count == shard->bucket_count;
    bounds_settle(store, shard, &removal);
    return as_it_is ? NULL : memory_alloc_zero(*table_count * sizeof(struct entry *));
}

/* Link the entry, for which there is room, and use the table, if there is one and still need. */
static void link_entry(struct store *store, struct shard *shard, struct entry *entry,
                       const struct query_identity *identity, struct entry **table,
                       size_t table_count)
{
    assert(lock_none_is_held());
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
    bounds_settle(store, shard, &removal);
    if (unused != NULL) {
        memory_free(unused);
        atomic_fetch_sub(&store->bytes, (int64_t)(unused_count * sizeof(struct entry *)));
    }
}

enum kept store_insert(struct store *store, const struct query_identity *identity,
                       const struct admission *admission)
{
    assert(lock_none_is_held() && admission->result != NULL);
    size_t bytes = space_entry_bytes(identity, admission);
    if (!can_fit(store, identity, bytes)) {
        store_count_rejection(store, identity->space);
        return KEPT_TOO_BIG;
    }
    bounds_for_ghosts(store, identity->space);
    if (!bounds_admits(store, &identity->key)) {
        store_count_rejection(store, identity->space);
        return KEPT_NOT_ADMITTED;
    }
    struct shard *shard = shard_of(store, identity->key);
    size_t table_count;
    struct entry **table = prepare(store, shard, identity, admission->now, &table_count);
    struct entry *entry = space_new_entry(identity, admission);
    struct demand demand = {
        .space = identity->space,
        .now = admission->now,
        .entries = 1,
        .bytes = (int64_t)bytes,
        .table_bytes = table != NULL ? (int64_t)(table_count * sizeof(struct entry *)) : 0,
    };
    bool room = entry != NULL && bounds_make(store, &demand);
    if (table != NULL && (!room || demand.table_bytes == 0)) {
        memory_free(table);
        table = NULL;
    }
    if (entry == NULL)
        return KEPT_NO_MEMORY;
    if (!room) { /* a limit was lowered meanwhile */
        space_free_entry(entry);
        store_count_rejection(store, identity->space);
        return KEPT_TOO_BIG;
    }
    atomic_init(&entry->used, demand.recency);
    link_entry(store, shard, entry, identity, table, table_count);
    return KEPT;
}

/* ---- what is attached to a kept result ---- */

/* Of the entry with that result; 0 when it is no longer there. */
static size_t bytes_of(struct shard *shard, const struct query_identity *identity,
                       const struct result *result)
{
    shard_lock(shard);
    const struct entry *entry = shard_find(shard, identity);
    size_t bytes = entry != NULL && entry->result == result ? entry->bytes : 0;
    shard_unlock(shard);
    return bytes;
}

static bool attach(struct store *store, const struct query_identity *identity, int64_t now,
                   struct result *result, struct attachment *attachment, size_t bytes)
{
    struct shard *shard = shard_of(store, identity->key);
    struct demand demand = {.space = identity->space, .now = now, .bytes = (int64_t)bytes};
    if (!bounds_make(store, &demand))
        return false;
    shard_lock(shard);
    struct entry *entry = shard_find(shard, identity);
    bool there = entry != NULL && entry->result == result;
    if (there) {
        shard_grow(shard, entry, bytes);
        result_attach(result, attachment);
    }
    shard_unlock(shard);
    if (!there)
        bounds_give_back(store, &demand);
    return there;
}

bool store_extend(struct store *store, const struct query_identity *identity, int64_t now,
                  struct result *result, const struct extension *extension)
{
    assert(lock_none_is_held());
    size_t before = bytes_of(shard_of(store, identity->key), identity, result);
    if (before == 0 || extension->bytes > INT64_MAX / 4 ||
        !can_fit(store, identity, before + extension->bytes) || !result_claim(result))
        return false;
    struct attachment *made = extension->make(extension->context);
    bool attached = made != NULL && attach(store, identity, now, result, made, extension->bytes);
    if (made != NULL && !attached)
        memory_free(made);
    result_give_back(result);
    return attached;
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
    assert(lock_none_is_held() && visit != NULL);
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
    assert(lock_none_is_held());
    struct choice choice = {.match = match, .context = context, .cause = cause};
    places_invalidate();
    for (unsigned i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        shard_lock(shard);
        choice.now = ticks_now();
        choice.removal = (struct removal){0};
        shard_each(shard, remove_chosen, &choice);
        bounds_settle(store, shard, &choice.removal);
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
    store_count_found(store, space, load_ns);
    space_count(space, COUNTER(coalesced), 1);
}

void store_count_found(struct store *store, struct space *space, int64_t load_ns)
{
    assert(load_ns >= 0);
    (void)store;
    space_count(space, COUNTER(hits), 1);
    space_count(space, COUNTER(saved_ns), (uint64_t)load_ns);
}

void store_count_rejection(struct store *store, struct space *space)
{
    (void)store;
    space_count(space, COUNTER(rejections), 1);
}

void store_count_load(struct store *store, struct space *space, int64_t nanoseconds)
{
    assert(nanoseconds >= 0);
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
