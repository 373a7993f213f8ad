/*
** LRU: who was used longest ago goes, exactly. Ranks are times of use.
**
** Nodes are put in order only as far as somebody asks for the first. A use writes nothing here: it
** raises the time in the entry. So a node is where it is by the time that is known of it, its
** rank, and may have been used since.
**
** Nodes are added in the order of their times. As long as the first of them by rank was not used
** since, it is the first. Otherwise it is put aside, until the others are all later than one of
** those aside; then all are sorted. From then on these are taken, one after the other, or put aside
** again; those are later than all that were sorted, as they were used later. So the answer is
** exact, and costs a node O(log n) for all the uses that it had since it was last put aside. An
** order that nobody asks costs nothing.
*/
#include <stdatomic.h>
#include <stdbool.h>

#include "base/ticks.h"

#include <assert.h>

#include "store/policy/policy.h"

/* Bin n holds a sorted chain of 2 to the n runs, so there can be no more. */
#define BINS 48

/* The rings: `since` is a time that none aside is before. */
enum { ADDED, ASIDE /* in no order */, SORTED };

static int64_t time_of(const struct order *order, struct node *node)
{
    return atomic_load_explicit(&entry_at(order, node)->used, memory_order_relaxed);
}

static void append(struct order *order, int ring, struct node *node, int64_t time)
{
    node->rank = time;
    ring_append(&order->rings[ring], node);
}

static void put_aside(struct order *order, struct node *node, int64_t time)
{
    if (ring_is_empty(&order->rings[ASIDE]))
        order->since = TICKS_NEVER;
    append(order, ASIDE, node, time);
    if (order->since > time)
        order->since = time;
}

/* ---- sorting: chains go by `next` from the oldest, and end with NULL ---- */

static struct node *merge(struct node *a, struct node *b)
{
    struct node first;
    struct node *last = &first;
    while (a != NULL && b != NULL) {
        struct node **least = b->rank < a->rank ? &b : &a;
        last->next = *least;
        last = *least;
        *least = last->next;
    }
    last->next = a != NULL ? a : b;
    return first.next;
}

/* Cut off as much of the chain as is in order. Returns the rest. */
static struct node *cut_run(struct node *chain)
{
    while (chain->next != NULL && chain->next->rank >= chain->rank)
        chain = chain->next;
    struct node *rest = chain->next;
    chain->next = NULL;
    return rest;
}

static struct node *sort(struct node *chain)
{
    struct node *bins[BINS] = {0};
    while (chain != NULL) {
        struct node *run = chain;
        chain = cut_run(run);
        int bin = 0;
        for (; bin < BINS - 1 && bins[bin] != NULL; bin++) {
            run = merge(bins[bin], run);
            bins[bin] = NULL;
        }
        bins[bin] = merge(bins[bin], run);
    }
    struct node *sorted = NULL;
    for (int bin = 0; bin < BINS; bin++)
        sorted = merge(bins[bin], sorted);
    return sorted;
}

/* Take the nodes of a ring: those that are where they should be go in order to *in_order, the
** others to *rest. Both point to where the next one goes. */
static void take(struct order *order, int ring, struct node ***in_order, struct node ***rest)
{
    struct node *head = &order->rings[ring];
    struct node *node = head->next;
    while (node != head) {
        int64_t time = time_of(order, node);
        struct node ***end = ring == ADDED && node->rank == time ? in_order : rest;
        node->rank = time;
        **end = node;
        *end = &node->next;
        node = node->next;
    }
    ring_init(head);
}

/* None is sorted: sort all. */
static void sort_all(struct order *order)
{
    struct node *in_order;
    struct node *rest;
    struct node **in_order_end = &in_order;
    struct node **rest_end = &rest;
    take(order, ADDED, &in_order_end, &rest_end);
    take(order, ASIDE, &in_order_end, &rest_end);
    *in_order_end = *rest_end = NULL;
    struct node *sorted = &order->rings[SORTED];
    struct node *previous = sorted;
    for (struct node *node = merge(in_order, sort(rest)); node != NULL; node = node->next) {
        node->previous = previous;
        previous->next = node;
        previous = node;
        order->newest = node->rank;
    }
    previous->next = sorted;
    sorted->previous = previous;
}

/* ---- the policy ---- */

static void add(struct order *order, struct entry *entry)
{
    struct node *node = node_of(order, entry);
    node->queue = 0;
    append(order, ADDED, node, time_of(order, node));
}

static void adopt(struct order *order, struct entry *entry)
{
    struct node *node = node_of(order, entry);
    node->queue = 0;
    put_aside(order, node, time_of(order, node));
}

static void leave(struct order *order, struct entry *entry, enum cause cause)
{
    (void)cause;
    ring_remove(node_of(order, entry));
}

static struct entry *first(struct order *order, unsigned queue)
{
    (void)queue;
    for (;;) {
        bool some_aside = !ring_is_empty(&order->rings[ASIDE]);
        int ring = ring_is_empty(&order->rings[SORTED]) ? ADDED : SORTED;
        bool none = ring_is_empty(&order->rings[ring]);
        struct node *node = order->rings[ring].next;
        if (none && !some_aside)
            return NULL;
        if (none || (ring == ADDED && some_aside && node->rank > order->since)) {
            sort_all(order);
            continue;
        }
        int64_t time = time_of(order, node);
        if (node->rank == time)
            return entry_at(order, node);
        ring_remove(node);
        put_aside(order, node, time);
    }
}

static int64_t bound(const struct order *order, unsigned queue)
{
    assert(queue == 0);
    const struct node *rings = order->rings;
    (void)queue;
    if (!ring_is_empty(&rings[SORTED]))
        return rings[SORTED].next->rank;
    int64_t bound = ring_is_empty(&rings[ASIDE]) ? TICKS_NEVER : order->since;
    if (!ring_is_empty(&rings[ADDED]) && rings[ADDED].next->rank < bound)
        bound = rings[ADDED].next->rank;
    return bound;
}

const struct policy policy_lru = {
    .name = "lru",
    .queues = 1,
    .add = add,
    .adopt = adopt,
    .remove = leave,
    .first = first,
    .bound = bound,
};
