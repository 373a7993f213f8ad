#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* CLOCK_BOOTTIME, CLOCK_REALTIME_COARSE */
#endif

#include "base/ticks.h"

#include <stdatomic.h>
#include <time.h>

/* ---- the machine's clocks ---- */

#ifdef QUERYCACHE_TEST
static _Atomic int64_t advanced;
static _Atomic int64_t asleep;
static _Atomic int64_t calls;

static int64_t added(clockid_t clock)
{
#ifdef CLOCK_BOOTTIME
    if (clock == CLOCK_MONOTONIC)
        return atomic_load(&advanced);
#endif
    (void)clock;
    return atomic_load(&advanced) + atomic_load(&asleep);
}
#else
static int64_t added(clockid_t clock)
{
    (void)clock;
    return 0;
}
#endif

static int64_t read_clock(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * TICKS_PER_SECOND + now.tv_nsec + added(clock);
}

/* ---- time asleep ---- */

#ifdef CLOCK_BOOTTIME

/*
** Linux has read CLOCK_BOOTTIME without a system call since 5.3, CLOCK_MONOTONIC for longer; and on
** some machines neither. Which it is, the time tells that reading takes: a call takes several times
** as long.
*/
enum boot_clock { UNKNOWN, FREE, COSTS_A_CALL };
static _Atomic enum boot_clock boot_clock;

/* The quickest of some rounds of reading a clock. */
static int64_t cost(clockid_t clock)
{
    enum { ROUNDS = 8, READINGS = 16 };
    int64_t least = TICKS_NEVER;
    for (int i = 0; i < ROUNDS; i++) {
        struct timespec reading;
        int64_t start = read_clock(CLOCK_MONOTONIC);
        for (int j = 0; j < READINGS; j++)
            clock_gettime(clock, &reading);
        int64_t took = read_clock(CLOCK_MONOTONIC) - start;
        least = took < least ? took : least;
    }
    return least;
}

static enum boot_clock find_out(void)
{
    enum boot_clock found = cost(CLOCK_BOOTTIME) <= 2 * cost(CLOCK_MONOTONIC) ? FREE : COSTS_A_CALL;
    atomic_store_explicit(&boot_clock, found, memory_order_relaxed);
    return found;
}

/* By how much the wall clock, which goes on too, may differ from where it is expected before
** CLOCK_BOOTTIME is asked: more than a tick. */
#define TOLERANCE (TICKS_PER_SECOND / 10)

/* By how much CLOCK_BOOTTIME was ahead of CLOCK_MONOTONIC when last asked, and the wall clock
** then. */
static _Atomic int64_t slept;
static _Atomic int64_t wall_ahead = TICKS_NEVER;

/* How long the machine was asleep: by the round in which least time went by between the two clocks,
** for a thread may be put aside there. */
static int64_t time_asleep(void)
{
    enum { ROUNDS = 8 };
    int64_t least = TICKS_NEVER;
    int64_t found = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t before = read_clock(CLOCK_MONOTONIC);
        int64_t boot = read_clock(CLOCK_BOOTTIME);
        int64_t between = read_clock(CLOCK_MONOTONIC) - before;
        if (between < least) {
            least = between;
            found = boot - before;
        }
    }
    return found;
}

/* Sleep moves the wall clock against CLOCK_MONOTONIC; so does who sets it, which costs a call. */
static int64_t now_by_wall(void)
{
    int64_t now = read_clock(CLOCK_MONOTONIC);
    int64_t ahead = read_clock(CLOCK_REALTIME_COARSE) - now;
    int64_t expected = atomic_load_explicit(&wall_ahead, memory_order_acquire);
    if (expected == TICKS_NEVER || ahead - expected > TOLERANCE || expected - ahead > TOLERANCE) {
        atomic_store(&slept, time_asleep());
        atomic_store(&wall_ahead, ahead);
#ifdef QUERYCACHE_TEST
        atomic_fetch_add(&calls, 1);
#endif
    }
    return now + atomic_load_explicit(&slept, memory_order_relaxed);
}

int64_t ticks_now(void)
{
    enum boot_clock boot = atomic_load_explicit(&boot_clock, memory_order_relaxed);
    if (boot == UNKNOWN)
        boot = find_out();
    return boot == FREE ? read_clock(CLOCK_BOOTTIME) : now_by_wall();
}

#else

/* On macOS it goes on while the machine sleeps; there CLOCK_UPTIME_RAW is the one that does not. */
int64_t ticks_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

#endif

/* ---- for tests ---- */

#ifdef QUERYCACHE_TEST
void ticks_advance(int64_t nanoseconds)
{
    atomic_fetch_add(&advanced, nanoseconds);
}

void ticks_sleep(int64_t nanoseconds, bool silent)
{
    atomic_fetch_add(&asleep, nanoseconds);
#ifdef CLOCK_BOOTTIME
    atomic_store(&boot_clock, silent ? COSTS_A_CALL : FREE);
#else
    (void)silent;
#endif
}

int64_t ticks_calls(void)
{
    return atomic_load(&calls);
}
#endif

/* ---- what is made of them ---- */

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
