/*
** Connections that share results, where a text means something else on one of them, and what cannot
** be seen. Hazards 12 to 15 of docs/exactness.md.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hazards/scenario.h"
#include "querycache.h"
#include "tap.h"

/* ---- hazard 12: names ---- */

static const struct scenario names[] = {
    {.name = "hazard 12: a temp table shadows another on one connection only",
     .x = "SELECT a, b FROM other ORDER BY a",
     .lines = {"A reads x miss",
               "B reads x hit",
               "A: CREATE TEMP TABLE other(a INTEGER PRIMARY KEY, b TEXT);"
               "INSERT INTO temp.other VALUES (9, 'mine')",
               "A reads x",
               "B reads x hit",
               "A reads x",
               "C: CREATE TEMP TABLE other(a INTEGER PRIMARY KEY, b TEXT);"
               "INSERT INTO temp.other VALUES (8, 'another')",
               "C reads x",
               "A reads x",
               "B reads x hit",
               "A: INSERT INTO other(b) VALUES ('more')",
               "A reads x",
               "C reads x",
               "B reads x",
               "A: INSERT INTO main.other(b) VALUES ('main')",
               "B reads x miss",
               "A reads x",
               "C reads x",
               "A: DROP TABLE temp.other",
               "A reads x",
               "B reads x hit",
               "C reads x"}},
    {.name = "hazard 12: a temp view shadows a table on one connection only",
     .x = "SELECT a, b FROM other ORDER BY a",
     .lines = {"A reads x miss", "B reads x hit",
               "A: BEGIN; CREATE TEMP VIEW other AS SELECT a, b FROM main.t", "A reads x",
               "B reads x hit", "A: COMMIT", "A reads x", "B reads x hit",
               "B: UPDATE t SET b = b || '!'", "A reads x", "B reads x hit", "A reads x",
               "A: DROP VIEW temp.other", "A reads x", "B reads x hit"}},
    {.name = "hazard 12: a temp view, rolled back",
     .x = "SELECT a, b FROM other ORDER BY a",
     .lines = {"B reads x miss", "A: BEGIN; CREATE TEMP VIEW other AS SELECT a, b FROM main.t",
               "A reads x", "B reads x hit", "A: ROLLBACK", "A reads x", "C reads x hit"}},
    {.name = "hazard 12: a table made in main hides one in an attached file",
     .attached = true,
     .x = "SELECT x, y FROM n ORDER BY x",
     .lines = {"C opens", "A reads x miss", "B reads x hit",
               "A: CREATE TABLE main.n(x INTEGER PRIMARY KEY, y); INSERT INTO main.n VALUES (5, 5)",
               "A reads x miss", "B reads x", "A reads x", "B: UPDATE aux.n SET y = y + 1",
               "A reads x", "B reads x", "A: UPDATE main.n SET y = y + 1", "A reads x", "B reads x",
               "B: DROP TABLE main.n", "A reads x", "B reads x", "C reads x hit"}},
    {.name = "hazard 12: a table made in main and not committed hides one on its connection only",
     .attached = true,
     .x = "SELECT x, y FROM n ORDER BY x",
     .lines = {"A reads x miss", "B reads x hit",
               "A: BEGIN; CREATE TABLE main.n(x INTEGER PRIMARY KEY, y);"
               "INSERT INTO main.n VALUES (5, 5)",
               "A reads x", "B reads x hit", "A: ROLLBACK", "A reads x", "B reads x hit"}},
    {.name = "hazard 12: the attached file is another on one connection",
     .attached = true,
     .x = "SELECT x, y FROM aux.n ORDER BY x",
     .lines = {"C opens", "A reads x miss", "B reads x hit",
               "B: DETACH aux; ATTACH ':memory:' AS aux; CREATE TABLE aux.n(x INTEGER PRIMARY KEY, "
               "y); INSERT INTO aux.n VALUES (9, 9)",
               "B reads x", "A reads x hit", "B reads x", "A: UPDATE aux.n SET y = y + 1",
               "B reads x", "A reads x", "C reads x hit"}},
};

/* ---- hazard 13: parameters ---- */

static const struct {
    const char *first;
    const char *second;
    const char *status; /* of the second, after the first was computed on another connection */
} parameters[] = {
    {"1", "1", "hit"},
    {"1", "1.0", "miss"},
    {"1", "'1'", "miss"},
    {"1", "x'31'", "miss"},
    {"1", "TRUE", "hit"},
    {"'1'", "x'31'", "miss"},
    {"NULL", "NULL", "hit"},
    {"NULL", "''", "miss"},
    {"NULL", "x''", "miss"},
    {"NULL", "0", "miss"},
    {"''", "x''", "miss"},
    {"0.0", "-0.0", NULL},
    {"NULL", "1e999 - 1e999", "hit"},
    {"1e999", "-1e999", "miss"},
    {"9223372036854775807", "9223372036854775807.0", "miss"},
    {"CAST(x'610062' AS TEXT)", "CAST(x'610062' AS TEXT)", "hit"},
    {"CAST(x'610062' AS TEXT)", "CAST(x'610063' AS TEXT)", "miss"},
    {"CAST(x'610062' AS TEXT)", "'a'", "miss"},
    {"x'610062'", "x'610063'", "miss"},
    {"zeroblob(500)", "zeroblob(500)", "hit"},
    {"zeroblob(500)", "zeroblob(501)", "miss"},
    {"'é'", "'é'", "hit"},
    {"'é'", "'e' || char(0x301)", "miss"},
    {"'a'", "'A'", "miss"},
    {"'a'", "'a '", "miss"},
};

/* In UTF-16 three bytes are no text, and two such may be the same. */
#define CACHED_PARAMETER "SELECT * FROM cp(%s)"
#define PLAIN_PARAMETER "SELECT typeof(v), v, hex(v), v IS 1 FROM (SELECT %s AS v)"

static void test_parameters(const char *encoding)
{
    const char *path = fresh_file("parameters.db");
    sqlite3 *pair[2];
    for (int i = 0; i < 2; i++) {
        pair[i] = open_cached(path, 0);
        run(pair[i], "PRAGMA encoding = '%s'; CREATE TABLE IF NOT EXISTS t(a)", encoding);
        run(pair[i], "CREATE VIRTUAL TABLE temp.cp USING cache((SELECT typeof(:v) AS k, :v AS v, "
                     "hex(:v) AS h, :v IS 1 AS one FROM (SELECT count(*) FROM t)))");
    }
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        const char *const values[] = {parameters[i].first, parameters[i].second};
        const char *const statuses[] = {"miss", parameters[i].status};
        run(pair[0], "SELECT cache_clear()");
        for (int j = 0; j < 2; j++) {
            char *cached = sqlite3_mprintf(CACHED_PARAMETER, values[j]);
            char *plain = sqlite3_mprintf(PLAIN_PARAMETER, values[j]);
            char *title = sqlite3_mprintf("hazard 13: %s: %s on one connection, %s on another (%d)",
                                          encoding, values[0], values[1], j + 1);
            if (strstr(values[0], "610062") && strcmp(encoding, "UTF-8") != 0)
                same(pair[j], cached, plain, title);
            else
                same_as(pair[j], cached, plain, statuses[j], title);
            sqlite3_free(cached);
            sqlite3_free(plain);
            sqlite3_free(title);
        }
    }
    for (int i = 0; i < 2; i++)
        sqlite3_close(pair[i]);
}

static const struct scenario encodings[] = {
    {.name = "hazard 13: a UTF-16 file",
     .encoding = "UTF-16be",
     .setup = "INSERT INTO t VALUES (9, 'žluťoučký 🐎', 9), (10, CAST(x'00610000' AS TEXT), 1)",
     .x = "SELECT length(b) AS n, hex(b) AS h, b FROM t ORDER BY a",
     .lines = {"A reads x miss", "B reads x hit", "B: UPDATE t SET b = b || 'ů' WHERE a = 9",
               "A reads x miss", "B reads x hit", "P: UPDATE t SET b = b || '🐎'", "B reads x miss",
               "A reads x hit"}},
};

/* ---- hazard 14: functions, collations, flags, authorizers ---- */

static void give_letter(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    sqlite3_result_int(context, (int)(size_t)sqlite3_user_data(context));
}

static void add_function(sqlite3 *db, const char *function, int arguments, char letter)
{
    sqlite3_create_function(db, function, arguments, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                            (void *)(size_t)letter, give_letter, NULL, NULL);
}

static void add_own_function(sqlite3 *db, char letter)
{
    add_function(db, "letter", 0, letter);
}

static void override_on_a(sqlite3 *db, char letter)
{
    if (letter == 'A')
        add_function(db, "upper", 1, letter);
}

static void override_upper(sqlite3 *db)
{
    add_function(db, "upper", 1, '?');
}

static int compare_backwards(void *context, int a_size, const void *a, int b_size, const void *b)
{
    (void)context;
    int size = a_size < b_size ? a_size : b_size;
    int order = memcmp(a, b, (size_t)size);
    return order != 0 ? -order : b_size - a_size;
}

static int compare_forwards(void *context, int a_size, const void *a, int b_size, const void *b)
{
    return -compare_backwards(context, a_size, a, b_size, b);
}

static void add_collation(sqlite3 *db, char letter)
{
    sqlite3_create_collation(db, "mine", SQLITE_UTF8, NULL,
                             letter == 'A' ? compare_backwards : compare_forwards);
}

static void override_nocase_on_a(sqlite3 *db, char letter)
{
    if (letter == 'A')
        sqlite3_create_collation(db, "nocase", SQLITE_UTF8, NULL, compare_forwards);
}

static void override_nocase(sqlite3 *db)
{
    sqlite3_create_collation(db, "nocase", SQLITE_UTF8, NULL, compare_forwards);
}

static void override_binary(sqlite3 *db)
{
    sqlite3_create_collation(db, "binary", SQLITE_UTF8, NULL, compare_backwards);
}

static const struct scenario meanings[] = {
    {.name = "hazard 14: functions of one name, each connection's own",
     .opened = add_own_function,
     .x = "SELECT a, letter() AS n FROM t ORDER BY a",
     .lines = {"A reads x miss", "A reads x hit", "B reads x miss", "B reads x hit",
               "A reads x hit", "A: UPDATE t SET a = a + 100", "B reads x miss", "A reads x miss",
               "B reads x hit", "F: UPDATE t SET a = a + 100", "A reads x miss", "B reads x miss"}},
    {.name = "hazard 14: a built-in function overridden on one connection only",
     .opened = override_on_a,
     .x = "SELECT upper(b) AS u FROM t ORDER BY a",
     .lines = {"A reads x miss", "B reads x miss", "C reads x hit", "A reads x hit",
               "B reads x hit", "A: UPDATE t SET b = b || '!'", "B reads x miss", "A reads x miss",
               "C reads x hit"}},
    {.name = "hazard 14: a built-in function overridden later",
     .act = override_upper,
     .x = "SELECT upper(b) AS u FROM t ORDER BY a",
     .lines = {"A reads x miss", "B reads x hit", "A acts", "A reads x", "B reads x hit",
               "A reads x", "C reads x hit", "B: UPDATE t SET b = b || '!'", "A reads x",
               "B reads x", "C reads x hit"}},
    {.name = "hazard 14: collations of one name, each connection's own",
     .opened = add_collation,
     .x = "SELECT b FROM t ORDER BY b COLLATE mine",
     .lines = {"A reads x miss", "A reads x hit", "B reads x miss", "B reads x hit",
               "A reads x hit", "B: UPDATE t SET b = b || '!'", "A reads x miss",
               "B reads x miss"}},
    {.name = "hazard 14: NOCASE overridden on one connection only",
     .opened = override_nocase_on_a,
     .x = "SELECT a FROM t WHERE b = 'X' COLLATE NOCASE ORDER BY a",
     .lines = {"A reads x", "B reads x", "A reads x", "C reads x hit", "B reads x hit", "A reads x",
               "B: UPDATE t SET b = b || '!' WHERE a = 1", "B reads x", "A reads x"}},
    {.name = "hazard 14: NOCASE overridden later, when another connection has read",
     .act = override_nocase,
     .x = "SELECT a FROM t WHERE b = 'X' COLLATE NOCASE ORDER BY a",
     .lines = {"B reads x miss", "A reads x hit", "A acts", "A reads x", "B reads x hit",
               "A reads x", "C reads x hit"}},
    {.name = "hazard 14: NOCASE of a column, overridden on one connection only",
     .opened = override_nocase_on_a,
     .setup = "CREATE TABLE nc(b TEXT COLLATE NOCASE); INSERT INTO nc VALUES ('x'), ('X'), ('y')",
     .x = "SELECT count(*) AS n FROM nc GROUP BY b ORDER BY 1",
     .lines = {"B reads x", "A reads x", "B reads x hit", "A reads x", "C reads x hit"}},
    {.name = "hazard 14: BINARY overridden on one connection only",
     .act = override_binary,
     .x = "SELECT b FROM t ORDER BY +b",
     .lines = {"B reads x miss", "A reads x hit", "A acts", "A reads x", "B reads x hit",
               "A reads x", "C reads x hit"}},
    {.name = "hazard 14: case_sensitive_like on one connection only",
     .x = "SELECT a FROM t WHERE b LIKE 'X' ORDER BY a",
     .lines = {"B reads x miss", "A reads x hit", "A: PRAGMA case_sensitive_like = 1", "A reads x",
               "B reads x hit", "A reads x", "A: PRAGMA case_sensitive_like = 0", "A reads x",
               "C reads x hit"}},
    {.name = "hazard 14: case_sensitive_like, and its connection reads first",
     .x = "SELECT a FROM t WHERE b LIKE 'X' ORDER BY a",
     .lines = {"A: PRAGMA case_sensitive_like = 1", "A reads x", "B reads x miss", "A reads x",
               "C reads x hit"}},
    {.name = "hazard 14: reverse_unordered_selects under LIMIT on one connection only",
     .x = "SELECT a FROM t LIMIT 1",
     .lines = {"A: PRAGMA reverse_unordered_selects = 1", "A reads x", "B reads x", "A reads x",
               "B reads x", "C reads x hit", "C: PRAGMA reverse_unordered_selects = 1", "C reads x",
               "B reads x hit", "A reads x", "A: PRAGMA reverse_unordered_selects = 0", "A reads x",
               "B reads x hit"}},
};

static int ignore_column(void *context, int action, const char *table, const char *column,
                         const char *schema, const char *view)
{
    (void)context, (void)schema, (void)view;
    bool secret = action == SQLITE_READ && strcmp(table, "t") == 0 && strcmp(column, "c") == 0;
    return secret ? SQLITE_IGNORE : SQLITE_OK;
}

static int deny_table(void *context, int action, const char *table, const char *column,
                      const char *schema, const char *view)
{
    (void)context, (void)column, (void)schema, (void)view;
    return action == SQLITE_READ && strcmp(table, "t") == 0 ? SQLITE_DENY : SQLITE_OK;
}

static void set_ignoring(sqlite3 *db)
{
    sqlite3_set_authorizer(db, ignore_column, NULL);
}

static void ignore_on_b(sqlite3 *db, char letter)
{
    if (letter == 'B')
        set_ignoring(db);
}

static const struct scenario authorizers[] = {
    {.name = "hazard 14: a column that one connection's authorizer ignores",
     .act = set_ignoring,
     .x = "SELECT a, c + 0 AS n FROM t ORDER BY a",
     .lines = {"A reads x miss", "B reads x hit", "B acts", "B reads x", "A reads x hit",
               "B reads x", "C reads x hit", "A: UPDATE t SET c = c + 1", "B reads x", "A reads x",
               "C reads x hit", "B reads x"}},
    {.name = "hazard 14: an authorizer that ignores a column from the start",
     .opened = ignore_on_b,
     .x = "SELECT a, c + 0 AS n FROM t ORDER BY a",
     .lines = {"B reads x", "A reads x", "B reads x", "A reads x hit", "C reads x hit",
               "B: UPDATE other SET b = b || '!'", "B reads x", "A reads x", "B reads x"}},
};

/* The error has another text than the query's own: what counts is that no row comes. */
static void test_denied(void)
{
    static const char *const queries[] = {
        "SELECT * FROM ct", "SELECT count(*) FROM ct", "SELECT cache_query('SELECT a, b FROM t')",
        "SELECT value FROM cache_rows('SELECT a, b FROM t')", "SELECT max(m) FROM over"};
    sqlite3 *a = open_file("denied.db");
    sqlite3 *b = join(scratch_file("denied.db"));
    sqlite3 *const pair[] = {a, b};
    for (int i = 0; i < 2; i++) {
        run(pair[i], "CREATE VIRTUAL TABLE temp.over USING cache((SELECT max(b) AS m FROM ct))");
        for (size_t j = 0; j < sizeof queries / sizeof queries[0]; j++)
            sqlite3_free(rows(pair[i], queries[j]));
    }
    sqlite3_set_authorizer(b, deny_table, NULL);
    for (int round = 0; round < 2; round++) {
        for (size_t j = 0; j < sizeof queries / sizeof queries[0]; j++) {
            char *got = rows(b, queries[j]);
            char *title =
                sqlite3_mprintf("hazard 14: a denied table gives nothing: %s", queries[j]);
            ok(strncmp(got, "error", 5) == 0 && strstr(got, "prohibited") != NULL, title);
            sqlite3_free(title);
            sqlite3_free(got);
            sqlite3_free(rows(a, queries[j]));
        }
        same_as(b, "SELECT * FROM co", OTHER, round == 0 ? NULL : "hit",
                "hazard 14: what is not denied is shared");
        same_as(a, "SELECT * FROM ct", T, "hit", "hazard 14: others are not concerned");
    }
    sqlite3_close(a);
    sqlite3_close(b);
}

/* ---- hazard 15: what cannot be seen, and its remedies ---- */

static void write_blob(sqlite3 *db)
{
    sqlite3_blob *blob = NULL;
    static char letter = 'A';
    is_int(sqlite3_blob_open(db, "main", "t", "b", 1, 1, &blob), SQLITE_OK,
           "hazard 15: a blob is opened");
    letter = (char)(letter == 'Z' ? 'A' : letter + 1);
    sqlite3_blob_write(blob, &letter, 1, 0);
    sqlite3_blob_close(blob);
}

static const struct scenario unseen[] = {
    {.name = "hazard 15: a blob write alone is seen",
     .act = write_blob,
     .lines = {"A reads t miss", "B reads t hit", "A acts", "B reads t miss", "A reads t hit",
               "F acts", "A reads t miss", "B reads t hit"}},
    {.name = "hazard 15: a blob write beside another write, and cache_invalidate_table()",
     .act = write_blob,
     .lines = {"A reads t miss", "B reads t hit", "A: BEGIN; UPDATE other SET b = b || '!'",
               "A acts", "A reads t bypass", "A: COMMIT; SELECT cache_invalidate_table('t')",
               "B reads t miss", "A reads t hit", "B reads other"}},
    {.name = "hazard 15: a blob write beside another write, and a write to its row",
     .act = write_blob,
     .lines = {"A reads t miss", "B reads t hit", "A: BEGIN; UPDATE other SET b = b || '!'",
               "A acts", "A: UPDATE t SET a = a WHERE a = 1; COMMIT", "B reads t miss",
               "A reads t hit"}},
    {.name = "hazard 15: enabled = 0 computes every read on all connections",
     .act = write_blob,
     .lines = {"A reads t miss", "A: SELECT cache_configure('enabled', 0)",
               "A: BEGIN; UPDATE other SET b = b || '!'", "A acts", "A: COMMIT", "B reads t bypass",
               "A reads t bypass", "A: SELECT cache_clear(); SELECT cache_configure('enabled', 1)",
               "B reads t miss", "A reads t hit"}},
    {.name = "hazard 15: INSERT from a cached table over the same table, rows put aside",
     .lines = {"A reads t miss", "B reads t hit",
               "A: CREATE TEMP TABLE aside AS SELECT a, b, c FROM ct;"
               "INSERT INTO t(b, c) SELECT b, c FROM aside CROSS JOIN (VALUES (1), (2))",
               "B reads t miss", "A reads t hit"}},
    {.name = "hazard 15: INSERT from a cached table over the same table is seen by others",
     .lines = {"C opens", "A reads t miss", "B reads t hit",
               "A: INSERT INTO t(b, c) SELECT b, c FROM ct", "B reads t miss", "A reads t hit",
               "C reads t hit"}},
};

/* ---- views in files of which no table is read ---- */

/* What the program does not show in full: a blob behind its first zero byte, a real's last digits.
** */
static const struct {
    const char *what;
    const char *view;
    const char *other;
} constants[] = {
    {"a blob", "SELECT x'0001' AS k", "SELECT x'0002' AS k"},
    {"a real", "SELECT 1.0000000000000002 AS k", "SELECT 1.0000000000000004 AS k"},
    {"a view of a view", "SELECT k FROM u1", "SELECT k FROM u2"},
    {"VALUES", "VALUES (x'0001')", "VALUES (x'0002')"},
    {"a subquery", "SELECT k FROM (SELECT x'0001' AS k)", "SELECT k FROM (SELECT x'0002' AS k)"},
    {"a common table expression", "WITH c(k) AS (SELECT x'0001') SELECT k FROM c",
     "WITH c(k) AS (SELECT x'0002') SELECT k FROM c"},
    {"a compound", "SELECT x'0001' AS k UNION ALL SELECT x'03'",
     "SELECT x'0002' AS k UNION ALL SELECT x'03'"},
    {"json_each", "SELECT x'0001' AS k FROM json_each('[1,2]')",
     "SELECT x'0002' AS k FROM json_each('[1,2]')"},
    {"an aggregate", "SELECT max(x'0001') AS k", "SELECT max(x'0002') AS k"},
};

static const char *const readings[] = {
    "SELECT * FROM %s.v",
    "SELECT a, (SELECT * FROM %s.v LIMIT 1) FROM main.t",
    "SELECT t.a, v.* FROM main.t LEFT JOIN %s.v ON 1",
    "SELECT 1 WHERE EXISTS (SELECT * FROM %s.v) UNION ALL SELECT * FROM %s.v",
};

static void check_view(sqlite3 *db, const char *plain, const char *expected, const char *what)
{
    if (expected != NULL)
        same_as(db, "SELECT * FROM cv", plain, expected, what);
    else
        same(db, "SELECT * FROM cv", plain, what);
}

static const char *view_file(const char *file, const char *view)
{
    const char *path = fresh_file(file);
    sqlite3 *maker = open_plain(path, 0);
    run(maker,
        "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2); CREATE VIEW u1 AS SELECT x'0001' "
        "AS k; CREATE VIEW u2 AS SELECT x'0002' AS k; CREATE VIEW v AS %s",
        view);
    sqlite3_close(maker);
    return path;
}

/* One alias for two files, one on each connection; and the view made anew, here and there. */
static void test_unseen_view(const char *schema, size_t which, const char *reading)
{
    char *plain = sqlite3_mprintf(reading, schema, schema);
    char *title = sqlite3_mprintf("the constants of a view of %s, %s (%s)", schema,
                                  constants[which].what, plain);
    bool attached = strcmp(schema, "aux") == 0;
    const char *first = view_file("view1.db", constants[which].view);
    const char *second = view_file("view2.db", constants[which].other);
    const char *common = view_file("view3.db", "SELECT 1");
    sqlite3 *dbs[3];
    for (int i = 0; i < 3; i++) {
        const char *own = i == 1 ? second : first;
        dbs[i] = open_cached(attached ? common : own, 0);
        run(dbs[i], "ATTACH %Q AS aux", attached ? own : common);
        run(dbs[i], "CREATE VIRTUAL TABLE temp.cv USING cache((%s))", plain);
    }
    for (int i = 0; i < 6; i++)
        check_view(dbs[i % 3], plain, NULL, title);
    check_view(dbs[0], plain, "hit", title);
    check_view(dbs[1], plain, "hit", title);
    for (int i = 0; i < 2; i++) {
        const char *text = i == 0 ? constants[which].other : constants[which].view;
        run(dbs[0], "DROP VIEW %s.v; CREATE VIEW %s.v AS %s", schema, schema, text);
        check_view(dbs[0], plain, NULL, title);
        sqlite3_free(rows(dbs[2], "SELECT count(*) FROM aux.sqlite_master"));
        sqlite3_free(rows(dbs[2], "SELECT count(*) FROM main.sqlite_master"));
        check_view(dbs[2], plain, NULL, title);
        check_view(dbs[1], plain, NULL, title);
        check_view(dbs[0], plain, attached ? NULL : "hit", title);
    }
    for (int i = 0; i < 3; i++)
        sqlite3_close(dbs[i]);
    sqlite3_free(title);
    sqlite3_free(plain);
}

static void test_unseen_views(void)
{
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        for (size_t j = 0; j < sizeof readings / sizeof readings[0]; j++) {
            test_unseen_view("aux", i, readings[j]);
            test_unseen_view("main", i, readings[j]);
        }
    }
}

int main(int argc, char **argv)
{
    scenario_main(argc, argv);
    PLAY(names);
    test_unseen_views();
    test_parameters("UTF-8");
    test_parameters("UTF-16le");
    PLAY(encodings);
    PLAY(meanings);
    PLAY(authorizers);
    test_denied();
    PLAY(unseen);
    return tap_done();
}
