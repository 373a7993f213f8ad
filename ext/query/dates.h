/*
** Dates: what the calls of SQLite's date functions depend on besides their arguments. How many
** arguments a call has, and which of them are modifiers, a program does not show. So the text of the
** query is searched for the calls, and so is the text of each view that it may read. Called under the
** connection's mutex.
*/
#ifndef QUERYCACHE_QUERY_DATES_H
#define QUERYCACHE_QUERY_DATES_H

#include <stdbool.h>

#include "base/sqlite.h"

struct dates {
    bool bare_strftime; /* strftime() with a format alone: the present time */
    bool zone; /* a modifier may be 'localtime' or 'utc': it is one of them, or no literal text */
};

/*
** Search a SELECT and the views of `count` databases (SQLite's numbers of them) and of temp. SQLite's
** error code where they cannot be read.
*/
int dates_read(sqlite3 *db, const char *sql, const int *databases, unsigned count,
               struct dates *dates);

#endif
