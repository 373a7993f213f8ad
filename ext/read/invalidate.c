#include "read/invalidate.h"

#include <string.h>

#include "base/memory.h"
#include "read/refresh.h"

int64_t invalidate_matching(struct session *session, entry_match match, void *context,
                            enum cause cause)
{
    refresh_session(session);
    return store_remove(session->store, match, context, cause);
}

/* A table by its name, in one database or in any (history NULL). */
struct table_name {
    const char *written; /* as it was given: a table's name may itself contain a dot */
    const char *name;
    const struct history *history;
};

/* What depends on the whole file depends on this table as well, whether it reads it or not. */
static bool reads_table(const struct entry_view *entry, void *context)
{
    const struct table_name *table = context;
    const struct evidence *evidence = entry->evidence;
    if (evidence == NULL)
        return false;
    for (unsigned i = 0; i < evidence->source_count; i++) {
        const struct source *source = &evidence->sources[i];
        if (source->whole_file && (table->history == NULL || source->history == table->history))
            return true;
    }
    for (unsigned i = 0; i < evidence->table_count; i++) {
        const struct table *read = evidence->tables[i];
        if ((table->history == NULL || read->history == table->history) &&
            sqlite3_stricmp(read->name, table->name) == 0)
            return true;
    }
    return evidence_names_table(evidence, table->written);
}

/* Take 'schema.table' apart, where what stands before the dot is an attached database. */
static int split_name(const struct session *session, struct table_name *table)
{
    const char *dot = strchr(table->written, '.');
    if (dot == NULL)
        return SQLITE_OK;
    char *schema = memory_copy_text(table->written, (size_t)(dot - table->written));
    if (schema == NULL)
        return SQLITE_NOMEM;
    const struct database *database = observer_find(session->observer, schema);
    if (database != NULL) {
        table->name = dot + 1;
        table->history = database_history(database);
    }
    memory_free(schema);
    return SQLITE_OK;
}

int invalidate_table(struct session *session, const char *table, int64_t *dropped)
{
    struct table_name named = {.written = table, .name = table};
    refresh_session(session);
    if (split_name(session, &named) != SQLITE_OK)
        return SQLITE_NOMEM;
    *dropped = store_remove(session->store, reads_table, &named, CAUSE_TABLE_CHANGE);
    return SQLITE_OK;
}
