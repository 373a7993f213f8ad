/*
** Which policy finds the most in the store: traces of keys are replayed through the store itself,
** with as many shards as it has by default, and the shares of hits are printed beside those of the
** offline optimum and of random eviction. Then what is saved where results differ in what they cost
** and take, and what becomes of a scan-heavy mix where only what is asked for twice is kept.
**
**     make bench
**
** Times do not matter here, and SQLite has no part in it: the figures are the same in each run. The
** recorded traces are skipped where they are not there.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ticks.h"
#include "policies/offline.h"
#include "policies/trace.h"
#include "store/policy/policies.h"
#include "store/store.h"
#include "support/measure.h"

#define SHARDS 16 /* the default */

static const char *const names[] = {POLICIES_NAMES};
#define POLICY_COUNT (sizeof names / sizeof names[0])

/* ---- replaying ---- */

/* A replay: what the store is told, and what comes of it. */
struct replay {
    const struct trace *trace;
    const struct policy *policy;
    struct limits limits;
    bool twice;
    bool mixed; /* results differ in size and in cost */
    size_t hits;
    double cost;  /* of all that was asked for, had it been computed */
    double saved; /* of that */
};

#define SIZES 8

static struct result *results[SIZES];

/* Texts of 50, 100, 200 … 6,400 bytes. */
static void make_results(void)
{
    static char text[50 << SIZES];
    for (int i = 0; i < SIZES; i++) {
        struct cell cell = {.type = CELL_TEXT, .bytes = text, .size = (size_t)50 << i};
        struct result_builder *builder = result_builder_new(1);
        if (builder == NULL || !result_builder_add(builder, &cell))
            bench_fail("a result", "out of memory");
        results[i] = result_builder_finish(builder);
        if (results[i] == NULL)
            bench_fail("a result", "out of memory");
    }
}

/* What the same key always has: 10 microseconds to 10 milliseconds, as a power of ten drawn evenly;
** one size or another, whatever the cost. */
static struct admission admission_of(const struct replay *replay, uint32_t key)
{
    static const int64_t costs[] = {10000, 30000, 100000, 300000, 1000000, 3000000, 10000000};
    uint64_t state = key;
    struct admission admission = {
        .result = results[0], .load_ns = 1000000, .ttl = TICKS_NEVER, .tti = TICKS_NEVER};
    if (replay->mixed) {
        admission.load_ns = costs[bench_below(&state, sizeof costs / sizeof costs[0])];
        admission.result = results[bench_below(&state, SIZES)];
    }
    return admission;
}

static void ask(struct replay *replay, struct store *store, struct space *space, size_t i)
{
    uint32_t key = replay->trace->keys[i];
    uint64_t state = UINT64_C(1) << 32 | key;
    struct query_identity identity = {.key = {bench_random(&state), bench_random(&state)},
                                      .space = space,
                                      .sql = "",
                                      .params = ""};
    struct admission admission = admission_of(replay, key);
    struct result *found;
    admission.now = (int64_t)i + 1;
    replay->cost += (double)admission.load_ns;
    if (store_find(store, &identity, admission.now, NULL, &found) == FOUND_HIT) {
        replay->hits++;
        replay->saved += (double)admission.load_ns;
        result_release(found);
    } else {
        store_insert(store, &identity, &admission);
    }
}

/* The share of hits. */
static double run(struct replay *replay)
{
    struct store *store = store_new(SHARDS, replay->limits);
    struct space *space = store != NULL ? store_space(store, NULL, NULL, 0) : NULL;
    if (space == NULL)
        bench_fail("a store", "out of memory");
    store_set_policy(store, replay->policy);
    store_set_admission(store, replay->twice);
    for (size_t i = 0; i < replay->trace->length; i++)
        ask(replay, store, space, i);
    space_release(space);
    store_free(store);
    return (double)replay->hits / (double)replay->trace->length;
}

/* ---- hit rates ---- */

static void print_head(const char *title, const char *more)
{
    printf("\n%-36s", title);
    for (size_t i = 0; i < POLICY_COUNT; i++)
        printf("%8s", names[i]);
    printf("%s\n", more);
}

static void compare(const char *name, struct trace *trace, uint32_t room)
{
    printf("%-36s", name);
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        struct replay replay = {
            .trace = trace, .policy = policy_find(names[i]), .limits = {room, INT64_MAX}};
        printf("%8.1f", 100 * run(&replay));
    }
    printf("%8.1f%8.1f\n", 100 * offline_random(trace, room), 100 * offline_optimum(trace, room));
    fflush(stdout);
    trace_free(trace);
}

static void compare_recorded(const char *file, uint32_t room)
{
    struct trace trace;
    char name[64];
    if (!trace_read(&trace, file)) {
        printf("%-36s skipped: it is not in the folder of data, or xz is missing\n", file);
        return;
    }
    snprintf(name, sizeof name, "%s, %u entries", file, room);
    compare(name, &trace, room);
}

static void compare_hits(void)
{
    static const double exponents[] = {0.7, 0.9, 1.0, 1.2};
    struct trace trace;
    print_head("share of hits, percent", "  random optimum");
    compare_recorded("orm-busy.trace.xz", 763);
    compare_recorded("orm-night.trace.xz", 4323);
    for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
        char name[64];
        trace = trace_zipf(exponents[i], 10000, 1000000);
        snprintf(name, sizeof name, "Zipf %.1f, 10,000 keys, 1,000 entries", exponents[i]);
        compare(name, &trace, 1000);
    }
    trace = trace_loop(2000, 500000);
    compare("loop over 2,000 keys, 1,000 entries", &trace, 1000);
    trace = trace_scanned(0.9, 10000, 1000000, 20000, 5000);
    compare("Zipf 0.9 with scans, 1,000 entries", &trace, 1000);
}

/* ---- time saved ---- */

static void compare_costs(void)
{
    static const int64_t sizes[] = {1000000, 3000000, 10000000};
    struct trace trace = trace_zipf(0.9, 10000, 1000000);
    print_head("mixed costs and sizes, percent", "");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        double hits[POLICY_COUNT];
        double saved[POLICY_COUNT];
        for (size_t p = 0; p < POLICY_COUNT; p++) {
            struct replay replay = {.trace = &trace,
                                    .policy = policy_find(names[p]),
                                    .limits = {INT64_MAX, sizes[i]},
                                    .mixed = true};
            hits[p] = 100 * run(&replay);
            saved[p] = 100 * replay.saved / replay.cost;
        }
        printf("%2lld MB: %-29s", (long long)sizes[i] / 1000000, "hits");
        for (size_t p = 0; p < POLICY_COUNT; p++)
            printf("%8.1f", hits[p]);
        printf("\n       %-29s", "compute time saved");
        for (size_t p = 0; p < POLICY_COUNT; p++)
            printf("%8.1f", saved[p]);
        printf("\n");
    }
    trace_free(&trace);
}

/* ---- admission ---- */

static void compare_admission(const char *name, struct trace *trace)
{
    static const char *const settings[] = {"all", "twice"};
    for (int twice = 0; twice < 2; twice++) {
        printf("%s, %-*s", name, 34 - (int)strlen(name), settings[twice]);
        for (size_t p = 0; p < POLICY_COUNT; p++) {
            struct replay replay = {.trace = trace,
                                    .policy = policy_find(names[p]),
                                    .limits = {1000, INT64_MAX},
                                    .twice = twice};
            printf("%8.1f", 100 * run(&replay));
        }
        printf("\n");
    }
    trace_free(trace);
}

static void compare_admissions(void)
{
    print_head("admit, 1,000 entries: hits, percent", "");
    struct trace trace = trace_zipf(0.9, 10000, 1000000);
    compare_admission("Zipf 0.9", &trace);
    trace = trace_scanned(0.9, 10000, 1000000, 1, 1);
    compare_admission("half never again", &trace);
    trace = trace_scanned(0.9, 10000, 1000000, 20000, 5000);
    compare_admission("with scans", &trace);
}

int main(void)
{
    make_results();
    compare_hits();
    compare_costs();
    compare_admissions();
    for (int i = 0; i < SIZES; i++)
        result_release(results[i]);
    return 0;
}
