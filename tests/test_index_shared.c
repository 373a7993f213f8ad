/*
** Many threads want the same index at once, while another clears the cache, and makes it too small
** and large again: every lookup is right, the bound holds at every moment, and in the end nothing
** is left.
*/
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "counting.h"
#include "querycache.h"
#include "support.h"
#include "tap.h"

#define THREADS 4
#define ROUNDS 5000
#define ROWS 500

/* The largest bound that is set, and the smallest, which one entry fits in with one index. */
#define BOUND 40000
#define SMALL 12000

struct arena {
    const char *path;
    _Atomic bool done;
    _Atomic int wrong;
    _Atomic int over;
};

/* What row k has is told by k alone, so that each answer can be judged. */
static sqlite3 *open_arena(const char *path)
{
    sqlite3 *db = open_cached(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    run(db, "CREATE VIRTUAL TABLE temp.ci USING cache((SELECT n, s FROM main.i))");
    return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        printf("Bail out! %s: %s\n", sql, sqlite3_errmsg(db));
    return statement;
}

static int ask(sqlite3_stmt *statement, int k)
{
    sqlite3_bind_int(statement, 1, k);
    int answer = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : -1;
    sqlite3_reset(statement);
    return answer;
}

static void *look_up(void *context)
{
    struct arena *arena = context;
    sqlite3 *db = open_arena(arena->path);
    sqlite3_stmt *by_number = prepare(db, "SELECT count(*) FROM ci WHERE n = ?");
    sqlite3_stmt *by_text = prepare(db, "SELECT n FROM ci WHERE s = 'text ' || ?");
    sqlite3_stmt *next = prepare(db, "SELECT n FROM ci WHERE n > ? ORDER BY n LIMIT 1");
    sqlite3_stmt *last = prepare(db, "SELECT n FROM ci WHERE n < ? ORDER BY n DESC");
    for (int k = 1; k < ROUNDS; k++) {
        int row = k % (ROWS - 2) + 1;
        bool right = ask(by_number, row) == 1 && ask(by_text, row) == row &&
                     ask(next, row) == row + 1 && ask(last, row + 1) == row;
        if (!right)
            atomic_fetch_add(&arena->wrong, 1);
    }
    sqlite3_finalize(by_number);
    sqlite3_finalize(by_text);
    sqlite3_finalize(next);
    sqlite3_finalize(last);
    sqlite3_close(db);
    return NULL;
}

static void *disturb(void *context)
{
    struct arena *arena = context;
    sqlite3 *db = open_arena(arena->path);
    static const char *const acts[] = {
        "SELECT cache_clear()",
        "SELECT cache_configure('max_bytes', 12000)",
        "SELECT cache_configure('max_bytes', 40000)",
        "SELECT count(*) FROM ci WHERE n IN (1, 2, 3)",
        "SELECT cache_configure('policy', 'gdsf')",
        "SELECT cache_configure('policy', 's3fifo')",
    };
    for (unsigned i = 0; !atomic_load(&arena->done); i++) {
        run(db, acts[i % (sizeof acts / sizeof acts[0])]);
        int bound = i % (sizeof acts / sizeof acts[0]) == 1 ? SMALL : BOUND;
        if (number(db, "SELECT bytes FROM cache_stats") > bound)
            atomic_fetch_add(&arena->over, 1);
    }
    run(db, "SELECT cache_configure('policy', 'lru')");
    sqlite3_close(db);
    return NULL;
}

static void make_arena(sqlite3 *db)
{
    run(db,
        "PRAGMA journal_mode = WAL; CREATE TABLE i(n INTEGER, s TEXT);"
        "WITH r(k) AS (VALUES (1) UNION ALL SELECT k + 1 FROM r WHERE k < %d)"
        " INSERT INTO i SELECT k, 'text ' || k FROM r ORDER BY k * 7 %% 11;"
        "SELECT cache_configure('max_bytes', %d); SELECT cache_clear()",
        ROWS, BOUND);
}

/* Returns what is allocated afterwards. */
static int64_t test_at_once(sqlite3 *db, const char *path)
{
    struct arena arena = {.path = path};
    pthread_t threads[THREADS + 1];
    pthread_create(&threads[THREADS], NULL, disturb, &arena);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, look_up, &arena);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&arena.done, true);
    pthread_join(threads[THREADS], NULL);
    is_int(atomic_load(&arena.wrong), 0, "every lookup is right");
    is_int(atomic_load(&arena.over), 0, "the bound holds");
    run(db, "SELECT cache_clear()");
    is_int(number(db, "SELECT bytes FROM cache_stats"), 0, "nothing is counted in the end");
    return counting_bytes;
}

int main(void)
{
    counting_start();
    const char *path = fresh_file("arena.db");
    sqlite3 *db = open_cached(path, 0);
    make_arena(db);
    int64_t at_rest = test_at_once(db, path);
    is_int(test_at_once(db, path), at_rest,
           "and nothing is left, but what was after the first time");
    sqlite3_close(db);
    return tap_done();
}
