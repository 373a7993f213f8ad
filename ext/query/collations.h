/*
** Collations: whether those that SQLite brings along, BINARY, NOCASE and RTRIM, are still its own
** on a connection. An application may put another comparison under the same name; the program that
** SQLite compiles does not tell, and neither does any list. So they are asked to compare. Called
** under the connection's mutex.
*/
#ifndef QUERYCACHE_QUERY_COLLATIONS_H
#define QUERYCACHE_QUERY_COLLATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sqlite.h"

/* True for the names of the three, as EXPLAIN shows them. */
bool collation_is_built_in(const char *name, size_t size);

/*
** EXPLAIN lists the keys of a sort as "k(3,B,-NOCASE,N.B)": BINARY is a B there. Set *own where the
** connection has a collation whose name cannot be told from such a list. One that is new expires no
** statement, so this is asked each time. SQLite's error code.
*/
int collations_look_alike(sqlite3 *db, bool *own);

/*
** Compare a few dozen texts with each of the three, and say in *own whether any of them answers
** otherwise than SQLite's. A replacement that agrees on all of these (letters of both cases from
** several scripts, digits, signs, spaces) is not found out. `utf8`: the encoding of the database.
** SQLite's error code.
*/
int collations_check(sqlite3 *db, bool utf8, bool *own);

#endif
