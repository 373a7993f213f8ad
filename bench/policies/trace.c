#include "trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../support/measure.h"

#define SEED 1

static void *allocate(size_t count, size_t size)
{
    void *block = calloc(count, size);
    if (block == NULL)
        bench_fail("a trace", "out of memory");
    return block;
}

/* ---- recorded ---- */

static uint32_t read_key(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void read_all(struct trace *trace, FILE *stream)
{
    unsigned char bytes[4];
    size_t space = 0;
    while (fread(bytes, 1, sizeof bytes, stream) == sizeof bytes) {
        if (trace->length == space) {
            space = space == 0 ? 1 << 16 : space * 2;
            uint32_t *longer = realloc(trace->keys, space * sizeof *longer);
            if (longer == NULL)
                bench_fail("a trace", "out of memory");
            trace->keys = longer;
        }
        trace->keys[trace->length++] = read_key(bytes);
    }
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a;
    const uint32_t *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Recorded keys may be any numbers: each becomes its place among them. */
static void number_keys(struct trace *trace)
{
    uint32_t *sorted = allocate(trace->length, sizeof *sorted);
    for (size_t i = 0; i < trace->length; i++)
        sorted[i] = trace->keys[i];
    qsort(sorted, trace->length, sizeof *sorted, compare);
    for (size_t i = 0; i < trace->length; i++)
        if (i == 0 || sorted[i] != sorted[trace->key_count - 1])
            sorted[trace->key_count++] = sorted[i];
    for (size_t i = 0; i < trace->length; i++) {
        const uint32_t *place =
            bsearch(&trace->keys[i], sorted, trace->key_count, sizeof *sorted, compare);
        trace->keys[i] = (uint32_t)(place - sorted);
    }
    free(sorted);
}

bool trace_read(struct trace *trace, const char *file)
{
    const char *folder = getenv("QUERYCACHE_DATA");
    char path[1024];
    *trace = (struct trace){0};
    snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "../shared/data", file);
    if (access(path, R_OK) != 0)
        return false;
    /* In a variable, no character of the path means anything to the shell. */
    setenv("BENCH_TRACE", path, 1);
    FILE *stream = popen("xz -dc < \"$BENCH_TRACE\"", "r"); /* NOLINT(cert-env33-c): fixed */
    if (stream == NULL)
        return false;
    read_all(trace, stream);
    bool good = pclose(stream) == 0 && trace->length > 0;
    if (good)
        number_keys(trace);
    else
        trace_free(trace);
    return good;
}

/* ---- drawn ---- */

static struct trace make(uint32_t key_count, size_t length)
{
    return (struct trace){allocate(length, sizeof(uint32_t)), length, key_count};
}

/* The chances of the keys up to each. */
static double *sum_chances(double exponent, uint32_t key_count)
{
    double *sums = allocate(key_count, sizeof *sums);
    double sum = 0;
    for (uint32_t i = 0; i < key_count; i++)
        sums[i] = sum += pow(i + 1.0, -exponent);
    return sums;
}

static uint32_t draw(const double *sums, uint32_t key_count, uint64_t *seed)
{
    double at = (double)(bench_random(seed) >> 11) * 0x1p-53 * sums[key_count - 1];
    uint32_t low = 0;
    uint32_t high = key_count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sums[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct trace trace_scanned(double exponent, uint32_t key_count, size_t length, uint32_t between,
                           uint32_t scan)
{
    struct trace trace = make(key_count, length);
    double *sums = sum_chances(exponent, key_count);
    uint64_t seed = SEED;
    uint32_t turn = between + scan;
    for (size_t i = 0; i < length; i++) {
        bool scanning = i % turn >= between;
        trace.keys[i] = scanning ? trace.key_count++ : draw(sums, key_count, &seed);
    }
    free(sums);
    return trace;
}

struct trace trace_zipf(double exponent, uint32_t key_count, size_t length)
{
    return trace_scanned(exponent, key_count, length, 1, 0);
}

struct trace trace_loop(uint32_t key_count, size_t length)
{
    struct trace trace = make(key_count, length);
    for (size_t i = 0; i < length; i++)
        trace.keys[i] = (uint32_t)(i % key_count);
    return trace;
}

void trace_free(struct trace *trace)
{
    free(trace->keys);
    *trace = (struct trace){0};
}
