#include "base/error.h"

#include <stddef.h>

int error_set(char **error, int rc, char *text)
{
    sqlite3_free(*error);
    *error = text;
    return text != NULL ? rc : SQLITE_NOMEM;
}

int error_from_sqlite(char **error, sqlite3 *db, int rc)
{
    if (rc == SQLITE_NOMEM)
        return rc;
    /* Statements finalized since may have left another error, or none. */
    int extended = sqlite3_extended_errcode(db);
    int same = sqlite3_errcode(db) == rc || extended == rc;
    return error_set(error, same && (extended & 0xff) == (rc & 0xff) ? extended : rc,
                     sqlite3_mprintf("%s", same ? sqlite3_errmsg(db) : sqlite3_errstr(rc)));
}

/* To run no statement is a success as well. */
void error_forget(sqlite3 *db)
{
    sqlite3_exec(db, "", NULL, NULL, NULL);
}
