/*
** Preparing through the cache: a SELECT of the application gets a statement that reads through the
** cache instead of its own, and from which it cannot tell the difference. Where there would be one,
** or the SELECT cannot be cached, it keeps the plain statement, and ext/metrics/refusals.h has the
** reason.
**
** The statement is `SELECT * FROM "querycache 3: …"(?, :name)` over a table of its own
** (statement/prepared_table.h). It is compared with the plain one before it is handed out: names
** and declared types of columns, number and names of parameters.
*/
#ifndef QUERYCACHE_STATEMENT_PREPARE_H
#define QUERYCACHE_STATEMENT_PREPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sqlite.h"

struct prepare_request {
    unsigned flags;      /* SQLITE_PREPARE_… */
    const char *name;    /* of the cache that keeps the results; NULL: none of its own */
    const char *options; /* as behind the SELECT of USING cache(…); NULL: none */
    bool unasked;        /* nobody asked to cache it: no function is trusted by its mark alone */
    uint64_t shape;      /* of what nobody asked to cache (shapes.h): only what may be slow; or 0 */
};

/* What reads rows, and says so in its first word: no PRAGMA, no EXPLAIN. Only of statements that
** keep their text. */
bool prepare_is_select(sqlite3_stmt *statement);

/*
** A statement was prepared, any, and may go through prepare_through() next: look into the SELECT
** that was prepared inside BEGIN when nothing had been read there, if that can be done by now. So
** it goes through the cache from the next time on.
*/
void prepare_catch_up(sqlite3 *db);

/*
** Put a statement that reads through the cache in place of *statement, which has just been prepared
** on `db` by one of SQLite's functions that keep the text, and not yet been used; finalizes that
** one then. Otherwise it stays. SQLITE_OK in both cases; or SQLITE_ERROR, and a text in *error
** (sqlite3_mprintf), for options that are wrong; *statement stays then, too. Thread-safe, as the
** connection is.
*/
int prepare_through(sqlite3 *db, sqlite3_stmt **statement, const struct prepare_request *request,
                    char **error);

#endif
