#include "metrics/statistics.h"

#include <assert.h>
#include <stddef.h>

#define VALUE(name, kind, shows, unit, help, value)                                                \
    static int64_t value_of_##name(const struct measured *m)                                       \
    {                                                                                              \
        (void)m;                                                                                   \
        return (int64_t)(value);                                                                   \
    }
STATISTICS(VALUE, VALUE)

#define ROW(name, kind, shows, unit, help, value)                                                  \
    {#name, STATISTIC_##kind, STATISTIC_##shows, unit, help, value_of_##name},
const struct statistic statistics[STATISTIC_COUNT] = {STATISTICS(ROW, ROW)};

/* Where the C struct has them; none for what it has not. */
#define FIELD_ALL(name) offsetof(struct querycache_stats, name),
#define FIELD_PROCESS(name) FIELD_ALL(name)
#define FIELD_TABLES(name) 0,
#define FIELD(name, kind, shows, unit, help, value) FIELD_##shows(name)
static const size_t fields[STATISTIC_COUNT] = {STATISTICS(FIELD, FIELD)};

static sqlite3_int64 *field_of(struct querycache_stats *stats, size_t number)
{
    return fields[number] == 0 ? NULL : (sqlite3_int64 *)(void *)((char *)stats + fields[number]);
}

struct measured statistics_of_process(const struct store *store)
{
    return (struct measured){
        .counters = store_counters(store),
        .usage = store_usage(store),
        .limits = store_limits(store),
    };
}

struct measured statistics_of_space(const struct space *space)
{
    return (struct measured){.counters = space_counters(space), .usage = space_usage(space)};
}

bool statistics_hit_rate(const struct measured *measured, double *ratio)
{
    double hits = (double)measured->counters.hits;
    double reads = hits + (double)measured->counters.misses;
    *ratio = reads > 0 ? hits / reads : 0;
    return reads > 0;
}

void statistics_fill(struct querycache_stats *stats, const struct measured *measured)
{
    for (size_t i = 0; i < STATISTIC_COUNT; i++) {
        sqlite3_int64 *field = field_of(stats, i);
        if (field != NULL)
            *field = statistics[i].value(measured);
    }
}

void statistics_add(struct querycache_stats *stats, const struct querycache_stats *more)
{
    for (size_t i = 0; i < STATISTIC_COUNT; i++) {
        sqlite3_int64 *field = field_of(stats, i);
        if (field != NULL)
            *field += statistics_field(more, &statistics[i]);
    }
}

int64_t statistics_field(const struct querycache_stats *stats, const struct statistic *statistic)
{
    size_t at = fields[statistic - statistics];
    assert(at > 0);
    return *(const sqlite3_int64 *)(const void *)((const char *)stats + at);
}
