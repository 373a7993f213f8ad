/*
** GDSF, greedy dual size frequency: who is worth least goes, where an entry's worth is the time
** that it takes to compute for each of its bytes, times how often it was asked for. Worth is
** counted from a floor, which is the worth of who went last: what was worth much once and is not
** asked for any more is overtaken in time.
**
** After L. Cherkasova: Improving WWW proxies performance with greedy-dual-size-frequency caching
** policy (HP Labs, 1998). There a hit counts from the floor at its moment; here, where a hit calls
** no policy, from the floor at the moment when the entry is found to be worth least.
**
** An order is a pairing heap by worth: `child` is a node's first child, `next` its next sibling,
** and `previous` its previous sibling, or its parent for a first child. The root is the child of
** the first ring's head.
*/
#include <string.h>

#include "base/ticks.h"

#include <assert.h>

#include "store/policy/policy.h"

/* A worth is a number of at least 0; such numbers, taken for integers, are in the same order. */
static int64_t rank_of(double worth)
{
    int64_t rank;
    memcpy(&rank, &worth, sizeof rank);
    return rank;
}

static double worth_of(int64_t rank)
{
    double worth;
    memcpy(&worth, &rank, sizeof worth);
    return worth;
}

static struct node **root(struct order *order)
{
    return &order->rings[0].child;
}

/* ---- the heap ---- */

/* Two roots, of which either may be NULL, become one. The first stays on top where both are the
** same: it has been there longer. */
static struct node *meld(struct node *a, struct node *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    struct node *top = b->rank < a->rank ? b : a;
    struct node *below = top == a ? b : a;
    below->next = top->child;
    below->previous = top;
    if (below->next != NULL)
        below->next->previous = below;
    top->child = below;
    return top;
}

/* Siblings become one heap: in pairs from the first to the last, then all from the last to the
** first. */
static struct node *meld_all(struct node *siblings)
{
    struct node *pairs = NULL; /* by `next`, the last first */
    while (siblings != NULL) {
        struct node *a = siblings;
        struct node *b = a->next;
        siblings = b != NULL ? b->next : NULL;
        struct node *pair = meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    struct node *top = NULL;
    while (pairs != NULL) {
        struct node *pair = pairs;
        pairs = pair->next;
        top = meld(pair, top);
    }
    return top;
}

static void push(struct order *order, struct node *node)
{
    node->child = NULL;
    *root(order) = meld(*root(order), node);
}

static void take_out(struct order *order, struct node *node)
{
    struct node *below = meld_all(node->child);
    if (node == *root(order)) {
        *root(order) = below;
        return;
    }
    if (node->previous->child == node)
        node->previous->child = node->next;
    else
        node->previous->next = node->next;
    if (node->next != NULL)
        node->next->previous = node->previous;
    *root(order) = meld(*root(order), below);
}

/* ---- worth ---- */

/* With all that was asked for until now, from the floor of now. */
static void value(struct order *order, struct entry *entry)
{
    struct node *node = node_of(order, entry);
    uint64_t hits = atomic_load_explicit(&entry->hits, memory_order_relaxed);
    double floor = worth_of(atomic_load_explicit(&order->scope->floor, memory_order_relaxed));
    double cost = entry->load_ns > 0 ? (double)entry->load_ns : 1;
    node->seen = (uint32_t)hits;
    node->rank = rank_of(floor + (double)(hits + 1) * cost / (double)entry->bytes);
}

static bool was_hit_since(const struct order *order, struct entry *entry)
{
    return (uint32_t)atomic_load_explicit(&entry->hits, memory_order_relaxed) !=
           node_of(order, entry)->seen;
}

static void add(struct order *order, struct entry *entry)
{
    value(order, entry);
    push(order, node_of(order, entry));
    order_count_in(order, entry, 0);
}

static void leave(struct order *order, struct entry *entry, enum cause cause)
{
    (void)cause;
    take_out(order, node_of(order, entry));
    order_count_out(order, entry);
}

static struct entry *first(struct order *order, unsigned queue)
{
    if (queue > 0 || *root(order) == NULL)
        return NULL;
    for (;;) {
        struct node *node = *root(order);
        struct entry *entry = entry_at(order, node);
        if (!was_hit_since(order, entry))
            return entry;
        int64_t before = node->rank;
        take_out(order, node);
        value(order, entry);
        if (node->rank < before) /* it has grown; but what was published of ranks stands */
            node->rank = before;
        push(order, node);
    }
}

/* It goes, and is the floor for who comes or is hit from now on. */
static bool dismiss(struct order *order, struct entry *entry)
{
    int64_t rank = node_of(order, entry)->rank;
    _Atomic int64_t *floor = &order->scope->floor;
    int64_t before = atomic_load_explicit(floor, memory_order_relaxed);
    while (before < rank && !atomic_compare_exchange_weak(floor, &before, rank))
        ;
    return true;
}

static int64_t bound(const struct order *order, unsigned queue)
{
    assert(queue == 0);
    const struct node *top = order->rings[0].child;
    return queue > 0 || top == NULL ? TICKS_NEVER : top->rank;
}

const struct policy policy_gdsf = {
    .name = "gdsf",
    .queues = 1,
    .add = add,
    .adopt = add,
    .remove = leave,
    .first = first,
    .dismiss = dismiss,
    .bound = bound,
};
