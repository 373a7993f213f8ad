#include "measure.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How wide names are printed. */
#define NAME_WIDTH 46

/* How long a connection waits for a lock, in milliseconds. */
#define PATIENCE 60000

_Noreturn void bench_fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

/* ---- files ---- */

static char folder[256];
static pid_t folder_owner;

/* A forked child leaves it to the parent. */
static void remove_folder(void)
{
    DIR *files = getpid() == folder_owner ? opendir(folder) : NULL;
    const struct dirent *file;
    if (files == NULL)
        return;
    while ((file = readdir(files)) != NULL) {
        char path[sizeof folder + sizeof file->d_name + 1];
        snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
        if (file->d_name[0] != '.')
            unlink(path);
    }
    closedir(files);
    rmdir(folder);
}

char *bench_file(const char *name)
{
    const char *parent = getenv("TMPDIR");
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "%s/querycache-bench-XXXXXX",
                 parent != NULL ? parent : "/tmp");
        if (mkdtemp(folder) == NULL)
            bench_fail(folder, "cannot be made");
        folder_owner = getpid();
        atexit(remove_folder);
    }
    char *path = sqlite3_mprintf("%s/%s", folder, name);
    if (path == NULL)
        bench_fail(name, "out of memory");
    return path;
}

/* ---- SQL ---- */

void bench_check(sqlite3 *db, int rc, const char *what)
{
    if (rc != SQLITE_OK)
        bench_fail(what, sqlite3_errmsg(db));
}

sqlite3 *bench_open(const char *name, bool cached)
{
    sqlite3 *db = NULL;
    char *path = bench_file(name);
    bench_check(db, sqlite3_open(path, &db), path);
    sqlite3_free(path);
    sqlite3_busy_timeout(db, PATIENCE);
    if (cached)
        bench_check(db, querycache_init(db), "querycache_init");
    return db;
}

void bench_run(sqlite3 *db, const char *sql, ...)
{
    va_list arguments;
    va_start(arguments, sql);
    char *text = sqlite3_vmprintf(sql, arguments);
    va_end(arguments);
    bench_check(db, text != NULL ? sqlite3_exec(db, text, NULL, NULL, NULL) : SQLITE_NOMEM, text);
    sqlite3_free(text);
}

sqlite3_stmt *bench_prepare(sqlite3 *db, const char *sql, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list arguments;
    va_start(arguments, sql);
    char *text = sqlite3_vmprintf(sql, arguments);
    va_end(arguments);
    bench_check(db, sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL),
                text);
    sqlite3_free(text);
    return statement;
}

void bench_step(sqlite3_stmt *statement)
{
    int rc;
    do
        rc = sqlite3_step(statement);
    while (rc == SQLITE_ROW);
    if (rc != SQLITE_DONE)
        bench_fail(sqlite3_sql(statement), sqlite3_errmsg(sqlite3_db_handle(statement)));
    sqlite3_reset(statement);
}

bool bench_was_hit(sqlite3_stmt *last_status)
{
    const char *status = NULL;
    if (sqlite3_step(last_status) == SQLITE_ROW)
        status = (const char *)sqlite3_column_text(last_status, 0);
    bool hit = status != NULL && (strcmp(status, "hit") == 0 || strcmp(status, "coalesced") == 0);
    sqlite3_reset(last_status);
    return hit;
}

/* ---- numbers ---- */

uint64_t bench_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned bench_below(uint64_t *state, unsigned limit)
{
    return (unsigned)(bench_random(state) % limit);
}

unsigned bench_number(const char *argument, unsigned limit)
{
    char *rest;
    unsigned long number = strtoul(argument, &rest, 10);
    if (rest == argument || *rest != '\0' || number >= limit)
        bench_fail(argument, "is no number, or is too large");
    return (unsigned)number;
}

static int compare_numbers(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

double bench_median(double *numbers, int count)
{
    qsort(numbers, (size_t)count, sizeof *numbers, compare_numbers);
    return numbers[count / 2];
}

double bench_median_ratio(const double *over, const double *under, int count)
{
    double *ratios = malloc((size_t)count * sizeof *ratios);
    if (ratios == NULL)
        bench_fail("a median", "out of memory");
    for (int i = 0; i < count; i++)
        ratios[i] = over[i] / under[i];
    double median = bench_median(ratios, count);
    free(ratios);
    return median;
}

/* ---- printing ---- */

static void print_name(const char *format, va_list arguments)
{
    char name[128];
    vsnprintf(name, sizeof name, format, arguments);
    printf("  %-*s ", NAME_WIDTH, name);
}

void bench_header(void)
{
    printf("querycache %s, SQLite %s\n", querycache_version(), sqlite3_libversion());
}

void bench_print(double value, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    print_name(name, arguments);
    va_end(arguments);
    printf("%8.3f\n", value);
}

void bench_print_time(double nanoseconds, const char *name, ...)
{
    va_list arguments;
    va_start(arguments, name);
    print_name(name, arguments);
    va_end(arguments);
    if (nanoseconds >= 1e4)
        printf("%8.2f us\n", nanoseconds / 1e3);
    else
        printf("%8.0f ns\n", nanoseconds);
}

void bench_print_target(double value, enum bound bound, double target, const char *name, ...)
{
    bool met = bound == AT_MOST ? value <= target : value >= target;
    va_list arguments;
    va_start(arguments, name);
    print_name(name, arguments);
    va_end(arguments);
    printf("%8.3f, target: at %s %g: %s\n", value, bound == AT_MOST ? "most" : "least", target,
           met ? "met" : "missed");
}
