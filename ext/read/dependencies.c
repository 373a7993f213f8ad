#include "read/dependencies.h"

#include "base/guard.h"
#include "base/memory.h"

/* ---- evidence ---- */

/* One file under two names may be seen in two states; then it has no one epoch. */
static bool is_torn(const struct definition *definition)
{
    for (unsigned i = 0; i < definition->database_count; i++) {
        const struct database *database = definition->databases[i];
        for (unsigned j = 0; j < i; j++) {
            const struct database *other = definition->databases[j];
            if (other->member.file == database->member.file &&
                (other->epoch != database->epoch || !other->exact || !database->exact))
                return true;
        }
    }
    return false;
}

static bool all_exact(const struct definition *definition)
{
    for (unsigned i = 0; i < definition->database_count; i++) {
        if (!definition->databases[i]->known || !definition->databases[i]->exact)
            return false;
    }
    return true;
}

bool definition_is_exact(const struct definition *definition)
{
    return all_exact(definition) && !is_torn(definition);
}

bool definition_stands_alone(const struct definition *definition)
{
    for (unsigned i = 0; i < definition->database_count; i++) {
        const struct database *database = definition->databases[i];
        if (!database->known || (!database->exact && database->own == NULL))
            return false;
    }
    return !all_exact(definition) && !is_torn(definition);
}

/* Of a database too of which no table is read: a change of its schema ends the result. */
static struct source *find_source(struct evidence *evidence, const struct database *database)
{
    struct history *history = database->exact ? database_history(database) : database->own;
    for (unsigned i = 0; i < evidence->source_count; i++) {
        if (evidence->sources[i].history == history)
            return &evidence->sources[i];
    }
    struct source *source = &evidence->sources[evidence->source_count++];
    source->history = history;
    source->epoch = database->exact ? database->epoch : database->own_epoch;
    source->whole_file = !database->exact;
    return source;
}

struct evidence *definition_evidence(const struct definition *definition)
{
    unsigned count = definition->dependency_count;
    size_t size = sizeof(struct evidence) + definition->database_count * sizeof(struct source) +
                  count * sizeof(struct table *);
    struct evidence *evidence = memory_alloc_zero(size);
    if (evidence == NULL)
        return NULL;
    evidence->sources = (struct source *)(evidence + 1);
    evidence->tables = (struct table **)(evidence->sources + definition->database_count);
    for (unsigned i = 0; i < definition->database_count; i++)
        find_source(evidence, definition->databases[i]);
    for (unsigned i = 0; i < count; i++) {
        const struct dependency *dependency = &definition->dependencies[i];
        struct source *source = find_source(evidence, dependency->database);
        source->whole_file = source->whole_file || dependency->whole_file;
        if (dependency->database->exact)
            evidence->tables[evidence->table_count++] = dependency->table;
    }
    return evidence;
}

/* ---- probes ---- */

static bool needs_probe(const struct dependency *dependency)
{
    const struct database *database = dependency->database;
    if (dependency->whole_file || !GUARD(TRUNCATION) ||
        atomic_load(&dependency->table->kind) != TABLE_ROWID)
        return false;
    if (database->exact)
        return atomic_load(&dependency->table->probed) < database->epoch;
    return !dependency->probed_here || dependency->probed_version != database->version;
}

static int prepare_probe(struct definition *definition, struct dependency *dependency)
{
    if (dependency->probe != NULL)
        return SQLITE_OK;
    char *sql = sqlite3_mprintf(OWN_STATEMENT "SELECT 1 FROM \"%w\".\"%w\" LIMIT 1",
                                dependency->database->name, dependency->table->name);
    if (sql == NULL)
        return SQLITE_NOMEM;
    int rc = sqlite3_prepare_v3(definition->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                &dependency->probe, NULL);
    sqlite3_free(sql);
    return rc;
}

static int probe(struct definition *definition, struct dependency *dependency)
{
    int rc = prepare_probe(definition, dependency);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(dependency->probe);
    bool empty = rc == SQLITE_DONE;
    int reset = sqlite3_reset(dependency->probe);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return reset != SQLITE_OK ? reset : rc;
    struct table *table = dependency->table;
    const struct database *database = dependency->database;
    if (database->exact) {
        history_probe(table, database->epoch, empty);
        return SQLITE_OK;
    }
    uint64_t probed = atomic_load(&table->probed);
    bool was_empty =
        probed != 0 && atomic_load(&table->empty) && atomic_load(&table->changed) <= probed;
    dependency->emptied = empty && !was_empty;
    dependency->probed_here = true;
    dependency->probed_version = database->version;
    return SQLITE_OK;
}

int definition_probe(struct definition *definition)
{
    for (unsigned i = 0; i < definition->dependency_count; i++) {
        if (!needs_probe(&definition->dependencies[i]))
            continue;
        int rc = probe(definition, &definition->dependencies[i]);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

bool definition_has_emptied(const struct definition *definition)
{
    for (unsigned i = 0; i < definition->dependency_count; i++) {
        const struct dependency *dependency = &definition->dependencies[i];
        if (!dependency->database->exact && !dependency->whole_file && dependency->emptied &&
            GUARD(TRUNCATION))
            return true;
    }
    return false;
}
