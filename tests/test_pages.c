/*
** Pages written past the hooks: a commit that wrote some by sqlite_dbpage may have changed any
** table, whatever else it wrote. Where SQLite has no such table, there is nothing to test.
*/
#include <stdlib.h>
#include <string.h>

#include "hazards/tables.h"
#include "querycache.h"
#include "support.h"
#include "tap.h"

#define LENGTH(list) (sizeof(list) / sizeof(list)[0])
#define N "SELECT x FROM main.n"
#define CN "SELECT * FROM cn"

/* Two states of the one page of n, as temp.page(state, data); it is in state 1. */
static sqlite3 *open_pages(const char *file, const char *mode)
{
    sqlite3 *db = open_cached(fresh_file(file), 0);
    run(db,
        "PRAGMA journal_mode = %s; CREATE TABLE n(x); CREATE TABLE t(x); INSERT INTO n VALUES (0);"
        "INSERT INTO t VALUES (0); CREATE TEMP TABLE page(state, data);"
        "CREATE VIRTUAL TABLE temp.cn USING cache((SELECT x FROM main.n));"
        "CREATE VIRTUAL TABLE temp.ct USING cache((SELECT count(*) FROM main.t))",
        mode);
    for (int state = 0; state < 2; state++)
        run(db,
            "UPDATE n SET x = %d; INSERT INTO temp.page SELECT %d, data FROM sqlite_dbpage "
            "WHERE pgno = (SELECT rootpage FROM sqlite_master WHERE name = 'n')",
            state, state);
    return db;
}

/* To the other state. */
#define WRITE_PAGE(table)                                                                          \
    "UPDATE " table " SET data = (SELECT data FROM temp.page WHERE state <> (SELECT x FROM n)) "   \
    "WHERE pgno = (SELECT rootpage FROM sqlite_master WHERE name = 'n');"
#define INSERT_PAGE                                                                                \
    "INSERT INTO sqlite_dbpage(pgno, data, schema) SELECT rootpage, (SELECT data FROM temp.page "  \
    "WHERE state <> (SELECT x FROM n)), 'MAIN' FROM sqlite_master WHERE name = 'n';"

static const char *const transactions[] = {
    "BEGIN; INSERT INTO t VALUES (1);" WRITE_PAGE("sqlite_dbpage") "COMMIT",
    "BEGIN;" WRITE_PAGE("\"SQLITE_dbpage\"") "INSERT INTO t VALUES (1); COMMIT",
    "BEGIN; INSERT INTO t VALUES (1); SAVEPOINT s;" WRITE_PAGE(
        "sqlite_dbpage") "RELEASE s; INSERT INTO t VALUES (2); COMMIT",
    "BEGIN; UPDATE t SET x = 1; CREATE VIRTUAL TABLE temp.p USING sqlite_dbpage;" WRITE_PAGE(
        "p") "UPDATE t SET x = 2; DROP TABLE p; COMMIT",
    WRITE_PAGE("sqlite_dbpage"),
    "BEGIN;" WRITE_PAGE("sqlite_dbpage") "ROLLBACK; INSERT INTO t VALUES (3)",
};

static void test_writes(const char *mode)
{
    sqlite3 *db = open_pages("pages.db", mode);
    sqlite3 *other = open_cached(scratch_file("pages.db"), 0);
    run(other, "CREATE VIRTUAL TABLE temp.cn USING cache((SELECT x FROM main.n))");
    for (size_t i = 0; i < LENGTH(transactions); i++) {
        for (int turn = 0; turn < 2; turn++) {
            sqlite3_free(rows(db, CN));
            sqlite3_free(rows(other, CN));
            same_as(other, CN, N, "hit", "what is cached is read by two connections");
            run(db, "%s", transactions[i]);
            same(db, CN, N, transactions[i]);
            same(other, CN, N, "and by the other connection");
        }
    }
    if (sqlite3_libversion_number() >= 3047000) { /* before, only what is there can be updated */
        sqlite3_free(rows(db, CN));
        same_as(db, CN, N, "hit", "once more");
        run(db, "BEGIN; INSERT INTO t VALUES (1);" INSERT_PAGE "COMMIT");
        same(db, CN, N, "a page is inserted");
        same(other, CN, N, "and read by the other connection");
    }
    sqlite3_close(other);
    sqlite3_close(db);
}

/* What only reads pages, or has read and written some before, costs an ordinary commit nothing. */
static void test_ordinary(void)
{
    sqlite3 *db = open_pages("ordinary.db", "WAL");
    run(db, "BEGIN; INSERT INTO t VALUES (1);" WRITE_PAGE("sqlite_dbpage") "COMMIT");
    for (int i = 0; i < 3; i++) {
        sqlite3_free(rows(db, CN));
        run(db, "BEGIN; INSERT INTO t SELECT count(*) FROM sqlite_dbpage; COMMIT");
        same_as(db, CN, N, "hit", "a commit beside it");
        same(db, "SELECT * FROM ct", "SELECT count(*) FROM t", "and what it changed");
    }
    sqlite3_close(db);
}

static void test_attached(void)
{
    sqlite3 *db = open_pages("attached1.db", "DELETE");
    const char *path = fresh_file("attached2.db");
    for (int i = 0; i < 3; i++) {
        sqlite3 *copy = open_plain(path, 0);
        if (i == 0)
            run(copy, "CREATE TABLE n(x); CREATE TABLE t(x); INSERT INTO n VALUES (5);"
                      "INSERT INTO t VALUES (0)");
        sqlite3_close(copy);
        run(db, "ATTACH %Q AS aux", path);
        run(db, "CREATE VIRTUAL TABLE temp.ca%d USING cache((SELECT x FROM aux.n))", i);
        char *cached = sqlite3_mprintf("SELECT * FROM ca%d", i);
        sqlite3_free(rows(db, cached));
        same_as(db, cached, "SELECT x FROM aux.n", "hit", "an attached file");
        run(db,
            "BEGIN; INSERT INTO aux.t VALUES (1);"
            "UPDATE sqlite_dbpage SET data = (SELECT data FROM temp.page WHERE state = %d) "
            "WHERE schema = 'AUX' AND pgno = (SELECT rootpage FROM aux.sqlite_master WHERE name = "
            "'n'); COMMIT",
            i % 2);
        same(db, cached, "SELECT x FROM aux.n", "and its pages");
        sqlite3_free(cached);
        run(db, "DROP TABLE temp.ca%d; DETACH aux", i);
    }
    sqlite3_close(db);
}

/* The module is found on a connection that loads the extension, too. */
static void test_loaded_by_itself(void)
{
    sqlite3_auto_extension((void (*)(void))sqlite3_querycache_init);
    sqlite3 *db = open_plain(":memory:", 0);
    is_int(number(db, "SELECT count(*) FROM sqlite_dbpage"), 0,
           "pages of a connection that loads "
           "the extension by itself");
    is_int(number(db, "SELECT count(*) FROM cache_stats"), 1, "which it has");
    sqlite3_close(db);
    sqlite3_reset_auto_extension();
    db = open_cached(":memory:", 0);
    is_int(sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL), SQLITE_OK, "defensive");
    run(db, "CREATE TABLE n(x)");
    is_int(try(db, "UPDATE sqlite_dbpage SET data = data"), SQLITE_ERROR,
           "pages cannot be written");
    is_text(sqlite3_errmsg(db), "read-only", "and the error is SQLite's");
    run(db, "CREATE TRIGGER temp.r AFTER INSERT ON main.n BEGIN UPDATE sqlite_dbpage SET data = 1; "
            "END");
    is_int(try(db, "INSERT INTO n VALUES (1)"), SQLITE_ERROR, "nor by a trigger");
    sqlite3_close(db);
}

int main(void)
{
    sqlite3 *db = open_plain(":memory:", 0);
    bool there = number(db, "SELECT count(*) FROM pragma_module_list WHERE name = 'sqlite_dbpage'");
    sqlite3_close(db);
    if (!there) {
        tap_skip("pages written by sqlite_dbpage", "this SQLite has no such table");
        return tap_done();
    }
    test_writes("WAL");
    test_writes("DELETE");
    test_ordinary();
    test_attached();
    test_loaded_by_itself();
    return tap_done();
}
