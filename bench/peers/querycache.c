/* A cached table in `temp`, read by a prepared statement on a connection of its own. */
#include "../support/measure.h"
#include "peer.h"

static struct cached {
    const struct query *query;
    sqlite3 *db;
    sqlite3_stmt *read;
    sqlite3_stmt *last_status;
    sqlite3_stmt *bytes;
} cached_self;

static const char *cached_open(void *self, const struct query *query)
{
    struct cached *cached = self;
    cached->query = query;
    cached->db = bench_open("peers.db", true);
    bench_run(cached->db, "SELECT cache_clear(); CREATE VIRTUAL TABLE temp.%s USING cache((%s))",
              query->name, query->sql);
    cached->read = bench_prepare(cached->db, "SELECT * FROM temp.%s(?)", query->name);
    cached->last_status = bench_prepare(cached->db, "SELECT cache_last_status()");
    cached->bytes = bench_prepare(cached->db, "SELECT bytes FROM cache_stats");
    return NULL;
}

static void cached_read(void *self, struct reading *reading, sqlite3_int64 parameter)
{
    const struct cached *cached = self;
    sqlite3_bind_int64(cached->read, 1, parameter);
    rows_of_statement(reading, cached->read);
}

static void cached_keep(void *self)
{
    const struct cached *cached = self;
    for (int i = 1; i <= cached->query->parameters; i++) {
        struct reading reading = {0};
        cached_read(self, &reading, i);
    }
}

static double cached_memory(void *self)
{
    sqlite3_stmt *bytes = ((struct cached *)self)->bytes;
    if (sqlite3_step(bytes) != SQLITE_ROW)
        bench_fail("cache_stats", "no row");
    double taken = sqlite3_column_double(bytes, 0);
    sqlite3_reset(bytes);
    return taken;
}

static bool cached_was_hit(void *self)
{
    return bench_was_hit(((struct cached *)self)->last_status);
}

static void cached_close(void *self)
{
    struct cached *cached = self;
    sqlite3_finalize(cached->read);
    sqlite3_finalize(cached->last_status);
    sqlite3_finalize(cached->bytes);
    bench_check(cached->db, sqlite3_close(cached->db), "close");
}

const struct peer querycache_peer = {
    .name = "querycache",
    .self = &cached_self,
    .open = cached_open,
    .keep = cached_keep,
    .read = cached_read,
    .memory = cached_memory,
    .was_hit = cached_was_hit,
    .close = cached_close,
};
