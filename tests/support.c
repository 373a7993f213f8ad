#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "querycache.h"

/* support.c prints checks on behalf of the test program, whose count it must share: see tap.h. */
#include "tap.h"

static char folder[64];

static void remove_folder(void)
{
    DIR *files = opendir(folder);
    const struct dirent *file;
    while (files != NULL && (file = readdir(files)) != NULL) {
        char *path = sqlite3_mprintf("%s/%s", folder, file->d_name);
        if (file->d_name[0] != '.')
            unlink(path);
        sqlite3_free(path);
    }
    if (files != NULL)
        closedir(files);
    if (rmdir(folder) != 0)
        fprintf(stderr, "# %s is left behind\n", folder);
}

const char *scratch_folder(void)
{
    if (folder[0] == '\0') {
        strcpy(folder, "/tmp/querycache-test-XXXXXX");
        if (mkdtemp(folder) == NULL) {
            perror("mkdtemp");
            exit(2);
        }
        atexit(remove_folder);
    }
    return folder;
}

const char *scratch_file(const char *name)
{
    static char *paths[64];
    static int count;
    char *path = sqlite3_mprintf("%s/%s", scratch_folder(), name);
    for (int i = 0; i < count; i++) {
        if (strcmp(paths[i], path) == 0) {
            sqlite3_free(path);
            return paths[i];
        }
    }
    return count < 64 ? (paths[count++] = path) : NULL;
}

const char *fresh_file(const char *name)
{
    const char *path = scratch_file(name);
    const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char *file = sqlite3_mprintf("%s%s", path, suffixes[i]);
        unlink(file);
        sqlite3_free(file);
    }
    return path;
}

static void die(sqlite3 *db, const char *what)
{
    printf("Bail out! %s: %s\n", what, sqlite3_errmsg(db));
    exit(2);
}

sqlite3 *open_plain(const char *path, int flags)
{
    sqlite3 *db = NULL;
    if (flags == 0)
        flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK)
        die(db, path);
    return db;
}

sqlite3 *open_cached(const char *path, int flags)
{
    sqlite3 *db = open_plain(path, flags);
    if (querycache_init(db) != SQLITE_OK)
        die(db, "querycache_init");
    return db;
}

int try(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

sqlite3_stmt *prepare_plain(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    return statement;
}

sqlite3_stmt *prepare_cached(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    querycache_prepare_v2(db, sql, -1, &statement, NULL, NULL);
    return statement;
}

bool is_prepared_cached(sqlite3_stmt *statement)
{
    const char *sql = statement != NULL ? sqlite3_sql(statement) : NULL;
    return sql != NULL && strncmp(sql, ";; SELECT ", 10) == 0;
}

void run(sqlite3 *db, const char *sql, ...)
{
    va_list arguments;
    va_start(arguments, sql);
    char *text = sqlite3_vmprintf(sql, arguments);
    va_end(arguments);
    if (try(db, text) != SQLITE_OK)
        die(db, text);
    sqlite3_free(text);
}

static void add_cell(sqlite3_str *text, sqlite3_stmt *statement, int column)
{
    int size = sqlite3_column_bytes(statement, column);
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
        sqlite3_str_appendall(text, "null");
        break;
    case SQLITE_INTEGER:
        sqlite3_str_appendf(text, "%lld", sqlite3_column_int64(statement, column));
        break;
    case SQLITE_FLOAT:
        sqlite3_str_appendf(text, "%!.17g", sqlite3_column_double(statement, column));
        break;
    case SQLITE_TEXT:
        sqlite3_str_appendf(text, "'%.*s'", size, sqlite3_column_text(statement, column));
        break;
    default: {
        const unsigned char *bytes = sqlite3_column_blob(statement, column);
        sqlite3_str_appendall(text, "x'");
        for (int i = 0; i < size; i++)
            sqlite3_str_appendf(text, "%02x", bytes[i]);
        sqlite3_str_appendall(text, "'");
    }
    }
}

char *rows(sqlite3 *db, const char *sql)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            sqlite3_str_appendall(text, i > 0 ? "|" : "");
            add_cell(text, statement, i);
        }
        sqlite3_str_appendchar(text, 1, '\n');
        rc = SQLITE_OK;
    }
    if (rc != SQLITE_DONE)
        sqlite3_str_appendf(text, "error: %s", sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    char *result = sqlite3_str_finish(text);
    return result != NULL ? result : sqlite3_mprintf("");
}

long long number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        die(db, sql);
    long long value =
        sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return value;
}

const char *status(sqlite3 *db)
{
    static char text[16];
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, "SELECT coalesce(cache_last_status(), 'none')", -1, &statement,
                           NULL) != SQLITE_OK)
        die(db, "cache_last_status()");
    sqlite3_step(statement);
    snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return text;
}

bool same_as(sqlite3 *db, const char *cached, const char *plain, const char *expected_status,
             const char *name)
{
    char *got = rows(db, cached);
    const char *was = status(db);
    char *expected = rows(db, plain);
    bool passed = strcmp(got, expected) == 0 &&
                  (expected_status == NULL || strcmp(was, expected_status) == 0);
    printf("%sok %d - %s\n", passed ? "" : "not ", ++tap_count, name);
    if (!passed) {
        tap_failed++;
        printf("#   %s\n#        got: %s (%s)\n#   expected: %s (%s)\n", cached, got, was, expected,
               expected_status != NULL ? expected_status : "any");
    }
    fflush(stdout);
    sqlite3_free(got);
    sqlite3_free(expected);
    return passed;
}

bool same(sqlite3 *db, const char *cached, const char *plain, const char *name)
{
    return same_as(db, cached, plain, NULL, name);
}
