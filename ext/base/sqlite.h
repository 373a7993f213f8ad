/*
** SQLite's API as this extension calls it: through the routine table that SQLite hands to a loaded
** library, or directly where the extension is linked in (SQLITE_CORE). libraries.c has the
** table's pointer, and sees to it that it is the right one.
*/
#ifndef QUERYCACHE_BASE_SQLITE_H
#define QUERYCACHE_BASE_SQLITE_H

#include <stddef.h>

#include <sqlite3ext.h>

SQLITE_EXTENSION_INIT3

/* False in a library that no SQLite has loaded yet: then there is nothing to call. */
static inline int sqlite_is_there(void)
{
#ifdef SQLITE_CORE
    return 1;
#else
    return __atomic_load_n(&sqlite3_api, __ATOMIC_ACQUIRE) != NULL;
#endif
}

/* Keeps what is only tried out from the application's error log. SQLite ignores it before 3.48. */
#ifndef SQLITE_PREPARE_DONT_LOG
#define SQLITE_PREPARE_DONT_LOG 0x10
#endif

/*
** NULL where SQLite was compiled with SQLITE_OMIT_DEPRECATED, as its documentation recommends: in
** the routine table, and where it is linked in.
*/
#ifdef SQLITE_CORE
#pragma weak sqlite3_expired
#pragma weak sqlite3_compileoption_used /* likewise, SQLITE_OMIT_COMPILEOPTION_DIAGS */
#endif

/*
** How statements begin that the extension keeps on a connection, or has running, while the
** application is at work: so that who goes through the connection's statements can tell them from
** its own. SQLite passes over the semicolons. A comment would say more, but may be an error
** (SQLITE_DBCONFIG_ENABLE_COMMENTS).
*/
#define OWN_STATEMENT ";;; "

#endif
