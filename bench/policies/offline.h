/*
** What policies are held against: the best that can be had, by looking ahead, and what comes of no
** choice at all. Of a trace, with room for so many keys; the share of hits.
*/
#ifndef BENCH_POLICIES_OFFLINE_H
#define BENCH_POLICIES_OFFLINE_H

#include "trace.h"

/* Belady's: what is asked for again last goes, or does not come in at all. */
double offline_optimum(const struct trace *trace, uint32_t room);

/* Any goes. */
double offline_random(const struct trace *trace, uint32_t room);

#endif
