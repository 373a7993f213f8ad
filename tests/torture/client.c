#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "querycache.h"
#include "shared.h"

static int wait_for_lock(void *context, int calls)
{
    struct client *client = context;
    int microseconds = calls < 10 ? 200 : calls < 30 ? 1000 : 5000;
    client->waited = calls == 0 ? microseconds : client->waited + microseconds;
    if (client->waited > client->patience || shared_stopped())
        return 0;
    usleep((useconds_t)microseconds);
    return 1;
}

int client_failed(struct client *client, int code, const char *doing)
{
    int primary = code & 0xff;
    if (code == SQLITE_OK || code == SQLITE_DONE)
        return code;
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED || primary == SQLITE_PROTOCOL ||
        primary == SQLITE_SCHEMA) {
        count(COUNT_BUSY);
    } else if (strstr(sqlite3_errmsg(client->db), "another connection changed the schema of")) {
        count(COUNT_OUTDATED);
    } else {
        violation_report(VIOLATION_ERROR, client->name, "  %s\n  error %d: %s\n", doing,
                         sqlite3_extended_errcode(client->db), sqlite3_errmsg(client->db));
    }
    return code;
}

int client_try(struct client *client, const char *sql)
{
    return sqlite3_exec(client->db, sql, NULL, NULL, NULL);
}

int client_run(struct client *client, const char *sql, ...)
{
    va_list arguments;
    va_start(arguments, sql);
    char *text = sqlite3_vmprintf(sql, arguments);
    va_end(arguments);
    int code = client_failed(client, client_try(client, text), text);
    sqlite3_free(text);
    return code;
}

/* ---- opening and closing ---- */

static int add_cached_tables(struct client *client, bool few)
{
    for (int table = 0; table < TABLES; table++) {
        char sql[600];
        if (few && random_chance(client->random, 70))
            continue;
        layout_cache_sql(sql, sizeof sql, table);
        int code = client_failed(client, client_try(client, sql), sql);
        if (code != SQLITE_OK)
            return code;
        client->has[table] = true;
    }
    return SQLITE_OK;
}

static int prepare_connection(struct client *client, bool few)
{
    int code = client_run(client,
                          "PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;"
                          "ATTACH '%q/second.db' AS second; PRAGMA second.synchronous = OFF;",
                          shared->folder);
    if (code != SQLITE_OK || !client->cached)
        return code;
    code = client_failed(client, querycache_init(client->db), "querycache_init");
    if (code == SQLITE_OK)
        code = client_run(client, "CREATE TEMP TABLE noted(k, c, label)");
    return code == SQLITE_OK ? add_cached_tables(client, few) : code;
}

bool client_open(struct client *client, int flags, bool cached, bool few)
{
    char path[256];
    snprintf(path, sizeof path, "%s/main.db", shared->folder);
    client->cached = cached;
    memset(client->has, 0, sizeof client->has);
    strcpy(client->status, "none");
    client->patience = PATIENCE;
    int code = sqlite3_open_v2(path, &client->db, SQLITE_OPEN_READWRITE | flags, NULL);
    client_failed(client, code, "sqlite3_open_v2");
    if (code == SQLITE_OK) {
        sqlite3_busy_handler(client->db, wait_for_lock, client);
        code = prepare_connection(client, few);
    }
    if (code == SQLITE_OK) {
        count(COUNT_OPENED);
        return true;
    }
    client_close(client);
    return false;
}

static void finalize(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
    *statement = NULL;
}

void client_close(struct client *client)
{
    for (int table = 0; table < TABLES; table++)
        for (int form = 0; form < FORMS; form++)
            finalize(&client->reads[table][form]);
    for (int i = 0; i < MOST_PAIRS; i++)
        finalize(&client->pairs[i]);
    finalize(&client->ask_status);
    if (sqlite3_close(client->db) != SQLITE_OK) {
        sqlite3_stmt *left = sqlite3_next_stmt(client->db, NULL);
        violation_report(VIOLATION_ERROR, client->name, "  sqlite3_close: %s: %s\n",
                         sqlite3_errmsg(client->db), left != NULL ? sqlite3_sql(left) : "none");
        sqlite3_close_v2(client->db);
    }
    client->db = NULL;
}

/* ---- reading ---- */

static int prepare(struct client *client, sqlite3_stmt **statement, const char *sql)
{
    if (*statement != NULL)
        return SQLITE_OK;
    return client_failed(client, sqlite3_prepare_v2(client->db, sql, -1, statement, NULL), sql);
}

sqlite3_stmt *client_pair(struct client *client, int number)
{
    prepare(client, &client->pairs[number], layout_pairs[number].sql);
    return client->pairs[number];
}

static void add_row(struct table_rows *rows, int key, long long value)
{
    if (rows->count == KEYS || key < 0 || key >= KEYS) {
        rows->broken = true;
        return;
    }
    rows->key[rows->count] = key;
    rows->value[rows->count++] = value;
}

/* [{"k":0,"c":5},…] */
static void add_json(struct table_rows *rows, const char *json)
{
    const char *next = json != NULL ? strstr(json, "{\"k\":") : NULL;
    rows->broken |= json == NULL;
    while (next != NULL) {
        char *end = NULL;
        long key = strtol(next + 5, &end, 10);
        if (strncmp(end, ",\"c\":", 5) != 0) {
            rows->broken = true;
            return;
        }
        add_row(rows, (int)key, strtoll(end + 5, &end, 10));
        rows->broken |= *end != '}';
        next = strstr(end, "{\"k\":");
    }
}

static void take_row(struct table_rows *rows, sqlite3_stmt *statement)
{
    if (sqlite3_column_count(statement) == 1) {
        add_json(rows, (const char *)sqlite3_column_text(statement, 0));
        return;
    }
    char label[40];
    int key = sqlite3_column_int(statement, 0);
    long long value = sqlite3_column_int64(statement, 1);
    const char *text = (const char *)sqlite3_column_text(statement, 2);
    snprintf(label, sizeof label, "%d:%lld", key, value);
    rows->broken |= text == NULL || strcmp(text, label) != 0;
    add_row(rows, key, value);
}

void client_ask_status(struct client *client)
{
    if (prepare(client, &client->ask_status, "SELECT cache_last_status()") != SQLITE_OK)
        return;
    const unsigned char *text = NULL;
    if (sqlite3_step(client->ask_status) == SQLITE_ROW)
        text = sqlite3_column_text(client->ask_status, 0);
    snprintf(client->status, sizeof client->status, "%s", text ? (const char *)text : "none");
    sqlite3_reset(client->ask_status);
    bool hit = strcmp(client->status, "hit") == 0 || strcmp(client->status, "coalesced") == 0;
    if (!client->counted) {
        if (hit)
            count(COUNT_OTHER_HITS);
        return;
    }
    count(hit ? COUNT_HITS : strcmp(client->status, "bypass") == 0 ? COUNT_BYPASSES : COUNT_MISSES);
}

static int prepare_through(struct client *client, sqlite3_stmt **statement, const char *sql)
{
    if (*statement != NULL)
        return SQLITE_OK;
    return client_failed(client, querycache_prepare_v2(client->db, sql, -1, statement, NULL, NULL),
                         sql);
}

/* What could not be prepared through the cache is a plain read. */
static bool was_cached(enum form form, sqlite3_stmt *statement)
{
    return form_is_prepared(form) ? strncmp(sqlite3_sql(statement), ";; SELECT ", 10) == 0
                                  : form_is_cached(form);
}

int client_read(struct client *client, int table, enum form form, int key, struct table_rows *rows)
{
    char sql[300];
    layout_read_sql(sql, sizeof sql, table, form);
    sqlite3_stmt **statement = &client->reads[table][form];
    *rows = (struct table_rows){0};
    int code = form_is_prepared(form) ? prepare_through(client, statement, sql)
                                      : prepare(client, statement, sql);
    if (code != SQLITE_OK)
        return code;
    if (form_has_key(form))
        sqlite3_bind_int(*statement, 1, key);
    while ((code = sqlite3_step(*statement)) == SQLITE_ROW)
        take_row(rows, *statement);
    if (code == SQLITE_DONE)
        code = SQLITE_OK;
    else
        client_failed(client, code, sql);
    sqlite3_reset(*statement);
    if (was_cached(form, *statement) && code == SQLITE_OK)
        client_ask_status(client);
    /* Some are read by a statement that runs once. */
    if (random_chance(client->random, 2))
        finalize(statement);
    return code;
}

long long rows_value(const struct table_rows *rows, int key)
{
    for (int i = 0; i < rows->count; i++)
        if (rows->key[i] == key)
            return rows->value[i];
    return ABSENT;
}

int client_draw_key(struct client *client)
{
    int key = 0;
    while (key < KEYS - 1 && random_chance(client->random, 50))
        key++;
    return key;
}
