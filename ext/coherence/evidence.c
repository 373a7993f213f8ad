#include "coherence/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/sqlite.h"

size_t evidence_size(const struct evidence *evidence)
{
    return sizeof *evidence + evidence->source_count * sizeof *evidence->sources +
           evidence->table_count * sizeof(struct table *);
}

struct evidence *evidence_copy(const struct evidence *evidence, void *block)
{
    struct evidence *copy = block;
    copy->source_count = evidence->source_count;
    copy->table_count = evidence->table_count;
    copy->sources = (struct source *)(void *)(copy + 1);
    copy->tables = (struct table **)(void *)(copy->sources + copy->source_count);
    for (unsigned i = 0; i < copy->source_count; i++) {
        copy->sources[i] = evidence->sources[i];
        history_retain(copy->sources[i].history);
    }
    for (unsigned i = 0; i < copy->table_count; i++) {
        copy->tables[i] = evidence->tables[i];
        atomic_fetch_add_explicit(&copy->tables[i]->entries, 1, memory_order_relaxed);
    }
    return copy;
}

void evidence_drop(struct evidence *copy)
{
    /* The tables first: they live no longer than their histories. */
    for (unsigned i = 0; i < copy->table_count; i++)
        atomic_fetch_sub_explicit(&copy->tables[i]->entries, 1, memory_order_relaxed);
    for (unsigned i = 0; i < copy->source_count; i++)
        history_release(copy->sources[i].history);
    copy->table_count = copy->source_count = 0;
}

static bool source_ended(const struct source *source)
{
    return history_unknown_epoch(source->history) > source->epoch ||
           (source->whole_file && GUARD(WHOLE_FILE) &&
            history_commit_epoch(source->history) > source->epoch);
}

/* The source that a table belongs to. A query rarely reads more than one or two databases. */
static const struct source *source_of(const struct evidence *evidence, const struct table *table)
{
    for (unsigned i = 0; i < evidence->source_count; i++)
        if (evidence->sources[i].history == table->history)
            return &evidence->sources[i];
    return NULL;
}

static bool table_ended(const struct table *table, const struct source *source)
{
    /* A table without its source is a caller's mistake, and then nothing is certain. */
    if (source == NULL)
        return true;
    return (atomic_load(&table->changed) > source->epoch && GUARD(TABLE_CHANGE)) ||
           (atomic_load(&table->kind) == TABLE_WITHOUT_ROWID && GUARD(WITHOUT_ROWID) &&
            history_commit_epoch(source->history) > source->epoch);
}

bool evidence_is_stale(const struct evidence *evidence)
{
    for (unsigned i = 0; i < evidence->source_count; i++)
        if (source_ended(&evidence->sources[i]))
            return true;
    for (unsigned i = 0; i < evidence->table_count; i++)
        if (table_ended(evidence->tables[i], source_of(evidence, evidence->tables[i])))
            return true;
    return false;
}

void evidence_count_invalidation(const struct evidence *evidence)
{
    for (unsigned i = 0; i < evidence->table_count; i++) {
        struct table *table = evidence->tables[i];
        const struct source *source = source_of(evidence, table);
        if (table_ended(table, source) || source_ended(source))
            atomic_fetch_add_explicit(&table->invalidations, 1, memory_order_relaxed);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_json_text(struct buffer *json, const char *text)
{
    buffer_add_char(json, '"');
    for (const char *c = text; *c != 0; c++) {
        if (*c == '"' || *c == '\\') {
            buffer_add_char(json, '\\');
            buffer_add_char(json, *c);
        } else if ((unsigned char)*c < 0x20) {
            buffer_add_format(json, "\\u%04x", (unsigned)(unsigned char)*c);
        } else {
            buffer_add_char(json, *c);
        }
    }
    buffer_add_char(json, '"');
}

char *evidence_tables_json(const struct evidence *evidence)
{
    unsigned count = evidence->table_count;
    const char **names = memory_alloc((count + (size_t)1) * sizeof *names);
    if (names == NULL)
        return NULL;
    for (unsigned i = 0; i < count; i++)
        names[i] = evidence->tables[i]->name;
    qsort(names, count, sizeof *names, compare_names);
    struct buffer json = {0};
    buffer_add_char(&json, '[');
    for (unsigned i = 0; i < count; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
            continue;
        if (i > 0)
            buffer_add_char(&json, ',');
        add_json_text(&json, names[i]);
    }
    buffer_add_char(&json, ']');
    memory_free(names);
    return buffer_take(&json);
}

char *evidence_database_names(const struct evidence *evidence)
{
    struct buffer names = {0};
    for (unsigned i = 0; i < evidence->source_count; i++) {
        if (i > 0)
            buffer_add_text(&names, ", ");
        buffer_add_text(&names, history_name(evidence->sources[i].history));
    }
    return buffer_take(&names);
}

bool evidence_names_table(const struct evidence *evidence, const char *name)
{
    for (unsigned i = 0; i < evidence->table_count; i++)
        if (sqlite3_stricmp(evidence->tables[i]->name, name) == 0)
            return true;
    return false;
}
