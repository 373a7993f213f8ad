/*
** S3-FIFO: two queues, in which nothing moves when it is used. New entries go through a small one,
** a tenth of all bytes. Who was used there goes on to the main queue; who was not goes, and leaves
** a ghost: is it asked for again while main has not been through as many others, then it had too
** little time, and goes to main at once. At the end of the main queue, who was used since goes back
** to its beginning, up to three times for as many uses. So a scan passes through the small queue
** alone, and what is used again and again is not harmed by it.
**
** After J. Yang, Y. Zhang, Z. Qiu, Y. Yue, R. Vinayak: FIFO queues are all you need for cache
** eviction (SOSP 2023). What differs: a result that leaves since it is no longer true leaves a
** ghost too, so that, computed anew, it is where it was. And whether small or main must give is
** asked before each single step.
**
** A node's rank is the number of its turn in the scope, so queues are in order across shards.
*/
#include "base/ticks.h"

#include <assert.h>

#include "store/policy/policy.h"

enum { SMALL, MAIN };

/* The small queue's part of all bytes. */
#define SMALL_PART 10

/* A counter of two bits. */
#define MOST_USES 3

static unsigned choose(const int64_t bytes[QUEUES])
{
    return bytes[SMALL] >= (bytes[SMALL] + bytes[MAIN]) / SMALL_PART ? SMALL : MAIN;
}

static void enqueue(struct order *order, struct entry *entry, unsigned queue)
{
    assert(queue < QUEUES);
    struct node *node = node_of(order, entry);
    node->rank = scope_ticket(order->scope);
    ring_append(&order->rings[queue], node);
    order_count_in(order, entry, queue);
}

static void dequeue(struct order *order, struct entry *entry)
{
    ring_remove(node_of(order, entry));
    order_count_out(order, entry);
}

/* Uses since they were last looked at, with those that the node had left. */
static unsigned count_uses(const struct entry *entry, struct node *node)
{
    uint32_t hits = (uint32_t)atomic_load_explicit(&entry->hits, memory_order_relaxed);
    uint32_t uses = hits - node->seen;
    node->seen = hits;
    uses = uses < MOST_USES ? uses + node->frequency : MOST_USES;
    node->frequency = (uint8_t)(uses < MOST_USES ? uses : MOST_USES);
    return node->frequency;
}

static void add(struct order *order, struct entry *entry)
{
    struct scope *scope = order->scope;
    struct node *node = node_of(order, entry);
    node->seen = 0;
    node->frequency = 0;
    bool returns = ghosts_recall(&scope->ghosts, &entry->key, atomic_load(scope->ghosts.entries));
    enqueue(order, entry, returns ? MAIN : SMALL);
}

static void adopt(struct order *order, struct entry *entry)
{
    struct node *node = node_of(order, entry);
    node->seen = 0;
    node->frequency = 0;
    enqueue(order, entry, MAIN);
}

static void leave(struct order *order, struct entry *entry, enum cause cause)
{
    bool has_had_its_time = cause == CAUSE_SIZE && node_of(order, entry)->queue == MAIN;
    dequeue(order, entry);
    if (cause != CAUSE_EXPLICIT && !has_had_its_time)
        ghosts_remember(&order->scope->ghosts, &entry->key);
}

static struct entry *first(struct order *order, unsigned queue)
{
    assert(queue < QUEUES);
    struct node *ring = &order->rings[queue];
    return ring_is_empty(ring) ? NULL : entry_at(order, ring->next);
}

static bool dismiss(struct order *order, struct entry *entry)
{
    struct node *node = node_of(order, entry);
    unsigned uses = count_uses(entry, node);
    /* One use is enough in the small queue, too. Were two asked for there, bench/policies would
    ** have half a point more of orm-night, and a point less of orm-busy. */
    if (uses == 0)
        return true;
    node->frequency = node->queue == SMALL ? 0 : (uint8_t)(uses - 1);
    dequeue(order, entry);
    enqueue(order, entry, MAIN);
    return false;
}

static int64_t bound(const struct order *order, unsigned queue)
{
    assert(queue < QUEUES);
    const struct node *ring = &order->rings[queue];
    return ring_is_empty(ring) ? TICKS_NEVER : ring->next->rank;
}

const struct policy policy_s3fifo = {
    .name = "s3fifo",
    .queues = 2,
    .remembers = true,
    .choose = choose,
    .add = add,
    .adopt = adopt,
    .remove = leave,
    .first = first,
    .dismiss = dismiss,
    .bound = bound,
};
