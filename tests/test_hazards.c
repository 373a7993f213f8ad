/*
** Hazards of docs/exactness.md: what a connection itself writes, in every way there is, and
** the hooks that should name it. After each, a cached read equals the query itself, and where the
** entry must have survived, it is still a hit.
*/
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hazards/tables.h"
#include "querycache.h"
#include "support.h"
#include "tap.h"

static const struct place places[] = {
    {"WAL", "wal.db", "PRAGMA journal_mode = WAL"},
    {"rollback", "rollback.db", "PRAGMA journal_mode = DELETE"},
    {"EXCLUSIVE", "exclusive.db", "PRAGMA locking_mode = EXCLUSIVE"},
    {"EXCLUSIVE WAL", "exclusive-wal.db",
     "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL"},
    {"memory", NULL, "SELECT 1"},
};

/* ---- own writes ---- */

static const struct {
    const char *name;
    const char *sql;
} own_writes[] = {
    {"INSERT", "INSERT INTO t(b, c) VALUES ('n', 40)"},
    {"UPDATE", "UPDATE t SET c = c + 1"},
    {"DELETE", "DELETE FROM t WHERE a = 2"},
    {"REPLACE", "REPLACE INTO t VALUES (1, 'r', 99)"},
    {"UPSERT", "INSERT INTO t VALUES (1, 'u', 7) ON CONFLICT(a) DO UPDATE SET c = c + 100"},
    {"INSERT … SELECT", "INSERT INTO t(b, c) SELECT b, c FROM t"},
    {"UPDATE of a WITHOUT ROWID table", "UPDATE w SET v = v + 1"},
    {"a write to a WITHOUT ROWID table beside others",
     "BEGIN; INSERT INTO other(b) VALUES ('p'); UPDATE w SET v = v + 1; COMMIT"},
    {"truncation", "DELETE FROM t"},
    {"truncation beside another write",
     "BEGIN; DELETE FROM other; INSERT INTO t VALUES (5, 'e', 5); COMMIT"},
    {"a savepoint rolled back",
     "BEGIN; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; RELEASE s; COMMIT"},
    {"ROLLBACK", "BEGIN; DELETE FROM t; UPDATE w SET v = 77; ROLLBACK"},
    {"a write that changes nothing", "UPDATE t SET c = c"},
    {"UPDATE … WHERE 0", "UPDATE t SET c = 0 WHERE 0"},
    {"an empty transaction", "BEGIN IMMEDIATE; COMMIT"},
    {"DROP and CREATE TABLE AS",
     "BEGIN; DROP TABLE t; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c INT);"
     "INSERT INTO t VALUES (8, 'drop', 8); INSERT INTO other(b) VALUES ('q'); COMMIT"},
    {"CREATE INDEX beside an insert",
     "BEGIN; CREATE INDEX i ON t(b); INSERT INTO other(b) VALUES ('r'); COMMIT"},
};

static void test_own_writes(const struct place *place)
{
    sqlite3 *db = open_place(place);
    for (size_t i = 0; i < sizeof own_writes / sizeof own_writes[0]; i++) {
        warm(db);
        run(db, own_writes[i].sql);
        check_all(db, place->name, own_writes[i].name);
    }
    run(db, "DELETE FROM t; INSERT INTO t VALUES (1, 'x', 1)");
    warm(db);
    run(db, "INSERT INTO other(b) VALUES ('only other')");
    same_as(db, "SELECT * FROM ct", T, "hit",
            name(place->name, "a write to one table leaves another"));
    same_as(db, "SELECT * FROM co", OTHER, "miss", name(place->name, "and ends its own"));
    same_as(db, "SELECT * FROM cw", W, "miss", name(place->name, "and WITHOUT ROWID tables"));
    sqlite3_close(db);
}

static void test_transactions(const struct place *place)
{
    sqlite3 *db = open_place(place);
    warm(db);
    run(db, "BEGIN");
    same_as(db, "SELECT * FROM ct", T, "hit",
            name(place->name, "inside BEGIN an unchanged table hits"));
    run(db, "INSERT INTO t VALUES (50, 'own', 1)");
    same_as(db, "SELECT * FROM ct", T, "bypass",
            name(place->name, "own uncommitted rows are seen"));
    run(db, "ROLLBACK");
    same(db, "SELECT * FROM ct", T, name(place->name, "and gone after ROLLBACK"));
    run(db, "BEGIN; SAVEPOINT s; DELETE FROM t WHERE a = 1");
    same(db, "SELECT * FROM ct", T, name(place->name, "inside a savepoint"));
    run(db, "ROLLBACK TO s");
    same(db, "SELECT * FROM ct", T, name(place->name, "after ROLLBACK TO"));
    run(db, "COMMIT");
    same(db, "SELECT * FROM ct", T, name(place->name, "after its COMMIT"));
    run(db, "BEGIN; INSERT INTO other VALUES (60, 'f')");
    ok(try(db, "INSERT INTO t VALUES (61, 'g', 1), (1, 'fails', 1)") != SQLITE_OK,
       name(place->name, "a statement fails half way"));
    same(db, "SELECT * FROM ct", T, name(place->name, "after it, inside BEGIN"));
    run(db, "COMMIT");
    check_all(db, place->name, "after it, committed");
    char *got = rows(db, "INSERT INTO t VALUES (70, 'ret', 1) RETURNING (SELECT count(*) FROM ct)");
    ok(strstr(got, "error") == NULL, name(place->name, "a cached read in RETURNING works"));
    sqlite3_free(got);
    check_all(db, place->name, "after RETURNING");
    sqlite3_close(db);
}

/* ---- triggers, foreign keys, full text ---- */

static void test_indirect_writes(void)
{
    sqlite3 *db = open_file("indirect.db");
    run(db, "PRAGMA foreign_keys = ON;"
            "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
            "CREATE TABLE child(id INTEGER PRIMARY KEY, p REFERENCES parent ON DELETE CASCADE);"
            "INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1, 1), (2, 2);"
            "CREATE TABLE log(n INTEGER PRIMARY KEY AUTOINCREMENT, what);"
            "CREATE TRIGGER tr AFTER INSERT ON other BEGIN INSERT INTO log(what) VALUES (new.b);"
            "  UPDATE w SET v = v + 1; END;"
            "CREATE VIEW v AS SELECT a, b FROM t;"
            "CREATE TRIGGER io INSTEAD OF INSERT ON v BEGIN INSERT INTO t(b) VALUES (new.b); END;"
            "CREATE VIRTUAL TABLE temp.cc USING cache((SELECT * FROM child));"
            "CREATE VIRTUAL TABLE temp.cl USING cache((SELECT * FROM log));"
            "CREATE VIRTUAL TABLE temp.cv USING cache((SELECT * FROM v));"
            "CREATE VIRTUAL TABLE temp.cs USING cache((SELECT name, seq FROM sqlite_sequence))");
    same(db, "SELECT * FROM cc", "SELECT * FROM child", "children are cached");
    same(db, "SELECT * FROM cs", "SELECT name, seq FROM sqlite_sequence", "sqlite_sequence");
    run(db, "DELETE FROM parent WHERE id = 1");
    same(db, "SELECT * FROM cc", "SELECT * FROM child", "a foreign key's cascade is seen");
    warm(db);
    same(db, "SELECT * FROM cl", "SELECT * FROM log", "a log is cached");
    run(db, "INSERT INTO other(b) VALUES ('fires')");
    same(db, "SELECT * FROM cl", "SELECT * FROM log", "a trigger's insert is seen");
    same(db, "SELECT * FROM cs", "SELECT name, seq FROM sqlite_sequence",
         "so is what AUTOINCREMENT writes");
    same(db, "SELECT * FROM cw", W, "and a trigger's write to a WITHOUT ROWID table");
    same(db, "SELECT * FROM cv", "SELECT * FROM v", "a view is cached");
    run(db, "INSERT INTO v VALUES (1, 'instead')");
    same(db, "SELECT * FROM cv", "SELECT * FROM v", "an INSTEAD OF trigger's write is seen");
    sqlite3_close(db);
}

static void test_full_text(void)
{
    sqlite3 *db = open_file("fts.db");
    run(db, "CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES ('one two'), ('two');"
            "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); INSERT INTO r VALUES (1, 0, 1);"
            "CREATE VIRTUAL TABLE temp.cf USING cache((SELECT rowid, body FROM f WHERE f MATCH :q "
            "ORDER BY bm25(f)));"
            "CREATE VIRTUAL TABLE temp.cr USING cache((SELECT id FROM r WHERE x0 <= 5))");
    same(db, "SELECT * FROM cf('two')",
         "SELECT rowid, body FROM f WHERE f MATCH 'two' ORDER BY bm25(f)",
         "a full-text search is cached");
    same_as(db, "SELECT * FROM cf('two')",
            "SELECT rowid, body FROM f WHERE f MATCH 'two' ORDER BY bm25(f)", "hit", "and hits");
    run(db, "INSERT INTO f VALUES ('two two two')");
    same(db, "SELECT * FROM cf('two')",
         "SELECT rowid, body FROM f WHERE f MATCH 'two' ORDER BY bm25(f)",
         "a write to the index ends it");
    same(db, "SELECT * FROM cr", "SELECT id FROM r WHERE x0 <= 5", "an R-Tree is cached");
    run(db, "INSERT INTO r VALUES (2, 3, 4)");
    same(db, "SELECT * FROM cr", "SELECT id FROM r WHERE x0 <= 5", "a write to the R-Tree ends it");
    sqlite3_close(db);
}

/* ---- writes that no hook names ---- */

static void test_blob_write(const struct place *place)
{
    sqlite3 *db = open_place(place);
    sqlite3_blob *blob = NULL;
    warm(db);
    sqlite3_blob_open(db, "main", "t", "b", 1, 1, &blob);
    is_int(sqlite3_blob_write(blob, "B", 1, 0), SQLITE_OK, "a blob write");
    sqlite3_blob_close(blob);
    same(db, "SELECT * FROM ct", T, name(place->name, "alone in its transaction it is seen"));
    sqlite3_close(db);
}

/* Same root page, same columns, other rows, and the only table that the hook names is another. */
static void test_table_made_anew(void)
{
    sqlite3 *db = open_cached(fresh_file("anew.db"), 0);
    run(db, "PRAGMA journal_mode = WAL; CREATE TABLE o(x);"
            "CREATE TABLE t AS SELECT 1 AS a, 'old' AS b;"
            "CREATE VIRTUAL TABLE temp.ct USING cache((SELECT a, b FROM main.t))");
    same(db, "SELECT * FROM ct", "SELECT a, b FROM main.t", "a table is cached");
    run(db, "BEGIN; DROP TABLE t; CREATE TABLE t AS SELECT 2 AS a, 'new' AS b;"
            "INSERT INTO o VALUES (1); COMMIT");
    same(db, "SELECT * FROM ct", "SELECT a, b FROM main.t",
         "dropped and made anew, it is read anew");
    sqlite3_close(db);
}

/* ---- the hooks ---- */

static int foreign_hook_calls;

static void count_updates(void *context, int op, const char *schema, const char *table,
                          sqlite3_int64 rowid)
{
    (void)context, (void)op, (void)schema, (void)table, (void)rowid;
    foreign_hook_calls++;
}

static int count_commits(void *context)
{
    (void)context;
    foreign_hook_calls++;
    return 0;
}

static void count_rollbacks(void *context)
{
    (void)context;
    foreign_hook_calls++;
}

static void test_hooks_taken_over(void)
{
    sqlite3 *db = open_file("hooks.db");
    warm(db);
    run(db, "BEGIN; INSERT INTO other(b) VALUES ('seen')");
    sqlite3_update_hook(db, count_updates, NULL);
    run(db, "UPDATE t SET c = c + 1; COMMIT");
    same(db, "SELECT * FROM ct", T,
         "the update hook is taken in mid-transaction: its writes are seen");
    run(db, "UPDATE t SET c = c + 1");
    same(db, "SELECT * FROM ct", T, "and later ones");
    same_as(db, "SELECT * FROM ct", T, "hit", "hits go on");
    is_int(querycache_init(db), SQLITE_OK, "the extension is loaded again");
    foreign_hook_calls = 0;
    warm(db);
    run(db, "INSERT INTO other(b) VALUES ('again')");
    is_int(foreign_hook_calls, 1, "the application's hook, found there, is still called");
    same_as(db, "SELECT * FROM ct", T, "hit", "and one table's write again spares the others");
    run(db, "BEGIN");
    sqlite3_update_hook(db, count_updates, NULL);
    run(db, "UPDATE t SET c = c + 1");
    querycache_init(db);
    run(db, "INSERT INTO other(b) VALUES ('once more'); COMMIT");
    same(db, "SELECT * FROM ct", T, "taken and loaded again in one transaction");
    sqlite3_commit_hook(db, count_commits, NULL);
    run(db, "UPDATE t SET c = c + 1");
    same(db, "SELECT * FROM ct", T, "the commit hook is taken");
    sqlite3_rollback_hook(db, count_rollbacks, NULL);
    run(db, "BEGIN; UPDATE t SET c = 0; ROLLBACK; UPDATE t SET c = c + 5");
    same(db, "SELECT * FROM ct", T, "the rollback hook is taken");
    sqlite3_close(db);
}

/* An empty commit leaves the clock alone, and so must not make the next one unknown. */
static void test_empty_commits(void)
{
    static const char *const empty[] = {"BEGIN IMMEDIATE; COMMIT", "UPDATE t SET c = 0 WHERE 0",
                                        "UPDATE t SET c = c"};
    sqlite3 *db = open_file("nothing.db");
    run(db, "UPDATE t SET c = c + 1");
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(db, "SELECT * FROM co", -1, &statement, NULL);
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        warm(db);
        for (int j = 0; j < 3; j++) {
            run(db, empty[i]);
            while (sqlite3_step(statement) == SQLITE_ROW)
                continue;
            sqlite3_reset(statement);
        }
        is_text(status(db), "hit", "a commit that wrote nothing ends nothing");
        run(db, "INSERT INTO t(c) VALUES (1)");
        same_as(db, "SELECT * FROM co", OTHER, "hit", "and the next one only what it wrote");
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static void test_hooks_before_load(void)
{
    sqlite3 *db = open_plain(":memory:", 0);
    foreign_hook_calls = 0;
    sqlite3_update_hook(db, count_updates, NULL);
    sqlite3_commit_hook(db, count_commits, NULL);
    sqlite3_rollback_hook(db, count_rollbacks, NULL);
    querycache_init(db);
    run(db, SCHEMA);
    foreign_hook_calls = 0;
    run(db, "INSERT INTO other(b) VALUES ('x')");
    is_int(foreign_hook_calls, 2, "hooks that were there before are called on: update and commit");
    run(db, "BEGIN; INSERT INTO other(b) VALUES ('y'); ROLLBACK");
    is_int(foreign_hook_calls, 4, "and rollback");
    sqlite3_close(db);
}

static void test_load_in_mid_transaction(void)
{
    sqlite3 *db = open_plain(fresh_file("late.db"), 0);
    run(db, SCHEMA "BEGIN; UPDATE t SET c = -1");
    querycache_init(db);
    run(db, CACHES);
    same(db, "SELECT * FROM ct", T, "loaded in mid-transaction: own writes are seen");
    run(db, "INSERT INTO other(b) VALUES ('named'); COMMIT");
    same(db, "SELECT * FROM ct", T, "and after COMMIT");
    sqlite3_close(db);
}

/* The list of databases is made at the first read: a transaction begun before it may have written
** anything. */
static void test_attached_in_mid_transaction(void)
{
    const char *path = fresh_file("aux.db");
    sqlite3 *db = open_file("main.db");
    run(db,
        "ATTACH %Q AS aux; CREATE TABLE aux.n(x INTEGER PRIMARY KEY, y); INSERT INTO aux.n VALUES "
        "(1, 1);"
        "CREATE TABLE aux.m(x INTEGER PRIMARY KEY); DETACH aux; ATTACH %Q AS aux",
        path, path);
    run(db,
        "BEGIN; UPDATE aux.n SET y = 2; CREATE VIRTUAL TABLE temp.cn USING cache((SELECT x, y FROM "
        "aux.n)); INSERT INTO aux.m VALUES (1); SAVEPOINT s; COMMIT");
    same(db, "SELECT * FROM cn", "SELECT x, y FROM aux.n",
         "a database first seen in mid-transaction");
    run(db, "UPDATE aux.n SET y = 3");
    same(db, "SELECT * FROM cn", "SELECT x, y FROM aux.n", "and later");
    sqlite3_close(db);
}

int main(void)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        test_own_writes(&places[i]);
        test_transactions(&places[i]);
    }
    test_indirect_writes();
    test_full_text();
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        test_blob_write(&places[i]);
    test_table_made_anew();
    test_hooks_taken_over();
    test_empty_commits();
    test_hooks_before_load();
    test_load_in_mid_transaction();
    test_attached_in_mid_transaction();
    return tap_done();
}
