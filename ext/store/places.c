#include "store/places.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/condition.h"
#include "base/lock.h"
#include "base/memory.h"
#include "base/ticks.h"

#define TICKS_PER_MS (TICKS_PER_SECOND / 1000)

/* ---- what a place is given to keep ---- */

/* In front of the key and the value, so that what comes back can be told from anything else. */
struct frame {
    char magic[8];
    uint64_t key_size;
    uint64_t value_size;
    uint64_t checksum; /* of all that follows, and of the sizes */
};

static const char magic[8] = {'q', 'c', 'p', 'l', 'a', 'c', 'e', '1'};

static uint64_t checksum_of(const struct frame *frame, const void *bytes)
{
    return XXH3_64bits_withSeed(bytes, (size_t)(frame->key_size + frame->value_size),
                                frame->key_size);
}

/* Whether the bytes are what was put under that key, and nothing else. */
static bool frame_is(const void *bytes, size_t size, const void *key, size_t key_size)
{
    struct frame frame;
    if (bytes == NULL || size < sizeof frame)
        return false;
    memcpy(&frame, bytes, sizeof frame);
    const char *behind = (const char *)bytes + sizeof frame;
    size_t left = size - sizeof frame;
    return memcmp(frame.magic, magic, sizeof magic) == 0 && frame.key_size == key_size &&
           left >= key_size && frame.value_size == left - key_size &&
           memcmp(behind, key, key_size) == 0 && frame.checksum == checksum_of(&frame, behind);
}

/* ---- jobs ---- */

enum kind { GET, PUT, DROP };

struct job {
    struct job *next;
    enum kind kind;
    bool done;
    bool forsaken; /* the reader waits no longer: the place's thread frees it */
    enum place_answer answer;
    struct place_value found;
    size_t key_size;
    size_t value_size; /* of the frame, the key and the value, where it is to be put */
    char bytes[];      /* the key; then the value */
};

static struct job *job_new(enum kind kind, const void *key, size_t key_size, const void *value,
                           size_t value_size)
{
    struct frame frame = {.key_size = key_size, .value_size = value_size};
    if (key_size > PLACE_QUEUE_BYTES || value_size > PLACE_QUEUE_BYTES)
        return NULL;
    size_t kept = kind == PUT ? sizeof frame + key_size + value_size : 0;
    struct job *job = memory_alloc(sizeof *job + key_size + kept);
    if (job == NULL)
        return NULL;
    *job = (struct job){.kind = kind, .key_size = key_size, .value_size = kept};
    memcpy(job->bytes, key, key_size);
    if (kind == PUT) {
        char *behind = job->bytes + key_size + sizeof frame;
        memcpy(behind, key, key_size);
        memcpy(behind + key_size, value, value_size);
        memcpy(frame.magic, magic, sizeof magic);
        frame.checksum = checksum_of(&frame, behind);
        memcpy(job->bytes + key_size, &frame, sizeof frame);
    }
    return job;
}

static size_t job_size(const struct job *job)
{
    return sizeof *job + job->key_size + job->value_size;
}

static void job_free(struct job *job)
{
    memory_free(job->found.bytes);
    memory_free(job);
}

/* ---- a place ---- */

struct place {
    struct result_place added;
    char *name;
    _Atomic unsigned holds; /* the list, the place's thread, and whoever asks it */
    struct lock lock;       /* of all that follows */
    pthread_cond_t work;
    pthread_cond_t done;
    struct job *first;
    struct job *running;
    size_t queued; /* bytes */
    bool closing;
    bool suspended;      /* over its limit: until the call has come back */
    int64_t rests_until; /* ticks; and until then */
};

static struct lock lock = LOCK_INITIALIZER(LOCK_PLACES); /* of the list */
static struct place *places[PLACES];                     /* by priority */
_Atomic unsigned places_count;

static struct {
    _Atomic uint64_t found, missed, told, left_out, errors;
} counted;

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void place_release(struct place *place)
{
    if (atomic_fetch_sub(&place->holds, 1) != 1)
        return;
    pthread_cond_destroy(&place->work);
    pthread_cond_destroy(&place->done);
    lock_destroy(&place->lock);
    memory_free(place->name);
    memory_free(place);
}

static bool place_rests(const struct place *place)
{
    assert(lock_is_held(&place->lock));
    return place->closing || place->suspended || ticks_now() < place->rests_until;
}

/* It has been over its limit. */
static void place_suspend(struct place *place)
{
    assert(lock_is_held(&place->lock));
    count(&counted.errors);
    place->suspended = place->running != NULL;
    place->rests_until = ticks_after(ticks_now(), PLACE_PAUSE_MS * TICKS_PER_MS);
}

/* A reader waits for what it asks: that goes first. */
static void enqueue(struct place *place, struct job *job)
{
    assert(lock_is_held(&place->lock));
    struct job **link = &place->first;
    while (*link != NULL && (job->kind != GET || (*link)->kind == GET))
        link = &(*link)->next;
    job->next = *link;
    *link = job;
    place->queued += job_size(job);
    pthread_cond_signal(&place->work);
}

static bool dequeue(struct place *place, struct job *job)
{
    assert(lock_is_held(&place->lock));
    struct job **link = &place->first;
    while (*link != NULL && *link != job)
        link = &(*link)->next;
    if (*link == NULL)
        return false;
    *link = job->next;
    place->queued -= job_size(job);
    return true;
}

/* ---- the place's thread ---- */

static enum place_answer call(const struct result_place *place, struct job *job)
{
    const char *value = job->bytes + job->key_size;
    switch (job->kind) {
    case GET:
        return place->get(place->context, job->bytes, job->key_size, &job->found);
    case PUT:
        return place->put(place->context, job->bytes, job->key_size, value, job->value_size);
    case DROP:
        break;
    }
    return place->drop(place->context, job->bytes, job->key_size);
}

/* The call came back. */
static void settle(struct place *place, struct job *job, enum place_answer answer, int64_t took)
{
    assert(lock_is_held(&place->lock));
    bool waited_for = job->kind == GET && !job->forsaken;
    place->running = NULL;
    if (answer == PLACE_FAILED)
        count(&counted.errors);
    if (place->suspended)
        place->rests_until = ticks_after(ticks_now(), PLACE_PAUSE_MS * TICKS_PER_MS);
    else if (job->kind != GET && took > place->added.limit_ms * TICKS_PER_MS)
        place_suspend(place);
    place->suspended = false;
    job->answer = answer;
    job->done = true;
    if (!waited_for)
        job_free(job);
    pthread_cond_broadcast(&place->done);
}

static void *serve(void *context)
{
    struct place *place = context;
    lock_take(&place->lock);
    while (!place->closing || place->first != NULL) {
        struct job *job = place->first;
        if (job == NULL) {
            condition_wait(&place->work, &place->lock, TICKS_NEVER);
            continue;
        }
        dequeue(place, job);
        place->running = job;
        lock_give(&place->lock);
        int64_t begun = ticks_now();
        enum place_answer answer = call(&place->added, job);
        int64_t took = ticks_now() - begun;
        lock_take(&place->lock);
        settle(place, job, answer, took);
    }
    lock_give(&place->lock);
    if (place->added.close != NULL)
        place->added.close(place->added.context);
    place_release(place);
    return NULL;
}

/* A thread that hears no signal: those are for the application's. */
static bool start(struct place *place)
{
    sigset_t all;
    sigset_t before;
    pthread_t thread;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    bool started = pthread_create(&thread, NULL, serve, place) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        pthread_detach(thread);
    return started;
}

/* ---- asking and telling ---- */

/* Number `number` in the list, with one more hold; NULL behind the last. */
static struct place *place_hold(unsigned number)
{
    lock_take(&lock);
    struct place *place = number < PLACES ? places[number] : NULL;
    if (place != NULL)
        atomic_fetch_add(&place->holds, 1);
    lock_give(&lock);
    return place;
}

/* Wait for the answer, no longer than the limit; the job is the place's then. */
static bool await(struct place *place, struct job *job)
{
    assert(lock_is_held(&place->lock));
    int64_t end = ticks_after(ticks_now(), place->added.limit_ms * TICKS_PER_MS);
    for (int64_t left = end - ticks_now(); !job->done && left > 0; left = end - ticks_now())
        condition_wait(&place->done, &place->lock, left);
    if (job->done)
        return true;
    place_suspend(place);
    job->forsaken = true;
    if (dequeue(place, job))
        job_free(job);
    return false;
}

/* PLACE_NONE, too, where it is not asked. */
static enum place_answer ask(struct place *place, const void *key, size_t key_size,
                             struct place_value *value)
{
    struct job *job = job_new(GET, key, key_size, NULL, 0);
    enum place_answer answer = PLACE_NONE;
    *value = (struct place_value){0};
    if (job == NULL)
        return PLACE_NONE;
    lock_take(&place->lock);
    bool rests = place_rests(place);
    bool answered = false;
    if (rests) {
        count(&counted.left_out);
    } else {
        enqueue(place, job);
        answered = await(place, job);
    }
    lock_give(&place->lock);
    if (answered) {
        answer = job->answer;
        *value = job->found;
        job->found = (struct place_value){0};
    }
    if (answered || rests)
        job_free(job);
    return answer;
}

static void tell(struct place *place, struct job *job)
{
    lock_take(&place->lock);
    bool taken = !place_rests(place) && place->queued + job_size(job) <= PLACE_QUEUE_BYTES;
    if (taken)
        enqueue(place, job);
    lock_give(&place->lock);
    count(taken ? &counted.told : &counted.left_out);
    if (!taken)
        job_free(job);
}

static void tell_all(enum kind kind, const void *key, size_t key_size, const void *value,
                     size_t value_size)
{
    struct place *place;
    for (unsigned i = 0; (place = place_hold(i)) != NULL; i++) {
        struct job *job = job_new(kind, key, key_size, value, value_size);
        if (job != NULL)
            tell(place, job);
        else
            count(&counted.left_out);
        place_release(place);
    }
}

bool places_get(unsigned *from, const void *key, size_t key_size, struct place_value *value)
{
    bool found = false;
    struct place *place;
    while (!found && (place = place_hold(*from)) != NULL) {
        ++*from;
        enum place_answer answer = ask(place, key, key_size, value);
        found = answer == PLACE_DONE && frame_is(value->bytes, value->size, key, key_size);
        if (answer == PLACE_DONE && !found) {
            struct job *job = job_new(DROP, key, key_size, NULL, 0);
            count(&counted.errors);
            if (job != NULL)
                tell(place, job);
        }
        if (!found)
            memory_free(value->bytes);
        place_release(place);
    }
    count(found ? &counted.found : &counted.missed);
    if (!found) {
        *value = (struct place_value){0};
        return false;
    }
    size_t before = sizeof(struct frame) + key_size;
    value->size -= before;
    memmove(value->bytes, (char *)value->bytes + before, value->size);
    return true;
}

void places_put(const void *key, size_t key_size, const void *value, size_t value_size)
{
    tell_all(PUT, key, key_size, value, value_size);
}

void places_drop(const void *key, size_t key_size)
{
    tell_all(DROP, key, key_size, NULL, 0);
}

static _Atomic uint64_t generation;

void places_invalidate(void)
{
    atomic_fetch_add(&generation, 1);
}

uint64_t places_generation(void)
{
    return atomic_load(&generation);
}

void places_count_error(void)
{
    count(&counted.errors);
}

struct place_counters places_counters(void)
{
    return (struct place_counters){.found = atomic_load(&counted.found),
                                   .missed = atomic_load(&counted.missed),
                                   .told = atomic_load(&counted.told),
                                   .left_out = atomic_load(&counted.left_out),
                                   .errors = atomic_load(&counted.errors)};
}

/* ---- adding and removing ---- */

static struct place *place_new(const struct result_place *added)
{
    struct place *place = memory_alloc_zero(sizeof *place);
    if (place == NULL)
        return NULL;
    place->added = *added;
    place->name = memory_copy_text(added->name, strlen(added->name));
    place->added.name = place->name;
    atomic_init(&place->holds, 2);
    if (place->name != NULL && lock_init(&place->lock, LOCK_PLACE) &&
        condition_init(&place->work) && condition_init(&place->done))
        return place;
    memory_free(place->name);
    memory_free(place);
    return NULL;
}

/* Where it goes in the list; PLACES where it cannot. */
static unsigned find_room(const struct result_place *added)
{
    assert(lock_is_held(&lock));
    unsigned at = 0;
    for (unsigned i = 0; i < PLACES && places[i] != NULL; i++) {
        if (strcmp(places[i]->name, added->name) == 0)
            return PLACES;
        at += places[i]->added.priority >= added->priority;
    }
    return places[PLACES - 1] == NULL ? at : PLACES;
}

bool places_add(const struct result_place *added)
{
    if (added->version != RESULT_PLACE_VERSION || added->name == NULL || added->limit_ms == 0 ||
        added->get == NULL || added->put == NULL || added->drop == NULL)
        return false;
    struct place *place = place_new(added);
    if (place == NULL)
        return false;
    lock_take(&lock);
    unsigned at = find_room(added);
    bool done = at < PLACES && start(place);
    if (done) {
        memmove(&places[at + 1], &places[at], (PLACES - 1 - at) * sizeof *places);
        places[at] = place;
        atomic_fetch_add(&places_count, 1);
    }
    lock_give(&lock);
    if (!done) {
        atomic_store(&place->holds, 1);
        place_release(place);
    }
    return done;
}

bool places_remove(const char *name)
{
    lock_take(&lock);
    unsigned at = 0;
    while (at < PLACES && places[at] != NULL && strcmp(places[at]->name, name) != 0)
        at++;
    struct place *place = at < PLACES ? places[at] : NULL;
    if (place != NULL) {
        memmove(&places[at], &places[at + 1], (PLACES - 1 - at) * sizeof *places);
        places[PLACES - 1] = NULL;
        atomic_fetch_sub(&places_count, 1);
    }
    lock_give(&lock);
    if (place == NULL)
        return false;
    lock_take(&place->lock);
    place->closing = true;
    pthread_cond_signal(&place->work);
    lock_give(&place->lock);
    place_release(place);
    return true;
}

bool places_settle(unsigned ms)
{
    int64_t end = ticks_after(ticks_now(), ms * TICKS_PER_MS);
    bool settled = true;
    struct place *place;
    for (unsigned i = 0; (place = place_hold(i)) != NULL; i++) {
        lock_take(&place->lock);
        while ((place->first != NULL || place->running != NULL) && ticks_now() < end)
            condition_wait(&place->done, &place->lock, TICKS_PER_MS);
        settled = settled && place->first == NULL && place->running == NULL;
        lock_give(&place->lock);
        place_release(place);
    }
    return settled;
}

void places_forget_all(void)
{
    lock_start_over(&lock);
    memset(places, 0, sizeof places);
    atomic_store(&places_count, 0);
}
