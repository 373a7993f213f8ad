/*
** SELECTs that nobody asked to cache, as querycache-run meets them without a rule: no function of
** the application is trusted for being marked SQLITE_DETERMINISTIC. With a rule, or by name, it is.
*/
#include <stdlib.h>
#include <string.h>

#include "statement/prepare.h"
#include "support.h"
#include "tap.h"

#define LENGTH(list) (sizeof(list) / sizeof(list)[0])
#define MARKED (SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)

static sqlite3_stmt *prepare_asked(sqlite3 *db, const char *sql, bool asked)
{
    struct prepare_request request = {.unasked = !asked};
    char *error = NULL;
    sqlite3_stmt *statement = prepare_plain(db, sql);
    prepare_through(db, &statement, &request, &error);
    sqlite3_free(error);
    return statement;
}

static void expect(sqlite3 *db, const char *sql, bool asked, bool cached)
{
    sqlite3_stmt *statement = prepare_asked(db, sql, asked);
    ok(is_prepared_cached(statement) == cached, sql);
    sqlite3_finalize(statement);
}

/* Marked, as SpatiaLite marks what reads its tables. */
static void count_rows(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    sqlite3_stmt *statement =
        prepare_plain(sqlite3_context_db_handle(context), "SELECT count(*) FROM counted");
    (void)argc, (void)argv;
    sqlite3_step(statement);
    sqlite3_result_int(context, sqlite3_column_int(statement, 0));
    sqlite3_finalize(statement);
}

static void finish_none(sqlite3_context *context)
{
    sqlite3_result_int(context, 0);
}

static int compare_none(void *argument, int a_size, const void *a, int b_size, const void *b)
{
    (void)argument, (void)a, (void)b;
    return a_size - b_size;
}

static sqlite3 *open_with_functions(const char *file)
{
    sqlite3 *db = open_cached(fresh_file(file), 0);
    sqlite3_create_function(db, "count_rows", -1, MARKED, NULL, count_rows, NULL, NULL);
    sqlite3_create_window_function(db, "total_of", 1, MARKED, NULL, count_rows, finish_none,
                                   finish_none, count_rows, NULL);
    sqlite3_create_collation(db, "own", SQLITE_UTF8, NULL, compare_none);
    run(db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, g AS (a + count_rows(a)));"
            "CREATE TABLE counted(x); INSERT INTO t VALUES (1, 'x');"
            "CREATE VIEW v AS SELECT a, count_rows() AS n FROM t;"
            "CREATE VIRTUAL TABLE f USING fts5(b, tokenize = porter);"
            "CREATE VIRTUAL TABLE h USING fts5(g, content = t, content_rowid = a)");
    return db;
}

/* ---- rows ---- */

static void test_rows(bool asked, const char *expected, const char *name)
{
    static const char sql[] = "SELECT count_rows() FROM t";
    static const char refusals[] =
        "SELECT total(count) FROM cache_refusals WHERE sql = 'select count_rows() from t' AND "
        "reason = 'calls a function that is not SQLite''s own, and no rule asks for it'";
    sqlite3 *db = open_with_functions("rows.db");
    sqlite3_str *got = sqlite3_str_new(NULL);
    long long refused = number(db, refusals);
    for (int i = 0; i < 3; i++) {
        sqlite3_stmt *statement = prepare_asked(db, sql, asked);
        sqlite3_step(statement);
        sqlite3_str_appendf(got, "%s%d", i > 0 ? ", " : "", sqlite3_column_int(statement, 0));
        sqlite3_step(statement); /* to the end: what is not read to it is not kept */
        sqlite3_finalize(statement);
        run(db, "INSERT INTO counted VALUES (%d)", i);
    }
    char *text = sqlite3_str_finish(got);
    is_text(text, expected, name);
    sqlite3_free(text);
    is_int(number(db, refusals) - refused, asked ? 0 : 3,
           "and cache_refusals says why, or nothing");
    run(db, "SELECT cache_clear()");
    sqlite3_close(db);
}

/* ---- which ---- */

static const char *const not_sqlites[] = {
    "SELECT count_rows(a) FROM t",
    "SELECT a FROM t WHERE \"count_rows\"() = 0",
    "SELECT n FROM v",
    "SELECT g FROM t",
    "SELECT g FROM h",
    "WITH c AS (SELECT count_rows() AS n FROM t) SELECT n FROM c",
    "SELECT total_of(a) FROM t",
    "SELECT total_of(a) OVER (ORDER BY a) FROM t",
};

static const char *const sqlites[] = {
    "SELECT a, upper(b) FROM t WHERE b LIKE 'X'",
    "SELECT count(*), sum(a), group_concat(b), max(b), abs(max(a)) FROM t",
    "SELECT row_number() OVER (ORDER BY b) FROM t",
    "SELECT a FROM t ORDER BY b COLLATE own",
    "SELECT json_extract('{\"x\": 1}', '$.x') || date(b) FROM t",
    "SELECT bm25(f), highlight(f, 0, '', ''), snippet(f, 0, '', '', '', 3) FROM f('x')",
};

static void test_which(void)
{
    sqlite3 *db = open_with_functions("which.db");
    for (size_t i = 0; i < LENGTH(not_sqlites); i++) {
        expect(db, not_sqlites[i], false, false);
        expect(db, not_sqlites[i], true, true);
        expect(db, not_sqlites[i], false, false);
    }
    for (size_t i = 0; i < LENGTH(sqlites); i++)
        expect(db, sqlites[i], false, true);
    /* Older versions do not say that it is theirs: then it is refused, asked for or not. */
    run(db, "PRAGMA case_sensitive_like = 1");
    bool theirs = number(db, "SELECT min(builtin OR flags <> 0) FROM pragma_function_list "
                             "WHERE name = 'like'") != 0;
    expect(db, sqlites[0], false, theirs);
    expect(db, sqlites[0], true, theirs);
    /* As ICU registers them. */
    sqlite3_create_function(db, "upper", 1, MARKED, NULL, count_rows, NULL, NULL);
    expect(db, sqlites[0], false, false);
    expect(db, "SELECT a FROM t WHERE b LIKE 'x'", false, theirs);
    sqlite3_create_function(db, "like", 2, MARKED, NULL, count_rows, NULL, NULL);
    expect(db, "SELECT a FROM t WHERE b LIKE 'x'", false, false);
    sqlite3_close(db);
}

/* A function that is not marked is trusted by nobody, whatever it is called: users of full-text
** tables write a rank() of their own. */
static void test_rank(void)
{
    static const char sql[] = "SELECT rank(f) FROM f WHERE f MATCH 'x'";
    sqlite3 *db = open_with_functions("rank.db");
    sqlite3_create_function(db, "rank", 1, SQLITE_UTF8, NULL, count_rows, NULL, NULL);
    expect(db, sql, true, false);
    sqlite3_create_function(db, "rank", 1, MARKED, NULL, count_rows, NULL, NULL);
    expect(db, sql, true, true);
    expect(db, sql, false, false);
    sqlite3_close(db);
}

int main(void)
{
    test_rows(false, "0, 1, 2", "where nobody asked, a function that reads a table is called");
    test_rows(true, "0, 0, 0", "where somebody did, its mark is believed");
    test_which();
    test_rank();
    return tap_done();
}
