/*
** Lists: each statistic, option and setting of the one list shows wherever it says that it does;
** and the C struct of statistics may be another one than this library's.
*/
#include <stddef.h>
#include <string.h>

#include "metrics/statistics.h"
#include "query/options.h"
#include "querycache.h"
#include "session/settings.h"
#include "support.h"
#include "tap.h"

/* The columns of a table, with the types they are declared with. */
static char *columns(sqlite3 *db, const char *table)
{
    char *sql = sqlite3_mprintf(
        "SELECT group_concat(name || ' ' || type) FROM pragma_table_info(%Q)", table);
    char *found = rows(db, sql);
    sqlite3_free(sql);
    return found;
}

static bool has_column(const char *list, const char *name, const char *type)
{
    char *column = sqlite3_mprintf("%s %s", name, type);
    size_t size = strlen(column);
    bool found = false;
    for (const char *at = strstr(list, column); at != NULL && !found; at = strstr(at + 1, column))
        found = (at == list || strchr(",'| \n", at[-1]) != NULL) &&
                (at[size] == '\0' || strchr(",'| \n", at[size]) != NULL);
    sqlite3_free(column);
    return found;
}

static void test_statistics(sqlite3 *db)
{
    struct querycache_stats stats = {.size = sizeof stats};
    char *of_process = columns(db, "cache_stats");
    char *of_each = columns(db, "cache_definitions");
    is_int(querycache_get_stats(&stats), SQLITE_OK, "the C struct is filled");
    for (size_t i = 0; i < STATISTIC_COUNT; i++) {
        const struct statistic *s = &statistics[i];
        const char *type = s->kind == STATISTIC_RATIO ? "REAL" : "INTEGER";
        char *sql = sqlite3_mprintf("SELECT %s FROM cache_stats", s->name);
        ok(has_column(of_process, s->name, type), s->name);
        ok(has_column(of_each, s->name, type) == (s->shows != STATISTIC_PROCESS),
           "it is in cache_definitions where it says so");
        if (s->shows != STATISTIC_TABLES)
            is_int(statistics_field(&stats, s), number(db, sql), "and the same in the C struct");
        ok(s->help[0] != '\0' && (s->unit[0] != '\0' || s->kind == STATISTIC_RATIO),
           "it has a unit and a text");
        sqlite3_free(sql);
    }
    sqlite3_free(of_process);
    sqlite3_free(of_each);
}

/* Each from its own source: as many as there are, and no two alike. */
static void test_sources(void)
{
    const struct measured measured = {
        .counters = {.hits = 1,
                     .misses = 2,
                     .bypasses = 3,
                     .coalesced = 4,
                     .insertions = 5,
                     .rejections = 6,
                     .evictions = 7,
                     .expirations = 8,
                     .invalidations = 9,
                     .load_ns = 10999,
                     .saved_ns = 11999},
        .usage = {.entries = 12, .bytes = 13},
        .limits = {.max_entries = 14, .max_bytes = 15},
    };
    struct querycache_stats s = {.size = sizeof s};
    double ratio = 0;
    statistics_fill(&s, &measured);
    ok(s.hits == 1 && s.misses == 2 && s.bypasses == 3 && s.coalesced == 4, "reads");
    ok(s.insertions == 5 && s.rejections == 6 && s.evictions == 7, "what was kept, and was not");
    ok(s.expirations == 8 && s.invalidations == 9, "what left");
    ok(s.load_us == 10 && s.saved_us == 11, "times are whole microseconds");
    ok(s.entries == 12 && s.bytes == 13, "what is there");
    ok(s.max_entries == 14 && s.max_bytes == 15, "limits");
    ok(statistics_hit_rate(&measured, &ratio) && ratio == 1.0 / 3.0, "the share of hits");
    statistics_add(&s, &s);
    ok(s.hits == 2 && s.bypasses == 6 && s.saved_us == 22 && s.max_bytes == 30, "sums");
    is_int((long long)s.size, sizeof s, "the size stays");
}

static void test_options(sqlite3 *db)
{
    char *shown = columns(db, "cache_definitions");
    char *error = NULL;
    struct options options = {0};
    unsigned given = 0;
    is_int(options_read(&options, &given, "none = 1", &error), SQLITE_ERROR, "no such option");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        ok(has_column(shown, option_names[i], "TEXT"), option_names[i]);
        ok(error != NULL && strstr(error, option_names[i]) != NULL, "the error text lists it");
    }
    sqlite3_free(error);
    sqlite3_free(shown);
}

static void test_settings(sqlite3 *db)
{
    char *names = settings_names();
    is_int(number(db, "SELECT count(*) FROM cache_config"), SETTING_COUNT, "cache_config has all");
    for (int i = 0; i < SETTING_COUNT; i++) {
        const char *name = setting_infos[i].name;
        char *sql = sqlite3_mprintf("SELECT cache_configure(%Q, (SELECT value FROM cache_config "
                                    "WHERE name = %Q)) IS NOT NULL",
                                    name, name);
        char *set = rows(db, sql);
        /* shards cannot be changed once there is a store. */
        ok(strstr(set, "error") == NULL || strcmp(name, "shards") == 0, name);
        ok(names != NULL && strstr(names, name) != NULL,
           "the error text for an unknown one lists it");
        sqlite3_free(set);
        sqlite3_free(sql);
    }
    sqlite3_free(names);
}

/* A program that was compiled with an older header, and one with a newer. */
static void test_sizes(void)
{
    struct {
        struct querycache_stats known;
        sqlite3_int64 later[4];
    } larger;
    struct querycache_stats all = {.size = sizeof all};
    struct querycache_stats smaller;
    memset(&larger, 0x55, sizeof larger);
    memset(&smaller, 0x55, sizeof smaller);
    larger.known.size = sizeof larger;
    smaller.size = offsetof(struct querycache_stats, bypasses);
    is_int(querycache_get_stats(&all), SQLITE_OK, "this struct is filled");
    is_int(querycache_get_stats(&larger.known), SQLITE_OK, "a larger one is filled");
    ok(memcmp(&larger.known.hits, &all.hits,
              sizeof all - offsetof(struct querycache_stats, hits)) == 0,
       "as far as it is known");
    is_int((long long)larger.known.size, sizeof larger, "its size stays");
    ok(larger.later[0] == 0 && larger.later[3] == 0, "and the rest is 0");
    is_int(querycache_get_stats(&smaller), SQLITE_OK, "a smaller one is filled");
    is_int(smaller.misses, all.misses, "as far as it goes");
    is_int(smaller.bypasses, 0x5555555555555555, "and nothing behind it is touched");
    smaller.size = 0;
    is_int(querycache_get_stats(&smaller), SQLITE_MISUSE, "one without a size is a misuse");
    is_int(querycache_get_stats(NULL), SQLITE_MISUSE, "and none at all");
}

int main(void)
{
    sqlite3 *db = open_cached(":memory:", 0);
    run(db, "CREATE TABLE t(x); INSERT INTO t VALUES (1)");
    run(db, "CREATE VIRTUAL TABLE temp.c USING cache((SELECT x FROM t))");
    sqlite3_free(rows(db, "SELECT * FROM c"));
    sqlite3_free(rows(db, "SELECT * FROM c"));
    test_statistics(db);
    test_sources();
    test_options(db);
    test_settings(db);
    test_sizes();
    sqlite3_close(db);
    return tap_done();
}
