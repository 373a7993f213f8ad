/* Changes of schema in a transaction with ordinary updates. */
#include "shared.h"
#include "writing.h"

/* Makes a simple table anew, with its rows. */
static int remake(struct client *client, const char *name)
{
    return client_run(client,
                      "CREATE TABLE made_anew(k INTEGER PRIMARY KEY, c INT NOT NULL);"
                      "INSERT INTO made_anew SELECT k, c FROM %s; DROP TABLE %s;"
                      "ALTER TABLE made_anew RENAME TO %s",
                      name, name, name);
}

static int remake_table(struct transaction *transaction)
{
    return remake(transaction->client, layout[TABLE_REMADE].name);
}

static int remake_view(struct transaction *transaction)
{
    struct table_rows rows;
    int code = client_read(transaction->client, TABLE_VERSIONED, FORM_PLAIN_KEY, 0, &rows);
    if (code != SQLITE_OK)
        return code;
    long long value = rows_value(&rows, 0) + 1 + transaction->leap;
    transaction_note_all(transaction, TABLE_VERSIONED, value);
    return client_run(transaction->client, "DROP VIEW versioned; " VIEW_SQL, value);
}

/* Whether a query has a row. */
static bool finds(struct client *client, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    bool found = sqlite3_prepare_v2(client->db, sql, -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    return found;
}

static int alter_table(struct transaction *transaction)
{
    struct client *client = transaction->client;
    if (finds(client, "SELECT 1 FROM pragma_table_info('altered') WHERE name = 'extra'"))
        return remake(client, "altered");
    return client_run(client, "ALTER TABLE altered ADD COLUMN extra DEFAULT 1");
}

static int toggle_index(struct transaction *transaction)
{
    struct client *client = transaction->client;
    if (finds(client, "SELECT 1 FROM main.sqlite_master WHERE name = 'plain_c'"))
        return client_run(client, "DROP INDEX plain_c");
    return client_run(client, "CREATE INDEX plain_c ON plain(c)");
}

static int come_and_go(struct transaction *transaction)
{
    struct client *client = transaction->client;
    if (finds(client, "SELECT 1 FROM main.sqlite_master WHERE name = 'passing'"))
        return client_run(client, "DROP TABLE passing");
    return client_run(client, "CREATE TABLE passing AS SELECT * FROM plain");
}

int migrate(struct transaction *transaction)
{
    static int (*const migrations[])(struct transaction * transaction) = {
        remake_table, remake_view, remake_view, alter_table, toggle_index, come_and_go};
    static const int tables[] = {TABLE_REMADE, TABLE_ALTERED, TABLE_PLAIN, TABLE_INDEXED};
    struct client *client = transaction->client;
    int code = RANDOM_PICK(client->random, migrations)(transaction);
    transaction->migrated = true;
    long long value = 0;
    int table = RANDOM_PICK(client->random, tables);
    int key = client_draw_key(client);
    if (code == SQLITE_OK)
        code = transaction_next(transaction, table, key, &value);
    if (code != SQLITE_OK)
        return code;
    return client_run(client, "UPDATE %s SET c = %lld WHERE k = %d", layout[table].name, value,
                      key);
}
