#include "metrics/refused_shapes.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "base/ticks.h"
#include "metrics/shapes.h"

#define SLOTS 64

struct slot {
    struct shape_key key;
    char *reason; /* NULL: free */
    int64_t noted;
};

struct refused_shapes {
    struct slot slots[SLOTS];
};

void refused_shapes_note(struct refused_shapes **table, const struct shape_key *key,
                         const char *reason)
{
    if (*table == NULL)
        *table = memory_alloc_zero(sizeof **table);
    char *copy = *table != NULL ? memory_copy_text(reason, strlen(reason)) : NULL;
    if (copy == NULL)
        return;
    struct slot *slot = &(*table)->slots[key->shape % SLOTS];
    memory_free(slot->reason);
    *slot = (struct slot){.key = *key, .reason = copy, .noted = ticks_now()};
}

const char *refused_shapes_find(const struct refused_shapes *table, const struct shape_key *key)
{
    if (table == NULL)
        return NULL;
    const struct slot *slot = &table->slots[key->shape % SLOTS];
    if (slot->reason == NULL || memcmp(&slot->key, key, sizeof *key) != 0 ||
        ticks_now() - slot->noted > SHAPE_SECONDS * TICKS_PER_SECOND)
        return NULL;
    return slot->reason;
}

void refused_shapes_free(struct refused_shapes *table)
{
    for (int i = 0; table != NULL && i < SLOTS; i++)
        memory_free(table->slots[i].reason);
    memory_free(table);
}
