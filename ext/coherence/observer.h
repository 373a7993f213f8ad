/*
** The observer: one connection's databases, and its hooks, which collect the tables that a
** transaction writes and announce them at commit (file.h). It knows no query and no entry.
**
** Used only under the connection's mutex. The hooks run inside SQLite: they prepare and step
** nothing. Memory that runs short in a hook makes the whole transaction count as having written
** everything.
*/
#ifndef QUERYCACHE_COHERENCE_OBSERVER_H
#define QUERYCACHE_COHERENCE_OBSERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sqlite.h"
#include "coherence/connection.h"
#include "coherence/database.h"
#include "coherence/pages.h"
#include "coherence/sentinel.h"

struct observer {
    uint64_t process;             /* process_generation() when it was made */
    struct connection connection; /* what its databases share */
    uint64_t incarnation;         /* counts how often all statements expired; part of every key */
    bool read_uncommitted;        /* nothing is cached while it is on */
    bool flags_known;             /* what follows was found out under this incarnation */
    bool own_collations;          /* the application put its own under a built-in name */
    bool utf8;                    /* how SQLite keeps text */
    sqlite3_stmt *zone;           /* asks what the time zone does (query/surroundings.h), or NULL */
    struct foreign_hooks before;
    struct pages *pages; /* tells of what goes past the hooks; NULL: nothing does */
    unsigned depth;      /* snapshots open, one inside the other */

    /* The table named last by the update hook, so that a bulk insert costs a comparison a row. */
    char last_schema[64];
    char last_table[128];
    const char *last_main; /* SQLite's name of main, if it was named last: that stays where it is */
    bool unannounced;      /* the transaction under way will not be announced: no name is noted */
    /* The last such: what it wrote first, and at which data version. That has moved when it is
    ** over. */
    struct database *passed_over;
    uint32_t passed_over_version;
};

/* Watch a connection: list its databases, and register the hooks if `hooks`; a hook that the
** application had set goes on being called where that can be done (see hooks.h). NULL when memory
** is short. */
struct observer *observer_new(sqlite3 *db, bool hooks);

/* Register the hooks once more, after the application took them over and loads the extension
** again. */
void observer_hook(struct observer *observer);

/* The connection is closing: the hooks go first. True when a file is now open in no connection of
** the process, and something was computed from it: that has no use any more. */
bool observer_free(struct observer *observer);

/* True while all three hooks are still ours: since they were registered nothing was missed. */
bool observer_is_hooked(const struct observer *observer);

/* What the update hook does not tell: the transaction under way writes this table. `schema` NULL:
** of any database that it writes; a system table: any. */
void observer_note_write(struct observer *observer, const char *schema, const char *table);

/* Have a hook of the application called by ours, in place of the one before, whose argument is
** returned. While ours is in the slot (observer_is_hooked()). */
void *observer_chain_update(struct observer *observer, update_hook hook, void *argument);
void *observer_chain_commit(struct observer *observer, commit_hook hook, void *argument);
void *observer_chain_rollback(struct observer *observer, rollback_hook hook, void *argument);

/* True in the child of a fork() for a connection of its parent: nothing may be done with it. */
bool observer_is_foreign(const struct observer *observer);

/* Finalize the helper statements, unless a snapshot is open; they are prepared again when needed.
** The connection may be about to close: what can be told of its last commit is told now. */
void observer_suspend(struct observer *observer);

/* Find out which databases are attached. Cheap unless one was detached since; `force` asks in any
** case. */
int observer_list_databases(struct observer *observer, bool force);

/* The database of that name (any case) or number; NULL when there is none. */
struct database *observer_find(const struct observer *observer, const char *name);
struct database *observer_at(const struct observer *observer, int index);

#endif
