/*
** Modules: what a virtual table in a query is. EXPLAIN shows only its address, which is compared
** with those of the tables that the connection can name. Called under the connection's mutex.
*/
#ifndef QUERYCACHE_QUERY_MODULES_H
#define QUERYCACHE_QUERY_MODULES_H

#include <stdbool.h>

#include "base/sqlite.h"

enum module_kind {
    MODULE_UNKNOWN,  /* its changes cannot be seen */
    MODULE_CONSTANT, /* depends on its arguments alone: json_each, json_tree, generate_series */
    MODULE_IN_FILE,  /* keeps its data in the database file: FTS3/4/5, R-Tree, Geopoly */
};

struct module_use {
    enum module_kind kind;
    bool full_text;
    bool own_tokenizer; /* of a full-text table, as is what follows: see full_text.h */
    bool calls;
    char *schema; /* NULL for a table-valued function or where nothing is known; owned */
    char *table;  /* owned; NULL where nothing is known */
};

int module_find(sqlite3 *db, const sqlite3_vtab *address, struct module_use *use);

#endif
