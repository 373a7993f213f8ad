/*
** A hash of nodes that lie in the structs they are for, so that adding one never fails: where
** memory is short the chains get longer. A hash of zero bytes is an empty one, and has no memory of
** its own while it has few nodes. It does not know what it holds: callers find a node by its hash,
** and compare.
**
** Not thread-safe. In the child of a fork() it is forgotten by setting it to zero bytes.
*/
#ifndef QUERYCACHE_BASE_HASH_H
#define QUERYCACHE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_node {
    struct hash_node *next; /* of its chain */
    uint64_t hash;
};

#define HASH_FEW 8 /* a power of two */

struct hash {
    struct hash_node **chains; /* NULL: `few` */
    size_t size;               /* of `chains`, a power of two */
    size_t count;              /* of nodes */
    struct hash_node *few[HASH_FEW];
};

void hash_add(struct hash *hash, struct hash_node *node, uint64_t value);
void hash_remove(struct hash *hash, struct hash_node *node);

/* The nodes with a hash, in no order: the first, and after one the next; NULL: there are no
** more. */
struct hash_node *hash_first(const struct hash *hash, uint64_t value);
struct hash_node *hash_next(const struct hash_node *node);

/* Spreads a number or an address. Two of them never get one hash. */
static inline uint64_t hash_of(uint64_t number)
{
    return number * UINT64_C(0x9e3779b97f4a7c15); /* odd: it can be undone */
}

static inline uint64_t hash_of_address(const void *address)
{
    return hash_of((uint64_t)(uintptr_t)address);
}

#endif
