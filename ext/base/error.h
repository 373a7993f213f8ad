/*
** Errors: a result code, and a text in sqlite3_mprintf()'s memory that the caller frees with
** sqlite3_free(). A text that could not be made, or none, is memory that ran short.
*/
#ifndef QUERYCACHE_BASE_ERROR_H
#define QUERYCACHE_BASE_ERROR_H

#include "base/sqlite.h"

/* Put `text` in place of what *error holds. Returns `rc`, or SQLITE_NOMEM where there is no
** text. */
int error_set(char **error, int rc, char *text);

/* The same with what SQLite says of `rc`, the code of the last call on `db`; nothing for
** SQLITE_NOMEM, which has no text. */
int error_from_sqlite(char **error, sqlite3 *db, int rc);

/*
** Have SQLite forget the error of what was tried out on `db`, its text included: the application
** did nothing wrong, and sqlite3_open() fails where an extension leaves a code. To be called where
** an entry point ends well. Nothing is prepared, traced or logged.
*/
void error_forget(sqlite3 *db);

#endif
