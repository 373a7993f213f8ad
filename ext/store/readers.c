#include "store/readers.h"

#include <sched.h>

/* Looks at a stripe that is taken before its holder, who may have lost its core, gets ours. */
#define SPINS 100

/* Threads so far that have claimed a stripe: each begins at another. */
static _Atomic unsigned threads;

/* 1 + the stripe that this thread had last; 0: it had none yet. */
static _Thread_local unsigned home;

void stripes_init(struct stripes *stripes)
{
    for (unsigned i = 0; i < STRIPES; i++)
        stripes->all[i].number = i;
}

/* Before the stripe is claimed: who waits for those that are claimed must know of it by then. */
static void count_in(struct stripes *stripes, unsigned number)
{
    unsigned count = atomic_load_explicit(&stripes->count, memory_order_relaxed);
    while (count <= number && !atomic_compare_exchange_weak(&stripes->count, &count, number + 1))
        ;
}

struct stripe *stripe_claim(struct stripes *stripes, unsigned shard)
{
    if (home == 0)
        home = 1 + atomic_fetch_add(&threads, 1) % STRIPES;
    for (unsigned number = home - 1, tries = 1;; number = (number + 1) % STRIPES, tries++) {
        struct stripe *stripe = &stripes->all[number];
        unsigned nobody = 0;
        count_in(stripes, number);
        if (atomic_load_explicit(&stripe->place, memory_order_relaxed) == 0 &&
            atomic_compare_exchange_strong(&stripe->place, &nobody, 1 + shard)) {
            home = 1 + number;
            return stripe;
        }
        if (tries % STRIPES == 0)
            sched_yield();
    }
}

void stripes_await(struct stripes *stripes, unsigned shard)
{
    unsigned count = atomic_load(&stripes->count);
    for (unsigned i = 0; i < count; i++)
        for (unsigned looks = 1; atomic_load(&stripes->all[i].place) == 1 + shard; looks++)
            if (looks % SPINS == 0)
                sched_yield();
}

int64_t stripes_last_used(const struct stripes *stripes)
{
    int64_t last = INT64_MIN;
    unsigned count = atomic_load(&stripes->count);
    for (unsigned i = 0; i < count; i++) {
        int64_t used = atomic_load_explicit(&stripes->all[i].last_used, memory_order_relaxed);
        if (used > last)
            last = used;
    }
    return last;
}
