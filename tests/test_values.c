/*
** Values and sizes at their limits: results too big to be kept, parameters of every type and of
** millions of bytes, text in every encoding, as many columns and rows as there may be. Cells are
** compared by type and byte for byte with those of the plain query, reals with their signs.
*/
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "tap.h"

/* ---- a value bound to the only parameter of both queries ---- */

struct value {
    const char *name;
    int type; /* SQLITE_… */
    int size;
    double real;
    const char *bytes; /* of an integer, text or blob */
};

static int bind(sqlite3_stmt *statement, const struct value *value)
{
    if (value == NULL)
        return SQLITE_OK;
    switch (value->type) {
    case SQLITE_INTEGER:
        return sqlite3_bind_int64(statement, 1, strtoll(value->bytes, NULL, 10));
    case SQLITE_FLOAT:
        return sqlite3_bind_double(statement, 1, value->real);
    case SQLITE_TEXT:
        return sqlite3_bind_text(statement, 1, value->bytes, value->size, SQLITE_STATIC);
    case SQLITE_BLOB:
        return sqlite3_bind_blob(statement, 1, value->bytes, value->size, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(statement, 1);
    }
}

static bool same_cell(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
    int type = sqlite3_column_type(a, column);
    if (type != sqlite3_column_type(b, column))
        return false;
    if (type == SQLITE_INTEGER)
        return sqlite3_column_int64(a, column) == sqlite3_column_int64(b, column);
    if (type == SQLITE_FLOAT) {
        double x = sqlite3_column_double(a, column);
        double y = sqlite3_column_double(b, column);
        return x == y && signbit(x) == signbit(y);
    }
    const void *x = sqlite3_column_blob(a, column);
    const void *y = sqlite3_column_blob(b, column);
    int size = sqlite3_column_bytes(a, column);
    return size == sqlite3_column_bytes(b, column) &&
           (size == 0 || memcmp(x, y, (size_t)size) == 0);
}

static void print_cell(const char *what, sqlite3_stmt *statement, int column)
{
    int size = sqlite3_column_bytes(statement, column);
    const unsigned char *bytes = sqlite3_column_blob(statement, column);
    printf("# %s: column %d, type %d, %d bytes:", what, column,
           sqlite3_column_type(statement, column), size);
    for (int i = 0; i < size && i < 40; i++)
        printf(" %02x", bytes[i]);
    printf("\n");
}

/* Step both to their ends. */
static bool same_rows(sqlite3_stmt *got, sqlite3_stmt *expected)
{
    for (long row = 1;; row++) {
        int a = sqlite3_step(got);
        int b = sqlite3_step(expected);
        if (a != b || (a != SQLITE_ROW && a != SQLITE_DONE)) {
            printf("# row %ld: got code %d, expected %d\n", row, a, b);
            return false;
        }
        if (a == SQLITE_DONE)
            return true;
        for (int i = 0; i < sqlite3_column_count(expected); i++) {
            if (same_cell(got, expected, i))
                continue;
            print_cell("got", got, i);
            print_cell("expected", expected, i);
            return false;
        }
    }
}

static bool is_same(sqlite3 *db, const char *cached, const char *plain, const struct value *value,
                    const char *expected_status, const char *what)
{
    sqlite3_stmt *got = NULL;
    sqlite3_stmt *expected = NULL;
    char name[160];
    snprintf(name, sizeof name, "%s%s%s, a %s", what, value != NULL ? " " : "",
             value != NULL ? value->name : "", expected_status);
    bool prepared = sqlite3_prepare_v2(db, cached, -1, &got, NULL) == SQLITE_OK &&
                    sqlite3_prepare_v2(db, plain, -1, &expected, NULL) == SQLITE_OK;
    if (!prepared)
        printf("# %s\n", sqlite3_errmsg(db));
    bool same = prepared && bind(got, value) == SQLITE_OK && bind(expected, value) == SQLITE_OK &&
                same_rows(got, expected);
    sqlite3_finalize(got);
    sqlite3_finalize(expected);
    const char *was = status(db);
    if (strcmp(was, expected_status) != 0)
        printf("# got a %s, expected a %s\n", was, expected_status);
    return ok(same && strcmp(was, expected_status) == 0, name);
}

/* First computed, then served from the store. */
static void both_ways(sqlite3 *db, const char *cached, const char *plain, const struct value *value,
                      const char *what)
{
    is_same(db, cached, plain, value, "miss", what);
    is_same(db, cached, plain, value, "hit", what);
}

/* ---- parameters ---- */

#define ECHO "SELECT ?1 AS v, typeof(?1) AS t, quote(?1) AS q, hex(?1) AS h, length(?1) AS n"

static void test_types(void)
{
    static const struct value values[] = {
        {"NULL", SQLITE_NULL, 0, 0, NULL},
        {"integer 1", SQLITE_INTEGER, 0, 0, "1"},
        {"real 1.0", SQLITE_FLOAT, 0, 1.0, NULL},
        {"text '1'", SQLITE_TEXT, 1, 0, "1"},
        {"blob x'31'", SQLITE_BLOB, 1, 0, "1"},
        {"integer 0", SQLITE_INTEGER, 0, 0, "0"},
        {"real 0.0", SQLITE_FLOAT, 0, 0.0, NULL},
        {"real -0.0", SQLITE_FLOAT, 0, -0.0, NULL},
        {"the smallest integer", SQLITE_INTEGER, 0, 0, "-9223372036854775808"},
        {"2^63 as a real", SQLITE_FLOAT, 0, 9223372036854775808.0, NULL},
        {"the greatest integer", SQLITE_INTEGER, 0, 0, "9223372036854775807"},
        {"infinity", SQLITE_FLOAT, 0, INFINITY, NULL},
        {"minus infinity", SQLITE_FLOAT, 0, -INFINITY, NULL},
        {"a denormal", SQLITE_FLOAT, 0, 4.9406564584124654e-324, NULL},
        {"empty text", SQLITE_TEXT, 0, 0, ""},
        {"an empty blob", SQLITE_BLOB, 0, 0, ""},
        {"text a", SQLITE_TEXT, 1, 0, "a"},
        {"text a, zero", SQLITE_TEXT, 2, 0, "a\0"},
        {"text a, zero, b", SQLITE_TEXT, 3, 0, "a\0b"},
        {"text a, zero, c", SQLITE_TEXT, 3, 0, "a\0c"},
        {"blob a, zero, b", SQLITE_BLOB, 3, 0, "a\0b"},
        {"text that is not UTF-8", SQLITE_TEXT, 3, 0, "\xff\xc3("},
        {"text beyond the basic plane", SQLITE_TEXT, 4, 0, "\xf0\x9f\x90\xa7"},
    };
    const size_t count = sizeof values / sizeof values[0];
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "CREATE VIRTUAL TABLE temp.echo USING cache((" ECHO "))");
    run(db, "SELECT cache_clear()");
    for (size_t i = 0; i < count; i++)
        is_same(db, "SELECT v, t, q, h, n FROM echo(?1)", ECHO, &values[i], "miss", "a parameter,");
    is_int(number(db, "SELECT count(*) FROM cache_entries WHERE cache = 'echo'"), (long long)count,
           "each of them is an entry of its own");
    for (size_t i = 0; i < count; i++)
        is_same(db, "SELECT v, t, q, h, n FROM echo(?1)", ECHO, &values[i], "hit", "a parameter,");
    const struct value nan_value = {"NaN", SQLITE_FLOAT, 0, NAN, NULL};
    is_same(db, "SELECT v, t, q, h, n FROM echo(?1)", ECHO, &nan_value, "hit",
            "SQLite makes NULL of");
    for (size_t i = 0; i < count; i++)
        is_same(db, "SELECT ?1, p1, typeof(p1), hex(p1) FROM echo(?1)",
                "SELECT ?1, ?1, typeof(?1), hex(?1)", &values[i], "hit", "as hidden column,");
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* Compared with columns, a parameter must not take on their affinity on the way. */
static void test_affinity(void)
{
    static const struct value values[] = {
        {"integer 1", SQLITE_INTEGER, 0, 0, "1"}, {"real 1.0", SQLITE_FLOAT, 0, 1.0, NULL},
        {"text '1'", SQLITE_TEXT, 1, 0, "1"},     {"text '1.0'", SQLITE_TEXT, 3, 0, "1.0"},
        {"blob x'31'", SQLITE_BLOB, 1, 0, "1"},   {"NULL", SQLITE_NULL, 0, 0, NULL},
    };
    const char *plain = "SELECT i = ?1, r = ?1, s = ?1, b = ?1, i IS ?1, b IS ?1 FROM a";
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "CREATE TABLE a(i INTEGER, r REAL, s TEXT, b);"
            "INSERT INTO a VALUES (1, 1, 1, 1), (1, 1, 1, '1'), ('x', 'x', 'x', x'31'),"
            "  (NULL, NULL, NULL, NULL);"
            "CREATE VIRTUAL TABLE temp.ca USING cache((SELECT i = ?1, r = ?1, s = ?1, b = ?1, "
            "i IS ?1, b IS ?1 FROM main.a))");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        both_ways(db, "SELECT * FROM ca(?1)", plain, &values[i], "compared with columns,");
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

static void test_long(void)
{
    enum { SIZE = 3 * 1000 * 1000 };
    char *bytes = malloc(SIZE);
    sqlite3 *db = open_cached(":memory:", 0);
    const char *plain = "SELECT length(?1) AS n, substr(?1, -5) AS e";
    memset(bytes, 'l', SIZE);
    struct value text = {"a long text", SQLITE_TEXT, SIZE, 0, bytes};
    struct value blob = {"a long blob", SQLITE_BLOB, SIZE, 0, bytes};
    run(db, "CREATE VIRTUAL TABLE temp.cl USING cache((%s))", plain);
    both_ways(db, "SELECT n, e FROM cl(?1)", plain, &text, "a parameter,");
    both_ways(db, "SELECT n, e FROM cl(?1)", plain, &blob, "a parameter,");
    ok(number(db, "SELECT sum(bytes) FROM cache_entries WHERE cache = 'cl'") > 2L * SIZE,
       "it counts towards the entry's bytes");
    bytes[SIZE - 1] = 'm';
    both_ways(db, "SELECT n, e FROM cl(?1)", plain, &text, "which differs in its last byte,");
    bytes[SIZE - 1] = '\0';
    both_ways(db, "SELECT n, e FROM cl(?1)", plain, &blob, "with a zero at its end,");
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
    free(bytes);
}

/* A cursor has room for short parameters; one more byte, and they need an allocation. Two cursors
** of one table are open at once, and each has its own. */
static void test_about_the_room(void)
{
    enum { LONGEST = 90 };
    char letters[LONGEST + 1];
    sqlite3 *db = open_cached(":memory:", 0);
    memset(letters, 'r', sizeof letters);
    run(db, "CREATE VIRTUAL TABLE temp.echo USING cache((SELECT ?1 AS a, ?2 AS b))");
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(db,
                       "SELECT x.p1 = ?1 AND x.p2 = 7 AND y.p1 = ?1 || 'y' AND y.p2 IS NULL AND "
                       "x.a = x.p1 AND y.a = y.p1 "
                       "FROM echo(?1, 7) x, echo(?1 || 'y', NULL) y",
                       -1, &statement, NULL);
    int right = 0;
    for (int i = 0; i < 2 * LONGEST; i++) {
        sqlite3_bind_text(statement, 1, letters, i % LONGEST, SQLITE_STATIC);
        right += sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == 1 &&
                 sqlite3_step(statement) == SQLITE_DONE;
        sqlite3_reset(statement);
    }
    is_int(right, 2L * LONGEST, "parameters of any length are handed on, and given back");
    sqlite3_finalize(statement);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* ---- encodings ---- */

static void test_encoding(const char *encoding)
{
    static const struct value words[] = {
        {"ASCII", SQLITE_TEXT, 5, 0, "plain"},
        {"Grüße", SQLITE_TEXT, 7, 0,
         "Gr\xc3\xbc\xc3\x9f"
         "e"},
        {"two letters of Han", SQLITE_TEXT, 6, 0, "\xe6\xbc\xa2\xe5\xad\x97"},
        {"a surrogate pair", SQLITE_TEXT, 4, 0, "\xf0\x9f\x90\xa7"},
        {"a zero inside", SQLITE_TEXT, 4, 0, "a\0\xc3\xbc"},
        {"no text", SQLITE_TEXT, 0, 0, ""},
    };
    const char *plain =
        "SELECT w, length(w) AS n, hex(w) AS h, w || ?1 AS j, w = ?1 AS e FROM words";
    sqlite3 *db = open_cached(":memory:", 0);
    char what[64];
    run(db, "PRAGMA encoding = '%s'; CREATE TABLE words(w TEXT COLLATE NOCASE)", encoding);
    sqlite3_stmt *insert = NULL;
    sqlite3_prepare_v2(db, "INSERT INTO words VALUES (?1)", -1, &insert, NULL);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        is_int(bind(insert, &words[i]), SQLITE_OK, words[i].name);
        is_int(sqlite3_step(insert), SQLITE_DONE, "goes into the table");
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    run(db, "CREATE VIRTUAL TABLE temp.cw USING cache((SELECT w, length(w) AS n, hex(w) AS h, "
            "w || ?1 AS j, w = ?1 AS e FROM main.words))");
    snprintf(what, sizeof what, "%s:", encoding);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        both_ways(db, "SELECT w, n, h, j, e FROM cw(?1)", plain, &words[i], what);
    is_same(db, "SELECT hex(w), w < 'H', upper(w), ?1 FROM cw(?1)",
            "SELECT hex(w), w < 'H', upper(w), ?1 FROM words", &words[0], "hit", "computed on:");
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* ---- what is too big ---- */

struct counts {
    long long entries;
    long long rejections;
};

static struct counts counts(sqlite3 *db)
{
    return (struct counts){number(db, "SELECT entries FROM cache_stats"),
                           number(db, "SELECT rejections FROM cache_stats")};
}

/* Read twice: right, never a hit, nothing kept, and each a rejection. */
static void is_rejected(sqlite3 *db, const char *cached, const char *plain, const char *what)
{
    char name[120];
    struct counts before = counts(db);
    is_same(db, cached, plain, NULL, "miss", what);
    is_same(db, cached, plain, NULL, "miss", what);
    struct counts after = counts(db);
    snprintf(name, sizeof name, "%s: nothing is kept", what);
    is_int(after.entries - before.entries, 0, name);
    snprintf(name, sizeof name, "%s: each read counts a rejection", what);
    is_int(after.rejections - before.rejections, 2, name);
}

#define BIG "SELECT i, printf('%.*c', 500, 'b') AS b FROM main.n WHERE i <= "

static void test_too_big(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "CREATE TABLE n AS WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n "
            "WHERE i < 50) SELECT i FROM n");
    char *error = NULL;
    int rc = sqlite3_exec(
        db,
        "CREATE VIRTUAL TABLE temp.bytes USING cache((" BIG ":top), max_bytes = '4 KB');"
        "CREATE VIRTUAL TABLE temp.result USING cache((" BIG ":top), max_result_bytes = 3000);"
        "CREATE VIRTUAL TABLE temp.lines USING cache((" BIG ":top), max_rows = 10);"
        "CREATE VIRTUAL TABLE temp.any USING cache((" BIG ":top));",
        NULL, NULL, &error);
    is_int(rc, SQLITE_OK, error != NULL ? error : "cached tables with bounds are created");
    is_rejected(db, "SELECT i, b FROM bytes(50)", BIG "50", "an entry over max_bytes");
    both_ways(db, "SELECT i, b FROM bytes(2)", BIG "2", NULL, "one that fits");
    is_rejected(db, "SELECT i, b FROM bytes(49)", BIG "49", "an entry over max_bytes, beside one");
    is_same(db, "SELECT i, b FROM bytes(2)", BIG "2", NULL, "hit", "which stays");
    is_rejected(db, "SELECT i, b FROM result(50)", BIG "50", "a result over max_result_bytes");
    both_ways(db, "SELECT i, b FROM result(2)", BIG "2", NULL, "one that fits");
    is_rejected(db, "SELECT i, b FROM lines(11)", BIG "11", "a result over max_rows");
    both_ways(db, "SELECT i, b FROM lines(10)", BIG "10", NULL, "one of just as many");
    run(db, "SELECT cache_configure('max_result_bytes', '2 KB')");
    is_rejected(db, "SELECT i, b FROM any(50)", BIG "50", "a result over the process's bound");
    run(db, "SELECT cache_configure('max_result_bytes', '8 MiB');"
            "SELECT cache_configure('max_bytes', '2 KB')");
    is_rejected(db, "SELECT i, b FROM any(50)", BIG "50", "an entry over the whole store");
    ok(number(db, "SELECT bytes FROM cache_stats") <= 2000, "the store is within its bound");
    run(db, "SELECT cache_configure('max_bytes', '64 MiB')");
    both_ways(db, "SELECT i, b FROM any(50)", BIG "50", NULL, "when there is room it is kept");
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* ---- many columns, no rows, many rows ---- */

/* What SQLite allows by default. */
#define COLUMNS 2000

static char *wide_select(const char *parameter)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    for (int i = 0; i < COLUMNS; i++)
        sqlite3_str_appendf(sql, "%s %s%d AS c%d", i ? "," : "SELECT", i ? "" : parameter, i, i);
    return sqlite3_str_finish(sql);
}

static void test_wide(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    char *plain = wide_select("");
    char *create = sqlite3_mprintf("CREATE VIRTUAL TABLE temp.wide USING cache((%s))", plain);
    is_int(try(db, create), SQLITE_OK, "as many columns as SQLite allows");
    both_ways(db, "SELECT * FROM wide", plain, NULL, "all of them");
    is_same(db, "SELECT c1999, c0, c1000 FROM wide WHERE c1998 = 1998", "SELECT 1999, 0, 1000",
            NULL, "hit", "some of them");
    sqlite3_free(plain);
    sqlite3_free(create);
    plain = wide_select("?1 + ");
    create = sqlite3_mprintf("CREATE VIRTUAL TABLE temp.wider USING cache((%s))", plain);
    is_int(try(db, create), SQLITE_ERROR, "a parameter is one column too many");
    contains(sqlite3_errmsg(db), "too many columns", "and the error says so");
    sqlite3_free(plain);
    sqlite3_free(create);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

static void test_rows(void)
{
    const char *many = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE "
                       "i < 100000) SELECT i, i * 0.5 AS r, 'row ' || i AS s, CASE i % 5 WHEN 0 "
                       "THEN NULL WHEN 1 THEN i WHEN 2 THEN i / 3.0 WHEN 3 THEN 't' || i ELSE "
                       "zeroblob(i % 9) END AS m FROM n";
    sqlite3 *db = open_cached(":memory:", 0);
    char *create = sqlite3_mprintf("CREATE VIRTUAL TABLE temp.many USING cache((%s))", many);
    is_int(try(db, create), SQLITE_OK, "a query of 100,000 rows");
    sqlite3_free(create);
    both_ways(db, "SELECT i, r, s, m FROM many", many, NULL, "100,000 rows");
    is_same(db, "SELECT count(*), sum(i), total(r), max(s), sum(length(m)) FROM many",
            "SELECT 100000, 5000050000, 2500025000.0, 'row 99999', (SELECT sum(length(m)) FROM "
            "many)",
            NULL, "hit", "an aggregate over them");
    run(db,
        "CREATE TABLE empty(a INTEGER, b TEXT);"
        "CREATE VIRTUAL TABLE temp.none USING cache((SELECT a, b FROM main.empty WHERE b > :b));"
        "CREATE VIRTUAL TABLE temp.summary USING cache((SELECT count(*), max(a) FROM main.empty))");
    both_ways(db, "SELECT * FROM none('x')", "SELECT a, b FROM empty", NULL, "no rows");
    both_ways(db, "SELECT * FROM summary", "SELECT count(*), max(a) FROM empty", NULL,
              "an aggregate of none");
    run(db, "INSERT INTO empty VALUES (1, 'y')");
    both_ways(db, "SELECT * FROM none('x')", "SELECT a, b FROM empty", NULL, "the first row");
    both_ways(db, "SELECT * FROM summary", "SELECT count(*), max(a) FROM empty", NULL,
              "its aggregate");
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

int main(void)
{
    test_types();
    test_affinity();
    test_long();
    test_about_the_room();
    test_encoding("UTF-8");
    test_encoding("UTF-16le");
    test_encoding("UTF-16be");
    test_too_big();
    test_wide();
    test_rows();
    return tap_done();
}
