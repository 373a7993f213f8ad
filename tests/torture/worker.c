#include "worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checking.h"
#include "shared.h"
#include "upkeep.h"
#include "writing.h"

/* What a kind of worker does. `busy` and `calm` are its share of writes in percent, in the mixed
** and in the read-mostly phases; `life` is how many operations a connection lasts (0: all of them);
** `held` is how often in ten thousand it holds a snapshot. */
struct kind {
    const char *name;
    int flags;
    bool cached;
    bool couple; /* a second connection, plain, in turns with the first */
    bool switcher;
    int busy;
    int calm;
    int life;
    int held;
};

static const struct kind thread_kinds[] = {
    {"reader", 0, true, false, false, 0, 3, 0, 1},
    {"writer", 0, true, false, false, 60, 8, 0, 0},
    {"reader without a mutex", SQLITE_OPEN_NOMUTEX, true, false, false, 0, 3, 0, 1},
    {"opener and closer", SQLITE_OPEN_NOMUTEX, true, false, false, 25, 5, 20, 0},
    {"couple", 0, true, true, false, 40, 4, 400, 0},
    {"holder of snapshots", 0, true, false, false, 15, 3, 2000, 60},
    {"writer without a mutex", SQLITE_OPEN_NOMUTEX, true, false, false, 60, 8, 0, 0},
    {"plain writer", 0, false, false, false, 40, 5, 0, 0},
};
static const struct kind process_kinds[] = {
    {"process, writer", 0, true, false, false, 50, 5, 0, 0},
    {"process, plain writer", 0, false, false, false, 60, 5, 0, 0},
    {"process, reader", SQLITE_OPEN_NOMUTEX, true, false, false, 3, 2, 200, 2},
};
/* While the mode is switched, nobody stays for long. */
static const struct kind switch_kinds[] = {
    {"switcher", 0, true, false, true, 30, 0, 12, 0},
    {"short reader", 0, true, false, false, 20, 0, 8, 0},
    {"short writer without a mutex", SQLITE_OPEN_NOMUTEX, true, false, false, 60, 0, 8, 0},
};
static const struct kind switch_process = {
    "process, short plain writer", 0, false, false, false, 60, 0, 6, 0};
#define KIND(kinds, number) (&(kinds)[(number) % (int)(sizeof(kinds) / sizeof((kinds)[0]))])
#define SWITCH_THREADS 3

struct worker {
    const struct kind *kind;
    int number;
    bool process;
    atomic_int *inside; /* of a process, which may be killed there */
    struct random random;
    struct client client;
    struct client second;
};

static void start_worker(struct worker *worker, const struct kind *kind, int number, bool process,
                         int incarnation)
{
    *worker = (struct worker){.kind = kind, .number = number, .process = process};
    uint64_t seed = shared->seed * 1000003 + (uint64_t)atomic_load(&shared->round);
    seed = seed * 1009 + (uint64_t)atomic_load(&shared->phase);
    seed = seed * 1009 + (uint64_t)(process ? MOST_THREADS + number : number);
    worker->random.state = seed * 1009 + (uint64_t)incarnation;
    struct client *const clients[] = {&worker->client, &worker->second};
    for (int i = 0; i < 2; i++) {
        clients[i]->random = &worker->random;
        clients[i]->counted = !process;
        snprintf(clients[i]->name, sizeof clients[i]->name, "%s %d%s (%s)",
                 process ? "process" : "thread", number, i > 0 ? ", second connection" : "",
                 kind->name);
    }
}

/* ---- what a worker does ---- */

static void pause_some(struct worker *worker, int most)
{
    usleep((useconds_t)random_below(&worker->random, most));
}

/* Other processes are calm in the read-mostly mix, as each of their commits ends all of a file. */
static void rest(struct worker *worker, bool wrote)
{
    const struct phase_layout *phase = phase_now();
    if (worker->process && phase->read_mostly)
        pause_some(worker, 20000);
    else if (phase->switches)
        pause_some(worker, 3000);
    else if (wrote && !phase->read_mostly)
        pause_some(worker, 2000);
}

static void operate(struct worker *worker, struct client *client)
{
    const struct kind *kind = worker->kind;
    struct random *random = &worker->random;
    const bool calm = phase_now()->read_mostly;
    /* With a rollback journal a snapshot keeps writers waiting, and they the readers. */
    const bool wal = strcmp(phase_now()->journal, "WAL") == 0;
    bool wrote = random_chance(random, calm ? kind->calm : kind->busy);
    int rare = random_below(random, 10000);
    if (wrote && !calm && rare < 400)
        upkeep_files(client);
    else if (wrote)
        write_something(client, worker->inside, calm);
    else if (client->cached && rare < (calm ? 5 : 50))
        upkeep_cache(client);
    else if (rare > 9999 - (wal ? kind->held : (kind->held + 19) / 20))
        check_held_snapshot(client, wal ? 120 : 30);
    else
        check_something(client);
    rest(worker, wrote);
}

/* What one connection has committed, the other must see at once. */
static void operate_couple(struct worker *worker)
{
    struct client *const couple[] = {&worker->client, &worker->second};
    int first = random_below(&worker->random, 2);
    operate(worker, couple[first]);
    check_something(couple[1 - first]);
}

static bool open_connections(struct worker *worker)
{
    const struct kind *kind = worker->kind;
    int flags = kind->flags;
    if (kind->life > 0 && random_chance(&worker->random, 50))
        flags ^= SQLITE_OPEN_NOMUTEX;
    bool few = kind->life > 0 && kind->life < 100;
    if (!client_open(&worker->client, flags, kind->cached, few))
        return false;
    if (kind->couple && !client_open(&worker->second, flags, false, false)) {
        client_close(&worker->client);
        return false;
    }
    return true;
}

static void live(struct worker *worker)
{
    const struct kind *kind = worker->kind;
    int left = kind->life > 0 ? 1 + random_below(&worker->random, kind->life) : -1;
    for (; left != 0 && !shared_stopped(); left -= left > 0) {
        if (kind->switcher && random_chance(&worker->random, 40))
            upkeep_switch(&worker->client, &worker->second);
        else if (kind->couple)
            operate_couple(worker);
        else
            operate(worker, &worker->client);
    }
}

static void *work(void *context)
{
    struct worker *worker = context;
    while (!shared_stopped()) {
        if (!open_connections(worker)) {
            pause_some(worker, 5000);
            continue;
        }
        live(worker);
        client_close(&worker->client);
        if (worker->second.db != NULL)
            client_close(&worker->second);
        if (phase_now()->switches)
            pause_some(worker, 20000);
    }
    return NULL;
}

/* Whether connections of a process share what they keep. */
static void find_out_sharing(void)
{
    struct worker worker;
    start_worker(&worker, &thread_kinds[0], 0, true, 0);
    if (!open_connections(&worker))
        return;
    if (client_open(&worker.second, 0, true, false)) {
        for (int i = 0; i < 3; i++)
            check_read(&worker.client, TABLE_PLAIN, FORM_CACHED_ALL, 0);
        check_read(&worker.second, TABLE_PLAIN, FORM_CACHED_ALL, 0);
        if (strcmp(worker.second.status, "hit") == 0)
            atomic_store(&shared->sharing, true);
        client_close(&worker.second);
    }
    client_close(&worker.client);
}

void worker_run_threads(void)
{
    static struct worker workers[MOST_THREADS];
    static pthread_t threads[MOST_THREADS];
    const bool switches = phase_now()->switches;
    /* Counting what is allocated takes a lock, at which the threads would queue. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
    int threads_wanted = switches ? SWITCH_THREADS : shared->threads;
    if (!switches)
        find_out_sharing();
    for (int i = 0; i < threads_wanted; i++) {
        start_worker(&workers[i], switches ? KIND(switch_kinds, i) : KIND(thread_kinds, i), i,
                     false, 0);
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) {
            perror("pthread_create");
            exit(70);
        }
    }
    for (int i = 0; i < threads_wanted; i++)
        pthread_join(threads[i], NULL);
}

void worker_run_process(int number, int incarnation)
{
    static struct worker worker;
    start_worker(&worker, phase_now()->switches ? &switch_process : KIND(process_kinds, number),
                 number, true, incarnation);
    worker.inside = &shared->inside[number];
    work(&worker);
}

/* ---- the files before and after ---- */

static sqlite3 *open_file(const char *name, int flags)
{
    char path[256];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/%s", shared->folder, name);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | flags, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
        exit(70);
    }
    return db;
}

static void must_run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return;
    fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
    exit(70);
}

static void make_file(const char *name, const char *schema, bool second)
{
    sqlite3 *db = open_file(name, SQLITE_OPEN_CREATE);
    char sql[300];
    snprintf(sql, sizeof sql,
             "PRAGMA page_size = 1024; PRAGMA journal_mode = %s; PRAGMA synchronous = OFF; BEGIN",
             phase_now()->journal);
    must_run(db, sql);
    must_run(db, schema);
    for (int table = 0; table < TABLES; table++) {
        if (table == TABLE_VERSIONED || layout[table].second != second)
            continue;
        layout_fill_sql(sql, sizeof sql, table);
        must_run(db, sql);
    }
    must_run(db, "COMMIT");
    sqlite3_close(db);
}

void worker_make_files(void)
{
    make_file("main.db", layout_main_sql, false);
    make_file("second.db", layout_second_sql, true);
    ledger_start(&shared->ledger);
}

static void check_file(const char *name, const char *pragma, const char *expected)
{
    sqlite3 *db = open_file(name, 0);
    sqlite3_stmt *statement = NULL;
    const char *got = "no row";
    sqlite3_prepare_v2(db, pragma, -1, &statement, NULL);
    if (sqlite3_step(statement) == SQLITE_ROW)
        got = (const char *)sqlite3_column_text(statement, 0);
    if (strcmp(got, expected) != 0)
        violation_report(VIOLATION_DAMAGE, name, "  %s: %s %s\n", pragma, got, sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

void worker_check_files(void)
{
    check_file("main.db", "PRAGMA integrity_check", "ok");
    check_file("second.db", "PRAGMA integrity_check", "ok");
    check_file("main.db", "PRAGMA foreign_key_check", "no row");
    struct worker worker;
    start_worker(&worker, &switch_process, 0, true, 0);
    if (!client_open(&worker.client, 0, false, false))
        return;
    for (int table = 0; table < TABLES; table++)
        check_read(&worker.client, table, FORM_PLAIN_ALL, 0);
    client_close(&worker.client);
}
