/*
** Hazards of docs/exactness.md: what others commit, when, and in which mode the file is.
** The others are plain connections: to one with the extension they are as foreign as another
** process; tests/foreign.t has real processes.
*/
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hazards/tables.h"
#include "querycache.h"
#include "support.h"
#include "tap.h"

static const struct place wal = {"WAL", "wal.db", "PRAGMA journal_mode = WAL"};
static const struct place rollback = {"rollback", "rollback.db", "PRAGMA journal_mode = DELETE"};

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
    if (*armed && strstr(text, "schema_version") != NULL) {
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
    /* The first look told the mode, the second the state. */
    warm(db);
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

/* PRAGMA journal_mode = DELETE closes the WAL before it finds that no journal can be made. The next
** read opens it again; until then a look at the wal-index would make one. */
static void test_failed_switch(void)
{
    const char *path = fresh_file("switch.db");
    char *shm = sqlite3_mprintf("%s-shm", path);
    char *journal = sqlite3_mprintf("%s-journal", path);
    sqlite3 *db = open_cached(path, 0);
    run(db, "PRAGMA journal_mode = WAL;" SCHEMA CACHES);
    sqlite3_stmt *read = NULL;
    sqlite3_prepare_v2(db, "SELECT count(*) FROM ct", -1, &read, NULL);
    for (int i = 0; i < 4; i++) {
        sqlite3_step(read);
        sqlite3_reset(read);
    }
    mkdir(journal, 0700);
    ok(try(db, "PRAGMA journal_mode = DELETE") != SQLITE_OK, "a change of mode fails");
    ok(access(shm, F_OK) != 0, "after it has closed the WAL");
    sqlite3_step(read);
    sqlite3_reset(read);
    same(db, "SELECT * FROM ct", T, "what is kept is still right");
    rmdir(journal);
    run(db, "PRAGMA journal_mode = DELETE");
    ok(access(shm, F_OK) != 0, "when the mode is changed no -shm file is left");
    sqlite3_finalize(read);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
    ok(access(shm, F_OK) != 0, "nor when the connection is closed");
    sqlite3_free(shm);
    sqlite3_free(journal);
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
    test_foreign_commits(&wal);
    test_foreign_commits(&rollback);
    test_old_snapshots();
    test_one_snapshot();
    test_commit_while_settling();
    test_mode_switches();
    test_empty_wal();
    test_no_stray_shm();
    test_failed_switch();
    test_read_uncommitted();
    test_deserialize();
    test_backup();
    return tap_done();
}
