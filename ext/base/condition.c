#include "base/condition.h"

#include <time.h>

#include "base/ticks.h"

/* Longer waits are made of several, so that no sum of seconds overflows. */
#define LONGEST_WAIT (3600 * TICKS_PER_SECOND)

bool condition_init(pthread_cond_t *condition)
{
#ifdef __APPLE__
    return pthread_cond_init(condition, NULL) == 0; /* its waits are for a span, not until a time */
#else
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    bool done = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(condition, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return done;
#endif
}

void condition_wait(pthread_cond_t *condition, struct lock *lock, int64_t nanoseconds)
{
    assert(lock_is_held(lock));
    if (nanoseconds > LONGEST_WAIT)
        nanoseconds = LONGEST_WAIT;
#ifdef __APPLE__
    struct timespec span = {.tv_sec = (time_t)(nanoseconds / TICKS_PER_SECOND),
                            .tv_nsec = (long)(nanoseconds % TICKS_PER_SECOND)};
    pthread_cond_timedwait_relative_np(condition, &lock->mutex, &span);
#else
    /* Not from ticks_now(), which a test may have moved. */
    struct timespec until = {0};
    clock_gettime(CLOCK_MONOTONIC, &until);
    nanoseconds += until.tv_nsec;
    until.tv_sec += (time_t)(nanoseconds / TICKS_PER_SECOND);
    until.tv_nsec = (long)(nanoseconds % TICKS_PER_SECOND);
    pthread_cond_timedwait(condition, &lock->mutex, &until);
#endif
}
