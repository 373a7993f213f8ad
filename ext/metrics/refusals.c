#include "metrics/refusals.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct refusal refusals[REFUSALS_MAX];
static unsigned used;
static uint64_t noted;

static struct refusal *find(const char *sql, const char *reason)
{
    for (unsigned i = 0; i < used; i++) {
        if (strcmp(refusals[i].sql, sql) == 0 && strcmp(refusals[i].reason, reason) == 0)
            return &refusals[i];
    }
    return NULL;
}

static struct refusal *oldest(void)
{
    struct refusal *found = &refusals[0];
    for (unsigned i = 1; i < used; i++) {
        if (refusals[i].when < found->when)
            found = &refusals[i];
    }
    return found;
}

static void add(const char *sql, const char *reason)
{
    struct refusal made = {.sql = memory_copy_text(sql, strlen(sql)),
                           .reason = memory_copy_text(reason, strlen(reason)),
                           .count = 1,
                           .when = ++noted};
    if (made.sql == NULL || made.reason == NULL) {
        memory_free(made.sql);
        memory_free(made.reason);
        return;
    }
    struct refusal *place = used < REFUSALS_MAX ? &refusals[used++] : oldest();
    memory_free(place->sql);
    memory_free(place->reason);
    *place = made;
}

void refusals_note(const char *sql, const char *reason)
{
    pthread_mutex_lock(&lock);
    struct refusal *refusal = find(sql, reason);
    if (refusal != NULL) {
        refusal->count++;
        refusal->when = ++noted;
    } else {
        add(sql, reason);
    }
    pthread_mutex_unlock(&lock);
}

int refusals_each(int (*each)(const struct refusal *refusal, void *context), void *context)
{
    int stop = 0;
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < used && stop == 0; i++)
        stop = each(&refusals[i], context);
    pthread_mutex_unlock(&lock);
    return stop;
}

void refusals_clear(void)
{
    pthread_mutex_lock(&lock);
    while (used > 0) {
        struct refusal *last = &refusals[--used];
        memory_free(last->sql);
        memory_free(last->reason);
        *last = (struct refusal){0};
    }
    pthread_mutex_unlock(&lock);
}

void refusals_start_over(void)
{
    pthread_mutex_init(&lock, NULL);
    used = 0;
    memset(refusals, 0, sizeof refusals);
}
