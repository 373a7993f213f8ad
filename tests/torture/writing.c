#include "writing.h"

#include <stdio.h>
#include <unistd.h>

#include "checking.h"
#include "shared.h"

/* Divisible by 4, so that the states of TABLE_REFILLED keep their meaning. */
#define LEAP 1000000

int transaction_next(struct transaction *transaction, int table, int key, long long *value)
{
    struct table_rows rows;
    int code = client_read(transaction->client, table, FORM_PLAIN_KEY, key, &rows);
    if (code != SQLITE_OK)
        return code;
    long long before = rows_value(&rows, key);
    if (before == ABSENT) {
        violation_report(VIOLATION_ERROR, transaction->client->name,
                         "  a plain read finds no key %d in %s\n", key, layout[table].name);
        return SQLITE_ERROR;
    }
    *value = before + 1 + transaction->leap;
    if (transaction->leap == 0 && transaction->count < MOST_PENDING) {
        transaction->pending[transaction->count].table = table;
        transaction->pending[transaction->count].key = key;
        transaction->pending[transaction->count++].value = *value;
    }
    return SQLITE_OK;
}

void transaction_note_all(struct transaction *transaction, int table, long long value)
{
    for (int key = 0; key < KEYS && transaction->leap == 0; key++) {
        if (transaction->count == MOST_PENDING)
            return;
        transaction->pending[transaction->count].table = table;
        transaction->pending[transaction->count].key = key;
        transaction->pending[transaction->count++].value = value;
    }
}

/* ---- actions ---- */

static int draw_simple(struct client *client)
{
    int table = random_below(client->random, TABLES);
    while (!layout[table].simple)
        table = random_below(client->random, TABLES);
    return table;
}

/* One row of a simple table, in one of the ways there are. */
static int raise_one(struct transaction *transaction, int table, int key)
{
    static const char *const ways[] = {
        "UPDATE %s SET c = %lld WHERE k = %d",
        "UPDATE %s SET c = max(c, %lld) WHERE k = %d",
        "REPLACE INTO %s(c, k) VALUES (%lld, %d)",
        "INSERT INTO %s(c, k) VALUES (%lld, %d) ON CONFLICT(k) DO UPDATE SET c = excluded.c",
        "INSERT OR REPLACE INTO %s(c, k) SELECT %lld, %d",
    };
    struct client *client = transaction->client;
    long long value = 0;
    int code = transaction_next(transaction, table, key, &value);
    if (code != SQLITE_OK)
        return code;
    if (random_chance(client->random, 10))
        return client_run(client,
                          "DELETE FROM %s WHERE k = %d; INSERT INTO %s(k, c) VALUES (%d, %lld)",
                          layout[table].name, key, layout[table].name, key, value);
    return client_run(client, RANDOM_PICK(client->random, ways), layout[table].name, value, key);
}

static int act_raise(struct transaction *transaction)
{
    struct client *client = transaction->client;
    return raise_one(transaction, draw_simple(client), client_draw_key(client));
}

static int act_both_files(struct transaction *transaction)
{
    int key = client_draw_key(transaction->client);
    int code = raise_one(transaction, TABLE_NEAR, key);
    return code == SQLITE_OK ? raise_one(transaction, TABLE_FAR, key) : code;
}

static int act_sides(struct transaction *transaction)
{
    int key = client_draw_key(transaction->client);
    long long value = 0;
    int code = transaction_next(transaction, TABLE_LEFT, key, &value);
    if (code != SQLITE_OK)
        return code;
    return client_run(transaction->client,
                      "UPDATE left_side SET c = %lld WHERE k = %d;"
                      "UPDATE right_side SET c = c + %lld WHERE k = %d",
                      value, key, 1 + transaction->leap, key);
}

/* The foreign key changes or removes the child, a trigger changes the log. */
static int act_family(struct transaction *transaction)
{
    int key = client_draw_key(transaction->client);
    long long value = 0;
    int code = transaction_next(transaction, TABLE_PARENT, key, &value);
    if (code != SQLITE_OK)
        return code;
    if (random_chance(transaction->client->random, 70))
        return client_run(transaction->client, "UPDATE parent SET c = %lld WHERE k = %d", value,
                          key);
    return client_run(transaction->client,
                      "DELETE FROM parent WHERE k = %d;"
                      "INSERT INTO parent(k, c) VALUES (%d, %lld);"
                      "INSERT INTO child(k, c) VALUES (%d, %lld)",
                      key, key, value, key, value);
}

static int act_refill(struct transaction *transaction)
{
    struct client *client = transaction->client;
    struct table_rows rows;
    if (transaction->refilled)
        return SQLITE_OK;
    transaction->refilled = true;
    int code = client_read(client, TABLE_REFILLED, FORM_PLAIN_ALL, 0, &rows);
    if (code != SQLITE_OK)
        return code;
    bool empty = rows.count == 0;
    long long value = empty ? ledger_empty_state(&shared->ledger, TABLE_REFILLED) : rows.value[0];
    value += 1 + transaction->leap;
    transaction_note_all(transaction, TABLE_REFILLED, value);
    if (IS_EMPTY_STATE(value))
        return client_run(client, "DELETE FROM refilled");
    if (!empty && random_chance(client->random, 50))
        return client_run(client, "UPDATE refilled SET c = %lld", value);
    return client_run(client,
                      "DELETE FROM refilled;"
                      "INSERT INTO refilled(k, c) SELECT k, %lld FROM plain",
                      value);
}

/* Writes the values that are there. */
static int act_nothing(struct transaction *transaction)
{
    struct client *client = transaction->client;
    const char *table = layout[draw_simple(client)].name;
    return random_chance(client->random, 70)
               ? client_run(client, "UPDATE %s SET c = c", table)
               : client_run(client, "UPDATE %s SET c = 0 WHERE k = 1000", table);
}

/* Fails at the fourth row or the second; SQLite takes back what the statement did before. */
static int act_fail(struct transaction *transaction)
{
    struct client *client = transaction->client;
    static const char *const failing[] = {
        "UPDATE %s SET c = CASE WHEN k < 3 THEN c + 1000000 END",
        "INSERT INTO %s(k, c) VALUES (77, 1), (0, 1)",
    };
    char sql[120];
    snprintf(sql, sizeof sql, RANDOM_PICK(client->random, failing),
             layout[draw_simple(client)].name);
    int code = client_try(client, sql);
    return (code & 0xff) == SQLITE_CONSTRAINT ? SQLITE_OK : client_failed(client, code, sql);
}

static int act_savepoint(struct transaction *transaction);

/* How often an action is drawn, in percent, when writers are busy and when they are calm. */
static const struct action {
    int (*act)(struct transaction *transaction);
    int busy;
    int calm;
} actions[] = {
    {act_raise, 44, 70}, {act_sides, 14, 10},    {act_family, 12, 8},
    {act_refill, 10, 5}, {act_both_files, 6, 3}, {act_nothing, 5, 2},
    {act_fail, 3, 1},    {act_savepoint, 4, 1},  {migrate, 2, 0},
};

static int act_drawn(struct transaction *transaction, bool calm)
{
    int draw = random_below(transaction->client->random, 100);
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        draw -= calm ? actions[i].calm : actions[i].busy;
        if (draw < 0)
            return actions[i].act(transaction);
    }
    return act_raise(transaction);
}

/* Rolled back to, or released. */
static int act_savepoint(struct transaction *transaction)
{
    struct client *client = transaction->client;
    const struct transaction before = *transaction;
    bool back = random_chance(client->random, 70);
    int code = client_run(client, "SAVEPOINT s");
    transaction->leap = back ? LEAP : before.leap;
    if (code == SQLITE_OK)
        code = act_drawn(transaction, false);
    if (code == SQLITE_OK && random_chance(client->random, 50))
        code = check_same(client, draw_simple(client));
    transaction->leap = before.leap;
    if (code != SQLITE_OK)
        return code;
    if (back) {
        *transaction = before;
        code = client_run(client, "ROLLBACK TO s");
    }
    return code == SQLITE_OK ? client_run(client, "RELEASE s") : code;
}

/* More pages than the cache has: they are written to the file or the WAL before COMMIT. */
static int spill(struct transaction *transaction)
{
    struct client *client = transaction->client;
    int code = client_run(client, "PRAGMA main.cache_size = 10; UPDATE big SET x = zeroblob(%d)",
                          350 + random_below(client->random, 100));
    usleep((useconds_t)random_below(client->random, 2000));
    return code;
}

/* ---- transactions ---- */

static void commit(struct transaction *transaction)
{
    struct client *client = transaction->client;
    for (int i = 0; i < transaction->count; i++)
        ledger_attempt(&shared->ledger, transaction->pending[i].table, transaction->pending[i].key,
                       transaction->pending[i].value);
    int code = SQLITE_BUSY;
    for (int i = 0; i < 3 && (code & 0xff) == SQLITE_BUSY && !shared_stopped(); i++)
        code = client_run(client, "COMMIT");
    if (code != SQLITE_OK) {
        client_try(client, "ROLLBACK");
        return;
    }
    for (int i = 0; i < transaction->count; i++)
        ledger_publish(&shared->ledger, transaction->pending[i].table, transaction->pending[i].key,
                       transaction->pending[i].value);
    count(COUNT_COMMITS);
    if (transaction->migrated)
        count(COUNT_MIGRATIONS);
}

static void write_transaction(struct client *client, bool spills, bool calm)
{
    struct transaction transaction = {.client = client};
    bool back = random_chance(client->random, calm ? 3 : 8);
    int actions_left = 1 + (random_chance(client->random, 30) ? 2 : 0);
    transaction.leap = back ? LEAP : 0;
    int code = client_run(client, random_chance(client->random, 75) ? "BEGIN IMMEDIATE" : "BEGIN");
    if (code != SQLITE_OK)
        return;
    for (; actions_left > 0 && code == SQLITE_OK; actions_left--)
        code = act_drawn(&transaction, calm);
    if (code == SQLITE_OK && spills)
        code = spill(&transaction);
    if (code == SQLITE_OK && random_chance(client->random, 15))
        code = check_same(client, draw_simple(client));
    if (code == SQLITE_OK && !back) {
        commit(&transaction);
        return;
    }
    client_try(client, "ROLLBACK");
    if (code == SQLITE_OK)
        count(COUNT_ROLLBACKS);
}

/* One statement in autocommit. It writes only where the counter is still what was read, so the
** value it commits is known before. */
static void write_statement(struct client *client)
{
    struct table_rows rows;
    int table = draw_simple(client);
    int key = client_draw_key(client);
    if (client_read(client, table, FORM_PLAIN_KEY, key, &rows) != SQLITE_OK)
        return;
    long long value = rows_value(&rows, key) + 1;
    ledger_attempt(&shared->ledger, table, key, value);
    if (client_run(client, "UPDATE %s SET c = %lld WHERE k = %d AND c = %lld", layout[table].name,
                   value, key, value - 1) != SQLITE_OK)
        return;
    if (sqlite3_changes(client->db) != 1)
        return;
    ledger_publish(&shared->ledger, table, key, value);
    count(COUNT_COMMITS);
}

void write_something(struct client *client, atomic_int *inside, bool calm)
{
    if (inside == NULL && random_chance(client->random, 30)) {
        write_statement(client);
        return;
    }
    bool spills = inside != NULL && random_chance(client->random, calm ? 10 : 30);
    if (inside != NULL)
        atomic_store(inside, 1);
    write_transaction(client, spills, calm);
    if (inside != NULL)
        atomic_store(inside, 0);
}
