/*
** A recency list: the most recently used at the head, the least at the tail. The links are part of
** what they link, so nothing is allocated and moving takes a few writes. Whoever owns the list
** guards it by a lock.
*/
#ifndef QUERYCACHE_STORE_LRU_H
#define QUERYCACHE_STORE_LRU_H

#include <stddef.h>

struct lru_link {
    struct lru_link *newer;
    struct lru_link *older;
};

/* A ring through `ends`: its `older` is the head, its `newer` the tail. */
struct lru {
    struct lru_link ends;
};

static inline void lru_init(struct lru *lru)
{
    lru->ends.newer = lru->ends.older = &lru->ends;
}

static inline void lru_add(struct lru *lru, struct lru_link *link)
{
    link->newer = &lru->ends;
    link->older = lru->ends.older;
    link->older->newer = link;
    lru->ends.older = link;
}

static inline void lru_remove(struct lru_link *link)
{
    link->newer->older = link->older;
    link->older->newer = link->newer;
}

/* The least recently used; NULL when the list is empty. */
static inline struct lru_link *lru_tail(const struct lru *lru)
{
    return lru->ends.newer != &lru->ends ? lru->ends.newer : NULL;
}

#endif
