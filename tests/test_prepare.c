/*
** Statements prepared through the cache: the application cannot tell them from SQLite's own, but by
** what is listed in include/querycache.h.
*/
#include <querycache.h>
#include <stdlib.h>

#include "support.h"
#include "tap.h"

#define LENGTH(list) (sizeof(list) / sizeof(list)[0])

/* ---- looking alike ---- */

static void add_name(sqlite3_str *text, const char *name)
{
    sqlite3_str_appendf(text, "%s|", name != NULL ? name : "(none)");
}

/* Everything that can be asked about a statement before it is stepped. */
static char *face(sqlite3_stmt *statement)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    int columns = sqlite3_column_count(statement);
    int parameters = sqlite3_bind_parameter_count(statement);
    sqlite3_str_appendf(text, "%d columns %d parameters readonly %d explain %d busy %d\n", columns,
                        parameters, sqlite3_stmt_readonly(statement),
                        sqlite3_stmt_isexplain(statement), sqlite3_stmt_busy(statement));
    for (int i = 0; i < columns; i++) {
        add_name(text, sqlite3_column_name(statement, i));
        add_name(text, sqlite3_column_decltype(statement, i));
    }
    for (int i = 1; i <= parameters; i++) {
        const char *name = sqlite3_bind_parameter_name(statement, i);
        add_name(text, name);
        if (name != NULL)
            sqlite3_str_appendf(text, "%d|", sqlite3_bind_parameter_index(statement, name));
    }
    return sqlite3_str_finish(text);
}

static void add_value(sqlite3_str *text, sqlite3_stmt *statement, int column)
{
    int type = sqlite3_column_type(statement, column);
    sqlite3_str_appendf(text, "%d:", type);
    if (type == SQLITE_BLOB || type == SQLITE_TEXT) {
        const unsigned char *bytes = sqlite3_column_blob(statement, column);
        for (int i = 0; i < sqlite3_column_bytes(statement, column); i++)
            sqlite3_str_appendf(text, "%02x", bytes[i]);
    } else if (type == SQLITE_FLOAT) {
        sqlite3_str_appendf(text, "%!.17g", sqlite3_column_double(statement, column));
    } else {
        sqlite3_str_appendf(text, "%lld", sqlite3_column_int64(statement, column));
    }
    sqlite3_str_appendchar(text, 1, '|');
}

/* Values of every type for the parameters, beginning with another one in each `turn`. */
static void bind(sqlite3_stmt *statement, int turn)
{
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
        switch ((turn + i) % 6) {
        case 0:
            sqlite3_bind_int64(statement, i, turn + i);
            break;
        case 1:
            sqlite3_bind_double(statement, i, 1.5);
            break;
        case 2:
            sqlite3_bind_text(statement, i, "b", -1, SQLITE_STATIC);
            break;
        case 3:
            sqlite3_bind_blob(statement, i, "\0x", 2, SQLITE_STATIC);
            break;
        case 4:
            sqlite3_bind_zeroblob(statement, i, 3);
            break;
        default:
            sqlite3_bind_null(statement, i);
        }
    }
}

/* Up to `most` rows, how it ended, and what the connection says of it. */
static char *run_through(sqlite3_stmt *statement, int most)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3 *db = sqlite3_db_handle(statement);
    int rc = SQLITE_ROW;
    for (int row = 0; row < most && (rc = sqlite3_step(statement)) == SQLITE_ROW; row++) {
        sqlite3_str_appendf(text, "%d: ", sqlite3_data_count(statement));
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            add_value(text, statement, i);
        sqlite3_str_appendchar(text, 1, '\n');
    }
    sqlite3_str_appendf(text, "%d %s %d", rc,
                        rc == SQLITE_ROW || rc == SQLITE_DONE ? "" : sqlite3_errmsg(db),
                        sqlite3_stmt_busy(statement));
    sqlite3_reset(statement);
    return sqlite3_str_finish(text);
}

static bool same_text(char *got, char *expected, const char *what, const char *sql)
{
    bool same = strcmp(got, expected) == 0;
    if (!same)
        printf("# %s of %s\n#      got: %s\n# expected: %s\n", what, sql, got, expected);
    sqlite3_free(got);
    sqlite3_free(expected);
    return same;
}

/* The same face, and the same rows: computed, kept, in part, and with other values. */
static bool look_the_same(sqlite3 *db, const char *sql, bool cached)
{
    sqlite3_stmt *plain = prepare_plain(db, sql);
    sqlite3_stmt *made = prepare_cached(db, sql);
    bool same = is_prepared_cached(made) == cached;
    if (!same)
        printf("# %s was %scached\n", sql, cached ? "not " : "");
    same = same && same_text(face(made), face(plain), "face", sql);
    for (int turn = 0; turn < 6 && same; turn++) {
        bind(plain, turn);
        bind(made, turn);
        for (int times = 0; times < 2 && same; times++) {
            same = same_text(run_through(made, 1), run_through(plain, 1), "first row", sql) &&
                   same_text(run_through(made, 1000), run_through(plain, 1000), "rows", sql);
        }
    }
    sqlite3_clear_bindings(plain);
    sqlite3_clear_bindings(made);
    same = same && same_text(run_through(made, 1000), run_through(plain, 1000), "unbound", sql);
    sqlite3_finalize(plain);
    sqlite3_finalize(made);
    return same;
}

/* For a test's name. */
static const char *one_line(const char *sql)
{
    static char line[200];
    sqlite3_snprintf(sizeof line, line, "%s", sql);
    for (char *c = line; *c != '\0'; c++)
        *c = *c == '\n' ? ' ' : *c;
    return line;
}

static sqlite3 *open_with_tables(const char *path)
{
    sqlite3 *db = open_cached(path, 0);
    run(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, name VARCHAR(20) COLLATE NOCASE, x REAL, any);"
            "INSERT INTO t VALUES (1, 'a', 1.5, NULL), (2, 'B', 2.5, x'0001'), (3, 'b', -0.0, 'z'),"
            "  (4, NULL, 1e300, 9223372036854775807), (5, '', 0.1, '');"
            "CREATE TABLE u(id INTEGER, t_id INTEGER REFERENCES t, \"odd name\" TEXT);"
            "INSERT INTO u VALUES (1, 1, 'one'), (2, 1, 'two'), (3, 2, 'three');"
            "CREATE VIEW v AS SELECT name, count(*) AS n FROM t GROUP BY name");
    return db;
}

static const char *const cacheable[] = {
    "SELECT * FROM t",
    "select id, name from t where id = ?",
    "SELECT name, x FROM t WHERE name = :name AND x < @most OR $other",
    "SELECT ?3, ?1, ?, name FROM t",
    "SELECT ?5 FROM t WHERE id = :id",
    "SELECT t.id, u.id, t.x * u.id FROM t JOIN u ON u.t_id = t.id",
    "SELECT t.*, u.id AS u_id, u.\"odd name\" FROM t LEFT JOIN u ON t_id = t.id ORDER BY 1, 5",
    "SELECT id AS \"a \"\"quoted\"\" name\", 'text' AS [b c], x + 1 FROM t",
    "SELECT count(*), sum(x), max(name), group_concat(name) FROM t",
    "SELECT * FROM v ORDER BY n DESC, name",
    "WITH w(a) AS (SELECT id FROM t) SELECT a, (SELECT max(a) FROM w) FROM w",
    "SELECT id FROM t UNION ALL SELECT t_id FROM u ORDER BY 1",
    "  SELECT id\n FROM t -- a comment\n WHERE id > 1 ;",
    "SELECT * FROM t WHERE 0",
    "SELECT id, row_number() OVER (ORDER BY x) FROM t",
    "SELECT any, typeof(any), any IS NULL FROM t ORDER BY id LIMIT 3 OFFSET 1",
    "SELECT abs(-9223372036854775807 - 1), id FROM t", /* an error in mid-run: integer overflow */
    "SELECT CASE WHEN id < 3 THEN id ELSE abs(-9223372036854775807 - 1) END FROM t ORDER BY id",
};

static const char *const left_alone[] = {
    "SELECT random() IS NULL FROM t",
    "SELECT 1",
    "VALUES (1, 2), (3, 4)",
    "SELECT count(*) FROM sqlite_schema",
    "EXPLAIN SELECT * FROM t",
    "EXPLAIN QUERY PLAN SELECT * FROM t",
    "PRAGMA table_info(t)",
    "SELECT name FROM pragma_table_info('t')",
    "INSERT INTO u VALUES (9, 9, 'nine') RETURNING id",
    "UPDATE u SET id = id WHERE 0",
    "CREATE TABLE IF NOT EXISTS t(x)",
    "BEGIN",
    "COMMIT",
    "",
    " -- nothing",
    "SELECT *, * FROM t JOIN u ON u.t_id = t.id", /* no table has columns of the same name */
    "SELECT t.*, u.id, u.\"odd name\" FROM t LEFT JOIN u ON t_id = t.id ORDER BY t.id, u.id",
    "SELECT ?, ?1 FROM t", /* the second gives the first a name */
};

static void test_looks(void)
{
    sqlite3 *db = open_with_tables(fresh_file("looks.db"));
    run(db, "PRAGMA journal_mode = WAL");
    for (size_t i = 0; i < LENGTH(cacheable); i++)
        ok(look_the_same(db, cacheable[i], true), one_line(cacheable[i]));
    for (size_t i = 0; i < LENGTH(left_alone); i++) {
        sqlite3_stmt *made = prepare_cached(db, left_alone[i]);
        ok(!is_prepared_cached(made), left_alone[i]);
        sqlite3_finalize(made);
    }
    ok(number(db, "SELECT hits > 0 AND insertions > 0 FROM cache_stats"), "there were hits");
    is_int(number(db, "SELECT count FROM cache_refusals WHERE sql = 'select 1'"), 1,
           "a refusal is counted");
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* ---- tails, sizes, UTF-16 ---- */

static void test_texts(void)
{
    sqlite3 *db = open_with_tables(fresh_file("texts.db"));
    static const char two[] = "SELECT id FROM t; SELECT name FROM t";
    const char *tail = NULL;
    const char *plain_tail = NULL;
    sqlite3_stmt *statement = NULL;
    sqlite3_stmt *plain = NULL;
    is_int(querycache_prepare_v2(db, two, -1, &statement, &tail, NULL), SQLITE_OK,
           "two statements");
    sqlite3_prepare_v2(db, two, -1, &plain, &plain_tail);
    ok(is_prepared_cached(statement) && tail == plain_tail, "the tail is that of SQLite");
    sqlite3_finalize(statement);
    sqlite3_finalize(plain);
    is_int(querycache_prepare_v2(db, "SELECT id FROM t WHERE id = 12", 26, &statement, NULL, NULL),
           SQLITE_OK, "a size");
    ok(is_prepared_cached(statement), "a size cuts the text");
    is_text(sqlite3_column_name(statement, 0), "id", "and leaves what is before");
    sqlite3_finalize(statement);

    is_int(querycache_prepare_v2(db, "SELECT nobody FROM t", -1, &statement, &tail, NULL),
           SQLITE_ERROR, "an error is SQLite's");
    is_text(sqlite3_errmsg(db), "no such column: nobody", "and so is its text");
    ok(statement == NULL, "and there is no statement");

    static const unsigned short wide[] = {'S', 'E', 'L', 'E', 'C', 'T', ' ', 'i', 'd', ' ',
                                          'F', 'R', 'O', 'M', ' ', 't', ';', ' ', 'x', 0};
    const void *wide_tail = NULL;
    is_int(querycache_prepare16_v2(db, wide, -1, &statement, &wide_tail, NULL), SQLITE_OK,
           "UTF-16 text");
    ok(is_prepared_cached(statement) && wide_tail == (const void *)&wide[17], "and its tail");
    sqlite3_finalize(statement);

    char *error = NULL;
    struct querycache_options wrong = {.options = "ttl = 'soon'", .error = &error};
    is_int(querycache_prepare_v2(db, "SELECT id FROM t", -1, &statement, NULL, &wrong),
           SQLITE_MISUSE, "a wrong option is an error");
    ok(statement == NULL, "which gives no statement");
    contains(error, "ttl", "and says what is wrong");
    sqlite3_free(error);
    struct querycache_options named = {.name = "people", .options = "max_entries = 1"};
    is_int(querycache_prepare_v2(db, "SELECT id, ? FROM t", -1, &statement, NULL, &named),
           SQLITE_OK, "a name and an option");
    for (int i = 0; i < 3; i++) {
        sqlite3_bind_int(statement, 1, i);
        sqlite3_free(run_through(statement, 100));
    }
    is_int(number(db, "SELECT count(*) FROM cache_entries WHERE cache = 'people'"), 1,
           "hold for its results");
    sqlite3_finalize(statement);

    sqlite3 *other = open_plain(scratch_file("texts.db"), 0);
    statement = NULL;
    is_int(querycache_prepare_v2(other, "SELECT id FROM t", -1, &statement, NULL, NULL), SQLITE_OK,
           "a connection without the extension");
    ok(!is_prepared_cached(statement), "has plain statements");
    sqlite3_finalize(statement);
    sqlite3_close(other);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* ---- rows as they come ---- */

static void test_streams(void)
{
    sqlite3 *db = open_with_tables(fresh_file("streams.db"));
    sqlite3_stmt *endless =
        prepare_cached(db, "WITH RECURSIVE r(i) AS (SELECT id FROM t WHERE id = 1 UNION ALL "
                           "SELECT i + 1 FROM r) SELECT i FROM r");
    ok(is_prepared_cached(endless), "a SELECT without end");
    for (int i = 1; i <= 3; i++)
        sqlite3_step(endless);
    is_int(sqlite3_column_int(endless, 0), 3, "gives its rows as they come");
    is_int(number(db, "SELECT count(*) FROM cache_entries"), 0, "and is not kept");
    sqlite3_finalize(endless);
    is_int(number(db, "SELECT count FROM cache_refusals WHERE reason = 'was not read to its end'"),
           1, "which is counted");

    sqlite3_stmt *reader = prepare_cached(db, "SELECT id FROM t ORDER BY id");
    sqlite3_stmt *second = prepare_cached(db, "SELECT id FROM t ORDER BY id");
    sqlite3_step(reader);
    char *rows_of_second = run_through(second, 100);
    contains(rows_of_second, "1:5|", "a second statement of the text runs meanwhile");
    sqlite3_free(rows_of_second);
    int count = 1;
    while (sqlite3_step(reader) == SQLITE_ROW)
        count++;
    is_int(count, 5, "and the first goes on");
    sqlite3_reset(reader);

    /* Written between two rows, by autocommit, and by a transaction that is taken back. */
    static const char *const writes[] = {
        "UPDATE t SET x = 7 WHERE id = 5",
        "BEGIN; DELETE FROM u; ROLLBACK",
        "DELETE FROM t WHERE id = 5",
    };
    for (size_t i = 0; i < LENGTH(writes); i++) {
        run(db, "SELECT cache_clear()");
        sqlite3_stmt *stream = prepare_cached(db, "SELECT x FROM t ORDER BY id");
        sqlite3_step(stream);
        run(db, writes[i]);
        while (sqlite3_step(stream) == SQLITE_ROW)
            ;
        sqlite3_reset(stream);
        sqlite3_stmt *plain = prepare_plain(db, "SELECT x FROM t ORDER BY id");
        ok(same_text(run_through(stream, 100), run_through(plain, 100), "rows after", writes[i]),
           "what was written while rows came is seen by the next read");
        sqlite3_finalize(plain);
        sqlite3_finalize(stream);
    }

    run(db, "SELECT cache_clear(); BEGIN");
    sqlite3_stmt *inside = prepare_cached(db, "SELECT count(*) FROM u");
    ok(!is_prepared_cached(inside),
       "inside BEGIN nothing is read to find out what a new text means");
    sqlite3_finalize(inside);
    run(db, "DELETE FROM u");
    inside = prepare_cached(db, "SELECT count(*) FROM u");
    char *after = run_through(inside, 10);
    contains(after, "1:0|", "own writes are seen");
    sqlite3_free(after);
    run(db, "ROLLBACK");
    after = run_through(inside, 10);
    contains(after, "1:3|", "and seen taken back");
    sqlite3_free(after);
    sqlite3_finalize(inside);
    sqlite3_finalize(reader);
    sqlite3_finalize(second);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* Many applications take the row that there is, and never ask for another. */
static void test_one_row(void)
{
    sqlite3 *db = open_with_tables(fresh_file("one.db"));
    static const char *const one[] = {
        "SELECT count(*) FROM t",
        "SELECT name FROM t WHERE id = 2",
        "SELECT name FROM t ORDER BY x LIMIT 1",
        "SELECT max(x) FROM t WHERE id IN (SELECT t_id FROM u)",
        "SELECT (SELECT max(b.x) FROM t AS b WHERE b.id < t.id) FROM t WHERE id = 3",
    };
    static const char *const several[] = {"SELECT name FROM t",
                                          "SELECT sum(x) FROM t GROUP BY name",
                                          "SELECT 1 FROM t UNION ALL SELECT max(id) FROM t"};
    for (size_t i = 0; i < LENGTH(one) + LENGTH(several); i++) {
        bool has_one = i < LENGTH(one);
        const char *sql = has_one ? one[i] : several[i - LENGTH(one)];
        sqlite3_stmt *made = prepare_cached(db, sql);
        sqlite3_stmt *plain = prepare_plain(db, sql);
        run(db, "SELECT cache_clear()");
        for (int times = 0; times < 2; times++) {
            is_int(sqlite3_step(made), SQLITE_ROW, sql);
            sqlite3_reset(made);
        }
        is_text(status(db), has_one ? "hit" : "miss",
                has_one ? "is kept when its row is taken" : "is not kept when one of its rows is");
        ok(same_text(run_through(made, 10), run_through(plain, 10), "rows", sql), "and is right");
        sqlite3_finalize(made);
        sqlite3_finalize(plain);
    }
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* What cannot be looked into at once is caught up with. */
static void test_in_transactions(void)
{
    sqlite3 *db = open_with_tables(fresh_file("inside.db"));
    for (int round = 0; round < 4; round++) {
        sqlite3_stmt *begin = prepare_cached(db, "BEGIN");
        sqlite3_step(begin);
        sqlite3_finalize(begin);
        sqlite3_stmt *made = prepare_cached(db, "SELECT count(*), max(x) FROM t");
        is_int(is_prepared_cached(made), round > 0,
               round > 0 ? "the next time it is cached, inside BEGIN as well"
                         : "inside BEGIN a new text is prepared plainly");
        char *got = run_through(made, 10);
        contains(got, "1:5|", "and is right");
        sqlite3_free(got);
        sqlite3_finalize(made);
        sqlite3_stmt *commit = prepare_cached(db, "COMMIT");
        sqlite3_step(commit);
        sqlite3_finalize(commit);
    }
    is_text(status(db), "hit", "and in the end it hits");
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

static void test_tags(void)
{
    sqlite3 *db = open_with_tables(fresh_file("tags.db"));
    sqlite3_stmt *made = NULL;
    struct querycache_options options = {.options = "tags = 'people, all'"};
    querycache_prepare_v2(db, "SELECT name FROM t", -1, &made, NULL, &options);
    sqlite3_free(run_through(made, 10));
    run(db, "SELECT cache_query('SELECT x FROM t')");
    is_int(number(db, "SELECT cache_invalidate_tag('people')"), 1,
           "a tag is that of prepared statements, too, and of nothing else");
    sqlite3_finalize(made);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* ---- schemas that change ---- */

static void test_schema_changes(void)
{
    sqlite3 *db = open_with_tables(fresh_file("schema.db"));
    sqlite3 *other = open_plain(scratch_file("schema.db"), 0);
    sqlite3_stmt *made = prepare_cached(db, "SELECT * FROM u");
    sqlite3_stmt *plain = prepare_plain(db, "SELECT * FROM u");
    static const char *const changes[] = {
        "ALTER TABLE u ADD COLUMN more TEXT DEFAULT 'm'",
        "CREATE INDEX u_id ON u(id)",
        "ALTER TABLE u RENAME COLUMN id TO number",
        "DROP TABLE u",
        "CREATE TABLE u(only)",
    };
    for (size_t i = 0; i < LENGTH(changes); i++) {
        sqlite3_free(run_through(made, 100));
        run(i % 2 ? db : other, changes[i]);
        ok(same_text(run_through(made, 100), run_through(plain, 100), "rows", changes[i]) &&
               same_text(face(made), face(plain), "face", changes[i]),
           changes[i]);
        sqlite3_stmt *again = prepare_cached(db, "SELECT * FROM u");
        sqlite3_stmt *again_plain = prepare_plain(db, "SELECT * FROM u");
        ok((again == NULL) == (again_plain == NULL) &&
               (again == NULL || same_text(face(again), face(again_plain), "new face", changes[i])),
           "and prepared anew");
        sqlite3_finalize(again);
        sqlite3_finalize(again_plain);
    }
    sqlite3_finalize(made);
    sqlite3_finalize(plain);
    sqlite3_close(other);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* More texts than are remembered, some of them in use. */
static void test_many_texts(void)
{
    sqlite3 *db = open_with_tables(fresh_file("many.db"));
    sqlite3_stmt *held = prepare_cached(db, "SELECT name FROM t WHERE id = 2");
    for (int i = 0; i < 1000; i++) {
        char sql[60];
        sqlite3_snprintf(sizeof sql, sql, "SELECT name FROM t WHERE id < %d", i);
        sqlite3_stmt *statement = prepare_cached(db, sql);
        sqlite3_step(statement);
        sqlite3_finalize(statement);
    }
    run(db, "CREATE TABLE another(x)"); /* so that SQLite compiles the one that is held anew */
    char *got = run_through(held, 10);
    contains(got, "3:42|", "a statement that is held works when its text is one of many");
    sqlite3_free(got);
    ok(number(db, "SELECT count(*) FROM pragma_module_list WHERE name LIKE 'querycache %: %'") <
           300,
       "texts that nobody uses are forgotten");
    sqlite3_finalize(held);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* ---- others that write ---- */

static void test_other_writers(void)
{
    sqlite3 *db = open_with_tables(fresh_file("writers.db"));
    run(db, "PRAGMA journal_mode = WAL");
    sqlite3 *others[] = {open_cached(scratch_file("writers.db"), 0),
                         open_plain(scratch_file("writers.db"), 0)};
    sqlite3_stmt *made = prepare_cached(db, "SELECT count(*), max(id) FROM u");
    sqlite3_stmt *plain = prepare_plain(db, "SELECT count(*), max(id) FROM u");
    bool same = true;
    for (int i = 0; i < 200 && same; i++) {
        if (i % 3 == 0)
            run(others[i % 2], "INSERT INTO u VALUES (%d, 1, 'n')", i + 10);
        if (i % 7 == 0)
            run(db, "BEGIN");
        same = same_text(run_through(made, 10), run_through(plain, 10), "rows", "a write");
        if (i % 7 == 0)
            run(db, "COMMIT");
    }
    ok(same, "commits of others show at once");
    ok(number(db, "SELECT hits FROM cache_stats") > 0, "and reads in between hit");
    sqlite3_finalize(made);
    sqlite3_finalize(plain);
    sqlite3_close(others[0]);
    sqlite3_close(others[1]);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* ---- the rest of the API ---- */

static int updates;
static int commits;
static int rollbacks;

static void on_update(void *argument, int operation, const char *schema, const char *table,
                      sqlite3_int64 rowid)
{
    (void)operation, (void)schema, (void)table, (void)rowid;
    *(int *)argument += 1;
}

static int on_commit(void *argument)
{
    *(int *)argument += 1;
    return 0;
}

static void on_rollback(void *argument)
{
    *(int *)argument += 1;
}

static void test_hooks(void)
{
    static int second;
    sqlite3 *db = open_with_tables(fresh_file("hooks.db"));
    ok(querycache_update_hook(db, on_update, &updates) == NULL, "there was no update hook");
    ok(querycache_commit_hook(db, on_commit, &commits) == NULL, "nor a commit hook");
    ok(querycache_rollback_hook(db, on_rollback, &rollbacks) == NULL, "nor a rollback hook");
    run(db, "INSERT INTO u VALUES (4, 4, 'four'); BEGIN; DELETE FROM u WHERE id = 4; ROLLBACK");
    is_int(updates, 2, "the application's update hook is called");
    is_int(commits, 1, "and its commit hook");
    is_int(rollbacks, 1, "and its rollback hook");
    ok(querycache_update_hook(db, on_update, &second) == &updates, "the one before is given back");
    run(db, "CREATE VIRTUAL TABLE temp.c USING cache((SELECT count(*) FROM u));"
            "SELECT * FROM c; DELETE FROM u WHERE id = 1");
    ok(updates == 2 && second == 1, "and not called any more");
    ok(same_as(db, "SELECT * FROM c", "SELECT count(*) FROM u", "miss", "writes are still seen"),
       "and the cache still sees what is written");
    ok(querycache_update_hook(db, NULL, NULL) == &second, "a hook can be taken away");
    run(db, "DELETE FROM u WHERE id = 2");
    is_int(second, 1, "and is not called then");
    sqlite3_close(db);
    db = open_plain(fresh_file("plain.db"), 0);
    ok(querycache_commit_hook(db, on_commit, &commits) == NULL,
       "a connection without the extension");
    commits = 0;
    run(db, "CREATE TABLE t(x)");
    is_int(commits, 1, "has SQLite's own hooks");
    sqlite3_close(db);
}

static void test_process(void)
{
    sqlite3_int64 dropped = -1;
    struct querycache_stats stats = {.size = sizeof stats};
    char *error = NULL;
    is_int(querycache_version_number(), QUERYCACHE_VERSION_NUMBER, "the version's number");
    is_int(querycache_register_auto(), SQLITE_OK, "registered for all connections");
    sqlite3 *db = open_plain(fresh_file("auto.db"), 0);
    run(db, "CREATE TABLE t(x); INSERT INTO t VALUES (1), (2)");
    sqlite3_stmt *made = prepare_cached(db, "SELECT x FROM t");
    ok(is_prepared_cached(made), "a new connection has it");
    sqlite3_free(run_through(made, 10));
    sqlite3_free(run_through(made, 10));
    is_int(querycache_get_stats(&stats), SQLITE_OK, "the statistics");
    is_int(stats.hits, number(db, "SELECT hits FROM cache_stats"), "are those of cache_stats");
    ok(stats.entries == 1 && stats.bytes > 0 && stats.max_bytes > stats.bytes, "and say its size");
    is_int(querycache_invalidate_table(db, "main.t", &dropped), SQLITE_OK, "dropping a table's");
    is_int(dropped, 1, "drops what reads it");
    sqlite3_free(run_through(made, 10));
    is_int(querycache_clear(&dropped), SQLITE_OK, "dropping all");
    is_int(dropped, 1, "drops what there is");
    is_int(querycache_configure("enabled", "0", NULL), SQLITE_OK, "a setting can be set");
    sqlite3_free(run_through(made, 10));
    is_text(status(db), "bypass", "and holds");
    is_int(querycache_configure("enabled", "1", NULL), SQLITE_OK, "and set back");
    is_int(querycache_configure("enabled", "perhaps", &error), SQLITE_ERROR, "a bad value");
    contains(error, "0 or 1", "is told what would be right");
    sqlite3_free(error);
    sqlite3_finalize(made);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
    sqlite3_cancel_auto_extension((void (*)(void))sqlite3_querycache_init);
}

int main(void)
{
    test_looks();
    test_texts();
    test_streams();
    test_one_row();
    test_in_transactions();
    test_tags();
    test_schema_changes();
    test_many_texts();
    test_other_writers();
    test_hooks();
    test_process();
    return tap_done();
}
