#define _POSIX_C_SOURCE 200809L

#include "base/ticks.h"

#include <time.h>

#ifdef QUERYCACHE_TEST
#include <stdatomic.h>

static _Atomic int64_t advanced;

void ticks_advance(int64_t nanoseconds)
{
    atomic_fetch_add(&advanced, nanoseconds);
}
#endif

int64_t ticks_now(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ticks = (int64_t)now.tv_sec * TICKS_PER_SECOND + now.tv_nsec;
#ifdef QUERYCACHE_TEST
    ticks += atomic_load(&advanced);
#endif
    return ticks;
}

double ticks_wall(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / (double)TICKS_PER_SECOND;
}

int64_t ticks_after(int64_t now, int64_t duration)
{
    if (duration == TICKS_NEVER || (duration > 0 && now > TICKS_NEVER - duration))
        return TICKS_NEVER;
    return now + duration;
}
