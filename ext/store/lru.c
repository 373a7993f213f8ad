#include "store/lru.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "base/ticks.h"

/* Bin n holds a sorted chain of 2 to the n runs, so there can be no more. */
#define BINS 48

static void make_empty(struct lru_link *ring)
{
    ring->newer = ring->older = ring;
}

static bool is_empty(const struct lru_link *ring)
{
    return ring->newer == ring;
}

void lru_init(struct lru *lru, ptrdiff_t to_recency)
{
    make_empty(&lru->added);
    make_empty(&lru->aside);
    make_empty(&lru->sorted);
    lru->aside_since = TICKS_NEVER;
    lru->newest = INT64_MIN;
    lru->to_recency = to_recency;
}

static int64_t recency_of(const struct lru *lru, const struct lru_link *link)
{
    const void *recency = (const char *)link + lru->to_recency;
    return atomic_load_explicit((const _Atomic int64_t *)recency, memory_order_relaxed);
}

static void add(struct lru_link *ring, struct lru_link *link, int64_t recency)
{
    link->known = recency;
    link->newer = ring;
    link->older = ring->older;
    link->older->newer = link;
    ring->older = link;
}

void lru_add(struct lru *lru, struct lru_link *link)
{
    add(&lru->added, link, recency_of(lru, link));
}

void lru_remove(struct lru_link *link)
{
    link->newer->older = link->older;
    link->older->newer = link->newer;
}

/* ---- sorting: chains go by `newer` from the oldest, and end with NULL ---- */

static struct lru_link *merge(struct lru_link *a, struct lru_link *b)
{
    struct lru_link first;
    struct lru_link *last = &first;
    while (a != NULL && b != NULL) {
        struct lru_link **least = b->known < a->known ? &b : &a;
        last->newer = *least;
        last = *least;
        *least = last->newer;
    }
    last->newer = a != NULL ? a : b;
    return first.newer;
}

/* Cut off as much of the chain as is in order. Returns the rest. */
static struct lru_link *cut_run(struct lru_link *chain)
{
    while (chain->newer != NULL && chain->newer->known >= chain->known)
        chain = chain->newer;
    struct lru_link *rest = chain->newer;
    chain->newer = NULL;
    return rest;
}

static struct lru_link *sort(struct lru_link *chain)
{
    struct lru_link *bins[BINS] = {0};
    while (chain != NULL) {
        struct lru_link *run = chain;
        chain = cut_run(run);
        int bin = 0;
        for (; bin < BINS - 1 && bins[bin] != NULL; bin++) {
            run = merge(bins[bin], run);
            bins[bin] = NULL;
        }
        bins[bin] = merge(bins[bin], run);
    }
    struct lru_link *sorted = NULL;
    for (int bin = 0; bin < BINS; bin++)
        sorted = merge(bins[bin], sorted);
    return sorted;
}

/* Take the links of a ring: those that were not used since go in order to *in_order, the others to
** *rest. Both point to where the next one goes. */
static void take(struct lru *lru, struct lru_link *ring, struct lru_link ***in_order,
                 struct lru_link ***rest)
{
    struct lru_link *link = ring->newer;
    while (link != ring) {
        int64_t recency = recency_of(lru, link);
        struct lru_link ***end = ring == &lru->added && link->known == recency ? in_order : rest;
        link->known = recency;
        **end = link;
        *end = &link->newer;
        link = link->newer;
    }
    make_empty(ring);
}

/* None is sorted: sort all. */
static void sort_all(struct lru *lru)
{
    struct lru_link *in_order;
    struct lru_link *rest;
    struct lru_link **in_order_end = &in_order;
    struct lru_link **rest_end = &rest;
    take(lru, &lru->added, &in_order_end, &rest_end);
    take(lru, &lru->aside, &in_order_end, &rest_end);
    *in_order_end = *rest_end = NULL;
    struct lru_link *older = &lru->sorted;
    for (struct lru_link *link = merge(in_order, sort(rest)); link != NULL; link = link->newer) {
        link->older = older;
        older->newer = link;
        older = link;
        lru->newest = link->known;
    }
    older->newer = &lru->sorted;
    lru->sorted.older = older;
}

struct lru_link *lru_oldest(struct lru *lru)
{
    for (;;) {
        if (is_empty(&lru->aside))
            lru->aside_since = TICKS_NEVER;
        struct lru_link *ring = is_empty(&lru->sorted) ? &lru->added : &lru->sorted;
        struct lru_link *link = ring->newer;
        bool none = link == ring;
        if (none && is_empty(&lru->aside))
            return NULL;
        if (ring == &lru->added && (none || link->known > lru->aside_since)) {
            sort_all(lru);
            continue;
        }
        int64_t recency = recency_of(lru, link);
        if (link->known == recency)
            return link;
        lru_remove(link);
        add(&lru->aside, link, recency);
        if (lru->aside_since > recency)
            lru->aside_since = recency;
    }
}

int64_t lru_bound(const struct lru *lru)
{
    if (!is_empty(&lru->sorted))
        return lru->sorted.newer->known;
    int64_t bound = is_empty(&lru->aside) ? TICKS_NEVER : lru->aside_since;
    if (!is_empty(&lru->added) && lru->added.newer->known < bound)
        bound = lru->added.newer->known;
    return bound;
}
