/*
** Time: a monotonic clock for ages and limits, the wall clock for what people read.
** Thread-safe.
*/
#ifndef QUERYCACHE_BASE_TICKS_H
#define QUERYCACHE_BASE_TICKS_H

#include <stdint.h>

/* A time or duration that never comes. */
#define TICKS_NEVER INT64_MAX

#define TICKS_PER_SECOND INT64_C(1000000000)

/* Nanoseconds on the monotonic clock, from an arbitrary start. */
int64_t ticks_now(void);

/* Unix time in seconds, with a fraction. */
double ticks_wall(void);

/* now + duration, and TICKS_NEVER where that would overflow. */
int64_t ticks_after(int64_t now, int64_t duration);

#ifdef QUERYCACHE_TEST
/* Move the monotonic clock forward by `nanoseconds`, so that a test need not sleep. */
void ticks_advance(int64_t nanoseconds);
#endif

#endif
