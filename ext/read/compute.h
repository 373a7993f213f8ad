/*
** Computing: what a read does when the store has no answer: run the query, or wait for another
** connection that is running it; and keep what may be kept. Called under the connection's mutex,
** in a read that read.c has begun.
*/
#ifndef QUERYCACHE_COMPUTE_H
#define QUERYCACHE_COMPUTE_H

#include "base/buffer.h"
#include "coherence/snapshot.h"
#include "session/session.h"

/* A read under way. */
struct reading {
    struct session *session;
    struct cached_query *query;
    sqlite3_value **values;
    enum snapshot_state state;
    bool open;    /* a snapshot is to be closed */
    bool holding; /* it has a read transaction */
    bool alone;   /* the store is asked for what this connection kept for itself */
    bool probed;  /* all that can be found out of doubts and truncations was found out */
    const struct buffer *params; /* the values as keys have them */
    struct query_identity identity;
    struct surroundings surroundings; /* of the identity */
    struct stream **stream; /* what has to be computed is to go through one; NULL: at once */
};

/* Take a snapshot of what the query reads, in place of the one that is open. */
int reading_take_snapshot(struct reading *reading, bool hold);

/* Whether an entry may be served in this snapshot; `context` is the reading. */
enum verdict reading_judge(const struct evidence *evidence, void *context);

/* Run the query, and keep nothing: a bypass. SQLITE_SCHEMA: start the read over. */
int compute_without_store(struct reading *reading, struct result **result, char **error);

/*
** Compute the result, in a snapshot that is held, and keep it if it is certain to be right for what
** was seen. Where another connection is computing the same, wait for its result instead: no longer
** than the setting coalesce_wait, and not while this connection is writing. SQLITE_SCHEMA as above.
*/
int compute_and_keep(struct reading *reading, struct result **result, char **error);

/* ---- for who computes otherwise ---- */

/* What a result computed from now on will rest on: NULL where nothing may be kept, as rows cannot be
** looked for (an authorizer). Caller frees with memory_free(). SQLITE_OK or SQLITE_NOMEM. */
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
