/*
** How a hit of one row grows with the parameters of its query, all of them bound anew for each
** read: integers, and texts of 20 characters. Beside it the plain query.
**
**     make bench-report        keeps and draws what this prints, which is CSV
*/
#include <stdio.h>

#include "../support/measure.h"
#include "../support/series.h"

#define MOST 16
#define TEXT "a text of 20 letters"

struct parameters {
    sqlite3_stmt *statement;
    int count;
    bool texts;
};

static void bind_and_read(void *context)
{
    const struct parameters *parameters = context;
    struct reading reading = {0};
    for (int i = 1; i <= parameters->count; i++) {
        if (parameters->texts)
            sqlite3_bind_text(parameters->statement, i, TEXT, (int)sizeof TEXT - 1, SQLITE_STATIC);
        else
            sqlite3_bind_int(parameters->statement, i, i);
    }
    rows_of_statement(&reading, parameters->statement);
}

/* Text after text: "?, ?, ?". */
static char *list(sqlite3 *db, const char *text, int count)
{
    sqlite3_str *all = sqlite3_str_new(db);
    for (int i = 0; i < count; i++)
        sqlite3_str_appendf(all, "%s%s", i > 0 ? ", " : "", text);
    char *finished = sqlite3_str_finish(all);
    return finished != NULL ? finished : sqlite3_mprintf("");
}

static void bench_count(sqlite3 *db, sqlite3_stmt *last_status, int count)
{
    char *marks = list(db, "?", count);
    char *query = sqlite3_mprintf("SELECT count(*) AS n FROM main.item WHERE name IN (%s)", marks);
    bench_run(db, "CREATE VIRTUAL TABLE temp.cached_%d USING cache((%s), ttl = 'none')", count,
              query);
    struct parameters contexts[] = {
        {bench_prepare(db, "SELECT n FROM cached_%d(%s)", count, marks), count, false},
        {bench_prepare(db, "SELECT n FROM cached_%d(%s)", count, marks), count, true},
        {bench_prepare(db, "%s", query), count, false},
    };
    struct side sides[3];
    for (int i = 0; i < 3; i++)
        sides[i] = (struct side){.run = bind_and_read, .context = &contexts[i]};
    series_measure(sides, 3);
    if (!bench_was_hit(last_status))
        bench_fail(query, "a read that should be a hit was none");
    printf("%d,%.0f,%.0f,%.0f\n", count, sides[0].time, sides[1].time, sides[2].time);
    for (int i = 0; i < 3; i++)
        sqlite3_finalize(contexts[i].statement);
    sqlite3_free(marks);
    sqlite3_free(query);
}

int main(void)
{
    sqlite3 *db = bench_open("parameters.db", true);
    bench_run(db, "PRAGMA journal_mode = WAL; CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT);"
                  "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
                  "INSERT INTO item SELECT i, 'item ' || i FROM n");
    sqlite3_stmt *last_status = bench_prepare(db, "SELECT cache_last_status()");
    puts("parameters,hit with integers ns,hit with texts ns,plain query ns");
    for (int count = 0; count <= MOST; count++)
        bench_count(db, last_status, count);
    sqlite3_finalize(last_status);
    bench_check(db, sqlite3_close(db), "close");
    return 0;
}
