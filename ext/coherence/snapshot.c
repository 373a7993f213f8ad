#include "coherence/snapshot.h"

#include <assert.h>
#include <string.h>

#include "base/guard.h"
#include "base/program.h"

/* ---- helper statements ---- */

static int prepare(struct observer *observer, const struct database *database, const char *pragma,
                   sqlite3_stmt **statement)
{
    if (*statement != NULL)
        return SQLITE_OK;
    char *sql = sqlite3_mprintf(OWN_STATEMENT "PRAGMA \"%w\".%s", database->name, pragma);
    if (sql == NULL)
        return SQLITE_NOMEM;
    int rc = sqlite3_prepare_v3(observer->connection.db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                statement, NULL);
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
    assert(database->index >= 0);
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

/* ---- seeing ---- */

/* In a read transaction: which file this is, and whether it is in WAL mode. */
static void learn_source(struct database *database, const struct clock_source *now)
{
    database->source = *now;
    database->source.wal = clock_is_wal(now);
    database->source.locked = clock_is_locked(now);
}

/*
** The clock that a database in an open read transaction is seen with, where that is certain. In
** rollback mode it is the reading now, since the SHARED lock keeps writers away from the file. In
** WAL mode it is known where a reading from before the transaction, and the one now, are equal:
** what lies between is equal to both. (An empty WAL's clock is a constant; nor may the connection
** have seen a change then.) Where the connection is alone it is the data version.
*/
static struct clock exact_clock(const struct database *database, uint32_t version)
{
    if (!file_is_shared(database->member.file))
        return clock_of_version(version);
    struct clock now = database_clock(database);
    if (now.kind == CLOCK_ROLLBACK || !GUARD(SNAPSHOT_CLOCK))
        return now;
    if (clock_equal(&database->outside, &now) &&
        (now.kind != CLOCK_EMPTY_WAL || version == database->outside_version))
        return now;
    return (struct clock){.kind = CLOCK_NONE};
}

/* Learn the source anew where it is another. What was known of the state is not compared then. */
static int know_source(const struct observer *observer, struct database *database)
{
    struct clock_source now;
    if (!clock_look(observer->connection.db, database->name, &now))
        return SQLITE_ERROR;
    if (clock_same_source(&now, &database->source))
        return SQLITE_OK;
    database->known = false;
    learn_source(database, &now);
    return SQLITE_OK;
}

/* Be a member of the file that all share where it has a clock, and of one of its own elsewhere. */
static int choose_file(struct observer *observer, struct database *database)
{
    struct clock_source source = database->source;
    bool has_clock =
        clock_read(observer->connection.db, database->name, &source).kind != CLOCK_NONE;
    if (file_is_shared(database->member.file) ? has_clock
                                              : !has_clock || !database_could_share(database))
        return SQLITE_OK;
    /* Under locking_mode = EXCLUSIVE a commit that was announced hides those that come after it. */
    if (!has_clock)
        file_withdraw(&database->member);
    int rc = database_reset(database, has_clock);
    database->source = source;
    return rc;
}

/* The state is that of the clock: which epoch is it? */
static void see_exactly(struct database *database, const struct clock *clock, uint32_t version,
                        bool unmoved)
{
    assert(clock->kind != CLOCK_NONE);
    uint64_t epoch = file_see(&database->member, clock, database_proves(database, version));
    if (epoch == 0 && unmoved && database->exact)
        return;
    database->exact = epoch != 0;
    if (epoch == 0 && !database->known)
        database->epoch = 0;
    if (epoch == 0)
        return; /* the last one known stays as the one before */
    database->epoch = epoch;
    database->clock = *clock;
}

#ifdef SQLITE_ENABLE_SNAPSHOT
#define SNAPSHOTS_CAN_BE_OPENED true
#else
#define SNAPSHOTS_CAN_BE_OPENED (sqlite3_compileoption_used("ENABLE_SNAPSHOT") != 0)
#endif

/*
** Others have opened the transaction, and it cannot be told which state it sees: one between the
** last known and the one now. An sqlite3_snapshot_open() may even have gone back.
*/
static int see_roughly(struct database *database)
{
    file_note(&database->member);
    if (!database->known || SNAPSHOTS_CAN_BE_OPENED)
        database->epoch = 0;
    return database_see_alone(database);
}

/* Where the file's clock still reads as at the last state known, there was an own commit at most,
** which wrote nothing. */
static bool sees_latest(struct database *database, const struct clock *now, uint32_t version)
{
    if (now->kind == CLOCK_NONE || SNAPSHOTS_CAN_BE_OPENED)
        return false;
    return (database->known && database->exact && clock_equal(now, &database->clock) &&
            now->kind != CLOCK_EMPTY_WAL) ||
           database_sees_latest(database, now, version);
}

/* Which schema the transaction sees, and whether a commit in between changed it. */
static int see_schema(struct observer *observer, struct database *database)
{
    uint32_t schema = 0;
    int rc = read_schema(observer, database, &schema);
    if (rc != SQLITE_OK)
        return rc;
    if (schema != database->schema_seen || !database->known)
        observer->connection.schema_generation++;
    if (database->exact)
        file_see_schema(&database->member, database->epoch, schema);
    else if (schema != database->schema_version)
        database->epoch = 0;
    database->schema_seen = schema;
    database->schema_in_doubt = false;
    database->schema_version = schema;
    return SQLITE_OK;
}

/* `ours`: the transaction was opened just now. In one that was open before nothing can have moved
** but by what the connection itself does. */
static int see_in_transaction(struct observer *observer, struct database *database, bool ours)
{
    uint32_t version = 0;
    int rc = database_is_replaced(database) ? database_reset(database, true) : SQLITE_OK;
    if (rc == SQLITE_OK)
        rc = know_source(observer, database);
    if (rc == SQLITE_OK)
        rc = choose_file(observer, database);
    if (rc == SQLITE_OK)
        rc = database_version(database, &version);
    if (rc != SQLITE_OK)
        return rc;
    bool unmoved = database->known && version == database->version;
    if (unmoved && database->exact && !ours)
        return SQLITE_OK;
    if (!ours)
        database_clean_pages(database);
    bool was_exact = database->exact;
    struct clock clock = exact_clock(database, version);
    if (clock.kind == CLOCK_NONE) {
        struct clock now = database_clock(database);
        if (sees_latest(database, &now, version))
            clock = now;
    }
    if (clock.kind != CLOCK_NONE)
        see_exactly(database, &clock, version, unmoved);
    else if (!unmoved && GUARD(ROUGH_VIEW))
        database->exact = false;
    if (!database->exact && (was_exact || !unmoved))
        rc = see_roughly(database);
    if (rc == SQLITE_OK && (!unmoved || database->exact != was_exact))
        rc = see_schema(observer, database);
    database->known = rc == SQLITE_OK;
    database->version = version;
    return rc;
}

/* True when the file is still in the state last seen; asked outside any transaction. (The clock of
** an empty WAL is a constant; but where nothing has moved, the connection has held it since
** then.) */
static bool is_current(const struct database *database)
{
    return database->known && database->exact && file_is_shared(database->member.file) &&
           file_is_clean(&database->member) && database_has_not_moved(database) &&
           clock_reads_as(&database->source, &database->clock);
}

/* End the read transaction, unless something else keeps it open. */
static void let_go(struct database *database)
{
    if (database->holding)
        sqlite3_reset(database->hold_query);
    database->holding = false;
}

/* How often a transaction is opened anew because somebody committed just as it was, or because it
** was the first look that told the mode. */
#define MAX_LOOKS 3

static int hold_and_see(struct observer *observer, struct database *database)
{
    for (int look = 1;; look++) {
        database_look_from_outside(database);
        database_clean_pages(database);
        int rc = hold(observer, database);
        if (rc == SQLITE_OK)
            rc = see_in_transaction(observer, database, true);
        if (rc != SQLITE_OK || database->exact || look == MAX_LOOKS ||
            !sqlite3_get_autocommit(observer->connection.db))
            return rc;
        let_go(database);
        if (sqlite3_txn_state(observer->connection.db, database->name) != SQLITE_TXN_NONE)
            return hold(observer, database);
    }
}

static int see_database(struct observer *observer, struct database *database, bool keep_open)
{
    assert(database->index >= 0);
    if (sqlite3_txn_state(observer->connection.db, database->name) != SQLITE_TXN_NONE)
        return see_in_transaction(observer, database, false);
    if (!keep_open && is_current(database))
        return SQLITE_OK;
    /* Before a read finds out what others have committed: after it, it cannot be told. */
    if (database->member.announcement != ANNOUNCED_NOTHING)
        file_settle(&database->member);
    return hold_and_see(observer, database);
}

/* True when a write transaction is open on the database; asked by name only where one is open at
** all. */
static bool is_written(const struct observer *observer, const struct database *database,
                       bool any_written)
{
    return any_written &&
           sqlite3_txn_state(observer->connection.db, database->name) == SQLITE_TXN_WRITE;
}

/* ---- schemas ---- */

/* In a write transaction, which may be changing the schema, and may yet take that back. */
static void look_at_schema(struct observer *observer, struct database *database)
{
    uint32_t version = 0;
    if (read_schema(observer, database, &version) != SQLITE_OK)
        return;
    if (version != database->schema_seen && GUARD(OPEN_SCHEMA))
        observer->connection.schema_generation++;
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
    if (program_schema_version(observer->connection.db, database->index, database->name, &schema) !=
        SQLITE_OK)
        return;
    if (schema != database->schema_seen)
        observer->connection.schema_generation++;
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
    for (struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        uint32_t version = 0;
        bool settled = is_among(d, seen, count);
        if (d->index < 0 || (settled && !d->schema_in_doubt))
            continue;
        if (database_version(d, &version) != SQLITE_OK) {
            /* Temp, before it holds anything; or PRAGMA temp_store has thrown away what it held. */
            observer->connection.schema_generation += d->watched;
            d->watched = false;
            continue;
        }
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
    assert(databases != NULL && state != NULL);
    observer->depth++;
    *state = SNAPSHOT_BYPASS;
    int rc = observer_list_databases(observer, false);
    if (rc != SQLITE_OK)
        return rc == SQLITE_NOMEM ? rc : SQLITE_OK;
    bool any_written = sqlite3_txn_state(observer->connection.db, NULL) == SQLITE_TXN_WRITE;
    bool serve = may_serve(observer, databases, count, any_written);
    bool keep_open = hold_open || !sqlite3_get_autocommit(observer->connection.db);
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

/* Inside a transaction nothing moves but the data version; outside, the clock. */
static bool database_stands(const struct observer *observer, const struct database *database,
                            bool hold)
{
    if (database->index < 0 || database->uncacheable || database->schema_in_doubt ||
        !database->known || !database->exact)
        return false;
    switch (sqlite3_txn_state(observer->connection.db, database->name)) {
    case SQLITE_TXN_NONE:
        return !hold && sqlite3_get_autocommit(observer->connection.db) && is_current(database);
    case SQLITE_TXN_READ:
        return database_has_not_moved(database);
    default:
        return false;
    }
}

/* Of a database that is not read. */
static bool schema_stands(const struct observer *observer, const struct database *database)
{
    uint32_t version = 0;
    if (database->schema_in_doubt)
        return false;
    if (database_version(database, &version) != SQLITE_OK)
        return database->index == TEMP_DATABASE && !database->watched; /* it still holds nothing */
    return database->watched && version == database->watched_version &&
           !is_written(observer, database, true);
}

bool snapshot_stands(const struct observer *observer, struct database *const *databases,
                     unsigned count, bool hold, bool in_temp)
{
    if (sentinel_has_expired(observer->connection.sentinel) || observer->read_uncommitted)
        return false;
    for (const struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        bool stands = true;
        if (is_among(d, databases, count))
            stands = database_stands(observer, d, hold);
        else if (d->index == TEMP_DATABASE && in_temp)
            stands = !d->schema_in_doubt; /* any change of temp's schema expires the sentinel */
        else if (d->index >= 0)
            stands = schema_stands(observer, d);
        if (!stands)
            return false;
    }
    return true;
}

/* Inline for the linker: each hit calls it. */
void snapshot_views(struct database *const *databases, unsigned count, bool alone,
                    struct views *views)
{
    views_clear(views);
    for (unsigned i = 0; i < count; i++) {
        const struct database *database = databases[i];
        struct view view = {.history = database_history(database),
                            .epoch = database->epoch,
                            .exact = database->known && database->exact};
        if (alone && !view.exact)
            view = (struct view){
                .history = database->own, .epoch = database->own_epoch, .exact = true};
        views_add(views, &view);
    }
}

bool snapshot_holds(struct observer *observer, struct database *const *databases, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t version = 0;
        if (sqlite3_txn_state(observer->connection.db, databases[i]->name) != SQLITE_TXN_READ ||
            database_version(databases[i], &version) != SQLITE_OK ||
            version != databases[i]->version)
            return false;
    }
    return true;
}

void snapshot_close(struct observer *observer)
{
    assert(observer->depth > 0);
    if (--observer->depth > 0)
        return;
    for (struct database *d = observer->connection.databases; d != NULL; d = d->next)
        let_go(d);
}

void snapshot_prepare(struct observer *observer)
{
    for (struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        if (d->index >= 0)
            database_look_from_outside(d);
    }
}

void snapshot_learn(struct observer *observer, struct database *const *databases, unsigned count)
{
    enum snapshot_state state;
    bool known = true;
    for (unsigned i = 0; i < count; i++)
        known = known && databases[i]->known;
    if (known)
        return;
    snapshot_open(observer, databases, count, true, &state);
    snapshot_close(observer);
}
