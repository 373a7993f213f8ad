/*
** Conditions that are waited for by the clock that nobody sets. As pthread_cond_t, with a lock of
** base/lock.h.
*/
#ifndef QUERYCACHE_BASE_CONDITION_H
#define QUERYCACHE_BASE_CONDITION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"

/* False when it cannot be made. */
bool condition_init(pthread_cond_t *condition);

/* Wait until somebody says that it changed, or the nanoseconds have passed; it may be sooner. Holds
** the lock, but not while it waits. */
void condition_wait(pthread_cond_t *condition, struct lock *lock, int64_t nanoseconds);

#endif
