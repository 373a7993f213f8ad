/*
** Connections that share results, and what happens to their file: checkpoints, modes, VACUUM, other
** processes, other files in its place. Hazards 8, 9 and 10 of docs/exactness.md.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hazards/scenario.h"
#include "querycache.h"
#include "tap.h"

/* ---- hazard 8: checkpoints, modes, the WAL made anew ---- */

static const struct {
    const char *what;
    int modes;
} upkeep[] = {
    {"PRAGMA wal_checkpoint(PASSIVE)", IN_WAL},
    {"PRAGMA wal_checkpoint(FULL)", IN_WAL},
    {"PRAGMA wal_checkpoint(RESTART)", IN_WAL},
    {"PRAGMA wal_checkpoint(TRUNCATE)", IN_WAL},
    {"VACUUM", 0},
    {"PRAGMA incremental_vacuum", 0},
    {"PRAGMA user_version = 7", 0},
    {"ANALYZE", 0},
    {"REINDEX", 0},
    {"PRAGMA optimize", 0},
    {"PRAGMA journal_mode = TRUNCATE", IN_ROLLBACK},
    {"PRAGMA journal_mode = PERSIST", IN_ROLLBACK},
    {"PRAGMA journal_mode = MEMORY", IN_ROLLBACK},
};

/* By a connection that reads through the cache, by another, and by a foreign one. */
static void test_upkeep(void)
{
    for (size_t i = 0; i < sizeof upkeep / sizeof upkeep[0]; i++) {
        char *title = sqlite3_mprintf("hazard 8: %s among commits", upkeep[i].what);
        char *by[3];
        for (int j = 0; j < 3; j++)
            by[j] = sqlite3_mprintf("%c: %s", "ABF"[j], upkeep[i].what);
        struct scenario scenario = {
            .name = title,
            .modes = upkeep[i].modes,
            .lines = {"A reads all",
                      "B reads all",
                      "A: UPDATE t SET c = c + 1",
                      by[0],
                      "B reads all",
                      "C reads all",
                      "F: UPDATE t SET c = c + 1",
                      "A reads all",
                      by[1],
                      "A: UPDATE other SET b = b || '!'",
                      "B reads all",
                      "A reads all",
                      by[2],
                      "A: UPDATE t SET c = c + 1",
                      by[1],
                      "B: UPDATE w SET v = v + 1",
                      "A reads all",
                      "B reads all",
                      by[2],
                      "F: UPDATE other SET b = b || '!'",
                      "A reads all",
                      "B reads all",
                      by[0],
                      by[1],
                      "A reads all",
                      "B reads all",
                      "B reads all hit"},
        };
        play(&scenario);
        sqlite3_free(title);
        for (int j = 0; j < 3; j++)
            sqlite3_free(by[j]);
    }
}

static const struct scenario modes[] = {
    {.name = "hazard 8: out of WAL mode and back, with the others closed",
     .modes = IN_WAL,
     .lines = {"A reads all", "B reads all hit", "B closes", "A: PRAGMA journal_mode = DELETE",
               "A reads all", "A: UPDATE t SET c = c + 1", "A reads t miss", "B reads t",
               "B: UPDATE other SET b = b || '!'", "A reads other miss", "B closes",
               "A: PRAGMA journal_mode = WAL", "A reads all", "B reads all",
               "B: UPDATE t SET c = c + 1", "A reads t miss", "A reads other", "B reads t hit"}},
    {.name = "hazard 8: into WAL mode and back, while another stays open",
     .modes = IN_ROLLBACK,
     .lines = {"A reads all", "B reads all hit", "A: PRAGMA journal_mode = WAL", "B reads all",
               "A: UPDATE t SET c = c + 1", "B reads t miss", "A reads t hit", "B closes",
               "A: PRAGMA journal_mode = DELETE; UPDATE t SET c = c + 1", "B reads t miss",
               "A reads t hit", "A: UPDATE other SET b = b || '!'", "B reads other miss"}},
    {.name = "hazard 8: a foreign connection switches the mode, writes, and switches back",
     .modes = IN_ROLLBACK,
     .lines = {"A reads all", "B reads all",
               "F: PRAGMA journal_mode = WAL; UPDATE t SET c = c + 1;"
               "PRAGMA journal_mode = DELETE",
               "B reads t miss", "A reads t hit", "B reads all", "F: PRAGMA journal_mode = WAL",
               "A reads all", "B reads all", "F: UPDATE w SET v = v + 1", "B reads w miss",
               "A reads w hit"}},
    {.name = "hazard 8: the WAL is removed and made anew with nothing in it",
     .modes = IN_WAL,
     .lines = {"A reads all", "A closes",
               "F: PRAGMA journal_mode = DELETE; UPDATE t SET c = c + 1;"
               "PRAGMA journal_mode = WAL",
               "F closes", "pause", "A reads t miss", "B reads t hit", "A closes", "B closes",
               "F: UPDATE t SET c = c + 1", "F closes", "pause", "A reads t miss", "B reads all"}},
    {.name = "hazard 8: EXCLUSIVE locking and back, with the others closed",
     .lines = {"A reads all", "B reads all hit", "B closes",
               "A: PRAGMA locking_mode = EXCLUSIVE; UPDATE t SET c = c + 1", "A reads t miss",
               "A reads other", "A: UPDATE t SET c = c + 1", "A reads t miss",
               "A: PRAGMA locking_mode = NORMAL; SELECT 1 FROM t", "A: UPDATE t SET c = c + 1",
               "B reads all", "A reads t", "A: UPDATE t SET c = c + 1", "B reads t miss",
               "A reads t hit", "B reads other"}},
    {.name = "hazard 8: EXCLUSIVE locking while another stays open, and idle",
     .modes = IN_ROLLBACK,
     .lines = {"A reads all", "B reads all hit",
               "A: PRAGMA locking_mode = EXCLUSIVE; UPDATE t SET c = c + 1", "A reads t miss",
               "A: UPDATE t SET c = c + 1", "A reads t miss", "A: UPDATE t SET c = c + 1",
               "A: PRAGMA locking_mode = NORMAL; SELECT 1 FROM t", "B reads all", "A reads all",
               "A: PRAGMA locking_mode = EXCLUSIVE; UPDATE other SET b = b || '!'", "A reads all",
               "A: UPDATE t SET c = c + 1", "A closes", "B reads all", "A reads all"}},
    {.name = "hazard 8: two commits under EXCLUSIVE locking, and no read between",
     .modes = IN_ROLLBACK,
     .lines = {"A reads all", "B reads all",
               "A: PRAGMA locking_mode = EXCLUSIVE; UPDATE other SET b = b || '!';"
               "UPDATE t SET c = c + 1; PRAGMA locking_mode = NORMAL; SELECT 1 FROM t",
               "B reads t miss", "B reads other", "A reads all",
               "A: PRAGMA locking_mode = EXCLUSIVE; UPDATE other SET b = b || '!';"
               "UPDATE t SET c = c + 1",
               "A closes", "B reads t miss", "B reads all"}},
    /* The first commit under EXCLUSIVE raises the change counter, the later ones leave it alone. */
    {.name = "hazard 8: a second commit under EXCLUSIVE locking, and its connection closes",
     .modes = IN_ROLLBACK,
     .lines = {"A reads t miss", "B reads t hit",
               "A: PRAGMA locking_mode = EXCLUSIVE; UPDATE other SET b = b || '!'", "A reads t",
               "A: UPDATE t SET c = c + 1", "A closes", "B reads t miss", "B reads t hit"}},
    {.name = "hazard 8: a second commit under EXCLUSIVE locking, and back to NORMAL",
     .modes = IN_ROLLBACK,
     .lines = {"A reads t miss", "B reads t hit",
               "A: PRAGMA locking_mode = EXCLUSIVE; UPDATE other SET b = b || '!'", "A reads t",
               "A: UPDATE t SET c = c + 1; PRAGMA locking_mode = NORMAL; SELECT 1 FROM t",
               "B reads t miss", "A reads t", "B reads t hit"}},
    {.name = "hazard 8: what is kept under EXCLUSIVE locking is not for others",
     .lines = {"A: PRAGMA locking_mode = EXCLUSIVE; UPDATE t SET c = c + 1", "A reads t miss",
               "A: UPDATE t SET c = c + 1; PRAGMA locking_mode = NORMAL; SELECT 1 FROM t",
               "B reads t miss", "A reads t", "B closes",
               "A: PRAGMA locking_mode = EXCLUSIVE; UPDATE t SET c = c + 1", "A reads t",
               "A closes", "B reads t", "F: UPDATE t SET c = c + 1", "B reads t miss"}},
    {.name = "hazard 8: a foreign connection under EXCLUSIVE locking",
     .modes = IN_ROLLBACK,
     .lines = {"A reads all", "B reads all",
               "F: PRAGMA locking_mode = EXCLUSIVE; UPDATE t SET c = c + 1;"
               "UPDATE t SET c = c + 1; UPDATE other SET b = b || '!';"
               "PRAGMA locking_mode = NORMAL; SELECT 1 FROM t",
               "B reads all", "A reads all", "B reads all hit"}},
    /* The new wal-index reads like the old one, and page 1 is as it was. */
    {.name = "hazard 8: the WAL is made anew under an idle connection that never reads",
     .modes = IN_WAL,
     .lines = {"I opens", "A reads t miss", "A reads t hit", "A closes",
               "F: UPDATE t SET c = c + 1", "F closes", "I reads t miss", "I reads t hit",
               "A reads t hit"}},
    {.name = "hazard 8: the same, and another reads first",
     .modes = IN_WAL,
     .lines = {"I opens", "A reads t miss", "A reads t hit", "A closes",
               "F: UPDATE t SET c = c + 1", "F closes", "pause", "A reads t miss", "I reads t hit",
               "A closes", "I closes", "I opens", "F: UPDATE t SET c = c + 1", "F closes", "pause",
               "A reads t miss", "I reads t hit"}},
    {.name = "hazard 8: the same, by another process",
     .modes = IN_WAL,
     .lines = {"I opens", "A reads t miss", "A reads t hit", "A closes",
               "P: UPDATE t SET c = c + 1", "A reads t miss", "I reads t hit"}},
    {.name = "hazard 8: the same, with a write by the connection that closes",
     .modes = IN_WAL,
     .lines = {"I opens", "A reads t miss", "A: UPDATE t SET c = c + 1", "A reads t miss",
               "A closes", "P: UPDATE t SET c = c + 1", "P: UPDATE t SET c = c + 1",
               "I reads t miss", "A reads t hit"}},
    {.name = "hazard 8: everything is closed, written elsewhere, and opened again",
     .lines = {"A reads all", "B reads all", "A closes", "B closes", "P: UPDATE t SET c = c + 1",
               "pause", "A reads t miss", "B reads t hit", "A closes", "B closes",
               "F: UPDATE other SET b = b || '!'", "F closes", "pause", "B reads other miss",
               "A reads other hit", "A reads t"}},
    {.name = "hazard 8: a reader that only ever opens for a moment",
     .lines = {"B opens", "A reads t miss", "A closes", "A reads t", "A closes",
               "F: UPDATE t SET c = c + 1", "F closes", "A reads t miss", "A closes",
               "P: UPDATE t SET c = c + 1", "A reads t miss", "A closes", "B reads t"}},
};

/* ---- hazard 9: other processes ---- */

#define BIG                                                                                        \
    "CREATE TABLE big(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "         \
    "WHERE i < 1000) INSERT INTO big SELECT zeroblob(500) FROM n"

static const struct scenario processes[] = {
    {.name = "hazard 9: another process commits",
     .lines = {"A reads t miss", "B reads t hit", "B reads other miss", "P: UPDATE t SET c = c + 1",
               "B reads t miss", "A reads t hit", "A reads other miss", "B reads other hit",
               "A: UPDATE t SET c = c + 1", "B reads other hit", "B reads t miss"}},
    {.name = "hazard 9: another process with the extension commits",
     .lines = {"A reads t miss", "B reads t hit", "Q: UPDATE t SET c = c + 1", "B reads t miss",
               "A reads t hit", "Q: UPDATE t SET c = c", "A reads t",
               "Q: UPDATE other SET b = b || '!'", "B reads all", "A reads all"}},
    {.name = "hazard 9: own commits and those of processes, in turns",
     .lines = {"A reads all", "B reads all", "A: UPDATE t SET c = c + 1",
               "P: UPDATE other SET b = b || '!'", "B reads all", "A reads all",
               "P: UPDATE other SET b = b || '!'", "A: UPDATE t SET c = c + 1", "B reads all",
               "A: UPDATE t SET c = c", "P: UPDATE w SET v = v + 1", "B reads all", "A reads all",
               "B: UPDATE t SET c = c + 1", "Q: UPDATE other SET b = b || '!'",
               "A: UPDATE t SET c = c + 1", "C reads all", "B reads all", "A reads all"}},
    {.name = "hazard 9: another process migrates",
     .lines = {"A reads all", "B reads all",
               "Q: BEGIN; DROP TABLE t; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c INT);"
               "INSERT INTO t VALUES (8, 'anew', 8); INSERT INTO other(b) VALUES ('m'); COMMIT",
               "B reads t miss", "B reads other miss", "A reads t hit", "A reads all"}},
    {.name = "hazard 9: another process commits while an old snapshot is held",
     .modes = IN_WAL,
     .lines = {"A reads t miss", "B: BEGIN", "B reads t hit", "P: UPDATE t SET c = c + 1",
               "B reads t", "A reads t miss", "B reads t", "A reads t hit",
               "Q: UPDATE t SET c = c + 1", "B reads t", "C reads t miss", "B: COMMIT",
               "B reads t hit"}},
    {.name = "hazard 8: a process is killed in the middle of a write",
     .setup = BIG,
     .lines = {"C opens", "A reads all", "B reads all hit",
               "K: PRAGMA cache_size = 2; BEGIN; UPDATE t SET c = c + 1000;"
               "UPDATE big SET x = zeroblob(501)",
               "B reads all", "A reads all", "P: UPDATE t SET c = c + 1", "B reads t miss",
               "C reads t hit", "A reads all",
               "K: PRAGMA cache_size = 2; BEGIN; UPDATE t SET c = c + 1000;"
               "UPDATE big SET x = zeroblob(501)",
               "A: UPDATE t SET c = c + 1", "B reads t miss", "A reads t hit", "C reads all"}},
    {.name = "hazard 8: a process is killed after its commit",
     .lines = {"A reads all", "B reads all", "K: UPDATE t SET c = c + 1", "B reads t miss",
               "A reads t hit", "A closes", "B closes", "K: UPDATE t SET c = c + 1", "pause",
               "A reads t miss", "B reads t hit", "A: UPDATE other SET b = b || '!'",
               "B reads t hit", "B reads other miss"}},
    {.name = "hazard 8: killed with a journal, and the file is opened anew",
     .setup = BIG,
     .lines = {"I opens", "A reads all", "A closes",
               "K: PRAGMA cache_size = 2; BEGIN; UPDATE t SET c = c + 1000;"
               "UPDATE big SET x = zeroblob(501)",
               "I reads all", "A reads all", "P: UPDATE t SET c = c + 1", "A reads t miss",
               "I reads t hit"}},
};

/* ---- hazard 10: what file it is ---- */

static void back_up_into(sqlite3 *db)
{
    sqlite3 *source = open_plain(":memory:", 0);
    run(source, SCHEMA "UPDATE t SET c = 555");
    sqlite3_backup *backup = sqlite3_backup_init(db, "main", source, "main");
    sqlite3_backup_step(backup, -1);
    is_int(sqlite3_backup_finish(backup), SQLITE_OK, "hazard 10: a backup into the file");
    sqlite3_close(source);
}

static void deserialize_into(sqlite3 *db)
{
    sqlite3 *source = open_plain(":memory:", 0);
    sqlite3_int64 size = 0;
    run(source, SCHEMA "UPDATE t SET c = 777");
    unsigned char *image = sqlite3_serialize(source, "main", &size, 0);
    sqlite3_close(source);
    sqlite3_deserialize(db, "main", image, size, size,
                        SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
}

static void attach_again(sqlite3 *db)
{
    run(db, "ATTACH %Q AS again", scenario_file());
}

static const struct scenario contents[] = {
    {.name = "hazard 10: a foreign backup into the file",
     .act = back_up_into,
     .lines = {"A reads all", "B reads all", "F acts", "B reads all", "A reads all",
               "B reads all hit", "A: UPDATE t SET c = c + 1", "B reads t miss"}},
    {.name = "hazard 10: a backup into the file by a connection that shares",
     .act = back_up_into,
     .lines = {"A reads all", "B reads all", "A acts", "B reads all", "A reads all",
               "B reads all hit", "B: UPDATE t SET c = c + 1", "A reads t miss"}},
    {.name = "hazard 10: another content on one connection only",
     .act = deserialize_into,
     .lines = {"A reads all", "B reads all hit", "A acts", "A reads all", "B reads all hit",
               "A: UPDATE t SET c = c + 1", "A reads all", "B reads all hit",
               "B: UPDATE t SET c = c + 1", "A reads all", "B reads t miss"}},
    {.name = "hazard 10: one connection has the file under two aliases",
     .act = attach_again,
     .lines = {"B reads t miss", "B reads other miss", "A acts", "A: UPDATE again.t SET c = c + 1",
               "B reads t miss", "B reads other", "A reads t", "A: UPDATE main.t SET c = c + 1",
               "B reads t miss", "A reads t", "A: UPDATE again.other SET b = b || '!'",
               "A reads other", "B reads other", "F: UPDATE t SET c = c + 1", "A reads t",
               "B reads t"}},
};

/* One alias for two files in turn on one connection; the other stays with the first. */
static void test_twins(void)
{
    const char *const paths[2] = {fresh_file("twin1.db"), fresh_file("twin2.db")};
    for (int i = 0; i < 2; i++) {
        sqlite3 *twin = open_plain(paths[i], 0);
        run(twin, "PRAGMA journal_mode = WAL; CREATE TABLE n(x); INSERT INTO n VALUES (%d)", i + 1);
        sqlite3_close(twin);
    }
    sqlite3 *a = open_cached(":memory:", 0);
    sqlite3 *b = open_cached(":memory:", 0);
    const char *plain = "SELECT x FROM twin.n";
    sqlite3 *const pair[] = {a, b};
    for (int i = 0; i < 2; i++) {
        run(pair[i], "ATTACH %Q AS twin", paths[0]);
        run(pair[i], "CREATE VIRTUAL TABLE temp.cn USING cache((SELECT x FROM twin.n))");
    }
    same_as(b, "SELECT * FROM cn", plain, "miss", "hazard 10: one computes from the first file");
    same_as(a, "SELECT * FROM cn", plain, "hit", "hazard 10: the other shares it");
    for (int i = 1; i < 6; i++) {
        run(a, "DETACH twin; ATTACH %Q AS twin", paths[i % 2]);
        same(a, "SELECT * FROM cn", plain, "hazard 10: the alias names two files in turn");
        same_as(b, "SELECT * FROM cn", plain, "hit", "hazard 10: the other connection's does not");
        run(a, "UPDATE twin.n SET x = x + 10");
        same(b, "SELECT * FROM cn", plain, "hazard 10: a write to one of them is seen there");
        same(a, "SELECT * FROM cn", plain, "hazard 10: and where it was made");
        run(b, "UPDATE twin.n SET x = x + 100");
        same(a, "SELECT * FROM cn", plain, "hazard 10: a write to the first file");
        same(b, "SELECT * FROM cn", plain, "hazard 10: on its own connection");
    }
    sqlite3_close(a);
    sqlite3_close(b);
}

static void make_file(const char *file, const char *mode, int value)
{
    sqlite3 *maker = open_plain(fresh_file(file), 0);
    run(maker, "PRAGMA journal_mode = %s; " SCHEMA "UPDATE t SET c = %d", mode, value);
    sqlite3_close(maker);
}

/* Another file takes the path while a connection has the old one open. */
static void test_replaced(const char *mode, const char *hazard)
{
    make_file("replaced.db", mode, 1);
    make_file("new.db", mode, 2);
    sqlite3 *a = join(scratch_file("replaced.db"));
    same(a, "SELECT * FROM ct", T, name(hazard, "a file that will be replaced"));
    is_int(rename(scratch_file("new.db"), scratch_file("replaced.db")), 0,
           name(hazard, "another takes its path"));
    /* The new file must not find the old one's, which stay open without a name. */
    unlink(scratch_file("replaced.db-wal"));
    unlink(scratch_file("replaced.db-shm"));
    sqlite3 *b = join(scratch_file("replaced.db"));
    for (int i = 0; i < 3; i++) {
        same(b, "SELECT * FROM ct", T, name(hazard, "the new file's rows"));
        same(a, "SELECT * FROM ct", T, name(hazard, "the old file's rows"));
        run(b, "UPDATE t SET c = c + 1");
    }
    sqlite3 *c = join(scratch_file("replaced.db"));
    same(c, "SELECT * FROM ct", T, name(hazard, "one more connection to the new file"));
    same(a, "SELECT * FROM ct", T, name(hazard, "and the old file's again"));
    sqlite3_close(c);
    sqlite3_close(b);
    sqlite3_close(a);
}

/* The path, and perhaps the number, of a file that is gone. */
static void test_made_anew(const char *mode, const char *hazard)
{
    sqlite3 *idle = open_cached(":memory:", 0);
    for (int i = 0; i < 6; i++) {
        make_file("anew.db", mode, i);
        file_tick();
        sqlite3 *a = join(scratch_file("anew.db"));
        sqlite3 *b = join(scratch_file("anew.db"));
        same_as(a, "SELECT * FROM ct", T, "miss", name(hazard, "a file made anew"));
        same_as(b, "SELECT * FROM ct", T, "hit", name(hazard, "is shared like any other"));
        sqlite3_close(a);
        sqlite3_close(b);
        is_int(number(idle, "SELECT entries FROM cache_stats"), 0,
               name(hazard, "and takes its results along"));
    }
    sqlite3_close(idle);
}

int main(int argc, char **argv)
{
    scenario_main(argc, argv);
    test_upkeep();
    PLAY(modes);
    PLAY(processes);
    PLAY(contents);
    test_twins();
    test_replaced("WAL", "hazard 10: WAL");
    test_replaced("DELETE", "hazard 10: DELETE");
    test_made_anew("WAL", "hazard 10: WAL");
    test_made_anew("DELETE", "hazard 10: DELETE");
    return tap_done();
}
