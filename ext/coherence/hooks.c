#include "coherence/hooks.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/lock.h"
#include "base/memory.h"

/* A slot is an argument with the function behind it: two words side by side in struct sqlite3. */
struct slot {
    void *argument;
    void (*function)(void);
};

struct layout {
    bool known;
    size_t update; /* offsets into struct sqlite3 */
    size_t commit;
    size_t rollback;
    bool functions_known;
    size_t functions; /* of an unsigned */
};

static struct layout layout; /* written once, before `looked` is */
static _Atomic bool looked;
static struct lock layout_lock = LOCK_INITIALIZER(LOCK_LAYOUT);

/* The scratch connection may load this very extension (sqlite3_auto_extension); then it does
** without. */
static _Thread_local bool learning;

static void mark_update(void *argument, int operation, const char *schema, const char *table,
                        sqlite3_int64 rowid)
{
    (void)argument, (void)operation, (void)schema, (void)table, (void)rowid;
}

static int mark_commit(void *argument)
{
    (void)argument;
    return 0;
}

static void mark_rollback(void *argument)
{
    (void)argument;
}

static struct slot read_slot(sqlite3 *db, size_t offset)
{
    struct slot slot;
    memcpy(&slot, (const char *)db + offset, sizeof slot);
    return slot;
}

/* The offset of the one place where this slot stands; false where there is none, or more than
** one. */
static bool find_slot(sqlite3 *db, size_t size, struct slot wanted, size_t *offset)
{
    int found = 0;
    for (size_t at = 0; at + sizeof(struct slot) <= size; at += sizeof(void *)) {
        struct slot slot = read_slot(db, at);
        if (slot.argument == wanted.argument && slot.function == wanted.function) {
            *offset = at;
            found++;
        }
    }
    return found == 1;
}

/* ---- the number of functions ---- */

static void mark_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)context, (void)count, (void)values;
}

static unsigned read_unsigned(const void *connection, size_t offset)
{
    unsigned number;
    memcpy(&number, (const char *)connection + offset, sizeof number);
    return number;
}

/* Registers a function, and strikes out of `is_it` each place that did not grow by `growth` with
** it. */
static bool strike_out(sqlite3 *db, size_t size, const char *name, int arguments, unsigned growth,
                       char *before, bool *is_it)
{
    memcpy(before, db, size);
    if (sqlite3_create_function(db, name, arguments, SQLITE_UTF8, NULL, mark_function, NULL,
                                NULL) != SQLITE_OK)
        return false;
    for (size_t at = 0; at + sizeof(unsigned) <= size; at += sizeof(unsigned))
        is_it[at / sizeof(unsigned)] = is_it[at / sizeof(unsigned)] &&
                                       read_unsigned(db, at) - read_unsigned(before, at) == growth;
    return true;
}

static bool find_functions(sqlite3 *db, size_t size, size_t *offset)
{
    size_t places = size / sizeof(unsigned);
    char *before = memory_alloc(size);
    bool *is_it = memory_alloc(places * sizeof *is_it);
    int found = 0;
    for (size_t i = 0; is_it != NULL && i < places; i++)
        is_it[i] = true;
    if (before != NULL && is_it != NULL &&
        strike_out(db, size, "querycache_mark_1", 1, 1, before, is_it) &&
        strike_out(db, size, "querycache_mark_1", 2, 0, before, is_it) &&
        strike_out(db, size, "querycache_mark_2", 1, 1, before, is_it) &&
        strike_out(db, size, "querycache_mark_2", 2, 0, before, is_it) &&
        strike_out(db, size, "querycache_mark_3", 1, 1, before, is_it)) {
        for (size_t i = 0; i < places; i++) {
            if (is_it[i]) {
                *offset = i * sizeof(unsigned);
                found++;
            }
        }
    }
    memory_free(before);
    memory_free(is_it);
    return found == 1;
}

/* sqlite3_msize() bounds the search: a connection is a block of SQLite's own allocator. False where
** there was no memory to look. */
static bool learn_layout(struct layout *learned)
{
    static char marks[3];
    sqlite3 *db = NULL;
    learning = true;
    bool open = sqlite3_open(":memory:", &db) == SQLITE_OK;
    if (open) {
        size_t size = (size_t)sqlite3_msize(db);
        sqlite3_update_hook(db, mark_update, &marks[0]);
        sqlite3_commit_hook(db, mark_commit, &marks[1]);
        sqlite3_rollback_hook(db, mark_rollback, &marks[2]);
        learned->known =
            find_slot(db, size, (struct slot){&marks[0], (void (*)(void))mark_update},
                      &learned->update) &&
            find_slot(db, size, (struct slot){&marks[1], (void (*)(void))mark_commit},
                      &learned->commit) &&
            find_slot(db, size, (struct slot){&marks[2], (void (*)(void))mark_rollback},
                      &learned->rollback);
        learned->functions_known = find_functions(db, size, &learned->functions);
    }
    sqlite3_close(db);
    learning = false;
    return open;
}

/*
** Looked for again as long as there was no memory to look. No lock is held meanwhile: opening the
** scratch connection runs the application's automatic extensions, which may take any. Two threads
** may both look, and find the same.
*/
static bool layout_known(void)
{
    struct layout learned = {0};
    if (learning)
        return false;
    if (atomic_load_explicit(&looked, memory_order_acquire))
        return layout.known;
    if (!learn_layout(&learned))
        return false;
    lock_take(&layout_lock);
    if (!atomic_load_explicit(&looked, memory_order_relaxed)) {
        layout = learned;
        atomic_store_explicit(&looked, true, memory_order_release);
    }
    lock_give(&layout_lock);
    return layout.known;
}

static bool slot_is(sqlite3 *db, size_t offset, void (*function)(void), const void *argument)
{
    struct slot slot = read_slot(db, offset);
    return slot.function == function && slot.argument == argument;
}

void hooks_take(sqlite3 *db, const struct own_hooks *own, struct foreign_hooks *before)
{
    assert(own->update != NULL && own->commit != NULL && own->rollback != NULL && before != NULL);
    *before = (struct foreign_hooks){0};
    if (layout_known()) {
        struct slot slot = read_slot(db, layout.update);
        if (slot.function != (void (*)(void))own->update) {
            before->update = (update_hook)slot.function;
            before->update_argument = slot.argument;
        }
        slot = read_slot(db, layout.commit);
        if (slot.function != (void (*)(void))own->commit) {
            before->commit = (commit_hook)slot.function;
            before->commit_argument = slot.argument;
        }
        slot = read_slot(db, layout.rollback);
        if (slot.function != (void (*)(void))own->rollback) {
            before->rollback = (rollback_hook)slot.function;
            before->rollback_argument = slot.argument;
        }
    }
    sqlite3_update_hook(db, own->update, own->argument);
    sqlite3_commit_hook(db, own->commit, own->argument);
    sqlite3_rollback_hook(db, own->rollback, own->argument);
}

bool hooks_hold(sqlite3 *db, const struct own_hooks *own)
{
    return layout_known() &&
           slot_is(db, layout.update, (void (*)(void))own->update, own->argument) &&
           slot_is(db, layout.commit, (void (*)(void))own->commit, own->argument) &&
           slot_is(db, layout.rollback, (void (*)(void))own->rollback, own->argument);
}

void hooks_give_back(sqlite3 *db, const struct own_hooks *own, const struct foreign_hooks *before)
{
    if (!layout_known())
        return;
    if (slot_is(db, layout.update, (void (*)(void))own->update, own->argument))
        sqlite3_update_hook(db, before->update, before->update_argument);
    if (slot_is(db, layout.commit, (void (*)(void))own->commit, own->argument))
        sqlite3_commit_hook(db, before->commit, before->commit_argument);
    if (slot_is(db, layout.rollback, (void (*)(void))own->rollback, own->argument))
        sqlite3_rollback_hook(db, before->rollback, before->rollback_argument);
}

bool hooks_count_functions(sqlite3 *db, unsigned *count)
{
    layout_known();
    if (learning || !layout.functions_known)
        return false;
    *count = read_unsigned(db, layout.functions);
    return true;
}

void hooks_start_over(void)
{
    lock_start_over(&layout_lock);
}
