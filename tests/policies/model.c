#include "model.h"

#include <string.h>

int64_t model_count(const struct model *model)
{
    int64_t count = 0;
    for (int i = 0; i < MODEL_KEYS; i++)
        count += model->keys[i].there;
    return count;
}

/* The least by `before` of those that are there; -1 for none. */
static int least(struct model *model,
                 bool (*before)(const struct model_key *a, const struct model_key *b))
{
    int found = -1;
    for (int i = 0; i < MODEL_KEYS; i++)
        if (model->keys[i].there && (found < 0 || before(&model->keys[i], &model->keys[found])))
            found = i;
    return found;
}

static bool used_before(const struct model_key *a, const struct model_key *b)
{
    return a->used < b->used;
}

static bool worth_less(const struct model_key *a, const struct model_key *b)
{
    return a->worth < b->worth;
}

static bool turn_before(const struct model_key *a, const struct model_key *b)
{
    return a->main != b->main ? b->main : a->turn < b->turn;
}

static bool main_turn_before(const struct model_key *a, const struct model_key *b)
{
    return a->main != b->main ? a->main : a->turn < b->turn;
}

static void value(struct model *model, struct model_key *key)
{
    key->counted = key->hits;
    key->worth = model->floor + (double)(key->hits + 1) * (double)key->load_ns / (double)key->bytes;
}

/* Who is worth least, all hits of it counted. */
static int least_worth(struct model *model)
{
    for (;;) {
        int found = least(model, worth_less);
        if (found < 0 || model->keys[found].counted == model->keys[found].hits)
            return found;
        value(model, &model->keys[found]);
    }
}

static void enqueue(struct model *model, struct model_key *key, bool into_main)
{
    key->main = into_main;
    key->turn = ++model->turns;
}

static bool small_is_over(const struct model *model)
{
    int64_t small = 0;
    int64_t all = 0;
    for (int i = 0; i < MODEL_KEYS; i++) {
        if (model->keys[i].there)
            all += model->keys[i].bytes;
        if (model->keys[i].there && !model->keys[i].main)
            small += model->keys[i].bytes;
    }
    return small > 0 && small >= all / 10;
}

/* Who goes under s3fifo; those that have earned another turn take it on the way. */
static int next_of_s3fifo(struct model *model)
{
    for (;;) {
        int found = least(model, small_is_over(model) ? turn_before : main_turn_before);
        struct model_key *key = &model->keys[found];
        unsigned uses = key->uses + key->hits - key->counted;
        key->counted = key->hits;
        key->uses = uses < 3 ? uses : 3;
        if (key->uses == 0)
            return found;
        key->uses = key->main ? key->uses - 1 : 0;
        enqueue(model, key, true);
    }
}

void model_leave(struct model *model, int number, bool by_size)
{
    struct model_key *key = &model->keys[number];
    if (model->remembers && !(by_size && key->main))
        model->ghosts[number] = ++model->left;
    key->there = false;
}

static void evict(struct model *model)
{
    int number;
    if (model->policy == MODEL_LRU)
        number = least(model, used_before);
    else if (model->policy == MODEL_S3FIFO)
        number = next_of_s3fifo(model);
    else
        number = least_worth(model);
    if (model->policy == MODEL_GDSF)
        model->floor = model->keys[number].worth;
    model_leave(model, number, true);
    if (model->policy == MODEL_GDSF)
        least_worth(model);
}

void model_evict_to(struct model *model, int64_t limit)
{
    while (model_count(model) > limit)
        evict(model);
}

void model_add(struct model *model, int number, int64_t now, int64_t bytes, int64_t load_ns)
{
    struct model_key *key = &model->keys[number];
    model->remembers = model->policy == MODEL_S3FIFO;
    model_evict_to(model, model->limit - 1);
    *key = (struct model_key){.there = true, .used = now, .bytes = bytes, .load_ns = load_ns};
    value(model, key);
    bool was_here =
        model->ghosts[number] > 0 && model->left - model->ghosts[number] <= model_count(model);
    enqueue(model, key, was_here);
}

void model_follow(struct model *model, enum model_policy policy)
{
    int order[MODEL_KEYS];
    int count = 0;
    if (policy == model->policy)
        return;
    while (model_count(model) > 0) {
        int first;
        if (model->policy == MODEL_LRU)
            first = least(model, used_before);
        else if (model->policy == MODEL_S3FIFO)
            first = least(model, turn_before);
        else
            first = least_worth(model);
        order[count++] = first;
        model->keys[first].there = false;
    }
    memset(model->ghosts, 0, sizeof model->ghosts);
    model->remembers = false;
    model->policy = policy;
    for (int i = 0; i < count; i++) {
        struct model_key *key = &model->keys[order[i]];
        key->there = true;
        key->uses = 0;
        value(model, key);
        if (policy == MODEL_S3FIFO)
            key->counted = 0;
        enqueue(model, key, true);
    }
}
