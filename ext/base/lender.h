/*
** A lender: short texts for SQLite to read where they lie. SQLite's copy of a text costs an
** allocation, and its free, for every run of a statement; a lent text costs neither. SQLite gives it
** back through the destructor as soon as the value is overwritten or ends, and copies what it keeps
** longer (a value that has a destructor is never shared: sqlite3VdbeMemShallowCopy() in vdbemem.c).
**
** One for each connection, used under its mutex. It may go before all that it lent has come back.
*/
#ifndef QUERYCACHE_BASE_LENDER_H
#define QUERYCACHE_BASE_LENDER_H

#include <stddef.h>

#include "base/sqlite.h"

struct lender;

/* NULL when memory is short. */
struct lender *lender_new(void);

/* Safe with NULL. */
void lender_free(struct lender *lender);

/* Make this text (UTF-8) the result of the function or column. A text that is not short, or has a
** zero byte in it, is copied by SQLite, and so is one where too many are lent. */
void lender_give_text(struct lender *lender, sqlite3_context *context, const char *text,
                      size_t size);

#endif
