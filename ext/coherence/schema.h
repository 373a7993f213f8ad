/*
** Schemas in memory: whether what the connection knows of a database's schema is still what the
** file says. SQLite finds out when a statement runs, and then throws the schemas of that database
** and of temp away. It may not do so in the middle of a virtual table's xCreate, nor under a
** statement that writes: both hold pointers into them. So these moments ask first. Called under
** the connection's mutex.
*/
#ifndef QUERYCACHE_COHERENCE_SCHEMA_H
#define QUERYCACHE_COHERENCE_SCHEMA_H

#include <stdbool.h>

#include "base/sqlite.h"
#include "coherence/observer.h"

/* As many as SQLite can attach (SQLITE_MAX_ATTACHED is at most 125), main and temp. */
#define SCHEMA_HOLDS 127

/* Read transactions that keep the schemas as they were found. */
struct schema_hold {
    struct observer *observer;
    sqlite3_stmt *statements[SCHEMA_HOLDS];
    int count;
};

/*
** Open a read transaction on every database but temp that no transaction is open on, and compare
** its schema with the one in memory. SQLITE_OK: they are equal, and stay so until
** schema_release(). SQLITE_SCHEMA: one is out of date; `stale` then names it. Or SQLite's error
** code. Release in any case. A database that is locked by others cannot be compared: until the
** release it is marked (`out_of_reach`), and must not be read.
*/
int schema_hold(struct observer *observer, struct schema_hold *hold, char stale[64]);

/*
** The same where a statement that writes is under way: it holds pointers into the schemas in
** memory, and to read a database whose schema others changed would have SQLite throw those away
** under it. Elsewhere nothing is held, and the answer is SQLITE_OK.
*/
int schema_hold_for_writer(struct observer *observer, struct schema_hold *hold, char stale[64]);

void schema_release(struct schema_hold *hold);

/* A hash of the versions of all schemas in memory: it changes when one is read anew. */
uint64_t schema_fingerprint(const struct observer *observer);

/*
** Have SQLite compare the schemas of these databases with their files. One that is out of date is
** read anew, and every pointer into it is dead. SQLITE_SCHEMA where SQLite may not do so now (in
** xConnect), but will once the statement under way starts over: until then nothing more may be
** prepared, or SQLite (3.52 still does) takes the schemas for known and finds no table. So the last
** that is looked at is one that is out of date. Or SQLite's error code.
*/
int schema_verify(const struct observer *observer, struct database *const *databases,
                  unsigned count);

/*
** After SQLITE_SCHEMA in xConnect: SQLite starts a statement over once and no more, so by then it
** has to know of every schema that is out of date. This compares those of all that the SELECT
** reads; and, where that leaves no transaction behind, of all others, which another cached table in
** the same statement may read. SQLITE_SCHEMA, and what is said above holds from here on.
*/
int schema_find_outdated(const struct observer *observer, const char *sql);

/* The same for all databases, with no answer. */
void schema_reload(const struct observer *observer);

/* Whether a database has a view, by the schema in memory, without a lock; true where that is not
** known. */
bool schema_may_have_views(sqlite3 *db, const char *schema);

#endif
