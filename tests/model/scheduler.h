/*
** The scheduler of the model: actors are coroutines that run the real functions of ext/coherence,
** and give way at every point where another thread or process could come between. All that an
** actor can change lies in one world: its stack, the heap behind memory_use(), and the struct
** `model` of the simulation. So a state of the whole can be copied, compared by a hash and gone
** back to, and all interleavings be walked through, depth first, each state once.
*/
#ifndef MODEL_SCHEDULER_H
#define MODEL_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACTORS 6

/* ---- for actors ---- */

/* Let others take steps here. `label` names what comes next, for the schedule of a violation. Does
** nothing outside an actor. */
void give_way(const char *label);

/* The same, and wait until the condition holds. Outside an actor it must hold. */
void wait_until(const char *label, bool (*holds)(void *), void *context);

/* All values from 0 below `count`, one after the other. */
int choose(const char *label, int count);

/* Which actor runs; -1 outside. */
int running_actor(void);

/* What must not be: prints the schedule that has led here, and ends the search. */
void violation(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- for scenarios ---- */

struct scenario {
    const char *name;
    void (*set_up)(void);    /* fills `model`; runs outside any actor */
    void (*tear_down)(void); /* gives back what it made */
    void *model;             /* zeroed before set_up */
    size_t model_size;
    int actors;
    const char *const *names; /* of the actors */
    void (*run)(int actor);
};

struct search {
    uint64_t states;    /* visited, each different from all others */
    uint64_t steps;     /* taken between them */
    uint64_t schedules; /* that came to their end, or to a state visited before */
    unsigned depth;     /* steps of the longest schedule */
    bool violated;
    bool cut; /* it ended at `max_states` */
};

/* Walk through all schedules. */
struct search search_all(const struct scenario *which, uint64_t max_states);

/* Walk through that many schedules chosen at random, each from a start of its own, with the heap of
** the C library: for sanitizers, and for what is too large to walk through. */
struct search search_some(const struct scenario *which, uint64_t schedules, uint64_t seed);

#endif
