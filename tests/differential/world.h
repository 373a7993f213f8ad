/*
** A world is one life of a database: its files in the current folder, its connections, and the
** cached tables that exist on them. It applies the steps of a script and knows what each cached
** table was created from; it does not choose steps (generate.h) and does not judge answers
** (check.h).
*/
#ifndef DIFFERENTIAL_WORLD_H
#define DIFFERENTIAL_WORLD_H

#include "answer.h"
#include "script.h"

#define QUERIES 9
#define PARAMETERS 3
#define ELDERS 8

/* How a database lives; the same for a run and for its replays. */
struct life {
    const char *name;
    const char *journal; /* NULL for ':memory:' */
    bool exclusive;
    bool second;        /* there is a second connection to the file, */
    bool second_cached; /* which has the extension too */
    bool takeover;      /* hooks are taken over now and then */
    bool switches;      /* journal and locking modes are switched */
    uint64_t seed;
    int steps;
};

/* A cached table cq<number> in temp, beside the SELECT it stands for. */
struct query {
    bool live;
    bool ties;     /* the SELECT's rows depend on the order in which rows are visited */
    bool mixed;    /* a compound of columns of several types: SQLite leaves their affinity open */
    bool nameless; /* has a parameter written `?` */
    bool outdated; /* its columns changed; it is made anew outside of transactions */
    int number;
    int parameters;
    int positions[PARAMETERS]; /* where the SELECT binds them */
    char names[PARAMETERS][16];
    char *sql;
    char *columns;          /* names and declared types at creation */
    char *shape;            /* and what a query over it saw */
    sqlite3_stmt *kept;     /* a read prepared once and run many times */
    sqlite3_stmt *prepared; /* the SELECT, prepared through the cache; likewise */
    int elder_count;
    sqlite3_stmt *elders[ELDERS]; /* see elders.h */
};

struct connection {
    sqlite3 *db;
    bool cached;
    sqlite3_stmt *status;
    struct query queries[QUERIES];
};

/* Over all lives. First reads are the honest measure: each is the first read after a step. */
struct counters {
    long steps, failed_steps;
    long reads, hits, misses, bypasses;
    long repeats, repeat_hits;
    long foreign_steps, wrapped_reads, ad_hoc_reads, prepared_reads, renewals;
    long elder_orders; /* answers in the order of an elder alone (elders.h) */
};

struct world {
    const struct life *life;
    struct connection connections[CONNECTIONS];
    struct counters *counters;
    struct text *trace; /* where not NULL, every statement is written there */
};

/* Opens the connections. A replay starts with an empty store, a life with what others left in it.
** */
void world_open(struct world *world, const struct life *life, struct counters *counters,
                bool empty_store);
void world_close(struct world *world);

/* Does one step. A step may fail, as a constraint does: then false. */
bool world_apply(struct world *world, const struct step *step);

/* One statement, its rows ignored. Returns SQLITE_DONE or the error. */
int world_execute(struct world *world, int connection, const char *sql);

/* Notes a statement that is about to run, or a remark, where a trace is kept. */
void world_trace(struct world *world, int connection, sqlite3_stmt *statement);
void world_remark(struct world *world, int connection, const char *remark);

/* The columns of (SELECT …) as a query over it sees them, with affinities and collations. Caller
** frees. */
char *world_shape(struct world *world, int connection, const char *sql);

/* CREATE VIRTUAL TABLE for a SELECT, and what is known about it. */
bool world_define(struct world *world, int connection, int number, const char *sql, uint64_t salt);
bool world_drop(struct world *world, int connection, struct query *query);

#endif
