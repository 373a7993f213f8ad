/*
** Functions: which of the functions that a query calls may give another value next time. SQLite's
** own flags are wrong both ways (date() counts as deterministic, count() does not), so what is
** built in is judged by name, and what the application registered by its flags. Called under the
** connection's mutex.
*/
#ifndef QUERYCACHE_QUERY_FUNCTIONS_H
#define QUERYCACHE_QUERY_FUNCTIONS_H

#include <stdbool.h>

#include "base/sqlite.h"

struct function_use {
    char *name;        /* owned */
    int arguments;     /* as registered: -1 for any number */
    bool no_arguments; /* a call without arguments was seen */
};

struct function_verdict {
    const char
        *refusal; /* why its value may change, as the end of "calls f(), …"; NULL: it may not */
    bool is_date; /* the value depends on the present time if an argument is 'now' */
    bool is_own;  /* registered by the application */
    bool by_mark; /* trusted for its SQLITE_DETERMINISTIC alone, whatever it reads */
    bool direct_only; /* may not be called from a stored definition */
    bool innocuous;
};

/*
** What is SQLite's own but listed as the application's is not trusted by its mark: like() after PRAGMA
** case_sensitive_like, the auxiliary functions of full-text tables, json_…() before 3.38. (The
** geopoly_…() functions are; who replaced one could not be told from SQLite.) A collation needs no
** such distinction: SQLite rests its indexes on it, so it gives one answer to the same texts always.
**
** `full_text` says that the query reads a full-text index, whose auxiliary functions are then its
** own. */
int function_judge(sqlite3 *db, const struct function_use *use, bool full_text,
                   struct function_verdict *verdict);

/* True for a text that date functions take for the present time. They read it up to a zero byte. */
bool function_means_now(const char *text);

#endif
