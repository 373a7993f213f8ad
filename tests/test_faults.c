/*
** What goes wrong while the cache is at work: a query that fails half way, is interrupted or
** finds the file locked; a cursor whose entry or table goes under it; connections closed at the
** wrong moment; stored definitions whose tables are gone. The error goes to the caller, nothing
** partial is kept, and afterwards everything is as right as before.
*/
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counting.h"
#include "querycache.h"
#include "support.h"
#include "tap.h"

#define SCHEMA                                                                                     \
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b, j);"                                                 \
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 9)"                \
    "  INSERT INTO t SELECT i, CASE i %% 3 WHEN 0 THEN zeroblob(i) ELSE "                          \
    "  printf('%%.*c', i, 'x') END, CASE i WHEN 5 THEN '{bad' ELSE '{\"v\":1}' END FROM n;"

#define T "SELECT a, b FROM main.t ORDER BY a"
#define CREATE_T "CREATE VIRTUAL TABLE temp.ct USING cache((SELECT a, b FROM main.t ORDER BY a));"

static sqlite3 *open_schema(const char *file, const char *mode)
{
    sqlite3 *db = open_cached(file != NULL ? fresh_file(file) : ":memory:", 0);
    run(db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = %s", mode);
    run(db, SCHEMA);
    return db;
}

/* Of the process, as another connection sees it, whatever is wrong with the one that is tested. */
static long long entries(void)
{
    static sqlite3 *observer;
    if (observer == NULL)
        observer = open_cached(":memory:", 0);
    return number(observer, "SELECT entries FROM cache_stats");
}

/* A reading of all rows of a query; its code, and the text of the error. */
static int read_all(sqlite3 *db, const char *sql, char text[200])
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW)
        rc = SQLITE_OK;
    snprintf(text, 200, "%s", rc == SQLITE_DONE ? "" : sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Both fail with that code and text, and nothing is kept of either. */
static void fails_alike(sqlite3 *db, const char *cached, const char *plain, int code,
                        const char *text)
{
    char got[200];
    char expected[200];
    long long before = entries();
    is_int(read_all(db, plain, expected), code, plain);
    is_int(read_all(db, cached, got), code, cached);
    contains(got, text, "with its text");
    contains(expected, text, "which is the query's own");
    is_int(entries(), before, "and nothing is kept");
}

/* ---- a query that fails half way ---- */

static int forbidden; /* the value at which the functions below do their worst */

static void fail_at(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    if (sqlite3_value_int(argv[0]) == forbidden)
        sqlite3_result_error(context, "this row is forbidden", -1);
    else
        sqlite3_result_value(context, argv[0]);
}

static void stop_at(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    if (sqlite3_value_int(argv[0]) == forbidden)
        sqlite3_interrupt(sqlite3_context_db_handle(context));
    sqlite3_result_value(context, argv[0]);
}

static void add_functions(sqlite3 *db)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    sqlite3_create_function_v2(db, "fail_at", 1, flags, NULL, fail_at, NULL, NULL, NULL);
    sqlite3_create_function_v2(db, "stop_at", 1, flags, NULL, stop_at, NULL, NULL, NULL);
}

#define SMALLEST "-9223372036854775807 - 1"

static void test_half_way(void)
{
    sqlite3 *db = open_schema("half.db", "WAL");
    add_functions(db);
    run(db,
        "CREATE VIRTUAL TABLE temp.co USING cache((SELECT a, CASE a WHEN 5 THEN abs(:v) ELSE b "
        "END AS x FROM t));"
        "CREATE VIRTUAL TABLE temp.cj USING cache((SELECT a, json_extract(j, '$.v') AS x FROM t "
        "WHERE a <> :skip));"
        "CREATE VIRTUAL TABLE temp.cf USING cache((SELECT a, fail_at(a) AS x FROM t))");
    fails_alike(db, "SELECT * FROM co(" SMALLEST ")",
                "SELECT a, CASE a WHEN 5 THEN abs(" SMALLEST ") ELSE b END FROM t", SQLITE_ERROR,
                "integer overflow");
    same(db, "SELECT * FROM co(-7)", "SELECT a, CASE a WHEN 5 THEN abs(-7) ELSE b END FROM t",
         "with another parameter it works");
    fails_alike(db, "SELECT * FROM cj(0)", "SELECT a, json_extract(j, '$.v') FROM t WHERE a <> 0",
                SQLITE_ERROR, "malformed JSON");
    same(db, "SELECT * FROM cj(5)", "SELECT a, json_extract(j, '$.v') FROM t WHERE a <> 5",
         "without the bad row it works");
    fails_alike(db, "SELECT cache_query('SELECT abs(?) FROM t', " SMALLEST ")",
                "SELECT abs(" SMALLEST ") FROM t", SQLITE_ERROR, "integer overflow");
    fails_alike(db, "SELECT value FROM cache_rows('SELECT json(j) FROM t')",
                "SELECT json(j) FROM t", SQLITE_ERROR, "malformed JSON");
    forbidden = 5;
    fails_alike(db, "SELECT * FROM cf", "SELECT a, fail_at(a) FROM t", SQLITE_ERROR,
                "this row is forbidden");
    forbidden = 0;
    same_as(db, "SELECT * FROM cf", "SELECT a, fail_at(a) FROM t", "miss", "the next read works");
    same_as(db, "SELECT * FROM cf", "SELECT a, fail_at(a) FROM t", "hit", "and is kept");
    run(db, "BEGIN; UPDATE t SET j = '{bad' WHERE a = 7");
    fails_alike(db, "SELECT * FROM cj(5)", "SELECT a, json_extract(j, '$.v') FROM t WHERE a <> 5",
                SQLITE_ERROR, "malformed JSON");
    run(db, "ROLLBACK");
    same(db, "SELECT * FROM cj(5)", "SELECT a, json_extract(j, '$.v') FROM t WHERE a <> 5",
         "what failed in a transaction works after its ROLLBACK");
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* ---- interrupts ---- */

static void test_interrupt(void)
{
    sqlite3 *db = open_schema("interrupt.db", "WAL");
    add_functions(db);
    run(db, "CREATE VIRTUAL TABLE temp.cs USING cache((SELECT a, stop_at(a) AS x FROM t))");
    forbidden = 5;
    fails_alike(db, "SELECT * FROM cs", "SELECT a, stop_at(a) FROM t", SQLITE_INTERRUPT,
                "interrupted");
    fails_alike(db, "SELECT cache_query('SELECT stop_at(a) FROM t')", "SELECT stop_at(a) FROM t",
                SQLITE_INTERRUPT, "interrupted");
    forbidden = 0;
    same_as(db, "SELECT * FROM cs", "SELECT a, stop_at(a) FROM t", "miss", "the next read works");
    same_as(db, "SELECT * FROM cs", "SELECT a, stop_at(a) FROM t", "hit", "and is kept");
    sqlite3_close(db);
}

static long ticks_left;

static int count_down(void *context)
{
    (void)context;
    return ticks_left > 0 && --ticks_left == 0;
}

/* A read that is interrupted at its n-th tick; true when it was. */
static bool interrupted_at(sqlite3 *db, long n, bool *good)
{
    char text[200];
    ticks_left = n;
    sqlite3_progress_handler(db, 1, count_down, NULL);
    int rc = read_all(db, "SELECT * FROM ct", text);
    bool was = ticks_left == 0;
    sqlite3_progress_handler(db, 0, NULL, NULL);
    char *got = rows(db, "SELECT * FROM ct");
    char *expected = rows(db, T);
    *good = (rc == SQLITE_OK || (was && rc == SQLITE_INTERRUPT)) && strcmp(got, expected) == 0;
    if (!*good)
        printf("# interrupted at %ld: code %d (%s)\n# got\n%s# expected\n%s", n, rc, text, got,
               expected);
    sqlite3_free(got);
    sqlite3_free(expected);
    return was;
}

static void test_progress(const char *mode)
{
    sqlite3 *db = open_schema("progress.db", mode);
    sqlite3 *other = open_plain(scratch_file("progress.db"), 0);
    static const char *const before[] = {"SELECT cache_clear()", "UPDATE t SET b = a",
                                         "ALTER TABLE t ADD COLUMN m%ld", "SELECT 1"};
    char name[120];
    run(db, CREATE_T);
    for (size_t i = 0; i < 2 * sizeof before / sizeof before[0]; i++) {
        bool was = true;
        bool good = true;
        bool foreign = i % 2 == 1 && i > 1;
        long n;
        for (n = 1; was && good; n += 1 + n / 60) {
            run(foreign ? other : db, before[i / 2], n);
            was = interrupted_at(db, n, &good);
        }
        snprintf(name, sizeof name, "%s: interrupted at any step after %s%s (up to %ld)", mode,
                 before[i / 2], foreign ? " by another" : "", n);
        ok(good, name);
        /* The next round adds columns of other names. */
        if (i / 2 == 2)
            run(db, "DROP TABLE t; " SCHEMA);
    }
    same_as(db, "SELECT * FROM ct", T, NULL, "then reads work");
    same_as(db, "SELECT * FROM ct", T, "hit", "and hit");
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
    sqlite3_close(other);
}

/* ---- a locked file ---- */

static void test_busy_rollback(void)
{
    sqlite3 *db = open_schema("busy.db", "DELETE");
    sqlite3 *other = open_plain(scratch_file("busy.db"), 0);
    run(db, CREATE_T "CREATE VIRTUAL TABLE temp.cb USING cache((SELECT b FROM main.t))");
    same(db, "SELECT * FROM ct", T, "a table is cached");
    char *before = rows(db, T);
    run(other, "BEGIN EXCLUSIVE; UPDATE t SET b = 'locked'");
    fails_alike(db, "SELECT * FROM cb", "SELECT b FROM main.t", SQLITE_BUSY, "database is locked");
    fails_alike(db, "SELECT cache_query('SELECT b FROM main.t')", "SELECT b FROM main.t",
                SQLITE_BUSY, "database is locked");
    is_int(try(db, "BEGIN; SELECT * FROM cb"), SQLITE_BUSY, "in a transaction as well");
    run(db, "ROLLBACK");
    char *during = rows(db, "SELECT * FROM ct");
    ok(strcmp(during, before) == 0 || strstr(during, "database is locked") != NULL,
       "what was cached before is served as it was, or not at all");
    run(other, "ROLLBACK");
    same(db, "SELECT * FROM ct", T, "after the other's ROLLBACK all is as before");
    same(db, "SELECT * FROM cb", "SELECT b FROM main.t", "and what was refused is read");
    run(other, "BEGIN EXCLUSIVE; UPDATE t SET b = 'changed'");
    sqlite3_free(during);
    during = rows(db, "SELECT * FROM ct");
    ok(strcmp(during, before) == 0 || strstr(during, "database is locked") != NULL,
       "under a second lock the same");
    run(other, "COMMIT");
    same(db, "SELECT * FROM ct", T, "after its COMMIT the new rows");
    same(db, "SELECT * FROM cb", "SELECT b FROM main.t", "of the other cached table too");
    sqlite3_free(before);
    sqlite3_free(during);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
    sqlite3_close(other);
}

/* A COMMIT that meets a reader's lock, and is tried again. */
static void test_busy_commit(void)
{
    sqlite3 *db = open_schema("commit.db", "DELETE");
    sqlite3 *other = open_plain(scratch_file("commit.db"), 0);
    sqlite3_stmt *reader = NULL;
    run(db, CREATE_T "SELECT * FROM ct; SELECT * FROM ct");
    sqlite3_prepare_v2(other, "SELECT * FROM t", -1, &reader, NULL);
    sqlite3_step(reader);
    run(db, "BEGIN; UPDATE t SET b = 'late'");
    is_int(try(db, "COMMIT"), SQLITE_BUSY, "a COMMIT meets a reader");
    same_as(db, "SELECT * FROM ct", T, "bypass", "the transaction sees its own rows");
    is_int(try(db, "COMMIT"), SQLITE_BUSY, "once more");
    sqlite3_finalize(reader);
    run(db, "COMMIT");
    same(db, "SELECT * FROM ct", T, "when it went through, they are read");
    run(db, "BEGIN; UPDATE t SET b = 'never'");
    sqlite3_prepare_v2(other, "SELECT * FROM t", -1, &reader, NULL);
    sqlite3_step(reader);
    is_int(try(db, "COMMIT"), SQLITE_BUSY, "another meets a reader");
    run(db, "ROLLBACK");
    same(db, "SELECT * FROM ct", T, "and is rolled back");
    sqlite3_finalize(reader);
    run(other, "UPDATE t SET b = 'foreign'");
    same(db, "SELECT * FROM ct", T, "the other's commit is not taken for it");
    sqlite3_close(other);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

static void test_busy_wal(void)
{
    sqlite3 *other = open_plain(fresh_file("busywal.db"), 0);
    run(other, "PRAGMA journal_mode = WAL; PRAGMA locking_mode = EXCLUSIVE");
    run(other, SCHEMA);
    sqlite3 *db = open_cached(scratch_file("busywal.db"), 0);
    char text[200];
    is_int(try(db, CREATE_T), SQLITE_BUSY, "an exclusively held WAL: creating fails");
    contains(sqlite3_errmsg(db), "locked", "with SQLite's text");
    fails_alike(db, "SELECT cache_query('SELECT a FROM main.t')", "SELECT a FROM main.t",
                SQLITE_BUSY, "database is locked");
    is_int(read_all(db, "SELECT * FROM cache_stats", text), SQLITE_BUSY,
           "an eponymous table belongs to main, and is as busy");
    sqlite3_close(other);
    run(db, CREATE_T);
    same(db, "SELECT * FROM ct", T, "when it is free again, all works");
    same_as(db, "SELECT * FROM ct", T, "hit", "and hits");
    sqlite3_close(db);
}

/* ---- what a cursor reads while its entry goes ---- */

struct act {
    const char *name;
    const char *sql;
    bool foreign; /* by another connection */
    int code;
};

static const struct act acts[] = {
    {"cache_clear()", "SELECT cache_clear()", false, SQLITE_OK},
    {"no room for it", "SELECT * FROM cp(2); SELECT * FROM cp(3); SELECT * FROM cp(4)", false,
     SQLITE_OK},
    {"no room in the store",
     "SELECT cache_configure('max_bytes', 1), cache_configure('max_bytes', '64 MiB')", false,
     SQLITE_OK},
    {"an own write", "UPDATE t SET b = 'own' WHERE a > 4", false, SQLITE_OK},
    {"a truncation", "DELETE FROM t", false, SQLITE_OK},
    {"another's write", "UPDATE t SET b = 'foreign'", true, SQLITE_OK},
    {"another's truncation", "DELETE FROM t", true, SQLITE_OK},
    {"a new column", "ALTER TABLE t ADD COLUMN more", false, SQLITE_OK},
    {"another's new column", "ALTER TABLE t ADD COLUMN more", true, SQLITE_OK},
    {"cache_invalidate_table()", "SELECT cache_invalidate_table('t')", false, SQLITE_OK},
    {"a DELETE of the entry", "DELETE FROM cache_entries", false, SQLITE_OK},
    {"DROP TABLE of the cached table", "DROP TABLE cp", false, SQLITE_LOCKED},
    {"DROP TABLE of what it reads", "DROP TABLE t", false, SQLITE_LOCKED},
    {"DROP TABLE by another", "DROP TABLE t", true, SQLITE_OK},
};

static void add_row(sqlite3_str *text, sqlite3_stmt *statement)
{
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        int size = sqlite3_column_bytes(statement, i);
        const unsigned char *bytes = sqlite3_column_blob(statement, i);
        sqlite3_str_appendf(text, "%d:%d:", sqlite3_column_type(statement, i), size);
        for (int j = 0; j < size; j++)
            sqlite3_str_appendf(text, "%02x", bytes[j]);
    }
    sqlite3_str_appendchar(text, 1, '\n');
}

/* Rows until the n-th, or to the end for 0; the last result code. */
static int step_some(sqlite3_stmt *statement, int n, sqlite3_str *text)
{
    int rc = SQLITE_ROW;
    for (int i = 0; (n == 0 || i < n) && rc == SQLITE_ROW; i++) {
        rc = sqlite3_step(statement);
        if (rc == SQLITE_ROW)
            add_row(text, statement);
    }
    return rc;
}

static char *whole(sqlite3 *db, const char *sql)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    step_some(statement, 0, text);
    sqlite3_finalize(statement);
    return sqlite3_str_finish(text);
}

static const char *act_name(const struct act *act, const char *text)
{
    static char name[160];
    snprintf(name, sizeof name, "%s while a cursor reads: %s", act->name, text);
    return name;
}

#define P "SELECT a, b FROM main.t WHERE a >= 1 ORDER BY a"

/* Half of the rows, the act, and the other half, which must be what they were. */
static void read_over(sqlite3 *db, sqlite3 *other, const struct act *act, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    char *expected = whole(db, sql);
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    is_int(step_some(statement, 4, text), SQLITE_ROW, act_name(act, "it is half way"));
    if (act->foreign)
        is_int(try(other, act->sql), act->code, act_name(act, "done"));
    else
        is_int(try(db, act->sql), act->code, act_name(act, "done"));
    is_int(step_some(statement, 0, text), SQLITE_DONE, act_name(act, "it goes on to its end"));
    char *got = sqlite3_str_finish(text);
    is_text(got, expected, act_name(act, "with the rows it began with"));
    sqlite3_finalize(statement);
    sqlite3_free(got);
    sqlite3_free(expected);
}

static void test_cursor(const struct act *act, bool warm)
{
    sqlite3 *db = open_schema("cursor.db", "WAL");
    sqlite3 *other = open_plain(scratch_file("cursor.db"), 0);
    run(db, "CREATE VIRTUAL TABLE temp.cp USING cache((SELECT a, b FROM main.t WHERE a >= :low "
            "ORDER BY a), max_entries = 1)");
    for (int i = 0; i < (warm ? 2 : 0); i++)
        run(db, "SELECT * FROM cp(1)");
    read_over(db, other, act, "SELECT a, b FROM cp(1)");
    if (act->code == SQLITE_LOCKED) {
        is_int(try(db, act->sql), SQLITE_OK, act_name(act, "it works afterwards"));
    } else if (strncmp(act->sql, "DROP", 4) != 0) {
        same(db, "SELECT a, b FROM cp(1)", P, act_name(act, "the next read is right"));
        /* After another's change of the schema it takes one more read until all is known again. */
        same(db, "SELECT a, b FROM cp(1)", P, act_name(act, "and once more"));
        same_as(db, "SELECT a, b FROM cp(1)", P, "hit", act_name(act, "and hits again"));
    } else {
        char *got = rows(db, "SELECT a, b FROM cp(1)");
        contains(got, "no such table", act_name(act, "the next read gives SQLite's error"));
        sqlite3_free(got);
    }
    is_int(sqlite3_close(db), SQLITE_OK, act_name(act, "the connection closes"));
    sqlite3_close(other);
}

/* Values that SQLite handed out before the entry went: their bytes are read under the sanitizer. */
static void test_values_outlive(void)
{
    sqlite3 *db = open_schema(NULL, "MEMORY");
    sqlite3_stmt *statement = NULL;
    run(db, CREATE_T "SELECT * FROM ct");
    sqlite3_prepare_v2(db, "SELECT b, max(a) FROM ct WHERE typeof(b) = 'text'", -1, &statement,
                       NULL);
    is_int(sqlite3_step(statement), SQLITE_ROW, "a text is read from a kept result");
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    run(db, "SELECT cache_clear(); UPDATE t SET b = NULL");
    is_int(text != NULL ? (long long)strlen(text) : -1, 8, "and is whole after the entry is gone");
    sqlite3_value *kept = sqlite3_value_dup(sqlite3_column_value(statement, 0));
    sqlite3_finalize(statement);
    run(db, "DROP TABLE ct");
    is_int(sqlite3_value_bytes(kept), 8, "also its copy, after the table is");
    sqlite3_value_free(kept);
    sqlite3_close(db);
}

/* ROLLBACK ends statements that read, or lets them go on: either way what follows is right. */
static void test_rollback_under_cursor(void)
{
    sqlite3 *db = open_schema("under.db", "WAL");
    sqlite3_stmt *statement = NULL;
    run(db, CREATE_T "BEGIN; UPDATE t SET b = 'own'");
    sqlite3_prepare_v2(db, "SELECT a, b FROM ct", -1, &statement, NULL);
    is_int(sqlite3_step(statement), SQLITE_ROW, "own rows are read");
    run(db, "ROLLBACK");
    int rc = sqlite3_step(statement);
    ok(rc == SQLITE_ROW || rc == SQLITE_ABORT, "a ROLLBACK under the cursor");
    sqlite3_finalize(statement);
    same(db, "SELECT * FROM ct", T, "afterwards the rows of before are read");
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* More texts than are kept prepared, so that the one being read is dropped. */
static void test_ad_hoc_cursor(void)
{
    sqlite3 *db = open_schema(NULL, "MEMORY");
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_stmt *statement = NULL;
    const char *sql = "SELECT row, value FROM cache_rows('SELECT a, b FROM t WHERE a > ?', 1)";
    char *expected = whole(db, sql);
    sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    step_some(statement, 3, text);
    run(db, "SELECT cache_clear()");
    for (int i = 0; i < 200; i++)
        run(db, "SELECT cache_query('SELECT a + %d FROM t')", i);
    is_int(step_some(statement, 0, text), SQLITE_DONE, "cache_rows goes on when its query is gone");
    char *got = sqlite3_str_finish(text);
    is_text(got, expected, "with the rows it began with");
    sqlite3_free(got);
    sqlite3_free(expected);
    sqlite3_finalize(statement);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* ---- closing ---- */

static void use_everything(sqlite3 *db)
{
    run(db, SCHEMA CREATE_T
        "CREATE VIRTUAL TABLE main.stored USING cache((SELECT a FROM t WHERE a > :a));"
        "SELECT * FROM ct; SELECT * FROM ct; SELECT * FROM stored(3);"
        "SELECT cache_query('SELECT a FROM t WHERE a = ?', 2);"
        "SELECT * FROM cache_rows('SELECT a FROM t'); SELECT * FROM cache_explain('SELECT 1');"
        "SELECT * FROM cache_entries; SELECT * FROM cache_tables; SELECT * FROM cache_definitions;"
        "BEGIN; UPDATE t SET b = 1; SELECT * FROM ct; COMMIT; SELECT * FROM ct");
}

static void test_close(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    sqlite3_stmt *statement = NULL;
    use_everything(db);
    sqlite3_prepare_v2(db, "SELECT * FROM ct", -1, &statement, NULL);
    sqlite3_step(statement);
    is_int(sqlite3_close(db), SQLITE_BUSY, "closing waits for a statement that reads");
    sqlite3_reset(statement);
    is_int(sqlite3_close(db), SQLITE_BUSY, "and for one that is only prepared");
    same(db, "SELECT * FROM ct", T, "the connection goes on: a cached read is right");
    same_as(db, "SELECT * FROM ct", T, "hit", "and hits");
    run(db, "UPDATE t SET b = 'after' WHERE a = 1");
    same_as(db, "SELECT * FROM ct", T, "miss", "a write is seen");
    same(db, "SELECT * FROM stored(3)", "SELECT a FROM t WHERE a > 3", "a stored one works too");
    is_int(sqlite3_step(statement), SQLITE_ROW, "the statement can be used again");
    sqlite3_finalize(statement);
    is_int(sqlite3_close(db), SQLITE_OK, "when it is finalized the connection closes");

    db = open_cached(":memory:", 0);
    run(db, SCHEMA "SELECT cache_query('SELECT a FROM t')");
    sqlite3_prepare_v2(db, "SELECT a FROM t", -1, &statement, NULL);
    is_int(sqlite3_close(db), SQLITE_BUSY, "ad hoc queries alone: closing waits");
    same(db, "SELECT cache_query('SELECT count(*) AS n FROM t')", "SELECT '[{\"n\":9}]'",
         "the connection goes on");
    sqlite3_finalize(statement);
    is_int(sqlite3_close(db), SQLITE_OK, "and closes");
}

static void test_zombie(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_stmt *statement = NULL;
    sqlite3_stmt *fresh = NULL;
    use_everything(db);
    char *expected = whole(db, "SELECT * FROM ct");
    sqlite3_prepare_v2(db, "SELECT * FROM ct", -1, &statement, NULL);
    sqlite3_prepare_v2(db, "SELECT * FROM ct WHERE a > 0", -1, &fresh, NULL);
    step_some(statement, 4, text);
    is_int(sqlite3_close_v2(db), SQLITE_OK, "a connection is closed under a statement");
    is_int(step_some(statement, 0, text), SQLITE_DONE, "which goes on to its end");
    char *got = sqlite3_str_finish(text);
    is_text(got, expected, "with the right rows");
    sqlite3_free(got);
    text = sqlite3_str_new(NULL);
    is_int(step_some(fresh, 0, text), SQLITE_DONE, "one that had not begun reads, too");
    got = sqlite3_str_finish(text);
    is_text(got, expected, "the right rows");
    sqlite3_free(got);
    sqlite3_free(expected);
    sqlite3_finalize(statement);
    sqlite3_finalize(fresh);
}

static void test_loading(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    use_everything(db);
    is_int(querycache_init(db), SQLITE_OK, "the extension is loaded a second time");
    is_int(sqlite3_querycache_init(db, NULL, NULL), SQLITE_OK, "and a third, by its entry point");
    same_as(db, "SELECT * FROM ct", T, "hit", "what was cached is there");
    run(db, "UPDATE t SET b = 'twice'");
    same_as(db, "SELECT * FROM ct", T, "miss", "and writes are seen");
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");

    db = open_cached(":memory:", 0);
    use_everything(db);
    is_int(sqlite3_drop_modules(db, NULL), SQLITE_OK, "all modules are dropped");
    char *got = rows(db, "SELECT * FROM ct");
    char *expected = rows(db, T);
    ok(strcmp(got, expected) == 0 || strstr(got, "no such module") != NULL,
       "a cached table is right, or not there");
    sqlite3_free(got);
    sqlite3_free(expected);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

static void test_many_connections(void)
{
    const char *path = fresh_file("many.db");
    sqlite3 *first = open_plain(path, 0);
    run(first, "PRAGMA journal_mode = WAL");
    run(first, SCHEMA);
    int64_t live = 0;
    sqlite3_int64 sqlite_live = 0;
    bool good = true;
    for (int i = 0; i < 120 && good; i++) {
        sqlite3 *db = open_cached(path, 0);
        run(db,
            CREATE_T "SELECT * FROM ct; SELECT cache_query('SELECT count(*) FROM t');"
                     "UPDATE t SET b = %d WHERE a = 2; SELECT * FROM ct",
            i);
        if (i % 3 == 0)
            run(db, "BEGIN; UPDATE t SET b = 'lost'; SELECT * FROM ct");
        good = sqlite3_close(db) == SQLITE_OK;
        if (i == 9) {
            live = counting_bytes;
            sqlite_live = sqlite3_memory_used();
        }
    }
    ok(good, "many connections are opened, used and closed, some in a transaction");
    is_int(counting_bytes, live, "and none leaves memory of the extension behind");
    is_int(sqlite3_memory_used(), sqlite_live, "nor of SQLite");
    sqlite3_close(first);
}

/* ---- stored definitions ---- */

#define STORED "CREATE VIRTUAL TABLE main.stored USING cache((SELECT a, b FROM t WHERE a < :top))"

static void test_stored(void)
{
    sqlite3 *db = open_schema("stored.db", "WAL");
    run(db, STORED);
    sqlite3_close(db);
    db = open_cached(scratch_file("stored.db"), 0);
    same(db, "SELECT * FROM stored(5)", "SELECT a, b FROM t WHERE a < 5",
         "a stored definition is there when its file is opened again");
    same_as(db, "SELECT * FROM stored(5)", "SELECT a, b FROM t WHERE a < 5", "hit", "and hits");
    sqlite3 *other = open_plain(scratch_file("stored.db"), 0);
    run(other, "DROP TABLE t");
    char *got = rows(db, "SELECT * FROM stored(5)");
    contains(got, "no such table: ", "its table is dropped by another: reads give SQLite's error");
    sqlite3_free(got);
    sqlite3 *third = open_cached(scratch_file("stored.db"), 0);
    got = rows(third, "SELECT * FROM stored(5)");
    contains(got, "no such table: ", "a connection that never saw the table connects all the same");
    sqlite3_free(got);
    run(other, SCHEMA);
    same(db, "SELECT * FROM stored(5)", "SELECT a, b FROM t WHERE a < 5",
         "when the table is back, so are the rows");
    same(third, "SELECT * FROM stored(5)", "SELECT a, b FROM t WHERE a < 5", "on both connections");
    run(other, "DROP TABLE t; CREATE TABLE t(b, a)");
    same(db, "SELECT * FROM stored(5)", "SELECT a, b FROM t WHERE a < 5",
         "other columns behind the same names");
    run(other, "ALTER TABLE t RENAME COLUMN b TO c");
    got = rows(third, "SELECT * FROM stored(5)");
    contains(got, "no such column: b", "a column is gone: SQLite's error");
    sqlite3_free(got);
    run(third, "DROP TABLE stored");
    got = rows(db, "SELECT * FROM stored(5)");
    contains(got, "no such table: stored", "DROP TABLE works, for all connections");
    sqlite3_free(got);
    is_int(sqlite3_close(third), SQLITE_OK, "the connections close");
    is_int(sqlite3_close(db), SQLITE_OK, "all of them");
    sqlite3_close(other);
}

static void test_stored_drop(void)
{
    sqlite3 *db = open_schema("stored2.db", "DELETE");
    run(db, STORED "; SELECT * FROM stored(2)");
    sqlite3 *other = open_plain(scratch_file("stored2.db"), 0);
    run(other, "DROP TABLE t");
    run(db, "DROP TABLE stored");
    is_int(number(db, "SELECT count(*) FROM sqlite_master WHERE name = 'stored'"), 0,
           "DROP TABLE works while the table below is gone");
    run(db, SCHEMA STORED);
    char *got = rows(other, "SELECT * FROM stored(2)");
    contains(got, "no such module: cache", "without the extension a stored one is not read");
    sqlite3_free(got);
    is_int(number(other, "SELECT count(*) FROM t"), 9, "but the tables beside it are");
    sqlite3_close(other);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

int main(void)
{
    counting_start();
    test_half_way();
    test_interrupt();
    test_progress("WAL");
    test_progress("DELETE");
    test_busy_rollback();
    test_busy_commit();
    test_busy_wal();
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        test_cursor(&acts[i], false);
        test_cursor(&acts[i], true);
    }
    test_values_outlive();
    test_rollback_under_cursor();
    test_ad_hoc_cursor();
    int64_t live = counting_bytes;
    test_close();
    test_zombie();
    test_loading();
    is_int(counting_bytes, live, "nothing is left of all these");
    test_many_connections();
    test_stored();
    test_stored_drop();
    return tap_done();
}
