/*
** Names and words that SQLite spells in more ways than one: in quotes, abbreviated, as a blob. What
** is refused, or kept for one connection alone, stays so in each spelling; and what only looks like
** it is cached.
*/
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hazards/tables.h"
#include "querycache.h"
#include "support.h"
#include "tap.h"

#define LENGTH(list) (sizeof(list) / sizeof(list)[0])

/* What cache_explain() says of a SELECT; freed with sqlite3_free(). */
static char *explained(sqlite3 *db, const char *sql, const char *property)
{
    char *question = sqlite3_mprintf(
        "SELECT ifnull(value, '') FROM cache_explain(%Q) WHERE property = %Q", sql, property);
    char *answer = rows(db, question);
    sqlite3_free(question);
    return answer;
}

static void is_refused(sqlite3 *db, const char *sql, const char *why)
{
    char *reason = explained(db, sql, "reason");
    contains(reason, why, sql);
    sqlite3_free(reason);
}

static void is_cached(sqlite3 *db, const char *sql)
{
    char *answer = explained(db, sql, "cacheable");
    contains(answer, "yes", sql);
    sqlite3_free(answer);
}

/* Two connections to one file give such a SELECT two keys: it is kept for each alone. */
static void is_private(sqlite3 *db, sqlite3 *other, const char *sql)
{
    char *key = explained(db, sql, "key");
    char *others = explained(other, sql, "key");
    ok(strlen(key) >= 32 && strcmp(key, others) != 0, sql);
    sqlite3_free(key);
    sqlite3_free(others);
}

/* ---- the present time ---- */

#define IS_PRESENT "calls strftime(), which with a format alone is the present time"

static const char *const bare[] = {
    "SELECT a, strftime('%f') FROM t",
    "SELECT a, \"strftime\"('%f') FROM t",
    "SELECT a, [strftime]('%f') FROM t",
    "SELECT a, `strftime`('%f') FROM t",
    "SELECT a, \"StrFTime\" ( ('%f') ) FROM t",
    "SELECT a, \"strftime\" /* ( */ ('%f' /* , */) FROM t -- ,",
    "SELECT a, strftime('%f', b) || [strftime]('%f') FROM t",
    "WITH n(at) AS (SELECT `strftime`('%f')) SELECT * FROM t, n",
    "SELECT a FROM t WHERE a < (SELECT \"strftime\"('%f') + 9)",
};

static const char *const bare_views[] = {
    "CREATE VIEW v AS SELECT [strftime]('%f') AS at",
    "CREATE TEMP VIEW v AS SELECT `strftime`('%f') AS at",
    "ATTACH ':memory:' AS aux; CREATE VIEW aux.v AS SELECT \"strftime\"('%f') AS at",
    "CREATE VIEW v AS SELECT [strftime]('%f') AS at, c FROM t; ALTER TABLE t RENAME COLUMN c TO d",
};

/* A word in quotes is not a call, and a call with a time is none of the present. */
static const char *const timed[] = {
    "SELECT a, strftime('%Y', b) FROM t",
    "SELECT a, \"strftime\"('%Y', b) FROM t",
    "SELECT a, [strftime] ('%Y', b, '+1 day') AS \"strftime\" FROM t",
    "SELECT strftime('%Y', b) AS strftime, 'strftime' FROM t WHERE b <> 'strftime(1)'",
};

static void test_strftime(void)
{
    sqlite3 *db = open_file("strftime.db");
    for (size_t i = 0; i < LENGTH(timed); i++)
        is_cached(db, timed[i]);
    for (size_t i = 0; i < LENGTH(bare); i++)
        is_refused(db, bare[i], IS_PRESENT);
    sqlite3_close(db);
    for (size_t i = 0; i < LENGTH(bare_views); i++) {
        db = open_file("strftime.db");
        run(db, "%s", bare_views[i]);
        is_refused(db, "SELECT a, v.at FROM t, v", IS_PRESENT);
        is_cached(db, "SELECT a, date(b) FROM t");
        sqlite3_close(db);
    }
}

/* The same as rows: of statements that are prepared through the cache. */
static void test_time_passes(void)
{
    static const char sql[] = "SELECT max(a), \"strftime\"('%f') FROM t";
    sqlite3 *db = open_file("passes.db");
    sqlite3_stmt *statement = prepare_cached(db, sql);
    char before[32] = "";
    for (int i = 0; i < 2; i++) {
        ok(sqlite3_step(statement) == SQLITE_ROW, "a row with the present second");
        const char *second = (const char *)sqlite3_column_text(statement, 1);
        ok(strcmp(before, second) != 0, "is another 20 ms later");
        sqlite3_snprintf(sizeof before, before, "%s", second);
        sqlite3_reset(statement);
        usleep(20000);
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static void test_now(void)
{
    static const char *const texts[] = {
        "SELECT a, datetime('now') FROM t",
        "SELECT a, datetime(\"now\") FROM t",
        "SELECT a, datetime(x'6e6f77') FROM t",
        "SELECT a, datetime(x'4e4F5700ff') FROM t",
        "SELECT a, datetime(CAST(x'6e6f77' AS TEXT)) FROM t",
        "SELECT a, \"datetime\"() FROM t",
        "SELECT a, `current_timestamp`() FROM t",
    };
    sqlite3 *db = open_file("now.db");
    for (size_t i = 0; i < LENGTH(texts); i++)
        is_refused(db, texts[i], "(), wh");
    run(db, "CREATE VIRTUAL TABLE temp.cd USING cache((SELECT max(a) AS a, "
            "strftime('%%f', :d) AS d FROM t))");
    sqlite3_stmt *statement = prepare_plain(db, "SELECT * FROM cd(?)");
    for (int i = 0; i < 2; i++) {
        sqlite3_bind_text(statement, 1, "now\0later", 9, SQLITE_STATIC);
        ok(sqlite3_step(statement) == SQLITE_ROW, "'now' and more behind a zero byte");
        sqlite3_reset(statement);
        is_text(status(db), "bypass", "is the present time");
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

/* ---- full-text tables ---- */

/* A view changes with whatever it reads or calls, which the file does not tell. */
static void test_content(void)
{
    static const char *const tables[] = {
        "CREATE VIRTUAL TABLE f USING fts5(b, content = changing, content_rowid = a)",
        "CREATE VIRTUAL TABLE f USING fts5(b, cont = changing, content_rowid = a)",
        "CREATE VIRTUAL TABLE f USING fts5(b, C='changing', content_rowid = a)",
        "CREATE VIRTUAL TABLE f USING \"FTS5\"(\"content\", b, conten=[changing], "
        "content_rowid = a)",
        "CREATE VIRTUAL TABLE IF NOT EXISTS main.f /* v */ USING 'fts5' (b,\n content_rowid = a,"
        " Content = `changing`)",
        "CREATE VIRTUAL TABLE f USING fts4(b, content=changing)",
        "CREATE VIRTUAL TABLE f USING fts4(content=t, b, content=\"changing\")",
        "CREATE VIRTUAL TABLE f USING fts4(b, content=t x)",
    };
    for (size_t i = 0; i < LENGTH(tables); i++) {
        sqlite3 *db = open_file("content.db");
        run(db, "CREATE VIEW changing AS SELECT a, b || random() AS b FROM t;"
                "CREATE VIEW \"t x\" AS SELECT a, b || random() AS b FROM t");
        run(db, "%s", tables[i]);
        is_refused(db, "SELECT b FROM f", "reads f, a virtual table whose changes cannot be seen");
        sqlite3_close(db);
    }
    static const char *const seen[] = {
        "CREATE VIRTUAL TABLE f USING fts5(b, c = 't', content_rowid = a)",
        "CREATE VIRTUAL TABLE f USING fts5(c, content, \"=\", prefix = 2)",
        "CREATE VIRTUAL TABLE f USING fts5(b, cont = '')",
        "CREATE VIRTUAL TABLE f USING fts4(b, content=\"t\")",
    };
    for (size_t i = 0; i < LENGTH(seen); i++) {
        sqlite3 *db = open_file("seen.db");
        run(db, "%s", seen[i]);
        is_cached(db, "SELECT rowid FROM f");
        sqlite3_close(db);
    }
}

static void give_number(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    sqlite3_result_int(context, *(int *)sqlite3_user_data(context));
}

/* Tokenizers and functions are registered on a connection, under any name. */
static void test_own_code(void)
{
    static const char *const tables[] = {
        "CREATE VIRTUAL TABLE f USING fts5(b, tokenize = porter)",
        "CREATE VIRTUAL TABLE f USING fts5(b, tok = 'porter')",
        "CREATE VIRTUAL TABLE f USING fts5(b, T=porter)",
        "CREATE VIRTUAL TABLE f USING fts4(b, ToKenize porter)",
        "CREATE VIRTUAL TABLE f USING fts3(tokenize=porter, b)",
        "CREATE VIRTUAL TABLE f USING fts5(g, content = gt)",
    };
    static int one = 1;
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    for (size_t i = 0; i < LENGTH(tables); i++) {
        sqlite3 *db = open_file("own.db");
        sqlite3_create_function(db, "num", 0, flags, &one, give_number, NULL, NULL);
        run(db, "CREATE TABLE gt(a INTEGER PRIMARY KEY, g AS (a + num()));");
        run(db, "%s", tables[i]);
        sqlite3 *other = open_cached(scratch_file("own.db"), 0);
        sqlite3_create_function(other, "num", 0, flags, &one, give_number, NULL, NULL);
        is_private(db, other, "SELECT rowid FROM f WHERE f MATCH 'x'");
        sqlite3_close(other);
        sqlite3_close(db);
    }
    sqlite3 *db = open_file("compressed.db");
    sqlite3_create_function(db, "same", 1, flags, &one, give_number, NULL, NULL);
    run(db, "CREATE VIRTUAL TABLE f USING fts4(b, compress=same, uncompress=same)");
    is_refused(db, "SELECT b FROM f", "reads f, a virtual table whose changes cannot be seen");
    sqlite3_close(db);
}

static int compare_sizes(void *argument, int a_size, const void *a, int b_size, const void *b)
{
    (void)a, (void)b;
    return argument == NULL ? a_size - b_size : b_size - a_size;
}

/* EXPLAIN writes BINARY as B, descending as -, NULLS LAST as N. */
static void test_collations(void)
{
    static const char *const names[] = {"B", "b", "-B", "-NOCASE", "N.RTRIM", "NOCASE,B", "B)"};
    static int turned;
    for (size_t i = 0; i < LENGTH(names); i++) {
        sqlite3 *db = open_file("collation.db");
        sqlite3 *other = open_cached(scratch_file("collation.db"), 0);
        char *sql = sqlite3_mprintf("SELECT b FROM t ORDER BY b COLLATE \"%w\"", names[i]);
        char *greater = sqlite3_mprintf("SELECT b FROM t WHERE b > 'x' COLLATE \"%w\"", names[i]);
        sqlite3_create_collation(db, names[i], SQLITE_UTF8, NULL, compare_sizes);
        sqlite3_create_collation(other, names[i], SQLITE_UTF8, &turned, compare_sizes);
        is_private(db, other, sql);
        is_private(db, other, greater);
        sqlite3_free(sql);
        sqlite3_free(greater);
        sqlite3_close(other);
        sqlite3_close(db);
    }
}

/* LIKE is a function, and functions can be replaced: what ours ask must not rest on it. */
static void test_like_replaced(void)
{
    static int none = 0;
    sqlite3 *db = open_file("like.db");
    run(db, "CREATE VIRTUAL TABLE f USING fts5(b, tokenize = porter)");
    sqlite3 *other = open_cached(scratch_file("like.db"), 0);
    is_private(db, other, "SELECT rowid FROM f");
    sqlite3_create_function(db, "like", 2, SQLITE_UTF8, &none, give_number, NULL, NULL);
    sqlite3_create_function(other, "like", 2, SQLITE_UTF8, &none, give_number, NULL, NULL);
    run(db, "CREATE VIRTUAL TABLE main.stored USING cache((SELECT a FROM t))");
    is_private(db, other, "SELECT rowid FROM f WHERE f MATCH 'x'");
    is_cached(db, "SELECT rowid FROM f WHERE rowid > 1");
    is_int(number(other, "SELECT count(*) FROM cache_definitions WHERE name = 'stored'"), 1,
           "a stored definition is listed where LIKE was replaced");
    sqlite3_close(other);
    sqlite3_close(db);
}

/* ---- words that are looked for, and whose spelling makes no difference to the rows ---- */

/* What is not recognized as one of SQLite's own tables is cached, and rests on the whole file. */
static void test_system_tables(void)
{
    static const char *const texts[] = {
        "SELECT count(*) FROM sqlite_master",
        "SELECT count(*) FROM 'sqlite_master'",
        "SELECT count(*) FROM main.\"sqlite_schema\"",
        "SELECT count(*) FROM [SQLITE_MASTER] UNION ALL SELECT count(*) FROM `sqlite_sequence`",
        "SELECT n FROM objects",
        "SELECT count(*) FROM main.'sqlite_stat1' WHERE \"idx\" IS NOT NULL",
    };
    sqlite3 *db = open_file("system.db");
    run(db, "CREATE VIEW objects AS SELECT count(*) AS n FROM 'sqlite_master';"
            "CREATE TABLE counted(x INTEGER PRIMARY KEY AUTOINCREMENT); ANALYZE");
    for (int turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < LENGTH(texts); i++) {
            sqlite3_stmt *made = prepare_cached(db, texts[i]);
            for (int j = 0; j < 2; j++) {
                sqlite3_step(made);
                is_int(sqlite3_column_int64(made, 0), number(db, texts[i]), texts[i]);
                while (sqlite3_step(made) == SQLITE_ROW)
                    continue;
                sqlite3_reset(made);
            }
            sqlite3_finalize(made);
        }
        run(db,
            "CREATE TABLE u%d(x); CREATE INDEX i%d ON t(c, b); INSERT INTO counted DEFAULT "
            "VALUES; ANALYZE",
            turn, turn);
    }
    sqlite3_close(db);
}

/* A statement whose first row is its last is kept once that was read, and no other is. */
static void test_limits(void)
{
    static const char *const texts[] = {
        "SELECT a FROM t LIMIT 1",
        "SELECT a FROM t LIMIT 1;",
        "SELECT a FROM t LIMIT/* 2 */1 -- 2",
        "SELECT a FROM t LIMIT 2 OFFSET 1",
        "SELECT a FROM t LIMIT 1, 2",
        "SELECT a FROM t LIMIT 0, 1",
        "SELECT a, \"limit\" + 1 FROM (SELECT a, c AS \"limit\" FROM t)",
        "SELECT a FROM t WHERE a IN (SELECT a FROM t LIMIT 1) OR a > 1",
        "SELECT a FROM t UNION ALL SELECT a FROM other LIMIT 1",
        "WITH l AS (SELECT a FROM t LIMIT 1) SELECT t.a FROM t, l",
    };
    sqlite3 *db = open_file("limits.db");
    for (size_t i = 0; i < LENGTH(texts); i++) {
        sqlite3_stmt *made = prepare_cached(db, texts[i]);
        sqlite3_stmt *plain = prepare_plain(db, texts[i]);
        sqlite3_step(made);
        sqlite3_reset(made);
        int expected = SQLITE_ROW;
        while (expected == SQLITE_ROW) {
            expected = sqlite3_step(plain);
            is_int(sqlite3_step(made), expected, texts[i]);
            if (expected == SQLITE_ROW)
                is_int(sqlite3_column_int(made, 0), sqlite3_column_int(plain, 0), "and the value");
        }
        sqlite3_finalize(made);
        sqlite3_finalize(plain);
    }
    sqlite3_close(db);
}

int main(void)
{
    test_strftime();
    test_time_passes();
    test_now();
    test_content();
    test_own_code();
    test_collations();
    test_like_replaced();
    test_system_tables();
    test_limits();
    return tap_done();
}
