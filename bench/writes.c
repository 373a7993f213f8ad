/*
** The share of reads that hit while tables are written: ten tables, two cached queries over each,
** and four connections, on each of which 95 of 100 operations are a read of one of the queries, and
** the others a commit that changes one row of one table. Beside it, what two other caches would
** have had of the very same operations: one that drops everything on any commit, and the best
** possible one, which all connections share and which drops only what a commit changed.
**
** First the connections take turns in one thread, where a seed (SEED= in the environment) brings
** back every operation; then each of two threads has two of them. There the order in which the
** other two caches are told is not quite the real one, which moves their share by very little.
**
** Every answer is compared: the sum that was read must be one that the table had during the read.
*/
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/measure.h"

#define TABLES 10
#define TABLE_ROWS 1000
#define QUERIES (2 * TABLES)
#define CONNECTIONS 4
#define WRITES_IN_100 5
#define ROUNDS 7
#define OPERATIONS 10000 /* of all connections together, in a round */
#define WARM_UP 4000     /* operations before, which are not counted */

/* ---- what other caches would have had ---- */

struct models {
    pthread_mutex_t lock;
    uint64_t versions[TABLES];
    uint64_t best[QUERIES]; /* the version of its table that is kept; 0: none */
    bool anything[QUERIES]; /* kept since the last commit of all */
};

struct tally {
    int reads;
    int hits;
    int best_hits;
    int dropping_hits;
};

static struct models models = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void models_commit(int table)
{
    pthread_mutex_lock(&models.lock);
    models.versions[table]++;
    for (int i = 0; i < QUERIES; i++)
        models.anything[i] = false;
    pthread_mutex_unlock(&models.lock);
}

static void models_read(int query, struct tally *tally)
{
    pthread_mutex_lock(&models.lock);
    uint64_t version = models.versions[query / 2] + 1;
    tally->best_hits += models.best[query] == version;
    tally->dropping_hits += models.anything[query];
    models.best[query] = version;
    models.anything[query] = true;
    pthread_mutex_unlock(&models.lock);
}

/* ---- the sums that a table may have ---- */

/* Each commit adds 1. It is counted as begun before, and as done after. */
static _Atomic sqlite3_int64 begun[TABLES];
static _Atomic sqlite3_int64 done[TABLES];

/* ---- the connections ---- */

struct connection {
    sqlite3 *db;
    sqlite3_stmt *reads[QUERIES];
    sqlite3_stmt *writes[TABLES];
    sqlite3_stmt *last_status;
};

static struct connection connections[CONNECTIONS];

/* A total and a sum for each group: the last column adds up to the sum of the table. */
static void connect_queries(struct connection *connection, int table)
{
    sqlite3 *db = connection->db;
    sqlite3_stmt **reads = &connection->reads[2 * (size_t)table];
    bench_run(db,
              "CREATE VIRTUAL TABLE temp.total%d USING cache("
              "  (SELECT count(*) AS n, sum(amount) AS amount FROM main.t%d), ttl = 'none');"
              "CREATE VIRTUAL TABLE temp.groups%d USING cache((SELECT shelf, sum(amount) AS amount"
              "  FROM main.t%d GROUP BY shelf), ttl = 'none')",
              table, table, table, table);
    reads[0] = bench_prepare(db, "SELECT * FROM total%d", table);
    reads[1] = bench_prepare(db, "SELECT * FROM groups%d", table);
    connection->writes[table] =
        bench_prepare(db, "UPDATE main.t%d SET amount = amount + 1 WHERE id = ?", table);
}

static void connect_all(void)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        struct connection *connection = &connections[i];
        connection->db = bench_open("writes.db", true);
        bench_run(connection->db, "PRAGMA synchronous = OFF");
        for (int table = 0; table < TABLES; table++)
            connect_queries(connection, table);
        connection->last_status = bench_prepare(connection->db, "SELECT cache_last_status()");
    }
}

static void disconnect_all(void)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        struct connection *connection = &connections[i];
        for (int query = 0; query < QUERIES; query++)
            sqlite3_finalize(connection->reads[query]);
        for (int table = 0; table < TABLES; table++)
            sqlite3_finalize(connection->writes[table]);
        sqlite3_finalize(connection->last_status);
        bench_check(connection->db, sqlite3_close(connection->db), "close");
    }
}

static void make_tables(void)
{
    sqlite3 *db = bench_open("writes.db", false);
    bench_run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
    for (int table = 0; table < TABLES; table++)
        bench_run(db,
                  "CREATE TABLE t%d(id INTEGER PRIMARY KEY, shelf INT, amount INT);"
                  "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                  "INSERT INTO t%d SELECT i, i %% 10, 0 FROM n",
                  table, TABLE_ROWS, table);
    bench_check(db, sqlite3_close(db), "close");
}

/* ---- the operations ---- */

static void write_once(struct connection *connection, int table, uint64_t *state)
{
    sqlite3_stmt *write = connection->writes[table];
    sqlite3_bind_int64(write, 1, 1 + bench_below(state, TABLE_ROWS));
    atomic_fetch_add(&begun[table], 1);
    bench_step(write);
    atomic_fetch_add(&done[table], 1);
    models_commit(table);
}

static void read_once(struct connection *connection, int query, struct tally *tally)
{
    sqlite3_stmt *read = connection->reads[query];
    sqlite3_int64 least = atomic_load(&done[query / 2]);
    sqlite3_int64 sum = 0;
    int rc;
    while ((rc = sqlite3_step(read)) == SQLITE_ROW)
        sum += sqlite3_column_int64(read, 1);
    if (rc != SQLITE_DONE)
        bench_fail(sqlite3_sql(read), sqlite3_errmsg(connection->db));
    sqlite3_reset(read);
    if (sum < least || sum > atomic_load(&begun[query / 2]))
        bench_fail(sqlite3_sql(read), "a sum that the table did not have");
    tally->reads++;
    tally->hits += bench_was_hit(connection->last_status);
    models_read(query, tally);
}

/* Some operations on some of the connections, in one thread. */
struct work {
    struct connection *connections;
    unsigned connection_count;
    int operations;
    uint64_t state; /* of its random numbers */
    struct tally tally;
};

static void *work_through(void *argument)
{
    struct work *work = argument;
    for (int i = 0; i < work->operations; i++) {
        struct connection *connection =
            &work->connections[bench_below(&work->state, work->connection_count)];
        if (bench_below(&work->state, 100) < WRITES_IN_100)
            write_once(connection, (int)bench_below(&work->state, TABLES), &work->state);
        else
            read_once(connection, (int)bench_below(&work->state, QUERIES), &work->tally);
    }
    return NULL;
}

/* Each thread has as many of the connections and of the operations as any other. */
static struct tally work_in_threads(int count, int operations, uint64_t seed)
{
    pthread_t threads[CONNECTIONS];
    struct work works[CONNECTIONS];
    struct tally sum = {0};
    for (int i = 0; i < count; i++) {
        works[i] = (struct work){.connections = &connections[i * CONNECTIONS / count],
                                 .connection_count = CONNECTIONS / (unsigned)count,
                                 .operations = operations / count,
                                 .state = seed + (uint64_t)i};
        if (pthread_create(&threads[i], NULL, work_through, &works[i]) != 0)
            bench_fail("a thread", "cannot be started");
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        sum.reads += works[i].tally.reads;
        sum.hits += works[i].tally.hits;
        sum.best_hits += works[i].tally.best_hits;
        sum.dropping_hits += works[i].tally.dropping_hits;
    }
    return sum;
}

static double share(int hits, const struct tally *tally)
{
    return 100.0 * hits / tally->reads;
}

/* Medians: a thread that a busy machine stops in the middle of an operation costs the other one
** hits, and that round is not the rule. */
static void bench_writes(int threads, uint64_t seed)
{
    double hits[ROUNDS];
    double dropping[ROUNDS];
    double best[ROUNDS];
    double below[ROUNDS];
    work_in_threads(threads, WARM_UP, seed);
    for (int round = 0; round < ROUNDS; round++) {
        struct tally tally =
            work_in_threads(threads, OPERATIONS, seed + 100 * (uint64_t)(round + 1));
        hits[round] = share(tally.hits, &tally);
        dropping[round] = share(tally.dropping_hits, &tally);
        best[round] = share(tally.best_hits, &tally);
        below[round] = best[round] - hits[round];
    }
    printf("\n%d connections, %d thread%s (%d rounds of %d operations, %d %% of them commits)\n",
           CONNECTIONS, threads, threads > 1 ? "s" : "", ROUNDS, OPERATIONS, WRITES_IN_100);
    bench_print(bench_median(hits, ROUNDS), "hits, %%");
    bench_print(bench_median(dropping, ROUNDS), "dropping everything on any commit, %%");
    bench_print(bench_median(best, ROUNDS), "the best possible, %%");
    bench_print_target(bench_median(below, ROUNDS), AT_MOST, 1, "points below the best possible");
}

int main(void)
{
    const char *text = getenv("SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : 1;
    bench_header();
    make_tables();
    connect_all();
    bench_writes(1, seed);
    bench_writes(2, seed);
    disconnect_all();
    return 0;
}
