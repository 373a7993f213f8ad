/*
** Statements prepared through the cache where SQLite's own rules are easily overlooked: names that
** a schema change moves, many parameters, pointers, transactions over attached databases, fork().
*/
#include <querycache.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "tap.h"

#define LENGTH(list) (sizeof(list) / sizeof(list)[0])

/* All rows, each value with its column's name, and how it ended. */
static char *run_through(sqlite3_stmt *statement)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3 *db = sqlite3_db_handle(statement);
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *value = (const char *)sqlite3_column_text(statement, i);
            sqlite3_str_appendf(text, "%s=%s ", sqlite3_column_name(statement, i),
                                value != NULL ? value : "NULL");
        }
        sqlite3_str_appendchar(text, 1, '\n');
    }
    sqlite3_str_appendf(text, "%d %d", rc, sqlite3_extended_errcode(db));
    if (rc != SQLITE_DONE)
        sqlite3_str_appendf(text, " %s", sqlite3_errmsg(db));
    sqlite3_reset(statement);
    return sqlite3_str_finish(text);
}

static void same_rows(sqlite3_stmt *made, sqlite3_stmt *plain, const char *name)
{
    char *got = run_through(made);
    char *expected = run_through(plain);
    is_text(got, expected, name);
    sqlite3_free(got);
    sqlite3_free(expected);
}

/* ---- names ---- */

/* A column's name in double quotes that no column has any more SQLite takes for a text. */
static void test_names(void)
{
    static const char *const texts[] = {
        "SELECT * FROM a, b",
        "SELECT a.*, b.id FROM a, b",
        "SELECT DISTINCT * FROM a, b",
        "SELECT a.id, b.id FROM a, b",
        "SELECT a.id, b.id, 2 * a.id FROM a, b",
    };
    static const char *const changes[] = {
        "SELECT 1",
        "ALTER TABLE a RENAME COLUMN x TO z",
        "ALTER TABLE b ADD COLUMN w DEFAULT 7",
        "DROP TABLE b; CREATE TABLE b(q REAL, id INT); INSERT INTO b VALUES (1.5, 9)",
    };
    for (size_t t = 0; t < LENGTH(texts); t++) {
        sqlite3 *db = open_cached(fresh_file("names.db"), 0);
        run(db, "CREATE TABLE a(id INT, x TEXT); INSERT INTO a VALUES (1, 'ax');"
                "CREATE TABLE b(id INT, y TEXT); INSERT INTO b VALUES (2, 'by');");
        sqlite3_stmt *made = prepare_cached(db, texts[t]);
        sqlite3_stmt *plain = prepare_plain(db, texts[t]);
        is_int(is_prepared_cached(made),
               strchr(texts[t], '.') == NULL || strstr(texts[t], "*,") ? 0 : 1,
               "columns of the same name that a * gives are left to SQLite");
        for (size_t i = 0; i < LENGTH(changes); i++) {
            run(db, changes[i]);
            same_rows(made, plain, changes[i]);
            same_rows(made, plain, texts[t]);
        }
        sqlite3_finalize(made);
        sqlite3_finalize(plain);
        is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
    }
}

/* The PRAGMA expires statements, and changes what a SELECT's columns are called. */
static void test_names_by_pragma(void)
{
    static const char sql[] = "SELECT f1 AS \"a.a\", * FROM f";
    sqlite3 *db = open_cached(fresh_file("pragma.db"), 0);
    run(db, "CREATE TABLE f(f1, f2, f3); INSERT INTO f VALUES ('foo', 'bar', 1)");
    for (int i = 0; i < 3; i++) {
        run(db, i == 1 ? "PRAGMA full_column_names = 1; PRAGMA short_column_names = 0"
                       : "PRAGMA full_column_names = 0; PRAGMA short_column_names = 1");
        sqlite3_stmt *made = prepare_cached(db, sql);
        sqlite3_stmt *plain = prepare_plain(db, sql);
        same_rows(made, plain, i == 1 ? "full_column_names" : "short_column_names");
        same_rows(made, plain, "and once more");
        sqlite3_finalize(made);
        sqlite3_finalize(plain);
    }
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* ---- parameters ---- */

/* SQLite checks the values of a table's arguments again from the seventeenth on. */
static void test_many_parameters(void)
{
    sqlite3 *db = open_cached(fresh_file("many.db"), 0);
    run(db, "CREATE TABLE t(id INT); INSERT INTO t VALUES (1), (2)");
    for (int count = 15; count <= 60; count += count < 18 ? 1 : 21) {
        sqlite3_str *text = sqlite3_str_new(NULL);
        sqlite3_str_appendall(text, "SELECT id");
        for (int i = 0; i < count; i++)
            sqlite3_str_appendf(text, ", ?");
        sqlite3_str_appendall(text, " FROM t");
        char *sql = sqlite3_str_finish(text);
        sqlite3_stmt *made = prepare_cached(db, sql);
        sqlite3_stmt *plain = prepare_plain(db, sql);
        ok(is_prepared_cached(made), "a SELECT with many parameters");
        for (int turn = 0; turn < 4; turn++) {
            for (int i = 1; i <= count; i++) {
                int rc = SQLITE_OK;
                for (int s = 0; s < 2; s++) {
                    sqlite3_stmt *statement = s ? made : plain;
                    switch ((i + turn) % 4) {
                    case 0:
                        rc = sqlite3_bind_null(statement, i);
                        break;
                    case 1:
                        rc = sqlite3_bind_double(statement, i, i);
                        break;
                    case 2:
                        rc = sqlite3_bind_text(statement, i, "7", -1, SQLITE_STATIC);
                        break;
                    default:
                        rc = sqlite3_bind_blob(statement, i, "7", 1, SQLITE_STATIC);
                    }
                }
                if (rc != SQLITE_OK)
                    ok(false, "a value can be bound");
            }
            same_rows(made, plain, "gives its rows, NULL or not");
        }
        sqlite3_finalize(made);
        sqlite3_finalize(plain);
        sqlite3_free(sql);
    }
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

static void read_pointer(sqlite3_context *context, int count, sqlite3_value **values)
{
    const int *number = sqlite3_value_pointer(values[0], "number");
    (void)count;
    sqlite3_result_int(context, number != NULL ? *number : -1);
}

static void test_pointers(void)
{
    sqlite3 *db = open_cached(fresh_file("pointers.db"), 0);
    int number = 42;
    run(db, "CREATE TABLE t(id INT); INSERT INTO t VALUES (1)");
    sqlite3_create_function(db, "read_pointer", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                            read_pointer, NULL, NULL);
    sqlite3_stmt *made = prepare_cached(db, "SELECT id, read_pointer(?) FROM t");
    sqlite3_stmt *plain = prepare_plain(db, "SELECT id, read_pointer(?) FROM t");
    sqlite3_bind_pointer(made, 1, &number, "number", NULL);
    sqlite3_bind_pointer(plain, 1, &number, "number", NULL);
    same_rows(made, plain, "a pointer that is bound reaches a function");
    number = 43;
    same_rows(made, plain, "and what it points to now is read");
    sqlite3_finalize(made);
    sqlite3_finalize(plain);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* ---- errors ---- */

static void fail_with(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_error(context, "in its own words", -1);
    sqlite3_result_error_code(context, sqlite3_value_int(values[0]));
}

static void test_error_codes(void)
{
    static const int codes[] = {SQLITE_CONSTRAINT_CHECK, SQLITE_IOERR_READ, SQLITE_BUSY_SNAPSHOT,
                                SQLITE_ABORT_ROLLBACK,   SQLITE_FULL,       SQLITE_CORRUPT_VTAB};
    sqlite3 *db = open_cached(fresh_file("codes.db"), 0);
    run(db, "CREATE TABLE t(id INT); INSERT INTO t VALUES (1)");
    sqlite3_create_function(db, "fail_with", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, fail_with,
                            NULL, NULL);
    for (size_t i = 0; i < LENGTH(codes); i++) {
        char *sql = sqlite3_mprintf("SELECT fail_with(%d) FROM t", codes[i]);
        sqlite3_stmt *made = prepare_cached(db, sql);
        sqlite3_stmt *plain = prepare_plain(db, sql);
        for (int extended = 0; extended < 2; extended++) {
            sqlite3_extended_result_codes(db, extended);
            same_rows(made, plain, "an error has SQLite's extended code");
        }
        sqlite3_finalize(made);
        sqlite3_finalize(plain);
        sqlite3_free(sql);
    }
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* ---- transactions ---- */

/* What an attached database holds is fixed by the first read of it, which is the application's. */
static void test_attached_in_transaction(void)
{
    static const char sql[] = "SELECT count(*) FROM a, other.b";
    sqlite3 *db = open_cached(fresh_file("main.db"), 0);
    char *attach = sqlite3_mprintf("ATTACH %Q AS other", fresh_file("other.db"));
    run(db, "PRAGMA journal_mode = WAL; CREATE TABLE a(x); INSERT INTO a VALUES (1)");
    run(db, attach);
    run(db, "PRAGMA other.journal_mode = WAL; CREATE TABLE other.b(x)");
    sqlite3 *writer = open_plain(scratch_file("other.db"), 0);
    run(db, "BEGIN; SELECT * FROM a");
    sqlite3_stmt *made = prepare_cached(db, sql);
    is_int(sqlite3_txn_state(db, "other"), SQLITE_TXN_NONE,
           "preparing begins no read of an attached database inside BEGIN");
    run(writer, "INSERT INTO b VALUES (1)");
    sqlite3_step(made);
    is_int(sqlite3_column_int(made, 0), 1, "so that the first read there sees what is there then");
    sqlite3_finalize(made);
    run(db, "COMMIT");
    sqlite3_free(attach);
    sqlite3_close(writer);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
}

/* Daemons open a database, prepare, and become a child of themselves. */
static void test_fork(void)
{
    sqlite3 *db = open_cached(fresh_file("fork.db"), 0);
    run(db, "CREATE TABLE t(id INT); INSERT INTO t VALUES (1), (2)");
    sqlite3_stmt *made = prepare_cached(db, "SELECT id FROM t WHERE id < ? ORDER BY id");
    sqlite3_bind_int(made, 1, 9);
    sqlite3_free(run_through(made));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char *first = run_through(made);
        sqlite3_exec(db, "INSERT INTO t VALUES (3)", NULL, NULL, NULL);
        char *then = run_through(made);
        bool right = strcmp(first, "id=1 \nid=2 \n101 101") == 0 &&
                     strcmp(then, "id=1 \nid=2 \nid=3 \n101 101") == 0;
        sqlite3_finalize(made);
        _exit(right && sqlite3_close(db) == SQLITE_OK ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    is_int(status, 0, "a statement from before fork() gives its rows in the child, and closes");
    sqlite3_finalize(made);
    is_int(sqlite3_close(db), SQLITE_OK, "and in the parent");
}

/* ---- the log ---- */

static int logged;

static void count_log(void *context, int code, const char *text)
{
    (void)context, (void)code, (void)text;
    logged++;
}

static void test_log(void)
{
    sqlite3 *db = open_cached(fresh_file("log.db"), 0);
    sqlite3_close(db);
    is_int(logged, 0, "to open a connection writes nothing into the application's log");
}

int main(void)
{
    sqlite3_config(SQLITE_CONFIG_LOG, count_log, NULL);
    test_log();
    test_names();
    test_names_by_pragma();
    test_many_parameters();
    test_pointers();
    test_error_codes();
    test_attached_in_transaction();
    test_fork();
    return tap_done();
}
