/*
** Who changed what, where it is easy to be wrong: pages that another database wrote, tables emptied
** between two looks, and meanings that SQLite's program does not show. Each check compares a cached
** read with the plain one on the same connection.
*/
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hazards/scenario.h"
#include "hazards/tables.h"
#include "querycache.h"
#include "support.h"
#include "tap.h"

static const char *file;
static sqlite3 *foreign;

static sqlite3 *open_with(const char *setup)
{
    sqlite3 *db = open_cached(file, 0);
    if (setup != NULL)
        run(db, "%s", setup);
    return db;
}

static void start(const char *schema)
{
    file = fresh_file("attribution.db");
    foreign = open_plain(file, 0);
    run(foreign, "%s", schema);
}

static void finish(sqlite3 *a, sqlite3 *b, sqlite3 *c)
{
    sqlite3_close(a);
    sqlite3_close(b);
    sqlite3_close(c);
    sqlite3_close(foreign);
}

/* ---- truncation ---- */

/* An old snapshot still has the row, and the table was looked at before it came. */
static void test_emptied_between(void)
{
    static const char caches[] =
        "CREATE VIRTUAL TABLE temp.t1 USING cache((SELECT a FROM t));"
        "CREATE VIRTUAL TABLE temp.t2 USING cache((SELECT a, 'two' AS b FROM t));"
        "CREATE VIRTUAL TABLE temp.w1 USING cache((SELECT a FROM w))";
    start("PRAGMA journal_mode = WAL; CREATE TABLE t(a); CREATE TABLE w(a);"
          "INSERT INTO w VALUES (0)");
    sqlite3 *a = open_with(caches), *b = open_with(caches), *c = open_with(caches);
    same(b, "SELECT * FROM t1", "SELECT a FROM t", "an empty table is looked at");
    run(a, "INSERT INTO t VALUES (1)");
    run(c, "BEGIN");
    same(c, "SELECT * FROM w1", "SELECT a FROM w", "a snapshot with a row is taken");
    run(a, "BEGIN; DELETE FROM t; UPDATE w SET a = 1; COMMIT");
    same(b, "SELECT * FROM t1", "SELECT a FROM t", "the table is empty again");
    same(c, "SELECT * FROM t2", "SELECT a, 'two' AS b FROM t", "the snapshot keeps its row");
    same(b, "SELECT * FROM t2", "SELECT a, 'two' AS b FROM t", "and to itself");
    finish(a, b, c);
}

/* ---- pages of other databases ---- */

/* A announces a commit that writes nothing; then pages of another database are written; then
** somebody else commits to another table. */
static void check_other_pages(const char *name, const char *setup, const char *others)
{
    static const char caches[] = "CREATE VIRTUAL TABLE temp.cu USING cache((SELECT a FROM u))";
    start("CREATE TABLE t(a); INSERT INTO t VALUES (1); CREATE TABLE u(a);"
          "INSERT INTO u VALUES (1)");
    sqlite3 *a = open_with(caches), *b = open_with(caches);
    run(a, "%s", setup);
    same(a, "SELECT * FROM cu", "SELECT a FROM u", name);
    same(b, "SELECT * FROM cu", "SELECT a FROM u", name);
    run(a, "UPDATE t SET a = a");
    run(a, "%s", others);
    run(foreign, "UPDATE u SET a = 2");
    same(b, "SELECT * FROM cu", "SELECT a FROM u", name);
    if (!sqlite3_get_autocommit(a))
        run(a, "COMMIT");
    same(a, "SELECT * FROM cu", "SELECT a FROM u", name);
    finish(a, b, NULL);
}

static void test_other_pages(void)
{
    const char *fill = "INSERT INTO big SELECT randomblob(900) FROM (WITH RECURSIVE n(i) AS "
                       "(VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 4000) SELECT i FROM n)";
    char *temp = sqlite3_mprintf("BEGIN; %s", fill);
    check_other_pages("pages of temp are no proof",
                      "PRAGMA temp.cache_size = 10;"
                      "CREATE TEMP TABLE big(x)",
                      temp);
    sqlite3_free(temp);
    char *attach = sqlite3_mprintf("ATTACH %Q AS aux; CREATE TABLE aux.big(x); INSERT INTO aux.big "
                                   "VALUES (zeroblob(9000)); DELETE FROM aux.big",
                                   fresh_file("attribution-aux.db"));
    check_other_pages("nor is a VACUUM of an attached file", attach, "VACUUM aux");
    sqlite3_free(attach);
}

/* Attached since the last look, and written where no hook tells. */
static void test_unlisted(void)
{
    static const char caches[] = "CREATE VIRTUAL TABLE temp.cu USING cache((SELECT a FROM u))";
    start("CREATE TABLE t(a); INSERT INTO t VALUES (1); CREATE TABLE u(a);"
          "INSERT INTO u VALUES (1)");
    sqlite3 *a = open_with(caches), *b = open_with(caches);
    const char *aux = fresh_file("attribution-aux.db");
    sqlite3 *maker = open_plain(aux, 0);
    run(maker, "CREATE TABLE n(k PRIMARY KEY, v) WITHOUT ROWID");
    sqlite3_close(maker);
    same(a, "SELECT * FROM cu", "SELECT a FROM u", "before");
    same(b, "SELECT * FROM cu", "SELECT a FROM u", "and on another");
    run(a, "ATTACH %Q AS aux; BEGIN; UPDATE t SET a = a; INSERT INTO aux.n VALUES (1, 1); COMMIT",
        aux);
    run(foreign, "UPDATE u SET a = 2");
    same(b, "SELECT * FROM cu", "SELECT a FROM u",
         "what a file attached just now was written is no proof");
    finish(a, b, NULL);
}

/* ---- the same text, another meaning ---- */

static const struct {
    const char *name;
    const char *first;
    const char *second;
    const char *sql;
} meanings[] = {
    {"full-text tables behind a view", "CREATE TEMP VIEW v AS SELECT body AS x FROM main.f1",
     "CREATE TEMP VIEW v AS SELECT body AS x FROM main.f2", "SELECT x FROM v"},
    {"blobs behind a view", "CREATE TEMP VIEW v AS SELECT x'0001' AS x, a FROM main.t",
     "CREATE TEMP VIEW v AS SELECT x'0002' AS x, a FROM main.t", "SELECT x, a FROM v"},
    {"reals behind a view", "CREATE TEMP VIEW v AS SELECT 0.1 AS x, a FROM main.t",
     "CREATE TEMP VIEW v AS SELECT 0.10000000000000002 AS x, a FROM main.t",
     "SELECT x = 0.1, a FROM v"},
    {"cached tables inside one",
     "CREATE VIRTUAL TABLE temp.v USING cache((SELECT a AS x FROM main.t))",
     "CREATE VIRTUAL TABLE temp.v USING cache((SELECT b AS x FROM main.t))", "SELECT x FROM v"},
};

static void test_meanings(void)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        start("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2);"
              "CREATE VIRTUAL TABLE f1 USING fts5(body); INSERT INTO f1 VALUES ('one');"
              "CREATE VIRTUAL TABLE f2 USING fts5(body); INSERT INTO f2 VALUES ('two')");
        sqlite3 *a = open_with(meanings[i].first), *b = open_with(meanings[i].second);
        char *create =
            sqlite3_mprintf("CREATE VIRTUAL TABLE temp.c USING cache((%s))", meanings[i].sql);
        run(a, "%s", create);
        run(b, "%s", create);
        same(a, "SELECT * FROM c", meanings[i].sql, meanings[i].name);
        same(b, "SELECT * FROM c", meanings[i].sql, meanings[i].name);
        same(a, "SELECT * FROM c", meanings[i].sql, meanings[i].name);
        sqlite3_free(create);
        finish(a, b, NULL);
    }
}

/* ---- a file that is not at its path any more ---- */

/* Two files with one clock and other rows: A has the one, and finds the other at its path. */
static void test_moved(void)
{
    static const char caches[] = "CREATE VIRTUAL TABLE temp.cu USING cache((SELECT a FROM u))";
    start("CREATE TABLE u(a); INSERT INTO u VALUES (0)");
    char *copy = sqlite3_mprintf("%s", fresh_file("attribution-copy.db"));
    run(foreign, "VACUUM INTO %Q", copy);
    sqlite3 *twin = open_plain(copy, 0);
    run(twin, "UPDATE u SET a = 2");
    sqlite3_close(twin);
    run(foreign, "VACUUM; UPDATE u SET a = 1");
    sqlite3 *a = open_plain(file, 0);
    sqlite3_free(rows(a, "SELECT * FROM u"));
    is_int(rename(copy, file), 0, "another file takes its place");
    twin = open_plain(file, 0);
    for (int i = 0; i < 8; i++) {
        /* Some of these rounds meet the other's change counter. */
        querycache_init(a);
        if (i == 0)
            run(a, "%s", caches);
        same(a, "SELECT * FROM cu", "SELECT a FROM u", "the one that has it reads its own");
        sqlite3 *b = open_with(caches);
        same(b, "SELECT * FROM cu", "SELECT a FROM u", "who opens the path reads the other");
        sqlite3_close(b);
        run(twin, "UPDATE u SET a = a + 10");
    }
    sqlite3_free(copy);
    finish(a, twin, NULL);
}

/* ---- commits that nobody announces ---- */

/* Where nothing is kept of a file, what a transaction writes to it is not noted: another connection
** may keep something before it commits. */
static void test_unannounced(void)
{
    static const char caches[] = "CREATE VIRTUAL TABLE temp.ct USING cache((SELECT a FROM t));"
                                 "CREATE VIRTUAL TABLE temp.cu USING cache((SELECT a FROM u))";
    start("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1);"
          "CREATE TABLE u(a); INSERT INTO u VALUES (1)");
    sqlite3 *a = open_with(caches), *b = open_with(caches);
    for (int i = 0; i < 3; i++) {
        run(b, "SELECT cache_clear()");
        is_int(kept_entries(), 0, "nothing is kept");
        run(a, "BEGIN; UPDATE t SET a = a + 1");
        same(b, "SELECT * FROM ct", "SELECT a FROM t", "the table is kept before the commit");
        same(b, "SELECT * FROM cu", "SELECT a FROM u", "and another one");
        run(a, "UPDATE u SET a = a + 1; COMMIT");
        same(b, "SELECT * FROM ct", "SELECT a FROM t", "what it wrote first is seen after it");
        same(b, "SELECT * FROM cu", "SELECT a FROM u", "and what it wrote when some was kept");
        run(a, "UPDATE t SET a = a + 1");
        same_as(b, "SELECT * FROM cu", "SELECT a FROM u", "hit", "the next one is announced");
        same(b, "SELECT * FROM ct", "SELECT a FROM t", "by the tables that it writes");
    }
    finish(a, b, NULL);
}

static const sqlite3_io_methods *usual_methods;
static bool is_busy;

static int busy_write(sqlite3_file *handle, const void *bytes, int size, sqlite3_int64 at)
{
    return is_busy ? SQLITE_BUSY : usual_methods->xWrite(handle, bytes, size, at);
}

/* COMMIT meets SQLITE_BUSY after the commit hook, and the transaction goes on: what it wrote before
** is not known, though something was kept meanwhile, and what it writes from there on is noted. */
static void test_unannounced_goes_on(void)
{
    static const char caches[] = "CREATE VIRTUAL TABLE temp.ct USING cache((SELECT a FROM t));"
                                 "CREATE VIRTUAL TABLE temp.cu USING cache((SELECT a FROM u))";
    static sqlite3_io_methods busy_methods;
    sqlite3_file *wal = NULL;
    start("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1);"
          "CREATE TABLE u(a); INSERT INTO u VALUES (1)");
    sqlite3 *a = open_with(caches), *b = open_with(caches);
    run(a, "UPDATE t SET a = 2");
    sqlite3_file_control(a, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&wal);
    usual_methods = wal->pMethods;
    busy_methods = *usual_methods;
    busy_methods.xWrite = busy_write;
    wal->pMethods = &busy_methods;
    for (int i = 0; i < 2; i++) {
        run(b, "SELECT cache_clear()");
        run(a, "BEGIN; UPDATE u SET a = a + 1");
        is_busy = true;
        is_int(sqlite3_exec(a, "COMMIT", NULL, NULL, NULL), SQLITE_BUSY, "a COMMIT is refused");
        is_busy = false;
        same(b, "SELECT * FROM cu", "SELECT a FROM u", "what it wrote is kept as it was");
        run(a, "UPDATE t SET a = a + 1; COMMIT");
        same(b, "SELECT * FROM cu", "SELECT a FROM u", "and not served when it went through");
        run(a, "UPDATE t SET a = a + 1");
        same_as(b, "SELECT * FROM cu", "SELECT a FROM u", "hit", "the next one is announced");
    }
    wal->pMethods = usual_methods;
    finish(a, b, NULL);
}

static int take_commit(void *argument)
{
    (void)argument;
    return 0;
}

/* What was found out at a transaction's first write does not hold for the next one, whose mode may
** be another, though the end of the first was not heard of. */
static void test_end_not_heard_of(void)
{
    static const char caches[] = "CREATE VIRTUAL TABLE temp.cu USING cache((SELECT a FROM u))";
    start("PRAGMA journal_mode = WAL; CREATE TABLE u(a); INSERT INTO u VALUES (1)");
    sqlite3_close(foreign);
    sqlite3 *a = open_with(caches);
    same(a, "SELECT * FROM cu", "SELECT a FROM u", "a WAL");
    run(a, "BEGIN; UPDATE u SET a = 2");
    sqlite3_commit_hook(a, take_commit, NULL);
    run(a, "COMMIT; PRAGMA journal_mode = DELETE");
    querycache_init(a);
    same(a, "SELECT * FROM cu", "SELECT a FROM u", "a rollback journal");
    run(a, "UPDATE u SET a = 3");
    same(a, "SELECT * FROM cu", "SELECT a FROM u", "its first commit");
    char *shm = sqlite3_mprintf("%s-shm", file);
    ok(access(shm, F_OK) != 0, "is not taken for one to a WAL: no -shm file is made");
    sqlite3_free(shm);
    foreign = NULL;
    finish(a, NULL, NULL);
}

/* ---- shared cache ---- */

static void test_shared_cache(void)
{
    static const char caches[] = "CREATE VIRTUAL TABLE temp.cu USING cache((SELECT a FROM u))";
    start("CREATE TABLE u(a); INSERT INTO u VALUES (1)");
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_SHAREDCACHE;
    sqlite3 *a = open_cached(file, flags), *b = open_cached(file, flags);
    run(a, "%s", caches);
    run(b, "%s", caches);
    for (int i = 0; i < 3; i++) {
        run(a, "UPDATE u SET a = a + 1");
        run(b, "UPDATE u SET a = a + 1");
        same(a, "SELECT * FROM cu", "SELECT a FROM u", "connections with one cache are exact");
        same(b, "SELECT * FROM cu", "SELECT a FROM u", "and do not wait for each other");
    }
    finish(a, b, NULL);
}

int main(void)
{
    test_emptied_between();
    test_other_pages();
    test_unlisted();
    test_meanings();
    test_moved();
    test_unannounced();
    test_unannounced_goes_on();
    test_end_not_heard_of();
    test_shared_cache();
    return tap_done();
}
