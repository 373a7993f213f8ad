/*
** Time: a clock for ages and limits, which never goes back, and goes on while the machine sleeps;
** the wall clock for what people read. Neither costs a system call where the machine has any clock
** that can be read without one. Thread-safe.
*/
#ifndef QUERYCACHE_BASE_TICKS_H
#define QUERYCACHE_BASE_TICKS_H

#include <stdbool.h>
#include <stdint.h>

/* A time or duration that never comes. */
#define TICKS_NEVER INT64_MAX

#define TICKS_PER_SECOND INT64_C(1000000000)

/* Nanoseconds from an arbitrary start, time asleep included. */
int64_t ticks_now(void);

/* Unix time in seconds, with a fraction. */
double ticks_wall(void);

/* now + duration, and TICKS_NEVER where that would overflow. */
int64_t ticks_after(int64_t now, int64_t duration);

#ifdef QUERYCACHE_TEST
/* Move the clock forward by `nanoseconds`, so that a test need not sleep. */
void ticks_advance(int64_t nanoseconds);

/* Have the machine sleep for so long; `silent`: on a kernel where the clock that counts it would
** cost a system call. */
void ticks_sleep(int64_t nanoseconds, bool silent);

/* How often that call was made. */
int64_t ticks_calls(void);
#endif

#endif
