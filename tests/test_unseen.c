/*
** What the application sees of the extension's own work: how many statements its trace and profile
** callbacks hear of, and how often its authorizer is asked, beyond what plain SQLite does. The
** bounds are the figures of docs/guide.md.
*/
#include <stdio.h>
#include <string.h>

#include "querycache.h"
#include "support.h"
#include "tap.h"

static int traced;
static int profiled;
static int asked;

static int on_trace(unsigned kind, void *context, void *statement, void *text)
{
    (void)context, (void)statement, (void)text;
    traced += kind == SQLITE_TRACE_STMT;
    profiled += kind == SQLITE_TRACE_PROFILE;
    return 0;
}

static int on_authorize(void *context, int action, const char *a, const char *b, const char *c,
                        const char *d)
{
    (void)context, (void)action, (void)a, (void)b, (void)c, (void)d;
    asked++;
    return SQLITE_OK;
}

static void watch(sqlite3 *db)
{
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE, on_trace, NULL);
    sqlite3_set_authorizer(db, on_authorize, NULL);
    traced = profiled = asked = 0;
}

/* What came since the last look, printed; and none is above its bound. */
static void at_most(int most_traced, int most_profiled, int most_asked, const char *what)
{
    char name[200];
    snprintf(name, sizeof name, "%s: at most %d traced, %d profiled, %d questions", what,
             most_traced, most_profiled, most_asked);
    printf("# %s: %d traced, %d profiled, %d questions\n", what, traced, profiled, asked);
    ok(traced <= most_traced && profiled <= most_profiled && asked <= most_asked, name);
    traced = profiled = asked = 0;
}

static void read_all(sqlite3_stmt *statement)
{
    while (sqlite3_step(statement) == SQLITE_ROW)
        ;
    sqlite3_reset(statement);
}

static void test_cached_table(void)
{
    sqlite3 *db = open_cached(fresh_file("table.db"), 0);
    run(db, "PRAGMA journal_mode = WAL; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);"
            "INSERT INTO t VALUES (1, 'x'), (2, 'y')");
    watch(db);
    run(db, "CREATE VIRTUAL TABLE temp.c USING cache((SELECT b FROM main.t WHERE a < :a))");
    at_most(11, 19, 64, "the first cached table of a connection");
    run(db, "CREATE VIRTUAL TABLE temp.d USING cache((SELECT a FROM main.t WHERE b < :b))");
    at_most(9, 17, 62, "another");
    sqlite3_stmt *statement = prepare_plain(db, "SELECT * FROM c(7)");
    read_all(statement);
    read_all(statement);
    traced = profiled = asked = 0;
    read_all(statement);
    at_most(1, 1, 0, "a hit");
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static void test_prepared(void)
{
    static const char sql[] = "SELECT a, b FROM t WHERE b > 'a' ORDER BY b";
    sqlite3 *db = open_cached(fresh_file("prepared.db"), 0);
    run(db, "PRAGMA journal_mode = WAL; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);"
            "INSERT INTO t VALUES (1, 'x'), (2, 'y')");
    watch(db);
    sqlite3_stmt *statement = prepare_cached(db, sql);
    at_most(12, 16, 58, "the first statement that is prepared through the cache");
    read_all(statement);
    at_most(3, 3, 2, "a miss");
    read_all(statement);
    at_most(1, 1, 0, "a hit of a prepared statement");
    sqlite3_finalize(statement);
    statement = prepare_cached(db, "SELECT a, b FROM t WHERE b > 'b' ORDER BY b");
    at_most(3, 6, 34, "a new text");
    sqlite3_finalize(statement);
    statement = prepare_cached(db, sql);
    at_most(0, 0, 8, "a known text");
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static void test_loading(void)
{
    sqlite3 *db = open_plain(":memory:", 0);
    watch(db);
    querycache_init(db);
    at_most(1, 1, 1, "loading");
    run(db, "CREATE TABLE t(a)");
    traced = profiled = asked = 0;
    run(db, "INSERT INTO t VALUES (1)");
    at_most(1, 1, 1, "a write");
    sqlite3_close(db);
}

int main(void)
{
    test_loading();
    test_cached_table();
    test_prepared();
    return tap_done();
}
