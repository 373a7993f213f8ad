/*
** What SQLite's functions take from their surroundings: the time zone of the process, and limits of
** the connection. Neither tells anybody that it changed.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coherence/observer.h"
#include "query/surroundings.h"
#include "support.h"
#include "tap.h"

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

/* ---- the time zone ---- */

/* Each gives what depends on the zone; `at` is seconds since 1970, `how` a modifier. */
static const struct {
    const char *name;
    const char *sql;
    const char *argument; /* for its parameter, or NULL */
} dated[] = {
    {"datetime", "SELECT datetime(at, 'unixepoch', 'localtime') AS d FROM e", NULL},
    {"date", "SELECT date(at, 'unixepoch', 'localtime') AS d FROM e", NULL},
    {"time", "SELECT time(at, 'unixepoch', 'localtime') AS d FROM e", NULL},
    {"julianday", "SELECT julianday(at, 'unixepoch', 'localtime') AS d FROM e", NULL},
    {"strftime", "SELECT strftime('%s %H', at, 'unixepoch', 'localtime') AS d FROM e", NULL},
    {"utc", "SELECT datetime(at, 'unixepoch', 'utc') AS d FROM e", NULL},
    {"capitals", "SELECT datetime(at, 'unixepoch', 'LOCALTIME') AS d FROM e", NULL},
    {"a parameter", "SELECT datetime(at, 'unixepoch', ?1) AS d FROM e", "localtime"},
    {"a blob", "SELECT datetime(at, 'unixepoch', CAST(x'6c6f63616c74696d65' AS TEXT)) AS d FROM e",
     NULL},
    {"a column", "SELECT datetime(at, 'unixepoch', how) AS d FROM e", NULL},
    {"an expression", "SELECT datetime(at, 'unixepoch', 'local' || 'time') AS d FROM e", NULL},
    {"a comparison",
     "SELECT count(*) AS d FROM e WHERE date(at, 'unixepoch', 'localtime') = "
     "'2024-01-01'",
     NULL},
    {"quotes", "SELECT \"datetime\"(at, 'unixepoch', 'localtime') AS d FROM e", NULL},
    {"brackets", "SELECT [datetime](at, 'unixepoch', 'localtime') AS d FROM e", NULL},
    {"a view", "SELECT d FROM local", NULL},
    {"a common table expression",
     "WITH c(d) AS (SELECT time(at, 'unixepoch', 'localtime') FROM e) "
     "SELECT d FROM c",
     NULL},
};
#define DATED (sizeof dated / sizeof dated[0])

static sqlite3 *open_dated(const char *name)
{
    sqlite3 *db = open_cached(fresh_file(name), 0);
    run(db, "PRAGMA journal_mode = WAL; CREATE TABLE e(at INTEGER, how TEXT);"
            "INSERT INTO e VALUES (1704067200, 'localtime'), (1720000000, 'utc');");
    return db;
}

/* Where a view has a modifier for the zone, each query that calls a date function is taken to. */
static sqlite3 *open_dated_with_view(const char *name)
{
    sqlite3 *db = open_dated(name);
    run(db, "CREATE VIEW local AS SELECT datetime(at, 'unixepoch', 'localtime') AS d FROM e;");
    return db;
}

static char *with_argument(const char *sql, const char *argument)
{
    char *literal = argument != NULL ? sqlite3_mprintf("%Q", argument) : sqlite3_mprintf("NULL");
    const char *parameter = strstr(sql, "?1");
    char *text = parameter != NULL ? sqlite3_mprintf("%.*s%s%s", (int)(parameter - sql), sql,
                                                     literal, parameter + 2)
                                   : sqlite3_mprintf("%s", sql);
    sqlite3_free(literal);
    return text;
}

static void test_zone_of(sqlite3 *db, size_t i)
{
    static const char *const zones[] = {"AAA5", "BBB-9", "AAA5", "CCC0"};
    char name[100];
    char *plain = with_argument(dated[i].sql, dated[i].argument);
    run(db, "CREATE VIRTUAL TABLE temp.c%d USING cache((%s))", (int)i, dated[i].sql);
    char *cached = dated[i].argument != NULL
                       ? sqlite3_mprintf("SELECT d FROM c%d(%Q)", (int)i, dated[i].argument)
                       : sqlite3_mprintf("SELECT d FROM c%d", (int)i);
    char *asked = sqlite3_mprintf("SELECT json_extract(value, '$.d') FROM cache_rows(%Q)", plain);
    for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++) {
        set_zone(zones[z]);
        sqlite3_snprintf(sizeof name, name, "%s, in zone %s", dated[i].name, zones[z]);
        same(db, cached, plain, name);
        same_as(db, cached, plain, "hit", "and again");
        same(db, asked, plain, "the same asked by its text");
    }
    sqlite3_free(plain);
    sqlite3_free(cached);
    sqlite3_free(asked);
}

static void test_zones(void)
{
    sqlite3 *db = open_dated("zones.db");
    for (size_t i = 0; i < DATED; i++) {
        if (strstr(dated[i].sql, "FROM local") == NULL)
            test_zone_of(db, i);
    }
    sqlite3_close(db);
    db = open_dated_with_view("zones-view.db");
    for (size_t i = 0; i < DATED; i++)
        test_zone_of(db, i);
    sqlite3_close(db);
}

/* What has no modifier for the zone is one result in all of them. */
static void test_no_zone(void)
{
    static const char *const plain[] = {
        "SELECT strftime('%Y-%m', at, 'unixepoch', 'start of month') AS d FROM e",
        "SELECT count(*) AS d FROM e WHERE date(at, 'unixepoch') > '2024-01-01'",
        "SELECT date(how) AS d FROM e",
    };
    sqlite3 *db = open_dated("zoneless.db");
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        set_zone("AAA5");
        run(db, "CREATE VIRTUAL TABLE temp.z%d USING cache((%s))", (int)i, plain[i]);
        char *cached = sqlite3_mprintf("SELECT d FROM z%d", (int)i);
        same(db, cached, plain[i], "a date without a zone");
        set_zone("BBB-9");
        same_as(db, cached, plain[i], "hit", "is the same in another zone");
        sqlite3_free(cached);
    }
    sqlite3_close(db);
}

/* SQLite opens no transaction on the file of a view that comes to constants. */
static void test_view_without_transaction(void)
{
    static const char *const views[] = {
        "WITH c(n) AS (SELECT 0) SELECT datetime(n, 'unixepoch', 'localtime') AS d FROM c",
        "SELECT datetime(value, 'unixepoch', 'localtime') AS d FROM json_each('[0]')",
    };
    static const char plain[] = "SELECT d, date(at) AS a FROM aux.v, e";
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        sqlite3 *db = open_dated("constant.db");
        run(db, "ATTACH %Q AS aux; CREATE VIEW aux.v AS %s", fresh_file("constant-aux.db"),
            views[i]);
        run(db, "CREATE VIRTUAL TABLE temp.c USING cache((%s))", plain);
        for (int round = 0; round < 4; round++) {
            set_zone(round % 2 ? "BBB-9" : "AAA5");
            same(db, "SELECT d, a FROM c", plain, "a view of an attached file that is constant");
        }
        sqlite3_close(db);
    }
}

static char *text_of(sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    char *text = sqlite3_mprintf("%s", sqlite3_column_text(statement, 0));
    sqlite3_reset(statement);
    return text;
}

static void test_prepared(void)
{
    sqlite3 *db = open_dated("prepared.db");
    const char *sql = "SELECT group_concat(datetime(at, 'unixepoch', how)) FROM e";
    sqlite3_stmt *plain = prepare_plain(db, sql);
    sqlite3_stmt *cached = prepare_cached(db, sql);
    ok(is_prepared_cached(cached), "a statement is prepared through the cache");
    for (int i = 0; i < 6; i++) {
        set_zone(i / 2 % 2 ? "BBB-9" : "AAA5");
        char *expected = text_of(plain);
        char *got = text_of(cached);
        is_text(got, expected, "it follows the time zone");
        is_text(status(db), i % 2 || i == 4 ? "hit" : "miss", "by a result for each zone");
        sqlite3_free(expected);
        sqlite3_free(got);
    }
    sqlite3_finalize(plain);
    sqlite3_finalize(cached);
    sqlite3_close(db);
}

/* The application is at work between two rows of a result that is computed as it is read. */
static void test_zone_between_rows(void)
{
    sqlite3 *db = open_dated("rows.db");
    const char *sql = "SELECT datetime(at, 'unixepoch', 'localtime') FROM e";
    sqlite3_stmt *cached = prepare_cached(db, sql);
    set_zone("AAA5");
    sqlite3_step(cached);
    set_zone("BBB-9");
    sqlite3_step(cached);
    set_zone("AAA5");
    sqlite3_step(cached);
    sqlite3_finalize(cached);
    cached = prepare_cached(db, sql);
    sqlite3_stmt *plain = prepare_plain(db, sql);
    while (sqlite3_step(plain) == SQLITE_ROW) {
        sqlite3_step(cached);
        is_text((const char *)sqlite3_column_text(cached, 0),
                (const char *)sqlite3_column_text(plain, 0),
                "rows of two zones are no result, though it began and ended in one");
    }
    sqlite3_finalize(plain);
    sqlite3_finalize(cached);
    sqlite3_close(db);
}

/* What an inner cached table depends on, the outer one does as well. */
static void test_nested(void)
{
    sqlite3 *db = open_dated("nested.db");
    run(db,
        "CREATE VIRTUAL TABLE temp.inside USING cache((SELECT time(at, 'unixepoch', 'localtime') "
        "AS d FROM e)); CREATE VIRTUAL TABLE temp.outside USING cache((SELECT max(d) AS d FROM "
        "inside))");
    for (int i = 0; i < 4; i++) {
        set_zone(i % 2 ? "BBB-9" : "AAA5");
        same(db, "SELECT d FROM outside", "SELECT max(time(at, 'unixepoch', 'localtime')) FROM e",
             "a cached table over another");
    }
    sqlite3_close(db);
}

static int deny_julianday(void *context, int action, const char *a, const char *b, const char *c,
                          const char *d)
{
    (void)context, (void)a, (void)c, (void)d;
    return action == SQLITE_FUNCTION && b != NULL && strcmp(b, "julianday") == 0 ? SQLITE_DENY
                                                                                 : SQLITE_OK;
}

static void test_not_to_be_asked(void)
{
    sqlite3 *db = open_dated("denied.db");
    const char *plain = "SELECT datetime(at, 'unixepoch', how) AS d FROM e";
    sqlite3_set_authorizer(db, deny_julianday, NULL);
    run(db, "CREATE VIRTUAL TABLE temp.c USING cache((%s))", plain);
    for (int i = 0; i < 4; i++) {
        set_zone(i % 2 ? "BBB-9" : "AAA5");
        same_as(db, "SELECT d FROM c", plain, "bypass",
                "where an authorizer forbids to ask for the zone it is computed each time");
    }
    sqlite3_close(db);
}

/* ---- all zones that there are ---- */

#define MOST_ZONES 700

struct zone {
    char name[64];
    struct key answers;
    uint64_t days; /* a hash of what it does in every third day of 1970 to 2037 */
};

static uint64_t hash_days(void)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (time_t at = 1468800; at < (time_t)2147385600; at += (time_t)3 * 86400) {
        struct tm local;
        localtime_r(&at, &local);
        hash = (hash ^ (uint64_t)local.tm_gmtoff) * UINT64_C(1099511628211);
    }
    return hash;
}

static int read_zones(struct zone *zones, struct observer *observer)
{
    /* Names of zones, in the IANA database's own compact form: "Z name …" and "L target name". */
    FILE *list = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
    char line[256];
    int count = 0;
    while (list != NULL && count < MOST_ZONES && fgets(line, sizeof line, list) != NULL) {
        struct zone *zone = &zones[count];
        if (sscanf(line, "Z %63s", zone->name) != 1 && sscanf(line, "L %*s %63s", zone->name) != 1)
            continue;
        set_zone(zone->name);
        zone->answers = surroundings_ask(observer, true).zone;
        zone->days = hash_days();
        count++;
    }
    if (list != NULL)
        fclose(list);
    return count;
}

static void test_all_zones(void)
{
    static struct zone zones[MOST_ZONES];
    sqlite3 *db = open_plain(":memory:", 0);
    struct observer *observer = observer_new(db, false);
    int count = read_zones(zones, observer);
    int confused = 0;
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < i; j++) {
            if (zones[i].days != zones[j].days &&
                memcmp(&zones[i].answers, &zones[j].answers, sizeof zones[i].answers) == 0) {
                printf("# %s is taken for %s\n", zones[i].name, zones[j].name);
                confused++;
            }
        }
    }
    if (count == 0)
        tap_skip("zones that differ are told apart", "there is no /usr/share/zoneinfo/tzdata.zi");
    else
        is_int(confused, 0, "zones that differ are told apart");
    printf("# %d zones\n", count);
    observer_free(observer);
    sqlite3_close(db);
}

/* ---- limits ---- */

static void test_limit(int limit, int low, const char *plain, const char *what)
{
    sqlite3 *db = open_cached(fresh_file("limits.db"), 0);
    run(db, "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'some text that is long enough')");
    run(db, "CREATE VIRTUAL TABLE temp.c USING cache((%s))", plain);
    char *asked = sqlite3_mprintf("SELECT json_extract(value, '$.x') FROM cache_rows(%Q)", plain);
    int usual = sqlite3_limit(db, limit, -1);
    for (int i = 0; i < 4; i++) {
        char *expected = rows(db, plain);
        char *got = rows(db, "SELECT x FROM c");
        char *got_asked = rows(db, asked);
        bool fails = strncmp(expected, "error", 5) == 0;
        is_int(fails, i % 2, what);
        is_int(strncmp(got, "error", 5) == 0, fails, "a cached table fails where the query does");
        is_int(strncmp(got_asked, "error", 5) == 0, fails, "and so does a query by its text");
        sqlite3_free(expected);
        sqlite3_free(got);
        sqlite3_free(got_asked);
        sqlite3_limit(db, limit, i % 2 ? usual : low);
    }
    sqlite3_free(asked);
    sqlite3_close(db);
}

static void test_limits(void)
{
    test_limit(SQLITE_LIMIT_LENGTH, 2000,
               "SELECT length(replace(hex(zeroblob(50)), '0', b)) AS x FROM t",
               "a text over SQLITE_LIMIT_LENGTH is an error");
    test_limit(SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 10,
               "SELECT b LIKE '%some text that is%' AS x FROM t",
               "a pattern over SQLITE_LIMIT_LIKE_PATTERN_LENGTH is an error");
    test_limit(SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 10,
               "SELECT b GLOB '*some text that is*' AS x FROM t", "and so for GLOB");
}

int main(void)
{
    test_zones();
    test_no_zone();
    test_view_without_transaction();
    test_prepared();
    test_zone_between_rows();
    test_nested();
    test_not_to_be_asked();
    test_all_zones();
    test_limits();
    return tap_done();
}
