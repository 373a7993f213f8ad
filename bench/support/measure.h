/*
** What the benchmarks share: a folder for their files, SQL that must succeed, medians, and how a
** figure is printed. A failure of any kind ends the program: what was measured would mean nothing.
** Thread-safe but for bench_file().
*/
#ifndef BENCH_SUPPORT_MEASURE_H
#define BENCH_SUPPORT_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "querycache.h"

/* ---- SQL that must succeed ---- */

/* An attribute, as cppcheck does not know _Noreturn. */
__attribute__((noreturn)) void bench_fail(const char *what, const char *why);

/* The path of a file in a folder of this program's own, which is removed at exit by the process
** that made it. Caller frees with sqlite3_free(). */
char *bench_file(const char *name);

/* A connection to such a file, with the extension or without; it waits for locks. */
sqlite3 *bench_open(const char *name, bool cached);

void bench_check(sqlite3 *db, int rc, const char *what);

/* printf formats as in sqlite3_mprintf(). */
void bench_run(sqlite3 *db, const char *sql, ...);
sqlite3_stmt *bench_prepare(sqlite3 *db, const char *sql, ...);

/* Step to the end and reset. */
void bench_step(sqlite3_stmt *statement);

/* Whether the last cached read of the connection was a hit, as cache_stats counts them: what
** another was computing just then is one, too. `last_status` is the prepared SELECT
** cache_last_status(). */
bool bench_was_hit(sqlite3_stmt *last_status);

/* ---- numbers ---- */

/* splitmix64: a seed gives the same numbers everywhere. */
uint64_t bench_random(uint64_t *state);
unsigned bench_below(uint64_t *state, unsigned limit);

/* An argument of the program: a number from 0, below `limit`. */
unsigned bench_number(const char *argument, unsigned limit);

/* The numbers are put in order. */
double bench_median(double *numbers, int count);

/* The median of the ratios of two sides, round by round. */
double bench_median_ratio(const double *over, const double *under, int count);

/* ---- printing ---- */

enum bound { AT_MOST, AT_LEAST };

void bench_header(void);
__attribute__((format(printf, 2, 3))) void bench_print(double value, const char *name, ...);
__attribute__((format(printf, 2, 3))) void bench_print_time(double nanoseconds, const char *name,
                                                            ...);

/* And whether it is what is wanted. */
__attribute__((format(printf, 4, 5))) void bench_print_target(double value, enum bound bound,
                                                              double target, const char *name, ...);

#endif
