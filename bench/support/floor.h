/*
** The floor: the least that any virtual table costs. A table of the module `constant` has constant
** rows of the shape x(name TEXT, quantity INTEGER, price REAL, id HIDDEN), and nothing behind them:
** one, or as many as its argument says, USING constant(1000).
*/
#ifndef BENCH_SUPPORT_FLOOR_H
#define BENCH_SUPPORT_FLOOR_H

#include <sqlite3.h>

/* Register the module `constant` on a connection. Returns SQLite's result code. */
int floor_register(sqlite3 *db);

#endif
