/*
** Computing: what a read does when the store has no answer: run the query, or wait for another
** connection that is running it; and keep what may be kept. Called under the connection's mutex,
** in a read that read.c has begun.
*/
#ifndef QUERYCACHE_READ_COMPUTE_H
#define QUERYCACHE_READ_COMPUTE_H

#include "read/reading.h"

/*
** Ask the places of results (store/places.h), in a snapshot that is held, and keep in the store
** what one of them gives. True: *result is the caller's. Costs nothing where there is no place.
*/
bool compute_find_elsewhere(struct reading *reading, struct result **result);

/* Run the query, and keep nothing: a bypass. SQLITE_SCHEMA: start the read over. */
int compute_without_store(struct reading *reading, struct result **result, char **error);

/*
** Compute the result, in a snapshot that is held, and keep it if it is certain to be right for what
** was seen. Where another connection is computing the same, wait for its result instead: no longer
** than the setting coalesce_wait, and not while this connection is writing. SQLITE_SCHEMA as above.
*/
int compute_and_keep(struct reading *reading, struct result **result, char **error);

/* ---- for who computes otherwise ---- */

/* What a result computed from now on will rest on: NULL where nothing may be kept, as rows cannot
** be looked for (an authorizer). Caller frees with memory_free(). SQLITE_OK or SQLITE_NOMEM. */
int compute_evidence(const struct reading *reading, struct evidence **evidence);

/* The statement, the schemas and the databases are what they were when the computation began. */
bool compute_may_keep(const struct reading *reading);

/* Whether a result of that size and length could be kept, as the options have it. */
bool compute_is_keepable(const struct cached_query *query, size_t size, uint64_t rows);

/* Keep a result that is certain to be right, or count why it is not. */
void compute_keep(struct reading *reading, struct result *result, const struct evidence *evidence,
                  int64_t duration);

/* Without a snapshot a result may have been computed for a schema that changed, and with it the
** columns: then SQLITE_SCHEMA. */
int compute_check_schema(struct reading *reading);

#endif
