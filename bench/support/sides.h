/*
** Sides: SQL statements that are compared with one another on one connection. They are measured in
** many short rounds, in each of which all sides take their turn, so that a busy machine slows them
** alike; a ratio is the median of the rounds' ratios.
**
** A run is bind, step to the end, reset; nothing reads the columns. Every side is prepared once.
** A side with a status is a cached read: its rows must be those of the first side, and it must have
** been answered so.
*/
#ifndef BENCH_SUPPORT_SIDES_H
#define BENCH_SUPPORT_SIDES_H

#include "measure.h"

#define SIDES_MAX 3
#define SIDES_MAX_ROUNDS 2000

/* One of the things compared. */
struct side {
    const char *name;
    const char *sql;
    sqlite3_int64 parameter; /* bound where the statement has one */
    const char *status;      /* what cache_last_status() must say after a run; NULL: not asked */
    bool through;            /* it is prepared through the cache, */
    const char *options;     /* with these options */
    bool clear;              /* the store is emptied before each round */
    int runs;                /* in one round */
    sqlite3_stmt *statement;
    double times[SIDES_MAX_ROUNDS]; /* nanoseconds per run */
};

/* All sides are on this connection, with the extension; sides_end() before it is closed. */
void sides_begin(sqlite3 *on);
void sides_end(void);

/* Prepare, check and measure. */
void sides_measure(struct side *sides, int count, int rounds);

/* The median time of a statement by itself, over a few runs. */
double sides_time_alone(struct side *side, int runs);

/* The median of the ratios. */
double sides_ratio(const struct side *over, const struct side *under, int rounds);

/* All times, and their ratios to the first side's. */
void sides_print(const char *title, const struct side *sides, int count, int rounds);

#endif
