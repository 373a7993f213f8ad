#include "base/process.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

typedef void (*reset_function)(void);

static _Atomic uint64_t generation = 1;
static _Atomic(reset_function) resets[PROCESS_RESETS]; /* filled from the front, never emptied */
static _Atomic bool watched;

/* This thread is in fork(). Two threads at once may both install the handlers, which then run twice
** at each fork; the first in the child does the work. */
static _Thread_local bool forking;

static void before_fork(void)
{
    forking = true;
}

static void after_fork_in_parent(void)
{
    forking = false;
}

static void after_fork_in_child(void)
{
    if (!forking)
        return;
    forking = false;
    atomic_fetch_add(&generation, 1);
    for (int i = 0; i < PROCESS_RESETS; i++) {
        reset_function reset = atomic_load(&resets[i]);
        if (reset == NULL)
            return;
        reset();
    }
}

static bool watch(void)
{
    if (atomic_load(&watched))
        return true;
    if (pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) != 0)
        return false;
    atomic_store(&watched, true);
    return true;
}

uint64_t process_generation(void)
{
    return atomic_load_explicit(&generation, memory_order_relaxed);
}

bool process_on_fork(void (*reset)(void))
{
    assert(reset != NULL);
    if (!watch())
        return false;
    for (int i = 0; i < PROCESS_RESETS; i++) {
        reset_function there = NULL;
        if (atomic_compare_exchange_strong(&resets[i], &there, reset) || there == reset)
            return true;
    }
    return false;
}
