/*
** cache_tables: the tables that entries depend on, or did, and how often each was seen to change.
**
**     SELECT name, entries, invalidations FROM cache_tables ORDER BY invalidations DESC;
*/
#include "read/refresh.h"
#include "surface/listing.h"

struct collection {
    struct result_builder *rows;
    int64_t count;
};

/* Called with the histories locked: it only copies. */
static int add_table(const struct history *history, const struct table *table, void *context)
{
    struct collection *collection = context;
    int64_t entries = atomic_load(&table->entries);
    uint64_t commits = atomic_load(&table->commits);
    uint64_t invalidations = atomic_load(&table->invalidations);
    int64_t changed_at = atomic_load(&table->changed_at);
    if (entries <= 0 && commits == 0 && invalidations == 0)
        return SQLITE_OK;
    return listing_add(
        collection->rows,
        (struct cell[]){
            listing_text(history_name(history)),
            listing_text(table->name),
            listing_integer(entries),
            listing_count(commits),
            listing_count(invalidations),
            changed_at == 0 ? listing_null() : listing_real((double)changed_at / 1e6),
            listing_integer(++collection->count),
        });
}

static int tables_collect(struct session *session, struct result_builder *rows,
                          sqlite3_value *argument, char **error)
{
    struct collection collection = {.rows = rows};
    (void)argument, (void)error;
    refresh_session(session);
    return history_each_table(add_table, &collection);
}

static const struct listing_table tables_table = {
    .name = "querycache_tables",
    .declaration = "CREATE TABLE cache_tables(database TEXT, name TEXT, entries INTEGER, "
                   "commits INTEGER, invalidations INTEGER, last_change_at REAL)",
    .columns = 6,
    .collect = tables_collect,
};

int tables_table_register(sqlite3 *db, struct session *session)
{
    return listing_register(db, session, &tables_table);
}
