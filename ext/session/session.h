/*
** A session: what the cache knows of one connection: its observer, its cached queries and
** the last status. It is made when the extension is loaded on the connection and ends when SQLite
** drops the last module or function that refers to it, at close.
**
** Used only under the connection's own mutex, as SQLite calls modules and functions. The store
** behind it belongs to the whole process.
*/
#ifndef QUERYCACHE_SESSION_SESSION_H
#define QUERYCACHE_SESSION_SESSION_H

#include "base/lender.h"
#include "base/sqlite.h"
#include "coherence/observer.h"
#include "session/cached_query.h"
#include "store/store.h"

enum read_status { READ_NONE, READ_HIT, READ_MISS, READ_BYPASS, READ_COALESCED };

/* The SELECT last prepared when it could not be looked into: that is caught up with. sql NULL:
** none. */
struct waiting {
    char *sql;
    char *name;    /* NULL: none */
    char *options; /* likewise */
};

struct session {
    sqlite3 *db;
    uint64_t id;          /* unique in the process, never 0 */
    uint64_t incarnation; /* the observer's, when the entries of older ones were last dropped */
    struct observer *observer;
    struct lender *lender;        /* of the texts that cursors hand out */
    struct store *store;          /* the process's */
    struct cached_query *queries; /* the connected cached tables */
    struct cached_query *ad_hoc;  /* prepared by cache_query() and friends, latest first */
    unsigned ad_hoc_count;
    struct cached_query *prepared; /* those of statement/prepared_table.h */
    unsigned prepared_count;
    uint64_t prepared_last; /* the number of the latest, never 0 */
    struct waiting waiting;
    const char *anchor; /* SQL that connects a virtual table of ours: of the surface */
    unsigned connected; /* virtual tables of ours that SQLite will disconnect at close */
    unsigned readings;  /* under way, one inside the other */
    bool keeps_own;     /* the store has entries that this connection alone may use */
    enum read_status last_status;
    struct facts facts;
    struct refused_shapes *refused_shapes; /* NULL: none yet */
    struct nesting nesting; /* finds what a cached table reads, for queries over it */
    bool registered;        /* all modules and functions are */
    unsigned references;
};

/* The session of a connection, made if need be, with one more reference. NULL when memory is
** short. */
struct session *session_open(sqlite3 *db);

/* The same, where it was made, without a reference; else NULL. */
struct session *session_find(sqlite3 *db);

/* Whether there is any. */
bool session_any(void);

/* The same session with one more reference. */
struct session *session_retain(struct session *session);

/* Give one reference back; the signature is that of SQLite's destructors. */
void session_release(void *context);

/* True in the child of a fork() for a connection of its parent: nothing may be done with it. */
bool session_is_foreign(const struct session *session);

/* An error that says so, there; elsewhere SQLITE_OK. */
int session_check(const struct session *session, char **error);

/*
** A virtual table of ours was connected, or disconnected. SQLite disconnects them all before it
** asks whether a connection may close: that is when kept statements must go, or sqlite3_close()
** would return SQLITE_BUSY. They are prepared again when needed.
*/
void session_connected(struct session *session);
void session_disconnected(struct session *session);

/* Note these, copied, in place of what waits; NULL `sql`: nothing. */
void session_wait(struct session *session, const char *sql, const char *name, const char *options);

/* Between these two the kept statements stay, whatever is disconnected. */
void session_begin_read(struct session *session);
void session_end_read(struct session *session);

/* See to it that at least one virtual table of ours is connected, before statements are kept
** outside of one. */
int session_anchor(struct session *session);

/* Drop what the connection kept under an older incarnation of its statements: it cannot be
** served. */
void session_drop_outdated(struct session *session);

#endif
