/*
** Readers: how many threads read shards at once without writing to one line of the processor's
** cache. A thread that reads a shard claims a reader, which nobody else then has, and names the
** shard there; who wants to change a shard says so in the shard, and waits until no reader names
** it. A thread finds the reader free that it had before, so that the line stays its core's own;
** where another thread is in it, it moves on to the next.
**
** What is written for each hit goes where the reader's holder alone writes: a plain addition will
** do for counting. Thread-safe.
*/
#ifndef QUERYCACHE_STORE_READERS_H
#define QUERYCACHE_STORE_READERS_H

#include <stdatomic.h>
#include <stdint.h>

/* A power of two; so many threads read at once, others wait for one of them. */
#define READERS 16

/* Longer than a line of the processor's cache, and than the two that it fetches at once: what lies
** so far apart shares none, wherever the block that it lies in begins. */
#define CACHE_GAP 128

struct reader {
    _Atomic unsigned place;    /* 0: free; else 1 + the number of the shard that is read */
    unsigned number;           /* of the reader */
    _Atomic int64_t last_used; /* the greatest recency that was given out here */
    char gap[CACHE_GAP - 2 * sizeof(int64_t)];
};

struct readers {
    _Atomic unsigned count; /* only so many were ever claimed: the first ones */
    char gap[CACHE_GAP];
    struct reader all[READERS];
};

/* The memory is zeroed. */
void readers_init(struct readers *readers);

/* Claim a reader to read that shard. Waits only where all are taken, for none that waits itself. */
struct reader *reader_claim(struct readers *readers, unsigned shard);

static inline void reader_leave(struct reader *reader)
{
    atomic_store_explicit(&reader->place, 0, memory_order_release);
}

/* Wait until nobody reads that shard who began before this call. */
void readers_await(struct readers *readers, unsigned shard);

/* The greatest recency given out in any. */
int64_t readers_last_used(const struct readers *readers);

#endif
