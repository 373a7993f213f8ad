/*
** A lender: short texts for SQLite to read where they lie. SQLite's copy of a text costs an
** allocation, and its free, for every run of a statement; a lent text costs neither. SQLite gives
** it back through the destructor as soon as the value is overwritten or ends, and copies what it
** keeps longer (a value that has a destructor is never shared: sqlite3VdbeMemShallowCopy() in
** vdbemem.c).
**
** One for each connection, used under its mutex. It may go before all that it lent has come back.
*/
#ifndef QUERYCACHE_BASE_LENDER_H
#define QUERYCACHE_BASE_LENDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sqlite.h"

struct lender;

/* NULL when memory is short. */
struct lender *lender_new(void);

/* Safe with NULL. */
void lender_free(struct lender *lender);

/* Make this text the result of the function or column: UTF-8, with a zero byte behind it and none
** in it. False, and nothing done, where it is not short, or too many are lent. */
bool lender_give_text(struct lender *lender, sqlite3_context *context, const char *text,
                      size_t size);

#endif
