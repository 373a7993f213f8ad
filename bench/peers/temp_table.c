/*
** Results kept by hand in a temp table in memory: the rows for all parameters, with the parameter
** beside them, by itself or with an index on it.
*/
#include "../support/measure.h"
#include "peer.h"

struct table {
    const char *name;
    bool indexed;
    const struct query *query;
    sqlite3_stmt *read;
};

/* Both are there at the same time. */
static struct table without_index = {.name = "kept"};
static struct table with_index = {.name = "kept_indexed", .indexed = true};

static const char *temp_open(void *self, const struct query *query)
{
    ((struct table *)self)->query = query;
    return NULL;
}

static void keep_rows(const struct table *table)
{
    sqlite3 *db = table->query->db;
    bench_run(db, "CREATE TEMP TABLE %s AS SELECT 0 AS parameter, * FROM (%s) WHERE false",
              table->name, table->query->sql);
    sqlite3_stmt *insert = bench_prepare(db, "INSERT INTO temp.%s SELECT :store, * FROM (%s)",
                                         table->name, table->query->sql);
    bench_run(db, "BEGIN");
    for (int i = 1; i <= table->query->parameters; i++) {
        sqlite3_bind_int(insert, 1, i);
        bench_step(insert);
    }
    bench_run(db, "COMMIT");
    sqlite3_finalize(insert);
    if (table->indexed)
        bench_run(db, "CREATE INDEX temp.kept_by_parameter ON %s(parameter)", table->name);
}

/* All columns but the first, which is the parameter. */
static void temp_keep(void *self)
{
    struct table *table = self;
    keep_rows(table);
    sqlite3_str *columns = sqlite3_str_new(NULL);
    for (int i = 0; i < sqlite3_column_count(table->query->plain); i++)
        sqlite3_str_appendf(columns, "%s\"%w\"", i > 0 ? ", " : "",
                            sqlite3_column_name(table->query->plain, i));
    char *names = sqlite3_str_finish(columns);
    table->read = bench_prepare(table->query->db, "SELECT %s FROM temp.%s WHERE parameter = ?",
                                names, table->name);
    sqlite3_free(names);
}

static void temp_read(void *self, struct reading *reading, sqlite3_int64 parameter)
{
    const struct table *table = self;
    sqlite3_bind_int64(table->read, 1, parameter);
    rows_of_statement(reading, table->read);
}

static double pragma_value(sqlite3 *db, const char *name)
{
    sqlite3_stmt *statement = bench_prepare(db, "PRAGMA temp.%s", name);
    if (sqlite3_step(statement) != SQLITE_ROW)
        bench_fail(name, "no row");
    double value = sqlite3_column_double(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

/* The pages in use: those of a table that was dropped stay, free. */
static double temp_memory(void *self)
{
    sqlite3 *db = ((struct table *)self)->query->db;
    return (pragma_value(db, "page_count") - pragma_value(db, "freelist_count")) *
           pragma_value(db, "page_size");
}

static void temp_close(void *self)
{
    const struct table *table = self;
    sqlite3_finalize(table->read);
    bench_run(table->query->db, "DROP TABLE temp.%s", table->name);
}

#define METHODS                                                                                    \
    .open = temp_open, .keep = temp_keep, .read = temp_read, .memory = temp_memory,                \
    .close = temp_close

const struct peer temp_table_peer = {.name = "temp table", .self = &without_index, METHODS};
const struct peer indexed_temp_table_peer = {
    .name = "temp table with an index", .self = &with_index, METHODS};
