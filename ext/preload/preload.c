/*
** libquerycache_preload.so: the cache in a program that knows nothing of it.
**
**     LD_PRELOAD=/usr/lib/libquerycache_preload.so program …
**
** It stands before the SQLite that the program is linked with, dynamically: loads the extension on
** each connection, has SELECTs prepared through the cache by rules, and chains the program's hooks.
** A program without SQLite, or with one linked statically, does not notice it. It writes nothing
** but one line on standard error where it cannot work; then the program runs uncached.
*/
/* SQLite's own names for parameters are others:
** NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "preload/routing.h"
#include "preload/sites.h"
#include "querycache.h"

#define INTERPOSED __attribute__((visibility("default")))
#define CALLER __builtin_extract_return_addr(__builtin_return_address(0))

/*
** SQLite calls these functions, too: while it prepares or steps (reading a schema, for full-text
** tables, VACUUM, …), and for sqlite3_exec() of the program. What it prepares for itself is left
** alone.
*/
static __thread struct {
    int inside; /* prepare, step, or the cache */
    int exec;   /* sqlite3_exec() of the program */
} thread __attribute__((tls_model("initial-exec")));

static bool is_for_the_program(const struct site *site)
{
    return thread.inside == 0 && (!site->internal || thread.exec > 0) && site_is_served(site);
}

/* ---- connections ---- */

/* Called by SQLite for each new connection. An error would have its opening fail. (The extension
** opens one itself, to look at.) */
static int on_open(sqlite3 *db, char **error, const struct sqlite3_api_routines *api)
{
    (void)error;
    if (thread.inside++ == 0)
        routing_open(db, api);
    thread.inside--;
    return SQLITE_OK;
}

/* Not before a connection is opened: the program may have something to configure first
** (sqlite3_config()). Once more each time, as it may have reset the list. */
static void before_open(const struct site *site)
{
    if (thread.inside > 0)
        return;
    site_serve(site);
    if (site->library.auto_extension != NULL)
        site->library.auto_extension((void (*)(void))on_open);
}

static int no_database(sqlite3 **db)
{
    *db = NULL;
    return SQLITE_MISUSE;
}

INTERPOSED int sqlite3_open(const char *path, sqlite3 **db)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return no_database(db);
    before_open(site);
    return site->library.open(path, db);
}

INTERPOSED int sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return no_database(db);
    before_open(site);
    return site->library.open_v2(path, db, flags, vfs);
}

INTERPOSED int sqlite3_open16(const void *path, sqlite3 **db)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return no_database(db);
    before_open(site);
    return site->library.open16(path, db);
}

/* ---- statements ---- */

/* Around SQLite's own function: whether what it prepares is to be routed, and doing so. */
static bool begin(const struct site *site)
{
    bool routed = is_for_the_program(site);
    thread.inside++;
    return routed;
}

static int finish(bool routed, int rc, sqlite3 *db, sqlite3_stmt **statement, unsigned flags)
{
    if (routed && rc == SQLITE_OK && *statement != NULL)
        routing_apply(db, statement, flags);
    thread.inside--;
    return rc;
}

INTERPOSED int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **statement,
                                  const char **tail)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return SQLITE_MISUSE;
    bool routed = begin(site);
    int rc = site->library.prepare_v2(db, sql, size, statement, tail);
    return finish(routed, rc, db, statement, 0);
}

INTERPOSED int sqlite3_prepare_v3(sqlite3 *db, const char *sql, int size, unsigned flags,
                                  sqlite3_stmt **statement, const char **tail)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return SQLITE_MISUSE;
    bool routed = begin(site);
    int rc = site->library.prepare_v3(db, sql, size, flags, statement, tail);
    return finish(routed, rc, db, statement, flags);
}

INTERPOSED int sqlite3_prepare16_v2(sqlite3 *db, const void *sql, int size,
                                    sqlite3_stmt **statement, const void **tail)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return SQLITE_MISUSE;
    bool routed = begin(site);
    int rc = site->library.prepare16_v2(db, sql, size, statement, tail);
    return finish(routed, rc, db, statement, 0);
}

INTERPOSED int sqlite3_prepare16_v3(sqlite3 *db, const void *sql, int size, unsigned flags,
                                    sqlite3_stmt **statement, const void **tail)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return SQLITE_MISUSE;
    bool routed = begin(site);
    int rc = site->library.prepare16_v3(db, sql, size, flags, statement, tail);
    return finish(routed, rc, db, statement, flags);
}

INTERPOSED int sqlite3_step(sqlite3_stmt *statement)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return SQLITE_MISUSE;
    if (thread.inside++ == 0 && statement != NULL && site_is_served(site))
        routing_begin(statement);
    int rc = site->library.step(statement);
    thread.inside--;
    return rc;
}

INTERPOSED int sqlite3_exec(sqlite3 *db, const char *sql,
                            int (*each)(void *, int, char **, char **), void *argument,
                            char **error)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return SQLITE_MISUSE;
    bool programs = thread.inside == 0 && !site->internal;
    thread.exec += programs;
    int rc = site->library.exec(db, sql, each, argument, error);
    thread.exec -= programs;
    return rc;
}

/* Programs go through their statements to finalize them all. Those of the cache are not theirs. */
INTERPOSED sqlite3_stmt *sqlite3_next_stmt(sqlite3 *db, sqlite3_stmt *statement)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return NULL;
    sqlite3_stmt *next = site->library.next_stmt(db, statement);
    while (next != NULL && !site->internal && site_is_served(site) && routing_is_own(next))
        next = site->library.next_stmt(db, next);
    return next;
}

/* ---- what goes past the hooks ---- */

/* A handle for writing lives as long as the transaction that it was opened in, and what it writes
** no hook tells. */
INTERPOSED int sqlite3_blob_open(sqlite3 *db, const char *schema, const char *table,
                                 const char *column, sqlite3_int64 row, int flags,
                                 sqlite3_blob **blob)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return SQLITE_MISUSE;
    int rc = site->library.blob_open(db, schema, table, column, row, flags, blob);
    if (rc == SQLITE_OK && flags != 0 && site_is_served(site))
        routing_note_write(db, schema, table);
    return rc;
}

/* ---- hooks ---- */

/* Whether the cache has the slots, and is to call the program's hook. */
static bool is_chained(const struct site *site, sqlite3 *db)
{
    return thread.inside == 0 && site_is_served(site) && routing_has(db);
}

INTERPOSED void *sqlite3_update_hook(sqlite3 *db,
                                     void (*hook)(void *, int, const char *, const char *,
                                                  sqlite3_int64),
                                     void *argument)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return NULL;
    if (!is_chained(site, db))
        return site->library.update_hook(db, hook, argument);
    thread.inside++;
    void *before = querycache_update_hook(db, hook, argument);
    thread.inside--;
    return before;
}

INTERPOSED void *sqlite3_commit_hook(sqlite3 *db, int (*hook)(void *), void *argument)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return NULL;
    if (!is_chained(site, db))
        return site->library.commit_hook(db, hook, argument);
    thread.inside++;
    void *before = querycache_commit_hook(db, hook, argument);
    thread.inside--;
    return before;
}

INTERPOSED void *sqlite3_rollback_hook(sqlite3 *db, void (*hook)(void *), void *argument)
{
    const struct site *site = site_of(CALLER);
    if (site == NULL)
        return NULL;
    if (!is_chained(site, db))
        return site->library.rollback_hook(db, hook, argument);
    thread.inside++;
    void *before = querycache_rollback_hook(db, hook, argument);
    thread.inside--;
    return before;
}

__attribute__((destructor)) static void at_exit(void)
{
    routing_report();
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
