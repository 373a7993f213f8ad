/*
** Prepared queries: SELECTs of the application that it prepares, and that read through the cache
** all the same (prepare.h). Behind each is an eponymous virtual table of its own, which only the
** statement that was made for it names:
**
**     SELECT * FROM "querycache 3: SELECT id, name FROM users WHERE city = ?"(?)
**
** Creating it writes no schema, so it works in any transaction and leaves nothing in the database;
** it goes with the connection. Rows that are not in the store come as the query itself would give
** them, one by one. Called under the connection's mutex.
*/
#ifndef QUERYCACHE_STATEMENT_PREPARED_TABLE_H
#define QUERYCACHE_STATEMENT_PREPARED_TABLE_H

#include "session/session.h"

/* That of this text and these options, or NULL. */
struct cached_query *prepared_find(const struct session *session, const char *sql,
                                   const char *options);

/*
** Make one: its statement is prepared, and its table can be named. Where the SELECT cannot be
** cached, cached_query_is_refused(). The session owns it. SQLite's error codes; *error
** (sqlite3_mprintf) is only for options that are wrong, as the application has SQLite's own words
** for all else.
*/
int prepared_open(struct session *session, const char *sql, const char *name, const char *options,
                  struct cached_query **query, char **error);

/* Bring it up to date with the schemas. SQLite's error codes. */
int prepared_refresh(struct session *session, struct cached_query *query);

/* Have the table declare the columns that the SELECT has now, if they are others. */
int prepared_renew(struct cached_query *query);

/*
** Settle how statements over it name their columns, before prepared_renew(): by `*`, where the
** table's can have the names that the plain statement has, and these are not `given` by the SELECT
** itself; else they stand in the text, and are fixed. *settled is false where statements are in use
** that name them otherwise. SQLite's error codes.
*/
int prepared_settle_names(struct cached_query *query, sqlite3_stmt *plain, bool given,
                          bool *settled);
bool prepared_has_fixed_names(const struct cached_query *query);

/* The text of the statement over it; caller frees with memory_free(), NULL when memory is short. */
char *prepared_text(const struct cached_query *query);

/* True for the text of such a statement. */
bool prepared_is_mark(const char *sql);

#endif
