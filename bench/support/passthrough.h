/*
** A virtual table that runs a SELECT each time it is read, hands its rows on, and keeps nothing:
** what a miss would cost if keeping were free.
**
**     CREATE VIRTUAL TABLE temp.passed USING passthrough((SELECT a, b FROM t))
**
** Its columns are called c0, c1, …, and have no type.
*/
#ifndef BENCH_SUPPORT_PASSTHROUGH_H
#define BENCH_SUPPORT_PASSTHROUGH_H

#include <sqlite3.h>

/* Register the module `passthrough` on a connection. Returns SQLite's result code. */
int passthrough_register(sqlite3 *db);

#endif
