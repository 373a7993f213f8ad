#include "store/space.h"

#include <string.h>

#include "base/memory.h"

static bool is_called(const struct space *space, const char *name, const void *identity,
                      size_t identity_size)
{
    if (name == NULL || space->name == NULL)
        return name == space->name;
    return strcmp(space->name, name) == 0 && space->identity_size == identity_size &&
           (identity_size == 0 || memcmp(space->identity, identity, identity_size) == 0);
}

static struct space *space_new(struct store *store, unsigned shards, const char *name,
                               const void *identity, size_t identity_size)
{
    size_t name_size = name != NULL ? strlen(name) + 1 : 0;
    struct space *space = NULL;
    size_t fixed = sizeof *space + shards * sizeof space->segments[0];
    if (identity_size > SIZE_MAX / 4 || name_size > SIZE_MAX / 4)
        return NULL;
    space = memory_alloc_zero(fixed + name_size + identity_size);
    if (space == NULL)
        return NULL;
    char *texts = (char *)space + fixed;
    space->store = store;
    if (name != NULL)
        space->name = memcpy(texts, name, name_size);
    if (identity_size > 0)
        space->identity = memcpy(texts + name_size, identity, identity_size);
    space->identity_size = identity_size;
    space->limits = (struct limits){INT64_MAX, INT64_MAX};
    for (unsigned i = 0; i < shards; i++)
        segment_init(&space->segments[i]);
    return space;
}

struct space *space_get(struct spaces *spaces, struct store *store, unsigned shards,
                        const char *name, const void *identity, size_t identity_size)
{
    if (name == NULL)
        identity_size = 0;
    pthread_mutex_lock(&spaces->lock);
    struct space *space = spaces->first;
    while (space != NULL && !is_called(space, name, identity, identity_size))
        space = space->next;
    if (space == NULL)
        space = space_new(store, shards, name, identity, identity_size);
    if (space != NULL && space->spaces == NULL) {
        space->spaces = spaces;
        space->next = spaces->first;
        spaces->first = space;
    }
    if (space != NULL)
        atomic_fetch_add(&space->holds, 1);
    pthread_mutex_unlock(&spaces->lock);
    return space;
}

struct space *space_hold(struct space *space)
{
    atomic_fetch_add(&space->holds, 1);
    return space;
}

void space_drop(struct space *space)
{
    /* The last hold is given back under the lock, where space_get() cannot find the space. */
    int64_t holds = atomic_load(&space->holds);
    while (holds > 1)
        if (atomic_compare_exchange_weak(&space->holds, &holds, holds - 1))
            return;
    struct spaces *spaces = space->spaces;
    pthread_mutex_lock(&spaces->lock);
    bool last = atomic_fetch_sub(&space->holds, 1) == 1;
    if (last) {
        struct space **link = &spaces->first;
        while (*link != space)
            link = &(*link)->next;
        *link = space->next;
    }
    pthread_mutex_unlock(&spaces->lock);
    if (last)
        memory_free(space);
}
