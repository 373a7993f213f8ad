#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elders.h"
#include "querycache.h"
#include "random.h"

void world_trace(struct world *world, int connection, sqlite3_stmt *statement)
{
    if (world->trace == NULL)
        return;
    char *sql = sqlite3_expanded_sql(statement);
    text_format(world->trace, "#   %s%s;\n", connection ? "/* connection 2 */ " : "",
                sql ? sql : sqlite3_sql(statement));
    sqlite3_free(sql);
}

void world_remark(struct world *world, int connection, const char *remark)
{
    if (world->trace != NULL)
        text_format(world->trace, "#   -- %s%s\n", connection ? "connection 2: " : "", remark);
}

static int execute(struct world *world, int connection, const char *sql)
{
    sqlite3 *db = world->connections[connection].db;
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        world_trace(world, connection, statement);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW)
            ;
    } else if (world->trace != NULL) {
        text_format(world->trace, "#   %s;\n", sql);
    }
    if (code != SQLITE_DONE)
        world_remark(world, connection, sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    return code;
}

int world_execute(struct world *world, int connection, const char *sql)
{
    struct connection *on = &world->connections[connection];
    if (strncmp(sql, "CREATE INDEX", 12) != 0)
        return execute(world, connection, sql);
    elders_prepare(on);
    int code = execute(world, connection, sql);
    elders_settle(on, code != SQLITE_DONE);
    return code;
}

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    printf("Bail out! %s\n", what);
    exit(1);
}

static void connect(struct world *world, int number)
{
    struct connection *connection = &world->connections[number];
    const char *file = world->life->journal ? "main.db" : ":memory:";
    must(sqlite3_open(file, &connection->db) == SQLITE_OK, "a database cannot be opened");
    world_remark(world, number, world->life->journal ? ".open main.db" : ".open :memory:");
    if (!connection->cached)
        return;
    must(querycache_init(connection->db) == SQLITE_OK, sqlite3_errmsg(connection->db));
}

static void forget(struct query *query)
{
    sqlite3_finalize(query->kept);
    sqlite3_finalize(query->prepared);
    elders_forget(query);
    free(query->sql);
    free(query->columns);
    free(query->shape);
    *query = (struct query){0};
}

static void disconnect(struct world *world, int number)
{
    struct connection *connection = &world->connections[number];
    for (int i = 0; i < QUERIES; i++)
        forget(&connection->queries[i]);
    sqlite3_finalize(connection->status);
    connection->status = NULL;
    if (connection->db != NULL)
        must(sqlite3_close(connection->db) == SQLITE_OK, "a connection does not close");
    connection->db = NULL;
}

void world_open(struct world *world, const struct life *life, struct counters *counters,
                bool empty_store)
{
    world->life = life;
    world->counters = counters;
    world->connections[0].cached = true;
    world->connections[1].cached = life->second && life->second_cached;
    connect(world, 0);
    if (life->second)
        connect(world, 1);
    if (empty_store)
        sqlite3_exec(world->connections[0].db, "SELECT cache_clear()", NULL, NULL, NULL);
}

void world_close(struct world *world)
{
    for (int i = 0; i < CONNECTIONS; i++)
        disconnect(world, i);
}

/* Names and types, and a comparison of each column, "a" < 5, "b" < 5, … */
static void add_columns(sqlite3 *db, const char *sql, struct text *shape, struct text *comparisons)
{
    struct text outer = {0};
    struct answer answer = {0};
    sqlite3_stmt *statement = NULL;
    text_format(&outer, "SELECT * FROM (%s)", sql);
    sqlite3_prepare_v2(db, outer.data, -1, &statement, NULL);
    answer_columns(&answer, statement);
    text_add(shape, answer.columns.data ? answer.columns.data : "");
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        text_add(comparisons, i ? ", " : "");
        text_name(comparisons, sqlite3_column_name(statement, i));
        text_add(comparisons, " < 5");
    }
    sqlite3_finalize(statement);
    answer_free(&answer);
    text_free(&outer);
}

/* An expression has no declared type; its affinity shows in the flags of a comparison. */
static void add_affinities(sqlite3 *db, const char *sql, const char *comparisons,
                           struct text *shape)
{
    struct text explain = {0};
    sqlite3_stmt *statement = NULL;
    text_format(&explain, "EXPLAIN SELECT %s FROM (%s)", comparisons, sql);
    sqlite3_prepare_v2(db, explain.data, -1, &statement, NULL);
    while (statement != NULL && sqlite3_step(statement) == SQLITE_ROW) {
        const char *opcode = (const char *)sqlite3_column_text(statement, 1);
        if (opcode != NULL && (strcmp(opcode, "Lt") == 0 || strcmp(opcode, "Ge") == 0))
            text_format(shape, "%d ", sqlite3_column_int(statement, 6));
    }
    sqlite3_finalize(statement);
    text_free(&explain);
}

/* A compound needs keys for all columns, with their collations; versions keep them at other
** opcodes. */
static void add_collations(sqlite3 *db, const char *sql, struct text *shape)
{
    struct text explain = {0};
    sqlite3_stmt *statement = NULL;
    text_format(&explain, "EXPLAIN SELECT * FROM (%s) UNION SELECT * FROM (%s)", sql, sql);
    sqlite3_prepare_v2(db, explain.data, -1, &statement, NULL);
    while (statement != NULL && sqlite3_step(statement) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(statement, 5);
        if (key != NULL && strncmp(key, "k(", 2) == 0)
            text_add(shape, key);
    }
    sqlite3_finalize(statement);
    text_free(&explain);
}

char *world_shape(struct world *world, int connection, const char *sql)
{
    sqlite3 *db = world->connections[connection].db;
    struct text shape = {0}, comparisons = {0};
    add_columns(db, sql, &shape, &comparisons);
    add_affinities(db, sql, comparisons.data ? comparisons.data : "1", &shape);
    add_collations(db, sql, &shape);
    text_free(&comparisons);
    return shape.data;
}

/* Parameters in number order; a SELECT that says `?3` only has one, bound at 3. */
static void note_parameters(struct query *query, sqlite3_stmt *statement)
{
    int count = sqlite3_bind_parameter_count(statement);
    bool numbered = count > 0 && sqlite3_bind_parameter_name(statement, count) != NULL &&
                    sqlite3_bind_parameter_name(statement, count)[0] == '?';
    for (int i = 1; i <= count && query->parameters < PARAMETERS; i++) {
        const char *name = sqlite3_bind_parameter_name(statement, i);
        if (name == NULL && numbered)
            continue;
        int n = query->parameters++;
        query->positions[n] = i;
        if (name == NULL || name[0] == '?')
            snprintf(query->names[n], sizeof(query->names[n]), "p%d", i);
        else
            snprintf(query->names[n], sizeof(query->names[n]), "%s", name + 1);
        query->nameless = query->nameless || name == NULL;
    }
}

/* Most definitions have no options: a limit costs hits, which the run measures. */
static const char *options_of(uint64_t salt)
{
    static const char *const options[] = {", max_entries = 2", ", share = 'connection'",
                                          ", ttl = '5 min', max_rows = 12",
                                          ", max_bytes = '20 KB'"};
    struct random random = {salt ^ 77};
    return random_chance(&random, 88) ? "" : RANDOM_PICK(&random, options);
}

bool world_define(struct world *world, int connection, int number, const char *sql, uint64_t salt)
{
    struct connection *on = &world->connections[connection];
    struct query *query = &on->queries[number];
    struct text create = {0};
    sqlite3_stmt *statement = NULL;
    if (!on->cached || sqlite3_get_autocommit(on->db) == 0)
        return false;
    if (query->live && !world_drop(world, connection, query))
        return false;
    text_format(&create, "CREATE VIRTUAL TABLE temp.cq%d USING cache((%s)%s)", number, sql,
                options_of(salt));
    query->live = world_execute(world, connection, create.data) == SQLITE_DONE;
    text_free(&create);
    if (!query->live)
        return false;
    /* EXPLAIN runs nothing and yet brings the schema up to date before the columns are noted. */
    query->shape = world_shape(world, connection, sql);
    sqlite3_prepare_v2(on->db, sql, -1, &statement, NULL);
    struct answer empty = {0};
    note_parameters(query, statement);
    answer_columns(&empty, statement);
    sqlite3_finalize(statement);
    query->columns = must_copy(empty.columns.data ? empty.columns.data : "");
    answer_free(&empty);
    query->number = number;
    query->sql = must_copy(sql);
    query->ties = strstr(sql, "/* ties */") != NULL;
    query->mixed = strstr(sql, "/* mixed */") != NULL;
    return true;
}

bool world_drop(struct world *world, int connection, struct query *query)
{
    char drop[40];
    snprintf(drop, sizeof(drop), "DROP TABLE temp.cq%d", query->number);
    if (world_execute(world, connection, drop) != SQLITE_DONE)
        return false;
    forget(query);
    return true;
}

/* Overwrites the value's first byte. */
static bool write_blob(struct world *world, const struct step *step)
{
    char schema[16], table[16], column[16];
    int end = 0;
    sqlite3 *db = world->connections[step->connection].db;
    sqlite3_blob *blob = NULL;
    if (sscanf(step->text, "%15s %15s %15s%n", schema, table, column, &end) != 3)
        return false;
    long long rowid = strtoll(step->text + end, NULL, 10);
    /* In one transaction with other writes it cannot be seen: hazard 15 of the design. */
    if (sqlite3_get_autocommit(db) == 0)
        return false;
    char letter = (char)('a' + step->number % 26);
    int code = sqlite3_blob_open(db, schema, table, column, rowid, 1, &blob);
    if (code == SQLITE_OK && sqlite3_blob_bytes(blob) > 0)
        code = sqlite3_blob_write(blob, &letter, 1, 0);
    int close_code = sqlite3_blob_close(blob);
    if (world->trace != NULL)
        text_format(world->trace, "#   -- sqlite3_blob_write(%s, \"%c\"): %d\n", step->text, letter,
                    code);
    return code == SQLITE_OK && close_code == SQLITE_OK;
}

static void no_update(void *data, int operation, const char *schema, const char *table,
                      sqlite3_int64 rowid)
{
    (void)data, (void)operation, (void)schema, (void)table, (void)rowid;
}

static int no_commit(void *data)
{
    (void)data;
    return 0;
}

static void no_rollback(void *data)
{
    (void)data;
}

static bool take_hooks(struct world *world, const struct step *step)
{
    sqlite3 *db = world->connections[step->connection].db;
    if (step->number & 1)
        sqlite3_update_hook(db, no_update, NULL);
    if (step->number & 2)
        sqlite3_commit_hook(db, no_commit, NULL);
    if (step->number & 4)
        sqlite3_rollback_hook(db, no_rollback, NULL);
    if (world->trace != NULL)
        text_format(world->trace, "#   -- the application takes over hooks:%s%s%s\n",
                    step->number & 1 ? " update" : "", step->number & 2 ? " commit" : "",
                    step->number & 4 ? " rollback" : "");
    return true;
}

static bool reopen(struct world *world, int number)
{
    world_remark(world, number, "closed and opened again");
    disconnect(world, number);
    connect(world, number);
    return true;
}

static bool load_again(struct world *world, int number)
{
    world_remark(world, number, "the extension is loaded once more");
    return querycache_init(world->connections[number].db) == SQLITE_OK;
}

bool world_apply(struct world *world, const struct step *step)
{
    struct connection *on = &world->connections[step->connection];
    if (on->db == NULL)
        return false;
    switch (step->action) {
    case ACTION_SQL:
        return world_execute(world, step->connection, step->text) == SQLITE_DONE;
    case ACTION_DEFINE:
        return world_define(world, step->connection, step->number, step->text, step->salt);
    case ACTION_BLOB:
        return write_blob(world, step);
    case ACTION_HOOKS:
        return take_hooks(world, step);
    case ACTION_LOAD:
        return on->cached && load_again(world, step->connection);
    case ACTION_REOPEN:
        return world->life->journal != NULL && reopen(world, step->connection);
    case ACTION_REPEAT:
        break; /* reads only: check.c does it */
    }
    return true;
}
