/*
** SQLite's fuzz data through the cache, under sanitizers, which end the program where they see a
** fault:
**
**     fuzz EVERY FUZZDATA.db ...
**
** Of the scripts in those files every so many-th is run on a fresh copy of its database: twice
** plain, then with the extension on the connection and each statement prepared through the cache.
** What only reads is run twice, so that the second can be a hit, and the whole script once more, so
** that a read follows what was written since. Where both plain runs say the same, the cached one
** must: codes, and rows in their order. Where they differ (random(), the time) nothing is compared,
** nor what follows a statement that was cut short for its length. The last line has the counts.
** FUZZ_OPTIONS="coherence = 'ttl'" serves stale rows, and so must show differences.
*/
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support.h"
#include "querycache.h"

enum {
    MOST_STATEMENTS = 400, /* of a script: some are endless */
    MOST_CALLS = 2000,     /* of the progress handler, each after a thousand steps */
    MOST_BYTES = 200000,   /* of a text or blob: some ask for a gigabyte */
    MOST_PAGES = 4 << 20   /* of a database that a script describes, in bytes */
};

struct bytes {
    unsigned char *data;
    size_t size;
};

/* What one statement said: its code, and a hash over the rows. */
struct answer {
    int code;
    uint64_t rows;
};

struct run {
    struct answer answers[MOST_STATEMENTS];
    int count;
    int calls; /* of the progress handler */
    bool cut;
};

static struct {
    long scripts, compared, statements, differences;
    long long hits, misses;
} totals;

/* Said where a sanitizer ends the program, which aborts with abort_on_error=1. */
static char current[200];

static void say_where(int number)
{
    (void)number;
    static const char while_running[] = "\nwhile running ";
    write(STDERR_FILENO, while_running, sizeof while_running - 1);
    write(STDERR_FILENO, current, strlen(current));
    write(STDERR_FILENO, "\n", 1);
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "fuzz: %s, at %s\n", what, current);
    exit(2);
}

/* ---- one run of one script ---- */

static int cut_short(void *context)
{
    struct run *run = context;
    run->cut = run->cut || ++run->calls > MOST_CALLS;
    return run->cut;
}

static uint64_t mixed(uint64_t hash, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const unsigned char *)data)[i]) * 0x100000001b3;
    return hash;
}

static uint64_t hash_of_row(uint64_t hash, sqlite3_stmt *statement)
{
    for (int i = 0; i < sqlite3_data_count(statement); i++) {
        unsigned char type = (unsigned char)sqlite3_column_type(statement, i);
        hash = mixed(hash, &type, 1);
        if (type == SQLITE_BLOB)
            hash = mixed(hash, sqlite3_column_blob(statement, i),
                         (size_t)sqlite3_column_bytes(statement, i));
        else if (type != SQLITE_NULL)
            hash = mixed(hash, sqlite3_column_text(statement, i),
                         (size_t)sqlite3_column_bytes(statement, i));
    }
    return mixed(hash, "\n", 1);
}

static void step_through(struct run *run, sqlite3_stmt *statement)
{
    struct answer answer = {0, 0xcbf29ce484222325};
    run->calls = 0;
    while ((answer.code = sqlite3_step(statement)) == SQLITE_ROW)
        answer.rows = hash_of_row(answer.rows, statement);
    sqlite3_reset(statement);
    /* Where memory is short (PRAGMA hard_heap_limit), the cache's share of it decides when. */
    run->cut = run->cut || answer.code == SQLITE_NOMEM;
    /* Its rows were cut short, maybe later: which is no answer. */
    if (!run->cut && run->count < MOST_STATEMENTS)
        run->answers[run->count++] = answer;
}

static void run_statements(sqlite3 *db, struct run *run, const char *sql, bool cached)
{
    const struct querycache_options options = {.options = getenv("FUZZ_OPTIONS")};
    while (*sql != '\0' && !run->cut && run->count < MOST_STATEMENTS) {
        sqlite3_stmt *statement = NULL;
        const char *tail = NULL;
        run->calls = 0;
        int rc = cached ? querycache_prepare_v2(db, sql, -1, &statement, &tail, &options)
                        : sqlite3_prepare_v2(db, sql, -1, &statement, &tail);
        run->cut = run->cut || rc == SQLITE_NOMEM;
        if (rc != SQLITE_OK && !run->cut)
            run->answers[run->count++] = (struct answer){rc, 0};
        if (statement != NULL) {
            step_through(run, statement);
            /* An EXPLAIN of a cached statement shows another program. */
            if (sqlite3_stmt_readonly(statement) && !sqlite3_stmt_isexplain(statement))
                step_through(run, statement);
            else if (sqlite3_stmt_isexplain(statement) && run->count > 0)
                run->count--;
        }
        sqlite3_finalize(statement);
        if (tail == NULL || tail == sql)
            return;
        sql = tail;
    }
}

static void write_file(const char *path, struct bytes content)
{
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (file < 0 || write(file, content.data, content.size) != (ssize_t)content.size)
        fail("the database cannot be written");
    close(file);
}

static void run_script(struct run *run, struct bytes database, const char *sql, bool cached)
{
    static const char *const others[] = {"fuzz.db-journal", "fuzz.db-wal", "fuzz.db-shm"};
    for (int i = 0; i < 3; i++)
        unlink(others[i]);
    unlink("fuzz.db");
    write_file("fuzz.db", database);
    *run = (struct run){.count = 0};

    sqlite3 *db = NULL;
    /* A script may have set these for the process. */
    sqlite3_hard_heap_limit64(0);
    sqlite3_soft_heap_limit64(0);
    sqlite3_reset_auto_extension();
    if (cached)
        sqlite3_auto_extension((void (*)(void))sqlite3_querycache_init);
    if (sqlite3_open("fuzz.db", &db) != SQLITE_OK)
        fail("the database cannot be opened");
    /* What a script attaches would stay for the next one. */
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, MOST_BYTES);
    sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100);
    sqlite3_limit(db, SQLITE_LIMIT_VDBE_OP, 25000);
    sqlite3_progress_handler(db, 1000, cut_short, run);
    for (int round = 0; round < 2; round++)
        run_statements(db, run, sql, cached);
    sqlite3_close(db);
}

/* ---- comparing ---- */

/* The first answer that two runs do not share; -1 for none. Beyond a cut nothing is looked at. */
static int first_difference(const struct run *a, const struct run *b)
{
    int count = a->count < b->count ? a->count : b->count;
    for (int i = 0; i < count; i++)
        if (a->answers[i].code != b->answers[i].code || a->answers[i].rows != b->answers[i].rows)
            return i;
    return a->count != b->count && !a->cut && !b->cut ? count : -1;
}

/* Whether the script says the same plain, however often and a second later: no time, nothing
** random. */
static bool is_settled(const struct run *plain, struct bytes database, const char *sql)
{
    static struct run again;
    sleep(1);
    for (int i = 0; i < 30; i++) {
        run_script(&again, database, sql, false);
        if (first_difference(plain, &again) >= 0)
            return false;
    }
    return true;
}

static void compare(struct bytes database, const char *sql)
{
    static struct run plain, again, cached;
    totals.scripts++;
    run_script(&plain, database, sql, false);
    run_script(&again, database, sql, false);
    run_script(&cached, database, sql, true);
    if (first_difference(&plain, &again) >= 0)
        return;
    int at = first_difference(&plain, &cached);
    if (at >= 0 && !is_settled(&plain, database, sql))
        return;
    totals.compared++;
    totals.statements += cached.count;
    if (at < 0)
        return;
    totals.differences++;
    printf("%s: answer %d of %d is another: code %d plain, %d cached\n", current, at + 1,
           plain.count, plain.answers[at].code, cached.answers[at].code);
}

/* ---- the corpus ---- */

/* A script may begin with its database: hex digits, "[HEX]" to go to an offset, "\n--\n" to end. */
static bool has_database(const char *text)
{
    char digits[9] = "";
    size_t count = 0;
    for (; *text != '\0' && count < 8; text++)
        if (isxdigit((unsigned char)*text))
            digits[count++] = *text;
    return strncmp(digits, "53514c69", 8) == 0;
}

static const char *decode_database(const char *text, struct bytes *database)
{
    size_t nibble = 0;
    for (; *text != '\0'; text++) {
        char *end = NULL;
        unsigned long offset = *text == '[' ? strtoul(text + 1, &end, 16) : 0;
        if (*text == '[' && *end == ']') {
            nibble = 2 * offset;
            text = end;
        } else if (isxdigit((unsigned char)*text)) {
            size_t at = nibble / 2;
            if (at >= MOST_PAGES)
                return NULL;
            char digit[2] = {*text, '\0'};
            unsigned value = (unsigned)strtoul(digit, NULL, 16);
            unsigned char kept = database->data[at];
            database->data[at] = (unsigned char)(nibble % 2 ? kept | value : value << 4);
            nibble++;
            size_t pages = (at / 4096 + 1) * 4096;
            database->size = database->size < pages ? pages : database->size;
        } else if (strncmp(text, "\n--\n", 4) == 0) {
            return text + 4;
        }
    }
    return text;
}

static void run_one(sqlite3_stmt *row)
{
    static unsigned char room[MOST_PAGES];
    struct bytes database = {(unsigned char *)sqlite3_column_blob(row, 1),
                             (size_t)sqlite3_column_bytes(row, 1)};
    const char *sql = (const char *)sqlite3_column_text(row, 0);
    if (sql == NULL)
        return;
    if (has_database(sql)) {
        memset(room, 0, sizeof room);
        database = (struct bytes){room, 0};
        sql = decode_database(sql, &database);
    }
    if (sql != NULL)
        compare(database, sql);
}

static void run_corpus(const char *path, int every)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    sqlite3_reset_auto_extension();
    const char *scripts = "SELECT CAST(sqltext AS TEXT), dbcontent, coalesce(dbid, 0), sqlid"
                          "  FROM xsql LEFT JOIN db WHERE (sqlid + coalesce(dbid, 0)) % ?1 = 0";
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, scripts, -1, &statement, NULL) != SQLITE_OK)
        fail(sqlite3_errmsg(db));
    sqlite3_bind_int(statement, 1, every);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        snprintf(current, sizeof current, "%.150s database %d script %d", strrchr(path, '/') + 1,
                 sqlite3_column_int(statement, 2), sqlite3_column_int(statement, 3));
        run_one(statement);
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static long long counted(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    sqlite3_step(statement);
    long long count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return count;
}

int main(int argc, char **argv)
{
    signal(SIGABRT, say_where);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 3 || chdir(scratch_folder()) != 0)
        fail("usage: fuzz EVERY /PATH/FUZZDATA.db ...");
    sqlite3 *db = NULL; /* what counts */
    sqlite3_auto_extension((void (*)(void))sqlite3_querycache_init);
    sqlite3_open(":memory:", &db);
    for (int i = 2; i < argc; i++)
        run_corpus(argv[i], (int)strtol(argv[1], NULL, 10));
    totals.hits = counted(db, "SELECT hits FROM cache_stats");
    totals.misses = counted(db, "SELECT misses FROM cache_stats");
    sqlite3_close(db);
    printf("%ld scripts, %ld compared in %ld answers, %ld different; %lld hits, %lld misses\n",
           totals.scripts, totals.compared, totals.statements, totals.differences, totals.hits,
           totals.misses);
    return chdir("/") != 0 || totals.differences != 0;
}
