/*
** A definition: what one SELECT means on one connection: its statement, columns, parameters, what
** it reads, and whether it may be cached. It is prepared anew whenever SQLite or a schema says
** that the old answer no longer holds. It decides what the text means, never whether a result is
** fresh. Belongs to one connection.
*/
#ifndef QUERYCACHE_QUERY_DEFINITION_H
#define QUERYCACHE_QUERY_DEFINITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sqlite.h"
#include "coherence/observer.h"
#include "query/analysis.h"
#include "query/columns.h"
#include "query/parameters.h"
#include "query/surroundings.h"
#include "store/store.h"

/* A table that the query reads, and how to see whether it is empty. */
struct dependency {
    struct database *database;
    struct table *table;
    bool whole_file;
    sqlite3_stmt *probe; /* SELECT 1 FROM it LIMIT 1; prepared on first use */
    /* In a snapshot whose epoch is not known, the answer counts for it alone. */
    bool emptied;     /* it had rows when last looked up, and has none here */
    bool probed_here; /* `emptied` is so at data version `probed_version` */
    uint32_t probed_version;
};

struct definition {
    sqlite3 *db;
    struct observer *observer;
    const struct nesting *nesting;
    struct facts *facts;
    uint64_t session; /* its number in the process */
    bool share;       /* results may be shared between connections where all allows it */
    bool as_view;     /* its columns and its text are taken as those of a view of it would be */
    char *sql;        /* as given, without what follows its last token */
    char *whole; /* with the comments around it, which SQLite may refuse; NULL: there are none */
    char *normalized; /* see normalize.h */
    size_t normalized_size;
    char *home; /* the schema that stores it and alone may be read; NULL: any */
    char *self; /* the name it is being created under, which it may not read itself */

    struct parameters parameters;
    unsigned preparations; /* how often it was prepared */
    bool preparing;        /* so that a SELECT which comes to read itself is seen */

    /* What follows is from the last preparation. */
    sqlite3_stmt *statement; /* NULL: prepare first */
    uint64_t generation;     /* of the schemas it was prepared under */
    struct columns columns;
    struct analysis analysis;
    unsigned dependency_count;
    struct dependency *dependencies;
    unsigned database_count;
    struct database *
        *databases;   /* those of the dependencies, and whose views it reads; each once */
    bool hides_views; /* it may read one of a database that is not among them */
    uint64_t owner;   /* the connection that alone may use its results; 0: all */
    struct surroundings surroundings; /* as they were asked for last */
    struct key prefix;                /* of every key: text, program, files, owner, surroundings */
};

/*
** Take in a text: tokens and parameters; nothing is prepared yet. On an error the definition is
** empty and *error says what is wrong (sqlite3_mprintf, caller frees).
*/
struct definition_source {
    const char *sql;
    const char *home; /* may be NULL */
    const char *self; /* may be NULL */
    uint64_t session;
    bool share;
    bool as_view;
    const struct nesting *nesting; /* outlives the definition; may be NULL */
    struct facts *facts;           /* of the connection; outlives the definition */
};

int definition_open(struct definition *definition, struct observer *observer,
                    const struct definition_source *source, char **error);

/*
** Prepare, if that was not done yet, or if the statement expired or a schema changed since; and ask
** for the surroundings again.
** SQLite's own error when the SELECT does not prepare; an error too when it is no read-only
** SELECT, or reads what its home forbids. A SELECT that cannot be cached is not an error here: see
** analysis.refusal. Does nothing while the statement is running.
*/
int definition_refresh(struct definition *definition, char **error);

/* True while the surroundings are those of the prefix. */
bool definition_surroundings_stand(const struct definition *definition);

/* Another statement of its SELECT, for the caller to finalize. SQLite's error codes. */
int definition_compile(const struct definition *definition, unsigned flags,
                       sqlite3_stmt **statement);

/* Find out how the connection compares texts just now: own_collations and utf8 of its observer. */
int definition_learn_flags(struct observer *observer);

/* Finalize the kept statements, unless they are running; the next refresh prepares them again. */
void definition_suspend(struct definition *definition);

void definition_close(struct definition *definition);

#endif
