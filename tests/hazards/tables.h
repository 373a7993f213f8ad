/*
** What the hazard tests share: three tables, a cached table over each, and the places and modes in
** which a database can live.
*/
#ifndef TESTS_HAZARDS_TABLES_H
#define TESTS_HAZARDS_TABLES_H

#include <stdbool.h>

#include "../support.h"

#define SCHEMA                                                                                     \
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c INT);"                                        \
    "CREATE TABLE other(a INTEGER PRIMARY KEY, b TEXT);"                                           \
    "CREATE TABLE w(k TEXT PRIMARY KEY, v INT) WITHOUT ROWID;"                                     \
    "INSERT INTO t VALUES (1, 'x', 10), (2, 'y', 20), (3, 'z', 30);"                               \
    "INSERT INTO other VALUES (1, 'o');"                                                           \
    "INSERT INTO w VALUES ('k', 1);"

#define CACHES                                                                                     \
    "CREATE VIRTUAL TABLE temp.ct USING cache((SELECT a, b, c FROM main.t ORDER BY a));"           \
    "CREATE VIRTUAL TABLE temp.co USING cache((SELECT a, b FROM main.other ORDER BY a));"          \
    "CREATE VIRTUAL TABLE temp.cw USING cache((SELECT k, v FROM main.w ORDER BY k));"

#define T "SELECT a, b, c FROM main.t ORDER BY a"
#define OTHER "SELECT a, b FROM main.other ORDER BY a"
#define W "SELECT k, v FROM main.w ORDER BY k"

/* Where a database lives, and in which mode. */
struct place {
    const char *name;
    const char *file; /* NULL: in memory */
    const char *setup;
};

/* Sleep for longer than any tick, in which the times of a file that was written to just now tell a
** newcomer nothing (ext/coherence/stamp.h). */
void file_tick(void);

/* Make the database, its tables and the cached ones anew. */
sqlite3 *open_place(const struct place *place);

/* The same in WAL mode, in a file of that name. */
sqlite3 *open_file(const char *name);

/* Read everything into the cache, twice: once clocks are known, the second reads are hits. */
void warm(sqlite3 *db);

/* "place: text"; valid until the next call. */
const char *name(const char *place, const char *text);

/* A check for each of the three tables. */
void check_all(sqlite3 *db, const char *place, const char *text);

#endif
