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

struct listed_function {
    const char *name;
    int arguments; /* as registered: -1 for any number */
    bool built_in;
    int flags; /* SQLITE_DETERMINISTIC and so on */
};

/*
** The functions of a connection, in the order of their names. To list them takes SQLite half a
** millisecond and more, so it is done once and kept. A function that is replaced expires all
** statements, and with them the list (query/facts.h). One that is new is not in it. One that comes
** beside another of the same name, for other arguments or another encoding, does not show either.
** So the list is read again where a query calls what is not in it, or what is the application's;
** and where the application has functions of more names than it had, one of which may hide SQLite's
** own.
*/
struct function_list {
    sqlite3 *db;
    struct listed_function *functions; /* NULL: not read yet */
    unsigned count;
    char *names;
    bool fresh;            /* it was read since function_list_doubt() */
    unsigned names_of_own; /* how many there were when it was read */
};

/* From now on it may be out of date. */
void function_list_doubt(struct function_list *list);
void function_list_clear(struct function_list *list);

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
** What is SQLite's own but listed as the application's is not trusted by its mark: like() after
** PRAGMA case_sensitive_like, the auxiliary functions of full-text tables, json_…() before 3.38.
** (The geopoly_…() functions are; who replaced one could not be told from SQLite.) A collation
** needs no such distinction: SQLite's indexes rest on its giving one answer to the same texts
** always.
**
** `full_text` says that the query reads a full-text index, whose auxiliary functions are then its
** own. */
int function_judge(struct function_list *list, const struct function_use *use, bool full_text,
                   struct function_verdict *verdict);

/* True for a text that date functions take for the present time. They read it up to a zero byte. */
bool function_means_now(const char *text);

#endif
