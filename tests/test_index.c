/*
** Indexes over kept rows: whatever a column has in it and whatever it is compared with, a cached
** table gives the rows that SQLite's own comparison picks, in the order that they have; and an
** index is made only where there is room for it.
**
** SQLite is asked for its own by `(x = v) IS TRUE`, which no index can serve, over the same cached
** table, and over the SELECT itself where the column is that of a table. A column of a compound
** SELECT has an affinity and keeps what the other part gives: texts in a numeric column, numbers in
** a TEXT one. With these, every conversion that SQLite knows is met.
*/
#include <stdlib.h>
#include <string.h>

#include "querycache.h"
#include "support.h"
#include "tap.h"

/* ---- columns, their contents, and what they are compared with ---- */

static const char *const types[] = {"INTEGER",
                                    "REAL",
                                    "NUMERIC",
                                    "TEXT",
                                    "TEXT COLLATE NOCASE",
                                    "TEXT COLLATE RTRIM",
                                    "BLOB",
                                    "BLOB COLLATE NOCASE"};
#define TYPES (sizeof types / sizeof types[0])

#define INTEGERS                                                                                   \
    "(7), (7), (0), (-1), (9007199254740993), (9007199254740992), (-9007199254740993), "           \
    "(9223372036854775807), (-9223372036854775807 - 1), (1003), (100000)"
#define REALS                                                                                      \
    "(7.0), (0.0), (-0.0), (0.5), (0.3), (0.1 + 0.2), (9007199254740992.0), "                      \
    "(9.2233720368547758e18), (-9.2233720368547758e18), (9e999), (-9e999), (1e300), (1e-300)"
#define TEXTS                                                                                      \
    "('a'), ('A'), ('a '), ('b'), ('aB'), ('Ab'), (''), ('_'), ('Inf'), ('ä'), ('Ä'), ('[x'), "  \
    "('abcdefgh'), ('abcdefgi'), ('ABCDEFGHI'), ('abcdefghi')"
#define WHOLE                                                                                      \
    "('7'), ('007'), (' 7'), ('7 '), ('+7'), ('-0'), ('0'), ('1003'), ('9223372036854775807'), "   \
    "('9007199254740993')"
#define DECIMALS                                                                                   \
    "('7.0'), ('7e0'), ('7E0'), ('1e5'), ('0.3'), ('.5'), ('5.'), ('9223372036854775808'), "       \
    "('1e'), ('.'), ('0x7'), ('7a'), ('1e999')"
#define BLOBS "(x'37'), (x''), (x'61'), (x'00')"
#define ZEROS                                                                                      \
    "('a' || char(0)), ('a' || char(0) || 'b'), ('A' || char(0) || 'c'), ('7' || char(0)), ('A' "  \
    "|| char(0) || 'a')"

/* Each with as many others of its kind that a range or an IN is not most of it. */
#define MANY(expression)                                                                           \
    " UNION ALL SELECT * FROM (WITH n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n "            \
    "WHERE i < 45) SELECT " expression " FROM n)"

static const struct {
    const char *name;
    const char *rows;
} contents[] = {
    {"integers", "VALUES " INTEGERS MANY("1000 + i")},
    {"reals", "VALUES " REALS MANY("1000.25 + i")},
    {"numbers", "VALUES (NULL), " INTEGERS ", " REALS MANY("1000 + i / 2.0")},
    {"texts", "VALUES (NULL), " TEXTS MANY("'f' || i")},
    {"whole numbers in texts", "VALUES " WHOLE MANY("'' || (1000 + i)")},
    {"decimals in texts", "VALUES " DECIMALS MANY("'' || (1000 + i) || '.5'")},
    {"texts and whole numbers", "VALUES (NULL), " TEXTS ", " WHOLE MANY("'f' || i")},
    {"texts and decimals", "VALUES " TEXTS ", " DECIMALS MANY("'f' || i")},
    {"blobs", "VALUES " BLOBS MANY("zeroblob(i)")},
    {"texts and blobs", "VALUES (NULL), " TEXTS ", " BLOBS MANY("'f' || i")},
    {"integers and whole numbers", "VALUES (NULL), " INTEGERS ", " WHOLE MANY("1000 + i")},
    {"reals and texts", "VALUES " REALS ", " TEXTS MANY("1000 + i")},
    {"everything", "VALUES (NULL), " INTEGERS ", " REALS ", " TEXTS ", " WHOLE ", " DECIMALS
                   ", " BLOBS MANY("1000 + i")},
    {"zero bytes", "VALUES " TEXTS ", " ZEROS MANY("'f' || i")},
    {"nothing but NULL", "VALUES (NULL)" MANY("NULL")},
};
#define CONTENTS (sizeof contents / sizeof contents[0])

/* NULL among them, and something of each kind that is also in the columns, and that is not. */
#define VALUES                                                                                     \
    "VALUES (NULL), (7), (0), (8), (1003), (9007199254740993), (9223372036854775807), "            \
    "(7.0), (-0.0), (0.3), (0.1 + 0.2), (7.5), (9007199254740992.0), (9e999), "                    \
    "(9.2233720368547758e18), (1003.25), ('a'), ('A'), ('ab'), ('a '), (''), ('F3'), ('f3'), "     \
    "('7'), ('007'), (' 7'), ('1003'), ('9007199254740993'), ('7.0'), ('1e5'), ('0.3'), "          \
    "('9223372036854775808'), ('1e'), ('a' || char(0) || 'x'), (x'37'), (x''), (x'61')"

static const char *const operators[] = {"=", "<", "<=", ">", ">="};
#define OPERATORS (sizeof operators / sizeof operators[0])

/* ---- comparing ---- */

static char failure[900]; /* the first of the check that is running */

static char *sql(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    return text;
}

/* Frees all three. */
static void agree(sqlite3 *db, char *tested, char *certain)
{
    char *got = rows(db, tested);
    char *expected = rows(db, certain);
    if (strcmp(got, expected) != 0 && failure[0] == '\0')
        snprintf(failure, sizeof failure, "%s\n#        got: %.250s\n#   expected: %.250s", tested,
                 got, expected);
    sqlite3_free(got);
    sqlite3_free(expected);
    sqlite3_free(tested);
    sqlite3_free(certain);
}

static bool passed(const char *name)
{
    if (failure[0] != '\0')
        printf("# %s\n", failure);
    bool good = ok(failure[0] == '\0', name);
    failure[0] = '\0';
    return good;
}

static sqlite3 *open_world(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "CREATE TABLE v(v); INSERT INTO v " VALUES ";");
    for (size_t i = 0; i < TYPES; i++)
        run(db,
            "CREATE TABLE empty%d(x %s);"
            "CREATE VIEW w%d AS SELECT x AS v FROM empty%d UNION ALL SELECT v FROM v;"
            "CREATE VIRTUAL TABLE temp.v%d USING cache((SELECT v FROM w%d))",
            (int)i, types[i], (int)i, (int)i, (int)i, (int)i);
    return db;
}

/* The cached table c(id, x) over table t with that content: as the column's type converts it, or,
** if `raw`, as it is. `id` is the order of rows. */
static const char *make_cached(sqlite3 *db, const char *type, const char *content, bool raw)
{
    run(db,
        "DROP TABLE IF EXISTS temp.c; DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS kept;"
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x %s);"
        "CREATE TABLE kept(id INTEGER PRIMARY KEY, x)",
        type);
    run(db, "INSERT INTO %s(x) %s", raw ? "kept" : "t", content);
    run(db,
        "CREATE VIRTUAL TABLE temp.c USING cache((SELECT id, x FROM t %s), "
        "max_bytes = '1 MB')",
        raw ? "UNION ALL SELECT id, x FROM kept" : "");
    return raw ? "c" : "t";
}

/* With a value of its own for each run, whatever side of the operator it is on. */
static void compare_values(sqlite3 *db, const char *plain)
{
    sqlite3_stmt *values = NULL;
    sqlite3_prepare_v2(
        db,
        "SELECT replace(quote(v), 'Inf', '9e999') FROM v WHERE v IS NULL OR typeof(v) <> 'text' OR "
        "instr(v, char(0)) = 0",
        -1, &values, NULL);
    while (sqlite3_step(values) == SQLITE_ROW) {
        const char *value = (const char *)sqlite3_column_text(values, 0);
        for (size_t i = 0; i < OPERATORS; i++)
            agree(db, sql("SELECT id, x FROM c WHERE x %s %s", operators[i], value),
                  sql("SELECT id, x FROM %s WHERE (x %s %s) IS TRUE", plain, operators[i], value));
        agree(db, sql("SELECT id, x FROM c WHERE %s = x COLLATE NOCASE", value),
              sql("SELECT id, x FROM %s WHERE (%s = x COLLATE NOCASE) IS TRUE", plain, value));
        agree(db, sql("SELECT id, x FROM c WHERE x COLLATE BINARY >= %s", value),
              sql("SELECT id, x FROM %s WHERE (x COLLATE BINARY >= %s) IS TRUE", plain, value));
        agree(db, sql("SELECT id, x FROM c WHERE x IS %s", value),
              sql("SELECT id, x FROM %s WHERE (x IS %s) IS TRUE", plain, value));
        agree(db, sql("SELECT id, x FROM c WHERE x IN (%s, 'f3', 1003)", value),
              sql("SELECT id, x FROM %s WHERE (x IN (%s, 'f3', 1003)) IS TRUE", plain, value));
        agree(db, sql("SELECT id, x FROM c WHERE x BETWEEN %s AND 'f4'", value),
              sql("SELECT id, x FROM %s WHERE (x BETWEEN %s AND 'f4') IS TRUE", plain, value));
        agree(db, sql("SELECT id, x FROM c WHERE x > 1010 AND x < %s ORDER BY x", value),
              sql("SELECT id, x FROM %s WHERE (x > 1010 AND x < %s) IS TRUE ORDER BY x, id", plain,
                  value));
    }
    sqlite3_finalize(values);
    static const char *const likes[] = {"LIKE 'a%'",   "LIKE 'AB%'", "GLOB 'a*'", "GLOB 'f3*'",
                                        "LIKE 'inf%'", "LIKE '7%'",  "GLOB 'In*'"};
    for (size_t i = 0; i < sizeof likes / sizeof likes[0]; i++) {
        char *tested = sql("SELECT id, x FROM c WHERE x %s", likes[i]);
        agree(db, tested, sql("SELECT id, x FROM %s WHERE (x %s) IS TRUE", plain, likes[i]));
    }
}

/* With the column of another table, of each affinity, which holds values of all types. */
static void compare_joins(sqlite3 *db)
{
    for (size_t i = 0; i < TYPES; i++) {
        for (size_t j = 0; j < OPERATORS; j++) {
            const char *join = "SELECT group_concat(r.rowid || ':' || c.id) FROM v%d AS r CROSS "
                               "JOIN c ON %sc.x %s r.v%s";
            agree(db, sql(join, (int)i, "", operators[j], ""),
                  sql(join, (int)i, "(", operators[j], ") IS TRUE"));
        }
        const char *in =
            "SELECT id, x FROM c WHERE %sx IN (SELECT v FROM v%d WHERE rowid %% 4 = %d)%s";
        for (int part = 0; part < 4; part++)
            agree(db, sql(in, "", (int)i, part, ""), sql(in, "(", (int)i, part, ") IS TRUE"));
        const char *on = "SELECT c.id, r.rowid FROM c LEFT JOIN v%d AS r ON %sr.v = c.x%s";
        const char *pairs =
            "SELECT id FROM c WHERE %s(x, 1) IN (SELECT v, 1 FROM v%d)%s ORDER BY id";
        agree(db, sql(pairs, "", (int)i, ""), sql(pairs, "(", (int)i, ") IS TRUE"));
        agree(db, sql(on, (int)i, "", ""), sql(on, (int)i, "(", ") IS TRUE"));
    }
}

static void compare_orders(sqlite3 *db, const char *plain)
{
    static const char *const orders[] = {
        "", "DESC", "NULLS FIRST", "DESC NULLS FIRST", "COLLATE BINARY", "COLLATE NOCASE DESC"};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        for (int limit = 1; limit <= 200; limit += 66) {
            agree(db, sql("SELECT id, x FROM c ORDER BY x %s LIMIT %d", orders[i], limit),
                  sql("SELECT id, x FROM %s ORDER BY x %s, id LIMIT %d", plain, orders[i], limit));
            agree(db,
                  sql("SELECT id FROM c WHERE x >= 'b' ORDER BY x %s LIMIT %d", orders[i], limit),
                  sql("SELECT id FROM %s WHERE (x >= 'b') IS TRUE ORDER BY x %s, id LIMIT %d",
                      plain, orders[i], limit));
        }
    }
    agree(db, sql("SELECT DISTINCT x FROM c"), sql("SELECT DISTINCT x FROM %s", plain));
    agree(db, sql("SELECT x, count(*), min(id) FROM c GROUP BY x"),
          sql("SELECT x, count(*), min(id) FROM %s GROUP BY x, 0 + 0", plain));
    agree(db, sql("SELECT max(x), min(x) FROM c"), sql("SELECT max(x), min(x) FROM %s", plain));
}

static void test_every_column(void)
{
    sqlite3 *db = open_world();
    for (size_t i = 0; i < TYPES; i++) {
        for (size_t j = 0; j < 2 * CONTENTS; j++) {
            bool raw = j >= CONTENTS;
            /* Memory is used alike for all: under the sanitizers a third of them will do. */
            if (SANITIZED && (i + j) % 3 != 0)
                continue;
            char *name =
                sql("%s, %s%s", types[i], contents[j % CONTENTS].name, raw ? ", unconverted" : "");
            const char *plain = make_cached(db, types[i], contents[j % CONTENTS].rows, raw);
            compare_values(db, plain);
            compare_joins(db);
            compare_orders(db, plain);
            passed(name);
            sqlite3_free(name);
        }
    }
    sqlite3_close(db);
}

/* ---- which plans have one, and when it is made ---- */

#define ROWS "1000"

/* The cached table ci(n INTEGER, s TEXT, g) over table i, in a file of its own. */
static sqlite3 *open_kept(const char *file, const char *options)
{
    sqlite3 *db = open_cached(fresh_file(file), 0);
    run(db,
        "PRAGMA journal_mode = WAL; CREATE TABLE i(n INTEGER, s TEXT, g);"
        "WITH r(k) AS (VALUES (1) UNION ALL SELECT k + 1 FROM r WHERE k < " ROWS ")"
        " INSERT INTO i SELECT k * 7 %% " ROWS ", 'text ' || (k %% 100), k %% 10 FROM r;"
        "CREATE VIRTUAL TABLE temp.ci USING cache((SELECT n, s, g FROM main.i)%s);"
        "SELECT cache_clear(); SELECT * FROM ci",
        options);
    return db;
}

static long long kept_bytes(sqlite3 *db)
{
    return number(db, "SELECT bytes FROM cache_stats");
}

static void plan_says(sqlite3 *db, const char *query, const char *part)
{
    char *explain = sql("EXPLAIN QUERY PLAN %s", query);
    char *plan = rows(db, explain);
    contains(plan, part, query);
    sqlite3_free(plan);
    sqlite3_free(explain);
}

static void test_plans(void)
{
    sqlite3 *db = open_kept("plans.db", "");
    plan_says(db, "SELECT * FROM ci", "INDEX 0:n'");
    plan_says(db, "SELECT * FROM ci WHERE s LIKE '%%a'", "INDEX 0:n'");
    plan_says(db, "SELECT * FROM ci WHERE n IS 7", "INDEX 0:n'");
    plan_says(db, "SELECT * FROM ci WHERE s = 'a' COLLATE RTRIM", "INDEX 0:n'");
    plan_says(db, "SELECT * FROM ci ORDER BY n, s", "INDEX 0:n'");
    plan_says(db, "SELECT DISTINCT n FROM ci", "INDEX 0:n'");
    plan_says(db, "SELECT * FROM ci WHERE n = 7", ":n n=?'");
    plan_says(db, "SELECT * FROM ci WHERE n > 7 AND s = 'a'", ":n s=?'");
    plan_says(db, "SELECT * FROM ci WHERE n BETWEEN 7 AND 9", ":n n>=? AND n<=?'");
    plan_says(db, "SELECT * FROM ci WHERE n < 9", ":n n<?'");
    plan_says(db, "SELECT i.n, ci.s FROM i JOIN ci ON ci.n = i.g", ":n n=?'");
    if (sqlite3_libversion_number() >= 3038000) {
        plan_says(db, "SELECT * FROM ci WHERE s IN ('a', 'b')", ":n s IN (?)'");
        plan_says(db, "SELECT * FROM ci WHERE n > 5 ORDER BY n DESC", ":n n>? ORDER BY n DESC'");
        plan_says(db, "SELECT * FROM ci ORDER BY n", ":n ORDER BY n'");
        plan_says(db, "SELECT g, count(*) FROM ci GROUP BY g", ":n ORDER BY g'");
    }
    sqlite3_close(db);
}

static void test_made_once(void)
{
    sqlite3 *db = open_kept("once.db", "");
    long long bytes = kept_bytes(db);
    sqlite3_free(rows(db, "SELECT * FROM ci WHERE g LIKE '7'"));
    is_int(kept_bytes(db), bytes, "what no index can serve makes none");
    same_as(db, "SELECT * FROM ci WHERE n = 7", "SELECT n, s, g FROM i WHERE n = 7", "hit",
            "a lookup by one column");
    long long indexed = kept_bytes(db);
    ok(indexed - bytes >= 4000 && indexed - bytes < 4200, "takes four bytes a row, which count");
    is_int(number(db, "SELECT bytes FROM cache_entries"), indexed, "in the entry's bytes");
    for (int i = 0; i < 3; i++)
        run(db, "SELECT * FROM ci WHERE n = %d; SELECT * FROM ci WHERE n > %d ORDER BY n", i, i);
    is_int(kept_bytes(db), indexed, "once for all that ask for the column");
    same(db, "SELECT * FROM ci WHERE s = 'text 7'", "SELECT n, s, g FROM i WHERE s = 'text 7'",
         "another column");
    is_int(kept_bytes(db) - indexed, indexed - bytes, "has another");
    run(db, "SELECT cache_clear()");
    is_int(kept_bytes(db), 0, "all go with the entry");
    run(db, "CREATE VIRTUAL TABLE temp.few USING cache((SELECT n FROM main.i LIMIT 20))");
    sqlite3_free(rows(db, "SELECT * FROM few"));
    bytes = kept_bytes(db);
    sqlite3_free(rows(db, "SELECT * FROM few WHERE n = 7"));
    is_int(kept_bytes(db), bytes, "a few rows are searched without");
    sqlite3_close(db);
}

/* ---- without room, or without an entry ---- */

static void lookups_agree(sqlite3 *db, const char *name)
{
    static const char *const ends[] = {
        "n = 7",         "s = 'text 7'",           "n BETWEEN 7 AND 9", "s IN ('text 7', 'text 8')",
        "s > 'text 98'", "n < 50 ORDER BY n DESC", "1 ORDER BY s",      "1 ORDER BY s DESC"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        agree(db, sql("SELECT n, s, g FROM ci WHERE %s", ends[i]),
              sql("SELECT n, s, g FROM i WHERE %s", ends[i]));
    passed(name);
}

static void test_without_room(void)
{
    sqlite3 *db = open_kept("room.db", "");
    long long bytes = kept_bytes(db);
    run(db, "SELECT cache_configure('max_bytes', %lld)", bytes + 4000);
    lookups_agree(db, "where the store has no room, lookups are right");
    is_int(kept_bytes(db), bytes, "and nothing is kept for them");
    run(db, "SELECT cache_configure('max_bytes', %lld)", bytes + 4200);
    lookups_agree(db, "where it has room for one index");
    ok(kept_bytes(db) > bytes, "that is kept");
    ok(kept_bytes(db) <= bytes + 4200, "within the bound");
    run(db,
        "SELECT cache_configure('max_bytes', '64 MiB'); SELECT cache_clear();"
        "CREATE VIRTUAL TABLE temp.other USING cache((SELECT n, s, g FROM main.i WHERE n <> :x))");
    for (int i = 0; i < 8; i++)
        run(db, "SELECT * FROM other(%d)", i);
    bytes = kept_bytes(db);
    run(db, "SELECT cache_configure('max_bytes', %lld); SELECT * FROM other(7) WHERE n = 1",
        bytes + 50);
    is_int(number(db, "SELECT count(*) FROM cache_entries"), 7, "others make room for an index");
    ok(kept_bytes(db) <= bytes + 50, "within the bound, too");
    run(db, "SELECT cache_configure('max_bytes', '64 MiB')");
    sqlite3_close(db);
    db = open_kept("room.db", ", max_bytes = '30 KB'");
    lookups_agree(db, "where the cached table has no room");
    ok(number(db, "SELECT bytes FROM cache_definitions WHERE name = 'ci'") <= 30000,
       "its bound holds");
    sqlite3_close(db);
}

static void test_not_kept(void)
{
    sqlite3 *db = open_kept("not_kept.db", ", max_rows = 10");
    long long bytes = kept_bytes(db);
    lookups_agree(db, "what is not kept is searched all the same");
    is_int(kept_bytes(db), bytes, "and leaves nothing");
    sqlite3_close(db);
    db = open_kept("not_kept.db", "");
    run(db, "BEGIN; UPDATE i SET g = 'own' WHERE n < 100");
    lookups_agree(db, "so are a transaction's own changes");
    run(db, "COMMIT");
    lookups_agree(db, "and what is committed then");
    sqlite3_close(db);
}

/* ---- what happens to a result that is being read ---- */

static void test_read_on(const char *query, const char *plain)
{
    sqlite3 *db = open_kept("read_on.db", "");
    sqlite3_stmt *statement = NULL;
    long long count = 0;
    sqlite3_free(rows(db, query));
    sqlite3_prepare_v2(db, query, -1, &statement, NULL);
    sqlite3_step(statement);
    run(db, "SELECT cache_clear()");
    is_int(kept_bytes(db), 0, "the entry goes while it is read");
    do
        count++;
    while (sqlite3_step(statement) == SQLITE_ROW);
    is_int(count, number(db, plain), query);
    is_int(sqlite3_finalize(statement), SQLITE_OK, "and the reading ends well");
    is_int(kept_bytes(db), 0, "nothing is counted for it");
    sqlite3_close(db);
}

/* ---- comparisons that are not SQLite's own ---- */

static int by_last(void *context, int a_size, const void *a, int b_size, const void *b)
{
    (void)context;
    int x = a_size > 0 ? ((const char *)a)[a_size - 1] : 0;
    int y = b_size > 0 ? ((const char *)b)[b_size - 1] : 0;
    return x - y;
}

static void test_own_collations(void)
{
    sqlite3 *db = open_kept("own.db", "");
    sqlite3_stmt *early = NULL;
    sqlite3_prepare_v2(db, "SELECT count(*) FROM ci WHERE s = 'text 7'", -1, &early, NULL);
    sqlite3_create_collation(db, "BINARY", SQLITE_UTF8, NULL, by_last);
    sqlite3_step(early);
    is_int(sqlite3_column_int(early, 0), number(db, "SELECT count(*) FROM i WHERE s = 'text 7'"),
           "BINARY replaced after the statement was prepared");
    sqlite3_finalize(early);
    plan_says(db, "SELECT * FROM ci WHERE s = 'text 7'", "INDEX 0:n'");
    lookups_agree(db, "and for statements prepared since");
    sqlite3_close(db);

    db = open_cached(":memory:", 0);
    run(db, "PRAGMA encoding = 'UTF-16'; CREATE TABLE i(n, s TEXT, g);"
            "WITH r(k) AS (VALUES (1) UNION ALL SELECT k + 1 FROM r WHERE k < 200) INSERT INTO i "
            "SELECT k, char(CASE k %% 4 WHEN 0 THEN 65536 + k WHEN 1 THEN 65280 ELSE 97 + k END), "
            "k FROM r;"
            "CREATE VIRTUAL TABLE temp.ci USING cache((SELECT n, s, g FROM main.i))");
    agree(db, sql("SELECT n FROM ci WHERE s > char(65281) ORDER BY s"),
          sql("SELECT n FROM i WHERE s > char(65281) ORDER BY s"));
    passed("UTF-16 has an order of its own");
    sqlite3_close(db);
}

/* ---- together with the rest of SQL ---- */

static void test_in_queries(void)
{
    static const char *const queries[] = {
        "SELECT * FROM %s WHERE n = 7 OR s = 'text 8' OR n BETWEEN 20 AND 22 ORDER BY 1, 2",
        "SELECT a.n, b.s FROM %s AS a JOIN %s AS b ON b.n = a.g ORDER BY 1, 2",
        "SELECT a.n, (SELECT b.s FROM %s AS b WHERE b.n = a.n + 1) FROM %s AS a WHERE a.g = 3",
        "SELECT n FROM %s WHERE n IN (SELECT g FROM %s) ORDER BY n DESC LIMIT 3",
        "SELECT a.n, b.n FROM %s AS a LEFT JOIN %s AS b ON b.n = a.n * 2 AND b.s > 'text 5' "
        "ORDER BY 1",
        "SELECT n FROM %s WHERE (n, g) IN (SELECT n, g FROM %s WHERE n < 9) ORDER BY 1",
        "SELECT n, s FROM %s WHERE (g, n) > (8, 990) AND g <= 8",
        "SELECT n FROM %s WHERE n > (SELECT max(n) - 4 FROM %s) ORDER BY n",
        "SELECT n FROM %s WHERE n = 7 AND n > 5 AND s < 'u' AND g IS NOT NULL",
        "WITH RECURSIVE walk(n) AS (VALUES (1) UNION SELECT %s.n + 1 FROM walk JOIN %s USING (n) "
        "LIMIT 30) SELECT * FROM walk",
    };
    sqlite3 *db = open_kept("queries.db", "");
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        agree(db, sql(queries[i], "ci", "ci"), sql(queries[i], "i", "i"));
        passed(queries[i]);
    }
    run(db, "CREATE VIRTUAL TABLE temp.cp USING cache((SELECT n, s, g FROM main.i WHERE g <> :x))");
    for (int i = 0; i < 3; i++)
        agree(db, sql("SELECT n, s FROM cp WHERE n BETWEEN %d AND 60 AND x IN (3, %d)", i, i),
              sql("SELECT n, s FROM (SELECT 3 AS x UNION SELECT %d) JOIN i ON g <> x WHERE n "
                  "BETWEEN %d AND 60 ORDER BY x, i.rowid",
                  i, i));
    passed("a column and a parameter");
    sqlite3_close(db);
}

int main(void)
{
    test_plans();
    test_made_once();
    test_without_room();
    test_not_kept();
    test_read_on("SELECT * FROM ci WHERE g = 7", "SELECT count(*) FROM i WHERE g = 7");
    test_read_on("SELECT * FROM ci WHERE n BETWEEN 5 AND 90",
                 "SELECT count(*) FROM i WHERE n BETWEEN 5 AND 90");
    test_read_on("SELECT * FROM ci ORDER BY s DESC", "SELECT count(*) FROM i");
    test_own_collations();
    test_in_queries();
    test_every_column();
    return tap_done();
}
