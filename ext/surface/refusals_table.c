/*
** cache_refusals: SELECTs that were prepared through the cache and not cached, and why.
**
**     SELECT reason, sum(count) FROM cache_refusals GROUP BY reason ORDER BY 2 DESC;
*/
#include "metrics/refusals.h"
#include "surface/listing.h"

struct collection {
    struct result_builder *rows;
    int64_t count;
};

static int add_refusal(const struct refusal *refusal, void *context)
{
    struct collection *collection = context;
    return listing_add(collection->rows, (struct cell[]){
                                             listing_text(refusal->sql),
                                             listing_text(refusal->reason),
                                             listing_count(refusal->count),
                                             listing_integer(++collection->count),
                                         });
}

static int refusals_collect(struct session *session, struct result_builder *rows,
                            sqlite3_value *argument, char **error)
{
    struct collection collection = {.rows = rows};
    (void)session, (void)argument, (void)error;
    return refusals_each(add_refusal, &collection);
}

static const struct listing_table refusals_table = {
    .name = "querycache_refusals",
    .declaration = "CREATE TABLE cache_refusals(sql TEXT, reason TEXT, count INTEGER)",
    .columns = 3,
    .collect = refusals_collect,
};

int refusals_table_register(sqlite3 *db, struct session *session)
{
    return listing_register(db, session, &refusals_table);
}
