/*
** Ad hoc queries: SQL text that nobody named, as cache_query() and cache_rows() get it. A session
** keeps the texts asked last prepared, so that asking again costs no analysis. Called under the
** connection's mutex.
*/
#ifndef QUERYCACHE_READ_AD_HOC_H
#define QUERYCACHE_READ_AD_HOC_H

#include "session/session.h"

/*
** The rows of a SELECT, through the cache. Finds or prepares its cached query, which stays the
** session's and is valid until the next call. The number of values must be the number of
** parameters. Errors as those of read_through(); one, too, for a SELECT that cannot be cached.
*/
int ad_hoc_read(struct session *session, const char *sql, int value_count, sqlite3_value **values,
                struct result **result, struct cached_query **query, char **error);

/* Find or prepare the cached query of a text, without reading; it may be one that cannot be
** cached. */
int ad_hoc_prepare(struct session *session, const char *sql, struct cached_query **query,
                   char **error);

/* An error where the number of values is not the number of parameters. */
int ad_hoc_check_count(const struct cached_query *query, int value_count, char **error);

#endif
