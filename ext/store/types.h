/*
** What is put into the store, looked for in it and seen of it: the values that its interface
** (store/store.h) and the files behind it share.
*/
#ifndef QUERYCACHE_STORE_TYPES_H
#define QUERYCACHE_STORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coherence/evidence.h"
#include "store/result.h"

struct space;

struct key {
    uint64_t high;
    uint64_t low;
};

/* Why an entry left. */
enum cause {
    CAUSE_EXPLICIT,     /* somebody asked for it */
    CAUSE_REPLACED,     /* a newer result took its place */
    CAUSE_EXPIRED,      /* past its ttl or tti */
    CAUSE_SIZE,         /* to make room */
    CAUSE_TABLE_CHANGE, /* a table it was read from changed */
};

/* Counted per space and for the whole store; they never fall but by store_reset_counters(). */
struct counters {
    uint64_t hits;
    uint64_t misses;
    uint64_t bypasses;
    uint64_t coalesced;
    uint64_t insertions;
    uint64_t rejections;
    uint64_t evictions;
    uint64_t expirations;
    uint64_t invalidations;
    uint64_t load_ns;  /* spent on computing misses */
    uint64_t saved_ns; /* what hits would have cost, by what their entries took to compute */
};

/* INT64_MAX is no limit. */
struct limits {
    int64_t max_entries;
    int64_t max_bytes;
};

struct usage {
    int64_t entries;
    int64_t bytes;
};

/* What an entry answers. */
struct query_identity {
    struct key key;
    struct space *space;
    uint64_t owner;
    const char *sql;
    size_t sql_size;
    const void *params;
    size_t params_size;
};

/* What is to be kept of it. */
struct admission {
    struct result *result;           /* the store takes a reference of its own */
    const struct evidence *evidence; /* copied; NULL: depends on nothing */
    int64_t now;
    int64_t load_ns;
    int64_t ttl; /* ns, TICKS_NEVER for none */
    int64_t tti;
};

/* An entry as a visitor or a finder sees it: valid only during the callback. */
struct entry_view {
    struct key key;
    const struct space *space;
    uint64_t owner;     /* the connection that alone may use it; 0 for all */
    const char *sql;    /* the normalized SQL, zero-terminated */
    const void *params; /* encoded parameters */
    size_t params_size;
    const struct result *result;
    const struct evidence *evidence; /* NULL: depends on nothing */
    size_t bytes;                    /* all that it takes */
    uint64_t hits;
    double created_at; /* Unix time */
    int64_t created;   /* ticks */
    int64_t used;      /* ticks of the last hit, or created */
    int64_t expires;   /* ticks; TICKS_NEVER for none; the earlier of ttl and tti */
    int64_t load_ns;
};

#endif
