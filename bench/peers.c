/*
** querycache against what users would have instead, to read rows that were computed before: a temp
** table made by hand, a hash map in the application, Redis and memcached. All have the same rows of
** the same query and the same 100 parameters, asked for in random order by one client, which reads
** all values; rows are compared with those of the plain query before anything is measured.
**
**     make bench-deps bench
**
** Two results: one row of four values, as a session, a setting or a total is, where a hit is the
** fixed cost of asking; and 100 rows, where it is the rows. Both are computed from 240,000 rows, so
** the plain query shows what a miss costs any of them.
**
** What is fair. Every doubt is settled in favour of the others. They are never invalidated and may
** serve what is no longer true; querycache looks at the database each time. Rows go to the servers
** in a format that needs no parsing, which few applications have; the sockets are Unix sockets on
** the same machine, which nobody else uses, without persistence; keys are short. The temp table has
** all its results computed before, is in memory, and cannot be shared with another connection. The
** hash map has no lock, no limit, no key longer than two words, and hands out its own memory: the
** limit of what can be done by hand. For querycache nothing is set: a cached table with its
** defaults, read through a prepared statement. A server on another machine would add the network.
**
** A server that shares the client's core is called almost like a function; one that has a core of
** its own must be woken there for each request and wake the client in turn, which takes several
** times as long where idle cores sleep deeply, as in virtual machines. Left alone, the system does
** now this and now that. So each is measured on either core, and everything else on the client's.
**
** In each of many short rounds all take their turn: so many reads together for the rate, then as
** many with the clock read between them (some 25 ns each) for the percentiles. A ratio compares the
** median reads of a round, and is the median of the rounds': what else runs on a server's own core
** does not count against the server. Memory is what keeping the results added: for querycache
** `bytes` of cache_stats, for temp tables their pages, for Redis MEMORY USAGE, for memcached its
** items.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ticks.h"
#include "peers/peer.h"
#include "peers/server.h"
#include "support/measure.h"

#define PARAMETERS 100
#define ROUNDS 100

/* How long a peer's turn takes, or one read where that takes longer. */
#define TURN_NS 3e6
#define MAX_RUNS 10000

static const struct {
    const char *name;
    const struct peer *peer; /* NULL: the library is not there */
    double target;           /* its time for one row / querycache's, at least; 0: none */
} peers[] = {
    {.peer = &plain_peer},
    {.peer = &querycache_peer},
    {.peer = &temp_table_peer},
    {.peer = &indexed_temp_table_peer},
    {.peer = &hash_map_peer},
#ifdef HAVE_HIREDIS
    {.peer = &redis_own_core_peer, .target = 50},
    {.peer = &redis_same_core_peer, .target = 50},
#else
    {.name = "Redis"},
#endif
#ifdef HAVE_LIBMEMCACHED
    {.peer = &memcached_own_core_peer, .target = 50},
    {.peer = &memcached_same_core_peer, .target = 50},
#else
    {.name = "memcached"},
#endif
};
enum { PLAIN, QUERYCACHE, PEERS = sizeof peers / sizeof peers[0] };

/* The queries compared. */
static const struct shape {
    const char *name;
    const char *what;
    const char *sql;
    bool has_target;
} shapes[] = {
    {"one_row", "one row",
     "SELECT count(*) AS sales, sum(quantity) AS pieces, avg(price) AS price,"
     "  max(product) AS last FROM main.sale WHERE store = :store",
     true},
    {"hundred_rows", "100 rows",
     "SELECT product, count(*) AS sales, sum(quantity) AS pieces, avg(price) AS price"
     "  FROM main.sale WHERE store = :store GROUP BY product",
     false},
};

/* One peer's figures for one query. */
struct side {
    const struct peer *peer; /* NULL: not there */
    const char *left_out;    /* why not */
    int runs;                /* in a turn */
    double together[ROUNDS]; /* nanoseconds per read, of a round's reads together */
    double typical[ROUNDS];  /* the median of a round's single reads */
    double *times;           /* of single reads, ROUNDS * runs */
    double bytes;            /* for a result; 0: keeps nothing */
};

static struct side sides[PEERS];
static struct buffer expected[PARAMETERS + 1];
static uint64_t state = 1;
static volatile uint64_t sink;

/* ---- the same rows ---- */

static void keep_expected(const struct query *query)
{
    for (int i = 1; i <= query->parameters; i++) {
        buffer_clear(&expected[i]);
        expected[i] = peer_compute(query, i);
    }
}

/* A fast wrong answer is no hit. */
static void compare_rows(const struct query *query, const struct peer *peer)
{
    for (int i = 1; i <= query->parameters; i++) {
        struct buffer rows = {0};
        struct reading reading = {.copy = &rows};
        peer->read(peer->self, &reading, i);
        if (rows.failed)
            bench_fail(peer->name, "out of memory");
        if (rows.size != expected[i].size || memcmp(rows.bytes, expected[i].bytes, rows.size) != 0)
            bench_fail(peer->name, "other rows than those of the plain query");
        if (peer->was_hit != NULL && !peer->was_hit(peer->self))
            bench_fail(peer->name, "does not answer from what it keeps");
        buffer_clear(&rows);
        server_heed_signals();
    }
}

/* ---- measuring ---- */

static void read_any(const struct peer *peer)
{
    struct reading reading = {0};
    peer->read(peer->self, &reading, 1 + bench_below(&state, PARAMETERS));
    sink += reading.sum;
}

static double time_reads(const struct peer *peer, int runs)
{
    int64_t start = ticks_now();
    for (int i = 0; i < runs; i++)
        read_any(peer);
    return (double)(ticks_now() - start) / runs;
}

/* Also the reads before the first that counts: from its third run on a hit opens no transaction. */
static int choose_runs(const struct peer *peer)
{
    enum { TRIES = 5 };
    double times[TRIES];
    for (int i = 0; i < TRIES; i++)
        times[i] = time_reads(peer, 1);
    double runs = TURN_NS / bench_median(times, TRIES);
    return runs < 1 ? 1 : runs > MAX_RUNS ? MAX_RUNS : (int)runs;
}

static void open_side(struct side *side, const struct peer *peer, const struct query *query)
{
    side->left_out = peer != NULL ? peer->open(peer->self, query) : "built without its library";
    if (side->left_out != NULL)
        return;
    side->peer = peer;
    double before = peer->memory != NULL ? peer->memory(peer->self) : 0;
    peer->keep(peer->self);
    if (peer->memory != NULL)
        side->bytes = (peer->memory(peer->self) - before) / query->parameters;
    compare_rows(query, peer);
    side->runs = choose_runs(peer);
    side->times = malloc((size_t)(ROUNDS * side->runs) * sizeof *side->times);
    if (side->times == NULL)
        bench_fail(peer->name, "out of memory");
}

static void take_turn(struct side *side, int round)
{
    double *times = side->times + (ptrdiff_t)round * side->runs;
    side->together[round] = time_reads(side->peer, side->runs);
    int64_t last = ticks_now();
    for (int i = 0; i < side->runs; i++) {
        read_any(side->peer);
        int64_t now = ticks_now();
        times[i] = (double)(now - last);
        last = now;
    }
    side->typical[round] = bench_median(times, side->runs);
    if (side->peer->was_hit != NULL && !side->peer->was_hit(side->peer->self))
        bench_fail(side->peer->name, "a read that should be a hit was none");
    server_heed_signals();
}

/* ---- reporting ---- */

/* The times are in order: the smallest that at least this share of them does not pass. */
static double percentile(const struct side *side, double share)
{
    int count = ROUNDS * side->runs;
    int place = (int)((double)count * share);
    return side->times[place < count ? place : count - 1];
}

static double ratio_to_hit(const struct side *side)
{
    return bench_median_ratio(side->typical, sides[QUERYCACHE].typical, ROUNDS);
}

static void print_side(const struct shape *shape, struct side *side, FILE *csv)
{
    double ratio = ratio_to_hit(side);
    double per_second = 1e9 / bench_median(side->together, ROUNDS);
    double p50 = bench_median(side->times, ROUNDS * side->runs) / 1e3; /* puts them in order */
    double p99 = percentile(side, 0.99) / 1e3;
    double p999 = percentile(side, 0.999) / 1e3;
    printf("  %-26s %10.0f %10.2f %10.2f %10.2f", side->peer->name, per_second, p50, p99, p999);
    if (side->bytes > 0)
        printf(" %10.0f", side->bytes);
    else
        printf(" %10s", "");
    printf(" %10.2f\n", ratio);
    if (csv != NULL)
        fprintf(csv, "%s,%s,%.0f,%.3f,%.3f,%.3f,%.0f,%.3g\n", shape->what, side->peer->name,
                per_second, p50, p99, p999, side->bytes, ratio);
}

static void print_ratios(const struct shape *shape)
{
    for (int i = 0; i < PEERS; i++) {
        if (sides[i].peer == NULL || peers[i].target == 0)
            continue;
        double ratio = ratio_to_hit(&sides[i]);
        if (shape->has_target)
            bench_print_target(ratio, AT_LEAST, peers[i].target, "%s / hit, %s",
                               peers[i].peer->name, shape->what);
        else
            bench_print(ratio, "%s / hit, %s", peers[i].peer->name, shape->what);
    }
}

static void print_all(const struct shape *shape, FILE *csv)
{
    printf("\nA result of %s (%d rounds)\n", shape->what, ROUNDS);
    for (int i = 0; i < PEERS; i++)
        if (sides[i].left_out != NULL)
            printf("  left out: %s: %s (make bench-deps)\n",
                   peers[i].peer != NULL ? peers[i].peer->name : peers[i].name, sides[i].left_out);
    printf("  %-26s %10s %10s %10s %10s %10s %10s\n", "", "reads/s", "p50 us", "p99 us", "p99.9 us",
           "bytes", "of hit");
    for (int i = 0; i < PEERS; i++)
        if (sides[i].peer != NULL)
            print_side(shape, &sides[i], csv);
    print_ratios(shape);
}

static void bench_shape(sqlite3 *db, const struct shape *shape, FILE *csv)
{
    struct query query = {
        .name = shape->name, .sql = shape->sql, .parameters = PARAMETERS, .db = db};
    query.plain = bench_prepare(db, "%s", query.sql);
    keep_expected(&query);
    for (int i = 0; i < PEERS; i++)
        open_side(&sides[i], peers[i].peer, &query);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < PEERS; i++)
            if (sides[i].peer != NULL)
                take_turn(&sides[i], round);
    print_all(shape, csv);
    for (int i = 0; i < PEERS; i++) {
        if (sides[i].peer != NULL)
            sides[i].peer->close(sides[i].peer->self);
        free(sides[i].times);
        sides[i] = (struct side){0};
    }
    sqlite3_finalize(query.plain);
}

static sqlite3 *make_database(void)
{
    sqlite3 *db = bench_open("peers.db", false);
    bench_run(db,
              "PRAGMA journal_mode = WAL; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;"
              "CREATE TABLE sale(store INT, product TEXT, quantity INT, price REAL);"
              "WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 239999)"
              "INSERT INTO sale SELECT 1 + i %% %d, printf('product %%03d', i / %d %% 100),"
              "  i %% 11, i %% 997 * 0.25 FROM n",
              PARAMETERS, PARAMETERS);
    return db;
}

int main(void)
{
    const char *path = getenv("CSV");
    FILE *csv = path != NULL ? fopen(path, "w") : NULL;
    if (path != NULL && csv == NULL)
        bench_fail(path, "cannot be written");
    if (csv != NULL)
        fputs("rows,peer,reads per second,p50 us,p99 us,p99.9 us,bytes per result,"
              "time / querycache's\n",
              csv);
    bench_header();
    sqlite3 *db = make_database();
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        bench_shape(db, &shapes[i], csv);
    for (int i = 1; i <= PARAMETERS; i++)
        buffer_clear(&expected[i]);
    bench_check(db, sqlite3_close(db), "close");
    if (csv != NULL && fclose(csv) != 0)
        bench_fail(path, "cannot be written");
    return 0;
}
