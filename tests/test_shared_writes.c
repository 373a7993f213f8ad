/*
** Connections that share results, and write: what one of them commits ends what it changed, on all
** of them, and nothing else. Hazards 1 to 6 of docs/exactness.md.
*/
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hazards/scenario.h"
#include "querycache.h"
#include "tap.h"

#define THIRD                                                                                      \
    "CREATE TABLE third(a INTEGER PRIMARY KEY, y); INSERT INTO third VALUES (1, 1), (2, 2);"
#define SELECT_THIRD "SELECT a, y FROM third ORDER BY a"

/* ---- commits ---- */

static const struct scenario commits[] = {
    {.name = "a commit ends what it changed, on all connections, and nothing else",
     .lines = {"C opens", "A reads t miss", "B reads t hit", "B reads other miss",
               "A: UPDATE t SET c = c + 1", "B reads other hit", "B reads t miss", "A reads t hit",
               "C reads t hit", "C reads other hit", "B: INSERT INTO other(b) VALUES ('p')",
               "A reads t hit", "A reads other miss", "B reads t hit", "B reads other hit",
               "C reads all"}},
    {.name = "two commits in a row end what both changed",
     .setup = THIRD,
     .x = SELECT_THIRD,
     .lines = {"C opens", "A reads t miss", "B reads other miss", "B reads x miss",
               "A: UPDATE t SET c = c + 1", "A: UPDATE other SET b = b || '!'", "B reads x hit",
               "B reads t miss", "B reads other miss", "A reads x hit", "A reads t hit",
               "A: UPDATE t SET c = c + 1", "A: UPDATE t SET c = c + 1",
               "A: UPDATE t SET c = c + 1", "C reads x hit", "C reads other hit", "B reads t miss",
               "A reads t hit"}},
    {.name = "two connections write in turns",
     .setup = THIRD,
     .x = SELECT_THIRD,
     .lines = {"A reads all", "B reads all", "A reads x miss", "A: UPDATE t SET c = c + 1",
               "B: UPDATE other SET b = b || '!'", "A: UPDATE t SET c = c + 1",
               "B: UPDATE other SET b = b || '!'", "B reads x hit", "A reads x hit",
               "A reads t miss", "A reads other miss", "B reads t hit", "B reads other hit"}},
    {.name = "two connections write in turns, with reads in between",
     .lines = {"A reads t miss", "B reads other miss", "A: UPDATE t SET c = c + 1",
               "B reads other hit", "B: UPDATE other SET b = b || '!'", "A reads t miss",
               "A reads other miss", "B: UPDATE other SET b = b || '!'", "A reads t hit",
               "A: UPDATE t SET c = c + 1", "B reads other miss", "B reads t miss",
               "A reads other hit", "A reads t hit"}},
    {.name = "the writer never reads through the cache",
     .lines = {"C opens", "A reads t miss", "B reads other miss", "C: UPDATE t SET c = c + 1",
               "A reads other hit", "A reads t miss", "C: UPDATE t SET c = c + 1",
               "B reads other hit", "B reads t miss", "A reads t hit"}},
    {.name = "the writer has no cached table",
     .lines = {"I opens", "A reads t miss", "B reads other miss", "I: UPDATE t SET c = c + 1",
               "A reads t miss", "B reads other", "I: UPDATE t SET c = c + 1",
               "I: UPDATE t SET c = c + 1", "B reads t miss", "A reads t hit", "A reads other"}},
    {.name = "a transaction with savepoints ends what it changed",
     .setup = THIRD,
     .x = SELECT_THIRD,
     .lines = {"A reads t miss", "B reads other miss", "B reads x miss",
               "A: BEGIN; SAVEPOINT s; UPDATE t SET c = c + 1; SAVEPOINT r;"
               "UPDATE other SET b = 'r'; ROLLBACK TO r; RELEASE s; COMMIT",
               "B reads x hit", "B reads t miss", "B reads other", "A reads t hit",
               "A: SAVEPOINT s; UPDATE t SET c = c + 1; RELEASE s", "B reads x hit",
               "B reads other hit", "B reads t miss"}},
    {.name = "a commit that changes nothing ends nothing",
     .lines = {"A reads t miss", "B reads other miss", "A: UPDATE t SET c = c", "B reads t hit",
               "B reads other hit", "A: UPDATE t SET c = 0 WHERE 0", "B reads t hit",
               "A: BEGIN IMMEDIATE; COMMIT", "B reads other hit", "C reads t hit",
               "A: UPDATE t SET c = c", "A: UPDATE t SET c = c + 1", "B reads t miss",
               "B reads other"}},
    {.name = "a write to an attached file ends what was read from there",
     .attached = true,
     .x = "SELECT x, y FROM aux.n ORDER BY x",
     .lines = {"C opens", "A reads x miss", "B reads x hit", "B reads t miss",
               "A: UPDATE aux.n SET y = y + 1", "B reads t hit", "B reads x miss", "A reads x hit",
               "A: UPDATE t SET c = c + 1", "B reads x hit", "B reads t miss", "C reads x hit",
               "C reads t hit"}},
    {.name = "one transaction over two files is seen in both",
     .attached = true,
     .x = "SELECT x, y FROM aux.n ORDER BY x",
     .lines = {"C opens", "A reads x miss", "B reads t miss",
               "A: BEGIN; UPDATE aux.n SET y = y + 1; UPDATE t SET c = c + 1; COMMIT",
               "B reads t miss", "B reads x miss", "A reads all", "A reads x hit", "C reads x hit",
               "C reads t hit"}},
    {.name = "the writer closes right after its commit",
     .lines = {"C opens", "A reads t miss", "B reads other miss", "A: UPDATE t SET c = c + 1",
               "A closes", "B reads other hit", "B reads t miss", "C reads t hit",
               "C reads other hit"}},
    {.name = "the writer closes after two commits, and opens again",
     .lines = {"A reads t miss", "B reads other miss", "B reads t hit", "A: UPDATE t SET c = c + 1",
               "A: UPDATE t SET c = c + 1", "A closes", "A reads t miss", "B reads t hit",
               "A reads other"}},
    {.name = "a foreign commit ends everything once, and hits resume",
     .lines = {"A reads t miss", "B reads other miss", "F: UPDATE t SET c = c + 1",
               "B reads t miss", "B reads other miss", "A reads t hit", "A reads other hit",
               "B reads t hit", "A: UPDATE t SET c = c + 1", "B reads other hit",
               "B reads t miss"}},
    {.name = "an own commit and a foreign one, in either order",
     .lines = {"A reads all", "B reads all", "A: UPDATE t SET c = c + 1",
               "F: UPDATE other SET b = b || 'f'", "B reads all", "A reads all",
               "F: UPDATE other SET b = b || 'f'", "A: UPDATE t SET c = c + 1", "B reads all",
               "A reads all", "F: UPDATE t SET c = c + 1", "A: UPDATE t SET c = c + 1",
               "F: UPDATE w SET v = v + 1", "A: UPDATE other SET b = b || 'a'", "B reads all",
               "A reads all", "B reads t hit", "A reads other hit"}},
};

/* ---- hazard 1: a commit that was announced, and wrote nothing ---- */

static const struct scenario nothing_written[] = {
    {.name = "hazard 1: a write of what is there already, then a foreign commit",
     .lines = {"A reads all", "B reads all", "A: UPDATE t SET c = c",
               "F: UPDATE other SET b = b || '!'", "B reads other miss", "B reads t", "A reads all",
               "B reads all hit"}},
    {.name = "hazard 1: the same, and the writer asks first",
     .lines = {"A reads all", "B reads all", "A: UPDATE t SET c = c",
               "F: UPDATE other SET b = b || '!'", "A reads other miss", "B reads all"}},
    {.name = "hazard 1: the same, with a read before the foreign commit",
     .lines = {"A reads all", "B reads all", "A: UPDATE t SET c = c", "B reads other hit",
               "F: UPDATE other SET b = b || '!'", "B reads other miss", "A reads all",
               "A: UPDATE t SET c = c", "A reads t hit", "F: UPDATE w SET v = v + 1",
               "B reads w miss", "A reads all"}},
    {.name = "hazard 1: several empty commits, then as many foreign ones",
     .lines = {"A reads all", "B reads all", "A: UPDATE t SET c = c; UPDATE t SET c = c",
               "A: BEGIN IMMEDIATE; COMMIT", "F: UPDATE other SET b = b || '!'",
               "F: UPDATE w SET v = v + 1", "F: UPDATE other SET b = b || '!'", "B reads all",
               "A reads all"}},
    {.name = "hazard 1: empty commits by two, foreign commits in between",
     .lines = {"A reads all", "B reads all", "A: UPDATE t SET c = c", "B: UPDATE t SET c = c",
               "F: UPDATE other SET b = b || '!'", "B: UPDATE t SET c = c", "C reads other miss",
               "F: UPDATE other SET b = b || '!'", "A: UPDATE t SET c = c", "C reads other miss",
               "B reads all", "A reads all"}},
    {.name = "hazard 1: an empty commit, a foreign one, then a real one",
     .lines = {"A reads all", "B reads all", "A: UPDATE t SET c = c",
               "F: UPDATE other SET b = b || '!'", "A: UPDATE t SET c = c + 1", "B reads all",
               "A: UPDATE t SET c = c", "F: UPDATE w SET v = v + 1", "A: UPDATE t SET c = c + 1",
               "A reads all", "B reads all"}},
    {.name = "hazard 1: the writer closes after an empty commit",
     .lines = {"A reads all", "B reads all", "A: UPDATE t SET c = c", "A closes",
               "F: UPDATE other SET b = b || '!'", "B reads other miss", "B reads all"}},
    {.name = "hazard 1: nothing in main, a real write in an attached file",
     .attached = true,
     .x = "SELECT x, y FROM aux.n ORDER BY x",
     .lines = {"A reads all", "B reads all", "A reads x", "B reads x",
               "A: BEGIN; UPDATE t SET c = c; UPDATE aux.n SET y = y + 1; COMMIT",
               "F: UPDATE main.other SET b = b || '!'", "B reads other miss", "B reads t",
               "B reads x miss", "A reads all", "A reads x"}},
    {.name = "hazard 1: nothing in an attached file, a real write in main",
     .attached = true,
     .x = "SELECT x, y FROM aux.n ORDER BY x",
     .lines = {"A reads all", "B reads all", "A reads x", "B reads x",
               "A: BEGIN; UPDATE t SET c = c + 1; UPDATE aux.m SET x = x; COMMIT",
               "F: UPDATE aux.n SET y = y + 1", "B reads x miss", "B reads t miss", "A reads all",
               "A reads x"}},
    {.name = "hazard 1: nothing in main, a real write in temp",
     .lines = {"A: CREATE TEMP TABLE note(x)", "A reads all", "B reads all",
               "A: BEGIN; UPDATE t SET c = c; INSERT INTO note VALUES (1); COMMIT",
               "F: UPDATE other SET b = b || '!'", "B reads other miss", "A reads all",
               "A: BEGIN; UPDATE t SET c = c; INSERT INTO note VALUES (1); COMMIT", "B reads t hit",
               "F: UPDATE w SET v = v + 1", "B reads all", "A reads all"}},
};

/* ---- hazard 2: a commit that fails after its hook ---- */

static int refuse_commit(void *context)
{
    (void)context;
    return 1;
}

/* The application's hook stands in the slot before ours, and so is called on by ours. */
static void load_above_refusal(sqlite3 *db)
{
    sqlite3_commit_hook(db, refuse_commit, NULL);
    querycache_init(db);
}

/* Files may not grow beyond `limit` while the SQL runs, which must fail. */
static void run_limited(sqlite3 *db, rlim_t limit, const char *sql)
{
    struct rlimit normal;
    getrlimit(RLIMIT_FSIZE, &normal);
    struct rlimit small = {limit, normal.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    int rc = try(db, sql);
    setrlimit(RLIMIT_FSIZE, &normal);
    ok(rc == SQLITE_FULL || rc == SQLITE_IOERR, "a commit fails for want of room");
    if (!sqlite3_get_autocommit(db))
        run(db, "ROLLBACK");
}

/* The table lies far into the file, so that the journal still finds room; the WAL finds none. */
static void fail_commit(sqlite3 *db)
{
    char *mode = rows(db, "PRAGMA main.journal_mode");
    rlim_t limit = strcmp(mode, "'wal'\n") == 0 ? 100 : 100000;
    sqlite3_free(mode);
    run_limited(db, limit, "UPDATE third SET y = y + 1000");
}

#define FAR "CREATE TABLE filler(x); INSERT INTO filler VALUES (zeroblob(400000));" THIRD

static const struct scenario failing_commits[] = {
    {.name = "hazard 2: a commit finds no room, then a foreign one",
     .setup = FAR,
     .x = SELECT_THIRD,
     .act = fail_commit,
     .lines = {"A reads all", "A reads x", "B reads all", "B reads x", "A acts",
               "F: UPDATE t SET c = c + 1", "B reads all", "B reads x", "A reads all", "A reads x",
               "A reads x hit"}},
    {.name = "hazard 2: a commit finds no room, then a foreign one, and the writer looks first",
     .setup = FAR,
     .x = SELECT_THIRD,
     .act = fail_commit,
     .lines = {"A reads x", "A reads t", "B reads t", "A acts", "F: UPDATE t SET c = c + 1",
               "A reads t miss", "B reads t hit", "A reads all", "B reads x"}},
    {.name = "hazard 2: a commit finds no room, and others read on",
     .setup = FAR,
     .x = SELECT_THIRD,
     .act = fail_commit,
     .lines = {"A reads x", "B reads t", "A acts", "B reads x", "B reads t", "A reads x",
               "A reads t", "A acts", "A: UPDATE t SET c = c + 1", "B reads x", "B reads t miss",
               "A acts", "A: UPDATE third SET y = y + 1", "B reads x miss", "B reads t",
               "A reads all", "F: UPDATE third SET y = y + 1", "A reads x miss", "B reads all"}},
    {.name = "hazard 2: a commit finds no room, and its connection closes",
     .setup = FAR,
     .x = SELECT_THIRD,
     .act = fail_commit,
     .lines = {"A reads x", "B reads t", "B reads x", "A acts", "A closes",
               "F: UPDATE t SET c = c + 1", "B reads x", "B reads t miss", "C reads all"}},
    {.name = "hazard 2: the application's commit hook refuses, then a foreign commit",
     .act = load_above_refusal,
     .lines = {"A reads all", "B reads all", "F acts", "F fails: UPDATE t SET c = c + 1",
               "G: UPDATE other SET b = b || '!'", "B reads other miss", "B reads t", "A reads all",
               "F fails: UPDATE t SET c = c + 1", "B reads all", "F fails: DELETE FROM other",
               "A: UPDATE w SET v = v + 1", "B reads all", "A reads all"}},
    {.name = "hazard 2: a statement finds no room, the rest of its transaction is committed",
     .lines = {"A reads all", "B reads all",
               "A: PRAGMA max_page_count = 1; BEGIN; UPDATE other SET b = b || '!'",
               "A fails: INSERT INTO t SELECT a + 100, zeroblob(1000000), 1 FROM t",
               "B reads t hit", "B reads other hit", "A: COMMIT", "B reads other miss", "B reads t",
               "A fails: INSERT INTO t(b) VALUES (zeroblob(1000000))", "B reads all",
               "F: UPDATE t SET c = c + 1", "B reads t miss", "A reads all"}},
    {.name = "hazard 2: a COMMIT meets a reader, and is tried again",
     .modes = IN_ROLLBACK,
     .lines = {"A reads all", "B reads all", "C: BEGIN; SELECT 1 FROM other",
               "A: BEGIN; UPDATE t SET c = c + 1", "A fails: COMMIT", "C reads t hit",
               "A fails: COMMIT", "A reads t bypass", "C: COMMIT", "A: COMMIT", "B reads t miss",
               "B reads other", "A reads t hit", "C reads t hit"}},
    {.name = "hazard 2: a COMMIT meets a reader, is rolled back, and a foreign one follows",
     .modes = IN_ROLLBACK,
     .lines = {"A reads all", "B reads all", "C: BEGIN; SELECT 1 FROM other",
               "A: BEGIN; UPDATE t SET c = c + 1", "A fails: COMMIT", "A: ROLLBACK", "C: COMMIT",
               "B reads t", "F: UPDATE other SET b = b || '!'", "B reads other miss", "B reads t",
               "A reads all", "C reads all"}},
};

/* ---- hazard 3: migrations ---- */

static const struct scenario migrations[] = {
    {.name = "hazard 3: ALTER TABLE in one transaction with an insert",
     .lines = {"A reads all", "B reads all",
               "A: BEGIN; ALTER TABLE t ADD COLUMN d DEFAULT 1; UPDATE t SET d = 2;"
               "INSERT INTO other(b) VALUES ('m'); COMMIT",
               "B reads all", "A reads all", "C reads all", "B reads t hit", "A reads t hit"}},
    {.name = "hazard 3: a view made anew in one transaction with an insert",
     .setup = "CREATE VIEW v AS SELECT b FROM t WHERE c > 15",
     .x = "SELECT b FROM v ORDER BY b",
     .lines = {"C opens", "A reads x miss", "B reads x hit", "B reads other",
               "A: BEGIN; DROP VIEW v; CREATE VIEW v AS SELECT b FROM t WHERE c < 25;"
               "INSERT INTO other(b) VALUES ('m'); COMMIT",
               "B reads x miss", "A reads x hit", "B reads other miss", "C reads x hit"}},
    {.name = "hazard 3: a table made anew in one transaction with an insert",
     .lines = {"A reads all", "B reads all",
               "A: BEGIN; DROP TABLE t; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c INT);"
               "INSERT INTO t VALUES (8, 'anew', 8); INSERT INTO other(b) VALUES ('m'); COMMIT",
               "B reads t miss", "B reads other miss", "A reads t hit", "C reads all"}},
    {.name = "hazard 3: two tables change their names",
     .setup =
         "CREATE TABLE u(a INTEGER PRIMARY KEY, b TEXT, c INT); INSERT INTO u VALUES (7, 'u', 7)",
     .lines = {"C opens", "A reads all", "B reads all",
               "A: BEGIN; ALTER TABLE t RENAME TO s; ALTER TABLE u RENAME TO t;"
               "ALTER TABLE s RENAME TO u; UPDATE other SET b = b || '!'; COMMIT",
               "B reads t miss", "A reads t hit", "C reads t hit", "B reads other miss"}},
    {.name = "hazard 3: a schema that is not committed stays with its connection",
     .lines = {"A reads all", "B reads all",
               "A: BEGIN; ALTER TABLE t ADD COLUMN d; INSERT INTO t(b, d) VALUES ('u', 1)",
               "B reads t hit", "A reads t bypass", "B reads other hit", "A: ROLLBACK", "A reads t",
               "B reads t hit", "A reads other", "A: UPDATE t SET c = c + 1", "B reads t miss",
               "B reads other"}},
    {.name = "hazard 3: a view made anew, then ROLLBACK",
     .setup = "CREATE VIEW v AS SELECT b FROM t WHERE c > 15",
     .x = "SELECT b FROM v ORDER BY b",
     .lines = {"A reads x miss", "B reads x hit",
               "A: BEGIN; DROP VIEW v; CREATE VIEW v AS SELECT b FROM t WHERE c < 25", "A reads x",
               "B reads x hit", "A: INSERT INTO other(b) VALUES ('m'); ROLLBACK", "A reads x",
               "B reads x hit", "F: UPDATE t SET b = b || '!'", "A reads x miss", "B reads x hit"}},
    {.name = "hazard 3: an index made and dropped",
     .lines = {"A reads all", "B reads all",
               "A: BEGIN; CREATE INDEX i ON t(b); UPDATE other SET b = b || '!'; COMMIT",
               "B reads all", "B: DROP INDEX i", "A reads all", "B reads all"}},
    {.name = "hazard 3: a migration by a foreign connection, a no-op before it",
     .lines = {"A reads all", "B reads all", "A: UPDATE other SET b = b",
               "F: BEGIN; ALTER TABLE t RENAME TO s; CREATE TABLE t AS SELECT a, b || '?' AS b, c "
               "FROM s; DROP TABLE s; COMMIT",
               "F: DROP TABLE t; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c INT);"
               "INSERT INTO t VALUES (5, 'five', 5)",
               "B reads t", "A reads t", "B reads all", "A reads all"}},
};

/* ---- hazard 4: writes that the hook does not see, or sees elsewhere ---- */

static const struct {
    const char *name;
    const char *setup;
    const char *select;
    const char *write;
} writes[] = {
    {"INSERT", "", "SELECT count(*) AS n FROM t", "INSERT INTO t(b, c) VALUES ('n', 40)"},
    {"a WITHOUT ROWID table", "", "SELECT v FROM w", "UPDATE w SET v = v + 1"},
    {"a WITHOUT ROWID table beside another", "", "SELECT v FROM w",
     "BEGIN; INSERT INTO other(b) VALUES ('p'); UPDATE w SET v = v + 1; COMMIT"},
    {"truncation", "", "SELECT count(*) AS n FROM t", "DELETE FROM t"},
    {"truncation beside another write", "", "SELECT count(*) AS n FROM t",
     "BEGIN; DELETE FROM t; INSERT INTO other(b) VALUES ('p'); COMMIT"},
    {"truncation and refilling in two commits", "", "SELECT a, b FROM t",
     "BEGIN; DELETE FROM t; INSERT INTO other(b) VALUES ('p'); COMMIT;"
     "BEGIN; INSERT INTO t VALUES (1, 'refilled', 1); COMMIT"},
    {"truncation and refilling in one", "", "SELECT a, b FROM t",
     "BEGIN; DELETE FROM t; INSERT INTO t VALUES (2, 'refilled', 1); COMMIT"},
    {"REPLACE that removes another row", "CREATE UNIQUE INDEX i ON t(b)", "SELECT a, b FROM t",
     "REPLACE INTO t VALUES (9, 'x', 99)"},
    {"UPDATE OR REPLACE", "CREATE UNIQUE INDEX i ON t(b)", "SELECT a, b FROM t",
     "UPDATE OR REPLACE t SET b = 'y' WHERE a = 1"},
    {"UPSERT", "", "SELECT a, c FROM t",
     "INSERT INTO t VALUES (1, 'u', 7) ON CONFLICT(a) DO UPDATE SET c = c + 100"},
    {"a foreign key's cascade",
     "CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1), (2);"
     "CREATE TABLE child(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE);"
     "INSERT INTO child VALUES (1, 1), (2, 2)",
     "SELECT * FROM child", "PRAGMA foreign_keys = ON; DELETE FROM p WHERE id = 1"},
    {"a trigger that writes a WITHOUT ROWID table",
     "CREATE TRIGGER r AFTER INSERT ON other BEGIN UPDATE w SET v = v + 1; END", "SELECT v FROM w",
     "INSERT INTO other(b) VALUES ('fires')"},
    {"a trigger that truncates", "CREATE TRIGGER r AFTER INSERT ON other BEGIN DELETE FROM t; END",
     "SELECT a FROM t", "INSERT INTO other(b) VALUES ('fires')"},
    {"an INSTEAD OF trigger",
     "CREATE VIEW v AS SELECT a, b FROM t; CREATE TRIGGER r INSTEAD OF INSERT ON v BEGIN "
     "INSERT INTO t(b) VALUES (new.b); END",
     "SELECT a, b FROM v", "INSERT INTO v VALUES (1, 'instead')"},
    {"AUTOINCREMENT",
     "CREATE TABLE log(n INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO log VALUES (1)",
     "SELECT name, seq FROM sqlite_sequence", "INSERT INTO log VALUES (NULL)"},
    {"FTS5", "CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES ('one')",
     "SELECT rowid, body FROM f WHERE f MATCH 'one'", "INSERT INTO f VALUES ('one two')"},
    {"FTS5 with external content",
     "CREATE VIRTUAL TABLE f USING fts5(b, content='t', content_rowid='a');"
     "INSERT INTO f(f) VALUES ('rebuild')",
     "SELECT rowid, b FROM f WHERE f MATCH 'x'", "UPDATE t SET b = 'other text' WHERE a = 1"},
    {"R-Tree", "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); INSERT INTO r VALUES (1, 0, 1)",
     "SELECT id FROM r WHERE x0 <= 5", "INSERT INTO r VALUES (2, 3, 4)"},
    {"CREATE TABLE AS", "CREATE TABLE copy AS SELECT 1 AS a, 'old' AS b", "SELECT a, b FROM copy",
     "BEGIN; DROP TABLE copy; CREATE TABLE copy AS SELECT 2 AS a, 'new' AS b; COMMIT"},
    {"sqlite_schema", "", "SELECT name FROM sqlite_master", "CREATE TABLE added(x)"},
};

static void test_writes(void)
{
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        char *title = sqlite3_mprintf("hazard 4: %s", writes[i].name);
        char *write = sqlite3_mprintf("A: %s", writes[i].write);
        struct scenario scenario = {
            .name = title,
            .setup = writes[i].setup,
            .x = writes[i].select,
            .lines = {"A reads all", "A reads x miss", "B reads x hit", "B reads all", "C opens",
                      write, "B reads x miss", "B reads all", "A reads x hit", "A reads all",
                      "C reads x hit", "C reads all hit"},
        };
        play(&scenario);
        sqlite3_free(title);
        sqlite3_free(write);
    }
}

int main(int argc, char **argv)
{
    scenario_main(argc, argv);
    signal(SIGXFSZ, SIG_IGN);
    PLAY(commits);
    PLAY(nothing_written);
    PLAY(failing_commits);
    PLAY(migrations);
    test_writes();
    return tap_done();
}
