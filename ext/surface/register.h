/*
** Registering: all that SQL sees of the cache, on one connection. The only place that knows all of
** the tables.
*/
#ifndef QUERYCACHE_SURFACE_REGISTER_H
#define QUERYCACHE_SURFACE_REGISTER_H

#include "session/session.h"

/* Register everything on the session's connection. SQLite's error code when something could not
** be; what is registered by then stays, and works. */
int surface_register(sqlite3 *db, struct session *session);

#endif
