/*
** What the databases of one connection have in common, and ask about. It is part of the
** connection's observer, which alone changes it but for `schema_generation`.
*/
#ifndef QUERYCACHE_COHERENCE_CONNECTION_H
#define QUERYCACHE_COHERENCE_CONNECTION_H

#include <stdint.h>

#include "coherence/hooks.h"

struct database;

struct connection {
    sqlite3 *db;
    struct database *databases; /* main first */
    uint64_t schema_generation; /* grows whenever any schema was found changed */
    sqlite3_stmt *sentinel;     /* see sentinel.h; NULL: none */
    struct own_hooks hooks;
    bool hooked; /* the three hooks were registered */
};

/* True while all three hooks are still ours: since they were registered nothing was missed. */
bool connection_is_hooked(const struct connection *connection);

#endif
