#include "store/flight.h"

#include <assert.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

#include "base/condition.h"
#include "base/guard.h"
#include "base/lock.h"
#include "base/memory.h"
#include "base/ticks.h"

/* A power of two. A bucket has no more flights than there are threads that miss: a list will do. */
#define BUCKETS 16

/* Keeps the locks of two buckets off one line of the processor's cache. */
#define BUCKET_ALIGNMENT 128

enum progress {
    LED,    /* somebody computes */
    ADRIFT, /* the leader failed; the next to find it leads */
    LANDED, /* there is a result; no longer in the bucket: it is for those who wait, and no other */
};

struct flight {
    struct flight *next; /* in the same bucket; as all that follows, under its lock */
    enum progress progress;
    unsigned waiting;
    pthread_cond_t moved;           /* `progress` has */
    struct query_identity identity; /* the texts are the flight's own; the space is only compared */
    struct result *result;
    int64_t load_ns;
    unsigned source_count;
    struct source sources[]; /* histories not held: only compared. Behind them the texts */
};

struct bucket {
    alignas(BUCKET_ALIGNMENT) struct lock lock;
    struct flight *flights;
};

#define BUCKET                                                                                     \
    {                                                                                              \
        .lock = LOCK_INITIALIZER(LOCK_FLIGHT)                                                      \
    }
#define FOUR_BUCKETS BUCKET, BUCKET, BUCKET, BUCKET

static struct bucket buckets[BUCKETS] = {FOUR_BUCKETS, FOUR_BUCKETS, FOUR_BUCKETS, FOUR_BUCKETS};

/* How many flights this thread leads. */
static _Thread_local unsigned leading;

static struct bucket *bucket_of(struct key key)
{
    return &buckets[key.high & (BUCKETS - 1)];
}

/* ---- what is the same ---- */

static bool same_bytes(const void *a, size_t a_size, const void *b, size_t b_size)
{
    return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

static bool same_identity(const struct query_identity *a, const struct query_identity *b)
{
    return a->key.low == b->key.low && a->key.high == b->key.high && a->space == b->space &&
           a->owner == b->owner &&
           ((same_bytes(a->sql, a->sql_size, b->sql, b->sql_size) &&
             same_bytes(a->params, a->params_size, b->params, b->params_size)) ||
            !GUARD(TEXT_COMPARE));
}

static unsigned sources_in(const struct evidence *evidence)
{
    return evidence != NULL ? evidence->source_count : 0;
}

static bool same_state(const struct flight *flight, const struct evidence *evidence)
{
    if (flight->source_count != sources_in(evidence))
        return false;
    for (unsigned i = 0; i < flight->source_count; i++)
        if (flight->sources[i].history != evidence->sources[i].history ||
            (flight->sources[i].epoch != evidence->sources[i].epoch && GUARD(FLIGHT_STATE)))
            return false;
    return true;
}

/* ---- a flight's life ---- */

/* Its texts behind its sources, which are `sources_size` bytes. */
static void copy_texts(struct flight *flight, size_t sources_size)
{
    struct query_identity *identity = &flight->identity;
    char *at = (char *)flight->sources + sources_size;
    if (identity->sql_size > 0)
        identity->sql = memcpy(at, identity->sql, identity->sql_size);
    at += identity->sql_size;
    if (identity->params_size > 0)
        identity->params = memcpy(at, identity->params, identity->params_size);
}

/* Led by who asks. NULL when memory is short. */
static struct flight *flight_new(const struct query_identity *identity,
                                 const struct evidence *evidence)
{
    size_t sources_size = sources_in(evidence) * sizeof(struct source);
    if (identity->sql_size > SIZE_MAX / 4 || identity->params_size > SIZE_MAX / 4)
        return NULL;
    struct flight *flight =
        memory_alloc(sizeof *flight + sources_size + identity->sql_size + identity->params_size);
    if (flight == NULL)
        return NULL;
    *flight = (struct flight){
        .progress = LED,
        .identity = *identity,
        .source_count = sources_in(evidence),
    };
    if (sources_size > 0)
        memcpy(flight->sources, evidence->sources, sources_size);
    copy_texts(flight, sources_size);
    if (!condition_init(&flight->moved)) {
        memory_free(flight);
        return NULL;
    }
    return flight;
}

/* Nobody leads it or waits for it, and it is in no bucket. Wants no lock held. */
static void flight_free(struct flight *flight)
{
    assert(flight->waiting == 0);
    pthread_cond_destroy(&flight->moved);
    result_release(flight->result);
    memory_free(flight);
}

/* ---- boarding ---- */

/* Wait for the leader's result, or take the lead if it failed. */
static enum boarding join(struct bucket *bucket, struct flight *flight, int64_t wait_ns)
{
    assert(lock_is_held(&bucket->lock));
    if (flight->progress == LED && leading == 0 && wait_ns > 0) {
        int64_t end = ticks_after(ticks_now(), wait_ns);
        flight->waiting++;
        for (int64_t left = wait_ns; flight->progress == LED && left > 0; left = end - ticks_now())
            condition_wait(&flight->moved, &bucket->lock, left);
        flight->waiting--;
    }
    /* The first to find it adrift leads, even if its time is over: it computes anyway. */
    if (flight->progress == ADRIFT) {
        flight->progress = LED;
        return FLIGHT_LEAD;
    }
    return flight->progress == LANDED ? FLIGHT_LANDED : FLIGHT_ALONE;
}

static struct flight *find(const struct bucket *bucket, const struct query_identity *identity,
                           const struct evidence *evidence)
{
    assert(lock_is_held(&bucket->lock));
    struct flight *flight = bucket->flights;
    while (flight != NULL &&
           !(same_identity(&flight->identity, identity) && same_state(flight, evidence)))
        flight = flight->next;
    return flight;
}

static struct flight *depart(struct bucket *bucket, const struct query_identity *identity,
                             const struct evidence *evidence)
{
    assert(lock_is_held(&bucket->lock));
    struct flight *flight = flight_new(identity, evidence);
    if (flight == NULL)
        return NULL;
    flight->next = bucket->flights;
    bucket->flights = flight;
    return flight;
}

enum boarding flight_board(const struct query_identity *identity, const struct evidence *evidence,
                           int64_t wait_ns, struct flight **flight, struct result **result,
                           int64_t *load_ns)
{
    assert(lock_none_is_held());
    *flight = NULL;
    *result = NULL;
    *load_ns = 0;
    struct bucket *bucket = bucket_of(identity->key);
    bool last = false;
    lock_take(&bucket->lock);
    enum boarding boarding;
    struct flight *found = find(bucket, identity, evidence);
    if (found != NULL) {
        boarding = join(bucket, found, wait_ns);
    } else {
        found = depart(bucket, identity, evidence);
        boarding = found != NULL ? FLIGHT_LEAD : FLIGHT_ALONE;
    }
    if (boarding == FLIGHT_LEAD) {
        leading++;
        *flight = found;
    } else if (boarding == FLIGHT_LANDED) {
        *result = result_retain(found->result);
        *load_ns = found->load_ns;
        last = found->waiting == 0;
    }
    lock_give(&bucket->lock);
    if (last)
        flight_free(found);
    return boarding;
}

/* ---- landing ---- */

void flight_land(struct flight *flight, struct result *result, int64_t load_ns)
{
    assert(lock_none_is_held());
    if (flight == NULL)
        return;
    struct bucket *bucket = bucket_of(flight->identity.key);
    lock_take(&bucket->lock);
    struct flight **link = &bucket->flights;
    while (*link != NULL && *link != flight)
        link = &(*link)->next;
    if (*link == NULL) {
        /* Forgotten at a fork: those who wait for it are in another process, and its condition is
        ** not to be touched, as that may wait for them. */
        lock_give(&bucket->lock);
        return;
    }
    leading--;
    bool empty = flight->waiting == 0;
    if (empty || result != NULL)
        *link = flight->next;
    if (!empty && result != NULL) {
        flight->progress = LANDED;
        flight->result = result_retain(result);
        flight->load_ns = load_ns;
    } else if (!empty) {
        flight->progress = ADRIFT;
    }
    /* To all, a failure too: then it does not matter which of them gives up just now. */
    if (!empty)
        pthread_cond_broadcast(&flight->moved);
    lock_give(&bucket->lock);
    if (empty)
        flight_free(flight);
}

void flight_forget_all(void)
{
    for (int i = 0; i < BUCKETS; i++) {
        lock_start_over(&buckets[i].lock);
        buckets[i].flights = NULL;
    }
    leading = 0;
}

#ifdef QUERYCACHE_TEST
unsigned flight_waiting(const struct flight *flight)
{
    struct bucket *bucket = bucket_of(flight->identity.key);
    lock_take(&bucket->lock);
    unsigned waiting = flight->waiting;
    lock_give(&bucket->lock);
    return waiting;
}
#endif
