#include "store/policy/policy.h"

#include <assert.h>
#include <string.h>

#include "base/ticks.h"

/* ---- scopes ---- */

bool scope_init(struct scope *scope, const struct policy *policy, const _Atomic int64_t *entries,
                _Atomic int64_t *bytes)
{
    assert(policy != NULL);
    atomic_init(&scope->policy, policy);
    return ghosts_init(&scope->ghosts, entries, bytes);
}

void scope_destroy(struct scope *scope)
{
    ghosts_destroy(&scope->ghosts);
}

int64_t scope_ticket(struct scope *scope)
{
    return 1 + atomic_fetch_add_explicit(&scope->ticket, 1, memory_order_relaxed);
}

/* ---- orders ---- */

static void start(struct order *order, const struct policy *policy)
{
    order->policy = policy;
    for (size_t i = 0; i < sizeof order->rings / sizeof order->rings[0]; i++)
        ring_init(&order->rings[i]);
    for (unsigned queue = 0; queue < QUEUES; queue++)
        atomic_store_explicit(&order->bound[queue], TICKS_NEVER, memory_order_release);
    order->since = TICKS_NEVER;
}

void order_init(struct order *order, struct scope *scope, ptrdiff_t to_node)
{
    assert(scope != NULL && to_node > 0);
    memset(order, 0, sizeof *order);
    order->scope = scope;
    order->to_node = to_node;
    order->newest = INT64_MIN;
    start(order, atomic_load(&scope->policy));
}

/* Tell who looks for the first of a scope, without the lock, about this order. */
static void publish(struct order *order)
{
    for (unsigned queue = 0; queue < order->policy->queues; queue++) {
        int64_t bound = order->policy->bound(order, queue);
        if (atomic_load_explicit(&order->bound[queue], memory_order_relaxed) != bound)
            atomic_store_explicit(&order->bound[queue], bound, memory_order_release);
    }
}

void order_add(struct order *order, struct entry *entry)
{
    assert(entry != NULL && entry->bytes > 0);
    order->policy->add(order, entry);
    publish(order);
}

void order_remove(struct order *order, struct entry *entry, enum cause cause)
{
    order->policy->remove(order, entry, cause);
    publish(order);
}

struct entry *order_first(struct order *order, unsigned queue)
{
    assert(queue < QUEUES);
    struct entry *entry = order->policy->first(order, queue);
    publish(order);
    return entry;
}

bool order_dismiss(struct order *order, struct entry *entry)
{
    if (order->policy->dismiss == NULL || order->policy->dismiss(order, entry))
        return true;
    publish(order);
    return false;
}

void order_follow(struct order *order, const struct policy *policy)
{
    assert(policy != NULL);
    struct node *all = NULL; /* by `next`, from who would have gone first */
    struct node **end = &all;
    if (order->policy == policy)
        return;
    for (unsigned queue = 0; queue < order->policy->queues; queue++) {
        struct entry *entry;
        while ((entry = order->policy->first(order, queue)) != NULL) {
            order->policy->remove(order, entry, CAUSE_EXPLICIT);
            *end = node_of(order, entry);
            end = &(*end)->next;
        }
    }
    *end = NULL;
    start(order, policy);
    while (all != NULL) {
        struct node *node = all;
        all = node->next;
        policy->adopt(order, entry_at(order, node));
    }
    publish(order);
}

/* ---- for policies ---- */

static void count(struct order *order, unsigned queue, int64_t bytes)
{
    assert(queue < QUEUES);
    _Atomic int64_t *sum = &order->bytes[queue];
    int64_t before = atomic_load_explicit(sum, memory_order_relaxed);
    atomic_store_explicit(sum, before + bytes, memory_order_relaxed);
}

void order_grow(struct order *order, struct entry *entry, size_t bytes)
{
    count(order, node_of(order, entry)->queue, (int64_t)bytes);
}

void order_count_in(struct order *order, struct entry *entry, unsigned queue)
{
    assert(queue < QUEUES);
    node_of(order, entry)->queue = (uint8_t)queue;
    count(order, queue, (int64_t)entry->bytes);
}

void order_count_out(struct order *order, struct entry *entry)
{
    count(order, node_of(order, entry)->queue, -(int64_t)entry->bytes);
}
