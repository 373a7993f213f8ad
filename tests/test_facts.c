/*
** What is found out about a connection once, and kept (ext/query/facts.h): its functions, whose
** tables the root pages are, which shapes of SELECTs are refused. Each changes without a word of
** SQLite's.
*/
#include <stdlib.h>
#include <string.h>

#include "base/ticks.h"
#include "querycache.h"
#include "support.h"
#include "tap.h"

/* ---- functions ---- */

static void count_calls(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    int *calls = sqlite3_user_data(context);
    (void)argc, (void)argv;
    sqlite3_result_int(context, ++*calls);
}

static void give_4242(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    sqlite3_result_int(context, 4242);
}

static sqlite3 *open_numbers(const char *name)
{
    sqlite3 *db = open_cached(fresh_file(name), 0);
    run(db, "PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    return db;
}

#define ABS "SELECT json_extract(value, '$.x') FROM cache_rows('SELECT abs(a) AS x FROM t')"

/* SQLite takes it before its own, and expires no statement for it, as the encoding is another. */
static void test_hidden_function(void)
{
    int calls = 0;
    sqlite3 *db = open_numbers("hidden.db");
    sqlite3_free(rows(db, "SELECT * FROM cache_rows('SELECT upper(a) AS x FROM t')"));
    sqlite3_create_function(db, "abs", 1, SQLITE_UTF16, &calls, count_calls, NULL, NULL);
    char *got = rows(db, ABS);
    contains(got, "has not marked SQLITE_DETERMINISTIC",
             "a function that hides SQLite's own is not taken for that");
    sqlite3_free(got);
    sqlite3_stmt *statement = prepare_cached(db, "SELECT abs(a) AS x FROM t");
    ok(!is_prepared_cached(statement), "nor where it is prepared through the cache");
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static void test_hidden_on_one_connection(void)
{
    sqlite3 *db = open_numbers("one.db");
    sqlite3 *other = open_cached(scratch_file("one.db"), 0);
    sqlite3_free(rows(db, "SELECT * FROM cache_rows('SELECT upper(a) AS x FROM t')"));
    sqlite3_create_function(db, "abs", 1, SQLITE_UTF16 | SQLITE_DETERMINISTIC, NULL, give_4242,
                            NULL, NULL);
    same(db, ABS, "SELECT abs(a) FROM t", "its results are those of the connection that has it");
    same(other, ABS, "SELECT abs(a) FROM t", "and another one gets its own");
    same(db, ABS, "SELECT abs(a) FROM t", "now as then");
    sqlite3_close(other);
    sqlite3_close(db);
}

/* ---- root pages ---- */

#define READ(table)                                                                                \
    "SELECT json_extract(value, '$.x') FROM cache_rows('SELECT sum(a) AS x FROM " table "')"

/* One page is the root of one table after the other. */
static void test_pages_used_again(void)
{
    static const char *const ways[] = {
        "DROP TABLE t; CREATE TABLE u(a); INSERT INTO u VALUES (7); CREATE TABLE t(a);"
        "INSERT INTO t VALUES (8)",
        "BEGIN; DROP TABLE t; CREATE TABLE u(a); ROLLBACK; CREATE TABLE IF NOT EXISTS u(a)",
        "BEGIN; SAVEPOINT s; DROP TABLE t; CREATE TABLE u(a); ROLLBACK TO s; COMMIT;"
        "CREATE TABLE u(a)",
        "CREATE TABLE u(a); PRAGMA auto_vacuum = FULL; VACUUM; DROP TABLE t; CREATE TABLE t(a);"
        "INSERT INTO t VALUES (9)",
        "ALTER TABLE t RENAME TO v; CREATE TABLE u(a); CREATE TABLE t(a); DROP TABLE v",
        "DROP TABLE t; CREATE TABLE u(a); CREATE TABLE t(a PRIMARY KEY) WITHOUT ROWID",
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        sqlite3 *db = open_numbers("pages.db");
        sqlite3_free(rows(db, READ("t")));
        run(db, "%s", ways[i]);
        for (int round = 0; round < 3; round++) {
            same(db, READ("t"), "SELECT sum(a) FROM t", ways[i]);
            same(db, READ("u"), "SELECT sum(a) FROM u", "and the other table");
            run(db, "INSERT INTO t VALUES (%d); INSERT INTO u VALUES (%d)", 100 + round, round);
        }
        sqlite3_close(db);
    }
}

/* ---- what is refused ---- */

static bool is_cached(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = prepare_cached(db, sql);
    bool cached = is_prepared_cached(statement);
    sqlite3_finalize(statement);
    return cached;
}

static void test_refused_for_a_while(void)
{
    sqlite3 *db = open_numbers("refused.db");
    run(db, "CREATE VIEW v AS SELECT random() AS r, a FROM t");
    ok(!is_cached(db, "SELECT a, r FROM v WHERE a = 1"), "a view calls random()");
    ok(!is_cached(db, "SELECT a, r FROM v WHERE a = 2"), "so another text of the shape is refused");
    run(db, "DROP VIEW v; CREATE VIEW v AS SELECT 1 AS r, a FROM t");
    ticks_sleep(61 * TICKS_PER_SECOND, false);
    ok(is_cached(db, "SELECT a, r FROM v WHERE a = 1"),
       "it is not any more: after a while a text is looked into again");
    ok(is_cached(db, "SELECT a, r FROM v WHERE a = 3"), "and the others of the shape");
    ticks_sleep(0, false);
    sqlite3_close(db);
}

/* ---- errors ---- */

static void fail_to_read(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    sqlite3_result_error_code(context, SQLITE_IOERR_READ);
}

static void test_extended_codes(void)
{
    static const char *const reads[] = {"SELECT fails(a) FROM t", "SELECT * FROM c",
                                        "SELECT cache_query('SELECT fails(a) FROM t')",
                                        "SELECT * FROM cache_rows('SELECT fails(a) FROM t')"};
    sqlite3 *db = open_numbers("codes.db");
    sqlite3_create_function(db, "fails", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, fail_to_read,
                            NULL, NULL);
    run(db, "CREATE VIRTUAL TABLE temp.c USING cache((SELECT fails(a) AS x FROM t))");
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        sqlite3_stmt *statement = prepare_plain(db, reads[i]);
        sqlite3_step(statement);
        is_int(sqlite3_extended_errcode(db), SQLITE_IOERR_READ, reads[i]);
        sqlite3_finalize(statement);
    }
    sqlite3_close(db);
}

int main(void)
{
    test_hidden_function();
    test_hidden_on_one_connection();
    test_pages_used_again();
    test_refused_for_a_while();
    test_extended_codes();
    return tap_done();
}
