/*
** Analysis: what a SELECT reads and calls, from the program that SQLite compiles it to (EXPLAIN).
** Tells what it depends on, and whether it may be cached at all. Keeps no statement. Called under
** the connection's mutex.
*/
#ifndef QUERYCACHE_QUERY_ANALYSIS_H
#define QUERYCACHE_QUERY_ANALYSIS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sqlite.h"
#include "coherence/history.h"
#include "query/facts.h"
#include "query/functions.h"
#include "store/store.h"

/* A table that the program opens. */
struct table_use {
    char *schema;
    char *table;
    enum table_kind kind;
    bool whole_file; /* a system table, or a virtual table that keeps its data in the file */
};

struct analysis {
    char *refusal;         /* why it may not be cached: "calls random(), whose …"; NULL: it may */
    bool nondeterministic; /* the refusal is one that nondeterministic = 'allow' overrules */
    bool own_functions;    /* calls a function of the application */
    bool by_mark;          /* trusts such a function for its SQLITE_DETERMINISTIC alone */
    bool has_literals;     /* blobs or reals, which the listing shows only in part */
    bool own_collations;   /* compares by a collation of the application */
    bool loops;            /* it may visit more than one row of a table */
    bool one_row;          /* it gives one row at most (query/plan.h) */
    bool calls_date;       /* a parameter 'now' would be the present time */
    bool follows_zone;     /* what a date function gives may depend on the time zone */
    char *direct_only;     /* a function called that no stored definition may call, or NULL */
    char *not_innocuous;   /* one that it may not call under trusted_schema = OFF, or NULL */
    bool reads_itself;     /* these two are set by whoever answers `nesting` */
    bool reads_cached;     /* a cached table is among what it reads */
    unsigned use_count;
    struct table_use *uses;
    unsigned schema_count;
    char **schemas; /* of the databases it opens a transaction on, temp left out */
    unsigned function_count;
    struct function_use *functions; /* each once */
    struct key program;             /* the hash of the listing without addresses */
};

/* Asked about each virtual table that the program opens: when it is a cached table of this
** connection, add to `analysis` what that one reads and calls, and return 1; 0 when it is none. */
struct nesting {
    int (*add)(void *context, const sqlite3_vtab *table, struct analysis *analysis);
    void *context;
};

/*
** Analyze a text that prepares. SQLite's error code when something fails on the way; then the
** analysis is empty.
*/
int analysis_make(struct facts *facts, const char *sql, const struct nesting *nesting,
                  struct analysis *analysis);

void analysis_clear(struct analysis *analysis);

/* Add a table, unless it is there already; for those who answer `nesting`. */
int analysis_add_table(struct analysis *analysis, const char *schema, const char *table,
                       enum table_kind kind, bool whole_file);

/* Add a database that a transaction is opened on, likewise. */
int analysis_add_schema(struct analysis *analysis, const char *schema);

/* What the program's listing does not show, and the query means nevertheless: it becomes part of
** the program's hash. */
void analysis_add_identity(struct analysis *analysis, const void *bytes, size_t size);

/* Say why the query may not be cached, unless another reason was found first. The text is a
** format. */
int analysis_refuse(struct analysis *analysis, const char *format, ...);

#endif
