#include "base/hash.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

/* The upper half of a product is the one that depends on all of the factor. */
static size_t place(size_t size, uint64_t value)
{
    assert(size > 0 && (size & (size - 1)) == 0);
    return (size_t)(value >> 32) & (size - 1);
}

static struct hash_node **chain_of(struct hash *hash, uint64_t value)
{
    if (hash->chains == NULL)
        return &hash->few[place(HASH_FEW, value)];
    return &hash->chains[place(hash->size, value)];
}

static void put(struct hash *hash, struct hash_node *node)
{
    struct hash_node **chain = chain_of(hash, node->hash);
    node->next = *chain;
    *chain = node;
}

static void grow(struct hash *hash)
{
    struct hash before = *hash;
    size_t size = before.chains != NULL ? before.size : HASH_FEW;
    struct hash_node **old = before.chains != NULL ? before.chains : before.few;
    struct hash_node **chains = memory_alloc_zero(2 * size * sizeof(struct hash_node *));
    if (chains == NULL)
        return;
    *hash = (struct hash){.chains = chains, .size = 2 * size, .count = before.count};
    for (size_t i = 0; i < size; i++) {
        while (old[i] != NULL) {
            struct hash_node *node = old[i];
            old[i] = node->next;
            put(hash, node);
        }
    }
    memory_free(before.chains);
}

void hash_add(struct hash *hash, struct hash_node *node, uint64_t value)
{
    assert(node != NULL);
    if (hash->count >= (hash->chains != NULL ? hash->size : HASH_FEW))
        grow(hash);
    node->hash = value;
    put(hash, node);
    hash->count++;
}

void hash_remove(struct hash *hash, struct hash_node *node)
{
    assert(hash->count > 0);
    struct hash_node **link = chain_of(hash, node->hash);
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    if (--hash->count > 0)
        return;
    memory_free(hash->chains);
    *hash = (struct hash){0};
}

struct hash_node *hash_first(const struct hash *hash, uint64_t value)
{
    struct hash_node *node = hash->chains != NULL ? hash->chains[place(hash->size, value)]
                                                  : hash->few[place(HASH_FEW, value)];
    while (node != NULL && node->hash != value)
        node = node->next;
    return node;
}

struct hash_node *hash_next(const struct hash_node *node)
{
    uint64_t value = node->hash;
    struct hash_node *next = node->next;
    while (next != NULL && next->hash != value)
        next = next->next;
    return next;
}
