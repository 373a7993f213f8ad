/*
** cache_stats: the counters and the size of the whole process's cache, always in one row.
**
**     SELECT hits, misses, hit_rate, bytes FROM cache_stats;
*/
#include "surface/listing.h"

static int stats_collect(struct session *session, struct result_builder *rows,
                         sqlite3_value *argument, char **error)
{
    struct counters counters = store_counters(session->store);
    struct usage usage = store_usage(session->store);
    struct limits limits = store_limits(session->store);
    (void)argument, (void)error;
    return listing_add(rows, (struct cell[]){
                                 listing_count(counters.hits),
                                 listing_count(counters.misses),
                                 listing_hit_rate(&counters),
                                 listing_count(counters.bypasses),
                                 listing_count(counters.coalesced),
                                 listing_count(counters.insertions),
                                 listing_count(counters.rejections),
                                 listing_count(counters.evictions),
                                 listing_count(counters.expirations),
                                 listing_count(counters.invalidations),
                                 listing_integer(usage.entries),
                                 listing_integer(usage.bytes),
                                 listing_integer(limits.max_entries),
                                 listing_integer(limits.max_bytes),
                                 listing_microseconds(counters.load_ns),
                                 listing_microseconds(counters.saved_ns),
                                 listing_integer(1),
                             });
}

static const struct listing_table stats_table = {
    .name = "querycache_stats",
    .declaration = "CREATE TABLE cache_stats(hits INTEGER, misses INTEGER, hit_rate REAL, "
                   "bypasses INTEGER, coalesced INTEGER, insertions INTEGER, rejections INTEGER, "
                   "evictions INTEGER, expirations INTEGER, invalidations INTEGER, "
                   "entries INTEGER, bytes INTEGER, max_entries INTEGER, max_bytes INTEGER, "
                   "load_us INTEGER, saved_us INTEGER)",
    .columns = 16,
    .collect = stats_collect,
};

int stats_table_register(sqlite3 *db, struct session *session)
{
    return listing_register(db, session, &stats_table);
}
