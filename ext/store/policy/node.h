/*
** A node: where an entry is in an order of entries, and what the policy of that order notes of it.
** Its owner is the entry; a policy alone reads and writes it (store/policy/policy.h).
*/
#ifndef QUERYCACHE_STORE_POLICY_NODE_H
#define QUERYCACHE_STORE_POLICY_NODE_H

#include <stdint.h>

/* An entry's node in an order. But for `queue`, what is here is the policy's own business; the
** names say what it is for. */
struct node {
    struct node *next; /* in a ring, from who goes first */
    struct node *previous;
    struct node *child;
    int64_t rank;      /* below TICKS_NEVER */
    uint32_t seen;     /* the entry's hits that were taken into account, modulo 2 to the 32 */
    uint8_t frequency; /* what they came to */
    uint8_t queue;     /* where it is; 0 in an order of one queue */
};

#endif
