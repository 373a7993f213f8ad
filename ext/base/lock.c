#include "base/lock.h"

/* Something, for a file without any is no C. */
typedef struct lock lock_type;

#ifndef NDEBUG

/* More are never held at once: each is of another rank. */
enum { HELD_MAX = LOCK_REFUSALS + 1 };

static _Thread_local const struct lock *held[HELD_MAX];
static _Thread_local int held_count;
static bool without_record;

void lock_keep_no_record(void)
{
    without_record = true;
}

bool lock_is_held(const struct lock *lock)
{
    for (int i = 0; i < held_count; i++) {
        if (held[i] == lock)
            return true;
    }
    return without_record;
}

bool lock_none_is_held(void)
{
    return held_count == 0 || without_record;
}

/* They are in the order of their ranks, so the last is the innermost. */
void lock_note_taking(const struct lock *lock)
{
    assert(held_count == 0 || held[held_count - 1]->rank < lock->rank);
    assert(held_count < HELD_MAX);
}

void lock_note_taken(const struct lock *lock)
{
    if (!without_record)
        held[held_count++] = lock;
}

/* Mostly the last; where two are handed over it may be another. */
void lock_note_giving(const struct lock *lock)
{
    int at = held_count - 1;
    if (without_record)
        return;
    while (at >= 0 && held[at] != lock)
        at--;
    assert(at >= 0);
    for (held_count--; at < held_count; at++)
        held[at] = held[at + 1];
}

#endif
