/*
** Corners: sequences that are easy to overlook. Each was once a wrong row, a crash, or an error
** where the query itself works.
*/
#include <stdlib.h>
#include <string.h>

#include "base/ticks.h"
#include "querycache.h"
#include "support.h"
#include "tap.h"

/* An unprepared check that SQL fails with a text. */
static void fails(sqlite3 *db, const char *sql, const char *part, const char *name)
{
    char *got = rows(db, sql);
    contains(got, part, name);
    sqlite3_free(got);
}

/* A temporary file has no lock and a change counter that stands still. */
static void test_spilled_temp(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "PRAGMA temp_store = FILE; PRAGMA temp.cache_size = 5;"
            "CREATE TABLE temp.big(a INTEGER PRIMARY KEY, b);"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
            " INSERT INTO temp.big SELECT i, zeroblob(500) FROM n;"
            "CREATE VIRTUAL TABLE temp.cb USING cache((SELECT a, length(b) FROM temp.big "
            "WHERE a < 3))");
    for (int i = 0; i < 5; i++) {
        sqlite3_free(rows(db, "SELECT * FROM cb"));
        same(db, "SELECT * FROM cb", "SELECT a, length(b) FROM temp.big WHERE a < 3",
             "a temp table in a file");
        run(db, "UPDATE temp.big SET b = CAST(b AS BLOB) || 'x' WHERE a %% 200 = 1");
        same(db, "SELECT * FROM cb", "SELECT a, length(b) FROM temp.big WHERE a < 3",
             "and after a write to it");
    }
    sqlite3_close(db);
}

static void test_no_locks(void)
{
    char *uri = sqlite3_mprintf("file:%s?nolock=1", scratch_file("nolock.db"));
    sqlite3 *db = open_cached(uri, 0);
    run(db, "PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 1);"
            "CREATE VIRTUAL TABLE temp.ct USING cache((SELECT a, b FROM t))");
    for (int i = 0; i < 4; i++) {
        same(db, "SELECT * FROM ct", "SELECT a, b FROM t", "nolock=1");
        run(db, "UPDATE t SET b = b + 1");
    }
    sqlite3_free(uri);
    sqlite3_close(db);
}

static void test_now_through_another(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "CREATE VIRTUAL TABLE temp.dt USING cache((SELECT strftime('%%f', :x) AS d))");
    ok(try(db, "CREATE VIRTUAL TABLE temp.o USING cache((SELECT d FROM dt('now')))") != SQLITE_OK,
       "'now' for a cached table inside a cached query is refused");
    contains(sqlite3_errmsg(db), "now", "and named");
    sqlite3_close(db);
}

static void test_constant_by_name(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "CREATE TEMP VIEW generate_series AS SELECT * FROM pragma_user_version;"
            "CREATE VIEW json_each AS SELECT * FROM pragma_user_version");
    ok(try(db, "CREATE VIRTUAL TABLE temp.c USING cache((SELECT * FROM pragma_user_version))") !=
           SQLITE_OK,
       "a virtual table is not constant because a view has a constant one's name");
    sqlite3_close(db);
}

static void test_full_text_elsewhere(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES (1, 'hello');"
            "CREATE TEMP VIEW v AS SELECT id, x FROM main.t;"
            "CREATE VIRTUAL TABLE temp.ft USING fts5(x, content='v', content_rowid='id');"
            "CREATE VIRTUAL TABLE main.fe USING fts5(x, content='t', content_rowid='id');"
            "INSERT INTO ft(ft) VALUES ('rebuild'); INSERT INTO fe(fe) VALUES ('rebuild')");
    ok(try(db,
           "CREATE VIRTUAL TABLE temp.c USING cache((SELECT x FROM ft WHERE ft MATCH 'hello'))") !=
           SQLITE_OK,
       "a full-text table over a view is refused: the view may read anything");
    run(db, "CREATE VIRTUAL TABLE temp.ce USING cache((SELECT x FROM fe WHERE fe MATCH 'hello'))");
    same(db, "SELECT * FROM ce", "SELECT x FROM fe WHERE fe MATCH 'hello'",
         "over a table it is cached");
    run(db, "UPDATE t SET x = 'hello moon'");
    same(db, "SELECT * FROM ce", "SELECT x FROM fe WHERE fe MATCH 'hello'",
         "and follows the table");
    sqlite3_close(db);
}

/* ---- functions that read on their own ---- */

static sqlite3 *writer;

static void add_row(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    run(writer, "INSERT INTO t(b) VALUES (1)");
    sqlite3_result_null(context);
}

static void test_functions_that_read(void)
{
    const char *path = scratch_file("reads.db");
    sqlite3 *db = open_cached(path, 0);
    run(db, "PRAGMA journal_mode = WAL; CREATE TABLE t(a INTEGER PRIMARY KEY, b);"
            "INSERT INTO t(b) VALUES (1), (1), (1);"
            "CREATE VIRTUAL TABLE temp.ct USING cache((SELECT count(*) AS n FROM t))");
    writer = open_plain(path, 0);
    sqlite3_create_function(db, "add_row", 0, SQLITE_UTF8, NULL, add_row, NULL, NULL);
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(db,
                       "SELECT n, add_row(), json_extract(cache_query('SELECT count(*) AS n FROM "
                       "main.t'), '$[0].n') FROM ct",
                       -1, &statement, NULL);
    for (int i = 0; i < 5; i++) {
        sqlite3_step(statement);
        is_int(sqlite3_column_int(statement, 2), sqlite3_column_int(statement, 0),
               "cache_query() beside a cached table sees the same snapshot");
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    sqlite3_close(writer);
    sqlite3_close(db);
}

/* Asks for so many other texts that the one being read would be the oldest. */
static void ask_many(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    sqlite3 *db = sqlite3_context_db_handle(context);
    (void)argc;
    for (int i = 0; i < 70; i++) {
        char *sql = sqlite3_mprintf("SELECT cache_query('SELECT %d')", i);
        sqlite3_free(rows(db, sql));
        sqlite3_free(sql);
    }
    sqlite3_result_value(context, argv[0]);
}

static void test_ad_hoc_in_use(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    sqlite3_create_function(db, "ask_many", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, ask_many,
                            NULL, NULL);
    run(db, "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)");
    char *got = rows(db, "SELECT cache_query('SELECT ask_many(a) AS x, a FROM t')");
    is_text(got, "'[{\"x\":1,\"a\":1},{\"x\":2,\"a\":2}]'\n",
            "an ad hoc query is not dropped while it is read");
    sqlite3_free(got);
    got = rows(db, "SELECT value FROM cache_rows('SELECT ask_many(a) AS x FROM t')");
    is_text(got, "'{\"x\":1}'\n'{\"x\":2}'\n", "nor one read by cache_rows");
    sqlite3_free(got);
    sqlite3_close(db);
}

/* Changes the view that the running query was made from, and reads the same cached table. */
static void change_view(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    sqlite3 *db = sqlite3_context_db_handle(context);
    static bool done;
    (void)argc;
    if (!done) {
        done = true;
        try(db, "DROP VIEW temp.vv");
        try(db, "CREATE TEMP VIEW vv AS SELECT 1 AS a");
        sqlite3_free(rows(db, "SELECT * FROM ct(0)"));
    }
    sqlite3_result_value(context, argv[0]);
}

static void test_columns_while_running(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    sqlite3_create_function(db, "change_view", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                            change_view, NULL, NULL);
    run(db,
        "CREATE TEMP VIEW vv AS SELECT 1 a, 2 b, 3 c, 4 d, 5 e;"
        "CREATE VIRTUAL TABLE temp.ct USING cache((SELECT vv.*, change_view(:n) AS z FROM vv))");
    sqlite3_free(rows(db, "SELECT * FROM ct(5)"));
    char *got = rows(db, "SELECT * FROM ct(6)");
    ok(strstr(got, "error") != NULL || strncmp(got, "1|6", 3) == 0,
       "columns that change while the query runs are an error, or the new ones");
    sqlite3_free(got);
    is_int(sqlite3_close(db), SQLITE_OK, "and the connection closes");
}

/* ---- stored definitions ---- */

static void test_stored_by_others(void)
{
    const char *path = scratch_file("evil.db");
    sqlite3 *maker = open_cached(path, 0);
    run(maker, "CREATE TABLE t(x); CREATE VIRTUAL TABLE evil USING cache((SELECT x FROM t));"
               "PRAGMA writable_schema = 1;"
               "UPDATE sqlite_master SET sql = 'CREATE VIRTUAL TABLE evil USING cache((SELECT "
               "value FROM cache_rows(''SELECT * FROM secret.s'')))' WHERE name = 'evil'");
    sqlite3_close(maker);
    sqlite3 *db = open_cached(path, 0);
    run(db, "ATTACH ':memory:' AS secret; CREATE TABLE secret.s(x); INSERT INTO secret.s VALUES "
            "('top secret')");
    char *got = rows(db, "SELECT * FROM evil");
    ok(strstr(got, "top secret") == NULL, "a stored definition that is refused is not run");
    contains(got, "error", "reading it is an error");
    sqlite3_free(got);
    is_int(try(db, "DROP TABLE evil"), SQLITE_OK, "and it can be dropped");
    sqlite3_close(db);
}

/* ---- errors where there should be none ---- */

static void test_many_columns_of_one_name(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "CREATE TABLE t(a TEXT COLLATE nocase, b INT); INSERT INTO t VALUES ('x', 1);"
            "CREATE VIRTUAL TABLE temp.c USING cache((SELECT a, a, b, a, a, a, b, a, a FROM t))");
    same(db, "SELECT * FROM c", "SELECT a, a, b, a, a, a, b, a, a FROM t",
         "nine columns of two names");
    same(db, "SELECT count(*) FROM c WHERE \"a:5\" = 'X' AND \"b:1\" = '1'",
         "SELECT count(*) FROM t WHERE a = 'X' AND b = '1'",
         "each with its own type and collation");
    run(db, "CREATE TABLE odd(a \"primary key\", b \"collate nocase\", c DECIMAL(10,2));"
            "INSERT INTO odd VALUES (1, 'x', 1);"
            "CREATE VIRTUAL TABLE temp.co USING cache((SELECT a, b, c FROM odd))");
    same(db, "SELECT a = '1', b = 'X', c = '1' FROM co",
         "SELECT a = '1', b = 'X', c = '1' FROM odd", "declared types that are SQL's own words");
    sqlite3_close(db);
}

/* A cached read in BEGIN must not hold what it does not read. */
static void test_unrelated_databases(void)
{
    const char *path = scratch_file("unrelated-main.db");
    const char *aux = scratch_file("unrelated-aux.db");
    sqlite3 *db = open_cached(path, 0);
    run(db,
        "PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1);"
        "ATTACH %Q AS aux; PRAGMA aux.journal_mode = WAL; CREATE TABLE aux.u(a);"
        "CREATE VIRTUAL TABLE temp.ct USING cache((SELECT a FROM t))",
        aux);
    sqlite3 *foreign = open_plain(aux, 0);
    run(db, "BEGIN; SELECT * FROM ct");
    run(foreign, "INSERT INTO u VALUES (1)");
    is_int(try(db, "INSERT INTO aux.u VALUES (2)"), SQLITE_OK,
           "a cached read in BEGIN takes no snapshot of a database that it does not read");
    run(db, "COMMIT; DETACH aux");
    run(foreign, "PRAGMA journal_mode = DELETE");
    sqlite3_close(foreign);
    run(db, "ATTACH %Q AS aux; CREATE TEMP TABLE x(a)", aux);
    sqlite3_free(rows(db, "SELECT * FROM aux.u"));
    foreign = open_plain(aux, 0);
    run(foreign, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO u VALUES (3)");
    same(db, "SELECT * FROM ct", "SELECT a FROM t",
         "an attached file that is locked does not matter");
    is_int(try(db, "INSERT INTO temp.x SELECT a FROM ct"), SQLITE_OK,
           "nor under a statement that writes");
    is_int(try(db, "CREATE VIRTUAL TABLE temp.cz USING cache((SELECT a + 1 AS b FROM t))"),
           SQLITE_OK, "nor for a new cached table");
    sqlite3_close(foreign);
    sqlite3_close(db);
}

static int free_at_last(void *blocker, int times)
{
    (void)times;
    run(blocker, "ROLLBACK");
    return 0;
}

/* The lock goes just as the wait for it is given up, and the schema is another by then. */
static void test_locked_and_outdated(void)
{
    const char *path = scratch_file("outdated.db");
    sqlite3 *other = open_plain(path, 0);
    run(other, "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    sqlite3 *blocker = open_plain(path, 0);
    sqlite3 *db = open_cached(path, 0);
    run(db, "CREATE VIRTUAL TABLE temp.one USING cache((SELECT a FROM main.t))");
    same(db, "SELECT * FROM one", "SELECT a FROM t", "a table is cached");
    run(other, "ALTER TABLE t ADD COLUMN b");
    run(blocker, "BEGIN EXCLUSIVE");
    sqlite3_busy_handler(db, free_at_last, blocker);
    is_int(try(db, "CREATE VIRTUAL TABLE temp.two USING cache((SELECT a FROM main.t))"),
           SQLITE_BUSY, "a cached table over a locked file is not created");
    is_int(try(db, "CREATE VIRTUAL TABLE temp.two USING cache((SELECT a FROM main.t))"), SQLITE_OK,
           "and is when the lock is gone");
    same(db, "SELECT * FROM two", "SELECT a FROM t", "and read");
    is_int(sqlite3_close(db), SQLITE_OK, "nothing of the first is left");
    sqlite3_close(blocker);
    sqlite3_close(other);
}

static void test_parameters_in_plans(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3);"
            "CREATE VIRTUAL TABLE temp.cl USING cache((SELECT a FROM t ORDER BY a LIMIT :n));"
            "CREATE VIRTUAL TABLE temp.cv USING cache((VALUES (1, 2), (3, 4)))");
    same_as(db, "SELECT * FROM cl(2)", "SELECT a FROM t ORDER BY a LIMIT 2", "miss", "LIMIT :n");
    same_as(db, "SELECT * FROM cl(2)", "SELECT a FROM t ORDER BY a LIMIT 2", "hit", "hits");
    same_as(db, "SELECT * FROM cl(3)", "SELECT a FROM t ORDER BY a LIMIT 3", "miss", "for each n");
    same(db, "SELECT * FROM cv", "VALUES (1, 2), (3, 4)", "VALUES of several rows");
    fails(db, "SELECT * FROM cl", "cl needs n", "a missing LIMIT is an error that names it");
    sqlite3_close(db);
}

static void test_status_of_nested(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "CREATE TABLE t(a); INSERT INTO t VALUES (1);"
            "CREATE VIRTUAL TABLE temp.inner_one USING cache((SELECT a FROM t));"
            "CREATE VIRTUAL TABLE temp.outer_one USING cache((SELECT max(a) AS m FROM inner_one))");
    sqlite3_free(rows(db, "SELECT * FROM inner_one"));
    same_as(db, "SELECT * FROM outer_one", "SELECT max(a) FROM t", "miss",
            "the status is that of the outer read");
    sqlite3_close(db);
}

/* A WAL that could not be locked exclusively leaves the lock half way (PENDING), where a writer's
** lock does not tell the journal mode. Found by the differential test. */
static void test_exclusive_in_vain(void)
{
    for (int cached = 0; cached < 2; cached++) {
        sqlite3 *db = open_cached(fresh_file("vain.db"), 0);
        run(db, "PRAGMA journal_mode = WAL; CREATE TABLE t(x); INSERT INTO t VALUES (1);"
                "CREATE VIRTUAL TABLE temp.c USING cache((SELECT x FROM main.t))");
        sqlite3 *other = cached ? open_cached(scratch_file("vain.db"), 0)
                                : open_plain(scratch_file("vain.db"), 0);
        number(other, "SELECT count(*) FROM t");
        same(db, "SELECT * FROM c", "SELECT x FROM t", "before");
        run(db, "PRAGMA locking_mode = EXCLUSIVE");
        is_int(try(db, "UPDATE t SET x = 2 WHERE 0"), SQLITE_BUSY, "the lock is not to be had");
        run(db, "PRAGMA locking_mode = NORMAL; UPDATE t SET x = 2");
        same(db, "SELECT * FROM c", "SELECT x FROM t", "after an own commit");
        run(other, "INSERT INTO t VALUES (3)");
        same(db, "SELECT * FROM c", "SELECT x FROM t", "after another's");
        run(other, "INSERT INTO t VALUES (4)");
        same(db, "SELECT * FROM c", "SELECT x FROM t", "and after one more");
        sqlite3_close(other);
        sqlite3_close(db);
    }
}

/* SQLite leaves sixteen values of a call to the table; NULL behind them it would find equal to
** nothing. */
static void test_many_arguments(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    sqlite3_str *create = sqlite3_str_new(db);
    sqlite3_str_appendall(create,
                          "CREATE TABLE t(x); INSERT INTO t VALUES (1), (2);"
                          "CREATE VIRTUAL TABLE temp.c USING cache((SELECT x FROM t WHERE x");
    for (int i = 1; i <= 18; i++)
        sqlite3_str_appendf(create, " + coalesce(:p%d, 0)", i);
    sqlite3_str_appendall(create, " > 1))");
    char *sql = sqlite3_str_finish(create);
    is_int(try(db, sql), SQLITE_OK, "a cached table with eighteen parameters");
    sqlite3_free(sql);
    is_int(number(db, "SELECT count(*) FROM c(NULL,0,0,0,0,0,0,0,0,0,0,0,0,0,0,NULL,0,1)"), 2,
           "is called with NULLs among the first sixteen");
    fails(db, "SELECT count(*) FROM c(0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,NULL,1)",
          "WHERE \"p17\" IS NULL", "NULL behind them is an error that says how");
    is_int(number(db,
                  "SELECT count(*) FROM c(0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0) WHERE p17 IS NULL AND "
                  "p18 IS 1"),
           2, "and so it works");
    sqlite3_close(db);
}

/* A kept statement over a table of ours keeps that connected. */
static void test_closing_after_ad_hoc(void)
{
    static const char *const reads[] = {
        "SELECT cache_query('SELECT x FROM c')",
        "SELECT cache_key('SELECT x FROM c')",
        "SELECT * FROM cache_rows('SELECT x FROM c')",
        "SELECT * FROM cache_explain('SELECT hits FROM cache_stats')",
        "SELECT cache_query('SELECT hits FROM cache_stats')",
    };
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        sqlite3 *db = open_cached(":memory:", 0);
        run(db, "CREATE TABLE t(x); CREATE VIRTUAL TABLE temp.c USING cache((SELECT x FROM t))");
        try(db, reads[i]);
        try(db, reads[i]);
        is_int(sqlite3_close(db), SQLITE_OK, reads[i]);
    }
}

/* ---- schemas read anew ---- */

static int compare_lengths(void *context, int left_size, const void *left, int right_size,
                           const void *right)
{
    (void)context, (void)left, (void)right;
    return left_size - right_size;
}

/* A main database and an attached one that another connection has, too. */
static sqlite3 *open_pair(sqlite3 **other)
{
    const char *path = fresh_file("pair-main.db");
    const char *aux = fresh_file("pair-aux.db");
    *other = open_plain(path, 0);
    run(*other,
        "ATTACH %Q AS aux; CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x'), (2, 'y');"
        "CREATE TABLE aux.u(a, b); INSERT INTO aux.u VALUES (2, 'X'), (1, 'YY')",
        aux);
    sqlite3 *db = open_cached(path, 0);
    run(db, "ATTACH %Q AS aux", aux);
    sqlite3_create_collation(db, "by_length_alone_longer_than_the_listing", SQLITE_UTF8, NULL,
                             compare_lengths);
    return db;
}

/* A CREATE that fails has SQLite read all schemas anew, and connect virtual tables with them. */
static void lose_connected(sqlite3 *db)
{
    try(db, "CREATE VIRTUAL TABLE temp.none USING cache((SELECT a FROM nowhere))");
    try(db, "SELECT a FROM nowhere");
}

static void own_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count, (void)values;
    sqlite3_result_null(context);
}

/* The cached table and the ad hoc query, while another connection holds main. */
static void check_beside_locked_main(sqlite3 *db, const char *select, const char *call)
{
    char *expected = rows(db, select);
    char *got = rows(db, call);
    is_text(got, expected, select);
    ok(strncmp(got, "error", 5) != 0, "and is no error");
    sqlite3_free(got);
    char *ad_hoc = sqlite3_mprintf("SELECT cache_query(%Q)", select);
    got = rows(db, ad_hoc);
    ok(strncmp(got, "error", 5) != 0, "nor is the ad hoc query");
    sqlite3_free(ad_hoc);
    sqlite3_free(expected);
    sqlite3_free(got);
}

/* Found by the differential test. */
static void test_looked_into_while_main_is_locked(void)
{
    static const char *const selects[] = {
        "SELECT a, rank() OVER (ORDER BY b) AS place, upper(b) AS loud FROM aux.u WHERE a < 2",
        "SELECT date(a, 'unixepoch') AS day FROM aux.u",
        "SELECT b COLLATE by_length_alone_longer_than_the_listing AS b FROM aux.u",
        "SELECT a FROM f WHERE f MATCH 'lime'"};
    for (size_t i = 0; i < sizeof selects / sizeof selects[0]; i++) {
        sqlite3 *other;
        sqlite3 *db = open_pair(&other);
        run(db,
            "CREATE VIRTUAL TABLE aux.f USING fts5(a); INSERT INTO aux.f VALUES ('lime'), ('oak');"
            "CREATE VIRTUAL TABLE temp.c USING cache((%s))",
            selects[i]);
        lose_connected(db);
        run(other, "DETACH aux; BEGIN EXCLUSIVE");
        check_beside_locked_main(db, selects[i], "SELECT * FROM c");
        sqlite3_create_function(db, "own", 0, SQLITE_UTF8, NULL, own_function, NULL, NULL);
        check_beside_locked_main(db, selects[i], "SELECT * FROM c");
        sqlite3_close(other);
        sqlite3_close(db);
    }
}

/* SQLite starts a statement over once for a schema found out of date while it is compiled: by then
** all of them have to be found. Found by the differential test. */
static void test_connected_with_outdated_schemas(void)
{
    static const char *const reads[][2] = {
        {"SELECT * FROM both", "SELECT t.a, upper(u.b) AS b FROM t JOIN aux.u AS u USING (a)"},
        {"SELECT * FROM one, two", "SELECT t.a, u.b FROM t, aux.u AS u"}};
    for (int i = 0; i < 3; i++) {
        sqlite3 *other;
        sqlite3 *db = open_pair(&other);
        run(db,
            "CREATE VIRTUAL TABLE temp.both USING cache((%s));"
            "CREATE VIRTUAL TABLE temp.one USING cache((SELECT a FROM t));"
            "CREATE VIRTUAL TABLE temp.two USING cache((SELECT b FROM aux.u))",
            reads[0][1]);
        lose_connected(db);
        run(other, "CREATE TABLE new_one(a); CREATE TABLE aux.new_one(a)");
        if (i == 2)
            run(db, "BEGIN");
        same(db, reads[i & 1][0], reads[i & 1][1],
             "two schemas are out of date when cached tables are connected");
        sqlite3_close(other);
        sqlite3_close(db);
    }
}

/* With the clock that counts it, and where that would cost a system call. */
static void test_asleep(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "CREATE TABLE s(x); INSERT INTO s VALUES (1);"
            "CREATE VIRTUAL TABLE temp.cs USING cache((SELECT x FROM main.s), ttl = '1 h')");
    for (int silent = 0; silent < 2; silent++) {
        sqlite3_free(rows(db, "SELECT * FROM cs"));
        same_as(db, "SELECT * FROM cs", "SELECT x FROM s", "hit", "a result within its ttl");
        ticks_sleep(3601 * TICKS_PER_SECOND, silent);
        same_as(db, "SELECT * FROM cs", "SELECT x FROM s", "miss", "ttl counts time asleep");
    }
    ticks_sleep(0, false);
    sqlite3_close(db);
}

int main(void)
{
    test_asleep();
    test_spilled_temp();
    test_no_locks();
    test_now_through_another();
    test_constant_by_name();
    test_full_text_elsewhere();
    test_functions_that_read();
    test_ad_hoc_in_use();
    test_columns_while_running();
    test_stored_by_others();
    test_many_columns_of_one_name();
    test_unrelated_databases();
    test_locked_and_outdated();
    test_parameters_in_plans();
    test_status_of_nested();
    test_closing_after_ad_hoc();
    test_many_arguments();
    test_exclusive_in_vain();
    test_looked_into_while_main_is_locked();
    test_connected_with_outdated_schemas();
    return tap_done();
}
