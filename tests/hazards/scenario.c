#include "scenario.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tap.h"
#include "querycache.h"

#define QUICK "PRAGMA synchronous = OFF;"

/* How a scenario is played. */
static const struct variant {
    const char *name;
    int mode;
    bool empty_wal; /* nothing was committed since the WAL was made */
    bool kept;      /* statements stay prepared */
} variants[] = {
    {"WAL", IN_WAL, false, false},           {"WAL, kept", IN_WAL, false, true},
    {"empty WAL", IN_WAL, true, false},      {"empty WAL, kept", IN_WAL, true, true},
    {"rollback", IN_ROLLBACK, false, false}, {"rollback, kept", IN_ROLLBACK, false, true},
};

/* What can be read through the cache. */
enum { READ_X = 3, READS };
static const struct {
    const char *name;
    const char *cached;
    const char *plain;
} reads[READS] = {
    {"t", "SELECT * FROM ct", T},
    {"other", "SELECT * FROM co", OTHER},
    {"w", "SELECT * FROM cw", W},
    {"x", "SELECT * FROM cx", NULL},
};

static struct connection {
    sqlite3 *db;
    bool has_tables;
    sqlite3_stmt *kept[READS];
} connections[26];

static const struct scenario *scenario;
static const struct variant *variant;
static const char *program; /* this program's path, to start it again */

const char *scenario_file(void)
{
    return scratch_file("scenario.db");
}

const char *scenario_attached_file(void)
{
    return scratch_file("scenario-attached.db");
}

/* ---- processes ---- */

#ifdef __APPLE__ /* whose unistd.h leaves it out */
extern char **environ;
#endif

bool run_process(char kind, const char *path, const char *sql)
{
    char letter[] = {kind, '\0'};
    const char *arguments[] = {program, "--process", letter, path, sql, NULL};
    pid_t process;
    int status = 0;
    if (posix_spawn(&process, program, NULL, NULL, (char **)arguments, environ) != 0)
        return false;
    waitpid(process, &status, 0);
    if (kind == 'K')
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void scenario_main(int argc, char **argv)
{
    program = argv[0];
    if (argc != 5 || strcmp(argv[1], "--process") != 0)
        return;
    char kind = argv[2][0];
    sqlite3 *db = kind == 'Q' ? open_cached(argv[3], 0) : open_plain(argv[3], 0);
    sqlite3_busy_timeout(db, 5000);
    run(db, "%s", argv[4]);
    if (kind == 'K')
        raise(SIGKILL);
    sqlite3_close(db);
    exit(0);
}

/* ---- connections ---- */

static void stop(const char *why)
{
    printf("Bail out! %s: %s\n", scenario->name, why);
    exit(2);
}

sqlite3 *join(const char *path)
{
    sqlite3 *db = open_cached(path, 0);
    run(db, QUICK CACHES);
    return db;
}

long long kept_entries(void)
{
    sqlite3 *observer = open_cached(":memory:", 0);
    long long count = number(observer, "SELECT entries FROM cache_stats");
    sqlite3_close(observer);
    return count;
}

static void create_cached_tables(struct connection *connection)
{
    connection->has_tables = true;
    run(connection->db, CACHES);
    if (scenario->x != NULL)
        run(connection->db, "CREATE VIRTUAL TABLE temp.cx USING cache((%s))", scenario->x);
}

static struct connection *open_connection(char letter)
{
    struct connection *connection = &connections[letter - 'A'];
    bool plain = letter == 'F' || letter == 'G';
    if (connection->db != NULL)
        return connection;
    const char *path = scenario_file();
    connection->db = plain ? open_plain(path, scenario->flags) : open_cached(path, scenario->flags);
    connection->has_tables = plain;
    run(connection->db, QUICK);
    if (scenario->attached)
        run(connection->db, "ATTACH %Q AS aux; PRAGMA aux.synchronous = OFF",
            scenario_attached_file());
    if (!plain && scenario->opened != NULL)
        scenario->opened(connection->db, letter);
    if (!plain && letter != 'I')
        create_cached_tables(connection);
    return connection;
}

static void close_connection(struct connection *connection)
{
    for (int i = 0; i < READS; i++) {
        sqlite3_finalize(connection->kept[i]);
        connection->kept[i] = NULL;
    }
    if (connection->db != NULL && sqlite3_close(connection->db) != SQLITE_OK)
        stop("a connection does not close");
    connection->db = NULL;
}

/* ---- checks ---- */

static const char *title(const char *line)
{
    static char text[400];
    snprintf(text, sizeof text, "%s (%s): %s", scenario->name, variant->name, line);
    return text;
}

/* All rows of a statement with their types, or the error. */
static char *read_rows(sqlite3 *db, sqlite3_stmt *statement)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            sqlite3_str_appendf(text, "%s%d:%s", i > 0 ? "|" : "; ",
                                sqlite3_column_type(statement, i),
                                sqlite3_column_text(statement, i));
    }
    if (sqlite3_reset(statement) != SQLITE_OK || statement == NULL)
        sqlite3_str_appendf(text, "error: %s", sqlite3_errmsg(db));
    char *result = sqlite3_str_finish(text);
    return result != NULL ? result : sqlite3_mprintf("");
}

static char *read_once(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    char *text = read_rows(db, statement);
    sqlite3_finalize(statement);
    return text;
}

static char *read_cached(struct connection *connection, int read)
{
    if (!variant->kept)
        return read_once(connection->db, reads[read].cached);
    if (connection->kept[read] == NULL)
        sqlite3_prepare_v2(connection->db, reads[read].cached, -1, &connection->kept[read], NULL);
    return read_rows(connection->db, connection->kept[read]);
}

static void check_read(struct connection *connection, int read, const char *expected_status,
                       const char *line)
{
    if (!connection->has_tables)
        create_cached_tables(connection);
    char *got = read_cached(connection, read);
    const char *was = status(connection->db);
    char *expected = read_once(connection->db, read == READ_X ? scenario->x : reads[read].plain);
    bool exact = strcmp(got, expected) == 0;
    bool passed = exact && (*expected_status == '\0' || strcmp(was, expected_status) == 0);
    printf("%sok %d - %s\n", passed ? "" : "not ", ++tap_count, title(line));
    if (!passed) {
        tap_failed++;
        printf("#   %s %s\n#        got: %s (%s)\n#   expected: %s (%s)\n",
               exact ? "" : "NOT EXACT:", reads[read].name, got, was, expected,
               *expected_status != '\0' ? expected_status : "any");
    }
    fflush(stdout);
    sqlite3_free(got);
    sqlite3_free(expected);
}

/* ---- lines ---- */

static void read_line(struct connection *connection, const char *what, const char *line)
{
    size_t size = strcspn(what, " ");
    const char *expected_status = what + size + (what[size] == ' ');
    bool all = size == 3 && strncmp(what, "all", 3) == 0;
    bool found = false;
    for (int i = 0; i < READS; i++) {
        if (all ? i < READ_X : strncmp(reads[i].name, what, size) == 0 && !reads[i].name[size]) {
            check_read(connection, i, expected_status, line);
            found = true;
        }
    }
    if (!found)
        stop(line);
}

static void play_line(const char *line)
{
    const char *rest = line + 1;
    if (strcmp(line, "pause") == 0) {
        file_tick();
        return;
    }
    if (strcmp(line, "overwritten") == 0) {
        scenario->overwrite();
        return;
    }
    if (strchr("PQK", line[0]) != NULL) {
        if (!run_process(line[0], scenario_file(), line + 3))
            ok(false, title(line));
        return;
    }
    if (strcmp(rest, " closes") == 0) {
        close_connection(&connections[line[0] - 'A']);
        return;
    }
    struct connection *connection = open_connection(line[0]);
    if (strncmp(rest, ": ", 2) == 0)
        run(connection->db, "%s", rest + 2);
    else if (strncmp(rest, " fails: ", 8) == 0)
        ok(try(connection->db, rest + 8) != SQLITE_OK, title(line));
    else if (strncmp(rest, " reads ", 7) == 0)
        read_line(connection, rest + 7, line);
    else if (strcmp(rest, " acts") == 0)
        scenario->act(connection->db);
    else if (strcmp(rest, " opens") != 0)
        stop(line);
}

/* ---- scenarios ---- */

static void make_files(void)
{
    const char *mode = variant->mode == IN_WAL ? "WAL" : "DELETE";
    sqlite3 *maker = open_plain(fresh_file("scenario.db"), 0);
    run(maker, "PRAGMA encoding = '%s'; PRAGMA journal_mode = %s; " QUICK SCHEMA,
        scenario->encoding != NULL ? scenario->encoding : "UTF-8", mode);
    if (scenario->setup != NULL)
        run(maker, "%s", scenario->setup);
    if (scenario->attached)
        run(maker,
            "ATTACH %Q AS aux; PRAGMA aux.journal_mode = %s;"
            "CREATE TABLE aux.n(x INTEGER PRIMARY KEY, y); INSERT INTO aux.n VALUES (1, 1), (2, 2);"
            "CREATE TABLE aux.m(x INTEGER PRIMARY KEY); INSERT INTO aux.m VALUES (1)",
            fresh_file("scenario-attached.db"), mode);
    sqlite3_close(maker);
    file_tick();
}

/* See to it that the WAL holds a commit; A keeps it from being removed. */
static void begin_wal(void)
{
    sqlite3 *foreign = open_plain(scenario_file(), 0);
    sqlite3_free(rows(open_connection('A')->db, "SELECT 1 FROM main.t"));
    run(foreign, "UPDATE t SET c = c + 1 WHERE a = 1");
    sqlite3_close(foreign);
}

void play(const struct scenario *played)
{
    scenario = played;
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        variant = &variants[i];
        if ((scenario->modes != 0 && scenario->modes != variant->mode) ||
            (scenario->written && variant->empty_wal))
            continue;
        make_files();
        if (variant->mode == IN_WAL && !variant->empty_wal)
            begin_wal();
        for (int j = 0; j < SCENARIO_LINES && scenario->lines[j] != NULL; j++)
            play_line(scenario->lines[j]);
        for (size_t j = 0; j < sizeof connections / sizeof connections[0]; j++)
            close_connection(&connections[j]);
        is_int(kept_entries(), 0, title("with all connections closed nothing is kept"));
    }
}

void play_all(const struct scenario *scenarios, size_t count)
{
    for (size_t i = 0; i < count; i++)
        play(&scenarios[i]);
}
