#include "metrics/refusals.h"

#include <string.h>

#include "base/lock.h"
#include "base/memory.h"

static struct lock lock = LOCK_INITIALIZER(LOCK_REFUSALS);
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
    lock_take(&lock);
    struct refusal *refusal = find(sql, reason);
    if (refusal != NULL) {
        refusal->count++;
        refusal->when = ++noted;
    } else {
        add(sql, reason);
    }
    lock_give(&lock);
}

int refusals_each(int (*each)(const struct refusal *refusal, void *context), void *context)
{
    int stop = 0;
    lock_take(&lock);
    for (unsigned i = 0; i < used && stop == 0; i++)
        stop = each(&refusals[i], context);
    lock_give(&lock);
    return stop;
}

void refusals_clear(void)
{
    lock_take(&lock);
    while (used > 0) {
        struct refusal *last = &refusals[--used];
        memory_free(last->sql);
        memory_free(last->reason);
        *last = (struct refusal){0};
    }
    lock_give(&lock);
}

void refusals_start_over(void)
{
    lock_start_over(&lock);
    used = 0;
    memset(refusals, 0, sizeof refusals);
}
