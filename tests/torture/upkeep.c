#include "upkeep.h"

#include <stdlib.h>
#include <string.h>

#include "checking.h"
#include "shared.h"

void upkeep_files(struct client *client)
{
    static const char *const checkpoints[] = {
        "PRAGMA wal_checkpoint(PASSIVE)", "PRAGMA main.wal_checkpoint(FULL)",
        "PRAGMA main.wal_checkpoint(RESTART)", "PRAGMA wal_checkpoint(TRUNCATE)"};
    /* While a checkpoint waits for readers, it keeps writers waiting. */
    client->patience = 20000;
    if (random_chance(client->random, 15)) {
        if (client_run(client, "VACUUM main") == SQLITE_OK)
            count(COUNT_VACUUMS);
    } else if (client_run(client, RANDOM_PICK(client->random, checkpoints)) == SQLITE_OK) {
        count(COUNT_CHECKPOINTS);
    }
    client->patience = PATIENCE;
}

void upkeep_cache(struct client *client)
{
    static const char *const looks[] = {
        "SELECT * FROM cache_stats",
        "SELECT * FROM cache_entries",
        "SELECT * FROM cache_tables",
        "SELECT * FROM cache_definitions",
        "SELECT * FROM cache_config",
        "SELECT cache_clear()",
        "SELECT cache_invalidate('key_plain')",
        "SELECT cache_invalidate_table('indexed')",
        "SELECT cache_invalidate_table('main.plain')",
        "SELECT cache_invalidate_matching('*from main.left*')",
        "SELECT cache_drop(key) FROM cache_entries LIMIT 3",
        "SELECT cache_configure('max_entries', 40)",
        "SELECT cache_configure('max_entries', 10000)",
    };
    client_run(client, RANDOM_PICK(client->random, looks));
}

static void read_both(struct client *client, struct client *idle)
{
    struct client *const readers[] = {client, idle};
    for (int i = 0; i < 2; i++)
        if (readers[i]->db != NULL)
            check_something(readers[i]);
}

void upkeep_switch(struct client *client, struct client *idle)
{
    /* A connection that has read holds the WAL open, so nobody can switch it off. */
    if (idle->db != NULL && random_chance(client->random, 50))
        client_close(idle);
    else if (idle->db == NULL)
        client_open(idle, 0, true, true);
    read_both(client, idle);
    sqlite3_stmt *statement = NULL;
    const char *mode = random_chance(client->random, 50) ? "DELETE" : "WAL";
    const char *now = NULL;
    char *sql = sqlite3_mprintf("PRAGMA main.journal_mode = %s", mode);
    client_failed(client, sqlite3_prepare_v2(client->db, sql, -1, &statement, NULL), sql);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        now = (const char *)sqlite3_column_text(statement, 0);
    else
        client_failed(client, code, sql);
    if (now != NULL && sqlite3_stricmp(now, mode) == 0)
        count(COUNT_SWITCHES);
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    read_both(client, idle);
}
