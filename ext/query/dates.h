/*
** Dates: what the calls of SQLite's date functions depend on besides their arguments. How many
** arguments a call has, and which of them are modifiers, a program does not show. So the text of
** the query is searched for the calls, and so is the text of each view that it may read. Called
** under the connection's mutex.
*/
#ifndef QUERYCACHE_QUERY_DATES_H
#define QUERYCACHE_QUERY_DATES_H

#include <stdbool.h>

#include "base/program.h"

struct date_search {
    sqlite3 *db;
    const char *sql;
    const struct schema_label *opened; /* of the databases that the program opens */
    unsigned opened_count;
    bool all; /* read the views of the others, too */
};

struct dates {
    bool bare_strftime; /* strftime() with a format alone: the present time */
    bool zone; /* a modifier may be 'localtime' or 'utc': it is one of them, or no literal text */
    bool all;  /* as the search was for */
};

/*
** Search a SELECT and the views that it may read. Those of a database that the program opens no
** transaction on may be read, too, where they come to nothing but constants. To look at them takes
** a lock, and inside BEGIN fixes what the transaction sees there; so it is done for `all` alone,
** where the present time is at stake. Else such a view may depend on the zone. SQLite's error code
** where views cannot be read.
*/
int dates_read(const struct date_search *search, struct dates *dates);

#endif
