/*
** A recency list that is put in order only as far as somebody asks for the oldest. A use writes
** nothing here: it raises the link's recency, a number that lies beside the link and never falls.
** So a link has its place by the recency that is known of it, and may have been used since.
**
** Links are added in the order of their recency. As long as the oldest of them by what is known was
** not used since, it is the oldest. Otherwise it is put aside, until the others are all newer than
** one of those aside; then all are sorted. From then on these are taken, one after the other, or
** put aside again; those are newer than all that were sorted, as they were used later. So the answer
** is exact, and costs a link O(log n) for all the uses that it had since it was last put aside. A
** list that nobody asks costs nothing.
**
** The links are part of what they link: nothing is allocated. Whoever owns the list guards it by a
** lock, and sees to it that recencies do not move while the oldest is looked for, and are then
** raised only above `newest`.
*/
#ifndef QUERYCACHE_STORE_LRU_H
#define QUERYCACHE_STORE_LRU_H

#include <stddef.h>
#include <stdint.h>

struct lru_link {
    struct lru_link *newer;
    struct lru_link *older;
    int64_t known; /* the recency that it has its place by: the true one, or one of before */
};

struct lru {
    struct lru_link added; /* rings: `older` is the head, `newer` the tail */
    struct lru_link aside; /* in no order */
    struct lru_link sorted;
    int64_t aside_since;  /* no recency aside is below this */
    int64_t newest;       /* when last sorted */
    ptrdiff_t to_recency; /* from a link to its _Atomic int64_t */
};

void lru_init(struct lru *lru, ptrdiff_t to_recency);

/* As the most recently used: its recency is above `newest`, and above that of the last added. */
void lru_add(struct lru *lru, struct lru_link *link);

void lru_remove(struct lru_link *link);

/* The least recently used; NULL when the list is empty. */
struct lru_link *lru_oldest(struct lru *lru);

/* No link has a recency below this, now or later; TICKS_NEVER when the list is empty. After
** lru_oldest(), it is that one's. */
int64_t lru_bound(const struct lru *lru);

#endif
