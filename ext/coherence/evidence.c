#include "coherence/evidence.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "base/json_string.h"
#include "base/memory.h"
#include "base/sqlite.h"

size_t evidence_size(const struct evidence *evidence)
{
    return sizeof *evidence + evidence->source_count * sizeof *evidence->sources +
           evidence->table_count * sizeof(struct table *);
}

struct evidence *evidence_copy(const struct evidence *evidence, void *block)
{
    assert(block != NULL);
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

/* A commit after this epoch may have changed anything, or this of all. */
static bool source_ended(const struct source *source, uint64_t since)
{
    return history_is_abandoned(source->history) ||
           history_unknown_epoch(source->history) > since ||
           (source->whole_file && GUARD(WHOLE_FILE) && history_epoch(source->history) > since);
}

/* The source that a table belongs to. A query rarely reads more than one or two databases. */
static const struct source *source_of(const struct evidence *evidence, const struct table *table)
{
    for (unsigned i = 0; i < evidence->source_count; i++)
        if (evidence->sources[i].history == table->history)
            return &evidence->sources[i];
    return NULL;
}

static bool table_ended(const struct table *table, uint64_t since)
{
    return (atomic_load(&table->changed) > since && GUARD(TABLE_CHANGE)) ||
           (atomic_load(&table->kind) == TABLE_WITHOUT_ROWID && GUARD(WITHOUT_ROWID) &&
            history_epoch(table->history) > since);
}

bool evidence_is_stale(const struct evidence *evidence)
{
    for (unsigned i = 0; i < evidence->source_count; i++)
        if (source_ended(&evidence->sources[i], evidence->sources[i].epoch))
            return true;
    for (unsigned i = 0; i < evidence->table_count; i++) {
        /* A table without its source is a caller's mistake, and then nothing is certain. */
        const struct source *source = source_of(evidence, evidence->tables[i]);
        if (source == NULL || table_ended(evidence->tables[i], source->epoch))
            return true;
    }
    return false;
}

bool evidence_is_abandoned(const struct evidence *evidence)
{
    for (unsigned i = 0; i < evidence->source_count; i++) {
        if (history_is_abandoned(evidence->sources[i].history))
            return true;
    }
    return false;
}

bool evidence_is_in_doubt(const struct evidence *evidence)
{
    for (unsigned i = 0; i < evidence->source_count; i++) {
        const struct source *source = &evidence->sources[i];
        if (history_doubt(source->history) > source->epoch)
            return true;
    }
    return false;
}

void views_add(struct views *views, const struct view *view)
{
    assert(views->count < VIEWS);
    for (unsigned i = 0; i < views->count; i++) {
        struct view *found = &views->list[i];
        if (found->history != view->history)
            continue;
        found->exact = found->exact && view->exact && found->epoch == view->epoch;
        views->exact = views->exact && found->exact;
        if (view->epoch < found->epoch)
            found->epoch = view->epoch;
        return;
    }
    if (views->count == VIEWS)
        return;
    views->list[views->count++] = *view;
    views->exact = views->exact && view->exact;
}

/* NULL when the reader does not read that history. */
static inline const struct view *view_of(const struct views *views, const struct history *history)
{
    for (unsigned i = 0; i < views->count; i++)
        if (views->list[i].history == history)
            return &views->list[i];
    return NULL;
}

static enum standing judge_tables(const struct evidence *evidence, const struct source *source,
                                  const struct view *view, uint64_t since, bool probe)
{
    bool unsure = false;
    for (unsigned i = 0; i < evidence->table_count; i++) {
        const struct table *table = evidence->tables[i];
        if (table->history != source->history)
            continue;
        /* First: a truncation that the probe found is marked before the probe is shown. */
        unsure = unsure || (probe && GUARD(TRUNCATION) && !source->whole_file &&
                            atomic_load(&table->probed) < view->epoch);
        if (table_ended(table, since))
            return table_ended(table, source->epoch) ? EVIDENCE_FALLEN : EVIDENCE_BESIDE;
    }
    return unsure ? EVIDENCE_UNSURE : EVIDENCE_STANDS;
}

static enum standing judge_source(const struct evidence *evidence, const struct source *source,
                                  const struct view *view, bool probe)
{
    if (view->exact && view->epoch == source->epoch)
        return EVIDENCE_STANDS;
    /* Before anything else is read: a doubt ends only once what it came to is marked. */
    uint64_t doubt = history_doubt(source->history);
    uint64_t since = source->epoch < view->epoch ? source->epoch : view->epoch;
    if (source_ended(source, since))
        return source_ended(source, source->epoch) ? EVIDENCE_FALLEN : EVIDENCE_BESIDE;
    enum standing standing = judge_tables(evidence, source, view, since, probe);
    if (standing == EVIDENCE_STANDS && doubt > since)
        return EVIDENCE_UNSURE;
    return standing;
}

/* Kept out of evidence_judge(), so that a hit at the same epoch needs few registers. */
__attribute__((noinline)) static enum standing judge_each(const struct evidence *evidence,
                                                          const struct views *views)
{
    enum standing standing = EVIDENCE_STANDS;
    for (unsigned i = 0; i < evidence->source_count; i++) {
        const struct source *source = &evidence->sources[i];
        const struct view *view = view_of(views, source->history);
        if (view == NULL)
            return EVIDENCE_FALLEN;
        enum standing one = judge_source(evidence, source, view, views->exact);
        if (one == EVIDENCE_FALLEN)
            return one;
        if (one != EVIDENCE_STANDS && standing != EVIDENCE_BESIDE)
            standing = one;
    }
    if (standing == EVIDENCE_STANDS && !views->exact && !views->probed)
        return EVIDENCE_UNSURE;
    if (standing == EVIDENCE_UNSURE && views->probed)
        return EVIDENCE_BESIDE;
    return standing;
}

/* Whether the reader is at the very epochs that the evidence was taken at. (It has the files open,
** so no history of theirs is abandoned.) */
static inline bool is_of_same_state(const struct evidence *evidence, const struct views *views)
{
    for (unsigned i = 0; i < evidence->source_count; i++) {
        const struct view *view = view_of(views, evidence->sources[i].history);
        if (view == NULL || view->epoch != evidence->sources[i].epoch)
            return false;
    }
    return views->exact;
}

/* Inline for the linker: each hit calls it. */
enum standing evidence_judge(const struct evidence *evidence, const struct views *views)
{
    return is_of_same_state(evidence, views) ? EVIDENCE_STANDS : judge_each(evidence, views);
}

void evidence_count_invalidation(const struct evidence *evidence)
{
    for (unsigned i = 0; i < evidence->table_count; i++) {
        struct table *table = evidence->tables[i];
        const struct source *source = source_of(evidence, table);
        if (source == NULL || table_ended(table, source->epoch) ||
            source_ended(source, source->epoch))
            atomic_fetch_add_explicit(&table->invalidations, 1, memory_order_relaxed);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
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
        json_add_string(&json, names[i], strlen(names[i]));
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
