/*
** One read through the cache: take a snapshot, make the key, find; or run, keep. This is the only
** place where the parts meet. Called under the connection's mutex.
*/
#ifndef QUERYCACHE_READ_H
#define QUERYCACHE_READ_H

#include "session.h"

/*
** The rows of a cached query for these parameters (one value per parameter of the definition, in
** its order). `once` says that the statement which asks is known to read one cached table, once:
** then a hit need not open a read transaction. Leaves the outcome in session->last_status.
**
** Returns SQLITE_OK and a result that the caller releases; or an error code, and in *error a text
** from sqlite3_mprintf() that the caller frees with sqlite3_free() (NULL where memory is short).
*/
int read_through(struct session *session, struct cached_query *query, int value_count,
                 sqlite3_value **values, bool once, struct result **result, char **error);

/*
** The same for SQL text that nobody named: finds or prepares its cached query, which stays the
** session's and is valid until the next call. The number of values must be the number of
** parameters.
*/
int read_ad_hoc(struct session *session, const char *sql, int value_count, sqlite3_value **values,
                struct result **result, struct cached_query **query, char **error);

/* Find or prepare the cached query of an ad hoc text, without reading. */
int read_prepare(struct session *session, const char *sql, struct cached_query **query,
                 char **error);

/* The key under which these values are kept just now. */
int read_key(struct session *session, struct cached_query *query, int value_count,
             sqlite3_value **values, struct key *key, char **error);

#endif
