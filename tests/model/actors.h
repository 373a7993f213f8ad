/*
** The actors of the model: connections with the extension that write and read, and writers of
** other processes; and the oracle, which knows what every cached read must give.
*/
#ifndef MODEL_ACTORS_H
#define MODEL_ACTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scheduler.h"

/* What an actor does in a round: one of the operations of its list. The list ends with OP_NONE. */
enum operation {
    OP_NONE,
    /* Of a connection that writes; the update hook is told of t1, but for OP_WRITE_2. */
    OP_WRITE_1,
    OP_WRITE_2,
    OP_WRITE_SAME, /* a commit of the values that were there: nothing is written */
    OP_WRITE_FAIL, /* the commit fails after its hook */
    OP_ROLL_BACK,
    OP_TRUNCATE, /* t2 is emptied along with it, of which no hook tells */
    OP_SILENT,   /* t2 is written, of which no hook tells (sqlite3_blob_write) */
    OP_SAME_AUX, /* nothing is written here, but in another database */
    OP_SPILL,    /* pages are written before COMMIT */
    OP_READ_OWN, /* t2 is written and read in the transaction, which is rolled back */
    /* Of one that reads: outside a transaction; in one that it opened by itself; twice in one that
    ** a plain SELECT opened. */
    OP_READ_1,
    OP_READ_2,
    OP_BEGIN_READ_2,
    OP_SELECT_READ_2,
    /* Of another process. */
    OP_FOREIGN_1,
    OP_FOREIGN_2,
    OP_RESTART_2, /* the WAL is started over */
    OP_RECOVER_2, /* after a crash iChange starts anew; further commits reach the same number */
};

#define OPERATIONS 12

struct role {
    const char *name;
    int rounds;
    enum operation operations[OPERATIONS];
    bool foreign;  /* no connection of this process */
    bool no_mutex; /* SQLITE_OPEN_NOMUTEX */
};

struct family {
    const char *name;
    bool rollback_mode;
    bool torn; /* others can come while the header is written */
    struct role roles[ACTORS];
};

/* What was seen over all schedules; none of it decides anything. */
struct sightings {
    uint64_t hits;
    uint64_t hits_after_own; /* of an entry older than the state, by a commit of ours in between */
    uint64_t misses;
    uint64_t kept;
    uint64_t bypasses;
};

extern struct sightings sightings;

/* The scenario that plays this family. */
struct scenario family_scenario(const struct family *family);

#endif
