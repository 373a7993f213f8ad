/*
** The crew: the processes that the torture test starts, all of them this program again, each told
** its role by its arguments. The process that starts them uses no SQLite while they run, so none
** is born with a connection. They end when it does.
*/
#ifndef TORTURE_CREW_H
#define TORTURE_CREW_H

#include <stdbool.h>

/* How this program was called. */
void crew_begin(const char *program);

/* Where this process is one of the crew: plays its role. Returns the exit status, or -1 in the
** process that starts the crew. */
int crew_play(int argc, char **argv);

/* Runs a role that ends by itself ("make", "check"). False where it failed or took too long. */
bool crew_run(const char *role);

/* Starts the process of threads and the others. */
bool crew_start(int processes);

/* Looks whether one has ended before its time, which is counted as a failure. */
void crew_look(void);

/* Kills a writing process, in the middle of a transaction if it can, and starts it again. */
void crew_kill_writer(int number);

/* Waits for all to end, as they have been told to. Those that do not are killed, and counted as
** failures. */
void crew_end(void);

/* For a signal handler: kills all at once. */
void crew_abandon(void);

/* How many did not end as they should. */
int crew_failures(void);

#endif
