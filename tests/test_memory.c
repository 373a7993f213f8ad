/*
** Out of memory at any point: the n-th allocation fails, for n = 1, 2, …, first of the extension's
** own allocator, then of SQLite's, once each and from then on. Whatever was under way then ends in
** SQLITE_NOMEM or succeeds; afterwards every cached read equals its plain query, the store counts
** what is there, hits come back, and after sqlite3_close() nothing is left.
**
** A connection is used for several n, so that it has to recover, and closed now and then, so that a
** leak is found near the n that made it.
*/
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "counting.h"
#include "metrics/refusals.h"
#include "querycache.h"
#include "session/runtime.h"
#include "session/session.h"
#include "support.h"
#include "tap.h"

/* How many n of one walk are all tried, and where memory stays short; then they get sparser, by one
** part in SPARSER. */
#define ALL_OF (SANITIZED ? 80 : 200)
#define ALL_OF_LASTING 40
#define SPARSER 6

/* After so many n the connection is closed and opened anew. */
#define USES_OF_CONNECTION 12

/* ---- memory that runs out ---- */

enum victim { OWN, OF_SQLITE };

static struct {
    bool armed;
    enum victim victim;
    bool lasting; /* not once: from then on */
    long at;
    long seen;
} shortage;

static sqlite3_mem_methods sqlite_memory;

static bool runs_out(enum victim victim)
{
    if (!shortage.armed || shortage.victim != victim)
        return false;
    shortage.seen++;
    return shortage.lasting ? shortage.seen >= shortage.at : shortage.seen == shortage.at;
}

static void *own_alloc(size_t size)
{
    return runs_out(OWN) ? NULL : counting_alloc(size);
}

static void *own_resize(void *block, size_t size)
{
    return runs_out(OWN) ? NULL : counting_resize(block, size);
}

static void *sqlite_alloc(int size)
{
    return runs_out(OF_SQLITE) ? NULL : sqlite_memory.xMalloc(size);
}

static void *sqlite_resize(void *block, int size)
{
    return runs_out(OF_SQLITE) ? NULL : sqlite_memory.xRealloc(block, size);
}

/* Before anything of SQLite is used. Without lookaside, which hands out memory that is never
** short. */
static void take_allocators(void)
{
    static const struct allocator own = {own_alloc, own_resize, counting_release};
    memory_use(&own);
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory);
    sqlite3_mem_methods failing = sqlite_memory;
    failing.xMalloc = sqlite_alloc;
    failing.xRealloc = sqlite_resize;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
}

static void arm(enum victim victim, bool lasting, long at)
{
    shortage.victim = victim;
    shortage.lasting = lasting;
    shortage.at = at;
    shortage.seen = 0;
    shortage.armed = true;
}

/* True when an allocation failed. */
static bool disarm(void)
{
    shortage.armed = false;
    return shortage.seen >= shortage.at;
}

/* ---- the tables, and what is cached of them ---- */

#define SCHEMA                                                                                     \
    "PRAGMA journal_mode = WAL;"                                                                   \
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE, c);"                             \
    "CREATE TABLE other(a INTEGER PRIMARY KEY, b TEXT);"                                           \
    "CREATE TABLE w(k TEXT PRIMARY KEY, v INT) WITHOUT ROWID;"                                     \
    "CREATE VIRTUAL TABLE stored USING cache((SELECT a, upper(b) AS b FROM other WHERE a < :top))"

/* Whatever a walk left behind, this is the content to start from. */
#define CONTENT                                                                                    \
    "BEGIN; DELETE FROM t; DELETE FROM other; DELETE FROM w;"                                      \
    "INSERT INTO t VALUES (1, 'x', 10), (2, 'Y', 2.5), (3, 'z', x'00ff'), (4, NULL, NULL),"        \
    "  (5, 'long', printf('%.*c', 3000, 'l')), (6, 'zero', zeroblob(3000));"                       \
    "INSERT INTO other VALUES (1, 'o'), (2, 'p'); INSERT INTO w VALUES ('k', 1); COMMIT;"

#define CREATE_T                                                                                   \
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.ct USING cache((SELECT a, b, c FROM main.t "          \
    "ORDER BY a), ttl = '5 min', tags = 'red, blue');"
#define CREATE_P                                                                                   \
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.cp USING cache((SELECT a, b FROM main.t WHERE "       \
    "a >= :low AND b <> ? COLLATE BINARY), max_entries = 3, max_bytes = '1 MB');"
#define CREATE_REST                                                                                \
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.co USING cache((SELECT a, b FROM main.other));"       \
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.cw USING cache((SELECT k, v FROM main.w));"           \
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.cc USING cache((SELECT count(*) AS n FROM temp.co));"
#define CREATE_ALL CREATE_T CREATE_P CREATE_REST

static const struct pair {
    const char *cached;
    const char *plain;
} pairs[] = {
    {"SELECT * FROM ct", "SELECT a, b, c FROM main.t ORDER BY a"},
    {"SELECT * FROM cp(2, 'z')",
     "SELECT a, b FROM main.t WHERE a >= 2 AND b <> 'z' COLLATE BINARY"},
    {"SELECT * FROM co", "SELECT a, b FROM main.other"},
    {"SELECT * FROM cw", "SELECT k, v FROM main.w"},
    {"SELECT * FROM cc", "SELECT count(*) AS n FROM main.other"},
    {"SELECT * FROM main.stored(9)", "SELECT a, upper(b) FROM main.other WHERE a < 9"},
};

#define PAIRS (sizeof pairs / sizeof pairs[0])

/* ---- SQL whose memory runs out ---- */

/* A cell with its type and size; false when SQLite could not hand it out. */
static bool print_cell(sqlite3_stmt *statement, int column, FILE *out)
{
    int type = sqlite3_column_type(statement, column);
    if (type == SQLITE_NULL) {
        fputs("null|", out);
        return true;
    }
    const void *bytes = sqlite3_column_blob(statement, column);
    size_t size = (size_t)sqlite3_column_bytes(statement, column);
    if (bytes == NULL && (size > 0 || type != SQLITE_BLOB))
        return false;
    fprintf(out, "%d:%zu:", type, size);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = ((const unsigned char *)bytes)[i];
        fputc(c != 0 ? c : '0', out);
    }
    fputc('|', out);
    return true;
}

static int step_all(sqlite3_stmt *statement, FILE *out)
{
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            if (!print_cell(statement, i, out))
                return SQLITE_NOMEM;
        }
        fputc('\n', out);
    }
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Run each statement `times` times, up to the first that fails. The text of all rows is libc's, and
** so is never short of memory. */
static int collect(sqlite3 *db, const char *sql, int times, bool prepared, char **text)
{
    size_t size;
    FILE *out = open_memstream(text, &size);
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && *sql != '\0') {
        sqlite3_stmt *statement = NULL;
        rc = prepared ? querycache_prepare_v2(db, sql, -1, &statement, &sql, NULL)
                      : sqlite3_prepare_v2(db, sql, -1, &statement, &sql);
        for (int i = 0; i < times && rc == SQLITE_OK && statement != NULL; i++) {
            rc = step_all(statement, out);
            sqlite3_reset(statement);
        }
        int finalized = sqlite3_finalize(statement);
        rc = rc == SQLITE_OK ? finalized : rc;
    }
    fclose(out);
    return rc;
}

/* ---- what is walked through ---- */

struct scenario {
    const char *name;
    const char *setup;   /* before, with all caches warm; may be NULL */
    const char *foreign; /* then, by a connection without the extension; may be NULL */
    const char *run;     /* with memory running out; NULL: loading the extension */
    const char *plain;   /* what gives the same rows; NULL: none to compare */
    int times;           /* each statement of `run`; 0 is once */
    bool fresh;          /* on a connection that has read nothing */
    bool anew;           /* on a file that nobody changed */
    bool prepared;       /* through the cache */
};

#define READ_ALL                                                                                   \
    "SELECT * FROM ct; SELECT * FROM cp(2, 'z'); SELECT * FROM co; SELECT * FROM cw;"              \
    "SELECT * FROM cc; SELECT * FROM main.stored(9)"
#define READ_ALL_PLAIN                                                                             \
    "SELECT a, b, c FROM main.t ORDER BY a;"                                                       \
    "SELECT a, b FROM main.t WHERE a >= 2 AND b <> 'z' COLLATE BINARY;"                            \
    "SELECT a, b FROM main.other; SELECT k, v FROM main.w; SELECT count(*) AS n FROM main.other;"  \
    "SELECT a, upper(b) FROM main.other WHERE a < 9"

static const struct scenario scenarios[] = {
    {.name = "loading the extension"},
    {.name = "creating", .setup = "DROP TABLE ct; DROP TABLE cp", .run = CREATE_T CREATE_P},
    {.name = "creating a stored one",
     .setup = "DROP TABLE IF EXISTS main.made",
     .run = "CREATE VIRTUAL TABLE main.made USING cache((SELECT k FROM w WHERE v = ?1))"},
    {.name = "connecting a stored one",
     .run = "SELECT * FROM stored(9)",
     .plain = "SELECT a, upper(b) FROM other WHERE a < 9",
     .fresh = true},
    {.name = "a miss", .setup = "SELECT cache_clear()", .run = READ_ALL, .plain = READ_ALL_PLAIN},
    {.name = "a hit", .run = READ_ALL, .plain = READ_ALL_PLAIN},
    {.name = "hits of one statement",
     .run = "SELECT * FROM ct; SELECT * FROM cp(2, 'z')",
     .plain = "SELECT a, b, c FROM main.t ORDER BY a;"
              "SELECT a, b FROM main.t WHERE a >= 2 AND b <> 'z' COLLATE BINARY",
     .times = 3},
    {.name = "a join of cached tables",
     .run = "SELECT x.a, y.a FROM co AS x JOIN cp AS y ON y.low = x.a AND y.p2 = 'z' "
            "ORDER BY 1, 2",
     .plain = "SELECT x.a, y.a FROM other AS x JOIN t AS y ON y.a >= x.a AND y.b <> 'z' "
              "COLLATE BINARY ORDER BY 1, 2",
     .times = 2},
    {.name = "reads in a transaction", .setup = "BEGIN", .run = READ_ALL, .plain = READ_ALL_PLAIN},
    {.name = "reads of own uncommitted rows",
     .setup = "BEGIN; UPDATE t SET c = 'own'; DELETE FROM other",
     .run = READ_ALL,
     .plain = READ_ALL_PLAIN},
    {.name = "reads after own writes",
     .setup = "UPDATE t SET c = 'new'; DELETE FROM other",
     .run = READ_ALL,
     .plain = READ_ALL_PLAIN},
    {.name = "reads after another's commit",
     .foreign = "UPDATE t SET c = 'foreign'; DELETE FROM w",
     .run = READ_ALL,
     .plain = READ_ALL_PLAIN},
    {.name = "reads after another's schema change",
     .foreign = "DROP TABLE other; CREATE TABLE other(b TEXT, a INTEGER PRIMARY KEY);"
                "INSERT INTO other VALUES ('anew', 7); UPDATE t SET c = 'with it'",
     .run = "SELECT * FROM co; SELECT * FROM ct",
     .plain = "SELECT a, b FROM main.other; SELECT a, b, c FROM main.t ORDER BY a",
     .anew = true},
    {.name = "reads after another table hides the first",
     .setup = "CREATE VIRTUAL TABLE temp.ch USING cache((SELECT v FROM w));"
              "SELECT * FROM ch; SELECT * FROM ch;"
              "BEGIN; CREATE TABLE temp.w(v INT); INSERT INTO temp.w VALUES ('hides')",
     .run = "SELECT * FROM ch",
     .plain = "SELECT v FROM w"},
    {.name = "reads after ATTACH",
     .setup = "ATTACH ':memory:' AS extra; CREATE TABLE extra.e(x);"
              "INSERT INTO extra.e VALUES (1)",
     .run = "SELECT cache_query('SELECT x FROM extra.e'); SELECT * FROM ct",
     .plain = "SELECT '[{\"x\":1}]'; SELECT a, b, c FROM main.t ORDER BY a"},
    {.name = "writes",
     .run = "INSERT INTO t(b) VALUES ('n'); UPDATE other SET b = 'w';"
            "UPDATE w SET v = v + 1; DELETE FROM t"},
    {.name = "a transaction",
     .run = "BEGIN; UPDATE t SET c = 1; SAVEPOINT s; DELETE FROM other; ROLLBACK TO s;"
            "UPDATE w SET v = 5; SELECT count(*) FROM ct; COMMIT; SELECT count(*) FROM ct"},
    {.name = "a write that reads the cache",
     .run = "INSERT INTO w SELECT 'c' || a, count(*) OVER () FROM ct RETURNING (SELECT n FROM cc)"},
    {.name = "evicting",
     .run = "SELECT * FROM cp(1, 'a'); SELECT * FROM cp(1, 'b');"
            "SELECT * FROM cp(1, 'c'); SELECT * FROM cp(1, 'd')"},
    {.name = "a smaller bound", .run = "SELECT cache_configure('max_bytes', '6 KB'); " READ_ALL},
    {.name = "invalidating",
     .run = "SELECT cache_invalidate('ct'), cache_invalidate_table('main.t');"
            "SELECT cache_invalidate_tag('red'), cache_invalidate_matching('*other*');"
            "SELECT cache_drop(key) FROM cache_entries; SELECT cache_clear()"},
    {.name = "dropping entries by DELETE", .run = "DELETE FROM cache_entries WHERE cache <> 'ct'"},
    {.name = "dropping", .run = "DROP TABLE ct; DROP TABLE cp"},
    {.name = "renaming",
     .setup = "DROP TABLE IF EXISTS temp.renamed",
     .run = "ALTER TABLE temp.ct RENAME TO renamed"},
    {.name = "listing",
     .run = "SELECT * FROM cache_stats; SELECT * FROM cache_definitions;"
            "SELECT * FROM cache_entries"},
    {.name = "listing tables and settings",
     .run = "SELECT * FROM cache_tables; SELECT * FROM cache_config;"
            "UPDATE cache_config SET value = '2 h' WHERE name = 'ttl'"},
    {.name = "cache_query",
     .setup = "SELECT cache_clear()",
     .run = "SELECT cache_query('SELECT a, b FROM other WHERE a > ?', 0)",
     .plain = "SELECT '[{\"a\":1,\"b\":\"o\"},{\"a\":2,\"b\":\"p\"}]'",
     .times = 2},
    {.name = "cache_rows",
     .setup = "SELECT cache_clear()",
     .run = "SELECT value FROM cache_rows('SELECT b FROM other WHERE a > ?', 1)",
     .plain = "SELECT '{\"b\":\"p\"}'",
     .times = 2},
    {.name = "cache_key and cache_normalize",
     .run = "SELECT length(cache_key('SELECT b FROM other WHERE a > ?', 'text'));"
            "SELECT cache_normalize('select  B from Other -- all')",
     .plain = "SELECT 32; SELECT 'select b from other'"},
    {.name = "cache_view and cache_unview",
     .setup = "DROP TABLE IF EXISTS temp.w",
     .run = "SELECT cache_view('w', 'ttl = 5, tags = red'); SELECT * FROM w;"
            "SELECT cache_unview('main.w')",
     .plain = "SELECT 'temp.w'; SELECT k, v FROM main.w; SELECT NULL"},
    {.name = "indexes",
     .setup = "DROP TABLE IF EXISTS temp.ci;"
              "CREATE VIRTUAL TABLE temp.ci USING cache((WITH n(i) AS (VALUES (1) UNION ALL SELECT "
              "i + 1 FROM n WHERE i < 99) SELECT i, 'x' || i AS s FROM n));"
              "SELECT cache_clear(); SELECT * FROM ci",
     .run = "SELECT i FROM ci WHERE s = 'x7'; SELECT s FROM ci WHERE i > 3 AND i <= 5;"
            "SELECT i FROM ci WHERE s IN ('x9', 'x8'); SELECT s FROM ci ORDER BY i DESC LIMIT 2",
     .plain = "VALUES (7); VALUES ('x4'), ('x5'); VALUES (8), (9); VALUES ('x99'), ('x98')"},
    {.name = "indexes of what is not kept",
     .setup = "DROP TABLE IF EXISTS temp.ci;"
              "CREATE VIRTUAL TABLE temp.ci USING cache((WITH n(i) AS (VALUES (1) UNION ALL SELECT "
              "i + 1 FROM n WHERE i < 99) SELECT i, 'x' || i AS s FROM n), max_rows = 5)",
     .run = "SELECT i FROM ci WHERE s = 'x7'; SELECT s FROM ci ORDER BY i DESC LIMIT 2",
     .plain = "VALUES (7); VALUES ('x99'), ('x98')"},
    {.name = "prepared through the cache",
     .setup = "SELECT cache_clear()",
     .run = READ_ALL_PLAIN,
     .plain = READ_ALL_PLAIN,
     .prepared = true},
    {.name = "prepared through the cache, and read again and again",
     .setup = "SELECT cache_clear()",
     .run = "SELECT b, c FROM t ORDER BY a; SELECT max(b) FROM other",
     .plain = "SELECT b, c FROM t ORDER BY a; SELECT max(b) FROM other",
     .times = 3,
     .prepared = true},
    {.name = "prepared through the cache on a new connection",
     .run = "SELECT upper(b) FROM other WHERE a < 9",
     .plain = "SELECT upper(b) FROM other WHERE a < 9",
     .times = 2,
     .fresh = true,
     .prepared = true},
    {.name = "prepared through the cache, with own uncommitted rows",
     .setup = "BEGIN; UPDATE t SET c = 'own'; DELETE FROM other",
     .run = "SELECT b, c FROM t ORDER BY a; SELECT count(*) FROM other",
     .plain = "SELECT b, c FROM t ORDER BY a; SELECT count(*) FROM other",
     .prepared = true},
    {.name = "prepared through the cache after another's schema change",
     .foreign = "DROP TABLE other; CREATE TABLE other(b TEXT, a INTEGER PRIMARY KEY);"
                "INSERT INTO other VALUES ('anew', 7)",
     .run = "SELECT * FROM other; SELECT a, b FROM other",
     .plain = "SELECT * FROM other; SELECT a, b FROM other",
     .times = 2,
     .anew = true,
     .prepared = true},
    {.name = "prepared plainly, as it cannot be cached",
     .run = "SELECT random() IS NULL, a FROM other; SELECT count(*) FROM sqlite_schema WHERE 0",
     .plain = "SELECT 0, a FROM other; SELECT 0",
     .prepared = true},
    {.name = "cache_explain",
     .run = "SELECT count(*) > 0 FROM cache_explain('SELECT upper(b), v FROM other JOIN w')",
     .plain = "SELECT 1"},
};

#define SCENARIOS (sizeof scenarios / sizeof scenarios[0])

/* ---- one walk ---- */

struct walk {
    const struct scenario *scenario;
    const char *victim;
    long at;
    sqlite3 *db;
    bool failed;
    long failures; /* of allocations */
    int64_t own_at_rest;
    int64_t sqlite_at_rest;
};

/* The first thing that goes wrong is printed, with what was got and expected. */
__attribute__((format(printf, 3, 4))) static bool expect(struct walk *walk, bool good,
                                                         const char *format, ...)
{
    if (good || walk->failed)
        return good;
    va_list arguments;
    printf("# %s, n = %ld: ", walk->victim, walk->at);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    walk->failed = true;
    return false;
}

static const char *template_file(void)
{
    return scratch_file("template.db");
}

static const char *walk_file(void)
{
    return scratch_file("walk.db");
}

/* SQL that has all the memory it wants. */
static void prepare_sql(sqlite3 *db, const char *sql)
{
    char *error = NULL;
    if (sql == NULL || sqlite3_exec(db, sql, NULL, NULL, &error) == SQLITE_OK)
        return;
    printf("Bail out! %s: %s\n", error, sql);
    exit(2);
}

static void run_plainly(const char *sql)
{
    sqlite3 *db = open_plain(walk_file(), 0);
    prepare_sql(db, "PRAGMA synchronous = OFF");
    prepare_sql(db, sql);
    sqlite3_close(db);
}

static void make_template(void)
{
    sqlite3 *db = open_cached(template_file(), 0);
    prepare_sql(db, SCHEMA);
    sqlite3_close(db);
}

/* The template's bytes under the name that the walk uses. */
static void copy_template(void)
{
    static char bytes[1 << 18];
    FILE *from = fopen(template_file(), "rb");
    FILE *to = fopen(walk_file(), "wb");
    size_t size = fread(bytes, 1, sizeof bytes, from);
    if (size == sizeof bytes || fwrite(bytes, 1, size, to) != size) {
        printf("Bail out! copying the template\n");
        exit(2);
    }
    fclose(from);
    fclose(to);
}

static sqlite3 *open_walk(bool with_extension)
{
    sqlite3 *db = with_extension ? open_cached(walk_file(), 0) : open_plain(walk_file(), 0);
    prepare_sql(db, "PRAGMA synchronous = OFF");
    return db;
}

/* Everything as a scenario expects to find it: content, cached tables, each read twice. */
static void settle_down(sqlite3 *db)
{
    prepare_sql(db, "SELECT cache_configure('max_bytes', '64 MiB'), cache_configure('ttl', '1 h')");
    prepare_sql(db, CONTENT CREATE_ALL READ_ALL ";" READ_ALL);
}

static void close_walk(struct walk *walk)
{
    int rc = sqlite3_close(walk->db);
    walk->db = NULL;
    refusals_clear();
    expect(walk, rc == SQLITE_OK, "sqlite3_close() gave %d, expected 0", rc);
    expect(walk, counting_bytes == walk->own_at_rest,
           "own bytes live after close: got %lld, expected %lld", (long long)counting_bytes,
           (long long)walk->own_at_rest);
    expect(walk, sqlite3_memory_used() == walk->sqlite_at_rest,
           "SQLite's bytes live after close: got %lld, expected %lld",
           (long long)sqlite3_memory_used(), (long long)walk->sqlite_at_rest);
}

/* ---- what must be true after each failure ---- */

static void check_rows(struct walk *walk, const char *when)
{
    for (size_t i = 0; i < PAIRS && !walk->failed; i++) {
        char *got, *expected;
        int rc = collect(walk->db, pairs[i].cached, 1, false, &got);
        collect(walk->db, pairs[i].plain, 1, false, &expected);
        expect(walk, rc == SQLITE_OK && strcmp(got, expected) == 0,
               "%s, %s: got %d (%s)\n%.400s# expected\n%.400s", when, pairs[i].cached, rc,
               sqlite3_errmsg(walk->db), got, expected);
        free(got);
        free(expected);
    }
}

/* What the store says it gives up is what the allocator gets back; then there is nothing left. */
static void check_accounts(struct walk *walk)
{
    struct store *store = runtime_store();
    /* With all tables connected, and all files looked at, neither of which is counted. */
    prepare_sql(walk->db, READ_ALL "; SELECT cache_invalidate('nothing')");
    int64_t before = counting_bytes - store_usage(store).bytes;
    prepare_sql(walk->db, "SELECT cache_clear()");
    struct usage left = store_usage(store);
    int64_t after = counting_bytes - left.bytes;
    expect(walk, left.entries == 0 && left.bytes == 0,
           "after cache_clear(): got %lld entries of %lld bytes, expected none",
           (long long)left.entries, (long long)left.bytes);
    /* Of an attached file that was taken for new, the history before went with its last entry. */
    bool attached = sqlite3_db_filename(walk->db, "extra") != NULL;
    expect(walk, before == after || (attached && after < before),
           "own bytes beside the store's: got %lld after cache_clear(), expected %lld as before",
           (long long)after, (long long)before);
}

static void check_hits(struct walk *walk)
{
    for (size_t i = 0; i < PAIRS && !walk->failed; i++) {
        prepare_sql(walk->db, pairs[i].cached);
        prepare_sql(walk->db, pairs[i].cached);
        const char *got = status(walk->db);
        expect(walk, strcmp(got, "hit") == 0, "%s, read again: got a %s, expected a hit",
               pairs[i].cached, got);
    }
}

static void check_all(struct walk *walk)
{
    prepare_sql(walk->db, "SELECT cache_configure('max_bytes', '64 MiB')");
    prepare_sql(walk->db, CREATE_ALL);
    if (!sqlite3_get_autocommit(walk->db)) {
        check_rows(walk, "in the transaction");
        prepare_sql(walk->db, "ROLLBACK");
    }
    prepare_sql(walk->db, "DROP TABLE IF EXISTS temp.ch; DROP TABLE IF EXISTS temp.w");
    check_rows(walk, "afterwards");
    check_accounts(walk);
    check_hits(walk);
    if (sqlite3_db_filename(walk->db, "extra") != NULL)
        prepare_sql(walk->db, "DETACH extra");
}

/* ---- walking ---- */

static int load(sqlite3 *db)
{
    return querycache_init(db);
}

/* With memory running out at walk->at. True when it did. */
static bool run_short(struct walk *walk, enum victim victim, bool lasting)
{
    const struct scenario *scenario = walk->scenario;
    char *got = NULL, *expected = NULL;
    int rc;
    arm(victim, lasting, walk->at);
    if (scenario->run == NULL)
        rc = load(walk->db);
    else
        rc = collect(walk->db, scenario->run, scenario->times > 1 ? scenario->times : 1,
                     scenario->prepared, &got);
    bool fell_short = disarm();
    expect(walk, rc == SQLITE_OK || (rc == SQLITE_NOMEM && fell_short),
           "got %d (%s), expected 7 (SQLITE_NOMEM) or success", rc, sqlite3_errmsg(walk->db));
    if (scenario->run == NULL)
        expect(walk, load(walk->db) == SQLITE_OK, "loading again failed");
    if (rc == SQLITE_OK && scenario->plain != NULL) {
        collect(walk->db, scenario->plain, scenario->times > 1 ? scenario->times : 1, false,
                &expected);
        expect(walk, strcmp(got, expected) == 0, "got\n%.400s# expected\n%.400s", got, expected);
    }
    free(got);
    free(expected);
    return fell_short;
}

/* One n. True when there was an allocation to fail. */
static bool take_step(struct walk *walk, enum victim victim, bool lasting)
{
    const struct scenario *scenario = walk->scenario;
    bool fresh = scenario->fresh || scenario->run == NULL;
    if (walk->db != NULL && scenario->anew)
        close_walk(walk);
    if (walk->db == NULL) {
        copy_template();
        walk->db = open_walk(true);
    }
    settle_down(walk->db);
    if (fresh) {
        close_walk(walk);
        walk->db = open_walk(scenario->run != NULL);
    }
    prepare_sql(walk->db, scenario->setup);
    if (scenario->foreign != NULL)
        run_plainly(scenario->foreign);
    bool fell_short = run_short(walk, victim, lasting);
    if (fell_short)
        walk->failures++;
    check_all(walk);
    return fell_short;
}

static long next(long at, bool lasting)
{
    return at + 1 + (at < (lasting ? ALL_OF_LASTING : ALL_OF) ? 0 : at / SPARSER);
}

static void walk_through(const struct scenario *scenario, enum victim victim, bool lasting)
{
    static const char *const victims[] = {"the extension's memory", "SQLite's memory"};
    struct walk walk = {.scenario = scenario, .victim = victims[victim]};
    char name[160];
    copy_template();
    walk.db = open_walk(true);
    settle_down(walk.db);
    sqlite3_close(walk.db);
    walk.db = NULL;
    walk.own_at_rest = counting_bytes;
    walk.sqlite_at_rest = sqlite3_memory_used();
    int uses = 0;
    bool more = true;
    for (walk.at = 1; more && !walk.failed; walk.at = next(walk.at, lasting)) {
        more = take_step(&walk, victim, lasting);
        if (++uses % USES_OF_CONNECTION == 0 || !more)
            close_walk(&walk);
    }
    snprintf(name, sizeof name, "%s: %s runs out%s (%ld failures)", scenario->name, walk.victim,
             lasting ? " for good" : "", walk.failures);
    ok(!walk.failed, name);
    sqlite3_close_v2(walk.db);
}

/* ---- in the hooks ---- */

/* More tables than a write set has room for at first, so that it also has to grow. */
#define MANY 12

static void open_many(sqlite3 **db)
{
    *db = open_cached(":memory:", 0);
    run(*db, "ATTACH ':memory:' AS extra; CREATE TABLE extra.e(x);"
             "CREATE VIRTUAL TABLE temp.ce USING cache((SELECT x FROM extra.e));"
             "CREATE TABLE untouched(x);"
             "CREATE VIRTUAL TABLE temp.cu USING cache((SELECT x FROM main.untouched))");
    for (int i = 0; i < MANY; i++)
        run(*db,
            "CREATE TABLE t%d(x); INSERT INTO t%d VALUES (%d);"
            "CREATE VIRTUAL TABLE temp.c%d USING cache((SELECT x FROM main.t%d))",
            i, i, i, i, i);
    for (int i = 0; i < 2 * MANY; i++)
        run(*db, "SELECT * FROM c%d; SELECT * FROM cu; SELECT * FROM ce", i % MANY);
}

/* Write to all of them in one transaction while the n-th allocation fails. */
static bool write_many(sqlite3 *db, long at)
{
    arm(OWN, false, at);
    run(db, "BEGIN");
    for (int i = 0; i < MANY; i++)
        run(db, "UPDATE t%d SET x = x + 1", i);
    run(db, "COMMIT");
    return disarm();
}

static void test_hooks(void)
{
    bool fell_short = true;
    int64_t at_rest = counting_bytes;
    for (long at = 1; fell_short; at++) {
        sqlite3 *db = NULL;
        char name[96];
        open_many(&db);
        fell_short = write_many(db, at);
        snprintf(name, sizeof name, "allocation %ld in the hooks %s", at,
                 fell_short ? "fails" : "is not made");
        same_as(db, "SELECT * FROM cu", "SELECT x FROM untouched", fell_short ? "miss" : "hit",
                fell_short ? "then all of the file counts as written" : "then only what was");
        same_as(db, "SELECT * FROM ce", "SELECT x FROM extra.e", "hit", "another file does not");
        for (int i = 0; i < MANY; i++) {
            char cached[32], plain[32];
            snprintf(cached, sizeof cached, "SELECT * FROM c%d", i);
            snprintf(plain, sizeof plain, "SELECT x FROM t%d", i);
            same_as(db, cached, plain, "miss", name);
        }
        if (!fell_short)
            /* Four fail: the setup's writes were not noted, as nothing was kept; so both sets get
            ** their first room here, and grow once. */
            is_int(at, 5, "a write set grows, for what is touched and what is announced");
        run(db, "UPDATE t0 SET x = x + 1");
        same_as(db, "SELECT * FROM cu", "SELECT x FROM untouched", "hit",
                "the next write is known again");
        is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
    }
    is_int(counting_bytes, at_rest, "nothing is left of them");
}

/* Of SQLite's memory, too, the hooks need none of their own: a commit fails or is seen. */
static void test_commits(void)
{
    bool fell_short = true;
    bool good = true;
    for (long at = 1; fell_short && good; at++) {
        sqlite3 *db = open_cached(":memory:", 0);
        run(db, "CREATE TABLE t(x); INSERT INTO t VALUES (1);"
                "CREATE VIRTUAL TABLE temp.c USING cache((SELECT x FROM main.t));"
                "SELECT * FROM c; SELECT * FROM c; BEGIN; UPDATE t SET x = x + 1");
        arm(OF_SQLITE, false, at);
        int rc = try(db, "COMMIT");
        fell_short = disarm();
        char *got = rows(db, "SELECT * FROM c");
        char *expected = rows(db, "SELECT x FROM t");
        good = strcmp(got, expected) == 0 && (rc == SQLITE_OK || rc == SQLITE_NOMEM);
        if (!good)
            printf("# n = %ld: COMMIT gave %d; got %s, expected %s\n", at, rc, got, expected);
        sqlite3_free(got);
        sqlite3_free(expected);
        sqlite3_close(db);
    }
    ok(good, "a commit that runs out of memory leaves no wrong rows");
}

int main(void)
{
    clock_t start = clock();
    take_allocators();
    make_template();
    test_hooks();
    test_commits();
    for (size_t i = 0; i < SCENARIOS; i++) {
        walk_through(&scenarios[i], OWN, false);
        walk_through(&scenarios[i], OWN, true);
        walk_through(&scenarios[i], OF_SQLITE, false);
        walk_through(&scenarios[i], OF_SQLITE, true);
    }
    printf("# %.1f s of CPU\n", (double)(clock() - start) / CLOCKS_PER_SEC);
    return tap_done();
}
