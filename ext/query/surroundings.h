/*
** Surroundings: what SQLite's own functions take from outside a query's text, its parameters and
** its tables, and for whose change SQLite expires no statement. `datetime(x, 'localtime')` and its
** kin follow the time zone of the process, which tzset() changes. Texts, blobs and the patterns of
** LIKE and GLOB are held to limits of the connection, which sqlite3_limit() changes. Reals become
** text of as many digits as sqlite3_db_config() says. So all these are asked for at each read, and
** are part of the key.
**
** Used under the connection's mutex. Not seen are time zones that differ from each other at none of
** the instants that are asked for; all zones of the IANA database differ at one or more.
*/
#ifndef QUERYCACHE_QUERY_SURROUNDINGS_H
#define QUERYCACHE_QUERY_SURROUNDINGS_H

#include <stdbool.h>

#include "base/sqlite.h"
#include "coherence/observer.h"
#include "store/store.h"

struct surroundings {
    bool known;  /* SQLite answered; where an authorizer forbids the question it does not */
    int length;  /* SQLITE_LIMIT_LENGTH */
    int pattern; /* SQLITE_LIMIT_LIKE_PATTERN_LENGTH */
    int digits;  /* SQLITE_DBCONFIG_FP_DIGITS; 0 where it cannot be set, before SQLite 3.53 */
    struct key
        zone; /* a hash of what the time zone does; zero for a query that does not depend on it */
};

/*
** Ask how things are now. `dates`: the query calls a date function, and depends on the time zone.
** That takes some ten microseconds, as SQLite converts 44 times; without it the answer is three
** numbers.
*/
struct surroundings surroundings_ask(struct observer *observer, bool dates);

/*
** A look at the time zone that costs nothing, for a result whose rows are computed one by one, with
** the application at work in between: the zone may have changed and changed back when the last one
** is out. Zones of one name and one standard time are alike to it.
*/
struct zone_glance {
    const char *names[2];
    long west;
    int daylight;
};
struct zone_glance surroundings_glance(void);
bool surroundings_glance_same(const struct zone_glance *a, const struct zone_glance *b);

/* True while things are as they were when these were asked for. False too where that is not
** known. */
bool surroundings_stand(struct observer *observer, bool dates, const struct surroundings *then);

#endif
