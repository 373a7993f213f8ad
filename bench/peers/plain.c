/* The query itself, prepared: what all others save. */
#include "../support/measure.h"
#include "peer.h"

struct buffer peer_compute(const struct query *query, int parameter)
{
    struct buffer rows = {0};
    struct reading reading = {.copy = &rows};
    sqlite3_bind_int(query->plain, 1, parameter);
    rows_of_statement(&reading, query->plain);
    if (rows.failed)
        bench_fail(query->name, "out of memory");
    return rows;
}

static const struct query *query;

static const char *plain_open(void *self, const struct query *of)
{
    (void)self;
    query = of;
    return NULL;
}

static void plain_keep(void *self)
{
    (void)self;
}

static void plain_read(void *self, struct reading *reading, sqlite3_int64 parameter)
{
    (void)self;
    sqlite3_bind_int64(query->plain, 1, parameter);
    rows_of_statement(reading, query->plain);
}

const struct peer plain_peer = {
    .name = "plain query",
    .open = plain_open,
    .keep = plain_keep,
    .read = plain_read,
    .close = plain_keep, /* neither does anything */
};
