/*
** cache_entries: what is kept just now, an entry a row. A row that is deleted is dropped.
**
**     SELECT cache, params, rows, hits, state FROM cache_entries ORDER BY bytes DESC;
**     DELETE FROM cache_entries WHERE idle > 600;
*/
#include "base/error.h"
#include "base/memory.h"
#include "base/ticks.h"
#include "query/key.h"
#include "read/refresh.h"
#include "surface/listing.h"

struct collection {
    struct result_builder *rows;
    int64_t now;
};

/* A DELETE comes back with nothing but rowids, perhaps after the cursor is gone; so a rowid is made
** of what identifies the entry: its key, which is as good as random, its space and its owner. */
static int64_t entry_rowid(const struct entry_view *entry)
{
    uint64_t space = (uint64_t)(uintptr_t)entry->space * UINT64_C(0x9e3779b97f4a7c15);
    return (int64_t)((entry->key.low ^ space ^ entry->owner) & INT64_MAX);
}

static double seconds(int64_t nanoseconds)
{
    return (double)nanoseconds / (double)TICKS_PER_SECOND;
}

static bool can_be_served(const struct entry_view *entry, int64_t now)
{
    return entry->expires > now && (entry->evidence == NULL || !evidence_is_stale(entry->evidence));
}

static int add_row(const struct entry_view *entry, const struct collection *collection,
                   const char *databases, const char *params, const char *tables)
{
    int64_t now = collection->now;
    char key[33];
    key_format(entry->key, key);
    return listing_add(collection->rows,
                       (struct cell[]){
                           listing_text(key),
                           listing_text(space_name(entry->space)),
                           listing_text(databases),
                           listing_text(entry->sql),
                           listing_text(params),
                           listing_count(result_rows(entry->result)),
                           listing_count(entry->bytes),
                           listing_count(entry->hits),
                           listing_real(entry->created_at),
                           listing_real(seconds(now - entry->created)),
                           listing_real(seconds(now - entry->used)),
                           entry->expires == TICKS_NEVER
                               ? listing_null()
                               : listing_real(seconds(entry->expires - now)),
                           listing_integer(entry->load_ns / 1000),
                           listing_text(tables),
                           listing_text(can_be_served(entry, now) ? "fresh" : "stale"),
                           listing_integer(entry_rowid(entry)),
                       });
}

/* Called under the lock of the entry's shard: it only copies. */
static int add_entry(const struct entry_view *entry, void *context)
{
    const struct evidence none = {0};
    const struct evidence *evidence = entry->evidence != NULL ? entry->evidence : &none;
    char *params = key_params_json(entry->params, entry->params_size);
    char *tables = evidence_tables_json(evidence);
    char *databases = evidence->source_count > 0 ? evidence_database_names(evidence) : NULL;
    int code = SQLITE_NOMEM;
    if (params != NULL && tables != NULL && (databases != NULL || evidence->source_count == 0))
        code = add_row(entry, context, databases, params, tables);
    memory_free(databases);
    memory_free(tables);
    memory_free(params);
    return code;
}

static int entries_collect(struct session *session, struct result_builder *rows,
                           sqlite3_value *argument, char **error)
{
    (void)argument, (void)error;
    refresh_session(session);
    struct collection collection = {.rows = rows, .now = ticks_now()};
    return store_each(session->store, add_entry, &collection);
}

static bool has_rowid(const struct entry_view *entry, void *rowid)
{
    return entry_rowid(entry) == *(const int64_t *)rowid;
}

static int entries_update(struct session *session, int argc, sqlite3_value **argv, char **error)
{
    if (argc != 1)
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("cache_entries shows what reads have kept and "
                                         "cannot be changed, but for DELETE FROM "
                                         "cache_entries WHERE …"));
    int64_t rowid = sqlite3_value_int64(argv[0]);
    store_remove(session->store, has_rowid, &rowid, CAUSE_EXPLICIT);
    return SQLITE_OK;
}

static const struct listing_table entries_table = {
    .name = "querycache_entries",
    .declaration = "CREATE TABLE cache_entries(key TEXT, cache TEXT, database TEXT, sql TEXT, "
                   "params TEXT, rows INTEGER, bytes INTEGER, hits INTEGER, created_at REAL, "
                   "age REAL, idle REAL, expires_in REAL, load_us INTEGER, tables TEXT, "
                   "state TEXT)",
    .columns = 15,
    .collect = entries_collect,
    .update = entries_update,
};

int entries_table_register(sqlite3 *db, struct session *session)
{
    return listing_register(db, session, &entries_table);
}
