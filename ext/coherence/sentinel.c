#include "coherence/sentinel.h"

#include <stddef.h>

int sentinel_set(sqlite3 *db, sqlite3_stmt **sentinel)
{
    sentinel_drop(sentinel);
    return sqlite3_prepare_v3(db, OWN_STATEMENT "SELECT 1", -1, SQLITE_PREPARE_PERSISTENT, sentinel,
                              NULL);
}

void sentinel_drop(sqlite3_stmt **sentinel)
{
    sqlite3_finalize(*sentinel);
    *sentinel = NULL;
}

bool sentinel_tells_in_hooks(void)
{
    return sqlite3_expired != NULL;
}

/* SQLite compiles an expired statement anew when it is stepped, and counts that. Whatever else may
** come of stepping this one is no proof that it had not expired. */
static bool was_recompiled(sqlite3_stmt *sentinel)
{
    bool ran = sqlite3_step(sentinel) == SQLITE_ROW;
    sqlite3_reset(sentinel);
    return !ran || sqlite3_stmt_status(sentinel, SQLITE_STMTSTATUS_REPREPARE, 0) > 0;
}

bool sentinel_has_expired(sqlite3_stmt *sentinel)
{
    return sentinel == NULL ||
           (sentinel_tells_in_hooks() ? sqlite3_expired(sentinel) : was_recompiled(sentinel));
}
