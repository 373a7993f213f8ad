/*
** Indexes over kept rows: whatever a column has in it and whatever it is compared with, a cached table
** gives the rows that SQLite's own comparison picks, in the order that they have; and an index is
** made only where there is room for it.
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
#define ZEROS "('a' || char(0)), ('a' || char(0) || 'b'), ('A' || char(0) || 'c'), ('7' || char(0))"

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

/* The cached table c(id, x) over table t with that content: as the column's type converts it, or, if
** `raw`, as it is. `id` is the order of rows. */
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
    sqlite3_prepare_v2(db,
                       "SELECT quote(v) FROM v WHERE v IS NULL OR typeof(v) <> 'text' OR "
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
}

/* With the column of another table, of each affinity, which holds values of all types. */
static void compare_joins(sqlite3 *db)
{
    for (size_t i = 0; i < TYPES; i++) {
        for (size_t j = 0; j < OPERATORS; j++) {
            const char *join = "SELECT group_concat(r.rowid || ':' || c.id) FROM v%d AS r CROSS "
                               "JOIN c ON %sr.v %s c.x%s";
            agree(db, sql(join, (int)i, "", operators[j], ""),
                  sql(join, (int)i, "(", operators[j], ") IS TRUE"));
        }
        const char *in =
            "SELECT id, x FROM c WHERE %sx IN (SELECT v FROM v%d WHERE rowid %% 7 = %d)%s";
        for (int part = 0; part < 7; part++)
            agree(db, sql(in, "", (int)i, part, ""), sql(in, "(", (int)i, part, ") IS TRUE"));
        const char *on = "SELECT c.id, r.rowid FROM c LEFT JOIN v%d AS r ON %sr.v = c.x%s";
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

int main(void)
{
    test_every_column();
    return tap_done();
}
