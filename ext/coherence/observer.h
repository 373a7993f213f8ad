/*
** The observer: what one connection sees of its databases. Its hooks collect the tables that a
** transaction writes and announce them at commit; the snapshot (snapshot.h) finds out what has
** really happened, and writes it into the databases' histories. It knows no query and no entry.
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
#include "coherence/clock.h"
#include "coherence/history.h"
#include "coherence/slots.h"

/* Tables that a transaction wrote, as far as some kept result depends on them. */
struct write_set {
    struct table **tables;
    unsigned count;
    unsigned capacity;
    bool anything;   /* some table was named, known or not */
    bool everything; /* it may have written anything */
};

/*
** One database of the connection (main, temp, attached). Lives as long as the observer, even when
** detached: the struct is used again under the same name.
*/
struct database {
    char *name;
    int index; /* SQLite's number, as EXPLAIN shows it; -1 while detached */
    struct history *history;
    bool uncacheable; /* what it reads cannot be watched: immutable=1, memdb */

    /* The state at the history's present epoch, where `known`. */
    bool known;
    uint32_t version; /* SQLITE_FCNTL_DATA_VERSION: moves with every commit, own or foreign */
    uint32_t foreign_version; /* PRAGMA data_version: moves with foreign commits only */
    uint32_t schema_version;
    struct clock_source source;
    struct clock clock;   /* CLOCK_NONE: not known for this epoch */
    uint32_t schema_seen; /* the last looked at: may be of a transaction not yet committed */
    bool schema_in_doubt; /* so it was: look again */
    bool watched;         /* schema_seen was right at data version `watched_version` */
    uint32_t watched_version;
    bool schema_current; /* the schema in memory was the file's at data version `current_at` */
    uint32_t current_at;

    struct write_set touched;   /* by the transaction under way */
    struct write_set announced; /* by commits since the known state */
    uint32_t announcements;     /* how many of them */
    uint32_t announced_version; /* the data version in the last one's hook */

    sqlite3_stmt *hold_query;    /* stepped, it keeps a read transaction open */
    sqlite3_stmt *schema_query;  /* PRAGMA x.schema_version */
    sqlite3_stmt *foreign_query; /* PRAGMA x.data_version */
    sqlite3_stmt *mode_query;    /* PRAGMA x.journal_mode */
    bool holding;                /* hold_query is stepped */

    struct database *next;
};

struct observer {
    sqlite3 *db;
    struct database *databases; /* main first */
    uint64_t schema_generation; /* grows whenever any schema was found changed */
    sqlite3_stmt *sentinel;     /* expires when SQLite expires all statements */
    uint64_t incarnation;       /* counts how often that happened; part of every key */
    bool read_uncommitted;      /* nothing is cached while it is on */
    struct hook_slots slots;
    bool hooked;    /* the three hooks were registered */
    unsigned depth; /* snapshots open, one inside the other */

    /* The table named last by the update hook, so that a bulk insert costs a comparison a row. */
    char last_schema[64];
    char last_table[128];
};

/* Watch a connection. Registers the hooks if `hooks`; a hook that the application had set goes on
** being called where that can be done (see slots.h). NULL when memory is short. */
struct observer *observer_new(sqlite3 *db, bool hooks);

/* Register the hooks once more, after the application took them over and loads the extension
** again. */
void observer_hook(struct observer *observer);

/* The connection is closing: the hooks go first. */
void observer_free(struct observer *observer);

/* True while all three hooks are still ours: since they were registered nothing was missed. */
bool observer_is_hooked(const struct observer *observer);

/* Finalize the helper statements, unless a snapshot is open; they are prepared again when needed. */
void observer_suspend(struct observer *observer);

/* True once SQLite has expired the statements it had prepared, until the next listing notes it. A
** statement's own flag would not tell: binding a value that the plan depends on sets it, too. */
bool observer_has_expired(const struct observer *observer);

/* Find out which databases are attached. Cheap unless one was detached since; `force` asks in any
** case. */
int observer_list_databases(struct observer *observer, bool force);

/* SQLITE_FCNTL_DATA_VERSION of a database; an error for temp, before it holds anything. May be called
** inside a hook. */
int observer_read_version(const struct observer *observer, const struct database *database,
                          uint32_t *version);

/* Forget all that is known of a database: another file is behind the name. */
int observer_reset_database(struct observer *observer, struct database *database);

/* The database of that name (any case) or number; NULL when there is none. */
struct database *observer_find(const struct observer *observer, const char *name);
struct database *observer_at(const struct observer *observer, int index);

#endif
