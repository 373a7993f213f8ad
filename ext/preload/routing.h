/*
** Routing: which statements of a program that knows nothing of the cache go through it, by rules
** (rules.h) or, where none is for them, by what they take to compute.
*/
#ifndef QUERYCACHE_PRELOAD_ROUTING_H
#define QUERYCACHE_PRELOAD_ROUTING_H

#include <stdbool.h>

#include <sqlite3.h>

struct sqlite3_api_routines;

/*
** A connection was opened: load the extension on it. `api` is what SQLite hands to extensions; of
** several SQLites in the process the first is the one that is served. Where it cannot be, or the
** rules that QUERYCACHE_RULES names are wrong, one line on standard error says so, once, and
** nothing is cached.
*/
void routing_open(sqlite3 *db, const struct sqlite3_api_routines *api);

/* True when the extension was loaded on it. */
bool routing_has(sqlite3 *db);

/* True for a statement that the cache keeps for itself. */
bool routing_is_own(sqlite3_stmt *statement);

/* A statement that was prepared just now, with these flags: put one that reads through the cache in
** its place, or leave it. */
void routing_apply(sqlite3 *db, sqlite3_stmt **statement, unsigned flags);

/*
** A statement is about to begin: where it reads through the cache, take note of what is seen
** outside any transaction. SQLite opens one before it asks the cache; without that note it may not
** be certain which state it sees, and what is computed is then the connection's own.
*/
void routing_begin(sqlite3_stmt *statement);

/* The transaction under way may write this table past the hooks. `schema` may be NULL: any. */
void routing_note_write(sqlite3 *db, const char *schema, const char *table);

/* At the end of the process: what came of it, into the file that QUERYCACHE_REPORT names. */
void routing_report(void);

#endif
