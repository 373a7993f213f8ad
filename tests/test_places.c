/*
** Places of results beside the process's store: one made of a list, which keeps what it is told,
** and the same one made unreliable: slow, failing, and giving back bytes that were changed or are
** another key's. Every read is compared with the query itself. The seed is printed; SEED sets it.
*/
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "counting.h"
#include "store/places.h"
#include "support.h"
#include "tap.h"

/* ---- a place made of a list ---- */

struct pair {
    struct pair *next;
    size_t key_size;
    size_t value_size;
    char *key;
    char *value;
};

struct shelf {
    pthread_mutex_t lock;
    struct pair *first;
    uint64_t random;
    unsigned percent_failing;
    unsigned percent_corrupting;
    unsigned percent_mistaking; /* giving another key's */
    unsigned sleep_ms;          /* before every answer */
    unsigned calls;
    unsigned failures; /* what it did wrong, in answers */
    unsigned closed;
};

static void nap(unsigned ms)
{
    struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&span, NULL);
}

static bool chance(struct shelf *shelf, unsigned percent)
{
    return percent > 0 && random_next(&shelf->random) % 100 < percent;
}

static void *copy_of(const void *bytes, size_t size)
{
    void *copy = memory_alloc(size > 0 ? size : 1);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

/* Where the pair is, or the end. */
static struct pair **find_pair(struct shelf *shelf, const void *key, size_t key_size)
{
    struct pair **link = &shelf->first;
    while (*link != NULL &&
           !((*link)->key_size == key_size && memcmp((*link)->key, key, key_size) == 0))
        link = &(*link)->next;
    return link;
}

static void drop_pair(struct pair **link)
{
    struct pair *pair = *link;
    if (pair == NULL)
        return;
    *link = pair->next;
    memory_free(pair->key);
    memory_free(pair->value);
    memory_free(pair);
}

static bool begin(struct shelf *shelf)
{
    pthread_mutex_lock(&shelf->lock);
    shelf->calls++;
    unsigned ms = shelf->sleep_ms;
    bool fails = chance(shelf, shelf->percent_failing);
    shelf->failures += fails;
    pthread_mutex_unlock(&shelf->lock);
    nap(ms);
    pthread_mutex_lock(&shelf->lock);
    return !fails;
}

static void corrupt(struct shelf *shelf, struct place_value *value)
{
    uint64_t dice = random_next(&shelf->random);
    if (dice % 4 == 0)
        value->size = (size_t)(dice >> 8) % value->size;
    else
        ((unsigned char *)value->bytes)[(size_t)(dice >> 8) % value->size] ^=
            (unsigned char)(1U << (dice >> 4 & 7));
    shelf->failures++;
}

static enum place_answer shelf_get(void *context, const void *key, size_t key_size,
                                   struct place_value *value)
{
    struct shelf *shelf = context;
    enum place_answer answer = begin(shelf) ? PLACE_NONE : PLACE_FAILED;
    const struct pair *pair = *find_pair(shelf, key, key_size);
    if (answer == PLACE_NONE && pair != NULL) {
        bool mistaken = chance(shelf, shelf->percent_mistaking) && shelf->first->next != NULL;
        if (mistaken) {
            pair = shelf->first != pair ? shelf->first : shelf->first->next;
            shelf->failures++;
        }
        value->bytes = copy_of(pair->value, pair->value_size);
        value->size = pair->value_size;
        if (!mistaken && chance(shelf, shelf->percent_corrupting))
            corrupt(shelf, value);
        answer = PLACE_DONE;
    }
    pthread_mutex_unlock(&shelf->lock);
    return answer;
}

static enum place_answer shelf_put(void *context, const void *key, size_t key_size,
                                   const void *value, size_t value_size)
{
    struct shelf *shelf = context;
    bool works = begin(shelf);
    if (works) {
        drop_pair(find_pair(shelf, key, key_size));
        struct pair *pair = memory_alloc_zero(sizeof *pair);
        *pair = (struct pair){.next = shelf->first,
                              .key_size = key_size,
                              .value_size = value_size,
                              .key = copy_of(key, key_size),
                              .value = copy_of(value, value_size)};
        shelf->first = pair;
    }
    pthread_mutex_unlock(&shelf->lock);
    return works ? PLACE_DONE : PLACE_FAILED;
}

static enum place_answer shelf_drop(void *context, const void *key, size_t key_size)
{
    struct shelf *shelf = context;
    bool works = begin(shelf);
    if (works)
        drop_pair(find_pair(shelf, key, key_size));
    pthread_mutex_unlock(&shelf->lock);
    return works ? PLACE_DONE : PLACE_FAILED;
}

static void shelf_close(void *context)
{
    struct shelf *shelf = context;
    pthread_mutex_lock(&shelf->lock);
    while (shelf->first != NULL)
        drop_pair(&shelf->first);
    shelf->closed++;
    pthread_mutex_unlock(&shelf->lock);
}

static struct result_place place_of(struct shelf *shelf, const char *name, unsigned limit_ms)
{
    return (struct result_place){.version = RESULT_PLACE_VERSION,
                                 .name = name,
                                 .limit_ms = limit_ms,
                                 .context = shelf,
                                 .get = shelf_get,
                                 .put = shelf_put,
                                 .drop = shelf_drop,
                                 .close = shelf_close};
}

/* Remove it, and wait until it was closed. */
static void take_away(struct shelf *shelf, const char *name)
{
    places_remove(name);
    for (int i = 0; i < 5000; i++) {
        pthread_mutex_lock(&shelf->lock);
        unsigned closed = shelf->closed;
        pthread_mutex_unlock(&shelf->lock);
        if (closed > 0)
            return;
        nap(1);
    }
    ok(false, "a place that is removed is closed");
}

/* ---- a small database, read and written by several connections ---- */

enum { QUERIES = 6, CONNECTIONS = 2 };

static const char *const selects[QUERIES] = {
    "SELECT a, b FROM t ORDER BY a",
    "SELECT count(*), sum(a), max(b) FROM t",
    "SELECT x, y FROM n ORDER BY x",
    "SELECT t.a, n.y FROM t JOIN n ON n.x = t.a ORDER BY 1, 2",
    "SELECT b, x'00ff' || b, a * 0.5, NULL FROM t ORDER BY a",
    "SELECT 'it''s', count(*) FROM n",
};

static sqlite3 *writers[CONNECTIONS + 1]; /* the last has no extension */
static const char *path;

static void open_all(void)
{
    path = fresh_file("places.db");
    writers[CONNECTIONS] = open_plain(path, 0);
    run(writers[CONNECTIONS],
        "PRAGMA journal_mode = WAL; CREATE TABLE t(a INTEGER PRIMARY KEY, b);"
        "CREATE TABLE n(x, y); INSERT INTO t VALUES (1, 'one'), (2, x'02'), (3, NULL),"
        "(4, 'fo' || char(0) || 'ur'); INSERT INTO n VALUES (1, 1.5), (2, 'two'), (9, 9)");
    for (int i = 0; i < CONNECTIONS; i++) {
        writers[i] = open_cached(path, 0);
        for (int j = 0; j < QUERIES; j++)
            run(writers[i], "CREATE VIRTUAL TABLE temp.c%d USING cache((%s))", j, selects[j]);
    }
    /* The store has room for one, so that what was read before it is elsewhere alone. */
    run(writers[0], "SELECT cache_configure('max_entries', 1)");
}

static void close_all(void)
{
    run(writers[0], "SELECT cache_configure('max_entries', 100000)");
    for (int i = 0; i <= CONNECTIONS; i++)
        sqlite3_close(writers[i]);
}

/* A cached read gives what the query gives. *ms: what it took. */
static bool reads_the_same(sqlite3 *db, int query, long long *ms)
{
    char sql[32];
    struct timespec begun;
    struct timespec ended;
    snprintf(sql, sizeof sql, "SELECT * FROM c%d", query);
    run(db, "BEGIN");
    clock_gettime(CLOCK_MONOTONIC, &begun);
    char *got = rows(db, sql);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    char *expected = rows(db, selects[query]);
    run(db, "COMMIT");
    *ms = (ended.tv_sec - begun.tv_sec) * 1000 + (ended.tv_nsec - begun.tv_nsec) / 1000000;
    bool equal = strcmp(got, expected) == 0;
    if (!equal)
        printf("# %s\n# got: %s\n# expected: %s\n", selects[query], got, expected);
    sqlite3_free(got);
    sqlite3_free(expected);
    return equal;
}

static bool read_is(sqlite3 *db, int query, const char *expected)
{
    long long ms;
    bool equal = reads_the_same(db, query, &ms);
    places_settle(1000);
    if (strcmp(status(db), expected) != 0)
        printf("# %s, not %s\n", status(db), expected);
    return equal && strcmp(status(db), expected) == 0;
}

static void write_some(sqlite3 *db, uint64_t *random)
{
    switch (random_below(random, 5)) {
    case 0:
        run(db, "UPDATE t SET b = %u WHERE a = %u", random_below(random, 100),
            1 + random_below(random, 4));
        break;
    case 1:
        run(db, "UPDATE n SET y = %u", random_below(random, 100));
        break;
    case 2:
        run(db, "BEGIN; UPDATE t SET b = 7; UPDATE n SET y = 8; ROLLBACK");
        break;
    case 3:
        run(db, "DELETE FROM n"); /* no hook tells of it */
        break;
    default:
        run(db, "INSERT INTO n VALUES (%u, 'new')", random_below(random, 9));
        break;
    }
}

/* Reads and writes of all connections in turn. Returns how many reads were wrong; *longest: ms. */
static int go_on(int steps, unsigned percent_writing, uint64_t *random, long long *longest)
{
    int wrong = 0;
    *longest = 0;
    for (int i = 0; i < steps; i++) {
        long long ms = 0;
        if (random_below(random, 100) < percent_writing)
            write_some(writers[random_below(random, CONNECTIONS + 1)], random);
        else if (!reads_the_same(writers[random_below(random, CONNECTIONS)],
                                 (int)random_below(random, QUERIES), &ms))
            wrong++;
        if (ms > *longest)
            *longest = ms;
        if (i % 4 == 0)
            places_settle(20);
    }
    return wrong;
}

/* ---- tests ---- */

static void test_adding(void)
{
    struct shelf shelves[2] = {{.lock = PTHREAD_MUTEX_INITIALIZER},
                               {.lock = PTHREAD_MUTEX_INITIALIZER}};
    struct result_place place = place_of(&shelves[0], "first", 1000);
    ok(!places_any(), "at first there is no place");
    place.version = RESULT_PLACE_VERSION + 1;
    ok(!places_add(&place), "a place of another version is refused");
    place.version = RESULT_PLACE_VERSION;
    place.limit_ms = 0;
    ok(!places_add(&place), "so is one without a limit");
    place.limit_ms = 1000;
    place.get = NULL;
    ok(!places_add(&place), "and one that cannot be asked");
    place.get = shelf_get;
    ok(places_add(&place) && places_any(), "a whole one is added");
    ok(!places_add(&place), "but not twice under one name");
    struct result_place second = place_of(&shelves[1], "second", 1000);
    second.priority = 1;
    ok(places_add(&second), "another is, too");

    places_put("key", 3, "value", 5);
    ok(places_settle(1000) && shelves[0].calls == 1 && shelves[1].calls == 1, "both are told");
    struct place_value value;
    unsigned from = 0;
    ok(places_get(&from, "key", 3, &value) && value.size == 5 &&
           memcmp(value.bytes, "value", 5) == 0,
       "what was put is found");
    ok(shelves[0].calls == 1 && shelves[1].calls == 2, "where the priority is higher");
    memory_free(value.bytes);
    ok(places_get(&from, "key", 3, &value), "and then in the other");
    memory_free(value.bytes);
    ok(!places_get(&from, "key", 3, &value) && value.bytes == NULL, "and nowhere else");
    places_drop("key", 3);
    places_settle(1000);
    from = 0;
    ok(!places_get(&from, "key", 3, &value), "what was dropped is not found");
    take_away(&shelves[0], "first");
    take_away(&shelves[1], "second");
    is_int(shelves[0].closed + shelves[1].closed, 2, "each is closed once");
    ok(!places_remove("first") && !places_any(), "then there is none");
}

static void test_second_place(uint64_t seed)
{
    struct shelf shelf = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct result_place place = place_of(&shelf, "shelf", 2000);
    open_all();
    sqlite3 *a = writers[0];
    sqlite3 *b = writers[1];
    ok(read_is(a, 0, "miss") && read_is(a, 1, "miss") && read_is(a, 0, "miss"),
       "without a place an evicted result is computed again");
    places_add(&place);
    uint64_t before = places_counters().found;
    ok(read_is(a, 1, "miss") && read_is(a, 0, "miss") && read_is(a, 1, "hit") &&
           read_is(b, 0, "hit"),
       "with one it is found there, on every connection");
    is_int((long long)(places_counters().found - before), 2, "which is counted");
    ok(read_is(b, 0, "hit"), "and is in the store again");
    is_int((long long)(places_counters().found - before), 2, "so that the place is not asked");
    run(a, "UPDATE n SET y = 3");
    ok(read_is(a, 2, "miss") && read_is(a, 0, "hit"), "a commit to another table ends nothing");
    run(a, "UPDATE t SET b = 'changed' WHERE a = 1");
    ok(read_is(a, 2, "hit") && read_is(b, 0, "miss"), "a commit to its table does");
    run(writers[CONNECTIONS], "UPDATE t SET b = 'again' WHERE a = 1");
    ok(read_is(a, 2, "miss") && read_is(a, 0, "miss"),
       "a commit that nobody saw ends all that is elsewhere, too");
    run(a, "SELECT cache_clear()");
    ok(read_is(b, 2, "miss") && read_is(b, 0, "miss"), "as does cache_clear()");
    run(a, "BEGIN; UPDATE t SET b = 'open'");
    ok(read_is(b, 2, "hit"), "while one writes the other finds what it did");
    run(a, "ROLLBACK");

    uint64_t random = seed;
    long long longest;
    before = places_counters().found;
    uint64_t errors = places_counters().errors;
    is_int(go_on(1500, 15, &random, &longest), 0, "with writes in between every read is exact");
    ok(places_counters().found - before > 100, "and many are found in the place");
    is_int((long long)(places_counters().errors - errors), 0, "which makes no mistake");
    take_away(&shelf, "shelf");
    close_all();
}

static void test_unreliable(uint64_t seed)
{
    struct shelf shelf = {.lock = PTHREAD_MUTEX_INITIALIZER,
                          .random = seed + 1,
                          .percent_failing = 20,
                          .percent_corrupting = 40,
                          .percent_mistaking = 30};
    struct result_place place = place_of(&shelf, "liar", 5000);
    uint64_t random = seed;
    long long longest;
    open_all();
    places_add(&place);
    struct place_counters before = places_counters();
    is_int(go_on(1500, 10, &random, &longest), 0,
           "reads are exact beside a place that fails and lies");
    ok(places_settle(5000), "which comes to rest");
    struct place_counters after = places_counters();
    ok(shelf.failures > 100, "it failed often");
    is_int((long long)(after.errors - before.errors), shelf.failures, "each time is counted");
    ok(after.found - before.found > 20, "what it kept well is found");
    take_away(&shelf, "liar");
    close_all();
}

static void test_slow(uint64_t seed)
{
    enum { LIMIT = 40, HANGS = 1500 };
    struct shelf shelf = {.lock = PTHREAD_MUTEX_INITIALIZER, .sleep_ms = HANGS};
    struct result_place place = place_of(&shelf, "slow", LIMIT);
    uint64_t random = seed;
    long long longest;
    open_all();
    places_add(&place);
    struct place_counters before = places_counters();
    is_int(go_on(60, 10, &random, &longest), 0, "reads are exact beside a place that hangs");
    ok(longest < HANGS / 2, "none of them waits for it");
    struct place_counters after = places_counters();
    ok(after.errors > before.errors, "being over the limit is an error");
    ok(after.left_out > before.left_out + 10, "after which the place is left alone");
    pthread_mutex_lock(&shelf.lock);
    shelf.sleep_ms = 0;
    pthread_mutex_unlock(&shelf.lock);
    places_settle(2 * HANGS);
    nap(PLACE_PAUSE_MS + 100);
    before = places_counters();
    go_on(100, 0, &random, &longest);
    after = places_counters();
    ok(after.told > before.told && after.found > before.found, "until it is well again");
    take_away(&shelf, "slow");
    close_all();
}

/* The child's exit status: 0 where all is as it should be. */
static int in_child(struct result_place *place)
{
    struct place_value value;
    unsigned from = 0;
    if (places_any() || places_get(&from, "key", 3, &value))
        return 1;
    places_put("key", 3, "value", 5);
    if (!places_add(place))
        return 2;
    places_put("key", 3, "value", 5);
    if (!places_settle(2000) || !places_get(&from, "key", 3, &value))
        return 3;
    return 0;
}

static void test_fork(void)
{
    struct shelf shelf = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct result_place place = place_of(&shelf, "parent's", 1000);
    sqlite3_close(open_cached(fresh_file("fork.db"), 0)); /* from then on forks are seen */
    places_add(&place);
    places_put("key", 3, "value", 5);
    places_settle(1000);
    pid_t child = fork();
    if (child == 0)
        _exit(in_child(&place));
    int status = -1;
    waitpid(child, &status, 0);
    is_int(status, 0, "the child of a fork() has no places, and can add its own");
    take_away(&shelf, "parent's");
}

int main(void)
{
    uint64_t seed = random_seed((uint64_t)time(NULL) * 1000003U + (uint64_t)getpid());
    test_adding();
    test_second_place(seed);
    test_unreliable(seed);
    test_slow(seed);
    test_fork();
    return tap_done();
}
