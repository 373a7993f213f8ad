/*
** A program that uses SQLite in many ways and knows nothing of the cache: tests/preload.t runs it
** alone and under querycache-run, and compares what it prints.
**
**     client FILE [hits]      `hits`: last, what cache_stats says, where there is one
**     client FILE marked      only a function that is marked deterministic and reads a table
*/
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOW "SELECT count(*), sum(a.x * b.x) FROM t AS a, t AS b WHERE a.x < 300 AND b.x < 300"

static void must(int rc, sqlite3 *db, const char *what)
{
    if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
        return;
    printf("%s: %d %s\n", what, rc, db != NULL ? sqlite3_errmsg(db) : "");
    exit(1);
}

static int print_row(void *name, int count, char **values, char **names)
{
    printf("%s:", (const char *)name);
    for (int i = 0; i < count; i++)
        printf(" %s=%s", names[i], values[i] != NULL ? values[i] : "NULL");
    printf("\n");
    return 0;
}

static void exec(sqlite3 *db, const char *sql)
{
    must(sqlite3_exec(db, sql, print_row, "exec", NULL), db, sql);
}

static void print_all(sqlite3_stmt *statement)
{
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const unsigned char *text = sqlite3_column_text(statement, i);
            printf("%s %s (%s): %s|", sqlite3_column_name(statement, i),
                   sqlite3_column_decltype(statement, i) != NULL
                       ? sqlite3_column_decltype(statement, i)
                       : "-",
                   sqlite3_column_type(statement, i) == SQLITE_TEXT ? "text" : "other",
                   text != NULL ? (const char *)text : "NULL");
        }
        printf("\n");
    }
    printf("ends with %d\n", rc);
    sqlite3_reset(statement);
}

static void use_prepare(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    const char *tail = NULL;
    must(sqlite3_prepare_v2(db, SLOW "; SELECT 2", -1, &statement, &tail), db, "prepare_v2");
    printf("tail:%s\n", tail);
    for (int i = 0; i < 3; i++)
        print_all(statement);
    sqlite3_finalize(statement);
    must(sqlite3_prepare_v3(db, "SELECT x, name FROM t WHERE x < :most ORDER BY name", -1,
                            SQLITE_PREPARE_PERSISTENT, &statement, NULL),
         db, "prepare_v3");
    for (int i = 0; i < 4; i++) {
        sqlite3_bind_int(statement, sqlite3_bind_parameter_index(statement, ":most"), 2 + i / 2);
        print_all(statement);
    }
    sqlite3_finalize(statement);
    static const unsigned short wide[] = {'S', 'E', 'L', 'E', 'C', 'T', ' ', 'm', 'a', 'x', '(',
                                          'x', ')', ' ', 'F', 'R', 'O', 'M', ' ', 't', 0};
    must(sqlite3_prepare16_v2(db, wide, -1, &statement, NULL), db, "prepare16_v2");
    print_all(statement);
    sqlite3_finalize(statement);
    int rc = sqlite3_prepare_v2(db, "SELECT nobody FROM t", -1, &statement, NULL);
    printf("wrong: %d %s\n", rc, sqlite3_errmsg(db));
}

static int updates;
static int commits;

static void on_update(void *argument, int operation, const char *schema, const char *table,
                      sqlite3_int64 rowid)
{
    (void)operation, (void)schema, (void)table, (void)rowid;
    *(int *)argument += 1;
}

static int on_commit(void *argument)
{
    *(int *)argument += 1;
    return 0;
}

static void use_hooks(sqlite3 *db)
{
    sqlite3_update_hook(db, on_update, &updates);
    sqlite3_commit_hook(db, on_commit, &commits);
    exec(db, "UPDATE t SET name = 'new' WHERE x = 1; SELECT name FROM t WHERE x = 1");
    exec(db, "DELETE FROM t WHERE x = 2; SELECT count(*) FROM t");
    printf("hooks: %d %d, again %d\n", updates, commits,
           sqlite3_update_hook(db, NULL, NULL) == &updates);
    sqlite3_commit_hook(db, NULL, NULL);
}

static void call_back(sqlite3_context *context, int count, sqlite3_value **values)
{
    sqlite3_stmt *statement = NULL;
    (void)count, (void)values;
    sqlite3_prepare_v2(sqlite3_context_db_handle(context), "SELECT count(*) FROM t", -1, &statement,
                       NULL);
    sqlite3_step(statement);
    sqlite3_result_int(context, sqlite3_column_int(statement, 0));
    sqlite3_finalize(statement);
}

static void use_more(sqlite3 *db)
{
    char **table = NULL;
    int rows = 0;
    int columns = 0;
    sqlite3_create_function(db, "call_back", 0, SQLITE_UTF8, NULL, call_back, NULL, NULL);
    exec(db, "SELECT call_back(), count(*) FROM t");
    must(sqlite3_get_table(db, "SELECT name, x FROM t WHERE x < 5", &table, &rows, &columns, NULL),
         db, "get_table");
    printf("table %d %d %s\n", rows, columns, table[columns]);
    sqlite3_free_table(table);
    exec(db, "CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES ('one two'), ('two');"
             "SELECT rowid, body FROM f WHERE f MATCH 'two' ORDER BY rowid;"
             "INSERT INTO f VALUES ('two three');"
             "SELECT rowid, body FROM f WHERE f MATCH 'two' ORDER BY rowid;"
             "CREATE VIRTUAL TABLE r USING rtree(id, a, b); INSERT INTO r VALUES (1, 2, 3);"
             "SELECT id FROM r WHERE a > 1; SELECT type, name FROM sqlite_master ORDER BY name;"
             "VACUUM; SELECT count(*) FROM t; PRAGMA integrity_check");
    exec(db, "BEGIN; SELECT max(x) FROM t; INSERT INTO t VALUES (5000, 'high');"
             "SELECT max(x) FROM t; ROLLBACK; SELECT max(x) FROM t");
}

/* Written past the hooks, beside another table, in each order. */
static void use_blobs(sqlite3 *db)
{
    sqlite3_blob *blob = NULL;
    exec(db, "CREATE TABLE files(body); INSERT INTO files VALUES (zeroblob(3)), (zeroblob(3))");
    for (int i = 1; i <= 3; i++) {
        for (int j = 0; j < 3; j++)
            exec(db, "SELECT hex(body) AS body FROM files ORDER BY body");
        exec(db, i == 1 ? "BEGIN; UPDATE t SET x = x WHERE x = 3" : "BEGIN");
        must(sqlite3_blob_open(db, i == 3 ? NULL : "MAIN", "Files", "body", 1, 1, &blob), db,
             "blob_open");
        must(sqlite3_blob_write(blob, &"0123"[i], 1, i - 1), db, "blob_write");
        must(sqlite3_blob_close(blob), db, "blob_close");
        exec(db, i == 1 ? "COMMIT" : "UPDATE t SET x = x WHERE x = 3; COMMIT");
    }
    exec(db, "SELECT hex(body) AS body FROM files ORDER BY body");
}

static void *in_thread(void *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    must(sqlite3_open(path, &db), db, "open in a thread");
    sqlite3_busy_timeout(db, 5000);
    long long sum = 0;
    for (int i = 0; i < 50; i++) {
        must(sqlite3_prepare_v2(db, "SELECT sum(x) FROM t WHERE x < ?", -1, &statement, NULL), db,
             "prepare in a thread");
        sqlite3_bind_int(statement, 1, 1000);
        must(sqlite3_step(statement), db, "step in a thread");
        sum += sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
    }
    must(sqlite3_close(db), db, "close in a thread");
    return (void *)(size_t)sum;
}

static void use_threads(const char *path)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, in_thread, (void *)(size_t)path);
    for (int i = 0; i < 4; i++) {
        void *sum = NULL;
        pthread_join(threads[i], &sum);
        printf("thread: %zu\n", (size_t)sum);
    }
}

static void use_fork(const char *path)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        printf("child: %zu\n", (size_t)in_thread((void *)(size_t)path));
        fflush(stdout);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("child's end: %d\n", status);
}

static long long misses(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    must(sqlite3_prepare_v2(db, "SELECT misses FROM cache_stats", -1, &statement, NULL), db,
         "misses");
    must(sqlite3_step(statement), db, "misses");
    long long count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return count;
}

/* Three connections, each with one statement that it holds, read after each commit of a fourth. */
static void use_held(sqlite3 *writer, const char *path)
{
    sqlite3 *readers[3];
    sqlite3_stmt *held[3];
    long long before = misses(writer);
    for (int i = 0; i < 3; i++) {
        must(sqlite3_open(path, &readers[i]), readers[i], "open a reader");
        must(sqlite3_prepare_v2(readers[i], "SELECT sum(x) FROM t WHERE x % 3 = 1", -1, &held[i],
                                NULL),
             readers[i], "held");
    }
    for (int turn = 0; turn < 10; turn++) {
        exec(writer, "INSERT INTO t VALUES (10000, 'held')");
        for (int i = 0; i < 6; i++) {
            must(sqlite3_step(held[i % 3]), readers[i % 3], "step held");
            sqlite3_reset(held[i % 3]);
        }
    }
    printf("held: %lld misses\n", misses(writer) - before);
    for (int i = 0; i < 3; i++) {
        sqlite3_finalize(held[i]);
        must(sqlite3_close(readers[i]), readers[i], "close a reader");
    }
}

/* Each read is slow enough for the cache, of a table that is not written. */
static int use_marked(sqlite3 *db)
{
    sqlite3_create_function(db, "rows_so_far", 0, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                            call_back, NULL, NULL);
    exec(db, "CREATE TABLE other AS SELECT * FROM t; DELETE FROM t");
    for (int i = 0; i < 3; i++)
        exec(db, "SELECT rows_so_far() AS n FROM other AS a, other AS b WHERE a.x + b.x = 3999;"
                 "INSERT INTO t VALUES (1, 'more')");
    must(sqlite3_close(db), db, "close");
    return 0;
}

int main(int argc, char **argv)
{
    sqlite3 *db = NULL;
    sqlite3 *other = NULL;
    if (argc < 2)
        return 2;
    must(sqlite3_config(SQLITE_CONFIG_URI, 1), NULL, "config, before anything else");
    must(sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), db,
         "open");
    exec(db, "PRAGMA journal_mode = WAL; CREATE TABLE t(x INTEGER, name VARCHAR(10));"
             "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 2000)"
             "INSERT INTO t SELECT i, 'n' || i FROM r");
    if (argc > 2 && strcmp(argv[2], "marked") == 0)
        return use_marked(db);
    use_prepare(db);
    use_hooks(db);
    use_more(db);
    use_blobs(db);
    use_threads(argv[1]);
    use_fork(argv[1]);
    must(sqlite3_open(argv[1], &other), other, "open another");
    exec(other, "INSERT INTO t VALUES (9999, 'of another')");
    exec(db, "SELECT max(x) FROM t");
    must(sqlite3_close(other), other, "close another");
    if (argc > 2)
        use_held(db, argv[1]);
    if (argc > 2)
        exec(db, "SELECT hits > 100 AS many, hits, misses, bypasses FROM cache_stats");
    must(sqlite3_close(db), db, "close");
    printf("done\n");
    return 0;
}
