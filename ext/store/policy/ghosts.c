#include "store/policy/ghosts.h"

#include <assert.h>

#include "base/memory.h"

/* Slots that one hash may be in: what the processor fetches at once. */
#define SET ((size_t)8)

/* A table for fewer is not worth having. */
#define LEAST ((size_t)16)

/* A slot is a hash and a time; no slot in use is 0, as no hash is. */
static uint64_t pack(uint32_t hash, uint32_t time)
{
    return (uint64_t)hash << 32 | time;
}

/* Of the half of the key that no shard and no bucket was chosen by. */
static uint32_t hash_of(const struct key *key)
{
    uint32_t hash = (uint32_t)(key->low >> 32);
    return hash != 0 ? hash : 1;
}

static uint64_t *set_of(uint64_t *slots, size_t count, uint32_t hash)
{
    assert(slots != NULL && count > 0);
    return &slots[(hash & (count / SET - 1)) * SET];
}

bool ghosts_init(struct ghosts *ghosts, const _Atomic int64_t *entries, _Atomic int64_t *bytes)
{
    ghosts->entries = entries;
    ghosts->bytes = bytes;
    return lock_init(&ghosts->lock, LOCK_GHOSTS);
}

void ghosts_destroy(struct ghosts *ghosts)
{
    memory_free(ghosts->slots);
    lock_destroy(&ghosts->lock);
}

/* The hash's own slot, or an empty one, or the oldest of its set. */
static uint64_t *slot_for(uint64_t *set, uint32_t hash, uint32_t now)
{
    uint64_t *oldest = set;
    for (uint64_t *slot = set; slot < set + SET; slot++) {
        if (*slot == 0 || (uint32_t)(*slot >> 32) == hash)
            return slot;
        if (now - (uint32_t)*slot > now - (uint32_t)*oldest)
            oldest = slot;
    }
    return oldest;
}

void ghosts_remember(struct ghosts *ghosts, const struct key *key)
{
    uint32_t hash = hash_of(key);
    if (atomic_load_explicit(&ghosts->count, memory_order_relaxed) == 0)
        return;
    lock_take(&ghosts->lock);
    if (ghosts->slots != NULL) {
        uint64_t *set = set_of(ghosts->slots, ghosts->count, hash);
        ghosts->now++;
        *slot_for(set, hash, ghosts->now) = pack(hash, ghosts->now);
    }
    lock_give(&ghosts->lock);
}

bool ghosts_recall(struct ghosts *ghosts, const struct key *key, int64_t age)
{
    assert(age >= 0);
    uint32_t hash = hash_of(key);
    bool found = false;
    if (atomic_load_explicit(&ghosts->count, memory_order_relaxed) == 0)
        return false;
    lock_take(&ghosts->lock);
    if (ghosts->slots != NULL) {
        uint64_t slot = *slot_for(set_of(ghosts->slots, ghosts->count, hash), hash, ghosts->now);
        found = (uint32_t)(slot >> 32) == hash && ghosts->now - (uint32_t)slot <= age;
    }
    lock_give(&ghosts->lock);
    return found;
}

/* With a third more slots than are remembered, few sets overflow before their time. */
size_t ghosts_wanted(const struct ghosts *ghosts, int64_t remembered, int64_t most)
{
    size_t count = LEAST;
    size_t now = atomic_load_explicit(&ghosts->count, memory_order_relaxed);
    while ((int64_t)(count / 4 * 3) < remembered && count < (size_t)1 << 31)
        count *= 2;
    while (count >= LEAST && (int64_t)(count * sizeof(uint64_t)) > most)
        count /= 2;
    if (count < LEAST || remembered < (int64_t)LEAST / 2)
        return 0;
    /* Far from the point where it grows again, so that it does not swing. */
    return count < now && count > now / 8 && (int64_t)(now * sizeof(uint64_t)) <= most ? now
                                                                                       : count;
}

static void move(uint64_t *from, size_t from_count, uint64_t *to, size_t to_count, uint32_t now)
{
    for (size_t i = 0; i < from_count; i++) {
        uint32_t hash = (uint32_t)(from[i] >> 32);
        if (hash == 0)
            continue;
        uint64_t *slot = slot_for(set_of(to, to_count, hash), hash, now);
        if (*slot == 0 || now - (uint32_t)*slot > now - (uint32_t)from[i])
            *slot = from[i];
    }
}

void ghosts_resize(struct ghosts *ghosts, uint64_t *slots, size_t count, bool unless_empty)
{
    assert((slots == NULL) == (count == 0));
    lock_take(&ghosts->lock);
    uint64_t *old = ghosts->slots;
    size_t old_count = ghosts->count;
    if (unless_empty && atomic_load(ghosts->entries) == 0) {
        old = slots;
        old_count = count;
    } else {
        if (slots != NULL && old != NULL)
            move(old, old_count, slots, count, ghosts->now);
        ghosts->slots = slots;
        ghosts->count = count;
    }
    lock_give(&ghosts->lock);
    memory_free(old);
    atomic_fetch_sub(ghosts->bytes, (int64_t)(old_count * sizeof(uint64_t)));
}

void ghosts_trim(struct ghosts *ghosts)
{
    if (atomic_load(&ghosts->count) == 0 || atomic_load(ghosts->entries) > 0)
        return;
    lock_take(&ghosts->lock);
    uint64_t *slots = NULL;
    size_t count = 0;
    if (atomic_load(ghosts->entries) == 0) {
        slots = ghosts->slots;
        count = ghosts->count;
        ghosts->slots = NULL;
        ghosts->count = 0;
    }
    lock_give(&ghosts->lock);
    memory_free(slots);
    atomic_fetch_sub(ghosts->bytes, (int64_t)(count * sizeof(uint64_t)));
}
