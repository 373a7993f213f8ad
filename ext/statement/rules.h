/*
** Rules: which SELECTs of a program that knows nothing of the cache go through it: what
** libquerycache_preload.so asks. A file has one rule a line, a GLOB pattern over the normalized SQL
** (query/normalize.h), "=>", and what to do; the first that matches counts:
**
**     # what users see is always the newest
**     select * from sessions* => skip
**     *from sales*            => cache ttl = '5 min', max_rows = 1000
**     *                       => cache
**
** `cache` takes the options of USING cache((SELECT …), here). Empty lines, and those that begin
** with "#", say nothing. Rules are read once and stay; matching is thread-safe.
*/
#ifndef QUERYCACHE_STATEMENT_RULES_H
#define QUERYCACHE_STATEMENT_RULES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rule {
    int line; /* in its file, from 1 */
    char *pattern;
    bool skip;
    char *options; /* as written; NULL: none */
    _Atomic uint64_t matches;
};

/* Read a file, in place of what was read before; not while others match. SQLITE_OK, SQLITE_NOMEM;
** or SQLITE_ERROR, and in *error (sqlite3_mprintf) the file, the line, what is wrong and what would
** be right; there are no rules then. */
int rules_load(const char *path, char **error);

/* The first rule for this text, which now has one match more; NULL: there is none. */
const struct rule *rules_match(const char *normalized);

/* Count a text that no rule was for. */
void rules_count_unmatched(void);
uint64_t rules_unmatched(void);

/* Call `each` for each, in order. A non-zero return stops and is returned. */
int rules_each(int (*each)(const struct rule *rule, void *context), void *context);

#endif
