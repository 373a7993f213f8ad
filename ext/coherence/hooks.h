/*
** Hook slots: SQLite has one slot each per connection for the update, commit and rollback hook,
** and says nothing when a later registration takes one. This finds out where in the connection the
** slots are, by registering marks on a scratch connection and looking for them, so that an
** observer can see whether its hooks are still in place, and can pass on to the hooks that it
** found there.
**
** The number of functions is found likewise: it is what grows by one with each new name, and not
** with another function of the same.
**
** Nothing is ever written through these addresses. Where the slots are not found (another build of
** SQLite), `known` is false and every own commit counts as unknown: hits are lost, exactness is
** not.
*/
#ifndef QUERYCACHE_COHERENCE_HOOKS_H
#define QUERYCACHE_COHERENCE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sqlite.h"

typedef void (*update_hook)(void *argument, int operation, const char *schema, const char *table,
                            sqlite3_int64 rowid);
typedef int (*commit_hook)(void *argument);
typedef void (*rollback_hook)(void *argument);

/* Ours; all three get `argument`. */
struct own_hooks {
    update_hook update;
    commit_hook commit;
    rollback_hook rollback;
    void *argument;
};

/* The hooks that were in the slots before ours. */
struct foreign_hooks {
    update_hook update;
    void *update_argument;
    commit_hook commit;
    void *commit_argument;
    rollback_hook rollback;
    void *rollback_argument;
};

/* Put our hooks into the slots; `before` receives what was there (nothing where that cannot be
** seen, or where it was ours). */
void hooks_take(sqlite3 *db, const struct own_hooks *own, struct foreign_hooks *before);

/* True while all three slots hold what hooks_take() put there. */
bool hooks_hold(sqlite3 *db, const struct own_hooks *own);

/* Put back what was there before, in those slots that are still ours. */
void hooks_give_back(sqlite3 *db, const struct own_hooks *own, const struct foreign_hooks *before);

/*
** How many names the application's functions have on a connection, ours included: it grows when one
** hides a function of SQLite's own, for which SQLite need not expire a statement. False where that
** is not found in the connection.
*/
bool hooks_count_functions(sqlite3 *db, unsigned *count);

/* In the child of a fork(): the lock is made anew. */
void hooks_start_over(void);

#endif
