/* Eviction policies and admission: each policy against a plain model of it, in the store and in a
** space, changed at run time, short of memory, under threads, and through SQL. */
#include "tap.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/ticks.h"
#include "counting.h"
#include "numbered.h"
#include "policies/model.h"
#include "session/runtime.h"
#include "session/session.h"
#include "store/policy/policies.h"
#include "store/store.h"
#include "support.h"

#define NO_LIMIT ((struct limits){INT64_MAX, INT64_MAX})

static const char *const policy_names[] = {
    [MODEL_LRU] = "lru", [MODEL_S3FIFO] = "s3fifo", [MODEL_GDSF] = "gdsf"};

/* ---- making what goes in ---- */

static struct query_identity identity_of(struct space *space, unsigned number)
{
    uint64_t state = number;
    return (struct query_identity){
        .key = {random_next(&state), (uint64_t)(number + 1) << 32 | (random_next(&state) >> 32)},
        .space = space,
        .sql = "SELECT",
        .sql_size = 6,
        .params = "",
    };
}

static enum kept insert(struct space *space, struct store *store, unsigned number, size_t size,
                        int64_t now, int64_t load_ns)
{
    struct query_identity identity = identity_of(space, number);
    struct admission admission = {.result = make_numbered(number, size),
                                  .now = now,
                                  .load_ns = load_ns,
                                  .ttl = TICKS_NEVER,
                                  .tti = TICKS_NEVER};
    if (admission.result == NULL)
        return KEPT_NO_MEMORY;
    enum kept kept = store_insert(store, &identity, &admission);
    result_release(admission.result);
    return kept;
}

static bool find(struct space *space, struct store *store, unsigned number, int64_t now)
{
    struct query_identity identity = identity_of(space, number);
    struct result *result;
    bool found = store_find(store, &identity, now, NULL, &result) == FOUND_HIT;
    if (found && numbered_as(result) != number)
        ok(false, "a hit gives the result of its own query");
    result_release(result);
    return found;
}

static bool is_number(const struct entry_view *view, void *context)
{
    return numbered_as(view->result) == *(unsigned *)context;
}

/* ---- a long random walk against a model ---- */

struct walk {
    struct model model;
    struct store *store;
    struct space *space;
    bool by_space; /* the space is what has the limit and the policy */
    bool changes;  /* of the policy, on the way */
    uint64_t seed;
    int64_t now;
    int64_t overhead; /* what is allocated before the first entry */
    bool seen[MODEL_KEYS];
    bool good;
};

static void set_limit(struct walk *walk, int64_t entries)
{
    struct limits limits = {entries, INT64_MAX};
    if (walk->by_space)
        space_set_limits(walk->space, limits);
    else
        store_set_limits(walk->store, limits);
    walk->model.limit = entries;
    model_evict_to(&walk->model, entries);
}

static void set_policy(struct walk *walk, enum model_policy policy)
{
    const struct policy *named = policy_find(policy_names[policy]);
    if (walk->by_space)
        space_set_policy(walk->space, named);
    else
        store_set_policy(walk->store, named);
    model_follow(&walk->model, policy);
}

static int see(const struct entry_view *view, void *context)
{
    struct walk *walk = context;
    walk->seen[numbered_as(view->result)] = true;
    return 0;
}

static void compare(struct walk *walk, const char *what)
{
    memset(walk->seen, 0, sizeof walk->seen);
    store_each(walk->store, see, walk);
    for (int i = 0; i < MODEL_KEYS; i++)
        walk->good = walk->good && walk->seen[i] == walk->model.keys[i].there;
    walk->good = walk->good && store_usage(walk->store).bytes == counting_bytes - walk->overhead;
    if (!walk->good)
        printf("#   not as in the model after %s, at tick %lld\n", what, (long long)walk->now);
}

struct sizing {
    unsigned number;
    int64_t bytes;
};

static int note_bytes(const struct entry_view *view, void *context)
{
    struct sizing *sizing = context;
    if (numbered_as(view->result) == sizing->number)
        sizing->bytes = (int64_t)view->bytes;
    return 0;
}

static void ask(struct walk *walk, unsigned number)
{
    struct model_key *key = &walk->model.keys[number];
    bool found = find(walk->space, walk->store, number, walk->now);
    walk->good = walk->good && found == key->there;
    if (found) {
        key->hits++;
        key->used = walk->now;
        return;
    }
    size_t size = 4 + random_below(&walk->seed, 2000);
    int64_t load_ns = 1 + random_below(&walk->seed, 1000000);
    insert(walk->space, walk->store, number, size, walk->now, load_ns);
    struct sizing sizing = {.number = number};
    store_each(walk->store, note_bytes, &sizing);
    model_add(&walk->model, (int)number, walk->now, sizing.bytes, load_ns);
}

static void step(struct walk *walk)
{
    unsigned kind = random_below(&walk->seed, 1000);
    /* Some are asked for more often, so that there are hits to tell apart. */
    unsigned number =
        random_below(&walk->seed, random_below(&walk->seed, 2) == 0 ? 40 : MODEL_KEYS);
    walk->now++;
    if (kind < 970) {
        ask(walk, number);
        compare(walk, "asking");
    } else if (kind < 990) {
        enum cause cause = kind < 980 ? CAUSE_EXPLICIT : CAUSE_TABLE_CHANGE;
        store_remove(walk->store, is_number, &number, cause);
        if (walk->model.keys[number].there && cause == CAUSE_TABLE_CHANGE)
            model_leave(&walk->model, (int)number, false);
        walk->model.keys[number].there = false;
        compare(walk, "removing");
    } else if (kind < 995) {
        set_limit(walk, 60 + random_below(&walk->seed, 30));
        compare(walk, "another limit");
    } else if (walk->changes) {
        set_policy(walk, (enum model_policy)random_below(&walk->seed, MODEL_POLICIES));
        compare(walk, "another policy");
    }
}

static void test_walk(enum model_policy policy, unsigned shards, bool by_space, bool changes,
                      uint64_t seed)
{
    static struct walk walk;
    int64_t before = counting_bytes;
    walk = (struct walk){.by_space = by_space, .changes = changes, .seed = seed, .good = true};
    walk.store = store_new(shards, NO_LIMIT);
    walk.space = store_space(walk.store, "space", NULL, 0);
    walk.overhead = counting_bytes;
    set_policy(&walk, policy);
    set_limit(&walk, 90);
    for (unsigned i = 0; i < 90; i++) {
        walk.now++;
        ask(&walk, i);
    }
    for (int i = 0; i < 20000 && walk.good; i++)
        step(&walk);
    char name[100];
    snprintf(name, sizeof name, "%s in %u shards, for the %s: as the model%s", policy_names[policy],
             shards, by_space ? "space" : "store", changes ? ", from one policy to another" : "");
    ok(walk.good, name);
    ok(store_counters(walk.store).hits > 5000 && store_counters(walk.store).evictions > 3000,
       "and there were hits and evictions");
    space_release(walk.space);
    store_free(walk.store);
    is_int(counting_bytes, before, "nothing is left");
}

/* ---- ghosts ---- */

/* What a store is to ghosts: entries, and bytes that count. */
static _Atomic int64_t owner_entries;
static _Atomic int64_t owner_bytes;

static struct key key_of(unsigned number)
{
    return identity_of(NULL, number).key;
}

static void resize(struct ghosts *ghosts, size_t count)
{
    owner_bytes += (int64_t)(count * sizeof(uint64_t));
    ghosts_resize(ghosts, count > 0 ? memory_alloc_zero(count * sizeof(uint64_t)) : NULL, count,
                  true);
}

static int count_recalled(struct ghosts *ghosts, unsigned first, unsigned last, int64_t age)
{
    int recalled = 0;
    for (unsigned i = first; i < last; i++) {
        struct key key = key_of(i);
        recalled += ghosts_recall(ghosts, &key, age);
    }
    return recalled;
}

static void remember(struct ghosts *ghosts, unsigned first, unsigned last)
{
    for (unsigned i = first; i < last; i++) {
        struct key key = key_of(i);
        ghosts_remember(ghosts, &key);
    }
}

static void test_ghosts(void)
{
    struct ghosts ghosts = {0};
    int64_t before = counting_bytes;
    ghosts_init(&ghosts, &owner_entries, &owner_bytes);
    remember(&ghosts, 0, 10);
    is_int(count_recalled(&ghosts, 0, 10, 1000), 0, "without a table nothing is remembered");
    owner_entries = 100;
    resize(&ghosts, 128);
    is_int(counting_bytes - before, owner_bytes, "a table counts, to the byte");
    remember(&ghosts, 0, 100);
    is_int(count_recalled(&ghosts, 0, 100, 100), 100, "a hundred are remembered in 128 slots");
    is_int(count_recalled(&ghosts, 100, 128, 100), 0, "and no others");
    is_int(count_recalled(&ghosts, 0, 100, 9), 10, "an age leaves the last ten");
    remember(&ghosts, 3, 4);
    is_int(count_recalled(&ghosts, 0, 10, 5), 1, "what comes again is young again");
    resize(&ghosts, 1024);
    is_int(count_recalled(&ghosts, 0, 100, 1000), 100, "a larger table remembers the same");
    remember(&ghosts, 1000, 1500);
    resize(&ghosts, 64);
    ok(count_recalled(&ghosts, 1436, 1500, 1000) >= 32, "a smaller one what came last");
    is_int(count_recalled(&ghosts, 0, 100, 2000), 0, "and forgets what came first");
    is_int(counting_bytes - before, owner_bytes, "and counts as it is");
    ghosts_trim(&ghosts);
    ok(owner_bytes > 0, "while there are entries the table stays");
    owner_entries = 0;
    ghosts_trim(&ghosts);
    is_int(owner_bytes, 0, "with the last of them it goes");
    resize(&ghosts, 64);
    is_int(owner_bytes, 0, "and none is taken then");
    is_int(ghosts_wanted(&ghosts, 7, 1 << 20), 0, "a few entries need none");
    is_int(ghosts_wanted(&ghosts, 1000, 1 << 20), 2048, "1,000 need 2,048 slots");
    is_int(ghosts_wanted(&ghosts, 1000, 4096), 512, "or as many as may be");
    is_int(ghosts_wanted(&ghosts, 1000, 100), 0, "or none");
    ghosts_destroy(&ghosts);
    is_int(counting_bytes, before, "nothing is left");
}

/* ---- admission ---- */

static void test_admission(void)
{
    int64_t before = counting_bytes;
    struct store *store = store_new(4, (struct limits){10000, 10000000});
    struct space *space = store_space(store, "space", NULL, 0);
    int64_t baseline = counting_bytes;
    store_set_admission(store, true);
    is_int(insert(space, store, 1, 10, 1, 1), KEPT_NOT_ADMITTED, "twice: once is not enough");
    is_int(store_counters(store).rejections, 1, "that is a rejection");
    is_int(store_usage(store).entries, 0, "and nothing is kept");
    is_int(store_usage(store).bytes, counting_bytes - baseline, "what is remembered is counted");
    ok(store_usage(store).bytes > 0, "and takes some room");
    is_int(insert(space, store, 1, 10, 2, 1), KEPT, "the second time it is kept");
    ok(find(space, store, 1, 3), "and served");
    is_int(insert(space, store, 2, 10, 4, 1), KEPT_NOT_ADMITTED, "another is another");
    for (unsigned i = 10000; i < 20000; i++)
        insert(space, store, i, 10, 5, 1);
    is_int(insert(space, store, 2, 10, 6, 1), KEPT_NOT_ADMITTED, "what was long ago is forgotten");
    is_int(insert(space, store, 2, 10, 6, 1), KEPT, "until it comes again");
    unsigned number = 1;
    store_remove(store, is_number, &number, CAUSE_TABLE_CHANGE);
    is_int(insert(space, store, 1, 10, 7, 1), KEPT, "what was kept and changed is known");
    store_remove(store, is_number, &number, CAUSE_EXPLICIT);
    store_set_admission(store, false);
    is_int(insert(space, store, 3, 10, 8, 1), KEPT, "all: once is enough");
    store_remove(store, NULL, NULL, CAUSE_EXPLICIT);
    is_int(store_usage(store).bytes, 0, "and nothing is remembered");
    is_int(counting_bytes, baseline, "nor allocated");

    store_set_admission(store, true);
    insert(space, store, 1, 10, 9, 1);
    ok(store_usage(store).bytes > 0, "there is something to remember in");
    store_set_limits(store, (struct limits){10000, 100});
    ok(store_usage(store).bytes <= 100, "a bound holds for that, too");
    store_set_limits(store, (struct limits){10000, 2000});
    is_int(insert(space, store, 5, 10, 10, 1), KEPT, "without room to remember, all is admitted");
    store_free(store);
    is_int(counting_bytes, before, "nothing is left");
}

/* ---- short of memory ---- */

/* A sequence that makes every kind of allocation. False where the store is not as it should be. */
static bool exercise(enum model_policy policy)
{
    struct store *store = store_new(2, NO_LIMIT);
    struct space *space = store != NULL ? store_space(store, "space", "id", 2) : NULL;
    if (space == NULL) {
        store_free(store);
        return true;
    }
    bool good = true;
    int64_t baseline = counting_bytes;
    store_set_policy(store, policy_find(policy_names[policy]));
    store_set_limits(store, (struct limits){20, 100000});
    space_set_limits(space, (struct limits){18, 50000});
    for (unsigned i = 0; i < 120; i++) {
        store_set_admission(store, i % 40 >= 30);
        insert(space, store, i * 7 % 50, 100, i + 1, 1 + i);
        find(space, store, i * 3 % 50, i + 1);
        good = good && store_usage(store).entries <= 18 &&
               counting_bytes - baseline == store_usage(store).bytes;
    }
    for (int other = 0; other < 3; other++) {
        int64_t entries = store_usage(store).entries;
        store_set_policy(store, policy_find(policy_names[((int)policy + other) % 3]));
        good = good && store_usage(store).entries == entries;
        insert(space, store, 60, 100, 1000, 1);
        good = good && counting_bytes - baseline == store_usage(store).bytes;
    }
    space_release(space);
    store_free(store);
    return good;
}

static void test_memory_short(enum model_policy policy)
{
    int64_t before = counting_bytes;
    bool good = true;
    int failures = -1;
    bool failed = true;
    while (failed) {
        counting_fail = ++failures + 1;
        good = exercise(policy) && good;
        failed = counting_fail == 0;
        counting_fail = 0;
        good = good && counting_bytes == before;
    }
    char name[80];
    snprintf(name, sizeof name, "%s: whichever allocation fails, the store is unharmed",
             policy_names[policy]);
    ok(good, name);
    ok(failures > 100, "and many did");
}

/* ---- bounds, under threads ---- */

struct crowd {
    struct store *store;
    struct space *spaces[3];
    int64_t max_bytes;
    bool changes; /* of policies, admission and limits */
    _Atomic bool over;
    _Atomic unsigned next;
};

static void change(struct crowd *crowd, uint64_t *seed, struct space *space)
{
    const struct policy *policy = policy_find(policy_names[random_below(seed, 3)]);
    struct limits limits = {20 + random_below(seed, 200), crowd->max_bytes / 2};
    switch (random_below(seed, 5)) {
    case 0:
        store_set_policy(crowd->store, policy);
        break;
    case 1:
        space_set_policy(space, random_below(seed, 2) == 0 ? policy : NULL);
        break;
    case 2:
        store_set_admission(crowd->store, random_below(seed, 2) == 0);
        break;
    case 3:
        store_set_limits(crowd->store, limits);
        break;
    default:
        space_set_limits(space, limits);
    }
}

static void crowd_step(struct crowd *crowd, uint64_t *seed)
{
    unsigned kind = random_below(seed, 1000);
    unsigned number = random_below(seed, random_below(seed, 2) == 0 ? 100 : 1000);
    struct space *space = crowd->spaces[number % 3];
    int64_t now = ticks_now();
    if (kind < 600) {
        find(space, crowd->store, number, now);
    } else if (kind < 980) {
        insert(space, crowd->store, number, 4 + random_below(seed, 800), now,
               1 + random_below(seed, 1000));
    } else if (kind < 997) {
        store_remove(crowd->store, is_number, &number,
                     kind % 2 == 0 ? CAUSE_EXPLICIT : CAUSE_TABLE_CHANGE);
    } else if (crowd->changes) {
        change(crowd, seed, space);
    }
    if (store_usage(crowd->store).bytes > crowd->max_bytes)
        atomic_store(&crowd->over, true);
}

static void *crowd_thread(void *context)
{
    struct crowd *crowd = context;
    uint64_t seed = 1000 + atomic_fetch_add(&crowd->next, 1);
    for (int i = 0; i < 10000; i++)
        crowd_step(crowd, &seed);
    return NULL;
}

static void test_threads(enum model_policy policy, unsigned shards, bool changes)
{
    int64_t before = counting_bytes;
    struct crowd crowd = {.max_bytes = 60000, .changes = changes};
    crowd.store = store_new(shards, (struct limits){INT64_MAX, crowd.max_bytes});
    store_set_policy(crowd.store, policy_find(policy_names[policy]));
    for (unsigned i = 0; i < 3; i++)
        crowd.spaces[i] = store_space(crowd.store, "crowd", &i, sizeof i);
    space_set_limits(crowd.spaces[1], (struct limits){20, 9000});
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, crowd_thread, &crowd);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    char name[100];
    snprintf(name, sizeof name, "%s: four threads on %u shards never pass the bound%s",
             policy_names[policy], shards, changes ? ", whatever is set meanwhile" : "");
    ok(!crowd.over, name);
    if (!changes)
        ok(space_usage(crowd.spaces[1]).entries <= 20 && space_usage(crowd.spaces[1]).bytes <= 9000,
           "nor a space's");
    ok(store_counters(crowd.store).hits > 1000, "and there were hits");
    store_set_admission(crowd.store, false);
    store_remove(crowd.store, NULL, NULL, CAUSE_EXPLICIT);
    is_int(store_usage(crowd.store).bytes, 0, "what they leave can all be removed");
    for (int i = 0; i < 3; i++)
        space_release(crowd.spaces[i]);
    store_free(crowd.store);
    is_int(counting_bytes, before, "and freed");
}

/* ---- whose policy ---- */

static const char *policy_of(const struct space *space)
{
    return space_policy(space)->name;
}

static void test_whose_policy(void)
{
    struct store *store = store_new(2, NO_LIMIT);
    struct space *one = store_space(store, "one", NULL, 0);
    struct space *two = store_space(store, "two", NULL, 0);
    is_text(policy_of(one), "lru", "a space follows the store");
    space_set_policy(one, policy_find("S3FIFO"));
    store_set_policy(store, policy_find("gdsf"));
    is_text(policy_of(one), "s3fifo", "unless it has a policy of its own");
    is_text(policy_of(two), "gdsf", "whenever the store changes");
    struct space *three = store_space(store, "three", NULL, 0);
    is_text(policy_of(three), "gdsf", "or the space is made");
    space_set_policy(one, NULL);
    is_text(policy_of(one), "gdsf", "which it may give up");
    ok(policy_find("fifo") == NULL, "a policy that is not there is not found");
    store_free(store);
}

/* ---- through SQL ---- */

/* The policy of the cached table c, as the store has it. */
static const char *policy_of_c(sqlite3 *db)
{
    sqlite3_stmt *statement;
    sqlite3_prepare_v2(db, "SELECT cache_normalize('SELECT 1 AS x')", -1, &statement, NULL);
    sqlite3_step(statement);
    struct space *space = store_space(runtime_store(), "c", sqlite3_column_text(statement, 0),
                                      (size_t)sqlite3_column_bytes(statement, 0));
    const char *name = policy_of(space);
    ok(space_has_others(space), "the space is the one that the table has");
    space_release(space);
    sqlite3_finalize(statement);
    return name;
}

#define CREATE_C "CREATE VIRTUAL TABLE temp.c USING cache((SELECT 1 AS x)%s)"

static void test_connections(void)
{
    sqlite3 *one = open_cached(":memory:", 0);
    sqlite3 *two = open_cached(":memory:", 0);
    run(one, CREATE_C, ", policy = s3fifo");
    is_text(policy_of_c(one), "s3fifo", "a cached table has the policy that it says");
    run(two, CREATE_C, ", policy = gdsf");
    is_text(policy_of_c(one), "gdsf", "of two connections, the last one wins");
    is_int(number(one, "SELECT count(*) FROM cache_definitions WHERE policy = 's3fifo'"), 1,
           "and each sees what it said");
    run(one, "DROP TABLE c");
    run(one, CREATE_C, "");
    is_text(policy_of_c(one), "lru", "nothing said is the process's");
    run(one, "SELECT cache_configure('policy', 's3fifo')");
    is_text(policy_of_c(one), "s3fifo", "as it is set later, too");
    run(one, "SELECT cache_configure('policy', 'lru')");
    sqlite3_close(two);
    sqlite3_close(one);
}

int main(void)
{
    counting_start();
    uint64_t seed = random_seed((uint64_t)ticks_now());
    test_ghosts();
    test_admission();
    test_whose_policy();
    for (enum model_policy policy = 0; policy < MODEL_POLICIES; policy++) {
        test_walk(policy, 1, false, false, seed);
        test_walk(policy, 1, true, false, seed);
        test_walk(policy, 1, policy == MODEL_S3FIFO, true, seed);
        test_memory_short(policy);
        test_threads(policy, 1, false);
        test_threads(policy, 16, false);
        test_threads(policy, 4, true);
    }
    /* Across shards, these two are as exact as in one. */
    test_walk(MODEL_LRU, 16, false, false, seed);
    test_walk(MODEL_S3FIFO, 4, false, false, seed);
    test_walk(MODEL_S3FIFO, 16, true, false, seed);
    is_int(counting_bytes, 0, "nothing is live at the end");
    test_connections();
    return tap_done();
}
