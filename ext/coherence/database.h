/*
** A database (main, temp, attached) as one connection sees it: which file is behind the name, the
** last state of it that the connection has seen, and the connection's part in the file, as one of
** its members. Belongs to one connection, and is used under its mutex; but the file may ask it,
** while the connection is idle, from another thread.
*/
#ifndef QUERYCACHE_COHERENCE_DATABASE_H
#define QUERYCACHE_COHERENCE_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sqlite.h"
#include "coherence/connection.h"
#include "coherence/file.h"
#include "coherence/sentinel.h"

/* SQLite's numbers of main and temp. */
#define MAIN_DATABASE 0
#define TEMP_DATABASE 1

/* Lives as long as the observer, even when detached: the struct is used again under the name. */
struct database {
    struct member member;          /* must be first */
    struct connection *connection; /* its observer's */
    char *name;
    int index;            /* SQLite's number, as EXPLAIN shows it; -1 while detached */
    bool listed;          /* by the listing under way */
    bool uncacheable;     /* what it reads cannot be watched: immutable=1, memdb */
    struct handle handle; /* behind the name when it joined its file */

    /* The last state seen, where `known`. */
    bool known;
    bool exact;     /* `epoch` is the state's; else it is the last one known before it, or 0 */
    uint64_t epoch; /* of the file's history */
    uint32_t version;
    uint32_t schema_version;
    struct clock_source source;
    struct clock clock; /* where exact */

    struct clock outside;     /* as it read when no transaction was open, when last looked at */
    uint32_t outside_version; /* and the data version */

    /* As it read in a transaction that others had opened, where that did not tell the state. */
    struct clock inside;
    uint32_t inside_version;

    uint32_t schema_seen; /* the last looked at: may be of a transaction not yet committed */
    bool schema_in_doubt; /* so it was: look again */
    bool watched;         /* schema_seen was right at data version `watched_version` */
    uint32_t watched_version;
    bool out_of_reach;   /* locked by others when schemas were compared: not to be read now */
    bool schema_current; /* the schema in memory was the file's at data version `current_at` */
    uint32_t current_at;

    /*
    ** A history of the connection's own, for what it computes where it is not known which state of
    ** the file it sees: an epoch for each such state, none of which has anything of another.
    */
    struct history *own; /* NULL before the first */
    uint64_t own_epoch;

    /* Of the transaction under way. */
    struct write_set touched;
    bool writing;      /* the update hook has named this database, and then found: */
    int write_lock;    /* how the file was locked */
    int writes_before; /* SQLITE_DBSTATUS_CACHE_WRITE */
    bool committing;   /* in the commit hook, which finds it being written */
    bool may_fail; /* what was announced last is not known to be over: a rollback takes it back */

    int cache_spills;        /* SQLITE_DBSTATUS_CACHE_SPILL likewise */
    uint32_t other_versions; /* the sum of the other databases' data versions likewise */
    int cache_writes;        /* SQLITE_DBSTATUS_CACHE_WRITE in the hook that announced */
    bool alone;              /* no other database was written since; so the count is this one's */

    sqlite3_stmt *hold_query;   /* stepped, it keeps a read transaction open */
    sqlite3_stmt *schema_query; /* PRAGMA x.schema_version */
    bool holding;               /* hold_query is stepped */

    struct database *next;
};

/* A database of that name, not yet attached. NULL when memory is short. */
struct database *database_new(struct connection *connection, const char *name);

/* What SQLite is asked by: for main NULL, which it finds at once. */
static inline const char *database_schema(const struct database *database)
{
    return database->index == 0 ? NULL : database->name;
}

/* True when a file that others could have had open is open in no connection any more, and something
** was computed from it. */
bool database_free(struct database *database);

/*
** Find out which file is behind the name, forget all that was known, and become a member of it; of
** one of its own, where no other connection can see it or `shared` is false. What the transaction
** under way has written is then not known. SQLITE_NOMEM when memory is short.
*/
int database_reset(struct database *database, bool shared);

/* True when others could have the file open as well: there is one, at its path. */
bool database_could_share(const struct database *database);

/* The same as database_reset(), but stay in the file, and keep what is known, where it is still the
** same one. */
int database_renew(struct database *database);

/* The name stands for nothing any more. SQLITE_NOMEM when memory is short. */
int database_detach(struct database *database);

/*
** Empty SQLite's page cache where it may hold what is not the file's (file_is_clean()). Plain reads
** on this connection then see the file as it is, too; pages in use at the moment stay.
*/
void database_clean_pages(struct database *database);

/* Its history; as long as it stays in its file. */
struct history *database_history(const struct database *database);

/* SQLITE_FCNTL_DATA_VERSION; an error for temp, before it holds anything. May be called inside a
** hook. */
int database_version(const struct database *database, uint32_t *version);

/* The clock now; where the connection has the file to itself, CLOCK_NONE. Takes no transaction. */
struct clock database_clock(const struct database *database);

/*
** True while the connection has not committed, nor begun to read what others have, nor changed the
** file's mode (which is a commit), since the state last seen; and the handle is the same one.
*/
bool database_has_not_moved(const struct database *database);

/* Read the clock before a transaction is opened: where it still reads the same when one is open,
** that is the state it sees. Does nothing inside one. */
void database_look_from_outside(struct database *database);

/* True when the name stands for another file handle than when it joined (sqlite3_deserialize). */
bool database_is_replaced(const struct database *database);

/*
** True when the present data version, `version`, proves that the announced commit of this
** connection, and no other's, lies between its hook and the snapshot: each own commit adds one to
** it, even an empty one, and what others commit adds one more. One that failed was withdrawn.
*/
bool database_proves(const struct database *database, uint32_t version);

/*
** In a transaction that others have opened: true when it is certain that it sees the file as the
** clock reads now, `now`: it sees this connection's last commit, and nothing came after that; or
** the clock read the same in a transaction before, and this is another one, as the data version,
** `version`, tells. Remembers what it needs for the next time.
*/
bool database_sees_latest(struct database *database, const struct clock *now, uint32_t version);

/* Where it does not, and something has moved: begin an epoch of the connection's own history. */
int database_see_alone(struct database *database);

/* In the update hook: a transaction writes this table (NULL: or any). */
void database_touch(struct database *database, struct table *table);

/* The transaction has ended, whichever way. */
void database_end_write(struct database *database);

/* In the commit hook, with a write transaction open: announce what was touched. `alone`: this is
** the only database that the transaction writes. */
void database_announce(struct database *database, bool alone);

/* In the commit hook: a commit that is not announced, whatever it writes. */
void database_pass_over(struct database *database);

/* In the rollback hook: withdraw what was announced for the transaction that is rolled back. */
void database_take_back(struct database *database);

/* Finalize the helper statements; they are prepared again when needed. */
void database_suspend(struct database *database);

#endif
