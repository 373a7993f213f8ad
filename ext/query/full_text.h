/*
** Full-text tables: what the text of CREATE VIRTUAL TABLE says of things that are not in the table:
** where its text is kept, and code that a connection registers. Reads the options as FTS3, FTS4 and
** FTS5 do, abbreviated and quoted. Called under the connection's mutex.
*/
#ifndef QUERYCACHE_QUERY_FULL_TEXT_H
#define QUERYCACHE_QUERY_FULL_TEXT_H

#include <stdbool.h>

#include "base/sqlite.h"
#include "query/token.h"

struct full_text {
    /* Its text comes from what the file does not tell: a view, a virtual table, an uncompress
    ** function. */
    bool elsewhere;
    bool own_tokenizer; /* one is named: what it does may be the connection's own */
    bool calls;         /* its content table has generated columns that call functions, likewise */
};

/* `module` is the token behind USING; its name is `fts3`, `fts4` or `fts5`. */
struct full_text full_text_read(sqlite3 *db, const char *schema, struct token module,
                                const char *name);

#endif
