/*
** No error of what the extension tries out stays behind: neither a code, nor a text, nor an entry
** in the application's log. sqlite3_open() itself fails where an extension that it loads leaves a
** code.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "querycache.h"
#include "support.h"
#include "tap.h"

static int logged;
static char last_logged[300];

static void on_log(void *argument, int code, const char *text)
{
    (void)argument;
    logged++;
    snprintf(last_logged, sizeof last_logged, "(%d) %s", code, text);
}

/* ---- situations in which SQLite says no ---- */

struct situation {
    const char *name;
    const char *path;  /* of the database; NULL: memory that connections share */
    const char *setup; /* by another connection, which stays open */
    bool denied;       /* an authorizer denies everything but what is needed to read t */
};

static const struct situation situations[] = {
    {"as usual", "usual.db", "", false},
    {"in WAL mode", "wal.db", "PRAGMA journal_mode = WAL;", false},
    {"an uncommitted schema change in a shared cache", NULL, "BEGIN; CREATE TABLE more(x)", false},
    {"a database locked by another connection", "locked.db", "BEGIN EXCLUSIVE", false},
    {"an authorizer that denies PRAGMAs and functions", "denied.db", "", true},
};
#define SITUATIONS (sizeof situations / sizeof situations[0])

static int deny(void *context, int action, const char *a, const char *b, const char *c,
                const char *d)
{
    (void)context, (void)a, (void)b, (void)c, (void)d;
    return action == SQLITE_PRAGMA || action == SQLITE_FUNCTION ? SQLITE_DENY : SQLITE_OK;
}

static const char *path_of(const struct situation *situation)
{
    return situation->path == NULL ? "file:left?mode=memory&cache=shared"
                                   : scratch_file(situation->path);
}

static int open_flags(const struct situation *situation)
{
    return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
           (situation->path == NULL ? SQLITE_OPEN_URI : 0);
}

static sqlite3 *prepare_situation(const struct situation *situation)
{
    sqlite3 *other = NULL;
    if (situation->path != NULL)
        fresh_file(situation->path);
    sqlite3_open_v2(path_of(situation), &other, open_flags(situation), NULL);
    run(other,
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'x'), (2, 'y');"
        "CREATE VIEW v AS SELECT a FROM t; %s",
        situation->setup);
    return other;
}

/* ---- what is left behind ---- */

struct left {
    int rc;
    int code;
    int extended;
    char text[200];
    int logged;
};

static struct left look(sqlite3 *db, int rc)
{
    struct left left = {.rc = rc,
                        .code = sqlite3_errcode(db),
                        .extended = sqlite3_extended_errcode(db),
                        .logged = logged};
    snprintf(left.text, sizeof left.text, "%s", sqlite3_errmsg(db));
    logged = 0;
    return left;
}

/* SQLite logs what an authorizer denied to us, and since 3.48 not if it is asked not to. */
static bool denials_are_logged;

static void is_left(const struct left *got, const struct left *expected, const char *where,
                    const char *what)
{
    char name[300];
    snprintf(name, sizeof name, "%s: %s", where, what);
    bool same = got->rc == expected->rc && got->code == expected->code &&
                got->extended == expected->extended && strcmp(got->text, expected->text) == 0 &&
                (got->logged == expected->logged || denials_are_logged);
    if (!tap_report(same, __FILE__, __LINE__, name))
        printf("#        got: returned %d, left %d (%d) '%s', logged %d\n"
               "#   expected: returned %d, left %d (%d) '%s', logged %d; the last in the log: %s\n",
               got->rc, got->code, got->extended, got->text, got->logged, expected->rc,
               expected->code, expected->extended, expected->text, expected->logged, last_logged);
}

static void is_clean(sqlite3 *db, int rc, const char *where, const char *what)
{
    struct left got = look(db, rc);
    struct left expected = {.rc = SQLITE_OK, .text = "not an error"};
    is_left(&got, &expected, where, what);
}

/* ---- statements, plain and through the cache ---- */

/* SQLite logs an error of a query that runs inside another for each of the two, and nothing keeps
** it from that. Such a query is the application's own, and so is its error. */
static void once_is_enough(struct left *got, const struct left *expected)
{
    if (expected->logged == 1 && got->logged == 2)
        got->logged = 1;
}

static const char *const statements[] = {
    "SELECT a, b FROM t ORDER BY a",
    "SELECT count(*) FROM v",
    "SELECT random() > 0 OR a FROM t",
    "SELECT date(a) FROM t",
    "SELECT nothing FROM t",
    "SELECT name FROM sqlite_master",
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 3) SELECT i FROM n, t",
    "SELECT abs(-9223372036854775807 - a) FROM t",
};
#define STATEMENTS (sizeof statements / sizeof statements[0])

/* Prepare, step three times, reset and finalize: what each leaves. */
#define STAGES 6

static void go_through(sqlite3 *db, const char *sql, bool cached, struct left left[STAGES])
{
    sqlite3_stmt *statement = NULL;
    int rc = cached ? querycache_prepare_v2(db, sql, -1, &statement, NULL, NULL)
                    : sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    left[0] = look(db, rc);
    for (int i = 1; i <= 3; i++)
        left[i] = statement != NULL ? look(db, sqlite3_step(statement)) : left[0];
    left[4] = look(db, sqlite3_reset(statement));
    left[5] = look(db, sqlite3_finalize(statement));
}

static void compare_statements(sqlite3 *plain, sqlite3 *db, const char *where)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        struct left expected[STAGES], got[STAGES];
        go_through(plain, statements[i], false, expected);
        for (int round = 0; round < 3; round++) {
            go_through(db, statements[i], true, got);
            for (int stage = 0; stage < STAGES; stage++) {
                once_is_enough(&got[stage], &expected[stage]);
                is_left(&got[stage], &expected[stage], where, statements[i]);
            }
        }
    }
}

/* ---- entry points of ours ---- */

/* Each may fail, and then says so; where it does not, nothing is left. */
static const char *const calls[] = {
    "CREATE VIRTUAL TABLE temp.c USING cache((SELECT a FROM t WHERE b = :b))",
    "CREATE VIRTUAL TABLE temp.d USING cache((SELECT count(*) AS n FROM v))",
    "SELECT * FROM c('x')",
    "SELECT * FROM c('x')",
    "SELECT * FROM d",
    "SELECT cache_query('SELECT count(*) AS n FROM t')",
    "SELECT * FROM cache_rows('SELECT a FROM t')",
    "SELECT * FROM cache_explain('SELECT a FROM t')",
    "SELECT * FROM cache_explain('SELECT random() FROM t')",
    "SELECT * FROM cache_explain('SELECT a FROM nobody')",
    "SELECT * FROM cache_stats",
    "SELECT * FROM cache_entries",
    "SELECT * FROM cache_definitions",
    "SELECT * FROM cache_tables",
    "SELECT * FROM cache_refusals",
    "SELECT cache_normalize('SELECT 1'), cache_key('SELECT a FROM t')",
    "SELECT cache_last_status(), querycache_version()",
    "SELECT cache_invalidate('c'), cache_invalidate_table('t'), cache_clear()",
    "SELECT cache_view('v')",
    "SELECT cache_unview('v')",
};

static void check_calls(sqlite3 *db, const char *where)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        sqlite3_stmt *statement = NULL;
        int rc = sqlite3_prepare_v2(db, calls[i], -1, &statement, NULL);
        while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
            /* The application asked about a SELECT that is wrong: it hears of that. */
            logged = strstr(calls[i], "nobody") != NULL ? 0 : logged;
            struct left got = look(db, SQLITE_ROW);
            struct left expected = {.rc = SQLITE_ROW,
                                    .code = SQLITE_ROW,
                                    .extended = SQLITE_ROW,
                                    .text = "another row available"};
            is_left(&got, &expected, where, calls[i]);
            rc = SQLITE_OK;
        }
        struct left done = look(db, rc);
        if (rc == SQLITE_DONE) {
            struct left expected = {.rc = SQLITE_DONE,
                                    .code = SQLITE_DONE,
                                    .extended = SQLITE_DONE,
                                    .text = "no more rows available"};
            is_left(&done, &expected, where, calls[i]);
        }
        sqlite3_finalize(statement);
        logged = 0;
    }
    sqlite3_int64 dropped;
    if (querycache_invalidate_table(db, "t", &dropped) == SQLITE_OK)
        is_clean(db, SQLITE_OK, where, "querycache_invalidate_table()");
    sqlite3_exec(db, "", NULL, NULL,
                 NULL); /* where it failed it left its error, as it returned it */
    logged = 0;
    void *hook = querycache_commit_hook(db, NULL, NULL);
    ok(hook == NULL, "a hook is set");
    is_clean(db, SQLITE_OK, where, "querycache_commit_hook()");
}

static void check(const struct situation *situation)
{
    denials_are_logged = situation->denied && sqlite3_libversion_number() < 3048000;
    sqlite3 *other = prepare_situation(situation);
    sqlite3 *plain = NULL;
    sqlite3 *db = NULL;
    sqlite3_open_v2(path_of(situation), &plain, open_flags(situation), NULL);
    sqlite3_set_authorizer(plain, situation->denied ? deny : NULL, NULL);
    logged = 0;
    querycache_register_auto();
    int rc = sqlite3_open_v2(path_of(situation), &db, open_flags(situation), NULL);
    is_clean(db, rc, situation->name, "sqlite3_open_v2() with the extension registered");
    sqlite3_cancel_auto_extension((void (*)(void))sqlite3_querycache_init);
    sqlite3_set_authorizer(db, situation->denied ? deny : NULL, NULL);
    is_clean(db, querycache_init(db), situation->name, "querycache_init() once more");
    compare_statements(plain, db, situation->name);
    check_calls(db, situation->name);
    is_int(sqlite3_close(plain), SQLITE_OK, "the plain connection closes");
    is_int(sqlite3_close(db), SQLITE_OK, "and so does the other");
    logged = 0;

    sqlite3_open_v2(path_of(situation), &db, open_flags(situation), NULL);
    sqlite3_set_authorizer(db, situation->denied ? deny : NULL, NULL);
    is_clean(db, querycache_init(db), situation->name, "querycache_init() on a connection");
    sqlite3_close(db);
    sqlite3_close(other);
}

int main(void)
{
    sqlite3_config(SQLITE_CONFIG_LOG, on_log, NULL);
    for (size_t i = 0; i < SITUATIONS; i++)
        check(&situations[i]);
    return tap_done();
}
