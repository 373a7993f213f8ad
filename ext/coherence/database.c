#include "coherence/database.h"

#include <assert.h>
#include <string.h>
#include <sys/stat.h>

#include "base/guard.h"
#include "base/memory.h"

struct history *database_history(const struct database *database)
{
    return file_history(database->member.file);
}

int database_version(const struct database *database, uint32_t *version)
{
    assert(version != NULL);
    return sqlite3_file_control(database->connection->db, database_schema(database),
                                SQLITE_FCNTL_DATA_VERSION, version);
}

struct clock database_clock(const struct database *database)
{
    if (!file_is_shared(database->member.file))
        return (struct clock){.kind = CLOCK_NONE};
    return clock_read(database->connection->db, database_schema(database), &database->source);
}

bool database_is_replaced(const struct database *database)
{
    return !handle_stands(database->connection->db, database_schema(database), &database->handle);
}

bool database_has_not_moved(const struct database *database)
{
    uint32_t version = 0;
    return !database_is_replaced(database) && database_version(database, &version) == SQLITE_OK &&
           version == database->version;
}

static int transaction(const struct database *database)
{
    return sqlite3_txn_state(database->connection->db, database->name);
}

static int pages_written(const struct database *database)
{
    int written = 0;
    int greatest = 0;
    sqlite3_db_status(database->connection->db, SQLITE_DBSTATUS_CACHE_WRITE, &written, &greatest,
                      0);
    return written;
}

void database_look_from_outside(struct database *database)
{
    if (transaction(database) != SQLITE_TXN_NONE)
        return;
    database->outside = database_clock(database);
    if (database_version(database, &database->outside_version) != SQLITE_OK)
        database->outside.kind = CLOCK_NONE;
}

static int pages_spilled(const struct database *database)
{
    int spilled = 0;
    int greatest = 0;
    sqlite3_db_status(database->connection->db, SQLITE_DBSTATUS_CACHE_SPILL, &spilled, &greatest,
                      0);
    return spilled;
}

/* It moves when any other database of the connection is written to. */
static uint32_t other_versions(const struct database *database)
{
    uint32_t sum = 0;
    for (const struct database *d = database->connection->databases; d != NULL; d = d->next) {
        uint32_t version = 0;
        if (d != database && d->index >= 0 && database_version(d, &version) == SQLITE_OK)
            sum += version;
    }
    return sum;
}

/* Whether the pages written since the hook can only be those of the announced commit. */
static bool pages_are_its_own(const struct database *database)
{
    return database->alone &&
           sqlite3_txn_state(database->connection->db, NULL) != SQLITE_TXN_WRITE &&
           pages_spilled(database) == database->cache_spills &&
           other_versions(database) == database->other_versions;
}

/* ---- asked as a member ---- */

static struct database *database_of(struct member *member)
{
    return (struct database *)(void *)member;
}

/* A detached database's number of commits starts anew when it is attached again. Asked in hooks. */
static bool may_be_another(const struct database *database)
{
    return database->index > TEMP_DATABASE &&
           (!sentinel_tells_in_hooks() || sentinel_has_expired(database->connection->sentinel));
}

bool database_proves(const struct database *database, uint32_t version)
{
    return database->member.announcement != ANNOUNCED_NOTHING &&
           (version == database->member.version + 1 || !GUARD(FOREIGN_COMMIT)) &&
           !may_be_another(database) && connection_is_hooked(database->connection);
}

/*
** The connection is idle, or asks itself. It has committed, once and nothing since, when its data
** version has grown by one and no rollback was heard of; that wrote to the file, when pages were
** written since the hook.
*/
static enum answer tell(const struct database *database, int *pages)
{
    uint32_t version = 0;
    if (transaction(database) == SQLITE_TXN_WRITE)
        return ANSWER_LATER;
    if (database_version(database, &version) != SQLITE_OK || !database_proves(database, version))
        return ANSWER_NO;
    if (!pages_are_its_own(database) && GUARD(ONE_DATABASE))
        return ANSWER_LATER;
    *pages = pages_written(database) - database->cache_writes;
    return *pages > 0 || !GUARD(PAGES_WRITTEN) ? ANSWER_YES : ANSWER_NO;
}

static enum answer has_happened(struct member *member, bool own, int *pages)
{
    assert(pages != NULL);
    struct database *database = database_of(member);
    if (own)
        return tell(database, pages);
    /* Without a mutex its thread cannot be kept from using it meanwhile. */
    sqlite3_mutex *mutex = sqlite3_db_mutex(database->connection->db);
    if (mutex == NULL || sqlite3_mutex_try(mutex) != SQLITE_OK)
        return ANSWER_LATER;
    enum answer answer = tell(database, pages);
    sqlite3_mutex_leave(mutex);
    return answer;
}

static bool still_holds(const struct database *database)
{
    uint32_t version = 0;
    return database->known && database->exact && database->clock.kind == CLOCK_EMPTY_WAL &&
           database_clock(database).kind == CLOCK_EMPTY_WAL &&
           database_version(database, &version) == SQLITE_OK && version == database->version &&
           !may_be_another(database);
}

static bool holds_wal(struct member *member, bool own)
{
    struct database *database = database_of(member);
    if (own)
        return still_holds(database);
    sqlite3_mutex *mutex = sqlite3_db_mutex(database->connection->db);
    if (mutex == NULL || sqlite3_mutex_try(mutex) != SQLITE_OK)
        return false;
    bool holds = still_holds(database);
    sqlite3_mutex_leave(mutex);
    return holds;
}

/*
** The clock that a commit under way is based on. What the lock was when the transaction wrote first
** tells the mode: a writer to a WAL holds the file SHARED, a writer to a rollback journal RESERVED,
** and one that held it EXCLUSIVE leaves the counter alone (locking_mode = EXCLUSIVE) or has raised
** it before the commit. So does one whose cache spilled since: it has written pages. PENDING is
** what is left, in either mode, where EXCLUSIVE was not to be had: it tells nothing.
*/
static struct clock writers_clock(struct database *database)
{
    assert(database->member.file != NULL);
    sqlite3 *db = database->connection->db;
    struct clock none = {.kind = CLOCK_NONE};
    struct clock_source source;
    if (!database->writing || !clock_look(db, database->name, &source))
        return none;
    source.wal = database->write_lock == SQLITE_LOCK_SHARED;
    source.locked = database->write_lock >= SQLITE_LOCK_SHARED;
    if (database->write_lock > SQLITE_LOCK_RESERVED && GUARD(WRITE_LOCK))
        return none;
    database->source = source; /* certain, as no look in a read transaction could be more so */
    if (!source.wal && pages_written(database) != database->writes_before && GUARD(SPILL))
        return none;
    return clock_read_as_writer(&source);
}

bool database_sees_latest(struct database *database, const struct clock *now, uint32_t version)
{
    int pages = 0;
    bool own = database->member.announcement != ANNOUNCED_NOTHING &&
               tell(database, &pages) == ANSWER_YES &&
               clock_follows_by(&database->member.announced.base, now, pages);
    bool another = clock_equal(now, &database->inside) && now->kind != CLOCK_EMPTY_WAL &&
                   version != database->inside_version;
    database->inside = *now;
    database->inside_version = version;
    return (own || another) && GUARD(ROUGH_VIEW);
}

int database_see_alone(struct database *database)
{
    if (database->own == NULL)
        database->own = history_new(history_name(database_history(database)));
    if (database->own == NULL)
        return SQLITE_NOMEM;
    database->own_epoch = history_advance(database->own);
    history_mark_all(database->own, database->own_epoch);
    return SQLITE_OK;
}

/* In rollback mode only a lock keeps the counter from being that of a commit under way. */
static struct clock read_clock(struct member *member)
{
    struct database *database = database_of(member);
    uint32_t version = 0;
    if (!file_is_shared(member->file))
        return database_version(database, &version) == SQLITE_OK
                   ? clock_of_version(version)
                   : (struct clock){.kind = CLOCK_NONE};
    if (database->committing)
        return writers_clock(database);
    if (!database->source.wal && transaction(database) == SQLITE_TXN_NONE)
        return (struct clock){.kind = CLOCK_NONE};
    return database_clock(database);
}

/* ---- which file it is ---- */

/* What cannot be watched: a file promised never to change, though it might, and memdb, whose
** content can be replaced whole. */
static bool is_uncacheable(sqlite3 *db, const char *name, const char *path)
{
    sqlite3_vfs *vfs = NULL;
    if (sqlite3_file_control(db, name, SQLITE_FCNTL_VFS_POINTER, (void *)&vfs) == SQLITE_OK &&
        vfs != NULL && strcmp(vfs->zName, "memdb") == 0)
        return true;
    if (path == NULL)
        return false;
    const char *cache = sqlite3_uri_parameter(path, "cache");
    return sqlite3_uri_boolean(path, "immutable", 0) ||
           (cache != NULL && sqlite3_stricmp(cache, "shared") == 0);
}

static const char *path_of(const struct database *database)
{
    const char *path = sqlite3_db_filename(database->connection->db, database->name);
    return path != NULL && path[0] != '\0' ? path : NULL;
}

/* False where there is no file that others could open. A file that is not at its path any more has
** another behind it, whose identity is not this one's. */
static bool identify(const struct database *database, struct file_identity *identity)
{
    sqlite3 *db = database->connection->db;
    const char *path = path_of(database);
    sqlite3_vfs *vfs = NULL;
    struct stat status;
    int moved = 0;
    if (path == NULL || stat(path, &status) != 0 ||
        sqlite3_file_control(db, database->name, SQLITE_FCNTL_VFS_POINTER, (void *)&vfs) !=
            SQLITE_OK ||
        vfs == NULL ||
        sqlite3_file_control(db, database->name, SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK ||
        (moved && GUARD(MOVED_FILE)))
        return false;
    *identity = (struct file_identity){
        .device = (uint64_t)status.st_dev, .inode = (uint64_t)status.st_ino, .vfs = vfs->zName};
    return true;
}

static bool read_stamp(const struct member *member, struct stamp *stamp)
{
    const struct database *database = (const struct database *)(const void *)member;
    const char *path = path_of(database);
    return path != NULL && stamp_read(path, stamp) && file_has_stamp(member->file, stamp);
}

void database_clean_pages(struct database *database)
{
    if (file_is_clean(&database->member))
        return;
    uint64_t suspicions = file_suspicions(database->member.file);
    sqlite3_db_release_memory(database->connection->db);
    file_clean(&database->member, suspicions);
}

static void look_behind_name(struct database *database)
{
    sqlite3 *db = database->connection->db;
    database->uncacheable = is_uncacheable(db, database->name, path_of(database));
    database->handle = handle_look(db, database->name);
    database->known = false;
    database->exact = false;
    database->epoch = 0;
    database->schema_current = false;
    database->watched = false;
    database->source = (struct clock_source){0};
    database->clock.kind = CLOCK_NONE;
    database->outside.kind = CLOCK_NONE;
    database->inside.kind = CLOCK_NONE;
    database->connection->schema_generation++;
}

bool database_could_share(const struct database *database)
{
    struct file_identity identity;
    return !database->uncacheable && identify(database, &identity);
}

int database_reset(struct database *database, bool shared)
{
    const char *known_as = path_of(database);
    struct file_identity identity;
    if (known_as == NULL)
        known_as = database->index == TEMP_DATABASE ? "temp" : ":memory:";
    look_behind_name(database);
    shared = shared && !database->uncacheable && identify(database, &identity);
    database->member.handle = shared ? database->handle.file : NULL;
    int rc = file_join(&database->member, shared ? &identity : NULL, known_as);
    if (rc == SQLITE_LOCKED_SHAREDCACHE) {
        database->uncacheable = true;
        database->member.handle = NULL;
        rc = file_join(&database->member, NULL, known_as);
    }
    if (rc != SQLITE_OK)
        database->uncacheable = true;
    write_set_clear(&database->touched);
    database->touched.everything = transaction(database) == SQLITE_TXN_WRITE;
    return rc;
}

static bool is_same_file(const struct database *database)
{
    struct file_identity identity;
    return file_is_shared(database->member.file) && identify(database, &identity) &&
           file_has_identity(database->member.file, &identity);
}

int database_renew(struct database *database)
{
    if (!is_same_file(database))
        return database_reset(database, true);
    look_behind_name(database);
    file_withdraw(&database->member);
    file_renew(&database->member);
    return SQLITE_OK;
}

int database_detach(struct database *database)
{
    database->index = -1;
    return database_reset(database, false);
}

/* ---- announcing ---- */

void database_touch(struct database *database, struct table *table)
{
    assert(database->index >= 0);
    if (!database->writing) {
        struct clock_source source;
        uint32_t version = 0;
        database->writing = true;
        /* Another transaction: the one that announced has ended, and no rollback was heard of. */
        if (database_version(database, &version) == SQLITE_OK &&
            version != database->member.version)
            database->may_fail = false;
        database->write_lock = clock_look(database->connection->db, database->name, &source)
                                   ? clock_lock(&source)
                                   : SQLITE_LOCK_EXCLUSIVE;
        database->writes_before = pages_written(database);
    }
    write_set_add(&database->touched, table);
}

void database_end_write(struct database *database)
{
    write_set_clear(&database->touched);
    database->writing = false;
}

void database_announce(struct database *database, bool alone)
{
    assert(database->committing);
    uint32_t version = 0;
    if (database_version(database, &version) != SQLITE_OK || database_is_replaced(database) ||
        (may_be_another(database) && !is_same_file(database)))
        return;
    bool proven = database_proves(database, version);
    database->alone = alone;
    database->cache_writes = pages_written(database);
    database->cache_spills = pages_spilled(database);
    database->other_versions = other_versions(database);
    file_announce(&database->member, version, proven, &database->touched);
    database->may_fail = true;
}

/* What was announced before cannot be told apart from this one any more. */
void database_pass_over(struct database *database)
{
    if (database->member.announcement != ANNOUNCED_NOTHING)
        file_withdraw(&database->member);
    database->alone = false;
    database_end_write(database);
}

void database_take_back(struct database *database)
{
    database_end_write(database);
    database->alone = false; /* what was rolled back may have written pages, too */
    /* The data version does not tell: a commit that failed on the disk may have moved it. */
    if (database->may_fail && GUARD(WITHDRAWN))
        file_withdraw(&database->member);
    database->may_fail = false;
}

/* ---- life ---- */

struct database *database_new(struct connection *connection, const char *name)
{
    assert(connection != NULL && name != NULL);
    struct database *database = memory_alloc_zero(sizeof *database);
    if (database == NULL)
        return NULL;
    database->name = memory_copy_text(name, strlen(name));
    if (database->name == NULL) {
        memory_free(database);
        return NULL;
    }
    database->connection = connection;
    database->index = -1;
    database->member.has_happened = has_happened;
    database->member.holds_wal = holds_wal;
    database->member.read_clock = read_clock;
    database->member.read_stamp = read_stamp;
    return database;
}

void database_suspend(struct database *database)
{
    sqlite3_finalize(database->hold_query);
    sqlite3_finalize(database->schema_query);
    database->hold_query = NULL;
    database->schema_query = NULL;
    database->holding = false;
}

bool database_free(struct database *database)
{
    assert(!database->holding || database->connection != NULL);
    database_suspend(database);
    bool shared = database->member.file != NULL && file_is_shared(database->member.file);
    bool last = file_leave(&database->member) && shared;
    if (database->own != NULL) {
        history_abandon(database->own);
        history_release(database->own);
    }
    write_set_free(&database->touched);
    memory_free(database->name);
    memory_free(database);
    return last;
}
