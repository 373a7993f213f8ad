/*
** Libraries: which SQLite this copy of the extension serves, where a process has several (Python's
** sqlite3 beside apsw, node:sqlite beside better-sqlite3), and who serves the others.
**
** SQLite hands each extension its table of routines, and the extension has one pointer to one
** (sqlite3_api), through which all of it calls. The first SQLite that loads the library claims it.
** For each other one a copy of the library is made (copy.h), which that one claims: code,
** variables, store and settings of its own. So a hit costs what it did: the other way, a table for
** each connection, would be looked up at each of the calls. A copy cannot make copies, and is never
** asked to: its file is gone.
**
** An SQLite that is unloaded, and loaded again at another place, gets what served it. Another build
** of it at the same place does not: what was found out about the one may not hold for the other.
**
** Thread-safe. No lock is held while a library is loaded or asked for, which waits for the dynamic
** linker's.
*/
#ifndef QUERYCACHE_LOAD_LIBRARIES_H
#define QUERYCACHE_LOAD_LIBRARIES_H

#include "load/copy.h"

/* So many SQLites, and builds of it, in the life of a process. */
#define LIBRARIES_MAX 8

/*
** Who serves the SQLite of that table: this copy (`*other` is NULL, and sqlite3_api is the table
** from now on) or another. SQLITE_ERROR with a text from that SQLite in `*error` where nobody can;
** then nothing changed.
*/
int libraries_enter(const struct sqlite3_api_routines *api, const struct copy **other,
                    char **error);

/*
** Who serves a connection, which the program names itself: this copy (`*other` is NULL) or another.
** SQLITE_MISUSE before any SQLite has loaded the extension, and for a connection without it where
** several have: whose it is cannot be told, and the wrong SQLite must not touch it. Then the log
** says so.
*/
int libraries_find(sqlite3 *db, const struct copy **other);

/*
** The copies, one after the other, but those whose SQLite was unloaded: `*number` is 0 at first,
** and then left alone. NULL: there are no more.
*/
const struct copy *libraries_next(unsigned *number);

#endif
