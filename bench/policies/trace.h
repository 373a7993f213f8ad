/*
** Traces: the keys that are asked for, one after the other. Recorded ones come from files that need
** not be there; the others are drawn by rules that a seed repeats. A trace is freed by
** trace_free().
*/
#ifndef BENCH_POLICIES_TRACE_H
#define BENCH_POLICIES_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace {
    uint32_t *keys; /* below key_count */
    size_t length;
    uint32_t key_count;
};

/* A file of big-endian 32-bit numbers, compressed by xz, from the folder of data that
** QUERYCACHE_DATA names, ../shared/data by default. False when it is not there. */
bool trace_read(struct trace *trace, const char *file);

/* Keys drawn by Zipf's law: key n (from 0) with a chance in proportion to 1 / (n + 1) ^ exponent.
** */
struct trace trace_zipf(double exponent, uint32_t key_count, size_t length);

/* All keys in turn, again and again. */
struct trace trace_loop(uint32_t key_count, size_t length);

/* As trace_zipf(), but after each `between` of them come `scan` keys that come never again. */
struct trace trace_scanned(double exponent, uint32_t key_count, size_t length, uint32_t between,
                           uint32_t scan);

void trace_free(struct trace *trace);

#endif
