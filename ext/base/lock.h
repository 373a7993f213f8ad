/*
** Locks: mutexes that know their place in the order of locks. A thread takes a lock only while all
** that it holds come before it in the list below; so no two threads can wait for each other. Where
** asserts are compiled in, a thread keeps a record of what it holds: taking a lock out of order
** aborts, and assert(lock_is_held(…)) says what a function wants held. In releases a lock is a
** pthread_mutex_t and nothing more.
**
** The mutex of a connection comes before all of these: SQLite calls the extension under it. The
** exception is a file that looks at another connection's member: it takes that mutex under its own
** lock, and only by trying.
*/
#ifndef QUERYCACHE_BASE_LOCK_H
#define QUERYCACHE_BASE_LOCK_H

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

/* From the outermost. Two of one rank are never held at once. */
enum lock_rank {
    LOCK_LIBRARIES, /* load/libraries.c: the SQLite libraries of the process */
    LOCK_SETTINGS,  /* session/settings.c: reading the environment, once */
    LOCK_SESSIONS,  /* session/session.c: the sessions of the process */
    LOCK_RUNTIME,   /* session/runtime.c: the store of the process */
    LOCK_FILES,     /* coherence/file.c: the files that are open */
    LOCK_FILE,      /* coherence/file.c: one file's members and moments */
    LOCK_HISTORIES, /* coherence/history.c: the histories of the process */
    LOCK_HISTORY,   /* coherence/history.c: one history's tables */
    LOCK_FLIGHT,    /* store/flight.c: what is being computed */
    LOCK_PLACES,    /* store/places.c: which places of results there are */
    LOCK_PLACE,     /* store/places.c: what one place is to do */
    LOCK_SPACES,    /* store/space.c: the named parts of the store */
    LOCK_SHARD,     /* store/shard.c: entries */
    LOCK_GHOSTS,    /* store/policy/ghosts.c: keys that were here */
    LOCK_BOUNDS,    /* store/bounds.c: limits, and what counts against them */
    LOCK_LAYOUT,    /* coherence/hooks.c: where SQLite keeps its hooks */
    LOCK_REFUSALS,  /* metrics/refusals.c: what was not cached, and why */
};

struct lock {
    pthread_mutex_t mutex;
#ifndef NDEBUG
    enum lock_rank rank;
#endif
};

#ifdef NDEBUG
#define LOCK_INITIALIZER(order)                                                                    \
    {                                                                                              \
        .mutex = PTHREAD_MUTEX_INITIALIZER                                                         \
    }
#else
#define LOCK_INITIALIZER(order)                                                                    \
    {                                                                                              \
        .mutex = PTHREAD_MUTEX_INITIALIZER, .rank = (order)                                        \
    }

/* The record of this thread; see above. */
void lock_note_taking(const struct lock *lock);
void lock_note_taken(const struct lock *lock);
void lock_note_giving(const struct lock *lock);
bool lock_is_held(const struct lock *lock);

/* This thread holds none at all: what may take any, or wait, asserts it. */
bool lock_none_is_held(void);

/* Keep no record from now on, and believe every assert: for a test whose actors share one
** thread. */
void lock_keep_no_record(void);
#endif

/* False when it cannot be made. */
static inline bool lock_init(struct lock *lock, enum lock_rank rank)
{
#ifdef NDEBUG
    (void)rank;
#else
    lock->rank = rank;
#endif
    return pthread_mutex_init(&lock->mutex, NULL) == 0;
}

/* In the child of a fork(), whatever it was: nobody holds it now. */
static inline void lock_start_over(struct lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
}

static inline void lock_destroy(struct lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

static inline void lock_take(struct lock *lock)
{
#ifndef NDEBUG
    lock_note_taking(lock);
#endif
    pthread_mutex_lock(&lock->mutex);
#ifndef NDEBUG
    lock_note_taken(lock);
#endif
}

static inline void lock_give(struct lock *lock)
{
#ifndef NDEBUG
    lock_note_giving(lock);
#endif
    pthread_mutex_unlock(&lock->mutex);
}

#endif
