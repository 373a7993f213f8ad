/*
** What SQLite was handed from a kept result stays right when the cursor, the entry and the table
** have gone: SQLite keeps values in registers, accumulators, sorters and copies, and reads them
** later. The statements drop every entry while they run, and take rows of another result into the
** memory that was freed. To be run under the address sanitizer, too.
*/
#include <string.h>

#include "support.h"
#include "tap.h"

#define ROWS "200"

/* Short and long texts, blobs, with NULLs and without, of one type and of several. */
#define SELECT_ALL "SELECT i, s, n, l, b, m FROM main.t"

static sqlite3 *open_with_tables(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "CREATE TABLE t(i INTEGER PRIMARY KEY, s TEXT, n TEXT, l TEXT, b BLOB, m);"
            "WITH RECURSIVE r(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM r WHERE i < " ROWS ")"
            "INSERT INTO t SELECT i, 'short ' || i, CASE WHEN i %% 3 THEN 'nullable ' || i END,"
            "  printf('%%.*c', 500 + i * 37, char(97 + i %% 26)) || i,"
            "  CAST('blob ' || i || char(0) || i AS BLOB),"
            "  CASE i %% 4 WHEN 0 THEN i WHEN 1 THEN 'text ' || i WHEN 2 THEN x'00' || i "
            "  ELSE i / 7.0 END FROM r;"
            "CREATE TABLE log(i, s, l);"
            "CREATE TABLE parts AS SELECT low.i AS low, t.* FROM t AS low JOIN t ON t.i BETWEEN "
            "  low.i AND low.i + 2 ORDER BY low.i, t.i;"
            "CREATE VIRTUAL TABLE temp.part USING cache(("
            "  SELECT i, s, n, l, b, m FROM main.t WHERE i BETWEEN :low AND :low + 2));"
            "CREATE VIRTUAL TABLE temp.c USING cache((" SELECT_ALL "));"
            "CREATE VIRTUAL TABLE temp.other USING cache((SELECT i, 'other ' || i AS s, "
            "  printf('%%.*c', 900, 'o') AS l FROM main.t WHERE i > :i))");
    return db;
}

/* Drops all entries and runs another query, whose rows may take the place of those dropped. Gives
** its second argument. */
static void drop_all(sqlite3_context *context, int count, sqlite3_value **values)
{
    sqlite3 *db = sqlite3_context_db_handle(context);
    (void)count;
    char *ignored = rows(db, "SELECT cache_clear()");
    sqlite3_free(ignored);
    ignored = rows(db, "SELECT count(*), max(s), max(l) FROM other(0)");
    sqlite3_free(ignored);
    sqlite3_result_value(context, values[0]);
}

/* The SQL with a table's name for each `@`; the caller frees. */
static char *over(const char *sql, const char *table)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    for (; *sql != '\0'; sql++) {
        if (*sql == '@')
            sqlite3_str_appendall(text, table);
        else
            sqlite3_str_appendchar(text, 1, *sql);
    }
    return sqlite3_str_finish(text);
}

/* The same query over the table and over its cache, kept and computed. `@` stands for the table. */
static void check(sqlite3 *db, const char *sql, const char *plain_table, const char *cached_table,
                  const char *name)
{
    char *plain = over(sql, plain_table);
    char *cached = over(sql, cached_table);
    char *expected = rows(db, plain);
    bool good = strncmp(expected, "error", 5) != 0 && *expected != '\0';
    for (int i = 0; i < 3 && good; i++) {
        char *ignored = rows(db, "SELECT * FROM c LIMIT 1");
        char *got = rows(db, cached);
        good = strcmp(got, expected) == 0;
        sqlite3_free(ignored);
        if (!good)
            printf("# got %.200s\n", got);
        sqlite3_free(got);
    }
    if (!good)
        printf("# expected %.200s\n", expected);
    ok(good, name);
    sqlite3_free(plain);
    sqlite3_free(cached);
    sqlite3_free(expected);
}

static void check_query(sqlite3 *db, const char *sql, const char *name)
{
    check(db, sql, "t", "c", name);
}

/* Of results that one cursor reads one after the other: when it goes on to the next, the one before
** is freed. Then a value that was not copied is lost. */
static void check_parts(sqlite3 *db, const char *sql, const char *name)
{
    check(db, sql, "parts", "part", name);
}

static void test_registers(sqlite3 *db)
{
    check_query(db,
                "SELECT (SELECT s FROM @ WHERE i = 7), drop_all(1), "
                "  (SELECT l FROM @ WHERE i = 9), drop_all(2)",
                "a scalar subquery");
    check_query(db,
                "SELECT x, y, drop_all(3), x || y FROM (SELECT s AS x, l AS y FROM @ "
                "  WHERE i = 5 LIMIT 1)",
                "a subquery of one row");
    check_query(db, "SELECT i, s, drop_all(i), l, b, m, n FROM @ WHERE i < 20", "a scan");
    check_query(db,
                "SELECT a.s, b.l, drop_all(0) FROM @ AS a JOIN @ AS b ON b.i = a.i + 1 "
                "  WHERE a.i < 9",
                "a join");
    check_query(db,
                "WITH x AS MATERIALIZED (SELECT s, l, b FROM @ WHERE i < 9) "
                "  SELECT drop_all(s), l, b FROM x UNION ALL SELECT s, l, b FROM x",
                "a materialized common table expression");
}

static void test_accumulators(sqlite3 *db)
{
    check_query(db, "SELECT min(s), max(l), drop_all(max(b)), min(n), max(m) FROM @",
                "min() and max()");
    check_query(db, "SELECT s, l, b, max(i), drop_all(1) FROM @", "columns beside max()");
    check_query(db, "SELECT min(s, l), max(n, s), drop_all(i) FROM @ WHERE i < 20",
                "min() and max() of several columns");
    check_query(db,
                "SELECT i % 5, s, min(l), drop_all(max(s)), count(n) FROM @ "
                "  GROUP BY i % 5",
                "GROUP BY");
    check_query(db, "SELECT n, count(*), max(drop_all(l)) FROM @ GROUP BY n HAVING max(b) > ''",
                "GROUP BY of texts");
    check_query(db, "SELECT group_concat(drop_all(s)), group_concat(n, '-') FROM @ WHERE i < 30",
                "group_concat()");
    check_query(db,
                "SELECT first_value(l) OVER w, lag(s, 2) OVER w, max(b) OVER w, drop_all(i) "
                "  FROM @ WHERE i < 30 WINDOW w AS (ORDER BY i ROWS 3 PRECEDING)",
                "window functions");
}

static void test_sorters(sqlite3 *db)
{
    check_query(db, "SELECT s, l, drop_all(b), n, m FROM @ ORDER BY l DESC, s", "ORDER BY");
    check_query(db, "SELECT l, s FROM @ ORDER BY drop_all(s) DESC LIMIT 20", "ORDER BY, LIMIT");
    check_query(db, "SELECT DISTINCT m, drop_all(n) FROM @ ORDER BY 1, 2", "DISTINCT");
    check_query(db, "SELECT s FROM @ WHERE drop_all(s) IN (SELECT s FROM @ WHERE i % 2)", "IN");
    check_query(db,
                "SELECT l FROM @ WHERE i < 30 EXCEPT SELECT drop_all(l) FROM @ "
                "  WHERE i % 2",
                "EXCEPT");
}

static void test_parts(sqlite3 *db)
{
    check_parts(db,
                "SELECT min(s), max(l), min(b), max(m), max(n), count(drop_all(i)) FROM @ WHERE "
                "low IN (1, 5, 9)",
                "min() and max() over several results");
    check_parts(db, "SELECT s, l, b, n, min(i), count(drop_all(i)) FROM @ WHERE low IN (1, 5, 9)",
                "columns beside min() over several results");
    check_parts(db,
                "SELECT k.i, (SELECT min(s) FROM @ WHERE low = k.i), "
                "  (SELECT l FROM @ WHERE low = k.i AND drop_all(i) = k.i) "
                "FROM t AS k WHERE k.i < 20 ORDER BY 3, 2",
                "correlated subqueries, sorted");
    check_parts(db,
                "SELECT min((SELECT s FROM @ WHERE low = k.i LIMIT 1)), "
                "  max((SELECT l FROM @ WHERE low = k.i LIMIT 1)), count(drop_all(k.i)) "
                "FROM t AS k WHERE k.i < 20",
                "min() and max() over correlated subqueries");
    check_parts(db,
                "SELECT low % 3, l, min(s), max(b), count(drop_all(i)) FROM @ "
                "WHERE low IN (1, 2, 3, 4, 5, 6) GROUP BY low % 3",
                "GROUP BY over several results");
    check_parts(db,
                "SELECT k.i, min(p.s), max(p.l), p.b, count(drop_all(p.i)) FROM t AS k "
                "JOIN @ AS p ON p.low = k.i WHERE k.i < 9",
                "min() over a join");
}

static void test_returning(sqlite3 *db)
{
    if (sqlite3_libversion_number() < 3035000) {
        tap_skip("RETURNING", "not in this SQLite");
        return;
    }
    run(db, "DELETE FROM log");
    char *expected = rows(db, "SELECT i, s, l, s || l FROM t");
    char *ignored = rows(db, "SELECT * FROM c");
    char *got = rows(db, "INSERT INTO log SELECT i, s, l FROM c RETURNING i, s, l, s || l");
    is_text(got, expected, "RETURNING");
    sqlite3_free(ignored);
    sqlite3_free(got);
    got = rows(db, "SELECT i, s, l, s || l FROM log");
    is_text(got, expected, "and what was inserted");
    sqlite3_free(got);
    sqlite3_free(expected);
}

/* ---- values that outlive their statement ---- */

static void is_value(sqlite3_value *value, int type, const void *bytes, int size, const char *name)
{
    ok(value != NULL && sqlite3_value_type(value) == type && sqlite3_value_bytes(value) == size &&
           memcmp(sqlite3_value_blob(value), bytes, (size_t)size) == 0,
       name);
}

static void test_held(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_stmt *copy = NULL;
    sqlite3_value *held[3] = {0};
    is_int(sqlite3_prepare_v2(db, "SELECT s, m, b FROM c", -1, &statement, NULL), SQLITE_OK,
           "a cached table is read");
    is_int(sqlite3_prepare_v2(db, "SELECT ?1 || '!'", -1, &copy, NULL), SQLITE_OK, "and another");
    is_int(sqlite3_step(statement), SQLITE_ROW, "it has a row");
    for (int i = 0; i < 3; i++)
        held[i] = sqlite3_value_dup(sqlite3_column_value(statement, i));
    sqlite3_bind_value(copy, 1, sqlite3_column_value(statement, 0));
    run(db, "SELECT cache_clear()");
    is_text((const char *)sqlite3_column_text(statement, 0), "short 1",
            "the row stands when the entry is dropped");
    is_int(sqlite3_step(statement), SQLITE_ROW, "and so does the next");
    is_text((const char *)sqlite3_column_text(statement, 0), "short 2", "which is read");
    sqlite3_finalize(statement);
    run(db, "DROP TABLE temp.c");
    is_value(held[0], SQLITE_TEXT, "short 1", 7, "a text held by sqlite3_value_dup()");
    is_value(held[1], SQLITE_TEXT, "text 1", 6, "one of a column of mixed types");
    is_value(held[2], SQLITE_BLOB, "blob 1\0001", 8, "a blob");
    is_int(sqlite3_step(copy), SQLITE_ROW, "what was bound");
    is_text((const char *)sqlite3_column_text(copy, 0), "short 1!", "to another statement");
    sqlite3_finalize(copy);
    for (int i = 0; i < 3; i++)
        sqlite3_value_free(held[i]);
}

int main(void)
{
    sqlite3 *db = open_with_tables();
    sqlite3_create_function(db, "drop_all", 1, SQLITE_UTF8, NULL, drop_all, NULL, NULL);
    test_registers(db);
    test_accumulators(db);
    test_sorters(db);
    test_parts(db);
    test_returning(db);
    test_held(db);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
    return tap_done();
}
