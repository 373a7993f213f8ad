/*
** A worker is a thread, or a process of its own, that reads and writes until it is told to stop.
** Its kind says with what connections.
*/
#ifndef TORTURE_WORKER_H
#define TORTURE_WORKER_H

#include <stdatomic.h>

/* The threads of this process, all at once; returns when all have ended. */
void worker_run_threads(void);

/* The worker of a process for itself. `incarnation` counts how often it was started. */
void worker_run_process(int number, int incarnation);

/* Makes the two files, in the journal mode of the phase. */
void worker_make_files(void);

/* Looks the files over, when all others have ended. */
void worker_check_files(void);

#endif
