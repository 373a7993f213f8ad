/*
** The application's error log (SQLITE_CONFIG_LOG) hears of its own errors alone: what the extension
** tries out, and how it is told no, is not for it.
*/
#include <stdio.h>

#include "querycache.h"
#include "support.h"
#include "tap.h"

static int logged;
static char last_logged[300];

static void on_log(void *argument, int code, const char *text)
{
    (void)argument;
    logged++;
    snprintf(last_logged, sizeof last_logged, "(%d) %s", code, text);
}

static void is_silent(const char *what)
{
    char name[200];
    snprintf(name, sizeof name, "nothing is logged: %s", what);
    if (!tap_report(logged == 0, __FILE__, __LINE__, name))
        printf("#        got: %s\n", last_logged);
    logged = 0;
}

/* Plain ones, and what the cache refuses for one reason or another. */
static const char *const statements[] = {
    "SELECT a, b FROM t WHERE a = ?",
    "SELECT * FROM t AS x JOIN t AS y USING (a) ORDER BY 1",
    "SELECT count(*) FROM v",
    "SELECT random(), a FROM t",
    "SELECT date('now')",
    "SELECT 1",
    "SELECT a FROM temp.own",
    "SELECT name FROM sqlite_schema",
    "SELECT * FROM pragma_table_info('t')",
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 3) SELECT i FROM n, t",
    "SELECT a FROM t WHERE b = (SELECT max(b) FROM t AS u WHERE u.a = t.a)",
    "VALUES (1), (2)",
    "INSERT INTO t(b) VALUES ('three') RETURNING a",
    "PRAGMA user_version",
    "EXPLAIN SELECT a FROM t",
    "BEGIN; SELECT a FROM t; COMMIT",
};

static void prepared(sqlite3 *db, const char *sql)
{
    for (int i = 0; i < 3; i++) {
        sqlite3_stmt *stmt;
        const char *tail = sql;
        while (*tail != '\0' &&
               querycache_prepare_v2(db, tail, -1, &stmt, &tail, NULL) == SQLITE_OK) {
            while (sqlite3_step(stmt) == SQLITE_ROW)
                ;
            sqlite3_finalize(stmt);
        }
    }
    is_silent(sql);
}

int main(void)
{
    sqlite3_config(SQLITE_CONFIG_LOG, on_log, NULL);
    sqlite3 *plain = open_plain(fresh_file("log.db"), 0);
    run(plain,
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'one'), (2, 'two');"
        "CREATE VIEW v AS SELECT a FROM t");
    ok(try(plain, "SELECT nonsense") != SQLITE_OK, "an error of the application");
    is_int(logged, 1, "is logged");
    logged = 0;

    sqlite3 *db = open_cached(scratch_file("log.db"), 0);
    is_silent("a connection has the extension");
    querycache_init(db);
    is_silent("it is loaded once more");
    run(db, "CREATE VIRTUAL TABLE temp.c USING cache((SELECT b FROM main.t WHERE a = :a));"
            "SELECT * FROM c(1); SELECT * FROM c(1); CREATE TEMP TABLE own AS SELECT a FROM t");
    is_silent("a cached table is read");
    run(db, "SELECT cache_query('SELECT b FROM t WHERE a = ?', 2);"
            "SELECT * FROM cache_explain('SELECT random()'); SELECT * FROM cache_entries");
    is_silent("ad hoc, and looked at");
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        prepared(db, statements[i]);
    sqlite3_close(plain);
    is_int(sqlite3_close(db), SQLITE_OK, "all is closed");
    is_silent("closing");
    return tap_done();
}
