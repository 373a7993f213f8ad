/*
** PRAGMAs and sqlite3_db_config() flags: whichever is set, and whenever, a read through the cache
** gives what the SELECT itself gives when it was prepared and is stepped at the same moments: rows,
** names, declared types, or an error. A cached table is compared with a view of its SELECT.
**
** Another connection, on which nothing was set, has read all of it before; so results are there to
** be served that are right for it alone. What belongs to a file, and not to a connection
** (journal_mode, page_size, …), is not listed here.
*/
#include <querycache.h>
#include <stdlib.h>

#include "support.h"
#include "tap.h"

#define LENGTH(list) (sizeof(list) / sizeof(list)[0])
#define MAX_VALUES 4

/* Numbers that the SQLite at hand may not know yet; SQLITE_DBCONFIG_… of its newest header. */
enum {
    PRAGMA = 0,
    MAIN_NAME = 1000,
    LOOKASIDE = 1001,
};

struct setting {
    const char *name;
    int config;                     /* PRAGMA, or the flag's number */
    const char *initial;            /* what it is set back to */
    const char *values[MAX_VALUES]; /* to the first NULL */
};

static const struct setting settings[] = {
    {"nothing", PRAGMA, NULL, {""}},
    /* The two that name columns are set together. */
    {"full_column_names",
     PRAGMA,
     "0; PRAGMA short_column_names = 1",
     {"1; PRAGMA short_column_names = 1", "0; PRAGMA short_column_names = 0",
      "1; PRAGMA short_column_names = 0"}},
    {"analysis_limit", PRAGMA, "0", {"1", "100"}},
    {"automatic_index", PRAGMA, "1", {"0"}},
    {"busy_timeout", PRAGMA, "0", {"10"}},
    {"cache_size", PRAGMA, "-2000", {"1", "-10"}},
    {"cache_spill", PRAGMA, "1", {"0"}},
    {"case_sensitive_like", PRAGMA, "0", {"1"}},
    {"cell_size_check", PRAGMA, "0", {"1"}},
    {"checkpoint_fullfsync", PRAGMA, "0", {"1"}},
    {"count_changes", PRAGMA, "0", {"1"}},
    {"defer_foreign_keys", PRAGMA, "0", {"1"}},
    {"empty_result_callbacks", PRAGMA, "0", {"1"}},
    {"encoding", PRAGMA, "'UTF-8'", {"'UTF-16le'"}},
    {"foreign_keys", PRAGMA, "0", {"1"}},
    {"fullfsync", PRAGMA, "0", {"1"}},
    {"ignore_check_constraints", PRAGMA, "0", {"1"}},
    {"legacy_alter_table", PRAGMA, "0", {"1"}},
    {"legacy_file_format", PRAGMA, "0", {"1"}},
    {"mmap_size", PRAGMA, "0", {"65536"}},
    {"query_only", PRAGMA, "0", {"1"}},
    {"read_uncommitted", PRAGMA, "0", {"1"}},
    {"recursive_triggers", PRAGMA, "0", {"1"}},
    {"reverse_unordered_selects", PRAGMA, "0", {"1"}},
    {"secure_delete", PRAGMA, "0", {"1", "FAST"}},
    {"soft_heap_limit", PRAGMA, "0", {"10000000"}},
    {"synchronous", PRAGMA, "2", {"0", "1", "3"}},
    {"temp_store", PRAGMA, "0", {"1", "2"}},
    {"threads", PRAGMA, "0", {"2"}},
    {"trusted_schema", PRAGMA, "1", {"0"}},
    {"wal_autocheckpoint", PRAGMA, "1000", {"0"}},
    {"writable_schema", PRAGMA, "0", {"1", "RESET"}},
    {"SQLITE_DBCONFIG_MAINDBNAME", MAIN_NAME, "main", {"other"}},
    {"SQLITE_DBCONFIG_LOOKASIDE", LOOKASIDE, "100", {"0", "500"}},
    {"SQLITE_DBCONFIG_ENABLE_FKEY", 1002, "0", {"1"}},
    {"SQLITE_DBCONFIG_ENABLE_TRIGGER", 1003, "1", {"0"}},
    {"SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER", 1004, "0", {"1"}},
    {"SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION", 1005, "0", {"1"}},
    {"SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE", 1006, "0", {"1"}},
    {"SQLITE_DBCONFIG_ENABLE_QPSG", 1007, "0", {"1"}},
    {"SQLITE_DBCONFIG_TRIGGER_EQP", 1008, "0", {"1"}},
    {"SQLITE_DBCONFIG_RESET_DATABASE", 1009, "0", {"1"}},
    {"SQLITE_DBCONFIG_DEFENSIVE", 1010, "0", {"1"}},
    {"SQLITE_DBCONFIG_WRITABLE_SCHEMA", 1011, "0", {"1"}},
    {"SQLITE_DBCONFIG_LEGACY_ALTER_TABLE", 1012, "0", {"1"}},
    {"SQLITE_DBCONFIG_DQS_DML", 1013, "1", {"0"}},
    {"SQLITE_DBCONFIG_DQS_DDL", 1014, "1", {"0"}},
    {"SQLITE_DBCONFIG_ENABLE_VIEW", 1015, "1", {"0"}},
    {"SQLITE_DBCONFIG_LEGACY_FILE_FORMAT", 1016, "0", {"1"}},
    {"SQLITE_DBCONFIG_TRUSTED_SCHEMA", 1017, "1", {"0"}},
    {"SQLITE_DBCONFIG_STMT_SCANSTATUS", 1018, "1", {"0"}},
    {"SQLITE_DBCONFIG_REVERSE_SCANORDER", 1019, "0", {"1"}},
    {"SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE", 1020, "1", {"0"}},
    {"SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE", 1021, "1", {"0"}},
    {"SQLITE_DBCONFIG_ENABLE_COMMENTS", 1022, "1", {"0"}},
    {"SQLITE_DBCONFIG_FP_DIGITS", 1023, "17", {"15", "5"}},
};

/* Each for a setting that might change what it gives. */
static const char *const queries[] = {
    "SELECT id, name FROM t",
    "SELECT * FROM t",
    "SELECT * FROM (SELECT * FROM t WHERE id > 1)",
    "SELECT id FROM (SELECT * FROM t)",
    "SELECT a.id, b.id, a.name AS n, a.id + 1 FROM t a JOIN u b ON a.k = b.k",
    "SELECT a.id, b.word FROM t a JOIN u b ON a.k = b.k",
    "SELECT * FROM t a, u b WHERE a.k = b.k",
    "SELECT t.id, rowid, name FROM t ORDER BY k",
    "SELECT id AS true, name AS \"a.a\", k AS id FROM t",
    "SELECT id AS \"querycache.id\", name AS \"querycache.b\" FROM t",
    "SELECT name, count(*) FROM t GROUP BY k",
    "SELECT \"hello\", id FROM t",
    "SELECT * FROM plain_view",
    "SELECT id FROM word_view ORDER BY 1 DESC",
    "SELECT * FROM calling_view",
    "SELECT twice(id) FROM t",
    "SELECT id FROM t WHERE name LIKE 'A%'",
    "SELECT id, name LIKE ?1 FROM t WHERE name LIKE ?1",
    "SELECT CAST(x AS TEXT), x || '', 0.1 + x FROM r",
    "SELECT round(x, 3), max(x) FROM r",
    "SELECT id /* inside */ FROM t",
    "/* before */ SELECT id FROM t",
    "SELECT id FROM t -- behind",
    "SELECT 1 AS one, id FROM main.t WHERE id = 2",
    "WITH c AS (SELECT id, k FROM t) SELECT id, 'x' FROM c JOIN u USING (k)",
    "SELECT id, -2147483648 FROM t UNION ALL SELECT 9223372036854775807, id FROM u",
};

static const char schema[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, k VARCHAR(9));"
    "INSERT INTO t VALUES (1, 'alpha', 2), (2, 'Avocado', 1), (3, 'beta', 2), (4, NULL, 1);"
    "CREATE TABLE u(k VARCHAR(9), word TEXT, id INT);"
    "INSERT INTO u VALUES (2, 'two', 20), (1, 'one', 10), (2, 'zwei', 21);"
    "CREATE TABLE r(x REAL); INSERT INTO r VALUES (0.1), (1e100 / 3), (123456.7890123456789);"
    "CREATE VIEW plain_view AS SELECT id, name FROM t;"
    "CREATE VIEW word_view AS SELECT id, \"word text\" AS q FROM t;"
    "CREATE VIEW calling_view AS SELECT twice(id) AS d FROM t;";

/* ---- setting ---- */

/* Whether it could be set; SQLite answers so only for flags. */
static bool set(sqlite3 *db, const struct setting *setting, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return true;
    switch (setting->config) {
    case PRAGMA: {
        char *sql = sqlite3_mprintf("PRAGMA %s = %s", setting->name, value);
        try(db, sql);
        sqlite3_free(sql);
        return true;
    }
    case MAIN_NAME:
        return sqlite3_db_config(db, MAIN_NAME, value) == SQLITE_OK;
    case LOOKASIDE: /* where it is in use, it stays as it is */
        sqlite3_db_config(db, LOOKASIDE, NULL, 200, (int)strtol(value, NULL, 10));
        return true;
    default:
        return sqlite3_db_config(db, setting->config, (int)strtol(value, NULL, 10), NULL) ==
               SQLITE_OK;
    }
}

static bool is_known(sqlite3 *db, const struct setting *setting)
{
    if (setting->config != PRAGMA)
        return set(db, setting, setting->initial);
    if (setting->initial == NULL)
        return true;
    char *sql =
        sqlite3_mprintf("SELECT count(*) FROM pragma_pragma_list WHERE name = '%s'", setting->name);
    bool known = number(db, sql) > 0;
    sqlite3_free(sql);
    return known;
}

/* ---- reading ---- */

/* A name as SQLite numbers it in a subquery. */
static char *unique_name(sqlite3_stmt *statement, int column)
{
    const char *name = sqlite3_column_name(statement, column);
    int number = 0;
    for (int i = 0; i < column; i++)
        number += sqlite3_stricmp(sqlite3_column_name(statement, i), name) == 0;
    return number > 0 ? sqlite3_mprintf("%s:%d", name, number) : sqlite3_mprintf("%s", name);
}

/* As JSON has it here: with 15 digits, or 17 where those are not the number. */
static void add_real(sqlite3_str *text, double value)
{
    char digits[40];
    for (int count = 15; count <= 17; count += 2) {
        snprintf(digits, sizeof digits, "%.*g", count, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    sqlite3_str_appendall(text, digits);
}

static void add_key(sqlite3_str *text, int column, const char *name)
{
    sqlite3_str_appendall(text, column > 0 ? ",\"" : "{\"");
    for (; *name != '\0'; name++)
        sqlite3_str_appendf(text, *name == '"' ? "\\%c" : "%c", *name);
    sqlite3_str_appendall(text, "\":");
}

static void add_row(sqlite3_str *text, sqlite3_stmt *statement, bool as_json)
{
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        char *name = unique_name(statement, i);
        int type = sqlite3_column_type(statement, i);
        const char *value = (const char *)sqlite3_column_text(statement, i);
        if (as_json)
            add_key(text, i, name);
        if (as_json && type == SQLITE_FLOAT)
            add_real(text, sqlite3_column_double(statement, i));
        else
            sqlite3_str_appendf(text, type == SQLITE_TEXT ? "\"%s\"" : "%s",
                                value ? value : "null");
        if (!as_json)
            sqlite3_str_appendf(text, " (%d)|", type);
        sqlite3_free(name);
    }
    sqlite3_str_appendall(text, as_json ? "}" : "");
}

/* An empty text, too. */
static char *finish_text(sqlite3_str *text)
{
    char *made = sqlite3_str_finish(text);
    return made != NULL ? made : sqlite3_mprintf("");
}

/* SQLITE_SCHEMA is what SQLite gives where preparing fails and its schema is not that of the file.
** */
static char *error_text(int rc)
{
    return sqlite3_mprintf("error %d", rc == SQLITE_SCHEMA ? SQLITE_ERROR : rc & 0xff);
}

/* What of an answer is looked at: a cached table declares a type where a view has only an affinity.
** */
enum look { AS_JSON, NAMES, NAMES_AND_TYPES };

/* Names, declared types and rows; or the error. */
static char *read_all(sqlite3_stmt *statement, enum look look)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    int rc = statement != NULL ? sqlite3_step(statement) : SQLITE_ERROR;
    for (int i = 0; rc == SQLITE_ROW && look != AS_JSON && i < sqlite3_column_count(statement);
         i++) {
        const char *type = look == NAMES_AND_TYPES ? sqlite3_column_decltype(statement, i) : NULL;
        sqlite3_str_appendf(text, "%s %s, ", sqlite3_column_name(statement, i), type ? type : "-");
    }
    for (int row = 0; rc == SQLITE_ROW; row++) {
        sqlite3_str_appendall(text, look != AS_JSON ? "\n" : row > 0 ? "," : "");
        add_row(text, statement, look == AS_JSON);
        rc = sqlite3_step(statement);
    }
    if (rc != SQLITE_DONE) {
        sqlite3_free(sqlite3_str_finish(text));
        return error_text(rc);
    }
    sqlite3_reset(statement);
    return finish_text(text);
}

static sqlite3_stmt *prepare(sqlite3 *db, bool cached, const char *sql)
{
    sqlite3_stmt *statement = cached ? prepare_cached(db, sql) : prepare_plain(db, sql);
    if (sqlite3_bind_parameter_count(statement) > 0)
        sqlite3_bind_text(statement, 1, "a%", -1, SQLITE_STATIC);
    return statement;
}

/* ---- one trial ---- */

enum moment { BEFORE_LOADING, BEFORE_PREPARING, BEFORE_STEPPING, BETWEEN_READS, SET_BACK, MOMENTS };

static const char *const moment_names[MOMENTS] = {"before loading", "before preparing",
                                                  "between preparing and stepping",
                                                  "between two reads", "and set back"};

/* Statements over one query that stay through the trial. */
struct kept {
    sqlite3_stmt *statement[2]; /* cached and plain */
    sqlite3_stmt *table[2];
    char *names; /* when it was prepared */
};

struct trial {
    const struct setting *setting;
    const char *value;
    enum moment moment;
    sqlite3 *cached;
    sqlite3 *plain;
    sqlite3 *filler; /* on which nothing is set */
    struct kept kept[LENGTH(queries)];
};

static long reads, refusals, differences, hits;

/* SQLite takes the file for an empty one then: which error that gives hangs on when it read the
** schema. */
static bool is_any_error(const struct trial *trial, const char *answer)
{
    return strcmp(trial->setting->name, "SQLITE_DBCONFIG_RESET_DATABASE") == 0 &&
           strncmp(answer, "error", 5) == 0;
}

static void compare(const struct trial *trial, const char *form, const char *sql, char *got,
                    char *expected)
{
    reads++;
    hits += strcmp(status(trial->cached), "hit") == 0;
    bool same =
        strcmp(got, expected) == 0 || (is_any_error(trial, got) && is_any_error(trial, expected));
    if (!same && ++differences < 10)
        printf("# %s = %s %s: %s: %s\n#        got: %s (%s)\n#   expected: %s (%s)\n",
               trial->setting->name, trial->value, moment_names[trial->moment], form, sql, got,
               sqlite3_errmsg(trial->cached), expected, sqlite3_errmsg(trial->plain));
    sqlite3_free(got);
    sqlite3_free(expected);
}

static void compare_statements(const struct trial *trial, const char *form, const char *sql,
                               enum look look, sqlite3_stmt *cached, sqlite3_stmt *plain)
{
    char *got = read_all(cached, look);
    compare(trial, form, sql, got, read_all(plain, look));
}

static char *names_of(sqlite3_stmt *statement)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    for (int i = 0; i < sqlite3_column_count(statement); i++)
        sqlite3_str_appendf(text, "%s, ", sqlite3_column_name(statement, i));
    return finish_text(text);
}

/* Under other names than those it was prepared with, it may say so instead. */
static void read_kept(const struct trial *trial, const struct kept *kept, const char *sql)
{
    char *got = read_all(kept->statement[0], NAMES_AND_TYPES);
    bool refused = strstr(sqlite3_errmsg(trial->cached), "prepare it again") != NULL;
    char *expected = read_all(kept->statement[1], NAMES_AND_TYPES);
    char *names = names_of(kept->statement[1]);
    if (refused && names != NULL && kept->names != NULL && strcmp(names, kept->names) != 0) {
        refusals++;
        sqlite3_free(got);
        sqlite3_free(expected);
    } else {
        compare(trial, "a kept statement", sql, got, expected);
    }
    sqlite3_free(names);
}

static void read_ad_hoc(const struct trial *trial, const char *sql)
{
    static const char *const calls[] = {"SELECT value FROM cache_rows(%Q%s)",
                                        "SELECT cache_query(%Q%s)"};
    for (size_t i = 0; i < LENGTH(calls); i++) {
        sqlite3_stmt *plain = prepare(trial->plain, false, sql);
        char *expected = read_all(plain, AS_JSON);
        if (i == 1 && strncmp(expected, "error", 5) != 0) {
            char *rows = expected;
            expected = sqlite3_mprintf("[%s]", rows);
            sqlite3_free(rows);
        }
        char *call =
            sqlite3_mprintf(calls[i], sql, sqlite3_bind_parameter_count(plain) ? ", 'a%'" : "");
        sqlite3_stmt *cached = prepare_plain(trial->cached, call);
        sqlite3_str *text = sqlite3_str_new(NULL);
        int rc;
        while ((rc = sqlite3_step(cached)) == SQLITE_ROW)
            sqlite3_str_appendf(text, "%s%s", sqlite3_str_length(text) ? "," : "",
                                sqlite3_column_text(cached, 0));
        char *got = finish_text(text);
        if (rc != SQLITE_DONE) {
            sqlite3_free(got);
            got = error_text(cached != NULL ? rc : SQLITE_ERROR);
        }
        compare(trial, i == 0 ? "cache_rows" : "cache_query", sql, got, expected);
        sqlite3_finalize(cached);
        sqlite3_finalize(plain);
        sqlite3_free(call);
    }
}

/* SQLite reads a view's text once; a cached table's SELECT is read anew when statements have
** expired, and then a comment in it may be an error. */
static bool has_comment_inside(const struct trial *trial, const char *sql)
{
    return strcmp(trial->setting->name, "SQLITE_DBCONFIG_ENABLE_COMMENTS") == 0 &&
           strstr(sql, "inside") != NULL;
}

/* Older versions of SQLite have LIKE then as a function that is not marked deterministic. */
static bool is_refused(const struct trial *trial, const char *sql)
{
    if (strcmp(trial->setting->name, "case_sensitive_like") != 0 || strstr(sql, "LIKE") == NULL)
        return false;
    char *ask = sqlite3_mprintf("SELECT count(*) FROM cache_explain(%Q) WHERE property = "
                                "'reason' AND value LIKE 'calls like()%%'",
                                sql);
    bool refused = number(trial->cached, ask) > 0;
    sqlite3_free(ask);
    return refused;
}

static void read_everything(const struct trial *trial)
{
    for (size_t i = 0; i < LENGTH(queries); i++) {
        const char *sql = queries[i];
        const struct kept *kept = &trial->kept[i];
        read_kept(trial, kept, sql);
        bool refused = is_refused(trial, sql);
        if (!refused)
            read_ad_hoc(trial, sql);
        sqlite3_stmt *cached = prepare(trial->cached, true, sql);
        sqlite3_stmt *plain = prepare(trial->plain, false, sql);
        compare_statements(trial, "a new statement", sql, NAMES_AND_TYPES, cached, plain);
        sqlite3_finalize(cached);
        sqlite3_finalize(plain);
        if (refused || has_comment_inside(trial, sql) || strstr(sql, "?1") != NULL)
            continue;
        compare_statements(trial, "a cached table", sql, NAMES, kept->table[0], kept->table[1]);
        char *select = sqlite3_mprintf("SELECT * FROM named_%d", (int)i);
        cached = prepare_plain(trial->cached, select);
        plain = prepare_plain(trial->plain, select);
        compare_statements(trial, "a cached table, prepared now", sql, NAMES, cached, plain);
        sqlite3_finalize(cached);
        sqlite3_finalize(plain);
        sqlite3_free(select);
    }
}

static void set_if(const struct trial *trial, enum moment moment)
{
    if (trial->moment != moment)
        return;
    set(trial->cached, trial->setting, trial->value);
    set(trial->plain, trial->setting, trial->value);
}

static void twice(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_int64(context, 2 * sqlite3_value_int64(values[0]));
}

static sqlite3 *open_with_function(const char *path)
{
    sqlite3 *db = open_plain(path, 0);
    sqlite3_create_function(db, "twice", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, twice, NULL,
                            NULL);
    return db;
}

/* A view's names, in parentheses: those that a subquery has by default, as a cached table's are. */
static char *default_names(sqlite3 *db, const char *sql)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    char *subquery = sqlite3_mprintf("SELECT * FROM (%s\n)", sql);
    sqlite3_stmt *statement = prepare_plain(db, subquery);
    for (int i = 0; i < sqlite3_column_count(statement); i++)
        sqlite3_str_appendf(text, "%c\"%w\"", i ? ',' : '(', sqlite3_column_name(statement, i));
    sqlite3_finalize(statement);
    sqlite3_free(subquery);
    sqlite3_str_appendchar(text, 1, ')');
    return finish_text(text);
}

static void prepare_everything(struct trial *trial)
{
    for (size_t i = 0; i < LENGTH(queries); i++) {
        struct kept *kept = &trial->kept[i];
        char *sql = sqlite3_mprintf("CREATE VIRTUAL TABLE temp.named_%d USING cache((%s\n))",
                                    (int)i, queries[i]);
        try(trial->cached, sql);
        sqlite3_free(sql);
        char *names = default_names(trial->filler, queries[i]);
        sql = sqlite3_mprintf("CREATE TEMP VIEW named_%d%s AS %s", (int)i, names, queries[i]);
        try(trial->plain, sql);
        sqlite3_free(sql);
        sqlite3_free(names);
        sql = sqlite3_mprintf("SELECT * FROM named_%d", (int)i);
        kept->table[0] = prepare_plain(trial->cached, sql);
        kept->table[1] = prepare_plain(trial->plain, sql);
        sqlite3_free(sql);
        kept->statement[0] = prepare(trial->cached, true, queries[i]);
        kept->statement[1] = prepare(trial->plain, false, queries[i]);
        kept->names = names_of(kept->statement[1]);
    }
}

static void finish(struct trial *trial)
{
    for (size_t i = 0; i < LENGTH(queries); i++) {
        struct kept *kept = &trial->kept[i];
        for (int side = 0; side < 2; side++) {
            sqlite3_finalize(kept->statement[side]);
            sqlite3_finalize(kept->table[side]);
        }
        sqlite3_free(kept->names);
    }
    if (sqlite3_close(trial->cached) != SQLITE_OK || sqlite3_close(trial->plain) != SQLITE_OK) {
        printf("# %s: a connection does not close\n", trial->setting->name);
        differences++;
    }
}

static void try_out(sqlite3 *filler, const struct setting *setting, const char *value,
                    enum moment moment)
{
    struct trial trial = {.setting = setting, .value = value, .moment = moment, .filler = filler};
    const char *path = sqlite3_db_filename(filler, "main");
    trial.cached = open_with_function(path);
    trial.plain = open_with_function(path);
    set_if(&trial, BEFORE_LOADING);
    if (querycache_init(trial.cached) != SQLITE_OK) {
        printf("# %s = %s: the extension does not load\n", setting->name, value);
        differences++;
    }
    set_if(&trial, BEFORE_PREPARING);
    prepare_everything(&trial);
    set_if(&trial, BEFORE_STEPPING);
    read_everything(&trial);
    set_if(&trial, BETWEEN_READS);
    set_if(&trial, SET_BACK);
    read_everything(&trial);
    trial.value = setting->initial;
    set_if(&trial, SET_BACK);
    if (moment == SET_BACK)
        read_everything(&trial);
    finish(&trial);
}

static void test_setting(sqlite3 *filler, const struct setting *setting)
{
    sqlite3 *db = open_plain(":memory:", 0);
    bool known = is_known(db, setting);
    sqlite3_close(db);
    if (!known) {
        tap_skip(setting->name, "this SQLite does not know it");
        return;
    }
    reads = refusals = differences = hits = 0;
    for (int v = 0; v < MAX_VALUES && setting->values[v] != NULL; v++) {
        for (int moment = 0; moment < MOMENTS; moment++)
            try_out(filler, setting, setting->values[v], (enum moment)moment);
    }
    printf("# %s: %ld reads, %ld hits, %ld refused for their names\n", setting->name, reads, hits,
           refusals);
    ok(differences == 0 && hits > 0, setting->name);
}

/* All that the trials read, read before where nothing is set. */
static sqlite3 *fill(const char *path)
{
    sqlite3 *db = open_with_function(path);
    if (querycache_init(db) != SQLITE_OK)
        return NULL;
    for (size_t i = 0; i < LENGTH(queries); i++) {
        sqlite3_stmt *statement = prepare(db, true, queries[i]);
        sqlite3_free(read_all(statement, NAMES));
        sqlite3_finalize(statement);
    }
    return db;
}

int main(int argc, char **argv)
{
    const char *path = fresh_file("settings.db");
    sqlite3 *db = open_with_function(path);
    run(db, "PRAGMA journal_mode = WAL");
    run(db, schema);
    sqlite3_close(db);
    sqlite3 *filler = fill(path);
    for (size_t i = 0; i < LENGTH(settings); i++) {
        if (argc < 2 || strcmp(argv[1], settings[i].name) == 0)
            test_setting(filler, &settings[i]);
    }
    sqlite3_close(filler);
    return tap_done();
}
