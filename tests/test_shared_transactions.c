/*
** Connections that share results, in transactions: own uncommitted writes, hooks that are lost, old
** snapshots, and statements during which another commits. Hazards 5, 6, 7 and 11 of
** docs/exactness.md.
*/
#include <stdlib.h>
#include <string.h>

#include "hazards/scenario.h"
#include "querycache.h"
#include "tap.h"

/* ---- hazard 5: what is not committed ---- */

static const struct scenario uncommitted[] = {
    {.name = "hazard 5: uncommitted rows stay with their connection",
     .lines = {"A reads t miss", "B reads other miss", "A: BEGIN; UPDATE t SET c = c + 1",
               "B reads t hit", "A reads t bypass", "C reads t hit",
               "A: SAVEPOINT s; DELETE FROM t", "A reads t bypass", "B reads t hit",
               "A: ROLLBACK TO s", "A reads t bypass", "A: RELEASE s", "B reads t hit", "A: COMMIT",
               "B reads t miss", "A reads t hit", "B reads other hit", "C reads t hit"}},
    {.name = "hazard 5: ROLLBACK ends nothing",
     .lines = {"A reads t miss", "A reads w miss", "B reads t hit",
               "A: BEGIN; DELETE FROM t; UPDATE w SET v = 77", "A reads t bypass", "B reads t hit",
               "A: ROLLBACK", "B reads t hit", "A reads t hit", "A reads w hit",
               "F: UPDATE other SET b = b || '!'", "B reads all", "A reads all"}},
    {.name = "hazard 5: nested savepoints, one of them rolled back",
     .lines = {"A reads all", "B reads all",
               "A: SAVEPOINT s; UPDATE t SET c = 1; SAVEPOINT r; DELETE FROM other",
               "B reads all hit", "A: SAVEPOINT q; UPDATE w SET v = 0; ROLLBACK TO r",
               "A reads all bypass", "B reads all hit", "A: RELEASE r; RELEASE s", "B reads t miss",
               "B reads all", "A reads all"}},
    {.name = "hazard 5: a statement fails half way, and its transaction is committed",
     .lines = {"A reads all", "B reads all", "A: BEGIN; INSERT INTO other VALUES (60, 'f')",
               "A fails: INSERT INTO t VALUES (61, 'g', 1), (1, 'fails', 1)", "A reads t bypass",
               "B reads t hit", "A: COMMIT", "B reads other miss", "B reads t", "A reads all"}},
    {.name = "hazard 5: OR FAIL leaves the first rows",
     .lines = {"A reads all", "B reads all",
               "A fails: INSERT OR FAIL INTO t VALUES (61, 'g', 1), (1, 'fails', 1)",
               "B reads t miss", "A reads all", "B reads other"}},
    {.name = "hazard 5: a table is first read elsewhere while its writer is at work",
     .lines = {"A: BEGIN; UPDATE t SET c = c + 1", "B reads t miss", "B reads t hit", "A: COMMIT",
               "B reads t miss", "A reads t hit", "B reads t hit"}},
    {.name = "hazard 5: a table is first read while its writer is between two tables",
     .setup = "CREATE TABLE third(a INTEGER PRIMARY KEY, y); INSERT INTO third VALUES (1, 1)",
     .x = "SELECT a, y FROM third",
     .lines = {"B reads x miss", "A: BEGIN; UPDATE t SET c = c + 1", "B reads t miss",
               "B reads other miss", "A: UPDATE other SET b = b || '!'; SAVEPOINT s; COMMIT",
               "B reads t miss", "B reads other miss", "A reads all", "B reads x"}},
    {.name = "hazard 5: a table is first read while its writer truncates it",
     .lines = {"A: BEGIN; DELETE FROM t", "B reads t miss", "A: UPDATE other SET b = 'u'; COMMIT",
               "B reads t miss", "A reads t hit"}},
    {.name = "hazard 5: the first read of all, by a connection that opened in the middle",
     .lines = {"E opens", "A: BEGIN; UPDATE t SET c = c + 1; DELETE FROM other", "D opens",
               "D reads t miss", "D reads other miss", "A: COMMIT", "D reads t miss",
               "E reads t hit", "D reads other miss"}},
    {.name = "hazard 5: own writes read in RETURNING and in an UPDATE",
     .lines = {"A reads t miss", "B reads t hit",
               "A: INSERT INTO t VALUES (70, 'r', 1) RETURNING (SELECT count(*) FROM ct)",
               "B reads t miss", "A reads t hit", "A: UPDATE t SET c = (SELECT max(c) FROM ct) + a",
               "B reads t miss", "A reads t hit", "A: INSERT INTO other(b) SELECT b FROM ct",
               "B reads other", "B reads t", "A reads all"}},
    {.name = "hazard 5: own writes read by a trigger",
     .lines = {"A reads t miss", "B reads t hit",
               "A: CREATE TEMP TRIGGER r AFTER UPDATE ON main.t BEGIN INSERT INTO other(b) "
               "SELECT max(c) FROM temp.ct; END",
               "A: UPDATE t SET c = c + 1", "B reads t miss", "B reads other", "A reads all"}},
};

/* ---- hazard 6: the hooks ---- */

static int dummy_calls;

static void take_update(void *context, int op, const char *schema, const char *table,
                        sqlite3_int64 rowid)
{
    (void)context, (void)op, (void)schema, (void)table, (void)rowid;
    dummy_calls++;
}

static int take_commit(void *context)
{
    (void)context;
    dummy_calls++;
    return 0;
}

static void take_rollback(void *context)
{
    (void)context;
    dummy_calls++;
}

static void take_update_hook(sqlite3 *db)
{
    sqlite3_update_hook(db, take_update, NULL);
}

static void take_commit_hook(sqlite3 *db)
{
    sqlite3_commit_hook(db, take_commit, NULL);
}

static void take_rollback_hook(sqlite3 *db)
{
    sqlite3_rollback_hook(db, take_rollback, NULL);
}

static void take_all_hooks(sqlite3 *db)
{
    take_update_hook(db);
    take_commit_hook(db);
    take_rollback_hook(db);
}

static void remove_hooks(sqlite3 *db)
{
    sqlite3_update_hook(db, NULL, NULL);
    sqlite3_commit_hook(db, NULL, NULL);
    sqlite3_rollback_hook(db, NULL, NULL);
}

/* Writes that nobody sees, and then the extension's hooks again. */
static void write_unseen(sqlite3 *db)
{
    take_all_hooks(db);
    run(db, "UPDATE t SET c = c + 1");
    querycache_init(db);
}

static const struct {
    const char *name;
    void (*take)(sqlite3 *db);
} hooks[] = {
    {"the update hook", take_update_hook},        {"the commit hook", take_commit_hook},
    {"the rollback hook", take_rollback_hook},    {"all three hooks", take_all_hooks},
    {"all three hooks to nothing", remove_hooks},
};

static void test_hooks_taken(void)
{
    for (size_t i = 0; i < sizeof hooks / sizeof hooks[0]; i++) {
        char *between = sqlite3_mprintf("hazard 6: the application takes %s", hooks[i].name);
        char *inside = sqlite3_mprintf("%s in mid-transaction", between);
        struct scenario taken[] = {
            {.name = between,
             .act = hooks[i].take,
             .lines =
                 {"A reads all", "B reads all", "A acts", "A: UPDATE t SET c = c + 1",
                  "B reads t miss", "B reads all", "A reads all",
                  "A: BEGIN; UPDATE t SET c = c + 1; INSERT INTO other(b) VALUES ('p'); COMMIT",
                  "B reads t miss", "B reads other miss", "A reads t hit",
                  "A: BEGIN; UPDATE t SET c = 0; ROLLBACK; UPDATE w SET v = v + 1",
                  "A: UPDATE other SET b = b", "F: UPDATE t SET c = c + 1", "B reads all",
                  "A reads all", "B: UPDATE other SET b = b || '!'", "A reads t hit",
                  "A reads other miss"}},
            {.name = inside,
             .act = hooks[i].take,
             .lines = {"A reads all", "B reads all", "A: BEGIN; UPDATE other SET b = b || '!'",
                       "A acts", "A: UPDATE t SET c = c + 1", "B reads all hit", "A: COMMIT",
                       "B reads t miss", "B reads other miss", "A reads all", "B reads all"}},
        };
        PLAY(taken);
        sqlite3_free(between);
        sqlite3_free(inside);
    }
}

/* Loads the extension in whatever transaction there is; the tables go with its ROLLBACK. */
static void load_extension(sqlite3 *db)
{
    querycache_init(db);
    run(db, CACHES);
}

static const struct scenario loading[] = {
    {.name = "hazard 6: hooks are lost for one commit, and taken back",
     .act = write_unseen,
     .lines = {"A reads all", "B reads all", "A acts", "B reads t miss", "A reads t hit",
               "A reads all", "A: BEGIN; UPDATE other SET b = b || '!'", "A acts", "A: COMMIT",
               "B reads t miss", "B reads other miss", "A reads all", "B reads all"}},
    {.name = "hazard 6: the extension is loaded in the middle of a transaction",
     .act = load_extension,
     .lines = {"A reads all", "B reads all", "F: BEGIN; UPDATE t SET c = c + 1", "F acts",
               "F reads t", "F: INSERT INTO other(b) VALUES ('named')", "B reads t hit",
               "F: COMMIT", "B reads t miss", "B reads other miss", "F reads t", "A reads all",
               "F: UPDATE t SET c = c + 1", "B reads t miss", "A reads t hit"}},
    {.name = "hazard 6: loaded in the middle of a transaction that is rolled back",
     .act = load_extension,
     .lines = {"A reads all", "F: BEGIN; UPDATE t SET c = c + 1", "F acts", "F: ROLLBACK", "F acts",
               "F reads all", "B reads all", "F: UPDATE t SET c = c + 1", "B reads t miss",
               "F reads t hit"}},
    /* Who has no mutex cannot be asked whether an empty WAL is the one that it saw. */
    {.name = "hazard 6: connections without a mutex on a WAL that is new",
     .flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
     .modes = IN_WAL,
     .lines = {"A reads t", "B reads t", "A reads t", "A: UPDATE t SET c = c + 1", "B reads t miss",
               "B reads t hit", "A reads t hit"}},
    {.name = "hazard 6: connections without a mutex",
     .flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
     .written = true,
     .lines = {"A reads t miss", "B reads t hit", "B reads other", "A: UPDATE t SET c = c + 1",
               "B reads t miss", "B reads other", "A: UPDATE other SET b = b",
               "F: UPDATE t SET c = c + 1", "B reads t miss", "A reads all",
               "A: UPDATE t SET c = c + 1", "A reads t miss", "B reads t hit"}},
    {.name = "hazard 6: the writer watches no writes by name",
     .lines = {"B: SELECT cache_configure('hooks', 0)", "D opens",
               "B: SELECT cache_configure('hooks', 1)", "A reads all", "B reads all",
               "D: UPDATE t SET c = c + 1", "B reads t miss", "B reads all", "D reads t hit",
               "D: UPDATE other SET b = b", "F: UPDATE t SET c = c + 1", "B reads t miss",
               "A reads all", "A: UPDATE t SET c = c + 1", "D reads other hit", "D reads t miss"}},
};

/* ---- hazard 7: old snapshots ---- */

static const struct scenario snapshots[] = {
    {.name = "hazard 7: a reader on an old snapshot gets old rows, another new ones, in turns",
     .modes = IN_WAL,
     .lines = {"A reads t miss",
               "B: BEGIN",
               "B reads t hit",
               "A: UPDATE t SET c = c + 1",
               "B reads t",
               "C reads t miss",
               "B reads t",
               "C reads t hit",
               "A: UPDATE t SET c = c + 1",
               "B reads t",
               "C reads t miss",
               "B reads t",
               "A reads t hit",
               "B reads t",
               "C reads t hit",
               "B reads other",
               "B: COMMIT",
               "B reads t hit",
               "B reads other",
               "A reads t hit"}},
    {.name = "hazard 7: while its old rows are kept, the old reader hits",
     .modes = IN_WAL,
     .lines = {"A reads t miss", "B: BEGIN", "B reads t hit", "A: UPDATE t SET c = c + 1",
               "B reads t hit", "B reads t hit", "B: COMMIT", "B reads t miss", "A reads t hit"}},
    {.name = "hazard 7: old rows are never left as the current ones",
     .modes = IN_WAL,
     .lines = {"B: BEGIN", "B reads other miss", "A: UPDATE t SET c = c + 1", "B reads t",
               "C reads t", "B reads t", "C reads t hit", "B: COMMIT", "B reads t hit",
               "A reads other hit"}},
    {.name = "hazard 7: a foreign commit while an old snapshot is held",
     .modes = IN_WAL,
     .lines = {"A reads all", "B: BEGIN", "B reads t hit", "F: UPDATE t SET c = c + 1", "B reads t",
               "C reads t miss", "B reads t", "B reads other", "C reads t hit", "C reads other",
               "F: UPDATE t SET c = c + 1", "B reads all", "A reads t miss", "B reads all",
               "B: COMMIT", "B reads t hit", "C reads all"}},
    {.name = "hazard 7: a transaction that a plain SELECT opened",
     .modes = IN_WAL,
     .lines = {"A reads t miss", "B reads t hit", "B: BEGIN; SELECT count(*) FROM other",
               "A: UPDATE t SET c = c + 1", "B reads t", "B reads t", "C reads t", "B reads t",
               "C reads t hit", "B: COMMIT", "B reads t hit"}},
    {.name = "hazard 7: a plain SELECT opened it, and the reader knows nothing yet",
     .modes = IN_WAL,
     .lines = {"A reads t miss", "B: BEGIN; SELECT count(*) FROM other",
               "A: UPDATE t SET c = c + 1", "A reads t miss", "B reads t", "B reads other",
               "A reads t hit", "C reads other", "B: COMMIT", "B reads t hit",
               "B reads other hit"}},
    {.name = "hazard 7: a plain SELECT opened it, and nothing was kept",
     .modes = IN_WAL,
     .lines = {"B: BEGIN; SELECT count(*) FROM other", "A: UPDATE t SET c = c + 1", "B reads t",
               "A reads t", "B reads t", "A reads t hit", "F: UPDATE t SET c = c + 1", "B reads t",
               "A reads t miss", "B: COMMIT", "B reads t hit"}},
    {.name = "hazard 7: a plain SELECT opened it before a foreign commit",
     .modes = IN_WAL,
     .lines = {"A reads all", "B reads all", "B: BEGIN; SELECT count(*) FROM other",
               "F: UPDATE t SET c = c + 1", "A reads t miss", "B reads t", "A reads t hit",
               "B: COMMIT", "B reads t hit"}},
    {.name = "hazard 7: readers on three generations at once",
     .modes = IN_WAL,
     .lines = {"A reads all",
               "B: BEGIN",
               "B reads t hit",
               "A: UPDATE t SET c = c + 1",
               "C: BEGIN",
               "C reads t miss",
               "A: UPDATE t SET c = c + 1; DELETE FROM other",
               "D: BEGIN",
               "D reads t",
               "B reads all",
               "C reads all",
               "D reads all",
               "A reads all",
               "C reads all",
               "B reads all",
               "E reads all",
               "F: UPDATE w SET v = v + 1",
               "D reads all",
               "B reads all",
               "C reads all",
               "E reads all",
               "C: COMMIT",
               "C reads all hit",
               "B reads all",
               "D reads all",
               "B: COMMIT",
               "D: COMMIT",
               "B reads all hit",
               "D reads all hit",
               "A reads all hit"}},
    {.name = "hazard 7: a savepoint holds the snapshot",
     .modes = IN_WAL,
     .lines = {"A reads t miss", "B: SAVEPOINT s", "B reads t hit", "A: UPDATE t SET c = c + 1",
               "C reads t miss", "B reads t", "B: SAVEPOINT r", "B reads t", "C reads t hit",
               "B: ROLLBACK TO s", "B reads t", "B: RELEASE s", "B reads t hit"}},
    {.name = "hazard 7: an old reader tries to write",
     .modes = IN_WAL,
     .lines = {"A reads t miss", "B: BEGIN", "B reads t hit", "A: UPDATE t SET c = c + 1",
               "B fails: UPDATE other SET b = 'b'", "B reads t", "C reads t miss", "B reads t",
               "B: ROLLBACK", "B reads t hit", "B: UPDATE other SET b = 'b'", "A reads t hit"}},
    {.name = "hazard 7: an empty commit and a write back while an old snapshot is held",
     .modes = IN_WAL,
     .lines = {"A reads t miss", "B: BEGIN", "B reads t hit", "A: UPDATE t SET c = c",
               "B reads t hit", "A: UPDATE t SET c = c + 1", "A: UPDATE t SET c = c - 1",
               "B reads t", "C reads t miss", "B: COMMIT", "B reads t hit"}},
    {.name = "hazard 7: an old snapshot over a truncation",
     .modes = IN_WAL,
     .lines = {"A reads t miss", "B: BEGIN", "B reads other miss",
               "A: BEGIN; DELETE FROM t; UPDATE w SET v = v + 1; COMMIT", "B reads t", "C reads t",
               "B reads t", "A: INSERT INTO t VALUES (1, 'refilled', 1)", "B reads t",
               "C reads t miss", "B reads t", "C reads t hit", "B: COMMIT", "B reads t hit"}},
    {.name = "hazard 7: an old snapshot over a migration",
     .modes = IN_WAL,
     .lines = {"A reads t miss", "B: BEGIN", "B reads t hit",
               "A: BEGIN; DROP TABLE t; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c INT);"
               "INSERT INTO t VALUES (8, 'anew', 8); COMMIT",
               "B reads t", "C reads t miss", "B reads t", "C reads t hit", "B: COMMIT",
               "B reads t hit"}},
    {.name = "hazard 7: in rollback mode a reader keeps the writer out",
     .modes = IN_ROLLBACK,
     .lines = {"A reads t miss", "B: BEGIN", "B reads t hit", "A fails: UPDATE t SET c = c + 1",
               "B reads t hit", "C reads t hit", "B: COMMIT", "A: UPDATE t SET c = c + 1",
               "B reads t miss", "C reads t hit", "A reads t hit"}},
    {.name = "hazard 7: inside BEGIN what another computes is a hit",
     .lines = {"A: BEGIN", "A reads t miss", "B: BEGIN", "B reads t hit", "B reads other miss",
               "A reads other hit", "A: COMMIT", "B: COMMIT", "C reads t hit",
               "C reads other hit"}},
};

/* ---- hazard 11: a commit in the middle of a statement ---- */

static sqlite3 *writer;
static int ticks;

/* In each state of the file other's row says what the largest c is, and all of w's is the same. */
#define STEP                                                                                       \
    "BEGIN; UPDATE t SET c = c + 1; UPDATE other SET b = 'm' || (SELECT max(c) FROM t);"           \
    "UPDATE g SET v = v + 1; COMMIT"

static void write_step(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    run(writer, STEP);
    sqlite3_result_null(context);
}

static int write_at_ticks(void *interval)
{
    if (++ticks % *(int *)interval == 0)
        run(writer, STEP);
    return 0;
}

static sqlite3 *open_for_steps(bool extension)
{
    sqlite3 *db = open_file("steps.db");
    writer = extension ? join(scratch_file("steps.db")) : open_plain(scratch_file("steps.db"), 0);
    run(writer, "CREATE TABLE g(k INTEGER PRIMARY KEY, v);"
                "INSERT INTO g VALUES (1, 1), (2, 1), (3, 1), (4, 1); " STEP);
    run(db, "CREATE VIRTUAL TABLE temp.cg USING cache((SELECT v FROM g WHERE k = :k))");
    sqlite3_create_function(db, "write_step", 0, SQLITE_UTF8, NULL, write_step, NULL, NULL);
    return db;
}

static const char *const consistent[] = {
    "SELECT (SELECT 'm' || max(c) FROM ct) = CASE WHEN write_step() IS NULL THEN "
    "(SELECT b FROM co WHERE a = 1) END",
    "SELECT (SELECT b FROM co WHERE a = 1) = CASE WHEN write_step() IS NULL THEN "
    "(SELECT 'm' || max(c) FROM ct) END",
    "SELECT (SELECT b FROM co WHERE a = 1) = CASE WHEN write_step() IS NULL THEN "
    "(SELECT 'm' || max(c) FROM main.t) END",
    "SELECT count(DISTINCT v) = 1 AND max(write_step() IS NULL) FROM cg WHERE k IN (1, 2, 3, 4)",
    "SELECT count(DISTINCT i.v) = 1 FROM g CROSS JOIN cg AS i ON i.k = g.k AND write_step() IS "
    "NULL",
    "SELECT min(co.b = 'm' || (SELECT max(c) FROM ct)) FROM ct CROSS JOIN co "
    "WHERE write_step() IS NULL",
};

static void test_commit_in_statement(bool extension)
{
    sqlite3 *db = open_for_steps(extension);
    sqlite3 *reader = join(scratch_file("steps.db"));
    const char *who = extension ? "the writer has the extension" : "the writer is foreign";
    for (size_t i = 0; i < sizeof consistent / sizeof consistent[0]; i++) {
        sqlite3_stmt *statement = NULL;
        char title[200];
        int good = 0;
        snprintf(title, sizeof title, "hazard 11: one snapshot for two cached reads, %zu; %s", i,
                 who);
        if (sqlite3_prepare_v2(db, consistent[i], -1, &statement, NULL) != SQLITE_OK)
            printf("# %s\n", sqlite3_errmsg(db));
        for (int j = 0; j < 6; j++) {
            warm(j % 2 == 0 ? reader : db);
            sqlite3_step(statement);
            good += sqlite3_column_int(statement, 0);
            sqlite3_reset(statement);
            if (i != 4)
                continue;
            /* Through an IN list as well as through the join, at the writer's newest state. */
            same(db, "SELECT v FROM cg WHERE k IN (1, 4)", "SELECT v FROM g WHERE k IN (1, 4)",
                 "hazard 11: afterwards each parameter's rows are right");
        }
        is_int(good, 6, title);
        sqlite3_finalize(statement);
        same(reader, "SELECT * FROM ct", T, "hazard 11: a third connection sees the last commit");
        same(db, "SELECT * FROM ct", T, "hazard 11: and so does the reader afterwards");
    }
    sqlite3_close(writer);
    sqlite3_close(reader);
    sqlite3_close(db);
}

/* Commits at any step of SQLite's machine, in statements of ours as well. */
static void test_commit_at_ticks(bool extension)
{
    sqlite3 *db = open_for_steps(extension);
    sqlite3 *reader = join(scratch_file("steps.db"));
    sqlite3_stmt *statement = NULL;
    int good = 0;
    int right = 0;
    int runs = 0;
    sqlite3_prepare_v2(db,
                       "SELECT (SELECT 'm' || max(c) FROM ct) = (SELECT b FROM co WHERE a = 1) AND "
                       "(SELECT count(DISTINCT v) FROM cg WHERE k IN (1, 2, 3)) = 1 AND "
                       "(SELECT 'm' || max(c) FROM main.t) = (SELECT b FROM co WHERE a = 1)",
                       -1, &statement, NULL);
    for (int interval = 1; interval < 120; interval += 1 + interval / 20) {
        sqlite3_progress_handler(db, 1, write_at_ticks, &interval);
        good += sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == 1;
        sqlite3_progress_handler(db, 0, NULL, NULL);
        sqlite3_reset(statement);
        char *got = rows(reader, "SELECT * FROM ct");
        char *expected = rows(reader, T);
        right += strcmp(got, expected) == 0;
        sqlite3_free(got);
        sqlite3_free(expected);
        runs++;
    }
    is_int(good, runs, "hazard 11: commits at any step of a statement do not show in it");
    is_int(right, runs, "hazard 11: nor does it leave anything wrong for others");
    same(db, "SELECT * FROM ct", T, "hazard 11: nor for itself");
    sqlite3_finalize(statement);
    sqlite3_close(writer);
    sqlite3_close(reader);
    sqlite3_close(db);
}

/* A join that is stepped, with a commit between any two of its rows. */
static void test_commit_between_rows(bool extension)
{
    sqlite3 *db = open_for_steps(extension);
    sqlite3 *reader = join(scratch_file("steps.db"));
    const char *join_rows = "SELECT ct.a, ct.c, co.b, cg.v FROM ct CROSS JOIN co CROSS JOIN cg "
                            "ON cg.k = ct.a ORDER BY ct.a";
    for (int i = 0; i < 4; i++) {
        sqlite3_stmt *statement = NULL;
        sqlite3_str *text = sqlite3_str_new(NULL);
        char *expected = rows(db, "SELECT t.a, t.c, o.b, g.v FROM main.t AS t, main.other AS o, g "
                                  "WHERE g.k = t.a ORDER BY t.a");
        sqlite3_prepare_v2(db, join_rows, -1, &statement, NULL);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            sqlite3_str_appendf(text, "%d|%d|'%s'|%d\n", sqlite3_column_int(statement, 0),
                                sqlite3_column_int(statement, 1), sqlite3_column_text(statement, 2),
                                sqlite3_column_int(statement, 3));
            run(writer, STEP);
            same(reader, "SELECT * FROM ct", T,
                 "hazard 11: between two rows another reads what was committed");
        }
        sqlite3_finalize(statement);
        char *got = sqlite3_str_finish(text);
        is_text(got, expected, "hazard 11: commits between rows do not show in the later ones");
        sqlite3_free(got);
        sqlite3_free(expected);
    }
    sqlite3_close(writer);
    sqlite3_close(reader);
    sqlite3_close(db);
}

int main(int argc, char **argv)
{
    scenario_main(argc, argv);
    PLAY(uncommitted);
    test_hooks_taken();
    PLAY(loading);
    PLAY(snapshots);
    for (int extension = 0; extension < 2; extension++) {
        test_commit_in_statement(extension != 0);
        test_commit_at_ticks(extension != 0);
        test_commit_between_rows(extension != 0);
    }
    return tap_done();
}
