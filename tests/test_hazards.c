/*
** The hazards of docs/design.md, section 3, as far as they meet one connection and other
** processes' commits: after each, a cached read equals the query itself, and where the entry must
** have survived, it is still a hit. Foreign commits are made by a plain connection: to the one
** with the extension it is as foreign as another process; tests/foreign.t has real processes.
*/
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "querycache.h"
#include "support.h"
#include "tap.h"

#define SCHEMA                                                                                     \
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c INT);"                                        \
    "CREATE TABLE other(a INTEGER PRIMARY KEY, b TEXT);"                                           \
    "CREATE TABLE w(k TEXT PRIMARY KEY, v INT) WITHOUT ROWID;"                                     \
    "INSERT INTO t VALUES (1, 'x', 10), (2, 'y', 20), (3, 'z', 30);"                               \
    "INSERT INTO other VALUES (1, 'o');"                                                           \
    "INSERT INTO w VALUES ('k', 1);"

#define CACHES                                                                                     \
    "CREATE VIRTUAL TABLE temp.ct USING cache((SELECT a, b, c FROM main.t ORDER BY a));"           \
    "CREATE VIRTUAL TABLE temp.co USING cache((SELECT a, b FROM main.other ORDER BY a));"          \
    "CREATE VIRTUAL TABLE temp.cw USING cache((SELECT k, v FROM main.w ORDER BY k));"

#define T "SELECT a, b, c FROM main.t ORDER BY a"
#define OTHER "SELECT a, b FROM main.other ORDER BY a"
#define W "SELECT k, v FROM main.w ORDER BY k"

/* Where a database lives, and in which mode. */
struct place {
    const char *name;
    const char *file; /* NULL: in memory */
    const char *setup;
    bool shared; /* others can write to it */
};

static const struct place places[] = {
    {"WAL", "wal.db", "PRAGMA journal_mode = WAL", true},
    {"rollback", "rollback.db", "PRAGMA journal_mode = DELETE", true},
    {"EXCLUSIVE", "exclusive.db", "PRAGMA locking_mode = EXCLUSIVE", false},
    {"EXCLUSIVE WAL", "exclusive-wal.db",
     "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL", false},
    {"memory", NULL, "SELECT 1", false},
};

static const char *fresh_file(const char *name)
{
    const char *path = scratch_file(name);
    const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char *file = sqlite3_mprintf("%s%s", path, suffixes[i]);
        unlink(file);
        sqlite3_free(file);
    }
    return path;
}

static sqlite3 *open_place(const struct place *place)
{
    sqlite3 *db = open_cached(place->file ? fresh_file(place->file) : ":memory:", 0);
    run(db, place->setup);
    run(db, SCHEMA CACHES);
    return db;
}

static sqlite3 *open_file(const char *name)
{
    const struct place place = {name, name, "PRAGMA journal_mode = WAL", true};
    return open_place(&place);
}

/* Read everything into the cache, twice: once clocks are known, the second reads are hits. */
static void warm(sqlite3 *db)
{
    for (int i = 0; i < 2; i++) {
        sqlite3_free(rows(db, "SELECT * FROM ct"));
        sqlite3_free(rows(db, "SELECT * FROM co"));
        sqlite3_free(rows(db, "SELECT * FROM cw"));
    }
}

static char name_buffer[256];

static const char *name(const char *place, const char *text)
{
    snprintf(name_buffer, sizeof name_buffer, "%s: %s", place, text);
    return name_buffer;
}

static void check_all(sqlite3 *db, const char *place, const char *text)
{
    char got[64];
    snprintf(got, sizeof got, "%s", place);
    same(db, "SELECT * FROM ct", T, name(got, text));
    same(db, "SELECT * FROM co", OTHER, name(got, text));
    same(db, "SELECT * FROM cw", W, name(got, text));
}

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

static void test_blob_write(void)
{
    sqlite3 *db = open_file("blob.db");
    sqlite3_blob *blob = NULL;
    warm(db);
    sqlite3_blob_open(db, "main", "t", "b", 1, 1, &blob);
    is_int(sqlite3_blob_write(blob, "B", 1, 0), SQLITE_OK, "a blob write");
    sqlite3_blob_close(blob);
    same(db, "SELECT * FROM ct", T, "alone in its transaction it is seen");
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

/* ---- others ---- */

static void test_foreign_commits(const struct place *place)
{
    sqlite3 *db = open_place(place);
    sqlite3 *foreign = open_plain(scratch_file(place->file), 0);
    sqlite3_busy_timeout(foreign, 1000);
    warm(db);
    run(foreign, "UPDATE t SET c = c + 1");
    same_as(db, "SELECT * FROM ct", T, "miss",
            name(place->name, "a foreign commit ends what was kept"));
    same_as(db, "SELECT * FROM ct", T, "hit", name(place->name, "hits resume at once after"));
    run(foreign, "UPDATE w SET v = v + 1");
    check_all(db, place->name, "a foreign commit to a WITHOUT ROWID table");
    run(foreign, "DELETE FROM other");
    check_all(db, place->name, "a foreign truncation");
    warm(db);
    run(db, "UPDATE other SET b = b");
    run(foreign, "UPDATE t SET c = c + 1");
    check_all(db, place->name, "an own no-op, then a foreign commit");
    warm(db);
    run(db, "INSERT INTO other(b) VALUES ('own')");
    run(foreign, "UPDATE t SET c = c + 1");
    check_all(db, place->name, "an own commit, then a foreign one");
    warm(db);
    run(foreign, "UPDATE t SET c = c + 1");
    run(db, "INSERT INTO other(b) VALUES ('own')");
    check_all(db, place->name, "a foreign commit, then an own one");
    warm(db);
    run(foreign, "ALTER TABLE t ADD COLUMN d");
    check_all(db, place->name, "a foreign ALTER TABLE");
    warm(db);
    run(foreign,
        "CREATE TABLE t2(a INTEGER PRIMARY KEY, b TEXT, c INT);"
        "INSERT INTO t2 SELECT a, b, c + 1 FROM t; DROP TABLE t; ALTER TABLE t2 RENAME TO t");
    check_all(db, place->name, "a foreign migration");
    run(foreign, "VACUUM");
    check_all(db, place->name, "a foreign VACUUM");
    sqlite3_close(foreign);
    sqlite3_close(db);
}

/* Hazard 7. */
static void test_old_snapshots(void)
{
    sqlite3 *db = open_file("old.db");
    sqlite3 *foreign = open_plain(scratch_file("old.db"), 0);
    warm(db);
    run(db, "BEGIN");
    same(db, "SELECT * FROM ct", T, "a read transaction begins");
    run(foreign, "UPDATE t SET c = c + 1");
    same_as(db, "SELECT * FROM ct", T, "hit", "while others commit, it sees its own snapshot");
    same(db, "SELECT * FROM co", OTHER, "and what it computes is of that snapshot");
    run(db, "COMMIT");
    same(db, "SELECT * FROM ct", T, "afterwards it sees the new rows");
    same_as(db, "SELECT * FROM ct", T, "hit", "and hits resume");
    /* The transaction is opened by another statement, so its clock is not known. */
    run(db, "BEGIN; SELECT count(*) FROM other");
    run(foreign, "UPDATE t SET c = c + 1");
    same(db, "SELECT * FROM ct", T, "a transaction opened by a plain query");
    run(db, "COMMIT");
    same(db, "SELECT * FROM ct", T, "and after it");
    sqlite3_close(foreign);
    sqlite3_close(db);
}

static sqlite3 *writer;

/* A commit by another, in the middle of a statement, or of a read through the cache. */
static void write_foreign(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    run(writer, "UPDATE t SET c = c + 1; UPDATE other SET b = 'm' || (SELECT max(c) FROM t)");
    sqlite3_result_null(context);
}

/* Hazard 11: both reads come from one snapshot, in a statement that runs several times. */
static void test_one_snapshot(void)
{
    sqlite3 *db = open_file("statement.db");
    writer = open_plain(scratch_file("statement.db"), 0);
    sqlite3_create_function(db, "write_foreign", 0, SQLITE_UTF8, NULL, write_foreign, NULL, NULL);
    run(writer, "UPDATE other SET b = 'm' || (SELECT max(c) FROM t)");
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(db,
                       "SELECT (SELECT max(c) FROM ct) AS x, write_foreign() AS y,"
                       "(SELECT b FROM co WHERE a = 1) AS z",
                       -1, &statement, NULL);
    for (int i = 0; i < 5; i++) {
        warm(db);
        sqlite3_step(statement);
        char expected[32];
        snprintf(expected, sizeof expected, "m%d", sqlite3_column_int(statement, 0));
        is_text((const char *)sqlite3_column_text(statement, 2), expected,
                "two cached reads in one statement see one snapshot");
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    sqlite3_close(writer);
    sqlite3_close(db);
}

/* The moment between opening a transaction and reading the clock belongs to others, too. */
static int commit_at_pragma(unsigned type, void *context, void *statement, void *text)
{
    int *armed = context;
    (void)type, (void)statement;
    if (*armed && strstr(text, "data_version") != NULL) {
        *armed = 0;
        run(writer, "UPDATE t SET c = c + 1");
    }
    return 0;
}

static void test_commit_while_settling(void)
{
    sqlite3 *db = open_file("settle.db");
    writer = open_plain(scratch_file("settle.db"), 0);
    int armed = 0;
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, commit_at_pragma, &armed);
    for (int i = 0; i < 3; i++) {
        warm(db);
        run(writer, "UPDATE t SET c = c + 1");
        armed = 1;
        sqlite3_free(rows(db, "SELECT * FROM ct"));
        is_int(armed, 0, "another commits while a read settles");
        same(db, "SELECT * FROM ct", T, "and is seen by the next");
    }
    sqlite3_trace_v2(db, 0, NULL, NULL);
    sqlite3_close(writer);
    sqlite3_close(db);
}

/* ---- modes ---- */

static void test_mode_switches(void)
{
    static const char *const switches[] = {
        "PRAGMA journal_mode = DELETE",
        "PRAGMA locking_mode = EXCLUSIVE; UPDATE t SET c = c + 1",
        "UPDATE t SET c = c + 1",
        "PRAGMA locking_mode = NORMAL; SELECT 1 FROM t",
        "PRAGMA journal_mode = WAL",
        "PRAGMA wal_checkpoint(PASSIVE)",
        "PRAGMA wal_checkpoint(RESTART)",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "UPDATE t SET c = c + 1; PRAGMA wal_checkpoint(TRUNCATE); UPDATE t SET c = c + 1",
        "VACUUM",
        "PRAGMA journal_mode = TRUNCATE",
        "PRAGMA journal_mode = PERSIST",
        "PRAGMA journal_mode = MEMORY",
        "PRAGMA journal_mode = WAL",
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA user_version = 7",
        "PRAGMA locking_mode = NORMAL; SELECT 1 FROM t",
        "PRAGMA journal_mode = DELETE",
    };
    sqlite3 *db = open_file("modes.db");
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        warm(db);
        sqlite3_free(rows(db, "SELECT * FROM ct"));
        run(db, switches[i]);
        same(db, "SELECT * FROM ct", T, switches[i]);
        run(db, "UPDATE t SET c = c + 1");
        same(db, "SELECT * FROM ct", T, "and an UPDATE after it");
    }
    sqlite3_close(db);
}

/* The index of a WAL that holds no commit yet is a constant: two of them read alike. */
static void test_empty_wal(void)
{
    const char *path = fresh_file("empty.db");
    sqlite3 *maker = open_plain(path, 0);
    run(maker, SCHEMA);
    sqlite3_close(maker);
    sqlite3 *db = open_cached(path, 0);
    run(db, "PRAGMA journal_mode = WAL;" CACHES);
    for (int i = 0; i < 3; i++) {
        warm(db);
        warm(db);
        run(db, "PRAGMA journal_mode = DELETE; UPDATE t SET c = c + 1; PRAGMA journal_mode = WAL;"
                "SELECT count(*) FROM t");
        same(db, "SELECT * FROM ct", T, "out of WAL mode, a write, and back into it");
    }
    same_as(db, "SELECT * FROM ct", T, "hit", "an empty WAL does not keep it from hitting");
    sqlite3_close(db);
}

static void test_no_stray_shm(void)
{
    const char *path = fresh_file("plain.db");
    sqlite3 *db = open_cached(path, 0);
    run(db, SCHEMA CACHES);
    warm(db);
    warm(db);
    char *shm = sqlite3_mprintf("%s-shm", path);
    ok(access(shm, F_OK) != 0, "a database in rollback mode gets no -shm file");
    sqlite3_free(shm);
    sqlite3_close(db);
}

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

/* ---- not cached at all ---- */

static void test_read_uncommitted(void)
{
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_SHAREDCACHE;
    const char *path = fresh_file("shared.db");
    sqlite3 *db = open_cached(path, flags);
    sqlite3 *peer = open_plain(path, flags);
    run(db, SCHEMA CACHES "PRAGMA read_uncommitted = 1");
    warm(db);
    run(peer, "BEGIN; UPDATE t SET c = 1000");
    same(db, "SELECT * FROM ct", T, "read_uncommitted sees another's uncommitted rows");
    same(db, "SELECT * FROM ct", T, "each time");
    run(peer, "ROLLBACK");
    same(db, "SELECT * FROM ct", T, "and no longer once they are rolled back");
    run(db, "PRAGMA read_uncommitted = 0");
    run(peer, "UPDATE t SET c = 2000");
    same(db, "SELECT * FROM ct", T, "a shared cache without it");
    sqlite3_close(peer);
    sqlite3_close(db);
}

static void test_deserialize(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, SCHEMA CACHES);
    warm(db);
    sqlite3_int64 size = 0;
    unsigned char *image = sqlite3_serialize(db, "main", &size, 0);
    run(db, "UPDATE t SET c = c + 1");
    warm(db);
    sqlite3_deserialize(db, "main", image, size, size,
                        SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
    same(db, "SELECT * FROM ct", T, "another content by sqlite3_deserialize()");
    same_as(db, "SELECT * FROM ct", T, "bypass", "and memdb is not cached");
    sqlite3_close(db);
}

static void test_backup(void)
{
    sqlite3 *db = open_file("target.db");
    sqlite3 *source = open_plain(":memory:", 0);
    run(source, SCHEMA "UPDATE t SET c = 555");
    warm(db);
    sqlite3_backup *backup = sqlite3_backup_init(db, "main", source, "main");
    sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
    check_all(db, "backup", "another content by the backup API");
    sqlite3_close(source);
    sqlite3_close(db);
}

int main(void)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        test_own_writes(&places[i]);
        test_transactions(&places[i]);
        if (places[i].shared)
            test_foreign_commits(&places[i]);
    }
    test_indirect_writes();
    test_full_text();
    test_blob_write();
    test_table_made_anew();
    test_hooks_taken_over();
    test_empty_commits();
    test_hooks_before_load();
    test_load_in_mid_transaction();
    test_attached_in_mid_transaction();
    test_old_snapshots();
    test_one_snapshot();
    test_commit_while_settling();
    test_mode_switches();
    test_empty_wal();
    test_no_stray_shm();
    test_twins();
    test_two_aliases();
    test_shadowing();
    test_view_behind_the_cache();
    test_functions();
    test_write_inside();
    test_authorizer();
    test_columns_change();
    test_schema_changed_under_writer();
    test_read_uncommitted();
    test_deserialize();
    test_backup();
    return tap_done();
}
