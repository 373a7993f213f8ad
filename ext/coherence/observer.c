#include "coherence/observer.h"

#include <string.h>

#include "base/guard.h"
#include "base/memory.h"

/* ---- what transactions write ---- */

static void write_set_clear(struct write_set *set)
{
    set->count = 0;
    set->anything = false;
    set->everything = false;
}

static void write_set_free(struct write_set *set)
{
    memory_free(set->tables);
    *set = (struct write_set){0};
}

static void write_set_add(struct write_set *set, struct table *table)
{
    for (unsigned i = 0; i < set->count; i++) {
        if (set->tables[i] == table)
            return;
    }
    if (set->count == set->capacity) {
        unsigned capacity = set->capacity ? 2 * set->capacity : 8;
        struct table **tables = memory_resize(set->tables, capacity * sizeof *tables);
        if (tables == NULL) {
            set->everything = true;
            return;
        }
        set->tables = tables;
        set->capacity = capacity;
    }
    set->tables[set->count++] = table;
}

int observer_read_version(const struct observer *observer, const struct database *database,
                          uint32_t *version)
{
    return sqlite3_file_control(observer->db, database->name, SQLITE_FCNTL_DATA_VERSION, version);
}

/* ---- the hooks ---- */

static void on_update(void *argument, int operation, const char *schema, const char *table,
                      sqlite3_int64 rowid);
static int on_commit(void *argument);
static void on_rollback(void *argument);

/* Remember a name for the next comparison; one that does not fit is never equal. */
static void remember(char *out, size_t room, const char *name)
{
    size_t size = strlen(name);
    if (size >= room)
        size = 0;
    memcpy(out, name, size);
    out[size] = '\0';
}

/* A name that no database carries is ignored: VACUUM's scratch database has one, and VACUUM counts
** as an unknown commit in any case. */
static void note_write(struct observer *observer, const char *schema, const char *table)
{
    if (strcmp(table, observer->last_table) == 0 && strcmp(schema, observer->last_schema) == 0)
        return;
    remember(observer->last_schema, sizeof observer->last_schema, schema);
    remember(observer->last_table, sizeof observer->last_table, table);
    struct database *database = observer_find(observer, schema);
    if (database == NULL)
        return;
    database->touched.anything = true;
    struct table *known = history_find_table(database->history, table);
    if (known != NULL)
        write_set_add(&database->touched, known);
}

static void forget_last_write(struct observer *observer)
{
    observer->last_schema[0] = '\0';
    observer->last_table[0] = '\0';
}

static void on_update(void *argument, int operation, const char *schema, const char *table,
                      sqlite3_int64 rowid)
{
    struct observer *observer = argument;
    note_write(observer, schema, table);
    if (observer->slots.update != NULL)
        observer->slots.update(observer->slots.update_argument, operation, schema, table, rowid);
}

/*
** The next commit of this database writes what was touched. A commit that is announced twice at
** one data version is one commit tried again (COMMIT that met SQLITE_BUSY).
*/
static void announce(struct observer *observer, struct database *database)
{
    uint32_t version = 0;
    int rc = observer_read_version(observer, database, &version);
    struct write_set *touched = &database->touched;
    struct write_set *announced = &database->announced;
    if (rc != SQLITE_OK || touched->everything || !(touched->anything || !GUARD(NOTHING_SEEN)))
        announced->everything = true;
    for (unsigned i = 0; i < touched->count; i++)
        write_set_add(announced, touched->tables[i]);
    if (database->announcements == 0 || database->announced_version != version)
        database->announcements++;
    database->announced_version = version;
}

static int on_commit(void *argument)
{
    struct observer *observer = argument;
    int refused = 0;
    if (observer->slots.commit != NULL)
        refused = observer->slots.commit(observer->slots.commit_argument);
    if (refused)
        return refused; /* SQLite rolls back, and calls on_rollback() */
    for (struct database *d = observer->databases; d != NULL; d = d->next) {
        if (d->index >= 0 && sqlite3_txn_state(observer->db, d->name) == SQLITE_TXN_WRITE)
            announce(observer, d);
        write_set_clear(&d->touched);
    }
    forget_last_write(observer);
    return 0;
}

/*
** What was announced and then failed stays announced: it only makes more count as changed, and
** the count that no longer matches makes it an unknown commit.
*/
static void on_rollback(void *argument)
{
    struct observer *observer = argument;
    for (struct database *d = observer->databases; d != NULL; d = d->next)
        write_set_clear(&d->touched);
    forget_last_write(observer);
    if (observer->slots.rollback != NULL)
        observer->slots.rollback(observer->slots.rollback_argument);
}

bool observer_is_hooked(const struct observer *observer)
{
    return observer->hooked &&
           (slots_hold(observer->db, on_update, on_commit, on_rollback, observer) ||
            !GUARD(HOOK_SLOTS));
}

/* What was written while the hooks were not in place is not known. */
static void forget_databases(struct observer *observer)
{
    for (struct database *d = observer->databases; d != NULL && GUARD(HOOKED_AGAIN); d = d->next)
        d->known = false;
}

void observer_hook(struct observer *observer)
{
    if (observer_is_hooked(observer))
        return;
    struct hook_slots before;
    slots_take(observer->db, on_update, on_commit, on_rollback, observer, &before);
    /* Where a slot was still ours, what was found there first still has to be called. */
    if (before.update != NULL || !observer->hooked) {
        observer->slots.update = before.update;
        observer->slots.update_argument = before.update_argument;
    }
    if (before.commit != NULL || !observer->hooked) {
        observer->slots.commit = before.commit;
        observer->slots.commit_argument = before.commit_argument;
    }
    if (before.rollback != NULL || !observer->hooked) {
        observer->slots.rollback = before.rollback;
        observer->slots.rollback_argument = before.rollback_argument;
    }
    observer->hooked = true;
    forget_databases(observer);
}

/* ---- the databases ---- */

struct database *observer_find(const struct observer *observer, const char *name)
{
    for (struct database *d = observer->databases; d != NULL; d = d->next) {
        if (d->index >= 0 && sqlite3_stricmp(d->name, name) == 0)
            return d;
    }
    return NULL;
}

struct database *observer_at(const struct observer *observer, int index)
{
    for (struct database *d = observer->databases; d != NULL; d = d->next) {
        if (d->index == index)
            return d;
    }
    return NULL;
}

/* What cannot be watched: a file promised never to change, though it might, and memdb, whose
** content can be replaced whole. */
static bool is_uncacheable(sqlite3 *db, const char *name, const char *path)
{
    sqlite3_vfs *vfs = NULL;
    if (sqlite3_file_control(db, name, SQLITE_FCNTL_VFS_POINTER, (void *)&vfs) == SQLITE_OK &&
        vfs != NULL && strcmp(vfs->zName, "memdb") == 0)
        return true;
    if (path == NULL || path[0] == '\0')
        return false;
    const char *cache = sqlite3_uri_parameter(path, "cache");
    return sqlite3_uri_boolean(path, "immutable", 0) ||
           (cache != NULL && sqlite3_stricmp(cache, "shared") == 0);
}

/* Forget all that is known of a database: another file may be behind the name. */
int observer_reset_database(struct observer *observer, struct database *database)
{
    const char *path = sqlite3_db_filename(observer->db, database->name);
    const char *known_as = path;
    if (path == NULL || path[0] == '\0')
        known_as = database->index == 1 ? "temp" : ":memory:";
    struct history *history = history_new(known_as);
    if (history == NULL)
        return SQLITE_NOMEM;
    history_release(database->history);
    database->history = history;
    database->uncacheable = is_uncacheable(observer->db, database->name, path);
    database->known = false;
    database->schema_current = false;
    database->watched = false;
    database->source = (struct clock_source){0};
    database->clock.kind = CLOCK_NONE;
    write_set_clear(&database->touched);
    write_set_clear(&database->announced);
    database->announcements = 0;
    observer->schema_generation++;
    return SQLITE_OK;
}

static int database_seen(struct observer *observer, int index, const char *name, bool afresh)
{
    struct database **link = &observer->databases;
    while (*link != NULL && sqlite3_stricmp((*link)->name, name) != 0)
        link = &(*link)->next;
    struct database *database = *link;
    if (database == NULL) {
        database = memory_alloc_zero(sizeof *database);
        if (database == NULL)
            return SQLITE_NOMEM;
        database->name = memory_copy_text(name, strlen(name));
        if (database->name == NULL) {
            memory_free(database);
            return SQLITE_NOMEM;
        }
        *link = database;
        afresh = true;
    }
    database->index = index;
    return afresh || database->history == NULL ? observer_reset_database(observer, database)
                                               : SQLITE_OK;
}

/* temp is listed by SQLite only once it holds something, but entries may come to depend on it. */
static int read_databases(struct observer *observer, bool afresh)
{
    sqlite3_stmt *list = NULL;
    int rc = sqlite3_prepare_v2(observer->db, "PRAGMA database_list", -1, &list, NULL);
    if (rc != SQLITE_OK)
        return rc;
    for (struct database *d = observer->databases; d != NULL; d = d->next)
        d->index = -1;
    while (rc == SQLITE_OK && sqlite3_step(list) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(list, 1);
        int index = sqlite3_column_int(list, 0);
        if (name == NULL)
            rc = SQLITE_NOMEM;
        else
            rc = database_seen(observer, index, name, afresh && index > 1);
    }
    int finalized = sqlite3_finalize(list);
    if (rc == SQLITE_OK)
        rc = finalized;
    if (rc == SQLITE_OK && observer_at(observer, 1) == NULL)
        rc = database_seen(observer, 1, "temp", false);
    return rc;
}

static int read_flags(struct observer *observer)
{
    sqlite3_stmt *flag = NULL;
    int rc = sqlite3_prepare_v2(observer->db, "PRAGMA read_uncommitted", -1, &flag, NULL);
    if (rc == SQLITE_OK && sqlite3_step(flag) == SQLITE_ROW)
        observer->read_uncommitted = sqlite3_column_int(flag, 0) != 0;
    int finalized = sqlite3_finalize(flag);
    return rc == SQLITE_OK ? finalized : rc;
}

bool observer_has_expired(const struct observer *observer)
{
    return observer->sentinel == NULL || sqlite3_expired(observer->sentinel);
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
    bool expired = observer_has_expired(observer);
    if (!expired && !force)
        return SQLITE_OK;
    int rc = read_databases(observer, expired);
    if (rc == SQLITE_OK && expired)
        rc = read_flags(observer);
    if (rc == SQLITE_OK && !expired)
        return SQLITE_OK;
    observer->incarnation += GUARD(EXPIRED_STATEMENT) ? 1 : 0;
    observer->schema_generation++;
    /* Also after a failure: without a sentinel the next call starts over. */
    sqlite3_finalize(observer->sentinel);
    observer->sentinel = NULL;
    if (rc != SQLITE_OK)
        return rc;
    return sqlite3_prepare_v3(observer->db, "SELECT 1", -1, SQLITE_PREPARE_PERSISTENT,
                              &observer->sentinel, NULL);
}

/* ---- life ---- */

struct observer *observer_new(sqlite3 *db, bool hooks)
{
    struct observer *observer = memory_alloc_zero(sizeof *observer);
    if (observer == NULL)
        return NULL;
    observer->db = db;
    observer->schema_generation = 1;
    if (hooks)
        observer_hook(observer);
    return observer;
}

static void database_suspend(struct database *database)
{
    sqlite3_finalize(database->hold_query);
    sqlite3_finalize(database->schema_query);
    sqlite3_finalize(database->foreign_query);
    sqlite3_finalize(database->mode_query);
    database->hold_query = NULL;
    database->schema_query = NULL;
    database->foreign_query = NULL;
    database->mode_query = NULL;
    database->holding = false;
}

void observer_suspend(struct observer *observer)
{
    if (observer->depth > 0)
        return;
    for (struct database *d = observer->databases; d != NULL; d = d->next)
        database_suspend(d);
    sqlite3_finalize(observer->sentinel);
    observer->sentinel = NULL;
}

void observer_free(struct observer *observer)
{
    if (observer == NULL)
        return;
    if (observer->hooked)
        slots_give_back(observer->db, on_update, on_commit, on_rollback, observer,
                        &observer->slots);
    observer_suspend(observer);
    while (observer->databases != NULL) {
        struct database *database = observer->databases;
        observer->databases = database->next;
        history_release(database->history);
        write_set_free(&database->touched);
        write_set_free(&database->announced);
        memory_free(database->name);
        memory_free(database);
    }
    memory_free(observer);
}
