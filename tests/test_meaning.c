/*
** Hazards of docs/exactness.md: a text that comes to mean something else, because names,
** functions, authorizers or columns changed.
*/
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hazards/tables.h"
#include "querycache.h"
#include "support.h"
#include "tap.h"

/* ---- names ---- */

/* Two files made alike have equal clocks: the alias tells nothing, and neither does the clock. */
static void test_twins(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    const char *paths[2] = {fresh_file("twin1.db"), fresh_file("twin2.db")};
    for (int i = 0; i < 2; i++) {
        sqlite3 *twin = open_plain(paths[i], 0);
        run(twin, "CREATE TABLE n(x); INSERT INTO n VALUES (%d)", i + 1);
        sqlite3_close(twin);
    }
    run(db, "ATTACH %Q AS twin", paths[0]);
    run(db, "CREATE VIRTUAL TABLE temp.cn USING cache((SELECT x FROM twin.n))");
    for (int i = 0; i < 4; i++) {
        same(db, "SELECT * FROM cn", "SELECT x FROM twin.n", "one alias, two files in turn");
        same(db, "SELECT * FROM cn", "SELECT x FROM twin.n", "and again");
        run(db, "DETACH twin; ATTACH %Q AS twin", paths[(i + 1) % 2]);
    }
    sqlite3_close(db);
}

static void test_two_aliases(void)
{
    sqlite3 *db = open_file("alias.db");
    run(db, "ATTACH %Q AS again", scratch_file("alias.db"));
    warm(db);
    run(db, "UPDATE again.t SET c = c + 1");
    same(db, "SELECT * FROM ct", T, "a write through another alias of the file is seen");
    sqlite3_close(db);
}

static void test_shadowing(void)
{
    sqlite3 *db = open_file("shadow.db");
    run(db, "CREATE VIRTUAL TABLE temp.bare USING cache((SELECT a, b FROM other))");
    same(db, "SELECT * FROM bare", "SELECT a, b FROM other", "a bare name is cached");
    run(db, "CREATE TEMP TABLE other(a INTEGER PRIMARY KEY, b TEXT); INSERT INTO temp.other VALUES "
            "(9, 't')");
    same(db, "SELECT * FROM bare", "SELECT a, b FROM other", "a temp table shadows it");
    run(db, "DROP TABLE temp.other");
    same(db, "SELECT * FROM bare", "SELECT a, b FROM other", "and is dropped");
    run(db, "BEGIN; CREATE TEMP VIEW other AS SELECT 5 AS a, 'v' AS b");
    char *got = rows(db, "SELECT * FROM bare");
    contains(got, "drop and create",
             "a temp view without types, not yet committed: the columns changed");
    sqlite3_free(got);
    run(db, "ROLLBACK");
    same(db, "SELECT * FROM bare", "SELECT a, b FROM other", "and is rolled back");
    run(db, "BEGIN; CREATE TEMP VIEW other AS SELECT a, b FROM main.t");
    same(db, "SELECT * FROM bare", "SELECT a, b FROM other", "a temp view, not yet committed");
    run(db, "ROLLBACK");
    same(db, "SELECT * FROM bare", "SELECT a, b FROM other", "and is rolled back");
    run(db, "ATTACH ':memory:' AS x; CREATE TABLE x.only(a, b); INSERT INTO x.only VALUES (1, 'x');"
            "CREATE VIRTUAL TABLE temp.co2 USING cache((SELECT a, b FROM only))");
    same(db, "SELECT * FROM co2", "SELECT a, b FROM only", "a table of an attached database");
    run(db, "BEGIN; CREATE TABLE main.only(a, b); INSERT INTO main.only VALUES (3, 'open')");
    same(db, "SELECT * FROM co2", "SELECT a, b FROM only", "a table in main hides it, uncommitted");
    run(db, "ROLLBACK");
    same(db, "SELECT * FROM co2", "SELECT a, b FROM only", "and rolled back");
    run(db, "CREATE TABLE main.only(a, b); INSERT INTO main.only VALUES (2, 'main')");
    same(db, "SELECT * FROM co2", "SELECT a, b FROM only", "a table made in main hides it");
    sqlite3_close(db);
}

/* PRAGMA temp_store throws all of temp away, and no statement hears of it. */
static void test_temp_thrown_away(void)
{
    static const char plain[] = "SELECT group_concat(b) FROM other";
    static const char asked[] = "SELECT json_extract(cache_query('SELECT group_concat(b) AS b "
                                "FROM other'), '$[0].b')";
    static const char *const stores[] = {"PRAGMA temp_store = MEMORY", "PRAGMA temp_store = FILE"};
    for (int i = 0; i < 4; i++) {
        sqlite3 *db = open_cached(fresh_file("thrown.db"), 0);
        bool stored = i >= 2;
        run(db, "CREATE TABLE other(b); INSERT INTO other VALUES ('main')");
        if (stored)
            run(db, "CREATE VIRTUAL TABLE main.cached USING cache((%s))", plain);
        run(db, "CREATE TEMP VIEW other AS SELECT 'v' AS b");
        for (int j = 0; j < 3; j++)
            same(db, stored ? "SELECT * FROM cached" : asked, plain, "a temp view hides a table");
        run(db, stores[i % 2]);
        same(db, stored ? "SELECT * FROM cached" : asked, plain, "and is thrown away");
        same(db, stored ? "SELECT * FROM cached" : asked, plain, "for good");
        sqlite3_close(db);
    }
}

static void test_view_behind_the_cache(void)
{
    sqlite3 *db = open_file("view.db");
    run(db, "CREATE VIEW best AS SELECT b, c FROM t ORDER BY c DESC");
    char *before = rows(db, "SELECT * FROM best");
    run(db, "CREATE VIRTUAL TABLE temp.best USING cache((SELECT * FROM main.best))");
    same(db, "SELECT * FROM best", "SELECT * FROM main.best", "a view is put behind the cache");
    same_as(db, "SELECT * FROM best", "SELECT * FROM main.best", "hit", "by its own name");
    run(db, "CREATE VIRTUAL TABLE temp.over USING cache((SELECT max(c) AS m FROM best))");
    same(db, "SELECT * FROM over", "SELECT max(c) FROM main.best",
         "a cached query over a cached table");
    run(db, "UPDATE t SET c = c + 1");
    same(db, "SELECT * FROM over", "SELECT max(c) FROM main.best",
         "depends on what that one reads");
    run(db, "DROP VIEW main.best; CREATE VIEW main.best AS SELECT b, c FROM t WHERE a = 1");
    same(db, "SELECT * FROM best", "SELECT * FROM main.best", "the view is made anew");
    sqlite3_free(before);
    sqlite3_close(db);
}

/* ---- functions ---- */

static void give_number(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    sqlite3_result_int(context, *(int *)sqlite3_user_data(context));
}

static void test_functions(void)
{
    static int one = 1, two = 2;
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    sqlite3 *db = open_file("functions.db");
    sqlite3_create_function(db, "num", 0, flags, &one, give_number, NULL, NULL);
    run(db, "CREATE VIRTUAL TABLE temp.cn USING cache((SELECT a, num() AS n FROM t))");
    same(db, "SELECT * FROM cn", "SELECT a, num() FROM t", "an application's function");
    same_as(db, "SELECT * FROM cn", "SELECT a, num() FROM t", "hit",
            "that is deterministic is cached");
    sqlite3_create_function(db, "num", 0, flags, &two, give_number, NULL, NULL);
    same(db, "SELECT * FROM cn", "SELECT a, num() FROM t", "redefined, it is called again");
    sqlite3_create_function(db, "num", 0, SQLITE_UTF8, &one, give_number, NULL, NULL);
    is_int(number(db, "SELECT count(*) FROM cache_entries WHERE cache = 'cn'"), 0,
           "and what was kept before is dropped");
    same_as(db, "SELECT * FROM cn", "SELECT a, num() FROM t", "bypass",
            "no longer deterministic, it is called each time");
    run(db, "CREATE VIRTUAL TABLE temp.cl USING cache((SELECT a FROM t WHERE b LIKE 'X'))");
    same(db, "SELECT * FROM cl", "SELECT a FROM t WHERE b LIKE 'X'", "LIKE");
    run(db, "PRAGMA case_sensitive_like = 1");
    same(db, "SELECT * FROM cl", "SELECT a FROM t WHERE b LIKE 'X'", "LIKE made case-sensitive");
    run(db, "CREATE VIRTUAL TABLE temp.cd USING cache((SELECT date(:d) AS d))");
    same(db, "SELECT * FROM cd('2024-01-01')", "SELECT date('2024-01-01')", "a date");
    same_as(db, "SELECT * FROM cd('2024-01-01')", "SELECT date('2024-01-01')", "hit", "is cached");
    same_as(db, "SELECT * FROM cd('now')", "SELECT date('now')", "bypass", "but not that of 'now'");
    same_as(db, "SELECT * FROM cd('NOW')", "SELECT date('now')", "bypass", "nor of 'NOW'");
    run(db, "CREATE VIRTUAL TABLE temp.cu USING cache((SELECT a FROM t LIMIT 1))");
    same(db, "SELECT * FROM cu", "SELECT a FROM t LIMIT 1", "LIMIT without ORDER BY");
    run(db, "PRAGMA reverse_unordered_selects = 1");
    same(db, "SELECT * FROM cu", "SELECT a FROM t LIMIT 1", "in reverse");
    sqlite3_close(db);
}

/* A function of the query that writes on the connection itself, in a savepoint that is rolled back
** later. */
static void write_inside(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    sqlite3 *db = sqlite3_context_db_handle(context);
    (void)argc, (void)argv;
    if (sqlite3_get_autocommit(db))
        run(db, "SAVEPOINT inside; INSERT INTO other(b) VALUES ('inside')");
    sqlite3_result_int(context, 0);
}

static void test_write_inside(void)
{
    sqlite3 *db = open_file("inside.db");
    sqlite3_create_function(db, "write_inside", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                            write_inside, NULL, NULL);
    run(db, "CREATE VIRTUAL TABLE temp.ci USING cache((SELECT write_inside(a) AS z,"
            "(SELECT count(*) FROM other WHERE a + t.a > 0) AS n FROM t))");
    sqlite3_free(rows(db, "SELECT * FROM ci"));
    run(db, "ROLLBACK");
    char *got =
        rows(db, "SELECT count(*) FROM ci WHERE n > 1 AND 1 IN (SELECT count(*) FROM other)");
    sqlite3_free(got);
    if (!sqlite3_get_autocommit(db))
        run(db, "ROLLBACK");
    is_int(number(db, "SELECT count(*) FROM cache_entries WHERE cache = 'ci'"), 0,
           "what was computed among own uncommitted writes is not kept");
    sqlite3_close(db);
}

static int ignore_column(void *context, int action, const char *a, const char *b, const char *c,
                         const char *d)
{
    (void)context, (void)c, (void)d;
    bool secret = action == SQLITE_READ && strcmp(a, "t") == 0 && strcmp(b, "c") == 0;
    return secret ? SQLITE_IGNORE : SQLITE_OK;
}

static void test_authorizer(void)
{
    sqlite3 *db = open_file("authorizer.db");
    run(db, "CREATE VIRTUAL TABLE temp.cx USING cache((SELECT a, c + 0 AS n FROM t))");
    for (int i = 0; i < 2; i++)
        sqlite3_free(rows(db, "SELECT * FROM cx"));
    sqlite3_set_authorizer(db, ignore_column, NULL);
    same(db, "SELECT * FROM cx", "SELECT a, c + 0 FROM t",
         "a column that an authorizer blanks is blank");
    sqlite3_set_authorizer(db, NULL, NULL);
    sqlite3_free(rows(db, "ANALYZE"));
    same(db, "SELECT * FROM cx", "SELECT a, c + 0 FROM t", "and shown again without it");
    sqlite3_close(db);
}

/* Whether it refuses or ignores, no table is made; and none is dropped. */
static int deny_tables(void *answer, int action, const char *a, const char *b, const char *c,
                       const char *d)
{
    (void)a, (void)b, (void)d;
    bool change = action == SQLITE_INSERT || action == SQLITE_DELETE;
    return change && strcmp(c, "temp") == 0 ? *(int *)answer : SQLITE_OK;
}

static void test_view_under_authorizer(void)
{
    sqlite3 *db = open_file("view.db");
    const char *tables = "SELECT count(*) FROM cache_definitions WHERE name = 'v'";
    run(db, "CREATE VIEW v AS SELECT a FROM t");
    for (int answer = SQLITE_DENY; answer <= SQLITE_IGNORE; answer++) {
        sqlite3_set_authorizer(db, deny_tables, &answer);
        is_int(try(db, "SELECT cache_view('v')"), SQLITE_AUTH,
               "cache_view() where an authorizer allows no such table is an error");
        contains(sqlite3_errmsg(db), "cache_view: ", "which says what failed");
        is_int(number(db, tables), 0, "and nothing is made");
        sqlite3_set_authorizer(db, NULL, NULL);
        run(db, "SELECT cache_view('v')");
        sqlite3_set_authorizer(db, deny_tables, &answer);
        is_int(try(db, "SELECT cache_unview('v')"), SQLITE_AUTH, "cache_unview() likewise");
        is_int(number(db, tables), 1, "and nothing is dropped");
        sqlite3_set_authorizer(db, NULL, NULL);
        same(db, "SELECT * FROM v", "SELECT * FROM main.v", "the view is behind the cache");
        run(db, "SELECT cache_unview('v')");
    }
    sqlite3_close(db);
}

/* ---- columns ---- */

/* The names of a query's columns, and its rows. */
static char *named_rows(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_str *text = sqlite3_str_new(NULL);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK) {
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            sqlite3_str_appendf(text, "%s ", sqlite3_column_name(statement, i));
    }
    sqlite3_finalize(statement);
    char *values = rows(db, sql);
    sqlite3_str_appendf(text, "\n%s", values);
    sqlite3_free(values);
    return sqlite3_str_finish(text);
}

/*
** The first read says that the columns changed. It also has SQLite read the schemas anew, after
** which the table is connected with the new columns, so that later reads may give the right rows
** under the right names.
*/
static void expect_columns_error(sqlite3 *db, const char *text)
{
    char *got = rows(db, "SELECT * FROM star");
    contains(got, "drop and create", text);
    sqlite3_free(got);
    got = named_rows(db, "SELECT * FROM star");
    char *plain = named_rows(db, "SELECT * FROM main.t");
    ok(strstr(got, "drop and create") != NULL || strcmp(got, plain) == 0,
       "and never a value under another name");
    sqlite3_free(got);
    sqlite3_free(plain);
}

/* A foreign change of the schema leaves our table connected, with the columns that it declared. */
static void test_columns_change(void)
{
    sqlite3 *db = open_file("columns.db");
    sqlite3 *foreign = open_plain(scratch_file("columns.db"), 0);
    run(db, "CREATE VIRTUAL TABLE temp.star USING cache((SELECT * FROM main.t))");
    same(db, "SELECT * FROM star", "SELECT * FROM main.t", "all columns");
    run(foreign, "ALTER TABLE t RENAME COLUMN c TO d");
    expect_columns_error(db, "a renamed column is an error that says what to do");
    run(foreign, "ALTER TABLE t RENAME COLUMN d TO c");
    expect_columns_error(db, "renamed back, it is another error");
    run(foreign, "ALTER TABLE t ADD COLUMN e");
    run(db, "DROP TABLE star; CREATE VIRTUAL TABLE temp.star USING cache((SELECT * FROM main.t))");
    same(db, "SELECT * FROM star", "SELECT * FROM main.t",
         "dropped and created, it has an added column, too");
    run(foreign, "CREATE TABLE late(x TEXT); INSERT INTO late VALUES ('l')");
    run(db, "CREATE VIRTUAL TABLE temp.cl USING cache((SELECT x FROM late))");
    same(db, "SELECT * FROM cl", "SELECT x FROM late",
         "a table made by another connection just before can be cached");
    sqlite3 *first = open_plain(scratch_file("columns.db"), 0);
    sqlite3_free(rows(first, "SELECT count(*) FROM t"));
    run(foreign, "CREATE TABLE later(x TEXT)");
    is_int(querycache_init(first), SQLITE_OK, "loaded where the schema in memory is out of date");
    run(first, "CREATE VIRTUAL TABLE temp.cl USING cache((SELECT x FROM later))");
    same(first, "SELECT * FROM cl", "SELECT x FROM later", "the first cached table of all");
    sqlite3_close(first);
    run(db, "ALTER TABLE t RENAME COLUMN c TO d");
    same(db, "SELECT d FROM star", "SELECT d FROM main.t",
         "an own ALTER connects the table again, with the new name");
    run(db, "DROP TABLE t");
    char *got = rows(db, "SELECT * FROM star");
    contains(got, "no such table: main.t", "a dropped table is SQLite's own error");
    sqlite3_free(got);
    is_int(try(db, "DROP TABLE star"), SQLITE_OK, "and the cached table can be dropped");
    sqlite3_close(foreign);
    sqlite3_close(db);
}

/* SQLite would free what a running INSERT still points to. */
static void test_schema_changed_under_writer(void)
{
    sqlite3 *db = open_file("under.db");
    sqlite3 *foreign = open_plain(scratch_file("under.db"), 0);
    run(db, "CREATE TEMP TABLE copy(a, b, c)");
    warm(db);
    run(foreign, "CREATE TABLE another(x); UPDATE t SET c = c + 1");
    ok(try(db, "INSERT INTO copy SELECT * FROM ct") != SQLITE_OK,
       "a schema changed by others is not read anew under a statement that writes");
    contains(sqlite3_errmsg(db), "run any SELECT on main", "the error says what to do");
    sqlite3_free(rows(db, "SELECT 1 FROM main.sqlite_master"));
    run(db, "INSERT INTO copy SELECT * FROM ct");
    same(db, "SELECT a, b, c FROM copy ORDER BY a", T, "after which it works");
    sqlite3_close(foreign);
    sqlite3_close(db);
}

int main(void)
{
    test_twins();
    test_two_aliases();
    test_shadowing();
    test_temp_thrown_away();
    test_view_behind_the_cache();
    test_functions();
    test_write_inside();
    test_authorizer();
    test_view_under_authorizer();
    test_columns_change();
    test_schema_changed_under_writer();
    return tap_done();
}
