/*
** A reading: one read under way: what it asks for, the snapshot that it takes, and what it finds in
** the store. Called under the connection's mutex.
*/
#ifndef QUERYCACHE_READ_READING_H
#define QUERYCACHE_READ_READING_H

#include "base/buffer.h"
#include "coherence/snapshot.h"
#include "session/session.h"

struct stream;

struct reading {
    struct session *session;
    struct cached_query *query;
    sqlite3_value **values;
    enum snapshot_state state;
    bool open;    /* a snapshot is to be closed */
    bool holding; /* it has a read transaction */
    bool alone;   /* the store is asked for what this connection kept for itself */
    bool probed;  /* all that can be found out of doubts and truncations was found out */
    const struct buffer *params; /* the values as keys have them */
    struct query_identity identity;
    struct surroundings surroundings; /* of the identity */
    struct stream **stream; /* what has to be computed is to go through one; NULL: at once */
};

/* Take a snapshot of what the query reads, in place of the one that is open. SQLite's code. */
int reading_take_snapshot(struct reading *reading, bool hold);

/* Set the identity: what the entry answers that the read looks for, and that it may keep. */
void reading_identify(struct reading *reading);

/* Look in the store, for the identity, with what the snapshot sees; which may be one that stands
** (snapshot_stands()). A hit is noted in the session's last status. */
enum found reading_find(struct reading *reading, struct result **result);

#endif
