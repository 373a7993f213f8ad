/*
** One read through the cache: take a snapshot, make the key, find; or run, keep. This is the only
** place where the parts meet. Called under the connection's mutex.
*/
#ifndef QUERYCACHE_READ_READ_H
#define QUERYCACHE_READ_READ_H

#include "base/buffer.h"
#include "coherence/schema.h"
#include "session/session.h"

/* What is asked for. */
struct request {
    struct cached_query *query;
    int value_count; /* one for each parameter of the definition, in its order */
    sqlite3_value **values;
    /* The statement that asks is known to read one cached table, once: then a hit need not open a
    ** read transaction. */
    bool once;
    struct buffer *params; /* empty; is filled with the values as keys have them (query/key.h) */
};

/*
** The rows of a cached query for these parameters. Leaves the outcome in session->last_status.
**
** Returns SQLITE_OK and a result that the caller releases; or an error code, and in *error a text
** from sqlite3_mprintf() that the caller frees with sqlite3_free() (NULL where memory is short).
*/
int read_through(struct session *session, struct request *request, struct result **result,
                 char **error);

struct stream;

/*
** The same, but what has to be computed comes through a stream (stream.h), row by row: then *stream
** is set instead of *result, unless there is but one row, and the caller ends it. The query and
** request->params must stay until then. SQLITE_SCHEMA, where query->prepared: the SELECT may have
** other columns than were declared.
*/
int read_streaming(struct session *session, struct request *request, struct result **result,
                   struct stream **stream, char **error);

/* Attach something to a result that the request was answered with, if the store still has it: see
** store_extend(). */
bool read_extend(struct session *session, const struct request *request, struct result *result,
                 const struct extension *extension);

/* The key under which the results for these values are kept just now. SQLITE_OK or SQLITE_NOMEM. */
int read_key(struct cached_query *query, sqlite3_value **values, struct key *key);

/*
** Where a statement that writes is under way, keep the schemas in memory from being read anew under
** it. An error, with a text that says what to do, where one is out of date. Release the hold in any
** case: see coherence/schema.h.
*/
int read_guard_writer(struct session *session, struct schema_hold *hold, char **error);

#endif
