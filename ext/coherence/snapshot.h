/*
** A snapshot: which epoch of each database's history a read sees. Taking one settles what has
** happened since the last: own commits that were announced and are known to have happened advance
** a history by name, anything else advances it by "unknown".
**
** How own commits are told from foreign ones: SQLITE_FCNTL_DATA_VERSION grows by one with each own
** commit and with each change that the connection finds made by others; PRAGMA data_version only
** with the latter (SQLite's btree.c compensates own commits). So where PRAGMA data_version stands
** still, nobody else committed, and the difference of the two counts own commits exactly; it must
** equal the number of commits that were announced.
**
** Called under the connection's mutex. A snapshot that is open may hold read transactions: close
** it.
*/
#ifndef QUERYCACHE_COHERENCE_SNAPSHOT_H
#define QUERYCACHE_COHERENCE_SNAPSHOT_H

#include <stdbool.h>

#include "coherence/observer.h"

enum snapshot_state {
    SNAPSHOT_GOOD,   /* each database's history is at the epoch that this read sees */
    SNAPSHOT_BYPASS, /* a write transaction is open, or a database cannot be watched */
};

/*
** Take a snapshot of these databases. Where a database has no transaction open, and its clock
** still reads as at its history's epoch, nothing more is done, unless `hold` asks for a read
** transaction that stays until snapshot_close(). Inside BEGIN one is opened in any case, so that
** what follows sees the same. Also finds out whether any schema of the connection changed
** (observer->schema_generation). SQLite's error code where a transaction cannot be opened
** (SQLITE_BUSY, SQLITE_INTERRUPT, …).
*/
int snapshot_open(struct observer *observer, struct database *const *databases, unsigned count,
                  bool hold, enum snapshot_state *state);

/* True when what the snapshot holds is still what it was: nothing was written or committed under
** it. */
bool snapshot_holds(struct observer *observer, struct database *const *databases, unsigned count);

/* End the read transactions that the snapshot opened (where nothing else keeps them open). */
void snapshot_close(struct observer *observer);

#endif
