/*
** Refreshing: looking what has changed in the databases of a connection, without a read. Whoever
** counts or drops entries refreshes first, so that what changed is not taken for good.
*/
#ifndef QUERYCACHE_READ_REFRESH_H
#define QUERYCACHE_READ_REFRESH_H

#include "session/session.h"

/* Bring the histories of all databases of this connection up to date, so that what
** evidence_is_stale() says of this connection's entries is the truth of now. Errors are ignored:
** then less is known. Called under the connection's mutex. */
void refresh_session(struct session *session);

#endif
