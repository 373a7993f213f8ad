/*
** Statistics: the one list of what the cache counts and measures. cache_stats, cache_definitions,
** the C struct and the report of querycache-run follow it, in its order. To add one: a line here;
** where the C struct is to have it, a field of that name at the end of it, too.
*/
#ifndef QUERYCACHE_METRICS_STATISTICS_H
#define QUERYCACHE_METRICS_STATISTICS_H

#include "querycache.h"
#include "store/store.h"

/* What was counted and measured: of the whole process, or of one named cache (no limits then). */
struct measured {
    struct counters counters;
    struct usage usage;
    struct limits limits;
};

/*
** FIRST and OTHER (name, kind, shows, unit, help, value), where `m` is the measured.
**
** Kinds: COUNTER never falls but by cache_reset_stats(); GAUGE is as it is now; RATIO is between 0
** and 1, and NULL before there is anything to divide by. Shows: ALL; PROCESS: not in
** cache_definitions, for it is of the process alone; TABLES: in cache_stats and cache_definitions
** alone.
*/
#define STATISTICS(FIRST, OTHER)                                                                   \
    FIRST(hits, COUNTER, ALL, "reads", "answered from the store", m->counters.hits)                \
    OTHER(misses, COUNTER, ALL, "reads", "computed: absent, expired or invalid",                   \
          m->counters.misses)                                                                      \
    OTHER(hit_rate, RATIO, TABLES, "", "hits / (hits + misses)", 0)                                \
    OTHER(bypasses, COUNTER, ALL, "reads", "computed without looking in the store",                \
          m->counters.bypasses)                                                                    \
    OTHER(coalesced, COUNTER, ALL, "reads", "hits that waited for another's computation",          \
          m->counters.coalesced)                                                                   \
    OTHER(insertions, COUNTER, ALL, "entries", "results kept", m->counters.insertions)             \
    OTHER(rejections, COUNTER, ALL, "results", "not kept: too big, too cheap, asked for once",     \
          m->counters.rejections)                                                                  \
    OTHER(evictions, COUNTER, ALL, "entries", "left to make room", m->counters.evictions)          \
    OTHER(expirations, COUNTER, ALL, "entries", "left past ttl or tti", m->counters.expirations)   \
    OTHER(invalidations, COUNTER, ALL, "entries", "left because a table changed",                  \
          m->counters.invalidations)                                                               \
    OTHER(entries, GAUGE, ALL, "entries", "kept now", m->usage.entries)                            \
    OTHER(bytes, GAUGE, ALL, "bytes", "that the entries take", m->usage.bytes)                     \
    OTHER(max_entries, GAUGE, PROCESS, "entries", "the limit", m->limits.max_entries)              \
    OTHER(max_bytes, GAUGE, PROCESS, "bytes", "the limit", m->limits.max_bytes)                    \
    OTHER(load_us, COUNTER, ALL, "microseconds", "spent on computing misses",                      \
          m->counters.load_ns / 1000)                                                              \
    OTHER(saved_us, COUNTER, ALL, "microseconds", "that hits would have cost",                     \
          m->counters.saved_ns / 1000)

enum statistic_kind { STATISTIC_COUNTER, STATISTIC_GAUGE, STATISTIC_RATIO };
enum statistic_shows { STATISTIC_ALL, STATISTIC_PROCESS, STATISTIC_TABLES };

#define STATISTIC_NUMBER(name, kind, shows, unit, help, value) STATISTIC_NUMBER_##name,
enum { STATISTICS(STATISTIC_NUMBER, STATISTIC_NUMBER) STATISTIC_COUNT };

struct statistic {
    const char *name;
    enum statistic_kind kind;
    enum statistic_shows shows;
    const char *unit;
    const char *help;
    int64_t (*value)(const struct measured *m); /* of a ratio: 0 */
};

extern const struct statistic statistics[STATISTIC_COUNT];

/* Columns for CREATE TABLE, with a comma between them: those of cache_stats and, behind others,
** those of cache_definitions. */
#define STATISTIC_TYPE_COUNTER " INTEGER"
#define STATISTIC_TYPE_GAUGE " INTEGER"
#define STATISTIC_TYPE_RATIO " REAL"
#define STATISTICS_DECLARE_FIRST(name, kind, shows, unit, help, value) #name STATISTIC_TYPE_##kind
#define STATISTICS_DECLARE_OTHER(name, kind, shows, unit, help, value)                             \
    ", " #name STATISTIC_TYPE_##kind
#define STATISTICS_COLUMNS STATISTICS(STATISTICS_DECLARE_FIRST, STATISTICS_DECLARE_OTHER)

#define STATISTIC_OF_EACH_ALL(text) text
#define STATISTIC_OF_EACH_TABLES(text) text
#define STATISTIC_OF_EACH_PROCESS(text) ""
#define STATISTICS_DECLARE_OF_EACH(name, kind, shows, unit, help, value)                           \
    STATISTIC_OF_EACH_##shows(", " #name STATISTIC_TYPE_##kind)
#define STATISTICS_COLUMNS_OF_EACH                                                                 \
    STATISTICS(STATISTICS_DECLARE_OF_EACH, STATISTICS_DECLARE_OF_EACH)

#define STATISTIC_EACH_ALL(name) STATISTIC_EACH_##name,
#define STATISTIC_EACH_TABLES(name) STATISTIC_EACH_##name,
#define STATISTIC_EACH_PROCESS(name)
#define STATISTIC_OF_EACH(name, kind, shows, unit, help, value) STATISTIC_EACH_##shows(name)
enum { STATISTICS(STATISTIC_OF_EACH, STATISTIC_OF_EACH) STATISTIC_COUNT_OF_EACH };

/* What the process's store has counted and measured. */
struct measured statistics_of_process(const struct store *store);
struct measured statistics_of_space(const struct space *space);

/* hits / (hits + misses) in *ratio; false before the first read. */
bool statistics_hit_rate(const struct measured *measured, double *ratio);

/* Fill the C struct, or add to what is in it. `size` is left alone. */
void statistics_fill(struct querycache_stats *stats, const struct measured *measured);
void statistics_add(struct querycache_stats *stats, const struct querycache_stats *more);

/* The value in the C struct of a statistic that is not of TABLES alone. */
int64_t statistics_field(const struct querycache_stats *stats, const struct statistic *statistic);

#endif
