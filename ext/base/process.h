/*
** The process and its forks. A child of fork() is born with a copy of all memory, but with only the
** thread that called fork(): what the others held locked stays locked there for good, and what they
** were changing stays half changed. Modules register how they start over in a child; and a number
** tells whoever keeps something of this process whether it is still the same process.
**
** Seen is every fork() from the first process_on_fork() on. Not seen are vfork() and posix_spawn(),
** whose children only exec(), nor _Fork() and a raw clone(), whose children must only do that, too.
**
** Thread-safe, and without a lock: none can be left locked in a child.
*/
#ifndef QUERYCACHE_BASE_PROCESS_H
#define QUERYCACHE_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* How many functions can be registered. */
#define PROCESS_RESETS 16

/*
** A number that is another one in the child of every fork(), and again in the child's child; never
** 0. A plain read of memory, for every read through the cache. It stands still until the first
** process_on_fork() that returned true: register when loading.
*/
uint64_t process_generation(void);

/*
** Call `reset` in the child of every fork(), before fork() returns there; in the order in which
** they were registered. Registering again does nothing, and succeeds. False when memory is short or
** PROCESS_RESETS are registered: then do not load. There is no way back, as the library stays in
** memory; register only once that is certain.
**
** `reset` runs alone. It may write to variables, and bring locks of static storage into their
** initial state (pthread_mutex_init() over whatever they are). It may not take a lock, allocate or
** free: the allocator's own lock may be held by a thread that is no more. It may not follow what
** another thread may have been changing. So it forgets, and what it forgets is leaked.
**
** Afterwards the child may use the cache like any new process: with connections that it opens
** itself. SQLite forbids it those of its parent, even to close them.
*/
bool process_on_fork(void (*reset)(void));

#endif
