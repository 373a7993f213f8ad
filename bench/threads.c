/*
** Two threads that hit at once: how much more they get done together than one of them alone. 2 is
** all that two cores can give; loops that share nothing show what they do give here.
**
** The store alone: hits on a store of 1,000 entries with the default number of shards, each thread
** on entries of its own. Then through SQLite: a connection for each thread, on one file in WAL
** mode, against a virtual table that does nothing, which shows what SQLite itself allows. All
** connections of a process share the lock of SQLite's allocator while it counts what it hands out
** (SQLITE_CONFIG_MEMSTATUS), so this is done twice, in a process each: as it is by default, and
** without counting.
**
** Rounds of one thread and of two alternate; ratios are medians over the rounds. Both cores must be
** free: anything else that runs meanwhile moves the figures.
*/
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ticks.h"
#include "session/settings.h"
#include "store/store.h"
#include "support/floor.h"
#include "support/measure.h"

#define THREADS 2
#define ROUNDS 80
#define ROUND_NS INT64_C(10000000)

/* Time for all threads of a round to be there before it starts. */
#define START_NS INT64_C(300000)

/* So many runs between two looks at the clock. */
#define BATCH 64

/* ---- rounds ---- */

/* What one thread does again and again. */
struct task {
    void (*run)(void *context, int times);
    void *context;
    int64_t start;
    double rate; /* runs per nanosecond */
};

static void *work(void *argument)
{
    struct task *task = argument;
    int64_t runs = 0;
    int64_t now = ticks_now();
    while (now < task->start)
        now = ticks_now();
    int64_t began = now;
    /* At least once: on a busy machine a round may be over when a thread gets its turn. */
    do {
        task->run(task->context, BATCH);
        runs += BATCH;
        now = ticks_now();
    } while (now < task->start + ROUND_NS);
    task->rate = (double)runs / (double)(now - began);
    return NULL;
}

/* What the threads get done together. */
static double measure_rate(struct task *tasks, int count)
{
    pthread_t threads[THREADS];
    double rate = 0;
    int64_t start = ticks_now() + START_NS;
    for (int i = 0; i < count; i++) {
        tasks[i].start = start;
        if (pthread_create(&threads[i], NULL, work, &tasks[i]) != 0)
            bench_fail("a thread", "cannot be started");
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        rate += tasks[i].rate;
    }
    return rate;
}

/* One of the things compared: a task for each thread, and what came of each round. */
struct side {
    const char *name;
    struct task tasks[THREADS];
    double alone[ROUNDS];
    double together[ROUNDS];
    double scales[ROUNDS];
};

static void measure_round(struct side *side, int round)
{
    side->alone[round] = measure_rate(&side->tasks[round % THREADS], 1);
    side->together[round] = measure_rate(side->tasks, THREADS);
    side->scales[round] = side->together[round] / side->alone[round];
}

static double scale_of(const struct side *side)
{
    return bench_median_ratio(side->together, side->alone, ROUNDS);
}

static void print_side(const struct side *side)
{
    double rates[ROUNDS];
    memcpy(rates, side->alone, sizeof rates);
    printf("  %-40s %8.3f of one, which takes %.0f ns\n", side->name, scale_of(side),
           1 / bench_median(rates, ROUNDS));
}

/* ---- nothing shared ---- */

static void mix(void *context, int times)
{
    uint64_t *state = context;
    uint64_t local = *state;
    uint64_t sum = 0; /* so that no number can be left out */
    for (int i = 0; i < times * 16; i++)
        sum += bench_random(&local);
    *state = local ^ sum;
}

static void bench_machine(void)
{
    static uint64_t states[THREADS];
    static struct side side = {.name = "loops that share nothing"};
    for (int i = 0; i < THREADS; i++)
        side.tasks[i] = (struct task){.run = mix, .context = &states[i]};
    for (int round = 0; round < ROUNDS; round++)
        measure_round(&side, round);
    printf("\nThe machine: %d threads\n", THREADS);
    print_side(&side);
}

/* ---- the store alone ---- */

#define ENTRIES 1000

struct entry {
    char sql[32];
    struct query_identity identity;
};

/* One thread's part of the entries. */
struct seeker {
    struct store *store;
    const struct entry *entries;
    unsigned count;
    uint64_t state;
    int misses;
    char gap[128]; /* from the other thread's */
};

static struct result *one_row(int64_t number)
{
    struct cell cell = {.type = CELL_INTEGER, .integer = number};
    struct result_builder *builder = result_builder_new(1);
    if (builder == NULL || !result_builder_add(builder, &cell))
        bench_fail("a result", "out of memory");
    return result_builder_finish(builder);
}

static void fill_store(struct store *store, struct entry *entries)
{
    uint64_t state = 1;
    for (int i = 0; i < ENTRIES; i++) {
        struct entry *entry = &entries[i];
        int size = snprintf(entry->sql, sizeof entry->sql, "select %d", i);
        entry->identity = (struct query_identity){.key = {bench_random(&state), (uint64_t)i},
                                                  .space = store_space(store, NULL, NULL, 0),
                                                  .sql = entry->sql,
                                                  .sql_size = (size_t)size,
                                                  .params = ""};
        struct admission admission = {
            .result = one_row(i), .now = ticks_now(), .ttl = TICKS_NEVER, .tti = TICKS_NEVER};
        if (admission.result == NULL || store_insert(store, &entry->identity, &admission) != KEPT)
            bench_fail(entry->sql, "not kept");
        result_release(admission.result);
    }
}

static void seek(void *context, int times)
{
    struct seeker *seeker = context;
    int64_t now = ticks_now();
    for (int i = 0; i < times; i++) {
        const struct entry *entry = &seeker->entries[bench_below(&seeker->state, seeker->count)];
        struct result *result = NULL;
        /* Nothing to check: these results depend on nothing. */
        if (store_find(seeker->store, &entry->identity, now, NULL, &result) == FOUND_HIT)
            result_release(result);
        else
            seeker->misses++;
    }
}

static void bench_store(void)
{
    static struct entry entries[ENTRIES];
    static struct seeker seekers[THREADS];
    static struct side side = {.name = "hits on the store"};
    struct store *store =
        store_new((unsigned)settings_get(SETTING_SHARDS), (struct limits){INT64_MAX, INT64_MAX});
    if (store == NULL)
        bench_fail("a store", "out of memory");
    fill_store(store, entries);
    for (int i = 0; i < THREADS; i++) {
        seekers[i] = (struct seeker){.store = store,
                                     .entries = &entries[i * ENTRIES / THREADS],
                                     .count = ENTRIES / THREADS,
                                     .state = (uint64_t)i};
        side.tasks[i] = (struct task){.run = seek, .context = &seekers[i]};
    }
    for (int round = 0; round < ROUNDS; round++)
        measure_round(&side, round);
    for (int i = 0; i < THREADS; i++)
        if (seekers[i].misses > 0)
            bench_fail("the store", "does not find what it keeps");
    printf("\nThe store alone: %d threads, %d entries\n", THREADS, ENTRIES);
    print_side(&side);
    bench_print_target(scale_of(&side), AT_LEAST, 1.8, "2 threads / 1 thread");
    store_free(store);
}

/* ---- through SQLite ---- */

#define ROWS 200 /* each thread reads its part of them */

enum what { OWN_ROWS, SAME_ROW, FLOOR, SIDES };

/* A statement of one thread's connection. */
struct reader {
    sqlite3_stmt *statement;
    sqlite3_int64 first;
    unsigned count;
    uint64_t state;
    char gap[128]; /* from the other thread's */
};

struct connection {
    sqlite3 *db;
    sqlite3_stmt *last_status;
    struct reader readers[SIDES];
};

static struct connection connections[THREADS];
static struct side sides[SIDES];

static void read_rows(void *context, int times)
{
    struct reader *reader = context;
    for (int i = 0; i < times; i++) {
        sqlite3_bind_int64(reader->statement, 1,
                           reader->first + bench_below(&reader->state, reader->count));
        bench_step(reader->statement);
    }
}

/* The connection stays open: a WAL made anew, with nothing in it yet, is no clock to go by, and
** each hit would open a transaction. */
static sqlite3 *make_database(void)
{
    sqlite3 *db = bench_open("threads.db", false);
    bench_run(db,
              "PRAGMA journal_mode = WAL;"
              "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, quantity INT, price REAL);"
              "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
              "INSERT INTO item SELECT i, 'item ' || i, i %% 97, i * 0.25 FROM n",
              ROWS);
    return db;
}

static void connect(struct connection *connection, int number)
{
    sqlite3 *db = bench_open("threads.db", true);
    connection->db = db;
    bench_check(db, floor_register(db), "floor_register");
    bench_run(db, "CREATE VIRTUAL TABLE temp.cached_item USING cache("
                  "  (SELECT name, quantity, price FROM main.item WHERE id = :id), ttl = 'none');"
                  "CREATE VIRTUAL TABLE temp.constant_item USING constant");
    for (int i = 0; i < SIDES; i++) {
        struct reader *reader = &connection->readers[i];
        reader->statement = bench_prepare(db, "SELECT name, quantity, price FROM %s_item(?)",
                                          i == FLOOR ? "constant" : "cached");
        reader->first = i == SAME_ROW ? 1 : 1 + number * ROWS / THREADS;
        reader->count = i == SAME_ROW ? 1 : ROWS / THREADS;
        reader->state = (uint64_t)number;
        sides[i].tasks[number] = (struct task){.run = read_rows, .context = reader};
        /* What is kept in the rounds is kept before them. */
        read_rows(reader, 20 * ROWS);
    }
    connection->last_status = bench_prepare(db, "SELECT cache_last_status()");
}

static void disconnect(struct connection *connection)
{
    for (int i = 0; i < SIDES; i++)
        sqlite3_finalize(connection->readers[i].statement);
    sqlite3_finalize(connection->last_status);
    bench_check(connection->db, sqlite3_close(connection->db), "close");
}

static void bench_sqlite(const char *how)
{
    sqlite3 *maker = make_database();
    sides[OWN_ROWS].name = "hits, each thread its own rows";
    sides[SAME_ROW].name = "hits, all threads one row";
    sides[FLOOR].name = "floor: a constant virtual table";
    for (int i = 0; i < THREADS; i++)
        connect(&connections[i], i);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SIDES; i++)
            measure_round(&sides[i], round);
        for (int i = 0; i < THREADS; i++)
            if (!bench_was_hit(connections[i].last_status))
                bench_fail("cached_item", "a read that should be a hit was none");
    }
    printf("\nThrough SQLite, %s: %d threads\n", how, THREADS);
    for (int i = 0; i < SIDES; i++)
        print_side(&sides[i]);
    bench_print_target(bench_median_ratio(sides[OWN_ROWS].scales, sides[FLOOR].scales, ROUNDS),
                       AT_LEAST, 0.95, "own rows / floor");
    bench_print(bench_median_ratio(sides[SAME_ROW].scales, sides[FLOOR].scales, ROUNDS),
                "one row / floor");
    for (int i = 0; i < THREADS; i++)
        disconnect(&connections[i]);
    bench_check(maker, sqlite3_close(maker), "close");
}

/* In a process of its own, as SQLite is configured before its first use. */
static void in_process(bool counting, const char *how)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, (int)counting);
        bench_sqlite(how);
        exit(0);
    }
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        bench_fail(how, "failed");
}

int main(void)
{
    bench_header();
    in_process(true, "by default");
    in_process(false, "its allocator not counting");
    bench_machine();
    bench_store();
    return 0;
}
