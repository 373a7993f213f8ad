/*
** Numbers at the ends of their ranges: in a SELECT, as its parameters, in what is asked of a cached
** table, in options and settings. Each gives what the SELECT itself gives, or an error that says
** why; and under the sanitizers (make asan) no arithmetic of the extension overflows.
*/
#include <stdlib.h>

#include "support.h"
#include "tap.h"

#define LENGTH(list) (sizeof(list) / sizeof(list)[0])

static const char *const numbers[] = {
    "0",
    "-1",
    "2147483647",
    "-2147483647",
    "-2147483648",
    "2147483648",
    "-2147483649",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "1e308",
    "-1e999",
};

/* As constants in a program, where EXPLAIN shows them as p1 to p4. %s is the number. */
static const char *const selects[] = {
    "SELECT %s",
    "SELECT id, %s FROM t",
    "SELECT id FROM t WHERE id = %s",
    "SELECT id FROM t WHERE id > %s ORDER BY id DESC",
    "SELECT id FROM t WHERE rowid BETWEEN %s AND 3",
    "SELECT id FROM t WHERE n IN (%s, 7)",
    "SELECT id FROM t ORDER BY id LIMIT %s",
    "SELECT id FROM t ORDER BY id LIMIT 3 OFFSET %s",
    "SELECT id FROM t ORDER BY id LIMIT %s OFFSET 9223372036854775807",
    "SELECT total(n) OVER (ORDER BY id ROWS 1 PRECEDING), %s FROM t",
    "SELECT n %% %s, n | %s FROM t",
    "SELECT count(*) FROM t GROUP BY n = %s HAVING count(*) > %s",
    "VALUES (%s), (1)",
};

static void test_constants(sqlite3 *db)
{
    for (size_t s = 0; s < LENGTH(selects); s++) {
        int different = 0;
        for (size_t n = 0; n < LENGTH(numbers); n++) {
            char *select = sqlite3_mprintf(selects[s], numbers[n], numbers[n]);
            char *call = sqlite3_mprintf("SELECT cache_query(%Q)", select);
            char *table = sqlite3_mprintf("CREATE VIRTUAL TABLE temp.c USING cache((%s))", select);
            char *plain = rows(db, select);
            try(db, table);
            for (int turn = 0; turn < 2; turn++) {
                sqlite3_free(rows(db, call));
                char *got = rows(db, "SELECT * FROM c");
                different += strcmp(got, plain) != 0 && strncmp(plain, "error", 5) != 0;
                sqlite3_stmt *made = prepare_cached(db, select);
                while (sqlite3_step(made) == SQLITE_ROW)
                    ;
                sqlite3_finalize(made);
                sqlite3_free(got);
            }
            try(db, "DROP TABLE c");
            sqlite3_free(plain);
            sqlite3_free(table);
            sqlite3_free(call);
            sqlite3_free(select);
        }
        is_int(different, 0, selects[s]);
    }
}

/* The number is a parameter's value, and what a cached table's rows are compared with. */
static void test_values(sqlite3 *db)
{
    static const char *const reads[][2] = {
        {"SELECT * FROM below(%s)", "SELECT id, n FROM t WHERE id < %s"},
        {"SELECT * FROM page(%s, 1)", "SELECT id FROM t ORDER BY id LIMIT %s OFFSET 1"},
        {"SELECT * FROM page(2, %s)", "SELECT id FROM t ORDER BY id LIMIT 2 OFFSET %s"},
        {"SELECT n FROM every WHERE id = %s", "SELECT n FROM t WHERE id = %s"},
        {"SELECT id FROM every WHERE n = %s", "SELECT id FROM t WHERE n = %s"},
        {"SELECT id FROM every WHERE n IN (%s, 5, 6)", "SELECT id FROM t WHERE n IN (%s, 5, 6)"},
        {"SELECT id FROM every WHERE n >= %s", "SELECT id FROM t WHERE n >= %s"},
        {"SELECT id FROM every WHERE n < %s ORDER BY n, id",
         "SELECT id FROM t WHERE n < %s ORDER BY n, id"},
        {"SELECT id FROM every LIMIT %s", "SELECT id FROM t LIMIT %s"},
        {"SELECT id FROM every LIMIT 3 OFFSET %s", "SELECT id FROM t LIMIT 3 OFFSET %s"},
    };
    run(db, "CREATE VIRTUAL TABLE temp.below USING cache((SELECT id, n FROM t WHERE id < ?));"
            "CREATE VIRTUAL TABLE temp.page USING cache((SELECT id FROM t ORDER BY id LIMIT ? "
            "OFFSET ?));"
            "CREATE VIRTUAL TABLE temp.every USING cache((SELECT id, n FROM t))");
    for (size_t r = 0; r < LENGTH(reads); r++) {
        int different = 0;
        for (size_t n = 0; n < 2 * LENGTH(numbers); n++) {
            const char *number = numbers[n / 2];
            char *cached = sqlite3_mprintf(reads[r][0], number);
            char *plain = sqlite3_mprintf(reads[r][1], number);
            char *got = rows(db, cached);
            char *expected = rows(db, plain);
            if (strcmp(got, expected) != 0 && ++different == 1)
                printf("# %s: %s, not %s\n", cached, got, expected);
            sqlite3_free(got);
            sqlite3_free(expected);
            sqlite3_free(cached);
            sqlite3_free(plain);
        }
        is_int(different, 0, reads[r][0]);
    }
}

/* SQLite refuses most; the cache reads them before. */
static void test_parameter_numbers(sqlite3 *db)
{
    static const char *const parameters[] = {
        "?0",
        "?32766",
        "?250000",
        "?250001",
        "?2147483646",
        "?2147483647",
        "?2147483648",
        "?4294967295",
        "?4294967296",
        "?4294967297",
        "?9223372036854775807",
        "?9223372036854775808",
        "?99999999999999999999999",
    };
    for (size_t p = 0; p < LENGTH(parameters); p++) {
        char *select = sqlite3_mprintf("SELECT %s, ?, :name FROM t", parameters[p]);
        char *call = sqlite3_mprintf("SELECT cache_query(%Q)", select);
        char *key = sqlite3_mprintf("SELECT cache_key(%Q)", select);
        char *table = sqlite3_mprintf("CREATE VIRTUAL TABLE temp.c USING cache((%s))", select);
        sqlite3_stmt *plain = prepare_plain(db, select);
        sqlite3_stmt *made = prepare_cached(db, select);
        is_int(sqlite3_bind_parameter_count(made), sqlite3_bind_parameter_count(plain),
               parameters[p]);
        is_int(try(db, call) == SQLITE_OK, 0, "its values were not given");
        is_int(try(db, key) == SQLITE_OK, 0, "its values were not given");
        is_int(try(db, table) == SQLITE_OK, plain != NULL && p > 0,
               "a cached table needs what SQLite prepares");
        try(db, "DROP TABLE c");
        sqlite3_finalize(plain);
        sqlite3_finalize(made);
        sqlite3_free(select);
        sqlite3_free(call);
        sqlite3_free(key);
        sqlite3_free(table);
    }
}

static void test_options(sqlite3 *db)
{
    static const char *const options[] = {"ttl",      "tti",      "max_entries",     "max_bytes",
                                          "max_rows", "min_time", "max_result_bytes"};
    static const char *const settings[] = {"ttl",  "tti",   "max_entries",     "max_bytes",
                                           "slow", "hooks", "max_result_bytes"};
    static const char *const units[] = {"", " d", " us", " TiB"};
    for (size_t o = 0; o < LENGTH(options); o++) {
        for (size_t n = 0; n < LENGTH(numbers) * LENGTH(units); n++) {
            char *value =
                sqlite3_mprintf("%s%s", numbers[n / LENGTH(units)], units[n % LENGTH(units)]);
            char *sql =
                sqlite3_mprintf("CREATE VIRTUAL TABLE temp.c USING cache((SELECT * FROM t), "
                                "%s = '%s')",
                                options[o], value);
            if (try(db, sql) == SQLITE_OK) {
                sqlite3_free(rows(db, "SELECT * FROM c"));
                sqlite3_free(rows(db, "SELECT * FROM c"));
                sqlite3_free(rows(db, "SELECT * FROM cache_entries"));
                sqlite3_free(rows(db, "SELECT * FROM cache_definitions"));
                run(db, "DROP TABLE c");
            }
            sqlite3_free(sql);
            sql = sqlite3_mprintf("SELECT cache_configure(%Q, %Q)", settings[o], value);
            try(db, sql);
            sqlite3_free(rows(db, "SELECT cache_query('SELECT count(*) FROM t')"));
            sqlite3_free(rows(db, "SELECT * FROM cache_config"));
            sqlite3_free(rows(db, "SELECT * FROM cache_entries"));
            sqlite3_free(sql);
            sqlite3_free(value);
        }
        char *sql = sqlite3_mprintf("UPDATE cache_config SET value = default_value WHERE name = %Q",
                                    settings[o]);
        run(db, sql);
        sqlite3_free(sql);
        ok(true, options[o]);
    }
}

/* Rowids of the cache's own tables. */
static void test_rowids(sqlite3 *db)
{
    for (size_t n = 0; n < LENGTH(numbers); n++) {
        char *sql = sqlite3_mprintf("DELETE FROM cache_entries WHERE rowid = %s;"
                                    "UPDATE cache_config SET value = value WHERE rowid = %s",
                                    numbers[n], numbers[n]);
        is_int(try(db, sql), SQLITE_OK, "a rowid that is nobody's");
        sqlite3_free(sql);
        sql = sqlite3_mprintf("UPDATE cache_config SET rowid = %s WHERE name = 'ttl'", numbers[n]);
        ok(try(db, sql) != SQLITE_OK, "a setting's rowid stays");
        sqlite3_free(sql);
    }
}

int main(void)
{
    sqlite3 *db = open_cached(fresh_file("numbers.db"), 0);
    run(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, n);"
            "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 40)"
            " INSERT INTO t SELECT i, i %% 9 FROM c");
    for (size_t n = 0; n < LENGTH(numbers); n++) {
        char *sql = sqlite3_mprintf("INSERT OR IGNORE INTO t VALUES (CAST(%s AS INT), %s)",
                                    numbers[n], numbers[n]);
        run(db, "%s", sql);
        sqlite3_free(sql);
    }
    test_constants(db);
    test_values(db);
    test_parameter_numbers(db);
    test_options(db);
    test_rowids(db);
    is_int(sqlite3_close(db), SQLITE_OK, "the connection closes");
    return tap_done();
}
