#include "coherence/snapshot.h"

#include <string.h>

#include "base/guard.h"
#include "base/program.h"

/* ---- helper statements ---- */

static int prepare(struct observer *observer, const struct database *database, const char *pragma,
                   sqlite3_stmt **statement)
{
    if (*statement != NULL)
        return SQLITE_OK;
    char *sql = sqlite3_mprintf("PRAGMA \"%w\".%s", database->name, pragma);
    if (sql == NULL)
        return SQLITE_NOMEM;
    int rc = sqlite3_prepare_v3(observer->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    sqlite3_free(sql);
    return rc;
}

/* Run a helper that gives one number. */
static int read_number(struct observer *observer, const struct database *database,
                       const char *pragma, sqlite3_stmt **statement, uint32_t *number)
{
    int rc = prepare(observer, database, pragma, statement);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(*statement);
    if (rc == SQLITE_ROW)
        *number = (uint32_t)sqlite3_column_int64(*statement, 0);
    int reset = sqlite3_reset(*statement);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return reset;
    return rc;
}

static int read_schema(struct observer *observer, struct database *database, uint32_t *version)
{
    return read_number(observer, database, "schema_version", &database->schema_query, version);
}

/* Open a read transaction that lasts until snapshot_close(). */
static int hold(struct observer *observer, struct database *database)
{
    if (database->holding)
        return SQLITE_OK;
    int rc = prepare(observer, database, "schema_version", &database->hold_query);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(database->hold_query);
    if (rc != SQLITE_ROW) {
        sqlite3_reset(database->hold_query);
        return rc == SQLITE_DONE ? SQLITE_ERROR : rc;
    }
    database->holding = true;
    return SQLITE_OK;
}

/* ---- settling ---- */

/* In a read transaction: which file this is, and whether it is in WAL mode. */
static int learn_source(struct observer *observer, struct database *database,
                        const struct clock_source *now)
{
    int rc = prepare(observer, database, "journal_mode", &database->mode_query);
    if (rc != SQLITE_OK)
        return rc;
    bool wal = false;
    rc = sqlite3_step(database->mode_query);
    if (rc == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(database->mode_query, 0);
        wal = mode != NULL && sqlite3_stricmp(mode, "wal") == 0;
        rc = SQLITE_OK;
    }
    int reset = sqlite3_reset(database->mode_query);
    if (rc != SQLITE_OK || reset != SQLITE_OK)
        return rc != SQLITE_OK ? rc : reset;
    database->source = *now;
    database->source.wal = wal;
    database->source.locked = clock_is_locked(now);
    return SQLITE_OK;
}

/* What a connection can tell of its database in a read transaction. */
struct sighting {
    uint32_t version;
    uint32_t foreign_version;
    uint32_t schema_version;
    struct clock clock; /* of exactly this transaction's snapshot; CLOCK_NONE: not known */
};

static int sight(struct observer *observer, struct database *database, struct sighting *sighting)
{
    int rc = observer_read_version(observer, database, &sighting->version);
    if (rc == SQLITE_OK)
        rc = read_number(observer, database, "data_version", &database->foreign_query,
                         &sighting->foreign_version);
    if (rc == SQLITE_OK)
        rc = read_schema(observer, database, &sighting->schema_version);
    if (rc != SQLITE_OK)
        return rc;

    struct clock_source now;
    if (!clock_look(observer->db, database->name, &now))
        return SQLITE_ERROR;
    if (!clock_same_source(&now, &database->source))
        rc = learn_source(observer, database, &now);
    return rc;
}

/* Every commit since the known state was this connection's own, and was announced by name. */
static bool is_own_work(const struct observer *observer, const struct database *database,
                        const struct sighting *now)
{
    uint32_t own_before = database->version - database->foreign_version;
    uint32_t own_now = now->version - now->foreign_version;
    return (now->foreign_version == database->foreign_version || !GUARD(FOREIGN_COMMIT)) &&
           (now->schema_version == database->schema_version || !GUARD(SCHEMA_VERSION)) &&
           own_now - own_before == database->announcements && !database->announced.everything &&
           observer_is_hooked(observer);
}

static void clear_announced(struct database *database)
{
    database->announced.count = 0;
    database->announced.everything = false;
    database->announcements = 0;
}

/* Write into the history what has happened since the known state. */
static void settle(struct observer *observer, struct database *database, const struct sighting *now)
{
    bool unmoved = database->known && (now->version == database->version ||
                                       clock_equal(&now->clock, &database->clock));
    if (!unmoved) {
        if (database->known && is_own_work(observer, database, now)) {
            uint64_t epoch = history_advance_known(database->history);
            for (unsigned i = 0; i < database->announced.count; i++)
                history_mark(database->announced.tables[i], epoch);
        } else if (GUARD(UNKNOWN_COMMIT)) {
            history_advance_unknown(database->history);
        }
    }
    if (now->schema_version != database->schema_seen || !database->known)
        observer->schema_generation++;
    database->schema_seen = now->schema_version;
    database->schema_in_doubt = false;
    clear_announced(database);
    database->version = now->version;
    database->foreign_version = now->foreign_version;
    database->schema_version = now->schema_version;
    database->known = true;
    /* A clock of before still holds where nothing moved; else only an exact reading will do. */
    if (now->clock.kind != CLOCK_NONE || !unmoved)
        database->clock = now->clock;
}

/*
** The clock of the read transaction that is open. In rollback mode it is the reading now, since
** the SHARED lock keeps writers away from the file. In WAL mode it is known where a reading from
** before the transaction, and the one after it began, are equal: what lies between is equal to
** both.
*/
static struct clock exact_clock(const struct clock *before, const struct clock *after)
{
    if (after->kind == CLOCK_ROLLBACK || !GUARD(SNAPSHOT_CLOCK) ||
        (before != NULL && clock_equal(before, after)))
        return *after;
    return (struct clock){.kind = CLOCK_NONE};
}

/* True when the connection has seen no change since the known state; asked in a transaction. */
static bool is_unmoved(struct observer *observer, const struct database *database)
{
    struct clock_source now;
    uint32_t version = 0;
    return database->known && observer_read_version(observer, database, &version) == SQLITE_OK &&
           version == database->version && clock_look(observer->db, database->name, &now) &&
           clock_same_source(&now, &database->source);
}

/* True when the name stands for another file than before (sqlite3_deserialize). */
static bool is_replaced(const struct observer *observer, const struct database *database)
{
    struct clock_source now;
    return database->source.file != NULL && clock_look(observer->db, database->name, &now) &&
           (now.file != database->source.file || now.methods != database->source.methods);
}

/*
** Settle in a transaction; `before` is the clock just before it was opened, NULL where it was
** opened by others. In WAL mode nothing is known of the clock then: the transaction may even be
** on a snapshot of long ago (sqlite3_snapshot_open).
*/
static int settle_in_transaction(struct observer *observer, struct database *database,
                                 const struct clock *before)
{
    if (is_replaced(observer, database)) {
        int rc = observer_reset_database(observer, database);
        if (rc != SQLITE_OK)
            return rc;
    }
    bool unmoved = is_unmoved(observer, database);
    struct sighting now = {.clock.kind = CLOCK_NONE};
    if (!unmoved) {
        int rc = sight(observer, database, &now);
        if (rc != SQLITE_OK)
            return rc;
    }
    struct clock after = clock_read(observer->db, database->name, &database->source);
    now.clock = exact_clock(before, &after);
    if (!unmoved)
        settle(observer, database, &now);
    else if (now.clock.kind != CLOCK_NONE)
        database->clock = now.clock;
    return SQLITE_OK;
}

/* Where the clock has not moved, what was announced since wrote nothing. Left standing, it would
** make the next commit unknown. */
static int forget_announcements(struct observer *observer, struct database *database)
{
    if (database->announcements == 0)
        return SQLITE_OK;
    clear_announced(database);
    return observer_read_version(observer, database, &database->version);
}

static int see_database(struct observer *observer, struct database *database, bool keep_open)
{
    if (sqlite3_txn_state(observer->db, database->name) != SQLITE_TXN_NONE)
        return settle_in_transaction(observer, database, NULL);
    struct clock before = clock_read(observer->db, database->name, &database->source);
    bool current = database->known && clock_equal(&before, &database->clock);
    if (current && !keep_open)
        return forget_announcements(observer, database);
    int rc = hold(observer, database);
    if (rc != SQLITE_OK)
        return rc;
    return settle_in_transaction(observer, database, &before);
}

/* True when a write transaction is open on the database; asked by name only where one is open at all. */
static bool is_written(const struct observer *observer, const struct database *database,
                       bool any_written)
{
    return any_written && sqlite3_txn_state(observer->db, database->name) == SQLITE_TXN_WRITE;
}

/* ---- schemas ---- */

/* In a write transaction, which may be changing the schema, and may yet take that back. */
static void look_at_schema(struct observer *observer, struct database *database)
{
    uint32_t version = 0;
    if (read_schema(observer, database, &version) != SQLITE_OK)
        return;
    if (version != database->schema_seen && GUARD(OPEN_SCHEMA))
        observer->schema_generation++;
    database->schema_seen = version;
    database->schema_in_doubt = true;
}

static bool is_among(const struct database *database, struct database *const *databases,
                     unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (databases[i] == database)
            return true;
    }
    return false;
}

/* What names mean goes by the schema in memory, whatever the file says by now. */
static void look_at_memory(struct observer *observer, struct database *database, uint32_t version)
{
    uint32_t schema = 0;
    if (program_schema_version(observer->db, database->index, database->name, &schema) != SQLITE_OK)
        return;
    if (schema != database->schema_seen)
        observer->schema_generation++;
    database->schema_seen = schema;
    database->schema_in_doubt = false;
    database->watched = true;
    database->watched_version = version;
}

/*
** A name may come to mean another table when any database of the connection changes its schema,
** temp above all. `seen` are those that were settled just now. The others are not read, and so no
** transaction is opened on them. Failures are left to the query itself: it meets them too.
*/
static void watch_schemas(struct observer *observer, struct database *const *seen, unsigned count,
                          bool any_written)
{
    for (struct database *d = observer->databases; d != NULL; d = d->next) {
        uint32_t version = 0;
        bool settled = is_among(d, seen, count);
        if (d->index < 0 || (settled && !d->schema_in_doubt))
            continue;
        if (observer_read_version(observer, d, &version) != SQLITE_OK)
            continue; /* temp, before it holds anything */
        if (is_written(observer, d, any_written))
            look_at_schema(observer, d);
        else if (d->schema_in_doubt || !d->watched || version != d->watched_version)
            look_at_memory(observer, d, version);
    }
}

/* ---- snapshots ---- */

static bool may_serve(const struct observer *observer, struct database *const *databases,
                      unsigned count, bool any_written)
{
    if (observer->read_uncommitted && GUARD(READ_UNCOMMITTED))
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (databases[i]->index < 0 || databases[i]->uncacheable ||
            (is_written(observer, databases[i], any_written) && GUARD(WRITE_BYPASS)))
            return false;
    }
    return true;
}

int snapshot_open(struct observer *observer, struct database *const *databases, unsigned count,
                  bool hold_open, enum snapshot_state *state)
{
    observer->depth++;
    *state = SNAPSHOT_BYPASS;
    int rc = observer_list_databases(observer, false);
    if (rc != SQLITE_OK)
        return rc == SQLITE_NOMEM ? rc : SQLITE_OK;
    bool any_written = sqlite3_txn_state(observer->db, NULL) == SQLITE_TXN_WRITE;
    bool serve = may_serve(observer, databases, count, any_written);
    bool keep_open = hold_open || !sqlite3_get_autocommit(observer->db);
    for (unsigned i = 0; i < count && serve; i++) {
        rc = see_database(observer, databases[i], keep_open);
        if (rc == SQLITE_NOMEM || rc == SQLITE_INTERRUPT || (rc & 0xff) == SQLITE_BUSY)
            return rc;
        /* Whatever else is wrong, the query itself will say it better. */
        serve = rc == SQLITE_OK;
    }
    watch_schemas(observer, databases, serve ? count : 0, any_written);
    if (serve)
        *state = SNAPSHOT_GOOD;
    return SQLITE_OK;
}

bool snapshot_holds(struct observer *observer, struct database *const *databases, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t version = 0;
        if (sqlite3_txn_state(observer->db, databases[i]->name) != SQLITE_TXN_READ ||
            observer_read_version(observer, databases[i], &version) != SQLITE_OK ||
            version != databases[i]->version)
            return false;
    }
    return true;
}

void snapshot_close(struct observer *observer)
{
    if (--observer->depth > 0)
        return;
    for (struct database *d = observer->databases; d != NULL; d = d->next) {
        if (d->holding)
            sqlite3_reset(d->hold_query);
        d->holding = false;
    }
}
