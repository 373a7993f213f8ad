/*
** Refusals: SELECTs that an application prepared through the cache and that were not cached, and
** why, with how often: what cache_refusals shows. The process's, for so many texts as REFUSALS_MAX;
** of more the one that was refused longest ago goes. Thread-safe.
*/
#ifndef QUERYCACHE_METRICS_REFUSALS_H
#define QUERYCACHE_METRICS_REFUSALS_H

#include <stdint.h>

#define REFUSALS_MAX 500

/* Count one more of this text for this reason; both are copied. Where memory is short it is not
** counted. */
void refusals_note(const char *sql, const char *reason);

struct refusal {
    char *sql;
    char *reason;
    uint64_t count;
    uint64_t when; /* its place among all */
};

/* Call `each` for each, under the lock: it must not call back. A non-zero return stops and is
** returned. */
int refusals_each(int (*each)(const struct refusal *refusal, void *context), void *context);

/* Forget all. */
void refusals_clear(void);

/* In the child of a fork(): the lock is made anew, and what was counted is left alone. */
void refusals_start_over(void);

#endif
