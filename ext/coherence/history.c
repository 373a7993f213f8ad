#include "coherence/history.h"

#include <assert.h>
#include <string.h>

#include "base/lock.h"
#include "base/memory.h"
#include "base/sqlite.h"
#include "base/ticks.h"

struct history {
    _Atomic int64_t references;
    uint64_t number;
    struct lock lock; /* of what follows but the epochs, which are read without it */
    struct table *tables;
    _Atomic uint64_t epoch;
    _Atomic uint64_t unknown_epoch;
    _Atomic uint64_t doubt;
    _Atomic bool abandoned;
    struct history *next; /* under list_lock */
    struct history **at;  /* likewise: what points to it */
    char name[];
};

static struct lock list_lock = LOCK_INITIALIZER(LOCK_HISTORIES);
static struct history *list;
static uint64_t last_number; /* under list_lock */

struct history *history_new(const char *name)
{
    size_t size = strlen(name) + 1;
    struct history *history = memory_alloc_zero(sizeof *history + size);
    if (history == NULL)
        return NULL;
    if (!lock_init(&history->lock, LOCK_HISTORY)) {
        memory_free(history);
        return NULL;
    }
    memcpy(history->name, name, size);
    atomic_init(&history->references, 1);
    atomic_init(&history->epoch, 1);
    lock_take(&list_lock);
    history->number = ++last_number;
    history->next = list;
    history->at = &list;
    if (list != NULL)
        list->at = &history->next;
    list = history;
    lock_give(&list_lock);
    return history;
}

struct history *history_retain(struct history *history)
{
    assert(atomic_load(&history->references) > 0);
    atomic_fetch_add_explicit(&history->references, 1, memory_order_relaxed);
    return history;
}

void history_release(struct history *history)
{
    if (history == NULL ||
        atomic_fetch_sub_explicit(&history->references, 1, memory_order_acq_rel) > 1)
        return;
    /* Until it is off the list, history_each_table() may still be looking at it. */
    lock_take(&list_lock);
    *history->at = history->next;
    if (history->next != NULL)
        history->next->at = history->at;
    lock_give(&list_lock);

    struct table *table = history->tables;
    while (table != NULL) {
        struct table *next = table->next;
        memory_free(table);
        table = next;
    }
    lock_destroy(&history->lock);
    memory_free(history);
}

uint64_t history_number(const struct history *history)
{
    return history->number;
}

const char *history_name(const struct history *history)
{
    return history->name;
}

bool history_is_relied_on(const struct history *history)
{
    return atomic_load_explicit(&history->references, memory_order_relaxed) > 1;
}

static struct table *find(const struct history *history, const char *name)
{
    assert(lock_is_held(&history->lock));
    struct table *table = history->tables;
    while (table != NULL && sqlite3_stricmp(table->name, name) != 0)
        table = table->next;
    return table;
}

static struct table *add(struct history *history, const char *name, enum table_kind kind)
{
    assert(lock_is_held(&history->lock));
    size_t size = strlen(name) + 1;
    struct table *table = memory_alloc_zero(sizeof *table + size);
    if (table == NULL)
        return NULL;
    table->name = (char *)(table + 1);
    memcpy(table->name, name, size);
    table->history = history;
    atomic_init(&table->kind, kind);
    table->next = history->tables;
    history->tables = table;
    return table;
}

struct table *history_table(struct history *history, const char *name, enum table_kind kind)
{
    assert(name != NULL);
    lock_take(&history->lock);
    struct table *table = find(history, name);
    if (table == NULL)
        table = add(history, name, kind);
    else if (atomic_load(&table->kind) != kind)
        atomic_store(&table->kind, TABLE_WITHOUT_ROWID);
    lock_give(&history->lock);
    return table;
}

struct table *history_find_table(struct history *history, const char *name)
{
    lock_take(&history->lock);
    struct table *table = find(history, name);
    lock_give(&history->lock);
    return table;
}

uint64_t history_epoch(const struct history *history)
{
    return atomic_load(&history->epoch);
}

uint64_t history_advance(struct history *history)
{
    return atomic_fetch_add(&history->epoch, 1) + 1;
}

void history_mark_all(struct history *history, uint64_t epoch)
{
    assert(epoch <= history_epoch(history));
    uint64_t before = atomic_load(&history->unknown_epoch);
    while (before < epoch && !atomic_compare_exchange_weak(&history->unknown_epoch, &before, epoch))
        ;
}

uint64_t history_unknown_epoch(const struct history *history)
{
    return atomic_load(&history->unknown_epoch);
}

void history_set_doubt(struct history *history, uint64_t epoch)
{
    assert(epoch <= history_epoch(history));
    atomic_store(&history->doubt, epoch);
}

uint64_t history_doubt(const struct history *history)
{
    return atomic_load(&history->doubt);
}

void history_abandon(struct history *history)
{
    atomic_store(&history->abandoned, true);
}

bool history_is_abandoned(const struct history *history)
{
    return atomic_load(&history->abandoned);
}

void history_mark(struct table *table, uint64_t epoch)
{
    if (table == NULL)
        return;
    uint64_t changed = atomic_load(&table->changed);
    while (changed < epoch && !atomic_compare_exchange_weak(&table->changed, &changed, epoch))
        ;
    atomic_fetch_add(&table->commits, 1);
    atomic_store(&table->changed_at, (int64_t)(ticks_wall() * 1e6));
}

void history_probe(struct table *table, uint64_t epoch, bool empty)
{
    assert(epoch > 0);
    struct history *history = table->history;
    lock_take(&history->lock);
    uint64_t probed = atomic_load(&table->probed);
    if (epoch > probed) {
        /* What was written since the last look may have filled it meanwhile. */
        bool had_rows = !atomic_load(&table->empty) || atomic_load(&table->changed) > probed;
        if (probed != 0 && empty && had_rows)
            history_mark(table, epoch);
        atomic_store(&table->empty, empty);
        /* Last: who sees that it was looked up sees the mark. */
        atomic_store(&table->probed, epoch);
    }
    lock_give(&history->lock);
}

void history_forget_all(void)
{
    list = NULL;
    lock_start_over(&list_lock);
}

static int each_table_of(struct history *history,
                         int (*visit)(const struct history *, const struct table *, void *),
                         void *context)
{
    assert(lock_is_held(&list_lock));
    int stop = 0;
    lock_take(&history->lock);
    for (const struct table *table = history->tables; table != NULL && stop == 0;
         table = table->next)
        stop = visit(history, table, context);
    lock_give(&history->lock);
    return stop;
}

int history_each_table(int (*visit)(const struct history *, const struct table *, void *),
                       void *context)
{
    int stop = 0;
    lock_take(&list_lock);
    for (struct history *history = list; history != NULL && stop == 0; history = history->next)
        stop = each_table_of(history, visit, context);
    lock_give(&list_lock);
    return stop;
}
