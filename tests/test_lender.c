/* Lent texts: what SQLite does with them, and that all of them come back. */
#include "tap.h"

#include <stdio.h>
#include <string.h>

#include "base/lender.h"
#include "base/memory.h"
#include "counting.h"
#include "support.h"

/* lend(size, letter): a text of so many letters, by SQLite's copy where it is not lent. */
static void lend(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    char text[300];
    size_t size = (size_t)sqlite3_value_int(argv[0]);
    memset(text, *(const char *)sqlite3_value_text(argv[1]), sizeof text);
    text[size] = '\0';
    if (!lender_give_text(sqlite3_user_data(context), context, text, size))
        sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
    /* What was handed over is not looked at again. */
    memset(text, '!', sizeof text);
}

static struct lender *lender;

static sqlite3 *open_lending(void)
{
    sqlite3 *db = open_plain(":memory:", 0);
    lender = lender_new();
    sqlite3_create_function(db, "lend", 2, SQLITE_UTF8, lender, lend, NULL, NULL);
    run(db, "CREATE TABLE n(i INTEGER PRIMARY KEY);"
            "WITH c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 200)"
            "INSERT INTO n SELECT i FROM c;"
            "CREATE TABLE t(x TEXT)");
    return db;
}

static void expect(sqlite3 *db, const char *sql, const char *expected, const char *name)
{
    char *got = rows(db, sql);
    is_text(got, expected, name);
    sqlite3_free(got);
}

static void test_lengths(sqlite3 *db)
{
    expect(db, "SELECT lend(0, 'x'), lend(3, 'y')", "''|'yyy'\n", "texts, one of them empty");
    is_int(number(db, "SELECT count(*) FROM n WHERE length(lend(i, 'a')) = i AND "
                      "lend(i, 'a') = replace(hex(zeroblob(i)), '00', 'a')"),
           200, "texts of any length");
}

/* SQLite keeps all of these longer than the call. */
static void test_kept(sqlite3 *db)
{
    expect(db, "SELECT max(lend(i % 7 + 1, char(97 + i % 26))) FROM n", "'zzzzzzz'\n",
           "the greatest of many");
    expect(db, "SELECT count(DISTINCT lend(1, char(97 + i % 26))) FROM n", "26\n", "distinct ones");
    expect(db,
           "SELECT group_concat(x, '') FROM (SELECT lend(1, char(97 + i)) AS x FROM n "
           "WHERE i <= 20 ORDER BY x DESC)",
           "'utsrqponmlkjihgfedcb'\n", "sorted ones");
    expect(db,
           "SELECT length(lag(lend(i, 'l'), 30) OVER (ORDER BY i)) FROM n WHERE i <= 60 "
           "ORDER BY i DESC LIMIT 1",
           "30\n", "those of rows before, in a window");
    run(db, "CREATE TEMP TRIGGER kept AFTER INSERT ON t BEGIN "
            "UPDATE t SET x = lend(2, 'u') || new.x WHERE rowid = new.rowid; END;"
            "INSERT INTO t VALUES (lend(3, 'v')), (lend(4, 'w')) RETURNING x");
    expect(db, "SELECT x FROM t", "'uuvvv'\n'uuwwww'\n", "inserted ones, in a trigger too");
    expect(db, "SELECT x.a || y.a FROM (SELECT lend(2, 'p') AS a) x, (SELECT lend(2, 'q') AS a) y",
           "'ppqq'\n", "those of two subqueries");
}

/* More than there are slots, all in one row; and again, when they have come back. */
static void test_many(sqlite3 *db)
{
    char sql[2000] = "SELECT lend(5, 'a')";
    char expected[2000] = "'aaaaa'";
    for (int i = 1; i < 60; i++) {
        size_t size = strlen(sql);
        snprintf(sql + size, sizeof sql - size, ", lend(5, '%c')", 'a' + i % 26);
        size = strlen(expected);
        memcpy(expected + size, "|'_____'", sizeof "|'_____'");
        memset(expected + size + 2, 'a' + i % 26, 5);
    }
    memcpy(expected + strlen(expected), "\n", sizeof "\n");
    expect(db, sql, expected, "more than can be lent at once");
    expect(db, sql, expected, "and once more");
}

/* A value that is kept by the application, and the lender gone before the statement. */
static void test_outlived(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(db, "SELECT lend(4, 'k'), lend(5, 'm')", -1, &statement, NULL);
    sqlite3_step(statement);
    sqlite3_value *kept = sqlite3_value_dup(sqlite3_column_value(statement, 0));
    lender_free(lender);
    ok(counting_bytes > 0, "a lender stays as long as something is lent");
    is_text((const char *)sqlite3_column_text(statement, 1), "mmmmm", "and so does the text");
    sqlite3_finalize(statement);
    is_int(counting_bytes, 0, "then it goes");
    is_text((const char *)sqlite3_value_text(kept), "kkkk", "a duplicate is SQLite's own");
    sqlite3_value_free(kept);
}

int main(void)
{
    counting_start();
    counting_fail = 1;
    ok(lender_new() == NULL, "no lender where memory is short");
    lender_free(NULL);
    sqlite3 *db = open_lending();
    test_lengths(db);
    test_kept(db);
    test_many(db);
    test_outlived(db);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
    return tap_done();
}
