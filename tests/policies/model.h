/*
** Plain models of the eviction policies: every rule written down as it is told, with a look at all
** keys each time. What they agree with the store on is which keys are there.
*/
#ifndef TESTS_POLICIES_MODEL_H
#define TESTS_POLICIES_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/* Few enough that in a table of as many slots each has a ghost of its own. */
#define MODEL_KEYS 128

enum model_policy { MODEL_LRU, MODEL_S3FIFO, MODEL_GDSF, MODEL_POLICIES };

struct model_key {
    bool there;
    bool main; /* s3fifo: not in the small queue */
    int64_t used;
    int64_t turn; /* s3fifo: when it came into its queue */
    unsigned hits;
    unsigned counted; /* of the hits */
    unsigned uses;    /* s3fifo: what the two bits hold */
    double worth;     /* gdsf */
    int64_t bytes;
    int64_t load_ns;
};

struct model {
    enum model_policy policy;
    struct model_key keys[MODEL_KEYS];
    bool remembers;             /* has a table of ghosts, which an insertion makes */
    int64_t ghosts[MODEL_KEYS]; /* when it left, by count; 0: never */
    int64_t left;               /* so many did */
    int64_t turns;
    double floor;
    int64_t limit;
};

int64_t model_count(const struct model *model);

/* Evict until there are no more than that. */
void model_evict_to(struct model *model, int64_t limit);

/* A key comes in, and another goes where there are too many then. */
void model_add(struct model *model, int number, int64_t now, int64_t bytes, int64_t load_ns);

/* It goes, to make room or because it is no longer true. */
void model_leave(struct model *model, int number, bool by_size);

/* The same keys under another policy, which gets them in the order in which they would have gone:
** that is their order in the main queue. */
void model_follow(struct model *model, enum model_policy policy);

#endif
