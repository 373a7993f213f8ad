/*
** Call sites: which SQLite a call of an interposed function was meant for, and whether it comes
** from that SQLite itself. A program's own SQLite is found as the dynamic linker would have: the
** first that all see; else the one that the calling library was loaded with (Python's _sqlite3, and
** others that are opened for themselves alone). Thread-safe; a site that was met before costs a
** look in a table.
*/
#ifndef QUERYCACHE_PRELOAD_SITES_H
#define QUERYCACHE_PRELOAD_SITES_H

#include <sqlite3.h>
#include <stdbool.h>

/* SQLite's own functions. */
struct library {
    const void *base; /* where it is loaded */
    int (*open)(const char *, sqlite3 **);
    int (*open_v2)(const char *, sqlite3 **, int, const char *);
    int (*open16)(const void *, sqlite3 **);
    int (*auto_extension)(void (*)(void));
    int (*prepare_v2)(sqlite3 *, const char *, int, sqlite3_stmt **, const char **);
    int (*prepare_v3)(sqlite3 *, const char *, int, unsigned, sqlite3_stmt **, const char **);
    int (*prepare16_v2)(sqlite3 *, const void *, int, sqlite3_stmt **, const void **);
    int (*prepare16_v3)(sqlite3 *, const void *, int, unsigned, sqlite3_stmt **, const void **);
    int (*step)(sqlite3_stmt *);
    int (*exec)(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **);
    int (*blob_open)(sqlite3 *, const char *, const char *, const char *, sqlite3_int64, int,
                     sqlite3_blob **);
    sqlite3_stmt *(*next_stmt)(sqlite3 *, sqlite3_stmt *);
    void *(*update_hook)(sqlite3 *,
                         void (*)(void *, int, const char *, const char *, sqlite3_int64), void *);
    void *(*commit_hook)(sqlite3 *, int (*)(void *), void *);
    void *(*rollback_hook)(sqlite3 *, void (*)(void *), void *);
};

struct site {
    const void *address;
    struct library library;
    bool internal; /* it is in SQLite itself, or in this library */
};

/* That of a return address. NULL where no SQLite is loaded: the program found this library's
** functions as it looked whether there is one, by a weak symbol or dlsym(). */
const struct site *site_of(const void *address);

/* What this library calls itself, through SQLite's table of routines, is meant for the SQLite of
** this site: the first for which this is called. */
void site_serve(const struct site *site);

/* Of several SQLites in the process, whether the site's is that one. */
bool site_is_served(const struct site *site);

#endif
