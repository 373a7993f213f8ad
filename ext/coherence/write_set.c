#include "coherence/write_set.h"

#include <assert.h>

#include "base/memory.h"

void write_set_add(struct write_set *set, struct table *table)
{
    assert(set->count <= set->capacity);
    for (unsigned i = 0; i < set->count; i++) {
        if (set->tables[i] == table)
            return;
    }
    if (table != NULL && set->count == set->capacity) {
        unsigned capacity = set->capacity ? 2 * set->capacity : 8;
        struct table **tables = memory_resize(set->tables, capacity * sizeof *tables);
        if (tables != NULL) {
            set->tables = tables;
            set->capacity = capacity;
        }
    }
    if (table == NULL || set->count == set->capacity)
        set->everything = true;
    else
        set->tables[set->count++] = table;
}

void write_set_add_all(struct write_set *set, const struct write_set *other)
{
    set->everything = set->everything || other->everything;
    for (unsigned i = 0; i < other->count; i++)
        write_set_add(set, other->tables[i]);
}

bool write_set_is_empty(const struct write_set *set)
{
    return set->count == 0 && !set->everything;
}

void write_set_clear(struct write_set *set)
{
    set->count = 0;
    set->everything = false;
}

void write_set_free(struct write_set *set)
{
    memory_free(set->tables);
    *set = (struct write_set){0};
}
