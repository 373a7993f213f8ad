/*
** Scenarios: several connections to one database file, told line by line:
**
**     "A: SQL"         run SQL, which must succeed
**     "A fails: SQL"   run SQL, which must fail (a check)
**     "A reads t"      a check: the cached table over t gives what the query itself gives on A
**     "A reads t hit"  the same, and cache_last_status() says so
**     "A reads all"    t, other and w, each as above
**     "A acts"         call the scenario's `act`
**     "A opens", "A closes"
**     "overwritten"    call the scenario's `overwrite`
**     "pause"          file_tick()
**
** A to E have the extension and the cached tables of hazards/tables.h. I has the extension, and
** gets its cached tables only when it first reads. F and G are plain connections: to the extension
** they are as foreign as another process. P, Q and K stand for a new process each time: P is
** plain, Q has the extension, K is killed with the SQL done and the connection open. A connection
** opens where it first appears; what is open at the end is closed.
*/
#ifndef TESTS_HAZARDS_SCENARIO_H
#define TESTS_HAZARDS_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

#include "../support.h"
#include "tables.h"

enum { IN_WAL = 1, IN_ROLLBACK = 2, SCENARIO_LINES = 40 };

struct scenario {
    const char *name;     /* the sentence that it proves */
    int modes;            /* IN_WAL or IN_ROLLBACK; 0 for both */
    int flags;            /* to open with, 0 for the usual */
    const char *encoding; /* of the file; NULL for UTF-8 */
    const char *setup;    /* SQL for the file, when it has its tables */
    const char *x;        /* a SELECT behind one more cached table: "A reads x" */
    bool written;         /* not with an empty WAL */
    bool attached;        /* each attaches a second file as aux, which has n(x, y) and m(x) */
    void (*opened)(sqlite3 *db, char letter); /* before the cached tables are created */
    void (*act)(sqlite3 *db);
    void (*overwrite)(void);
    const char *lines[SCENARIO_LINES];
};

/* Play it in each of its modes, with statements prepared anew for each read, and with kept ones:
** from its second run on, a kept one opens no transaction for a hit. */
void play(const struct scenario *played);
void play_all(const struct scenario *scenarios, size_t count);
#define PLAY(scenarios) play_all((scenarios), sizeof(scenarios) / sizeof(scenarios)[0])

/* The files that a scenario is played on. */
const char *scenario_file(void);
const char *scenario_attached_file(void);

/* One more connection to a file that has hazards/tables.h's tables, with the cached ones. */
sqlite3 *join(const char *path);

/* Run SQL in a process of its own; `kind` is P, Q or K as above. True when it went well. */
bool run_process(char kind, const char *path, const char *sql);

/* How many entries the process keeps, as a connection sees it that has nothing to do with them. */
long long kept_entries(void);

/* For main(), before anything else: in a process that run_process() started, it does what that is
** for, and does not return. */
void scenario_main(int argc, char **argv);

#endif
