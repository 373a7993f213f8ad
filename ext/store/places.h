/*
** Places of results: where results are kept besides the process's store: a file, a server, another
** process. A place is asked on a miss, before computing, and told after computing. It deals in
** bytes, and knows neither SQL nor snapshots.
**
** A place is not trusted. What it gives back is checked: that it is whole, and the value of the key
** asked for. Whether it is still true, the reader judges by its own snapshot. A place may be slow,
** fail, or hang. Each has a thread of its own that calls it; a reader waits no longer than the
** place's limit, and tells it something without waiting at all. A place that was over its limit is
** left alone until it has come back, and for PLACE_PAUSE_MS more.
**
** Thread-safe. A lock is never held while a place is called. The child of a fork() has no places.
*/
#ifndef QUERYCACHE_STORE_PLACES_H
#define QUERYCACHE_STORE_PLACES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESULT_PLACE_VERSION 1

/* How many places there can be. */
#define PLACES 8

/* What may wait to be told to a place; what is over it is not told. */
#define PLACE_QUEUE_BYTES ((size_t)16 << 20)

#define PLACE_PAUSE_MS 1000

enum place_answer {
    PLACE_DONE,   /* found, kept, dropped */
    PLACE_NONE,   /* get: there is nothing of that key */
    PLACE_FAILED, /* counted as an error */
};

/* What a place finds: memory_alloc() gave `bytes`, and the caller frees it. */
struct place_value {
    void *bytes;
    size_t size;
};

/* A place, as it is added. The functions are called on the place's own thread, one at a time. They
** should come back within `limit_ms`, though nobody waits for longer. */
struct result_place {
    unsigned version;  /* RESULT_PLACE_VERSION */
    const char *name;  /* copied */
    int priority;      /* those of higher priority are asked first */
    unsigned limit_ms; /* at least 1 */
    void *context;     /* handed to each function */
    enum place_answer (*get)(void *context, const void *key, size_t key_size,
                             struct place_value *value);
    enum place_answer (*put)(void *context, const void *key, size_t key_size, const void *value,
                             size_t value_size);
    enum place_answer (*drop)(void *context, const void *key, size_t key_size);
    void (*close)(void *context); /* the last call; may be NULL */
};

/* What is counted of one place, or of all since the process began. */
struct place_counters {
    uint64_t found;
    uint64_t missed;
    uint64_t told;     /* put */
    uint64_t left_out; /* neither asked nor told, as it was suspended, or its queue full */
    uint64_t errors;   /* it failed, was over its limit, or gave bytes that are not what was put */
};

/* Add a place. False, and nothing happens, where its version is another one, a function is missing,
** the name is taken, PLACES are there, or memory or threads are short. */
bool places_add(const struct result_place *place);

/* Remove it by name: nobody asks it from here on. Its thread closes it as soon as what it was told
** before is done. False when there is none. */
bool places_remove(const char *name);

/* Whether there is a place at all: nothing else costs anything while there is none. */
extern _Atomic unsigned places_count;

static inline bool places_any(void)
{
    return atomic_load_explicit(&places_count, memory_order_relaxed) != 0;
}

/*
** The value of the key from place number `from` or a later one in the order of priority; *from
** becomes the number to go on with, where the value turns out to be of no use. The caller frees
** value->bytes with memory_free(). False when no place has one.
*/
bool places_get(unsigned *from, const void *key, size_t key_size, struct place_value *value);

/* Tell all places to keep a value, or to drop what they have. Copied; does not wait. */
void places_put(const void *key, size_t key_size, const void *value, size_t value_size);
void places_drop(const void *key, size_t key_size);

/* Entries are dropped by hand: what was told before must not come back from a place. So a value
** carries the generation in which it was told, and is of no use in another one. */
void places_invalidate(void);
uint64_t places_generation(void);

/* What was given for that key could not be used, though it was whole: count an error. */
void places_count_error(void);

struct place_counters places_counters(void);

/* Wait until all places have done what they were told, `ms` at most. For tests. */
bool places_settle(unsigned ms);

/* In the child of a fork(): forget all places without touching their locks. */
void places_forget_all(void);

#endif
