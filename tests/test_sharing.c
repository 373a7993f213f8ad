/*
** What the connections of one process share, and what stays with one of them. A result is shared
** where the query means the same on both: same text, same file under the same name, same program,
** same parameters. Every check compares with the query itself, so sharing too much fails, too.
*/
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hazards/scenario.h"
#include "querycache.h"
#include "tap.h"

/* ---- shared ---- */

static const struct scenario shared[] = {
    {.name = "a result is shared with connections opened before and after",
     .lines = {"B opens", "A reads t miss", "A reads t hit", "B reads t hit", "C opens",
               "C reads t hit", "B reads other miss", "A reads other hit", "C reads other hit",
               "C reads w miss", "A reads w hit", "B reads w hit"}},
    {.name = "a result outlives the connection that computed it while another is open",
     .lines = {"B reads other miss", "A reads t miss", "A closes", "B reads t hit", "C reads t hit",
               "B closes", "C reads t hit", "C reads other hit", "A opens", "A reads t hit"}},
    {.name = "a connection that never read keeps a file's results as well",
     .lines = {"B opens", "A reads t miss", "A closes", "B reads t"}},
    {.name = "a join is shared, and its own SELECT alone",
     .x = "SELECT t.a, other.b FROM t JOIN other ORDER BY t.a",
     .lines = {"A reads x miss", "B reads x hit", "B reads t miss", "C reads x hit"}},
    {.name = "a query over a cached table is shared, and so is what it reads",
     .x = "SELECT max(c) AS m, count(*) AS n FROM ct",
     .lines = {"C opens", "A reads x miss", "B reads x hit", "A: UPDATE t SET c = c + 1",
               "B reads x miss", "A reads x hit", "C reads x hit"}},
    {.name = "a view is shared",
     .setup = "CREATE VIEW v AS SELECT a, b FROM t WHERE c > 10",
     .x = "SELECT * FROM v",
     .lines = {"A reads x miss", "B reads x hit", "C reads x hit"}},
    {.name = "a result of two files is shared",
     .attached = true,
     .x = "SELECT t.a, n.y FROM main.t JOIN aux.n ON n.x = t.a ORDER BY t.a",
     .lines = {"C opens", "A reads x miss", "B reads x hit", "A: UPDATE aux.n SET y = y + 1",
               "B reads x miss", "A reads x hit", "B: UPDATE t SET c = c + 1", "A reads x miss",
               "C reads x hit"}},
    {.name = "read-only connections share",
     .lines = {"A reads t miss", "C: PRAGMA query_only = ON", "C reads t", "B reads t hit"}},
    {.name = "a UTF-16 file is shared",
     .encoding = "UTF-16le",
     .setup = "INSERT INTO t VALUES (9, 'žluťoučký 🐎', 9)",
     .lines = {"A reads t miss", "B reads t hit", "B: UPDATE t SET b = b || 'ů'", "A reads t miss",
               "B reads t hit"}},
    {.name = "full-text tables are shared",
     .setup = "CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES ('one two'), ('two')",
     .x = "SELECT rowid, body FROM f WHERE f MATCH 'two' ORDER BY rowid",
     .lines = {"A reads x miss", "B reads x hit", "A: INSERT INTO f VALUES ('two two')",
               "B reads x miss", "A reads x hit"}},
};

static void test_cleared_for_all(void)
{
    static const struct scenario cleared[] = {
        {.name = "cache_clear() drops for all",
         .lines = {"A reads t miss", "B reads t hit", "A: SELECT cache_clear()", "B reads t miss",
                   "A reads t hit"}},
        {.name = "cache_invalidate() drops for all",
         .lines = {"A reads t miss", "A reads other miss", "B: SELECT cache_invalidate('ct')",
                   "A reads t miss", "A reads other hit", "B reads t hit"}},
        {.name = "cache_invalidate_table() drops for all",
         .lines = {"A reads t miss", "A reads other miss",
                   "B: SELECT cache_invalidate_table('main.t')", "A reads t miss",
                   "A reads other hit", "B reads t hit"}},
        {.name = "DELETE FROM cache_entries drops for all",
         .lines = {"A reads t miss", "B: DELETE FROM cache_entries", "A reads t miss",
                   "B reads t hit"}},
        {.name = "enabled = 0 is for all",
         .lines = {"A reads t miss", "B: SELECT cache_configure('enabled', 0)", "A reads t bypass",
                   "B reads t bypass", "A: SELECT cache_configure('enabled', 1)", "A reads t hit",
                   "B reads t hit"}},
    };
    PLAY(cleared);
}

/* Other ways to ask than a cached table of one name. */
static void test_other_ways(const char *mode)
{
    sqlite3 *maker = open_plain(fresh_file("ways.db"), 0);
    run(maker, "PRAGMA journal_mode = %s; " SCHEMA, mode);
    sqlite3_close(maker);
    sqlite3 *a = join(scratch_file("ways.db"));
    sqlite3 *b = join(scratch_file("ways.db"));
    const char *plain = "SELECT json_group_array(json_object('a', a)) FROM (SELECT a FROM t)";
    const char *cached = "SELECT cache_query('SELECT a FROM t')";
    same_as(a, cached, plain, "miss", name(mode, "cache_query() is asked on one connection"));
    same_as(b, cached, plain, "hit", name(mode, "and is a hit on the other"));
    same_as(b, "SELECT cache_query('select  a from T ;')", plain, "hit",
            name(mode, "written another way, too"));
    same_as(b, "SELECT value FROM cache_rows('SELECT a FROM t')",
            "SELECT json_object('a', a) FROM t", "hit", name(mode, "and for cache_rows"));
    cached = "SELECT cache_query('SELECT b FROM t WHERE a = ?', 2)";
    plain = "SELECT json_array(json_object('b', b)) FROM t WHERE a = 2";
    same_as(b, cached, plain, "miss", name(mode, "with a parameter"));
    same_as(a, cached, plain, "hit", name(mode, "the same"));
    run(a, "CREATE VIRTUAL TABLE main.stored USING cache((SELECT a FROM t WHERE a < :n))");
    plain = "SELECT a FROM t WHERE a < 3";
    same_as(a, "SELECT * FROM stored(3)", plain, "miss", name(mode, "a stored definition"));
    same_as(b, "SELECT * FROM stored(3)", plain, "hit", name(mode, "is shared as well"));
    same_as(b, "SELECT * FROM stored WHERE n = 2", "SELECT a FROM t WHERE a < 2", "miss",
            name(mode, "for each value of its parameter"));
    sqlite3_close(a);
    sqlite3_close(b);
}

/* One file by several names is one file. */
static void test_names_of_a_file(void)
{
    sqlite3 *a = open_file("named.db");
    run(a, "UPDATE t SET c = c + 1");
    same_as(a, "SELECT * FROM ct", T, "miss", "a file by its path");
    char *link = sqlite3_mprintf("%s/link.db", scratch_folder());
    char *uri = sqlite3_mprintf("file:%s?mode=rw", scratch_file("named.db"));
    is_int(symlink(scratch_file("named.db"), link), 0, "a symbolic link to it");
    sqlite3 *b = join(link);
    same_as(b, "SELECT * FROM ct", T, "hit", "shares its results");
    sqlite3 *c = join(uri);
    same_as(c, "SELECT * FROM ct", T, "hit", "so does a URI");
    sqlite3 *d = open_cached(scratch_file("named.db"), SQLITE_OPEN_READONLY);
    run(d, CACHES);
    same_as(d, "SELECT * FROM ct", T, "hit", "and a read-only connection");
    run(c, "UPDATE t SET c = c + 1");
    same_as(d, "SELECT * FROM ct", T, "miss", "what one writes ends it for another");
    same_as(b, "SELECT * FROM ct", T, "hit", "which shares what it read instead");
    sqlite3_close(a);
    sqlite3_close(b);
    sqlite3_close(c);
    sqlite3_close(d);
    sqlite3_free(link);
    sqlite3_free(uri);
}

static void test_counters(void)
{
    sqlite3 *a = open_file("counters.db");
    sqlite3 *b = join(scratch_file("counters.db"));
    run(a, "UPDATE t SET c = c + 1");
    run(b, "SELECT cache_clear(); SELECT cache_reset_stats()");
    same_as(a, "SELECT * FROM ct", T, "miss", "one computes");
    same_as(b, "SELECT * FROM ct", T, "hit", "another is served");
    same_as(b, "SELECT * FROM ct", T, "hit", "again");
    const char *counters = "SELECT hits, misses, insertions, entries FROM cache_stats";
    for (int i = 0; i < 2; i++) {
        char *got = rows(i == 0 ? a : b, counters);
        is_text(got, "2|1|1|1\n", "cache_stats counts what both did, on either");
        sqlite3_free(got);
    }
    char *got = rows(a, "SELECT hits, misses, entries FROM cache_definitions WHERE name = 'ct'");
    is_text(got, "2|1|1\n", "a named cache has one set of counters");
    sqlite3_free(got);
    got = rows(b, "SELECT cache, rows, hits, state FROM cache_entries");
    is_text(got, "'ct'|3|2|'fresh'\n", "cache_entries shows the one entry on the other connection");
    sqlite3_free(got);
    static const char commits[] = "SELECT sum(commits) FROM cache_tables WHERE name = 't'";
    int64_t before = number(b, commits);
    run(a, "UPDATE t SET c = c + 1");
    got = rows(b, "SELECT state FROM cache_entries");
    ok(strcmp(got, "'stale'\n") == 0 || *got == '\0', "and as stale when it has ended");
    sqlite3_free(got);
    is_int(number(b, commits) - before, 1, "cache_tables counts the commit that changed it");
    sqlite3_close(a);
    sqlite3_close(b);
}

/* What is being read stays whole, whoever takes it away. */
static void test_read_on(void)
{
    sqlite3 *a = open_file("on.db");
    sqlite3 *b = join(scratch_file("on.db"));
    run(a, "UPDATE t SET c = c + 1");
    for (int i = 0; i < 3; i++) {
        sqlite3_stmt *statement = NULL;
        int count = 0;
        sqlite3_free(rows(a, "SELECT * FROM ct"));
        sqlite3_prepare_v2(b, "SELECT a, b, c FROM ct", -1, &statement, NULL);
        sqlite3_step(statement);
        if (i == 0)
            run(a, "SELECT cache_clear()");
        else if (i == 1)
            run(a, "UPDATE t SET c = c + 1");
        else
            sqlite3_close(a);
        do
            count += sqlite3_column_int(statement, 0);
        while (sqlite3_step(statement) == SQLITE_ROW);
        sqlite3_finalize(statement);
        is_int(count, 1 + 2 + 3, "a result that is being read stays, though another drops it");
        same(b, "SELECT * FROM ct", T, "and the next read is as right");
    }
    sqlite3_close(b);
}

static void test_last_close(const char *mode)
{
    sqlite3 *maker = open_plain(fresh_file("last.db"), 0);
    run(maker, "PRAGMA journal_mode = %s; " SCHEMA, mode);
    sqlite3_close(maker);
    sqlite3 *a = join(scratch_file("last.db"));
    sqlite3 *b = join(scratch_file("last.db"));
    warm(a);
    warm(b);
    is_int(kept_entries(), 3, name(mode, "three results are kept for two connections"));
    sqlite3_close(a);
    is_int(kept_entries(), 3, name(mode, "they stay when one of them closes"));
    sqlite3_close(b);
    is_int(kept_entries(), 0, name(mode, "they go with the last"));
    a = open_cached(":memory:", 0);
    run(a, "ATTACH %Q AS aux", scratch_file("last.db"));
    run(a, "CREATE VIRTUAL TABLE temp.ca USING cache((SELECT a FROM aux.t))");
    sqlite3_free(rows(a, "SELECT * FROM ca"));
    is_int(kept_entries(), 1, name(mode, "an attached file's result is kept"));
    run(a, "DETACH aux");
    sqlite3_free(rows(a, "SELECT 1 FROM cache_stats"));
    sqlite3_close(a);
    is_int(kept_entries(), 0, name(mode, "and goes with the connection it was attached to"));
}

/* ---- not shared ---- */

static void test_option(void)
{
    sqlite3 *a = open_file("option.db");
    sqlite3 *b = join(scratch_file("option.db"));
    for (int i = 0; i < 2; i++)
        run(i == 0 ? a : b, "CREATE VIRTUAL TABLE temp.cp USING cache((SELECT a, c FROM main.t), "
                            "share = 'connection')");
    const char *plain = "SELECT a, c FROM main.t";
    same_as(a, "SELECT * FROM cp", plain, "miss", "share = 'connection': one computes");
    same_as(b, "SELECT * FROM cp", plain, "miss", "and so does the other");
    same_as(a, "SELECT * FROM cp", plain, "hit", "each is served its own");
    same_as(b, "SELECT * FROM cp", plain, "hit", "both are");
    run(a, "UPDATE t SET c = c + 1");
    same(b, "SELECT * FROM cp", plain, "what the other writes ends it");
    same(a, "SELECT * FROM cp", plain, "as what it wrote itself does");
    long long before = kept_entries();
    sqlite3_close(a);
    is_int(kept_entries(), before - 1, "a private result goes with its connection");
    same_as(b, "SELECT * FROM cp", plain, "hit", "the other's stays");
    sqlite3_close(b);
}

/* Two databases that look alike; closes both. */
static void test_pair(sqlite3 *a, sqlite3 *b, const char *text)
{
    sqlite3 *const pair[] = {a, b};
    for (int i = 0; i < 2; i++) {
        run(pair[i], "CREATE VIRTUAL TABLE temp.cn USING cache((SELECT x FROM n))");
        same_as(pair[i], "SELECT * FROM cn", "SELECT x FROM n", "miss", text);
    }
    for (int i = 0; i < 2; i++)
        same_as(pair[i], "SELECT * FROM cn", "SELECT x FROM n", "hit", "each is served its own");
    run(a, "UPDATE n SET x = x + 100");
    same(a, "SELECT * FROM cn", "SELECT x FROM n", "a write to one is seen there");
    same(b, "SELECT * FROM cn", "SELECT x FROM n", "and right on the other");
    sqlite3_close(a);
    sqlite3_close(b);
}

#define N(value) "CREATE TABLE n(x INTEGER); INSERT INTO n VALUES (" #value ");"

static void test_databases(void)
{
    sqlite3 *a = open_cached(":memory:", 0);
    sqlite3 *b = open_cached(":memory:", 0);
    run(a, N(1));
    run(b, N(2));
    test_pair(a, b, "databases in memory are not shared");

    a = open_cached(fresh_file("temp.db"), 0);
    b = open_cached(scratch_file("temp.db"), 0);
    run(a, "CREATE TEMP TABLE n(x INTEGER); INSERT INTO n VALUES (1)");
    run(b, "CREATE TEMP TABLE n(x INTEGER); INSERT INTO n VALUES (2)");
    test_pair(a, b, "temp tables are not shared");

    a = open_cached(fresh_file("one.db"), 0);
    b = open_cached(fresh_file("two.db"), 0);
    run(a, "PRAGMA journal_mode = WAL;" N(1));
    run(b, "PRAGMA journal_mode = WAL;" N(2));
    test_pair(a, b, "two files of the same make are not shared");

    a = open_cached(fresh_file("one.db"), 0);
    b = open_cached(fresh_file("two.db"), 0);
    run(a, N(1));
    run(b, "PRAGMA encoding = 'UTF-16le';" N(2));
    test_pair(a, b, "nor are files of two encodings");

    a = open_cached(fresh_file("one.db"), 0);
    run(a, N(1) "ATTACH %Q AS aux; CREATE TABLE aux.n(x INTEGER); INSERT INTO aux.n VALUES (2)",
        fresh_file("two.db"));
    b = open_cached(scratch_file("two.db"), 0);
    test_pair(a, b, "nor a file and one that has the same attached");

    a = open_cached("", 0);
    b = open_cached("", 0);
    run(a, N(1));
    run(b, N(2));
    test_pair(a, b, "temporary files are not shared");
}

/* The name in the text means the file under another alias: another program. */
static void test_aliases(void)
{
    const char *path = fresh_file("aliased.db");
    sqlite3 *maker = open_plain(path, 0);
    run(maker, "PRAGMA journal_mode = WAL;" N(1));
    sqlite3 *a = open_cached(":memory:", 0);
    sqlite3 *b = open_cached(":memory:", 0);
    run(a, "ATTACH %Q AS one", path);
    run(b, "ATTACH ':memory:' AS first; ATTACH %Q AS two", path);
    sqlite3 *const pair[] = {a, b};
    for (int i = 0; i < 2; i++) {
        run(pair[i], "CREATE VIRTUAL TABLE temp.cn USING cache((SELECT x FROM n))");
        same_as(pair[i], "SELECT * FROM cn", "SELECT x FROM n", "miss",
                "a file under two aliases is not shared");
    }
    run(maker, "UPDATE n SET x = 5");
    for (int i = 0; i < 2; i++)
        same_as(pair[i], "SELECT * FROM cn", "SELECT x FROM n", "miss", "and right on both");
    run(a, "UPDATE n SET x = 6");
    for (int i = 0; i < 2; i++)
        same(pair[i], "SELECT * FROM cn", "SELECT x FROM n", "after a write by one of them, too");
    sqlite3_close(a);
    sqlite3_close(b);
    sqlite3_close(maker);
}

int main(int argc, char **argv)
{
    scenario_main(argc, argv);
    PLAY(shared);
    test_cleared_for_all();
    test_other_ways("WAL");
    test_other_ways("DELETE");
    test_names_of_a_file();
    test_counters();
    test_read_on();
    test_last_close("WAL");
    test_last_close("DELETE");
    test_option();
    test_databases();
    test_aliases();
    return tap_done();
}
