#include "check.h"

#include <querycache.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elders.h"
#include "random.h"
#include "templates.h"
#include "values.h"

/* One comparison: what is read, with which parameters, and what came of it. */
struct comparison {
    struct world *world;
    struct query *query;
    struct failure *failure;
    struct random random;
    int connection;
    enum answer_form form;          /* of both answers */
    const char *values[PARAMETERS]; /* literals */
    struct text plain_sql;
    struct text cached_sql;
    struct answer plain;
    struct answer cached;
};

/* How exactly the rows must agree. */
enum order { SAME_ORDER, ANY_ORDER };

static const char *const operands[] = {"'abc'",     "'ABC'",  "'b b'", "'b b  '", "'5'",
                                       "5",         "5.0",    "2.5",   "3",       "''",
                                       "X'616263'", "'lime'", "NULL",  "12"};

/* Runs a statement with the values bound. `kept`, where given, holds it prepared between runs. */
static void run(struct comparison *comparison, const char *sql, bool cached, sqlite3_stmt **kept,
                struct answer *answer)
{
    sqlite3 *db = comparison->world->connections[comparison->connection].db;
    sqlite3_stmt *statement = kept ? *kept : NULL;
    answer_free(answer);
    *answer = (struct answer){0};
    if (statement == NULL) {
        int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
        if (code != SQLITE_OK) {
            answer_error(answer, db, code);
            if (comparison->world->trace != NULL)
                text_format(comparison->world->trace, "#   %s;\n#   -- %s\n", sql, answer->message);
            return;
        }
    }
    values_bind(comparison->query, comparison->values, statement, cached);
    world_trace(comparison->world, comparison->connection, statement);
    answer_read(answer, statement, comparison->form);
    if (kept != NULL)
        *kept = statement;
    else
        sqlite3_finalize(statement);
}

static bool fail(struct comparison *comparison, const char *what)
{
    struct text *text = &comparison->failure->text;
    text_format(text, "#   %s%s\n#   values:", what,
                comparison->connection ? " (connection 2)" : "");
    for (int i = 0; i < comparison->query->parameters; i++)
        text_format(text, " %s", comparison->values[i]);
    text_format(text, "\n#   plain: %s\n", comparison->plain_sql.data);
    answer_print(text, &comparison->plain);
    text_format(text, "#   cached: %s\n", comparison->cached_sql.data);
    answer_print(text, &comparison->cached);
    return false;
}

/* "Drop and create" is right where the SELECT has other columns than the cached table was given. */
static bool columns_changed(struct comparison *comparison)
{
    struct query *query = comparison->query;
    const char *columns = comparison->plain.columns.data ? comparison->plain.columns.data : "";
    if (strcmp(query->columns, columns) != 0)
        return true;
    struct text table = {0};
    text_format(&table, "SELECT * FROM cq%d", query->number);
    char *shape = world_shape(comparison->world, comparison->connection, query->sql);
    /* It may have been connected anew while the SELECT had others, which it has no more. */
    char *connected = world_shape(comparison->world, comparison->connection, table.data);
    bool changed = strcmp(query->shape, shape) != 0 || strcmp(connected, shape) != 0;
    text_free(&table);
    free(shape);
    free(connected);
    return changed;
}

/*
** After ALTER TABLE SQLite connects all virtual tables anew, and so the cached table may have
** taken on the new columns; then it gives what (SELECT …) gives, and nothing is wrong.
*/
static bool columns_follow(struct comparison *comparison)
{
    struct query *query = comparison->query;
    struct answer now = {0};
    struct text sql = {0};
    sqlite3_stmt *statement = NULL;
    if (strcmp(query->columns, comparison->plain.columns.data) == 0)
        return true;
    text_format(&sql, "SELECT * FROM (%s)", query->sql);
    sqlite3_prepare_v2(comparison->world->connections[comparison->connection].db, sql.data, -1,
                       &statement, NULL);
    answer_columns(&now, statement);
    sqlite3_finalize(statement);
    bool same =
        now.names.data != NULL && strcmp(now.names.data, comparison->cached.names.data) == 0;
    if (same) {
        free(query->columns);
        query->columns = must_copy(comparison->plain.columns.data);
        free(query->shape);
        query->shape = world_shape(comparison->world, comparison->connection, query->sql);
    }
    answer_free(&now);
    text_free(&sql);
    return same;
}

static bool is_busy(const struct answer *answer)
{
    return (answer->code & 0xff) == SQLITE_BUSY || (answer->code & 0xff) == SQLITE_LOCKED;
}

/* Only another connection's transaction is a reason to be busy. */
static bool other_may_lock(const struct comparison *comparison)
{
    sqlite3 *other = comparison->world->connections[1 - comparison->connection].db;
    return other != NULL && sqlite3_get_autocommit(other) == 0;
}

/* `direct` where the plain statement is the SELECT itself, whose columns are then known. */
static bool judge(struct comparison *comparison, enum order order, bool direct)
{
    const struct answer *plain = &comparison->plain, *cached = &comparison->cached;
    /* What is kept may be served while another connection's lock keeps the query from running. */
    if (is_busy(plain))
        return true;
    if (plain->code != SQLITE_DONE)
        return cached->code != SQLITE_DONE ||
               fail(comparison, "the SELECT fails, the cache answers");
    /* A look at the schema's version may wait for a lock that a SELECT without tables does not
    ** need. */
    if (is_busy(cached) && other_may_lock(comparison))
        return true;
    /* json_each() belongs to main and waits for its lock, even where the SELECT reads nothing
    ** there. */
    if (!direct && is_busy(cached))
        return true;
    if (cached->code != SQLITE_DONE && strstr(cached->message, "drop and create") != NULL) {
        comparison->query->outdated = true;
        comparison->world->counters->renewals++;
        /* A table that SQLite connected while the SELECT did not prepare has no columns to serve.
        ** */
        if (strstr(cached->message, "when the table was connected") != NULL)
            return true;
        return !direct || columns_changed(comparison) ||
               fail(comparison, "the cache says that the columns changed; they did not");
    }
    if (cached->code != SQLITE_DONE)
        return fail(comparison, "the cache fails, the SELECT does not");
    if (direct && !columns_follow(comparison))
        return fail(comparison, "the SELECT's columns changed, the cached table's did not");
    if (order == SAME_ORDER ? answer_same_order(plain, cached) : answer_same_rows(plain, cached))
        return true;
    if (order == SAME_ORDER &&
        elders_agree(comparison->query, comparison->values, comparison->form, cached)) {
        comparison->world->counters->elder_orders++;
        return true;
    }
    return fail(comparison, answer_same_rows(plain, cached) ? "the same rows in another order"
                                                            : "the rows differ");
}

static void clear_sql(struct comparison *comparison)
{
    text_clear(&comparison->plain_sql);
    text_clear(&comparison->cached_sql);
}

/* cq3(?1, ?2), the cached table as a table-valued function. */
static void add_call(struct text *text, const struct query *query)
{
    text_format(text, "cq%d", query->number);
    for (int i = 0; i < query->parameters; i++)
        text_format(text, "%s?%d", i == 0 ? "(" : ", ", i + 1);
    if (query->parameters > 0)
        text_add(text, ")");
}

/* cq3 WHERE year = ?1, with IS for NULL, as in any SQL. */
static void add_where(struct text *text, const struct comparison *comparison)
{
    const struct query *query = comparison->query;
    text_format(text, "cq%d", query->number);
    for (int i = 0; i < query->parameters; i++) {
        bool null = strcmp(comparison->values[i], "NULL") == 0;
        text_add(text, i == 0 ? " WHERE " : " AND ");
        text_name(text, query->names[i]);
        text_format(text, null ? " IS NULL" : " = ?%d", i + 1);
    }
}

/* The connection's last cached read, as it reports it itself. */
static const char *last_status(struct comparison *comparison, char status[12])
{
    struct connection *on = &comparison->world->connections[comparison->connection];
    /* Not when it was opened: another connection's lock may keep it from reading its schema then.
    ** */
    if (on->status == NULL)
        sqlite3_prepare_v2(on->db, "SELECT cache_last_status()", -1, &on->status, NULL);
    sqlite3_stmt *statement = on->status;
    sqlite3_step(statement);
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    snprintf(status, 12, "%s", text ? text : "");
    sqlite3_reset(statement);
    return status;
}

static void count_read(struct comparison *comparison)
{
    struct counters *counters = comparison->world->counters;
    char status[12];
    last_status(comparison, status);
    counters->reads++;
    counters->hits += strcmp(status, "hit") == 0 || strcmp(status, "coalesced") == 0;
    counters->misses += strcmp(status, "miss") == 0;
    counters->bypasses += strcmp(status, "bypass") == 0;
}

/* The SELECT and its cached table. Half of the reads run a statement that has run before. */
static bool check_direct(struct comparison *comparison, bool plain_first)
{
    struct query *query = comparison->query;
    sqlite3_stmt **kept = random_chance(&comparison->random, 50) ? &query->kept : NULL;
    clear_sql(comparison);
    text_add(&comparison->plain_sql, query->sql);
    text_add(&comparison->cached_sql, "SELECT * FROM ");
    add_call(&comparison->cached_sql, query);
    if (plain_first)
        run(comparison, query->sql, false, NULL, &comparison->plain);
    run(comparison, comparison->cached_sql.data, true, kept, &comparison->cached);
    if (!plain_first)
        run(comparison, query->sql, false, NULL, &comparison->plain);
    return judge(comparison, SAME_ORDER, true);
}

/* The second read, the parameters as constraints. */
static bool check_where(struct comparison *comparison)
{
    text_clear(&comparison->cached_sql);
    text_add(&comparison->cached_sql, "SELECT * FROM ");
    add_where(&comparison->cached_sql, comparison);
    run(comparison, comparison->cached_sql.data, true, NULL, &comparison->cached);
    return judge(comparison, SAME_ORDER, true);
}

/* The name that (SELECT …) gives to one of its columns, chosen at random. */
static bool choose_column(struct comparison *comparison, const char *source, struct text *column)
{
    sqlite3 *db = comparison->world->connections[comparison->connection].db;
    sqlite3_stmt *statement = NULL;
    struct text sql = {0};
    text_format(&sql, "SELECT * FROM %s", source);
    bool found = sqlite3_prepare_v2(db, sql.data, -1, &statement, NULL) == SQLITE_OK;
    if (found) {
        int number = random_below(&comparison->random, sqlite3_column_count(statement));
        text_add(column, sqlite3_column_name(statement, number));
    }
    sqlite3_finalize(statement);
    text_free(&sql);
    return found;
}

/* The cached table inside a query, against the SELECT in parentheses: collation and affinity. */
static bool check_wrapped(struct comparison *comparison)
{
    const struct query *query = comparison->query;
    struct random *random = &comparison->random;
    struct text source = {0}, call = {0}, column = {0};
    const char *operand[2] = {RANDOM_PICK(random, operands), RANDOM_PICK(random, operands)};
    const char *template = query->ties ? RANDOM_PICK(random, counting) : RANDOM_PICK(random, whole);
    bool good = true;
    if (query->mixed)
        template = RANDOM_PICK(random, collating);
    else if (!query->nameless && random_chance(random, 20))
        template = RANDOM_PICK(random, twice);
    clear_sql(comparison);
    text_format(&source, "(%s)", query->sql);
    add_call(&call, query);
    if (choose_column(comparison, source.data, &column)) {
        text_expand(&comparison->plain_sql, template, source.data, column.data, operand);
        text_expand(&comparison->cached_sql, template, call.data, column.data, operand);
        run(comparison, comparison->cached_sql.data, true, NULL, &comparison->cached);
        run(comparison, comparison->plain_sql.data, false, NULL, &comparison->plain);
        comparison->world->counters->wrapped_reads++;
        good = judge(comparison, ANY_ORDER, false);
    }
    text_free(&source);
    text_free(&call);
    text_free(&column);
    return good;
}

/* One parameter IN a list gives the rows of each value in turn, whatever the turn. */
static bool check_list(struct comparison *comparison)
{
    static const char *const pairs[][2] = {{"1", "2"}, {"3", "'abc'"}, {"5", "9"}};
    const char *const *pair = RANDOM_PICK(&comparison->random, pairs);
    struct query *query = comparison->query;
    struct answer second = {0};
    clear_sql(comparison);
    text_format(&comparison->plain_sql, "%s /* for %s, then for %s */", query->sql, pair[0],
                pair[1]);
    text_format(&comparison->cached_sql, "SELECT * FROM cq%d WHERE ", query->number);
    text_name(&comparison->cached_sql, query->names[0]);
    text_format(&comparison->cached_sql, " IN (%s, %s)", pair[0], pair[1]);
    run(comparison, comparison->cached_sql.data, true, NULL, &comparison->cached);
    comparison->values[0] = pair[1];
    run(comparison, query->sql, false, NULL, &second);
    comparison->values[0] = pair[0];
    run(comparison, query->sql, false, NULL, &comparison->plain);
    text_add(&comparison->plain.body, second.body.data ? second.body.data : "");
    comparison->plain.rows += second.rows;
    if (second.code != SQLITE_DONE)
        comparison->plain.code = second.code;
    answer_free(&second);
    return judge(comparison, ANY_ORDER, false);
}

/* The SELECT as an ad hoc query, its JSON taken apart again. */
static bool check_ad_hoc(struct comparison *comparison)
{
    const struct query *query = comparison->query;
    bool rows = random_chance(&comparison->random, 50);
    comparison->form = ANSWER_JSON;
    struct text call = {0};
    clear_sql(comparison);
    text_add(&comparison->plain_sql, query->sql);
    text_format(&call, "%s(", rows ? "cache_rows" : "cache_query");
    char *literal = sqlite3_mprintf("%Q", query->sql);
    text_add(&call, literal);
    sqlite3_free(literal);
    for (int i = 0; i < query->parameters; i++)
        text_format(&call, ", ?%d", i + 1);
    text_format(&comparison->cached_sql,
                rows ? "SELECT c.value FROM %s) AS r, json_each(r.value) AS c ORDER BY r.row, c.id"
                     : "SELECT c.value FROM json_each(%s)) AS r, json_each(r.value) AS c "
                       "ORDER BY r.id, c.id",
                call.data);
    text_free(&call);
    run(comparison, comparison->cached_sql.data, true, NULL, &comparison->cached);
    run(comparison, query->sql, false, NULL, &comparison->plain);
    /* A row here is a cell there. */
    comparison->plain.rows = comparison->cached.rows;
    comparison->world->counters->ad_hoc_reads++;
    bool good = judge(comparison, SAME_ORDER, false);
    comparison->form = ANSWER_ROWS;
    return good;
}

static void run_prepared(struct comparison *comparison)
{
    const struct query *query = comparison->query;
    struct connection *on = &comparison->world->connections[comparison->connection];
    struct answer *answer = &comparison->cached;
    sqlite3_stmt **kept = &comparison->query->prepared;
    answer_free(answer);
    *answer = (struct answer){0};
    int code =
        *kept == NULL ? querycache_prepare_v2(on->db, query->sql, -1, kept, NULL, NULL) : SQLITE_OK;
    if (code != SQLITE_OK) {
        answer_error(answer, on->db, code);
        return;
    }
    comparison->world->counters->prepared_reads +=
        strncmp(sqlite3_sql(*kept), ";; SELECT ", 10) == 0;
    values_bind(query, comparison->values, *kept, false);
    world_trace(comparison->world, comparison->connection, *kept);
    answer_read(answer, *kept, comparison->form);
}

/* The SELECT as the application prepares it, through the cache. It cannot tell: the names and types
** of columns are the same, too. */
static bool check_prepared(struct comparison *comparison)
{
    struct query *query = comparison->query;
    bool held = query->prepared != NULL && random_chance(&comparison->random, 70);
    clear_sql(comparison);
    text_format(&comparison->plain_sql, "%s", query->sql);
    text_format(&comparison->cached_sql, "%s /* prepared through the cache%s */", query->sql,
                held ? ", before" : "");
    if (!held) {
        sqlite3_finalize(query->prepared);
        query->prepared = NULL;
    }
    run_prepared(comparison);
    run(comparison, query->sql, false, NULL, &comparison->plain);
    if (comparison->plain.code == SQLITE_DONE && comparison->cached.code == SQLITE_DONE &&
        strcmp(comparison->plain.columns.data, comparison->cached.columns.data) != 0)
        return fail(comparison, "the columns differ");
    return judge(comparison, SAME_ORDER, false);
}

static void comparison_open(struct comparison *comparison, struct world *world, int connection,
                            struct query *query, struct failure *failure, uint64_t salt)
{
    *comparison = (struct comparison){.world = world,
                                      .query = query,
                                      .failure = failure,
                                      .connection = connection,
                                      .random = {salt + (uint64_t)query->number * 7919}};
    random_next(&comparison->random);
    values_choose(query, &comparison->random, comparison->values);
}

static void comparison_close(struct comparison *comparison)
{
    text_free(&comparison->plain_sql);
    text_free(&comparison->cached_sql);
    answer_free(&comparison->plain);
    answer_free(&comparison->cached);
}

static bool check_query(struct world *world, int connection, struct query *query, uint64_t salt,
                        struct failure *failure)
{
    struct comparison comparison;
    comparison_open(&comparison, world, connection, query, failure, salt);
    struct random *random = &comparison.random;
    query->outdated = false; /* a ROLLBACK may have given it its columns back */
    bool good = check_direct(&comparison, random_chance(random, 50));
    if (comparison.cached.code == SQLITE_DONE)
        count_read(&comparison);
    /* What fails alone may be optimized away inside a larger query, so only whole answers go on. */
    bool whole_answer = comparison.plain.code == SQLITE_DONE && !query->outdated;
    if (good && whole_answer && random_chance(random, 15))
        good = check_where(&comparison);
    if (good && whole_answer && random_chance(random, 25))
        good = check_wrapped(&comparison);
    if (good && whole_answer && random_chance(random, 6))
        good = check_ad_hoc(&comparison);
    if (good && whole_answer && random_chance(random, 20))
        good = check_prepared(&comparison);
    if (good && whole_answer && query->parameters == 1 && random_chance(random, 10))
        good = check_list(&comparison);
    comparison_close(&comparison);
    return good;
}

/* A cached table whose columns changed is made anew, as its error says. */
static bool renew(struct world *world, int connection, struct query *query, uint64_t salt,
                  struct failure *failure)
{
    if (sqlite3_get_autocommit(world->connections[connection].db) == 0)
        return true;
    char *sql = must_copy(query->sql);
    int number = query->number;
    bool good = world_drop(world, connection, query);
    if (!good)
        text_format(&failure->text, "#   DROP TABLE cq%d: %s\n", number,
                    sqlite3_errmsg(world->connections[connection].db));
    else
        world_define(world, connection, number, sql, salt);
    free(sql);
    return good;
}

static bool check_all(struct world *world, uint64_t salt, struct failure *failure)
{
    bool good = true;
    for (int c = 0; good && c < CONNECTIONS; c++) {
        for (int i = 0; good && i < QUERIES; i++) {
            struct query *query = &world->connections[c].queries[i];
            if (query->live)
                good = check_query(world, c, query, salt, failure);
            if (good && query->live && query->outdated)
                good = renew(world, c, query, salt, failure);
        }
    }
    return good;
}

/* Two rounds in one read transaction, in which nobody writes: the second is to find all it reads.
** */
static bool check_repeats(struct world *world, const struct step *step, struct failure *failure)
{
    struct connection *on = &world->connections[step->connection];
    bool good = true;
    if (!on->cached || on->db == NULL || sqlite3_get_autocommit(on->db) == 0)
        return true;
    world_execute(world, step->connection, "BEGIN");
    for (int round = 0; good && round < 2; round++) {
        for (int i = 0; good && i < QUERIES; i++) {
            struct query *query = &on->queries[i];
            struct comparison comparison;
            char status[12];
            if (!query->live || query->outdated)
                continue;
            comparison_open(&comparison, world, step->connection, query, failure, step->salt);
            good = check_direct(&comparison, false);
            if (round == 1 && comparison.cached.code == SQLITE_DONE) {
                world->counters->repeats++;
                world->counters->repeat_hits +=
                    strcmp(last_status(&comparison, status), "hit") == 0;
            }
            comparison_close(&comparison);
        }
    }
    world_execute(world, step->connection, "COMMIT");
    return good;
}

/* A SELECT of the generator's that prepares is one that can be cached. */
static bool check_definition(struct world *world, const struct step *step, struct failure *failure)
{
    struct connection *on = &world->connections[step->connection];
    sqlite3_stmt *statement = NULL;
    if (!on->cached || on->db == NULL || sqlite3_get_autocommit(on->db) == 0)
        return true;
    if (on->queries[step->number].live)
        return true;
    char *message = must_copy(sqlite3_errmsg(on->db));
    int failed = sqlite3_errcode(on->db);
    int code = sqlite3_prepare_v2(on->db, step->text, -1, &statement, NULL);
    sqlite3_finalize(statement);
    if (failed == SQLITE_BUSY || failed == SQLITE_LOCKED)
        code = failed;
    if (code == SQLITE_OK)
        text_format(&failure->text, "#   %s\n#   is not accepted: %s\n", step->text, message);
    free(message);
    return code != SQLITE_OK;
}

bool check_step(struct world *world, const struct step *step, struct failure *failure)
{
    bool done = world_apply(world, step);
    /* Statements of a birth, and others that come in a fixed train, have no salt: they are no
    ** steps. */
    if (step->salt != 0) {
        world->counters->steps++;
        world->counters->failed_steps += !done;
        world->counters->foreign_steps += step->connection > 0;
    }
    if (step->action == ACTION_DEFINE && !check_definition(world, step, failure))
        return false;
    if (step->action == ACTION_REPEAT && !check_repeats(world, step, failure))
        return false;
    return !step->check || check_all(world, step->salt, failure);
}
