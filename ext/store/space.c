#include "store/space.h"

#include <assert.h>
#include <string.h>

#include "base/lock.h"
#include "base/memory.h"

static bool is_called(const struct space *space, const char *name, const void *identity,
                      size_t identity_size)
{
    assert(space != NULL);
    if (name == NULL || space->name == NULL)
        return name == space->name;
    return strcmp(space->name, name) == 0 && space->identity_size == identity_size &&
           (identity_size == 0 || memcmp(space->identity, identity, identity_size) == 0);
}

static struct space *space_new(struct spaces *spaces, struct store *store, unsigned shards,
                               const char *name, const void *identity, size_t identity_size)
{
    size_t name_size = name != NULL ? strlen(name) + 1 : 0;
    struct space *space = NULL;
    assert(lock_is_held(&spaces->lock));
    size_t fixed = sizeof *space + shards * sizeof space->segments[0];
    if (identity_size > SIZE_MAX / 4 || name_size > SIZE_MAX / 4)
        return NULL;
    space = memory_alloc_zero(fixed + name_size + identity_size + 1);
    if (space == NULL)
        return NULL;
    if (!scope_init(&space->scope, spaces->policy, &space->entries, spaces->bytes)) {
        memory_free(space);
        return NULL;
    }
    char *texts = (char *)space + fixed;
    space->store = store;
    if (name != NULL)
        space->name = memcpy(texts, name, name_size);
    if (identity_size > 0) /* a zero byte follows: entries hand it out as their SQL */
        space->identity = memcpy(texts + name_size, identity, identity_size);
    space->identity_size = identity_size;
    space->limits = (struct limits){INT64_MAX, INT64_MAX};
    for (unsigned i = 0; i < shards; i++)
        order_init(&space->segments[i].order, &space->scope, offsetof(struct entry, in_segment));
    return space;
}

void space_free(struct space *space)
{
    scope_destroy(&space->scope);
    memory_free(space);
}

/* ---- counters ---- */

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* The holder of the reader alone writes here, so no other addition can get lost. */
static void add(_Atomic uint64_t *counter, uint64_t amount)
{
    atomic_store_explicit(counter, load(counter) + amount, memory_order_relaxed);
}

void space_count_hit(struct space *space, const struct reader *reader, int64_t saved_ns)
{
    assert(reader->number < READERS && saved_ns >= 0);
    struct tally *tally = &space->tallies[reader->number];
    add(&tally->hits, 1);
    add(&tally->saved_ns, (uint64_t)saved_ns);
}

/* All that was ever counted, whatever was reset. */
static void sum_up(const struct space *space, uint64_t *sums)
{
    for (size_t i = 0; i < COUNTERS; i++)
        sums[i] = load(&space->counted[i]);
    for (int i = 0; i < READERS; i++) {
        sums[COUNTER(hits)] += load(&space->tallies[i].hits);
        sums[COUNTER(saved_ns)] += load(&space->tallies[i].saved_ns);
    }
}

/* Add what was counted since the last reset. */
static void add_counted(uint64_t *sums, const struct space *space)
{
    uint64_t ever[COUNTERS];
    assert(lock_is_held(&space->spaces->lock));
    sum_up(space, ever);
    for (size_t i = 0; i < COUNTERS; i++)
        sums[i] += ever[i] - space->reset[i];
}

static struct counters counters_of(const uint64_t *sums)
{
    struct counters counters;
    memcpy(&counters, sums, sizeof counters);
    return counters;
}

/* ---- finding, holding ---- */

struct space *space_get(struct spaces *spaces, struct store *store, unsigned shards,
                        const char *name, const void *identity, size_t identity_size)
{
    if (name == NULL)
        identity_size = 0;
    lock_take(&spaces->lock);
    struct space *space = spaces->first;
    while (space != NULL && !is_called(space, name, identity, identity_size))
        space = space->next;
    if (space == NULL)
        space = space_new(spaces, store, shards, name, identity, identity_size);
    if (space != NULL && space->spaces == NULL) {
        space->spaces = spaces;
        space->next = spaces->first;
        spaces->first = space;
    }
    if (space != NULL)
        atomic_fetch_add(&space->holds, 1);
    lock_give(&spaces->lock);
    return space;
}

struct space *space_hold(struct space *space)
{
    assert(atomic_load(&space->holds) > 0);
    atomic_fetch_add(&space->holds, 1);
    return space;
}

void space_drop(struct space *space)
{
    assert(atomic_load(&space->holds) > 0);
    /* The last hold is given back under the lock, where space_get() cannot find the space. */
    int64_t holds = atomic_load(&space->holds);
    while (holds > 1)
        if (atomic_compare_exchange_weak(&space->holds, &holds, holds - 1))
            return;
    struct spaces *spaces = space->spaces;
    lock_take(&spaces->lock);
    bool last = atomic_fetch_sub(&space->holds, 1) == 1;
    if (last) {
        struct space **link = &spaces->first;
        while (*link != space)
            link = &(*link)->next;
        *link = space->next;
    }
    if (last)
        add_counted(spaces->gone, space);
    lock_give(&spaces->lock);
    if (last)
        space_free(space);
}

/* The SQL text where the space has it already, and keeps it for longer: named caches go by it. */
static const char *kept_sql(const struct query_identity *identity)
{
    const struct space *space = identity->space;
    bool same = identity->sql_size > 0 && identity->sql_size == space->identity_size &&
                memcmp(identity->sql, space->identity, identity->sql_size) == 0;
    return same ? space->identity : NULL;
}

size_t space_entry_bytes(const struct query_identity *identity, const struct admission *admission)
{
    return entry_bytes(identity, admission, kept_sql(identity));
}

struct entry *space_new_entry(const struct query_identity *identity,
                              const struct admission *admission)
{
    struct entry *entry = entry_new(identity, admission, kept_sql(identity));
    if (entry != NULL)
        space_hold(entry->space);
    return entry;
}

void space_free_entry(struct entry *entry)
{
    struct space *space = entry->space;
    entry_free(entry);
    space_drop(space);
}

struct counters space_sum(const struct space *space)
{
    uint64_t sums[COUNTERS] = {0};
    struct spaces *spaces = space->spaces;
    lock_take(&spaces->lock);
    add_counted(sums, space);
    lock_give(&spaces->lock);
    return counters_of(sums);
}

struct counters spaces_sum(struct spaces *spaces)
{
    uint64_t sums[COUNTERS];
    lock_take(&spaces->lock);
    memcpy(sums, spaces->gone, sizeof sums);
    for (const struct space *space = spaces->first; space != NULL; space = space->next)
        add_counted(sums, space);
    lock_give(&spaces->lock);
    return counters_of(sums);
}

void spaces_reset(struct spaces *spaces)
{
    lock_take(&spaces->lock);
    memset(spaces->gone, 0, sizeof spaces->gone);
    for (struct space *space = spaces->first; space != NULL; space = space->next)
        sum_up(space, space->reset);
    lock_give(&spaces->lock);
}
