/*
** An allocator that counts what is live, and can be told to fail. Include it in one file of a test
** program; call counting_start() first. Thread-safe.
*/
#ifndef TESTS_COUNTING_H
#define TESTS_COUNTING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

/* In front of each block; as long as the strictest alignment asks. */
union counting_head {
    size_t size;
    max_align_t align;
};

static _Atomic int64_t counting_bytes;    /* live */
static _Atomic int64_t counting_fail = 0; /* the n-th allocation from now fails; 0: none */

static inline bool counting_fails(void)
{
    return atomic_load(&counting_fail) > 0 && atomic_fetch_sub(&counting_fail, 1) == 1;
}

static inline void *counting_resize(void *block, size_t size)
{
    union counting_head *head = block != NULL ? (union counting_head *)block - 1 : NULL;
    int64_t before = head != NULL ? (int64_t)head->size : 0;
    if (size > PTRDIFF_MAX / 2 || counting_fails())
        return NULL;
    union counting_head *resized = realloc(head, sizeof *head + size);
    if (resized == NULL)
        return NULL;
    resized->size = size;
    atomic_fetch_add(&counting_bytes, (int64_t)size - before);
    return resized + 1;
}

static inline void *counting_alloc(size_t size)
{
    return counting_resize(NULL, size);
}

static inline void counting_release(void *block)
{
    union counting_head *head = (union counting_head *)block - 1;
    atomic_fetch_sub(&counting_bytes, (int64_t)head->size);
    free(head);
}

static inline void counting_start(void)
{
    static const struct allocator counting = {counting_alloc, counting_resize, counting_release};
    memory_use(&counting);
}

/* ---- random numbers that a seed brings back ---- */

static inline uint64_t random_next(uint64_t *state)
{
    /* splitmix64 */
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline unsigned random_below(uint64_t *state, unsigned limit)
{
    return (unsigned)(random_next(state) % limit);
}

/* From SEED, or by the clock of the start; printed, so that a failure can be had again. */
static inline uint64_t random_seed(uint64_t otherwise)
{
    const char *text = getenv("SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : otherwise;
    printf("# SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

#endif
