/*
** cache_stats: the counters and the size of the whole process's cache, always in one row.
**
**     SELECT hits, misses, hit_rate, bytes FROM cache_stats;
*/
#include "surface/listing.h"

static int stats_collect(struct session *session, struct result_builder *rows,
                         sqlite3_value *argument, char **error)
{
    struct measured measured = statistics_of_process(session->store);
    struct cell row[STATISTIC_COUNT + 1];
    (void)argument, (void)error;
    for (size_t i = 0; i < STATISTIC_COUNT; i++)
        row[i] = listing_statistic(&statistics[i], &measured);
    row[STATISTIC_COUNT] = listing_integer(1);
    return listing_add(rows, row);
}

static const struct listing_table stats_table = {
    .name = "querycache_stats",
    .declaration = "CREATE TABLE cache_stats(" STATISTICS_COLUMNS ")",
    .columns = STATISTIC_COUNT,
    .collect = stats_collect,
};

int stats_table_register(sqlite3 *db, struct session *session)
{
    return listing_register(db, session, &stats_table);
}
