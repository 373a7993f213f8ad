/*
** A snapshot: which epoch of each database's history a read sees. Taking one brings the files'
** histories up to date (file.h), and leaves in each database (database.h) the epoch that was seen:
** exactly, or, where others have opened the transaction and something moved since, only the last
** one before it.
**
** Called under the connection's mutex. A snapshot that is open may hold read transactions: close
** it.
*/
#ifndef QUERYCACHE_COHERENCE_SNAPSHOT_H
#define QUERYCACHE_COHERENCE_SNAPSHOT_H

#include <stdbool.h>

#include "coherence/evidence.h"
#include "coherence/observer.h"

enum snapshot_state {
    SNAPSHOT_GOOD,   /* each database knows which epoch this read sees */
    SNAPSHOT_BYPASS, /* a write transaction is open, or a database cannot be watched */
};

/*
** Take a snapshot of these databases. Where a database has no transaction open, and its clock still
** reads as it did at the epoch last seen, nothing more is done, unless `hold` asks for a read
** transaction that stays until snapshot_close(). Inside BEGIN one is opened in any case, so that
** what follows sees the same. Also finds out whether any schema of the connection changed
** (observer->connection.schema_generation). SQLite's error code where a transaction cannot be
** opened (SQLITE_BUSY, SQLITE_INTERRUPT, …).
*/
int snapshot_open(struct observer *observer, struct database *const *databases, unsigned count,
                  bool hold, enum snapshot_state *state);

/*
** True when a snapshot of these databases, taken now, would find each in the state last seen, and
** each schema of the connection as it was: then they know their epochs, and none need be taken.
** Only looks: opens no transaction, runs no statement. False where that does not tell, or where a
** transaction would be opened (`hold` as above). `in_temp`: a table in temp asks; so temp has not
** been thrown away, as by PRAGMA temp_store, which expires nothing.
*/
bool snapshot_stands(const struct observer *observer, struct database *const *databases,
                     unsigned count, bool hold, bool in_temp);

/* True when what the snapshot holds is still what it was: nothing was written or committed under
** it. */
bool snapshot_holds(struct observer *observer, struct database *const *databases, unsigned count);

/*
** What the snapshot that was taken last, or that stands, sees of these databases. `alone`: of a
** database whose epoch is not known exactly, the view is of the connection's own history (struct
** database, `own`).
*/
void snapshot_views(struct database *const *databases, unsigned count, bool alone,
                    struct views *views);

/* End the read transactions that the snapshot opened (where nothing else keeps them open). */
void snapshot_close(struct observer *observer);

/* What follows may open transactions on its own: take note of all clocks before. */
void snapshot_prepare(struct observer *observer);

/* Have a first look at what was never looked at, so that a later one, inside BEGIN, knows the mode
** of the file and so can be exact. */
void snapshot_learn(struct observer *observer, struct database *const *databases, unsigned count);

#endif
