#include "checking.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared.h"

/* For reports: a read and what it gave. */
static void describe(char *text, size_t size, const struct table_rows *rows)
{
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < rows->count && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%d:%lld ", rows->key[i],
                                   rows->value[i]);
    if (length < size)
        snprintf(text + length, size - length, "(%d rows%s)", rows->count,
                 rows->broken ? ", broken" : "");
}

static void report_verdict(struct client *client, enum verdict verdict, int table, enum form form,
                           int key, const struct horizon *horizon, const struct table_rows *rows)
{
    char sql[300];
    char got[200];
    layout_read_sql(sql, sizeof sql, table, form);
    describe(got, sizeof got, rows);
    violation_report(
        verdict == VERDICT_MISSED ? VIOLATION_MISSED : VIOLATION_UNCOMMITTED, client->name,
        "  %s\n  key %d: published before the read: %lld, attempted by its end: %lld\n"
        "     got: %s\n  status: %s, in a transaction: %s\n",
        sql, key, horizon->least[key],
        (long long)atomic_load(&shared->ledger.slots[layout[table].ledger][key].attempted), got,
        client->status, sqlite3_get_autocommit(client->db) ? "no" : "yes");
}

/* Judges all that was read; one report is enough. */
static void judge(struct client *client, int table, enum form form, int key,
                  const struct horizon *horizon, const struct table_rows *rows)
{
    if (rows->broken) {
        report_verdict(client, VERDICT_UNCOMMITTED, table, form, key, horizon, rows);
        return;
    }
    for (int i = 0; i < KEYS; i++) {
        if (form_has_key(form) && i != key)
            continue;
        enum verdict verdict =
            ledger_judge(&shared->ledger, table, i, horizon, rows_value(rows, i));
        if (verdict != VERDICT_GOOD) {
            report_verdict(client, verdict, table, form, i, horizon, rows);
            return;
        }
    }
}

void check_read(struct client *client, int table, enum form form, int key)
{
    struct horizon horizon;
    struct table_rows rows;
    ledger_note(&shared->ledger, table, &horizon);
    if (client_read(client, table, form, key, &rows) != SQLITE_OK)
        return;
    count(form_is_cached(form) ? COUNT_READS : COUNT_PLAIN_READS);
    judge(client, table, form, key, &horizon, &rows);
}

/* ---- which table, and how ---- */

static int draw_table(struct client *client)
{
    static const int hot[] = {TABLE_PLAIN, TABLE_INDEXED, TABLE_LEFT, TABLE_CLUSTERED};
    int share = phase_now()->read_mostly ? 85 : 60;
    int table = random_chance(client->random, share) ? RANDOM_PICK(client->random, hot)
                                                     : random_below(client->random, TABLES);
    for (int i = 0; client->cached && !client->has[table] && i < TABLES; i++)
        table = (table + 1) % TABLES;
    return table;
}

static enum form draw_form(struct client *client, int table)
{
    if (!client->cached)
        return random_chance(client->random, 60) ? FORM_PLAIN_KEY : FORM_PLAIN_ALL;
    /* Few: its statements are held, and SQLite opens their transactions, so they share less. */
    if (!layout[table].second && random_chance(client->random, 8))
        return random_chance(client->random, 60) ? FORM_PREPARED_KEY : FORM_PREPARED_ALL;
    if (!client->has[table] || random_chance(client->random, phase_now()->read_mostly ? 5 : 15))
        return random_chance(client->random, 60) ? FORM_QUERY_KEY : FORM_QUERY_ALL;
    return random_chance(client->random, 60) ? FORM_CACHED_KEY : FORM_CACHED_ALL;
}

/* ---- inside a transaction ---- */

static bool same_rows(const struct table_rows *one, const struct table_rows *other)
{
    bool same = one->count == other->count && !one->broken && !other->broken;
    for (int i = 0; same && i < one->count; i++)
        same = one->key[i] == other->key[i] && one->value[i] == other->value[i];
    return same;
}

static void compare(struct client *client, int table, enum form form,
                    const struct table_rows *cached, const struct table_rows *wanted,
                    const char *wanted_is)
{
    count(COUNT_COMPARED);
    if (same_rows(cached, wanted))
        return;
    char sql[300];
    char got_text[200];
    char wanted_text[200];
    layout_read_sql(sql, sizeof sql, table, form);
    describe(got_text, sizeof got_text, cached);
    describe(wanted_text, sizeof wanted_text, wanted);
    violation_report(VIOLATION_DIFFERS, client->name,
                     "  %s\n     got: %s\n  wanted: %s, %s\n  status: %s, transaction state %d\n",
                     sql, got_text, wanted_text, wanted_is, client->status,
                     sqlite3_txn_state(client->db, NULL));
}

int check_same(struct client *client, int table)
{
    struct table_rows cached;
    struct table_rows plain;
    enum form form = draw_form(client, table);
    int key = client_draw_key(client);
    bool plain_first = random_chance(client->random, 50);
    int code = SQLITE_OK;
    if (!client->cached)
        return SQLITE_OK;
    if (plain_first)
        code = client_read(client, table, form_plain(form), key, &plain);
    if (code == SQLITE_OK)
        code = client_read(client, table, form, key, &cached);
    if (code == SQLITE_OK && !plain_first)
        code = client_read(client, table, form_plain(form), key, &plain);
    if (code == SQLITE_OK)
        compare(client, table, form, &cached, &plain,
                plain_first ? "by the plain query before" : "by the plain query after");
    return code;
}

static void check_transaction(struct client *client)
{
    int reads = 1 + random_below(client->random, 4);
    int table = draw_table(client);
    int code = client_run(client, "BEGIN");
    for (int i = 0; i < reads && code == SQLITE_OK; i++) {
        code = check_same(client, table);
        if (random_chance(client->random, 60))
            table = draw_table(client);
    }
    client_run(client, random_chance(client->random, 80) ? "COMMIT" : "ROLLBACK");
}

static long long milliseconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#define HELD 3

/* Compares all rows of some tables with what they were when the snapshot began. */
static int compare_held(struct client *client, const int *tables, struct table_rows *first)
{
    int code = SQLITE_OK;
    for (int i = 0; i < HELD && code == SQLITE_OK; i++) {
        struct table_rows rows;
        if (!client->has[tables[i]])
            continue;
        code = client_read(client, tables[i], FORM_CACHED_ALL, 0, &rows);
        if (code == SQLITE_OK && first[i].count < 0)
            first[i] = rows;
        if (code == SQLITE_OK)
            compare(client, tables[i], FORM_CACHED_ALL, &rows, &first[i],
                    "as at the snapshot's beginning");
        if (code == SQLITE_OK)
            code = check_same(client, tables[i]);
    }
    return code;
}

void check_held_snapshot(struct client *client, int milliseconds)
{
    if (!client->cached)
        return;
    int tables[HELD];
    struct table_rows first[HELD];
    for (int i = 0; i < HELD; i++) {
        tables[i] = draw_table(client);
        first[i].count = -1;
    }
    int code = client_run(client, "BEGIN");
    /* Half of the snapshots are opened by a plain query. */
    if (code == SQLITE_OK && random_chance(client->random, 50))
        code = client_read(client, tables[0], FORM_PLAIN_ALL, 0, &first[0]);
    for (long long end = milliseconds_now() + milliseconds;
         code == SQLITE_OK && milliseconds_now() < end && !shared_stopped();) {
        code = compare_held(client, tables, first);
        usleep(5000);
    }
    client_run(client, "COMMIT");
    /* What was kept from the old snapshot must not be served now. */
    for (int i = 0; i < HELD; i++)
        if (client->has[tables[i]])
            check_read(client, tables[i], FORM_CACHED_ALL, 0);
}

/* ---- several cached reads in one statement ---- */

static void check_pair(struct client *client)
{
    int number = random_below(client->random, layout_pair_count);
    const struct pair_layout *pair = &layout_pairs[number];
    struct horizon horizon;
    if (!client->has[pair->table] || !client->has[pair->other])
        return;
    sqlite3_stmt *statement = client_pair(client, number);
    if (statement == NULL)
        return;
    int key = client_draw_key(client);
    sqlite3_bind_int(statement, 1, key);
    ledger_note(&shared->ledger, pair->table, &horizon);
    int code = sqlite3_step(statement);
    bool found = code == SQLITE_ROW;
    long long one = found ? sqlite3_column_int64(statement, 0) : ABSENT;
    long long other = found ? sqlite3_column_int64(statement, 1) : ABSENT;
    if (!found)
        client_failed(client, code, pair->sql);
    sqlite3_reset(statement);
    if (!found && code != SQLITE_DONE)
        return;
    count(COUNT_PAIRED);
    struct table_rows rows = {found, false, {key}, {one}};
    if (!found || one != other)
        violation_report(VIOLATION_MIXED, client->name,
                         "  %s\n  key %d: %lld beside %lld%s\n  in a transaction: %s\n", pair->sql,
                         key, one, other, found ? "" : ": no row",
                         sqlite3_get_autocommit(client->db) ? "no" : "yes");
    else
        judge(client, pair->table, FORM_CACHED_KEY, key, &horizon, &rows);
}

/* A cached read inside a statement that writes to temp. */
static void check_copied(struct client *client)
{
    int table = draw_table(client);
    struct horizon horizon;
    struct table_rows rows = {0};
    sqlite3_stmt *statement = NULL;
    if (!client->has[table] || client_run(client, "DELETE FROM temp.noted") != SQLITE_OK)
        return;
    ledger_note(&shared->ledger, table, &horizon);
    if (client_run(client, "INSERT INTO temp.noted SELECT k, c, label FROM all_%s",
                   layout[table].name) != SQLITE_OK) {
        /* The remedy of the guide, where another connection changed the schema. */
        client_run(client, "SELECT count(*) FROM main.sqlite_schema");
        client_run(client, "SELECT count(*) FROM second.sqlite_schema");
        return;
    }
    sqlite3_prepare_v2(client->db, "SELECT k, c FROM temp.noted", -1, &statement, NULL);
    while (sqlite3_step(statement) == SQLITE_ROW && rows.count < KEYS) {
        rows.key[rows.count] = sqlite3_column_int(statement, 0);
        rows.value[rows.count++] = sqlite3_column_int64(statement, 1);
    }
    sqlite3_finalize(statement);
    count(COUNT_READS);
    judge(client, table, FORM_CACHED_ALL, 0, &horizon, &rows);
}

void check_something(struct client *client)
{
    int kind = random_below(client->random, 100);
    int table = draw_table(client);
    if (!client->cached || kind < 60)
        check_read(client, table, draw_form(client, table), client_draw_key(client));
    else if (kind < 80)
        check_transaction(client);
    else if (kind < 97)
        check_pair(client);
    else
        check_copied(client);
}
