#include "store/readers.h"

#include <sched.h>

/* Looks at a reader that is taken before its holder, who may have lost its core, gets ours. */
#define SPINS 100

/* Threads so far that have claimed a reader: each begins at another. */
static _Atomic unsigned threads;

/* 1 + the reader that this thread had last; 0: it had none yet. */
static _Thread_local unsigned home;

void readers_init(struct readers *readers)
{
    for (unsigned i = 0; i < READERS; i++)
        readers->all[i].number = i;
}

/* Before the reader is claimed: who waits for those that are claimed must know of it by then. */
static void count_in(struct readers *readers, unsigned number)
{
    unsigned count = atomic_load_explicit(&readers->count, memory_order_relaxed);
    while (count <= number && !atomic_compare_exchange_weak(&readers->count, &count, number + 1))
        ;
}

struct reader *reader_claim(struct readers *readers, unsigned shard)
{
    if (home == 0)
        home = 1 + atomic_fetch_add(&threads, 1) % READERS;
    for (unsigned number = home - 1, tries = 1;; number = (number + 1) % READERS, tries++) {
        struct reader *reader = &readers->all[number];
        unsigned nobody = 0;
        count_in(readers, number);
        if (atomic_load_explicit(&reader->place, memory_order_relaxed) == 0 &&
            atomic_compare_exchange_strong(&reader->place, &nobody, 1 + shard)) {
            home = 1 + number;
            return reader;
        }
        if (tries % READERS == 0)
            sched_yield();
    }
}

void readers_await(struct readers *readers, unsigned shard)
{
    unsigned count = atomic_load(&readers->count);
    for (unsigned i = 0; i < count; i++)
        for (unsigned looks = 1; atomic_load(&readers->all[i].place) == 1 + shard; looks++)
            if (looks % SPINS == 0)
                sched_yield();
}

int64_t readers_last_used(const struct readers *readers)
{
    int64_t last = INT64_MIN;
    unsigned count = atomic_load(&readers->count);
    for (unsigned i = 0; i < count; i++) {
        int64_t used = atomic_load_explicit(&readers->all[i].last_used, memory_order_relaxed);
        if (used > last)
            last = used;
    }
    return last;
}
