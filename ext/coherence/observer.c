#include "coherence/observer.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/databases.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/sql.h"

/* ---- the databases ---- */

struct database *observer_find(const struct observer *observer, const char *name)
{
    assert(name != NULL);
    for (struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        if (d->index >= 0 && sqlite3_stricmp(d->name, name) == 0)
            return d;
    }
    return NULL;
}

struct database *observer_at(const struct observer *observer, int index)
{
    for (struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        if (d->index == index)
            return d;
    }
    return NULL;
}

static int database_seen(struct observer *observer, int index, const char *name, bool afresh,
                         struct database **seen)
{
    assert(name != NULL && seen != NULL);
    struct database **link = &observer->connection.databases;
    while (*link != NULL && sqlite3_stricmp((*link)->name, name) != 0)
        link = &(*link)->next;
    struct database *database = *link;
    bool is_new = database == NULL;
    if (is_new)
        database = database_new(&observer->connection, name);
    if (database == NULL)
        return SQLITE_NOMEM;
    bool was_detached = database->index < 0;
    database->index = index;
    database->listed = true;
    int rc = SQLITE_OK;
    if (is_new)
        rc = database_reset(database, true);
    else if (afresh || was_detached || database->uncacheable)
        rc = database_renew(database);
    if (is_new && rc == SQLITE_OK)
        *link = database;
    else if (is_new)
        database_free(database);
    *seen = rc == SQLITE_OK ? database : NULL;
    return rc;
}

bool observer_is_foreign(const struct observer *observer)
{
    return observer->process != process_generation() && GUARD(FORK);
}

/* ---- the hooks ---- */

static void on_update(void *argument, int operation, const char *schema, const char *table,
                      sqlite3_int64 rowid);
static int on_commit(void *argument);
static void on_rollback(void *argument);

/* Remember a name for the next comparison; one that does not fit is never equal. */
static void remember(char *out, size_t room, const char *name)
{
    assert(room > 0);
    size_t size = strlen(name);
    if (size >= room)
        size = 0;
    memcpy(out, name, size);
    out[size] = '\0';
}

/* A database that was attached since the last listing; no statement can be run now. Its number is
** found out by the next. VACUUM's scratch database is none that anything is read from. */
#define UNLISTED INT_MAX

static struct database *add_unlisted(struct observer *observer, const char *name)
{
    struct database *database = NULL;
    if (sqlite3_strnicmp(name, "vacuum_", 7) != 0)
        database_seen(observer, UNLISTED, name, false, &database);
    if (database != NULL)
        database->touched.everything = false; /* nothing was missed: this is the first write */
    return database;
}

/* What is written to a system table may be the meaning of others. */
static bool is_system_table(const char *table)
{
    return sqlite3_strnicmp(table, "sqlite_", 7) == 0;
}

/*
** A commit that nobody announces is an unknown one, and ends all that rests on the file. Where that
** is nothing, it need not be announced. What another connection keeps before the commit is lost to
** it then, and nothing is ever kept too long.
*/
static bool is_relied_on(const struct observer *observer)
{
    for (const struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        if (d->index >= 0 && history_is_relied_on(database_history(d)))
            return true;
    }
    return false;
}

/*
** At the first write of a transaction, which is to this database (NULL: not listed yet): whether it
** is to be passed over. COMMIT may have met SQLITE_BUSY after its hook: then the one that was
** passed over goes on, and what it wrote before is not known.
*/
static bool passes_over(struct observer *observer, struct database *database)
{
    struct database *last = observer->passed_over;
    uint32_t version = 0;
    bool known = last != NULL && last->index >= 0 && database_version(last, &version) == SQLITE_OK;
    if (known && version == observer->passed_over_version && GUARD(PASSED_OVER))
        return true;
    observer->passed_over = NULL;
    if (database == NULL || is_relied_on(observer) ||
        ((!known || last != database) && database_version(database, &version) != SQLITE_OK))
        return false;
    observer->passed_over = database;
    observer->passed_over_version = version;
    return true;
}

/* What the pointers point to is compared, not the pointers: SQLite may have freed the schema since
** the last call, and put another name in its place. But main's name is a constant, or what the
** application promised not to change before the connection closes (SQLITE_DBCONFIG_MAINDBNAME). */
static bool is_noted(const struct observer *observer, const char *schema, const char *table)
{
    return strcmp(table, observer->last_table) == 0 &&
           (schema == observer->last_main || strcmp(schema, observer->last_schema) == 0);
}

/* Also a table that nothing depends on yet: something may, before this commits. */
__attribute__((noinline)) static void note_write(struct observer *observer, const char *schema,
                                                 const char *table)
{
    if (observer_is_foreign(observer))
        return;
    struct database *database = observer_find(observer, schema);
    observer->unannounced = passes_over(observer, database);
    if (observer->unannounced)
        return;
    observer->last_main = NULL;
    remember(observer->last_schema, sizeof observer->last_schema, schema);
    remember(observer->last_table, sizeof observer->last_table, table);
    if (database == NULL)
        database = add_unlisted(observer, schema);
    if (database == NULL)
        return;
    observer->last_main = database->index == MAIN_DATABASE ? schema : NULL;
    bool any = is_system_table(table);
    database_touch(database,
                   any ? NULL : history_table(database_history(database), table, TABLE_ROWID));
}

static void forget_last_write(struct observer *observer)
{
    observer->unannounced = false;
    observer->last_main = NULL;
    observer->last_schema[0] = '\0';
    observer->last_table[0] = '\0';
}

/* One row: the application's hook, which was there before, and a comparison. */
__attribute__((noinline)) static void hear(struct observer *observer, int operation,
                                           const char *schema, const char *table,
                                           sqlite3_int64 rowid)
{
    if (observer->before.update != NULL)
        observer->before.update(observer->before.update_argument, operation, schema, table, rowid);
    if (!observer->unannounced && !is_noted(observer, schema, table))
        note_write(observer, schema, table);
}

/* Called for each row: these functions are apart so that each saves no more registers than it must,
** and this one none. */
static void on_update(void *argument, int operation, const char *schema, const char *table,
                      sqlite3_int64 rowid)
{
    struct observer *observer = argument;
    if (!observer->unannounced || observer->before.update != NULL)
        hear(observer, operation, schema, table, rowid);
}

static bool is_being_written(const struct observer *observer, const struct database *database)
{
    return database->index >= 0 &&
           sqlite3_txn_state(observer->connection.db, database->name) == SQLITE_TXN_WRITE;
}

void observer_note_write(struct observer *observer, const char *schema, const char *table)
{
    const struct database *main = observer_at(observer, MAIN_DATABASE);
    if (schema != NULL && main != NULL && sqlite3_stricmp(schema, "main") == 0)
        schema = main->name; /* it may have another name as well */
    for (struct database *d = observer->connection.databases; d != NULL && schema == NULL;
         d = d->next) {
        if (is_being_written(observer, d) && !observer->unannounced)
            note_write(observer, d->name, table);
    }
    if (schema != NULL && !observer->unannounced)
        note_write(observer, schema, table);
}

/* Whose pages they were is not known: anything may have changed, as where a system table is
** written. */
static void on_pages(void *context, const char *schema)
{
    if (GUARD(PAGES_PAST_HOOKS))
        observer_note_write(context, schema, "sqlite_dbpage");
}

/* Whether every attached database is known here; older versions of SQLite cannot be asked. */
static bool knows_all_databases(const struct observer *observer)
{
    if (!databases_have_names())
        return false;
    for (int i = 0;; i++) {
        const char *name = sqlite3_db_name(observer->connection.db, i);
        if (name == NULL)
            return true;
        if (observer_find(observer, name) == NULL)
            return false;
    }
}

static void announce(struct observer *observer)
{
    unsigned written = 0;
    for (struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        d->committing = is_being_written(observer, d);
        written += d->committing;
    }
    for (struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        if (d->committing)
            database_announce(d, written == 1 && knows_all_databases(observer));
        else
            d->alone = false; /* the pages of this commit count there as well */
        d->committing = false;
        database_end_write(d);
    }
}

static int on_commit(void *argument)
{
    struct observer *observer = argument;
    int refused = 0;
    if (observer->before.commit != NULL)
        refused = observer->before.commit(observer->before.commit_argument);
    if (refused || observer_is_foreign(observer))
        return refused; /* where it refuses SQLite rolls back, and calls on_rollback() */
    if (observer->unannounced) {
        for (struct database *d = observer->connection.databases; d != NULL; d = d->next)
            database_pass_over(d);
    } else {
        announce(observer);
    }
    forget_last_write(observer);
    return 0;
}

static void on_rollback(void *argument)
{
    struct observer *observer = argument;
    for (struct database *d = observer->connection.databases;
         d != NULL && !observer_is_foreign(observer); d = d->next)
        database_take_back(d);
    forget_last_write(observer);
    observer->passed_over = NULL;
    if (observer->before.rollback != NULL)
        observer->before.rollback(observer->before.rollback_argument);
}

bool observer_is_hooked(const struct observer *observer)
{
    return connection_is_hooked(&observer->connection);
}

/* What was written, or taken back, while the hooks were not in place is not known. */
static void forget_writes(struct observer *observer)
{
    for (struct database *d = observer->connection.databases; d != NULL && GUARD(HOOKED_AGAIN);
         d = d->next) {
        file_withdraw(&d->member);
        database_end_write(d);
        d->touched.everything = is_being_written(observer, d);
    }
    forget_last_write(observer);
}

void observer_hook(struct observer *observer)
{
    if (observer_is_hooked(observer))
        return;
    struct foreign_hooks before;
    hooks_take(observer->connection.db, &observer->connection.hooks, &before);
    /* Where a slot was still ours, what was found there first still has to be called. */
    if (before.update != NULL || !observer->connection.hooked) {
        observer->before.update = before.update;
        observer->before.update_argument = before.update_argument;
    }
    if (before.commit != NULL || !observer->connection.hooked) {
        observer->before.commit = before.commit;
        observer->before.commit_argument = before.commit_argument;
    }
    if (before.rollback != NULL || !observer->connection.hooked) {
        observer->before.rollback = before.rollback;
        observer->before.rollback_argument = before.rollback_argument;
    }
    observer->connection.hooked = true;
    forget_writes(observer);
}

/* ---- hooks of the application, called by ours ---- */

static void *swap(void **slot, void *argument)
{
    void *before = *slot;
    *slot = argument;
    return before;
}

void *observer_chain_update(struct observer *observer, update_hook hook, void *argument)
{
    observer->before.update = hook;
    return swap(&observer->before.update_argument, argument);
}

void *observer_chain_commit(struct observer *observer, commit_hook hook, void *argument)
{
    observer->before.commit = hook;
    return swap(&observer->before.commit_argument, argument);
}

void *observer_chain_rollback(struct observer *observer, rollback_hook hook, void *argument)
{
    observer->before.rollback = hook;
    return swap(&observer->before.rollback_argument, argument);
}

/* ---- listing ---- */

/* temp is listed by SQLite only once it holds something, but entries may come to depend on it. */
static int read_databases(struct observer *observer, bool afresh)
{
    struct databases list = databases_of(observer->connection.db);
    int rc = list.rc;
    if (rc != SQLITE_OK)
        return databases_end(&list);
    for (struct database *d = observer->connection.databases; d != NULL; d = d->next)
        d->listed = false;
    struct database *seen;
    while (rc == SQLITE_OK && databases_next(&list))
        rc = database_seen(observer, list.index, list.name, afresh && list.index > TEMP_DATABASE,
                           &seen);
    int ended = databases_end(&list);
    if (rc == SQLITE_OK)
        rc = ended;
    if (rc == SQLITE_OK && observer_at(observer, TEMP_DATABASE) == NULL)
        rc = database_seen(observer, TEMP_DATABASE, "temp", false, &seen);
    for (struct database *d = observer->connection.databases; d != NULL && rc == SQLITE_OK;
         d = d->next) {
        if (!d->listed && d->index > TEMP_DATABASE)
            rc = database_detach(d);
    }
    return rc;
}

static int read_flags(struct observer *observer)
{
    sqlite3_stmt *flag = NULL;
    int rc = sql_prepare(observer->connection.db, &flag, "PRAGMA read_uncommitted");
    if (rc == SQLITE_OK && sqlite3_step(flag) == SQLITE_ROW)
        observer->read_uncommitted = sqlite3_column_int(flag, 0) != 0;
    int finalized = sqlite3_finalize(flag);
    return rc == SQLITE_OK ? finalized : rc;
}

/*
** DETACH expires every prepared statement, and one name may then stand for another file, whose
** clock could even read the same (two copies made alike). So there is always a statement to be
** expired, and once it is, attached databases are taken for new. A function, collation or
** authorizer that is set expires them as well, and `PRAGMA read_uncommitted`: what was computed
** before is left behind with the old incarnation.
*/
int observer_list_databases(struct observer *observer, bool force)
{
    bool expired = sentinel_has_expired(observer->connection.sentinel);
    if (!expired && !force)
        return SQLITE_OK;
    int rc = read_databases(observer, expired);
    if (rc == SQLITE_OK && expired)
        rc = read_flags(observer);
    if (rc == SQLITE_OK && !expired)
        return SQLITE_OK;
    observer->incarnation += GUARD(EXPIRED_STATEMENT) ? 1 : 0;
    observer->connection.schema_generation++;
    observer->flags_known = false;
    /* Also after a failure: without a sentinel the next call starts over. */
    sentinel_drop(&observer->connection.sentinel);
    return rc == SQLITE_OK ? sentinel_set(observer->connection.db, &observer->connection.sentinel)
                           : rc;
}

/* ---- life ---- */

struct observer *observer_new(sqlite3 *db, bool hooks)
{
    assert(db != NULL);
    struct observer *observer = memory_alloc_zero(sizeof *observer);
    if (observer == NULL)
        return NULL;
    observer->connection.db = db;
    observer->connection.hooks = (struct own_hooks){on_update, on_commit, on_rollback, observer};
    observer->process = process_generation();
    observer->connection.schema_generation = 1;
    /* No statement can be run in a hook, which may well be what comes next. */
    if (read_databases(observer, false) == SQLITE_NOMEM ||
        !pages_watch(db, on_pages, observer, &observer->pages)) {
        observer_free(observer);
        return NULL;
    }
    if (hooks)
        observer_hook(observer);
    return observer;
}

void observer_suspend(struct observer *observer)
{
    assert(observer != NULL);
    if (observer->depth > 0)
        return;
    for (struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        database_suspend(d);
        if (!observer_is_foreign(observer))
            file_settle(&d->member);
    }
    sentinel_drop(&observer->connection.sentinel);
    sqlite3_finalize(observer->zone);
    observer->zone = NULL;
}

bool observer_free(struct observer *observer)
{
    bool left = false;
    if (observer == NULL)
        return false;
    if (observer->connection.hooked)
        hooks_give_back(observer->connection.db, &observer->connection.hooks, &observer->before);
    pages_unwatch(observer->pages);
    observer_suspend(observer);
    while (observer->connection.databases != NULL) {
        struct database *database = observer->connection.databases;
        observer->connection.databases = database->next;
        left = database_free(database) || left;
    }
    memory_free(observer);
    return left;
}
