#include "coherence/schema.h"

#include <assert.h>
#include <string.h>

#include "base/buffer.h"
#include "base/databases.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/sql.h"

/* PRAGMA schema_version reads the file's version and compares it with nothing. */
static int hold_one(sqlite3 *db, const char *name, struct schema_hold *hold, int *version)
{
    sqlite3_stmt *statement;
    int rc = sql_prepare(db, &statement, "PRAGMA \"%w\".schema_version", name);
    if (rc != SQLITE_OK)
        return rc;
    hold->statements[hold->count++] = statement;
    rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_ERROR : rc;
    *version = sqlite3_column_int(statement, 0);
    return SQLITE_OK;
}

static int compare(sqlite3 *db, int index, const char *name, struct schema_hold *hold)
{
    int version = 0;
    uint32_t in_memory = 0;
    int rc = hold_one(db, name, hold, &version);
    if (rc == SQLITE_OK)
        rc = program_schema_version(db, index, name, &in_memory);
    if (rc == SQLITE_OK && in_memory != (uint32_t)version)
        rc = SQLITE_SCHEMA;
    return rc;
}

/* A file that cannot be read now cannot have its schema read anew now, either; who needs it will
** say what is wrong with it. */
static bool is_out_of_reach(int rc)
{
    return rc != SQLITE_OK && rc != SQLITE_SCHEMA && rc != SQLITE_NOMEM && rc != SQLITE_INTERRUPT;
}

/* One that is locked now may be free, and its schema found out of date, a moment later. */
static int leave_out(struct observer *observer, const char *name, int rc)
{
    int primary = rc & 0xff;
    if (primary != SQLITE_BUSY && primary != SQLITE_LOCKED && primary != SQLITE_PROTOCOL)
        return SQLITE_OK;
    struct database *database = observer_find(observer, name);
    if (database != NULL)
        database->out_of_reach = true;
    return database != NULL ? SQLITE_OK : rc;
}

int schema_hold(struct observer *observer, struct schema_hold *hold, char stale[64])
{
    assert(hold != NULL);
    sqlite3 *db = observer->connection.db;
    hold->observer = observer;
    hold->count = 0;
    struct databases list = databases_of(db);
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && databases_next(&list)) {
        if (list.index == TEMP_DATABASE || hold->count == SCHEMA_HOLDS ||
            sqlite3_txn_state(db, list.name) == SQLITE_TXN_WRITE)
            continue;
        sqlite3_snprintf(64, stale, "%s", list.name);
        rc = compare(db, list.index, list.name, hold);
        if (is_out_of_reach(rc))
            rc = leave_out(observer, list.name, rc);
    }
    int ended = databases_end(&list);
    return rc != SQLITE_OK ? rc : ended;
}

/* True while a statement that may write is under way. */
static bool is_writing(sqlite3 *db)
{
    for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s != NULL; s = sqlite3_next_stmt(db, s)) {
        if (sqlite3_stmt_busy(s) && !sqlite3_stmt_readonly(s))
            return true;
    }
    return false;
}

/* In transactions that were open when this was last found out, and have seen no commit since. */
static bool schemas_are_current(const struct observer *observer)
{
    for (const struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        uint32_t version = 0;
        if (d->index < 0 || d->index == TEMP_DATABASE)
            continue;
        int state = sqlite3_txn_state(observer->connection.db, d->name);
        if (state == SQLITE_TXN_NONE ||
            (state == SQLITE_TXN_READ &&
             (!d->schema_current || database_version(d, &version) != SQLITE_OK ||
              version != d->current_at)))
            return false;
    }
    return observer->connection.databases != NULL;
}

static void note_current_schemas(struct observer *observer)
{
    for (struct database *d = observer->connection.databases; d != NULL; d = d->next)
        d->schema_current = d->index >= 0 && database_version(d, &d->current_at) == SQLITE_OK;
}

int schema_hold_for_writer(struct observer *observer, struct schema_hold *hold, char stale[64])
{
    assert(hold != NULL);
    hold->observer = observer;
    hold->count = 0;
    if (sqlite3_txn_state(observer->connection.db, NULL) != SQLITE_TXN_WRITE ||
        !is_writing(observer->connection.db) || schemas_are_current(observer))
        return SQLITE_OK;
    int rc = schema_hold(observer, hold, stale);
    if (rc == SQLITE_OK)
        note_current_schemas(observer);
    return rc;
}

void schema_release(struct schema_hold *hold)
{
    for (int i = 0; i < hold->count; i++)
        sqlite3_finalize(hold->statements[i]);
    for (struct database *d = hold->observer->connection.databases; d != NULL; d = d->next)
        d->out_of_reach = false;
    hold->count = 0;
}

/* Only a statement that runs is checked against the file's schema. */
static int verify_one(sqlite3 *db, const char *name)
{
    char *sql = sqlite3_mprintf("SELECT 1 FROM \"%w\".sqlite_master LIMIT 1", name);
    if (sql == NULL)
        return SQLITE_NOMEM;
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return rc;
}

/* FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/), a version at a time. */
#define FNV_START UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

static int add_version(const struct instruction *instruction, int address, void *context)
{
    uint64_t *hash = context;
    struct schema_label label;
    (void)address;
    if (program_label(instruction, &label))
        *hash = (*hash ^ label.version ^ (uint64_t)label.database << 32) * FNV_PRIME;
    return SQLITE_OK;
}

/* One statement over all of them takes no longer to compile than one over a single database. */
#define MOST_AT_ONCE 8

static bool hash_at_once(const struct observer *observer, uint64_t *hash)
{
    struct buffer text = {0};
    int count = 0;
    for (const struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        if (d->index >= 0)
            buffer_add_format(&text, "%s\"%w\".sqlite_master", count++ ? ", " : "SELECT 1 FROM ",
                              d->name);
    }
    char *sql = buffer_take(&text);
    *hash = FNV_START;
    bool hashed = sql != NULL && count <= MOST_AT_ONCE &&
                  program_each(observer->connection.db, sql, add_version, hash) == SQLITE_OK;
    memory_free(sql);
    return hashed;
}

uint64_t schema_fingerprint(const struct observer *observer)
{
    uint64_t hash;
    if (hash_at_once(observer, &hash))
        return hash;
    /* There are many, or one cannot be read now. */
    hash = FNV_START;
    for (const struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        uint32_t version = 0;
        if (d->index >= 0 && program_schema_version(observer->connection.db, d->index, d->name,
                                                    &version) == SQLITE_OK)
            hash = (hash ^ version) * FNV_PRIME;
    }
    return hash;
}

/* The last look is at one that is out of date: see schema_verify() in the header. */
int schema_verify(const struct observer *observer, struct database *const *databases,
                  unsigned count)
{
    const struct database *outdated = NULL;
    for (unsigned i = 0; i < count; i++) {
        int rc = verify_one(observer->connection.db, databases[i]->name);
        if (rc == SQLITE_SCHEMA)
            outdated = databases[i];
        else if (rc != SQLITE_OK && !is_out_of_reach(rc))
            return rc;
    }
    return outdated != NULL ? verify_one(observer->connection.db, outdated->name) : SQLITE_OK;
}

struct database_set {
    const struct observer *observer;
    struct database *list[2 * SCHEMA_HOLDS]; /* what the program names, and then all there are */
    unsigned count;
};

static int note_database(const struct instruction *instruction, int address, void *context)
{
    struct database_set *set = context;
    struct database *database = observer_at(set->observer, instruction->p1);
    (void)address;
    if (database != NULL && set->count < SCHEMA_HOLDS &&
        strcmp(instruction->opcode, "Transaction") == 0)
        set->list[set->count++] = database;
    return SQLITE_OK;
}

int schema_find_outdated(const struct observer *observer, const char *sql)
{
    struct database_set set = {.observer = observer};
    int rc = program_each(observer->connection.db, sql, note_database, &set);
    bool leaves_none = sqlite3_get_autocommit(observer->connection.db) != 0;
    for (struct database *d = observer->connection.databases; d != NULL && leaves_none;
         d = d->next) {
        if (d->index >= 0 && d->index != TEMP_DATABASE && set.count < 2 * SCHEMA_HOLDS)
            set.list[set.count++] = d;
    }
    return rc == SQLITE_OK ? schema_verify(observer, set.list, set.count) : rc;
}

void schema_reload(const struct observer *observer)
{
    for (const struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        if (d->index >= 0 && d->index != TEMP_DATABASE)
            verify_one(observer->connection.db, d->name);
    }
}

/* Older versions of SQLite do not tell. */
#define SQLITE_WITH_TABLE_LIST 3037000

bool schema_may_have_views(sqlite3 *db, const char *schema)
{
    sqlite3_stmt *list = NULL;
    bool found = sqlite3_libversion_number() < SQLITE_WITH_TABLE_LIST ||
                 sql_prepare(db, &list, "PRAGMA \"%w\".table_list", schema) != SQLITE_OK;
    int rc = SQLITE_DONE;
    while (!found && (rc = sqlite3_step(list)) == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(list, 2);
        found = type == NULL || strcmp(type, "view") == 0;
    }
    return sqlite3_finalize(list) != SQLITE_OK || rc != SQLITE_DONE || found;
}
