/*
** One point of a curve: the sides compared there take their turn in each of some short rounds, and
** the median turn of each is its figure. What `make bench-report` draws is made of these.
*/
#ifndef BENCH_SUPPORT_SERIES_H
#define BENCH_SUPPORT_SERIES_H

#include <stdint.h>

#include "rows.h"

/* One of the things compared. */
struct side {
    void (*run)(void *context); /* once */
    void *context;
    double time; /* what came out: nanoseconds per run */
};

void series_measure(struct side *sides, int count);

/* A side's context: a statement that is read to its end, all values; where `limit` is not 0, with a
** random number from 1 to `limit` as its first parameter. */
struct random_read {
    sqlite3_stmt *statement;
    unsigned limit;
    uint64_t state;
};
void series_read(void *random_read);

/* 1, 2, 5, 10, 20, 50, … */
int series_next(int number);

#endif
