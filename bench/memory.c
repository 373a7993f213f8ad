/*
** What kept rows weigh, beside SQLite's own records of them; and whether cache_stats reports what
** the process really takes, for results of many sizes, each in a process of its own that fills a
** store of 256 MB.
**
**     make bench
*/
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined __linux__
#include <malloc.h>
#endif

#include "store/result.h"
#include "support/measure.h"

/* ---- what a row weighs ---- */

/* A varint has seven bits a byte (https://www.sqlite.org/fileformat2.html#varint). */
static size_t varint_size(uint64_t value)
{
    size_t size = 1;
    while ((value >>= 7) != 0 && size < 9)
        size++;
    return size;
}

/* https://www.sqlite.org/fileformat2.html#record_format: the bytes of the body, and the serial type
** that stands for them in the header. */
static size_t body_size(const struct cell *cell, uint64_t *serial_type)
{
    static const struct {
        size_t size;
        int64_t most;
    } integers[] = {{1, INT8_MAX},  {2, INT16_MAX},      {3, 0x7fffff},
                    {4, INT32_MAX}, {6, 0x7fffffffffff}, {8, INT64_MAX}};
    *serial_type = 0;
    if (cell->type == CELL_NULL || (cell->type == CELL_INTEGER && (cell->integer | 1) == 1))
        return 0;
    if (cell->type == CELL_TEXT || cell->type == CELL_BLOB) {
        *serial_type = 12 + 2 * cell->size + (cell->type == CELL_TEXT);
        return cell->size;
    }
    if (cell->type == CELL_REAL)
        return 8;
    for (size_t i = 0;; i++)
        if (cell->integer <= integers[i].most && cell->integer >= -integers[i].most - 1)
            return integers[i].size;
}

static size_t record_size(const struct cell *row, unsigned columns)
{
    size_t header = 0;
    size_t body = 0;
    for (unsigned i = 0; i < columns; i++) {
        uint64_t serial_type;
        body += body_size(&row[i], &serial_type);
        header += varint_size(serial_type);
    }
    /* The header counts its own size; these rows have one byte for that. */
    return 1 + header + body;
}

#define COLUMNS 3

/* Fill in a row by random numbers. */
typedef unsigned (*make_row)(uint64_t *random, struct cell *row);

static struct cell integer(int64_t value)
{
    return (struct cell){.type = CELL_INTEGER, .integer = value};
}

/* Any from 101 to 2^31, all alike. */
static unsigned make_integers(uint64_t *random, struct cell *row)
{
    for (int i = 0; i < COLUMNS; i++)
        row[i] = integer(101 + bench_below(random, (1U << 31) - 100));
    return COLUMNS;
}

/* From 101 to 2^31, small ones as often as large ones. */
static unsigned make_magnitudes(uint64_t *random, struct cell *row)
{
    for (int i = 0; i < COLUMNS; i++)
        row[i] =
            integer((int64_t)(101 * pow(0x1p31 / 101, bench_below(random, 1U << 24) / 0x1p24)));
    return COLUMNS;
}

static unsigned make_small(uint64_t *random, struct cell *row)
{
    for (int i = 0; i < COLUMNS; i++)
        row[i] = integer(101 + bench_below(random, 900));
    return COLUMNS;
}

static unsigned make_real(uint64_t *random, struct cell *row)
{
    *row = (struct cell){.type = CELL_REAL, .real = bench_below(random, 1U << 20) + 0.5};
    return 1;
}

static unsigned make_text(uint64_t *random, struct cell *row)
{
    static char text[21];
    snprintf(text, sizeof text, "%020u", bench_below(random, 1U << 30));
    *row = (struct cell){.type = CELL_TEXT, .bytes = text, .size = sizeof text - 1};
    return 1;
}

static void weigh(make_row make, double target, const char *name)
{
    enum { ROWS = 10000 };
    uint64_t random = 1;
    struct cell row[COLUMNS];
    size_t records = 0;
    struct result_builder *builder = NULL;
    for (int i = 0; i < ROWS; i++) {
        unsigned columns = make(&random, row);
        if (builder == NULL)
            builder = result_builder_new(columns);
        if (builder == NULL || !result_builder_add(builder, row))
            bench_fail(name, "out of memory");
        records += record_size(row, columns);
    }
    struct result *result = result_builder_finish(builder);
    if (result == NULL)
        bench_fail(name, "out of memory");
    bench_print_target((double)result_size(result) / (double)records, AT_MOST, target,
                       "%s (%.2f bytes)", name, (double)result_size(result) / ROWS);
    result_release(result);
}

/* ---- what is reported, and what is taken ---- */

/* The part that malloc has handed out, with its own overhead; mallinfo2() is glibc's since 2.33. */
#if defined __GLIBC__ && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
static double allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return (double)info.uordblks + (double)info.hblkhd;
}
#else
static double allocated(void)
{
    return NAN;
}
#endif

/* Of the memory that is resident, NAN where the system does not say. */
static double resident(void)
{
    char line[128];
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL)
        return NAN;
    const char *found = fgets(line, sizeof line, file);
    fclose(file);
    /* The second number; both are of pages. */
    const char *pages = found != NULL ? strchr(line, ' ') : NULL;
    return pages != NULL ? (double)strtol(pages, NULL, 10) * (double)sysconf(_SC_PAGESIZE) : NAN;
}

static double reported(sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_ROW)
        bench_fail("cache_stats", "gives no row");
    double bytes = sqlite3_column_double(statement, 0);
    sqlite3_reset(statement);
    return bytes;
}

struct filling {
    const char *name;
    const char *columns; /* of the query, for parameter i */
};

static void read_once(sqlite3_stmt *read, sqlite3_int64 number)
{
    sqlite3_bind_int64(read, 1, number);
    bench_step(read);
}

static void fill(const struct filling *filling)
{
    enum { WARM = 20, LOOK = 50 };
    const double enough = 250e6;
    sqlite3 *db = bench_open("memory.db", true);
    bench_run(db, "PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS one(n INT);"
                  "DELETE FROM one; INSERT INTO one VALUES (1);"
                  "SELECT cache_configure('max_entries', 100000000);"
                  "SELECT cache_configure('max_bytes', '256 MB')");
    bench_run(db,
              "CREATE VIRTUAL TABLE temp.kept USING cache((SELECT %s FROM main.one), ttl = 'none')",
              filling->columns);
    sqlite3_stmt *stats = bench_prepare(db, "SELECT bytes FROM cache_stats");
    sqlite3_stmt *evictions = bench_prepare(db, "SELECT evictions FROM cache_stats");
    sqlite3_stmt *read = bench_prepare(db, "SELECT count(*) FROM kept(?)");
    sqlite3_int64 number = 0;
    while (number < WARM)
        read_once(read, ++number);
    double told = reported(stats);
    double taken = allocated();
    double in_memory = resident();
    while (number % LOOK != 0 || reported(stats) < enough)
        read_once(read, ++number);
    told = reported(stats) - told;
    taken = allocated() - taken;
    in_memory = resident() - in_memory;
    if (reported(evictions) > 0)
        bench_fail(filling->name, "evicted something while there was room");
    printf("  %s: %.0f bytes an entry\n", filling->name, told / (double)(number - WARM));
    if (!isnan(taken))
        bench_print_target(fabs(told / taken - 1), AT_MOST, 0.05,
                           "  off what malloc handed out, %+.1f %%", (told / taken - 1) * 100);
    if (!isnan(in_memory))
        bench_print(fabs(told / in_memory - 1), "  off the growth in memory, %+.1f %%",
                    (told / in_memory - 1) * 100);
    sqlite3_finalize(stats);
    sqlite3_finalize(evictions);
    sqlite3_finalize(read);
    bench_check(db, sqlite3_close(db), "close");
}

/* In a child, so that nothing is left of the one before. */
static void fill_apart(const struct filling *filling)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        fill(filling);
        exit(0); /* its files go with it */
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        bench_fail(filling->name, "the process that filled the store failed");
}

int main(void)
{
    static const struct filling fillings[] = {
        {"a row of one integer", ":i + n"},
        {"a row of ten columns",
         ":i, n, 1000, 0.5, 'text', NULL, 'another text', 7, x'00', :i / 2.0"},
        {"a text of 300 bytes", ":i, printf('%.*c', 300, 'x')"},
        {"a text of 4 KB", ":i, printf('%.*c', 4000, 'x')"},
        {"a text of 70 KB", ":i, printf('%.*c', 70000, 'x')"},
        {"a text of 1 to 200 KB", ":i, printf('%.*c', 1000 + :i * 7919 % 199000, 'x')"},
        {"a text of 1 MB", ":i, printf('%.*c', 1000000, 'x')"},
    };
    bench_header();
    printf("\nA kept row, in bytes of SQLite's record of it (10,000 rows)\n");
    weigh(make_integers, 1.0, "three integers from 101 to 2^31");
    weigh(make_magnitudes, 1.0, "the same, of all magnitudes alike");
    weigh(make_small, 1.0, "three integers from 101 to 1000");
    weigh(make_real, 1.1, "a real with a fraction");
    weigh(make_text, 1.3, "a text of 20 bytes");
    printf("\nWhat cache_stats reports, of 250 MB of entries\n");
    for (size_t i = 0; i < sizeof fillings / sizeof fillings[0]; i++)
        fill_apart(&fillings[i]);
    return 0;
}
