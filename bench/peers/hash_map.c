/*
** The most that an application can do by hand: a hash map in its own memory, from the query and its
** parameter to finished rows, which are read where they are. One thread, no lock, nothing ever ends
** an entry.
*/
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "../support/measure.h"
#include "peer.h"

struct key {
    const char *query; /* compared as a pointer: there is one text for each query */
    sqlite3_int64 parameter;
};

struct finished {
    struct key key;
    int columns;
    int count; /* of values */
    struct value values[];
};

static struct map {
    const struct query *query;
    struct finished **slots; /* open addressing; NULL is free */
    size_t mask;
    size_t taken; /* bytes */
} map_self;

/* The entry of that key, or the free slot where it would be. */
static struct finished **find(const struct map *map, const struct key *key)
{
    size_t slot = XXH3_64bits(key, sizeof *key) & map->mask;
    while (map->slots[slot] != NULL && (map->slots[slot]->key.parameter != key->parameter ||
                                        map->slots[slot]->key.query != key->query))
        slot = (slot + 1) & map->mask;
    return &map->slots[slot];
}

static const char *map_open(void *self, const struct query *query)
{
    struct map *map = self;
    size_t capacity = 16;
    while (capacity < 2 * (size_t)query->parameters)
        capacity *= 2;
    *map = (struct map){.query = query, .mask = capacity - 1};
    map->slots = calloc(capacity, sizeof(struct finished *));
    if (map->slots == NULL)
        bench_fail("a hash map", "out of memory");
    return NULL;
}

/* One block: the values, and after them the bytes in which their texts lie. */
static struct finished *finish(const struct buffer *rows, size_t *taken)
{
    struct value value;
    int count = 0;
    for (const char *at = rows->bytes + 1; at < rows->bytes + rows->size; count++)
        at = rows_next_value(at, &value);
    size_t size = sizeof(struct finished) + (size_t)count * sizeof value;
    struct finished *finished = malloc(size + rows->size);
    if (finished == NULL)
        bench_fail("finished rows", "out of memory");
    finished->columns = (unsigned char)rows->bytes[0];
    finished->count = count;
    char *bytes = (char *)finished + size;
    memcpy(bytes, rows->bytes, rows->size);
    const char *at = bytes + 1;
    for (int i = 0; i < count; i++)
        at = rows_next_value(at, &finished->values[i]);
    *taken += size + rows->size;
    return finished;
}

static void map_keep(void *self)
{
    struct map *map = self;
    map->taken += (map->mask + 1) * sizeof *map->slots;
    for (int i = 1; i <= map->query->parameters; i++) {
        struct key key = {.query = map->query->name, .parameter = i};
        struct buffer rows = peer_compute(map->query, i);
        struct finished *finished = finish(&rows, &map->taken);
        finished->key = key;
        *find(map, &key) = finished;
        buffer_clear(&rows);
    }
}

static void map_read(void *self, struct reading *reading, sqlite3_int64 parameter)
{
    const struct map *map = self;
    struct key key = {.query = map->query->name, .parameter = parameter};
    const struct finished *finished = *find(map, &key);
    if (finished == NULL)
        bench_fail("the hash map", "does not find what it keeps");
    rows_begin(reading, finished->columns);
    for (int i = 0; i < finished->count; i++)
        rows_value(reading, &finished->values[i]);
}

static double map_memory(void *self)
{
    return (double)((struct map *)self)->taken;
}

static void map_close(void *self)
{
    struct map *map = self;
    for (size_t i = 0; i <= map->mask; i++)
        free(map->slots[i]);
    free(map->slots);
}

const struct peer hash_map_peer = {
    .name = "hash map in C",
    .self = &map_self,
    .open = map_open,
    .keep = map_keep,
    .read = map_read,
    .memory = map_memory,
    .close = map_close,
};
