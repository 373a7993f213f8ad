/*
** Many threads on one file, each with a connection of its own or all with the same one, while
** another watches, clears, reconfigures and interrupts. Each row's value only grows, and is written
** by one thread alone, so that a read can be judged without stopping anybody: it gives at least
** what was acknowledged before it began, and at most what had been begun when it ended.
*/
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ticks.h"
#include "counting.h"
#include "querycache.h"
#include "support.h"
#include "tap.h"

#define THREADS 4
#define KEYS (2 * THREADS)

/* The thread sanitizer is some ten times slower: there a count ends it, elsewhere mostly the time.
** */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(SANITIZED) || defined(__SANITIZE_THREAD__)
#define ROUNDS 1500
#define SECONDS 60
#else
#define ROUNDS 100000
#define SECONDS 2
#endif

/* A trigger keeps u the same as t, so that one statement writes both. */
#define TABLES                                                                                     \
    "CREATE TABLE t(k INTEGER PRIMARY KEY, v INT);"                                                \
    "CREATE TABLE u(k INTEGER PRIMARY KEY, v INT);"                                                \
    "WITH n(k) AS (VALUES (0) UNION ALL SELECT k + 1 FROM n WHERE k < 7)"                          \
    "  INSERT INTO t SELECT k, 0 FROM n;"                                                          \
    "INSERT INTO u SELECT k, v FROM t;"                                                            \
    "CREATE TRIGGER copy AFTER UPDATE ON t BEGIN UPDATE u SET v = new.v WHERE k = new.k; END;"

static const char *const cached_tables[] = {
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.ct USING cache((SELECT v FROM main.t WHERE k = :k))",
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.cu USING cache((SELECT v FROM main.u WHERE k = :k))",
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.cs USING cache((SELECT sum(v) AS v FROM main.t))",
};

enum { CACHED, PLAIN, SUM, PLAIN_SUM, PAIR, MIXED, WRITE, STATEMENTS };

static const char *const texts[STATEMENTS] = {
    [CACHED] = "SELECT v FROM ct(?1)",
    [PLAIN] = "SELECT v FROM main.t WHERE k = ?1",
    [SUM] = "SELECT v FROM cs",
    [PLAIN_SUM] = "SELECT sum(v) FROM main.t",
    [PAIR] = "SELECT a.v - b.v FROM ct(?1) AS a, cu(?1) AS b",
    [MIXED] = "SELECT a.v - b.v FROM ct(?1) AS a JOIN main.t AS b ON b.k = ?1",
    [WRITE] = "UPDATE main.t SET v = ?2 WHERE k = ?1",
};

enum sharing { APART, WHOLE_STATEMENTS, STEP_BY_STEP };

struct mode {
    const char *name;
    const char *journal;
    int flags;
    enum sharing sharing; /* of one connection by all threads */
    int stay; /* rounds until a thread closes its connection and opens another; 0: never */
};

/* What the threads of one mode share. */
struct arena {
    const struct mode *mode;
    const char *path;
    sqlite3 *shared;
    int64_t deadline;
    _Atomic int64_t begun[KEYS];
    _Atomic int64_t published[KEYS];
    _Atomic int64_t reads;
    _Atomic int64_t writes;
    _Atomic int64_t refusals; /* busy or interrupted */
    _Atomic int working;
    _Atomic bool failed;
    pthread_mutex_t lock; /* of what follows */
    sqlite3 *open[THREADS];
    char failure[400]; /* the first */
};

struct worker {
    struct arena *arena;
    int number;
    uint64_t seed;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
};

static void fail(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&arena->lock);
    if (!atomic_exchange(&arena->failed, true))
        vsnprintf(arena->failure, sizeof arena->failure, format, arguments);
    pthread_mutex_unlock(&arena->lock);
    va_end(arguments);
}

/* True for success; what others may cause at any time is counted, all else is a failure. */
static bool is_done(struct worker *worker, int rc, const char *what)
{
    struct arena *arena = worker->arena;
    if (rc == SQLITE_OK)
        return true;
    if ((rc & 0xff) == SQLITE_BUSY || rc == SQLITE_INTERRUPT)
        atomic_fetch_add(&arena->refusals, 1);
    else /* the message of a shared connection may be another thread's */
        fail(arena, "%s: %s (%d), %s", what, sqlite3_errstr(rc), rc,
             arena->mode->sharing == APART ? sqlite3_errmsg(worker->db) : "connection shared");
    return false;
}

static bool do_text(struct worker *worker, const char *sql)
{
    return is_done(worker, try(worker->db, sql), sql);
}

/* ---- connections ---- */

/* Shorter waits than those of sqlite3_busy_timeout(), which would be most of the time. */
static int wait_a_little(void *context, int count)
{
    (void)context;
    usleep(100);
    return count < 50000;
}

static sqlite3 *connect(struct arena *arena, int flags)
{
    sqlite3 *db = NULL;
    flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(arena->path, &db, flags, NULL);
    sqlite3_busy_handler(db, wait_a_little, NULL);
    if (rc == SQLITE_OK)
        rc = querycache_init(db);
    if (rc != SQLITE_OK || try(db, "PRAGMA synchronous = OFF") != SQLITE_OK)
        fail(arena, "connecting: %s", sqlite3_errmsg(db));
    return db;
}

/* Until it succeeds: an interrupt may come here, too. */
static void prepare_all(struct worker *worker)
{
    for (int i = 0; i < 3; i++) {
        while (!atomic_load(&worker->arena->failed) && !do_text(worker, cached_tables[i]))
            ;
    }
    for (int i = 0; i < STATEMENTS; i++) {
        int rc;
        do
            rc = sqlite3_prepare_v2(worker->db, texts[i], -1, &worker->statements[i], NULL);
        while (!is_done(worker, rc, texts[i]) && worker->statements[i] == NULL &&
               ((rc & 0xff) == SQLITE_BUSY || rc == SQLITE_INTERRUPT));
    }
}

static void enter(struct worker *worker)
{
    struct arena *arena = worker->arena;
    worker->db = arena->mode->sharing == APART ? connect(arena, arena->mode->flags) : arena->shared;
    prepare_all(worker);
    pthread_mutex_lock(&arena->lock);
    arena->open[worker->number] = worker->db;
    pthread_mutex_unlock(&arena->lock);
}

static void leave(struct worker *worker)
{
    struct arena *arena = worker->arena;
    pthread_mutex_lock(&arena->lock);
    arena->open[worker->number] = NULL;
    pthread_mutex_unlock(&arena->lock);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(worker->statements[i]);
    memset(worker->statements, 0, sizeof worker->statements);
    if (arena->mode->sharing == APART && sqlite3_close(worker->db) != SQLITE_OK)
        fail(arena, "closing: %s", sqlite3_errmsg(worker->db));
}

/* ---- steps ---- */

static int run_steps(sqlite3_stmt *statement, int key, int64_t new_value, int64_t *value)
{
    sqlite3_bind_int(statement, 1, key);
    sqlite3_bind_int64(statement, 2, new_value);
    int rc = sqlite3_step(statement);
    *value = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    int reset = sqlite3_reset(statement);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? reset : rc;
}

/* Run a statement to its one value. */
static bool do_one(struct worker *worker, int which, int key, int64_t new_value, int64_t *value)
{
    bool whole = worker->arena->mode->sharing == WHOLE_STATEMENTS;
    if (whole)
        sqlite3_mutex_enter(sqlite3_db_mutex(worker->db));
    int rc = run_steps(worker->statements[which], key, new_value, value);
    if (whole)
        sqlite3_mutex_leave(sqlite3_db_mutex(worker->db));
    atomic_fetch_add(&worker->arena->reads, which != WRITE && rc == SQLITE_OK);
    return is_done(worker, rc, texts[which]);
}

static int64_t total(_Atomic int64_t *values, int key)
{
    int64_t sum = 0;
    for (int i = 0; i < KEYS; i++)
        sum += key < 0 || i == key ? atomic_load(&values[i]) : 0;
    return sum;
}

/* Outside of a transaction: neither what is past, nor what never was. */
static void read_current(struct worker *worker, int which, int key)
{
    struct arena *arena = worker->arena;
    int64_t least = total(arena->published, key);
    int64_t got;
    if (!do_one(worker, which, key, 0, &got))
        return;
    int64_t most = total(arena->begun, key);
    /* A shared connection keeps the snapshot that another thread's statement is on. */
    if ((got < least && arena->mode->sharing != STEP_BY_STEP) || got > most || got < 0)
        fail(arena, "%s for %d gave %lld, not %lld to %lld", texts[which], key, (long long)got,
             (long long)least, (long long)most);
}

/* One statement that reads two tables of the same content gives no difference. */
static void read_difference(struct worker *worker, int which, int key)
{
    int64_t got;
    if (do_one(worker, which, key, 0, &got) && got != 0)
        fail(worker->arena, "%s for %d gave %lld", texts[which], key, (long long)got);
}

/* In a transaction, which a refused read leaves open. */
static void compare(struct worker *worker, int cached, int plain, int key, const char *where)
{
    int64_t got;
    int64_t expected;
    bool both = do_one(worker, cached, key, 0, &got) && do_one(worker, plain, key, 0, &expected);
    if (sqlite3_get_autocommit(worker->db))
        fail(worker->arena, "%s: the transaction is gone after %s", where, texts[cached]);
    else if (both && got != expected)
        fail(worker->arena, "%s: %s for %d gave %lld, not %lld", where, texts[cached], key,
             (long long)got, (long long)expected);
}

static void roll_back(struct worker *worker)
{
    while (!sqlite3_get_autocommit(worker->db) && !atomic_load(&worker->arena->failed))
        do_text(worker, "ROLLBACK");
}

static void read_in_transaction(struct worker *worker)
{
    if (do_text(worker, "BEGIN")) {
        for (int i = 0; i < 6; i++)
            compare(worker, CACHED, PLAIN, (int)random_below(&worker->seed, KEYS), "inside BEGIN");
        compare(worker, SUM, PLAIN_SUM, 0, "inside BEGIN");
        do_text(worker, "COMMIT");
    }
    roll_back(worker);
}

/* A key of this thread's own, to the value after the one that it has. */
static void write_alone(struct worker *worker, int key)
{
    struct arena *arena = worker->arena;
    int64_t next = atomic_load(&arena->published[key]) + 1;
    int64_t nothing;
    atomic_store(&arena->begun[key], next);
    if (!do_one(worker, WRITE, key, next, &nothing))
        return;
    atomic_store(&arena->published[key], next);
    atomic_fetch_add(&arena->writes, 1);
}

static void write_in_transaction(struct worker *worker, int key, bool take_back)
{
    struct arena *arena = worker->arena;
    int64_t next = atomic_load(&arena->published[key]) + 1;
    int64_t nothing;
    if (!do_text(worker, "BEGIN IMMEDIATE"))
        return;
    if (do_one(worker, WRITE, key, take_back ? -1000000 : next, &nothing)) {
        compare(worker, CACHED, PLAIN, key, "after an own write");
        compare(worker, SUM, PLAIN_SUM, 0, "after an own write");
        if (!take_back && !sqlite3_get_autocommit(worker->db)) {
            atomic_store(&arena->begun[key], next);
            if (do_text(worker, "COMMIT")) {
                atomic_store(&arena->published[key], next);
                atomic_fetch_add(&arena->writes, 1);
            }
        }
    }
    roll_back(worker);
}

static void step(struct worker *worker)
{
    unsigned kind = random_below(&worker->seed, 1000);
    int key = (int)random_below(&worker->seed, KEYS);
    int own = worker->number + THREADS * (int)random_below(&worker->seed, 2);
    bool apart = worker->arena->mode->sharing == APART;
    if (kind < 650)
        read_current(worker, CACHED, key);
    else if (kind < 750)
        read_current(worker, SUM, -1);
    else if (kind < 850)
        read_difference(worker, PAIR, key);
    else if (kind < 900)
        read_difference(worker, MIXED, key);
    else if (kind < 980 && apart)
        read_in_transaction(worker);
    else if (kind < 990 && apart)
        write_in_transaction(worker, own, kind % 2);
    else if (kind >= 980)
        write_alone(worker, own);
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct arena *arena = worker->arena;
    int stay = arena->mode->stay;
    enter(worker);
    for (int i = 0; i < ROUNDS && ticks_now() < arena->deadline; i++) {
        if (atomic_load(&arena->failed))
            break;
        if (stay > 0 && i % stay == stay - 1) {
            leave(worker);
            enter(worker);
        }
        step(worker);
    }
    leave(worker);
    atomic_fetch_sub(&arena->working, 1);
    return NULL;
}

/* ---- the one who is in the way ---- */

static const char *const disturbances[] = {
    "SELECT cache_clear()",
    "SELECT cache_configure('max_entries', 2)",
    "SELECT cache_configure('max_entries', 10000)",
    "SELECT cache_configure('max_bytes', '3 KB')",
    "SELECT cache_configure('max_bytes', '64 MiB')",
    "SELECT cache_configure('enabled', 0)",
    "SELECT cache_configure('enabled', 1)",
    "SELECT cache_configure('ttl', '1 ms')",
    "SELECT cache_configure('ttl', '1 h')",
    "SELECT cache_invalidate('ct'), cache_invalidate_table('u'), cache_invalidate_matching('*')",
    "SELECT * FROM cache_entries",
    "SELECT * FROM cache_tables",
    "SELECT * FROM cache_definitions",
    "DELETE FROM cache_entries WHERE hits > 3",
};

/* As it was, so that reads hit for a while. */
static const char calm[] =
    "SELECT cache_configure('max_entries', 10000), cache_configure('max_bytes', '64 MiB'),"
    "cache_configure('enabled', 1), cache_configure('ttl', '1 h')";

/* SQLite lets an interrupt last until no statement of the connection is active: where threads step
** in turns, that may be long. */
static void interrupt(struct arena *arena, uint64_t *seed)
{
    unsigned number = random_below(seed, THREADS);
    if (arena->mode->sharing == STEP_BY_STEP && random_below(seed, 10) > 0)
        return;
    pthread_mutex_lock(&arena->lock);
    if (arena->open[number] != NULL)
        sqlite3_interrupt(arena->open[number]);
    pthread_mutex_unlock(&arena->lock);
}

/* Under the sanitizer as many disturbances for as many reads, not for as much time. */
static void wait_for_reads(struct arena *arena, int64_t reads)
{
    int64_t target = atomic_load(&arena->reads) + reads;
    while (atomic_load(&arena->working) > 0 && atomic_load(&arena->reads) < target)
        usleep(50);
}

static void *disturb(void *context)
{
    struct worker *worker = context;
    struct arena *arena = worker->arena;
    worker->db = connect(arena, 0);
    while (atomic_load(&arena->working) > 0) {
        for (unsigned i = random_below(&worker->seed, 4); i > 0; i--) {
            int count = sizeof disturbances / sizeof disturbances[0];
            do_text(worker, disturbances[random_below(&worker->seed, (unsigned)count)]);
            interrupt(arena, &worker->seed);
            if (number(worker->db, "SELECT entries > max_entries OR bytes > max_bytes "
                                   "FROM cache_stats") != 0)
                fail(arena, "the store is over its limits");
            wait_for_reads(arena, 20);
        }
        do_text(worker, calm);
        wait_for_reads(arena, 300);
    }
    do_text(worker, calm);
    sqlite3_close(worker->db);
    return NULL;
}

/* ---- modes ---- */

static const struct mode modes[] = {
    {"a pool on a WAL file", "WAL", SQLITE_OPEN_FULLMUTEX, APART, 0},
    {"a pool on a rollback file", "DELETE", SQLITE_OPEN_FULLMUTEX, APART, 0},
    {"connections without a mutex", "WAL", SQLITE_OPEN_NOMUTEX, APART, 0},
    {"connections opened and closed", "WAL", SQLITE_OPEN_FULLMUTEX, APART, 25},
    {"and on a rollback file", "DELETE", SQLITE_OPEN_NOMUTEX, APART, 25},
    {"one connection, statement by statement", "WAL", SQLITE_OPEN_FULLMUTEX, WHOLE_STATEMENTS, 0},
    {"one connection, step by step", "WAL", SQLITE_OPEN_FULLMUTEX, STEP_BY_STEP, 0},
};

static const char *path_of(const struct mode *mode)
{
    return fresh_file(strcmp(mode->journal, "WAL") == 0 ? "wal.db" : "rollback.db");
}

static void run_threads(struct arena *arena, uint64_t seed)
{
    struct worker workers[THREADS + 1];
    pthread_t threads[THREADS + 1];
    arena->deadline = ticks_now() + SECONDS * TICKS_PER_SECOND;
    atomic_store(&arena->working, THREADS);
    for (int i = 0; i <= THREADS; i++) {
        workers[i] = (struct worker){.arena = arena, .number = i, .seed = seed + (uint64_t)i};
        pthread_create(&threads[i], NULL, i < THREADS ? work : disturb, &workers[i]);
    }
    for (int i = 0; i <= THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void test_mode(const struct mode *mode, uint64_t seed)
{
    struct arena arena = {.mode = mode, .path = path_of(mode)};
    char name[120];
    pthread_mutex_init(&arena.lock, NULL);
    /* It stays open, and so does the WAL; the counters of the process can be read from it. */
    sqlite3 *keeper = connect(&arena, 0);
    run(keeper, "PRAGMA journal_mode = %s; " TABLES, mode->journal);
    run(keeper, "SELECT cache_reset_stats()");
    if (mode->sharing != APART)
        arena.shared = connect(&arena, mode->flags);
    run_threads(&arena, seed);
    sqlite3_close(arena.shared);
    long long hits = number(keeper, "SELECT hits FROM cache_stats");
    long long misses = number(keeper, "SELECT misses FROM cache_stats");
    printf("# %s: %lld reads, %lld hits, %lld misses, %lld writes, %lld busy or interrupted\n",
           mode->name, (long long)arena.reads, hits, misses, (long long)arena.writes,
           (long long)arena.refusals);
    snprintf(name, sizeof name, "%s: every read is exact", mode->name);
    is_text(arena.failure, "", name);
    snprintf(name, sizeof name, "%s: reads hit and miss while others write", mode->name);
    ok(hits > 0 && misses > 0 && arena.writes > 0, name);
    snprintf(name, sizeof name, "%s: at the end all is as it was written", mode->name);
    is_int(number(keeper, "SELECT sum(v) FROM t"), total(arena.published, -1), name);
    sqlite3_close(keeper);
    pthread_mutex_destroy(&arena.lock);
}

/* ---- one interrupt, at each moment that it can come ---- */

struct interrupter {
    sqlite3 *db;
    int countdown; /* to the statement that is interrupted, helpers of the extension included */
    char statement[80];
};

static int interrupt_statement(unsigned type, void *context, void *statement, void *text)
{
    struct interrupter *interrupter = context;
    (void)type, (void)statement;
    if (interrupter->countdown-- != 0)
        return 0;
    sqlite3_snprintf(sizeof interrupter->statement, interrupter->statement, "%s", text);
    sqlite3_interrupt(interrupter->db);
    return 0;
}

/* True when there was something to interrupt. `lost` gets the statement at which the transaction
** was lost. Others have switched the mode, so that the read looks at all that there is. */
static bool interrupt_at(int moment, char *lost, size_t size)
{
    const char *path = fresh_file("interrupt.db");
    sqlite3 *db = open_cached(path, 0);
    run(db, TABLES "CREATE TEMP TABLE log(x)");
    run(db, cached_tables[2]);
    sqlite3_free(rows(db, "SELECT v FROM cs"));
    sqlite3 *other = open_plain(path, 0);
    run(other, "PRAGMA journal_mode = WAL");
    run(db, "BEGIN; INSERT INTO log VALUES (1)");
    struct interrupter interrupter = {.db = db, .countdown = moment};
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, interrupt_statement, &interrupter);
    try(db, "SELECT v FROM cs");
    sqlite3_trace_v2(db, 0, NULL, NULL);
    if (sqlite3_get_autocommit(db) || number(db, "SELECT count(*) FROM log") != 1)
        sqlite3_snprintf((int)size, lost, "%s", interrupter.statement);
    sqlite3_close(other);
    sqlite3_close(db);
    return interrupter.countdown < 0;
}

static void test_interrupts(void)
{
    char lost[80] = "";
    int moment = 0;
    while (interrupt_at(moment, lost, sizeof lost))
        moment++;
    ok(moment > 2, "a cached read inside BEGIN can be interrupted at several moments");
    is_text(lost, "", "and at none of them is the transaction lost");
}

int main(void)
{
    uint64_t seed = random_seed((uint64_t)ticks_now());
    test_interrupts();
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        test_mode(&modes[i], seed + 100 * i);
    return tap_done();
}
