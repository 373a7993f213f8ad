/*
** The differential test: a seeded generator writes databases and what happens to them, and after
** every step each cached query must give what the plain one gives.
**
**   STEPS=100000 SEED=7 build/test-system/differential
**
** Without SEED there are two runs: a seed that is always the same, and the seed of the day, its
** date in UTC as a number (20261130). Each run says on stderr, too, which seed it has: `prove`
** shows no more. A failure prints the seed, both answers, and the shortest script that shows it.
** LIFE=n runs only the n-th database of the seed.
*/
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "differential/check.h"
#include "differential/generate.h"
#include "differential/replay.h"
#include "tap.h"

#define FIXED_SEED 20240501

/* After so many wrong answers the rest says little; each costs seconds to minimize. */
#define MOST_FAILURES 3
#define MINIMIZE_SECONDS 40

struct kind {
    const char *name;
    const char *journal;
    bool exclusive;
    bool switches;
};

static const struct kind kinds[] = {
    {":memory:", NULL, false, false},
    {"WAL", "WAL", false, false},
    {"a rollback journal", "DELETE", false, false},
    {"WAL, its modes switched", "WAL", false, true},
    {"a truncated or kept journal, its modes switched", "TRUNCATE", false, true},
    {"EXCLUSIVE locking", "WAL", true, false},
    {"EXCLUSIVE locking, rollback journal", "PERSIST", true, false},
};
#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

struct run {
    uint64_t seed;
    long steps;
    long only_life; /* or -1 */
    char root[256];
    bool fts;
    bool rtree;
    int failures;
    int failed[KINDS];
    struct counters counters[KINDS];
};

/* Which life is being lived, for the case that it does not end. */
static char crash_note[120];

static void on_crash(int number)
{
    ssize_t written = write(STDOUT_FILENO, crash_note, strlen(crash_note));
    (void)written;
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_crashes(void)
{
    signal(SIGSEGV, on_crash);
    signal(SIGABRT, on_crash);
    signal(SIGBUS, on_crash);
}

static long from_environment(const char *name, long otherwise)
{
    const char *value = getenv(name);
    return value != NULL && *value ? strtol(value, NULL, 10) : otherwise;
}

static bool has_module(const char *create)
{
    sqlite3 *db = NULL;
    bool has = sqlite3_open(":memory:", &db) == SQLITE_OK &&
               sqlite3_exec(db, create, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(db);
    return has;
}

static struct life life_of(const struct run *run, long number)
{
    const struct kind *kind = &kinds[number % KINDS];
    struct random random = {run->seed * 1000003 + (uint64_t)number};
    struct life life = {.name = kind->name,
                        .journal = kind->journal,
                        .exclusive = kind->exclusive,
                        .switches = kind->switches};
    if (kind->journal != NULL && strcmp(kind->journal, "TRUNCATE") == 0 &&
        random_chance(&random, 50))
        life.journal = "PERSIST";
    life.second = kind->journal != NULL && !kind->exclusive && random_chance(&random, 70);
    life.second_cached = life.second && random_chance(&random, 40);
    life.takeover = random_chance(&random, 12);
    life.steps = 100 + random_below(&random, 300);
    life.seed = random_next(&random);
    return life;
}

static void report_failure(struct run *run, const struct life *life, long number,
                           struct script *script, struct failure *failure)
{
    struct text report = {0};
    printf("# SEED=%llu LIFE=%ld (%s), step %d of the life: a wrong answer\n%s",
           (unsigned long long)run->seed, number, life->name, failure->step,
           failure->text.data ? failure->text.data : "");
    fflush(stdout);
    minimize(script, life, run->root, MINIMIZE_SECONDS, &report);
    fputs(report.data, stdout);
    fflush(stdout);
    text_free(&report);
    run->failures++;
    run->failed[number % KINDS]++;
}

/* One database from birth to end. */
static void live(struct run *run, long number)
{
    struct life life = life_of(run, number);
    struct counters *counters = &run->counters[number % KINDS];
    struct script script = {0};
    struct failure failure = {0};
    struct generator generator;
    struct world world = {0};
    bool good = true;
    long end = counters->steps + life.steps;
    snprintf(crash_note, sizeof(crash_note), "# crashed in SEED=%llu LIFE=%ld\n",
             (unsigned long long)run->seed, number);
    folder_enter(run->root);
    world_open(&world, &life, counters, false);
    generator_open(&generator, &life, run->fts, run->rtree);
    while (good && counters->steps < end) {
        struct step step;
        generator_next(&generator, &world, &step);
        script_add(&script, &step);
        good = check_step(&world, &step, &failure);
        failure.step = script.count;
    }
    generator_close(&generator);
    world_close(&world);
    folder_leave(run->root);
    if (!good)
        report_failure(run, &life, number, &script, &failure);
    script_free(&script);
    text_free(&failure.text);
}

static void add_counters(struct counters *sum, const struct counters *counters)
{
    sum->steps += counters->steps;
    sum->failed_steps += counters->failed_steps;
    sum->reads += counters->reads;
    sum->hits += counters->hits;
    sum->misses += counters->misses;
    sum->bypasses += counters->bypasses;
    sum->repeats += counters->repeats;
    sum->repeat_hits += counters->repeat_hits;
    sum->foreign_steps += counters->foreign_steps;
    sum->wrapped_reads += counters->wrapped_reads;
    sum->ad_hoc_reads += counters->ad_hoc_reads;
    sum->prepared_reads += counters->prepared_reads;
    sum->renewals += counters->renewals;
    sum->elder_orders += counters->elder_orders;
}

static int percent(long part, long whole)
{
    return whole > 0 ? (int)(100 * part / whole) : 0;
}

static void print_counters(const char *name, const struct counters *counters)
{
    printf("# %s: %ld steps, %d%% failed, %ld by the second connection; %ld first reads: %d%% hits "
           "of hits and misses, %d%% bypassed; repeats in a transaction: %d%% of %ld hit\n",
           name, counters->steps, percent(counters->failed_steps, counters->steps),
           counters->foreign_steps, counters->reads,
           percent(counters->hits, counters->hits + counters->misses),
           percent(counters->bypasses, counters->reads),
           percent(counters->repeat_hits, counters->repeats), counters->repeats);
}

static void check_run(struct run *run)
{
    struct counters sum = {0};
    for (int i = 0; i < KINDS; i++) {
        char name[150];
        print_counters(kinds[i].name, &run->counters[i]);
        add_counters(&sum, &run->counters[i]);
        snprintf(name, sizeof(name), "every cached read equals the plain one: SEED=%llu, %s",
                 (unsigned long long)run->seed, kinds[i].name);
        is_int(run->failed[i], 0, name);
    }
    print_counters("all", &sum);
    printf("# also read: %ld cached tables inside larger queries, %ld ad hoc, %ld prepared through "
           "the cache; %ld times the columns had changed, %ld times the order was that of an older "
           "plan\n",
           sum.wrapped_reads, sum.ad_hoc_reads, sum.prepared_reads, sum.renewals, sum.elder_orders);
    /* One life alone, or one cut short by a failure, is no measure. */
    if (run->only_life >= 0 || run->failures > 0) {
        tap_skip("all steps were done, and the shares", "not the whole run");
        return;
    }
    ok(sum.steps >= run->steps, "all steps were done");
    ok(percent(sum.failed_steps, sum.steps) < 25, "most steps do what they say");
    ok(percent(sum.hits, sum.hits + sum.misses) > 50, "over half of the first reads are hits");
    ok(percent(sum.repeat_hits, sum.repeats) > 90,
       "over 90% of the repeated reads in a read transaction are hits");
}

/* For who reads the output as TAP, and for who sees only what prove lets through. */
static void announce(const struct run *run)
{
    char line[200];
    snprintf(line, sizeof(line), "# the differential test: SEED=%llu STEPS=%ld SQLite %s%s%s\n",
             (unsigned long long)run->seed, run->steps, sqlite3_libversion(),
             run->fts ? "" : ", no FTS5", run->rtree ? "" : ", no R-Tree");
    fputs(line, stdout);
    fflush(stdout);
    if (!isatty(STDOUT_FILENO))
        fputs(line, stderr);
}

static void do_run(const struct run *parameters, uint64_t seed)
{
    struct run run = *parameters;
    run.seed = seed;
    announce(&run);
    if (run.only_life >= 0)
        live(&run, run.only_life);
    for (long done = 0, number = 0; run.only_life < 0 && done < run.steps; number++) {
        struct counters *counters = &run.counters[number % KINDS];
        long before = counters->steps;
        live(&run, number);
        done += counters->steps - before;
        if (run.failures >= MOST_FAILURES)
            break;
    }
    check_run(&run);
}

static uint64_t seed_of_the_day(void)
{
    struct tm day;
    time_t now = time(NULL);
    if (gmtime_r(&now, &day) == NULL)
        return FIXED_SEED;
    return (uint64_t)(day.tm_year + 1900) * 10000 + (uint64_t)(day.tm_mon + 1) * 100 +
           (uint64_t)day.tm_mday;
}

int main(void)
{
    long seed = from_environment("SEED", -1);
    struct run run = {.steps = from_environment("STEPS", 20000),
                      .only_life = from_environment("LIFE", -1)};
    const char *folder = getenv("TMPDIR");
    snprintf(run.root, sizeof(run.root), "%s/differential-XXXXXX", folder ? folder : "/tmp");
    if (mkdtemp(run.root) == NULL) {
        puts("Bail out! no temporary folder");
        return 1;
    }
    run.fts = has_module("CREATE VIRTUAL TABLE f USING fts5(x)");
    run.rtree = has_module("CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)");
    watch_crashes();
    do_run(&run, seed >= 0 ? (uint64_t)seed : FIXED_SEED);
    if (seed < 0)
        do_run(&run, seed_of_the_day());
    rmdir(run.root);
    return tap_done();
}
