/*
** A small generator of random numbers (splitmix64), so that a seed means the same run on every
** machine. It owns nothing; a copy of the struct continues the same sequence.
*/
#ifndef DIFFERENTIAL_RANDOM_H
#define DIFFERENTIAL_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A number from 0 to limit - 1. */
static inline int random_below(struct random *random, int limit)
{
    return (int)((random_next(random) >> 33) % (uint64_t)limit);
}

static inline bool random_chance(struct random *random, int percent)
{
    return random_below(random, 100) < percent;
}

/* One element of an array. */
#define RANDOM_PICK(random, array)                                                                 \
    ((array)[random_below((random), (int)(sizeof(array) / sizeof((array)[0])))])

#endif
