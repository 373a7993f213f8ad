/*
** Eviction policies: which entry goes when room is wanted. Each is a file that knows its rule and
** nothing else; this header is all that it needs, and policies.h has the list of them.
**
** A scope is what one bound applies to: the whole store, or one space. Its entries are in one order
** for each shard, and a node there. So an entry is in two orders: its shard's, for the store,
** and its segment's, for its space; the two may follow different policies. An order has one or two
** queues. In each, a node has a rank: of a scope's queue, the node with the least rank goes
** first, whatever its shard. Orders publish a lower bound of their ranks for that, to be read
** without locks.
**
** A hit calls no policy. It writes to the entry when it was used and how often, and a policy reads
** that when it looks for who goes. So a rank is what was known when it was given: it may be less
** than what is due by now, and never more. An order is guarded by its shard's lock, and is changed
** and asked only while the shard is closed to hits. Nothing here allocates, but for the ghosts.
*/
#ifndef QUERYCACHE_STORE_POLICY_POLICY_H
#define QUERYCACHE_STORE_POLICY_POLICY_H

#include <stdatomic.h>

#include "store/entry.h"
#include "store/policy/ghosts.h"

/* That an order has at most. A policy that needs but one uses the first. */
#define QUEUES 2

/* What the orders of a scope share. */
struct scope {
    const struct policy *_Atomic policy;
    _Atomic int64_t ticket; /* see scope_ticket() */
    _Atomic int64_t floor;  /* a rank that only rises: what the policy makes of it */
    struct ghosts ghosts;   /* for policies that remember who went */
};

struct order {
    const struct policy *policy;
    struct scope *scope;
    ptrdiff_t to_node;             /* from an entry to its node */
    struct node rings[3];          /* heads, as the policy uses them */
    int64_t since;                 /* a rank, as the policy uses it */
    int64_t newest;                /* uses from now on must be later than this */
    _Atomic int64_t bound[QUEUES]; /* no rank in that queue is less; TICKS_NEVER: it is empty */
    _Atomic int64_t bytes[QUEUES]; /* of the entries that are there */
};

struct policy {
    const char *name;
    unsigned queues; /* that it has */
    bool remembers;  /* uses the scope's ghosts */

    /* The queue that must give next, by the bytes in each. NULL: there is but one. */
    unsigned (*choose)(const int64_t bytes[QUEUES]);

    /* An entry that was linked just now, used later than all others of its shard. */
    void (*add)(struct order *order, struct entry *entry);

    /* An entry that was kept under another policy. They come in the order in which they would have
    ** gone there. */
    void (*adopt)(struct order *order, struct entry *entry);

    /* It leaves for that cause, which need not be this order's doing. */
    void (*remove)(struct order *order, struct entry *entry, enum cause cause);

    /* Who goes first of the queue, with its true rank; NULL: none is there. Asking again without a
    ** change in between gives the same. The queue was chosen without the lock, and may be one that
    ** another policy had: then it may be taken for an empty one. */
    struct entry *(*first)(struct order *order, unsigned queue);

    /* It was found to go first in the whole scope. False: it has earned another turn, and has
    ** another place or rank now. NULL: none ever does. */
    bool (*dismiss)(struct order *order, struct entry *entry);

    /* No rank in that queue is less. */
    int64_t (*bound)(const struct order *order, unsigned queue);
};

/* ---- scopes and orders ---- */

/* False when a lock cannot be made. `entries` and `bytes` as for ghosts_init(). */
bool scope_init(struct scope *scope, const struct policy *policy, const _Atomic int64_t *entries,
                _Atomic int64_t *bytes);

void scope_destroy(struct scope *scope);

/* One more than any before: the rank of who comes last. */
int64_t scope_ticket(struct scope *scope);

/* Follows the scope's policy. */
void order_init(struct order *order, struct scope *scope, ptrdiff_t to_node);

/* All that follow want the shard locked and closed, and publish what changes. */

void order_add(struct order *order, struct entry *entry);
void order_remove(struct order *order, struct entry *entry, enum cause cause);
struct entry *order_first(struct order *order, unsigned queue);
bool order_dismiss(struct order *order, struct entry *entry);

/* So many bytes more are the entry's, from now on. */
void order_grow(struct order *order, struct entry *entry, size_t bytes);

/* Follow another policy, with the same entries. */
void order_follow(struct order *order, const struct policy *policy);

/* ---- for policies ---- */

static inline struct node *node_of(const struct order *order, struct entry *entry)
{
    return (struct node *)(void *)((char *)entry + order->to_node);
}

static inline struct entry *entry_at(const struct order *order, struct node *node)
{
    return (struct entry *)(void *)((char *)node - order->to_node);
}

static inline void ring_init(struct node *ring)
{
    ring->next = ring->previous = ring;
}

static inline bool ring_is_empty(const struct node *ring)
{
    return ring->next == ring;
}

static inline void ring_append(struct node *ring, struct node *node)
{
    node->next = ring;
    node->previous = ring->previous;
    node->previous->next = node;
    ring->previous = node;
}

static inline void ring_remove(struct node *node)
{
    node->next->previous = node->previous;
    node->previous->next = node->next;
}

/* Into a queue, out of it: sets node->queue, and accounts for the entry's bytes. */
void order_count_in(struct order *order, struct entry *entry, unsigned queue);
void order_count_out(struct order *order, struct entry *entry);

#endif
