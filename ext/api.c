/*
** The C API over the rooms below: include/querycache.h says what each function does. What starts
** the extension is in querycache.c.
*/
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "load/libraries.h"
#include "metrics/statistics.h"
#include "querycache.h"
#include "read/invalidate.h"
#include "session/runtime.h"
#include "session/session.h"
#include "session/settings.h"
#include "statement/prepare.h"

/* ---- starting ---- */

int querycache_register_auto(void)
{
    if (!sqlite_is_there())
        return SQLITE_MISUSE;
    return sqlite3_auto_extension((void (*)(void))sqlite3_querycache_init);
}

/* ---- statements ---- */

static void refuse(sqlite3_stmt **statement, const struct querycache_options *options, char *error)
{
    sqlite3_finalize(*statement);
    *statement = NULL;
    if (options->error != NULL)
        *options->error = error;
    else
        sqlite3_free(error);
}

/* The statement that SQLite has prepared, or one that reads through the cache. */
static int through(sqlite3 *db, unsigned flags, sqlite3_stmt **statement,
                   const struct querycache_options *options)
{
    static const struct querycache_options none;
    if (options == NULL)
        options = &none;
    struct prepare_request request = {
        .flags = flags, .name = options->name, .options = options->options};
    char *error = NULL;
    if (options->error != NULL)
        *options->error = NULL;
    prepare_catch_up(db);
    if (*statement == NULL || prepare_through(db, statement, &request, &error) == SQLITE_OK)
        return SQLITE_OK;
    refuse(statement, options, error);
    return SQLITE_MISUSE;
}

/* No SQLite can be called. A text would have to be one that the program's frees. */
static int refuse_whole(int rc, sqlite3_stmt **statement, const struct querycache_options *options)
{
    *statement = NULL;
    if (options != NULL && options->error != NULL)
        *options->error = NULL;
    return rc;
}

int querycache_prepare_v3(sqlite3 *db, const char *sql, int size, unsigned int flags,
                          sqlite3_stmt **statement, const char **tail,
                          const struct querycache_options *options)
{
    const struct copy *other = NULL;
    int rc = libraries_find(db, &other);
    if (other != NULL)
        return other->prepare_v3(db, sql, size, flags, statement, tail, options);
    if (rc != SQLITE_OK)
        return refuse_whole(rc, statement, options);
    rc = sqlite3_prepare_v3(db, sql, size, flags, statement, tail);
    return rc == SQLITE_OK ? through(db, flags, statement, options) : rc;
}

int querycache_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **statement,
                          const char **tail, const struct querycache_options *options)
{
    return querycache_prepare_v3(db, sql, size, 0, statement, tail, options);
}

int querycache_prepare16_v3(sqlite3 *db, const void *sql, int size, unsigned int flags,
                            sqlite3_stmt **statement, const void **tail,
                            const struct querycache_options *options)
{
    const struct copy *other = NULL;
    int rc = libraries_find(db, &other);
    if (other != NULL)
        return other->prepare16_v3(db, sql, size, flags, statement, tail, options);
    if (rc != SQLITE_OK)
        return refuse_whole(rc, statement, options);
    rc = sqlite3_prepare16_v3(db, sql, size, flags, statement, tail);
    return rc == SQLITE_OK ? through(db, flags, statement, options) : rc;
}

int querycache_prepare16_v2(sqlite3 *db, const void *sql, int size, sqlite3_stmt **statement,
                            const void **tail, const struct querycache_options *options)
{
    return querycache_prepare16_v3(db, sql, size, 0, statement, tail, options);
}

/* ---- hooks ---- */

/* Under its mutex, so that no hook is being called meanwhile. NULL, and not locked: the slots are
** not ours, and SQLite is to be asked. */
static struct observer *lock_hooked(sqlite3 *db)
{
    sqlite3_mutex *mutex = sqlite3_db_mutex(db);
    sqlite3_mutex_enter(mutex);
    struct session *session = session_find(db);
    if (session != NULL && observer_is_hooked(session->observer))
        return session->observer;
    sqlite3_mutex_leave(mutex);
    return NULL;
}

static void unlock(sqlite3 *db)
{
    sqlite3_mutex_leave(sqlite3_db_mutex(db));
}

void *querycache_update_hook(sqlite3 *db,
                             void (*hook)(void *argument, int operation, const char *schema,
                                          const char *table, sqlite3_int64 rowid),
                             void *argument)
{
    const struct copy *other = NULL;
    if (libraries_find(db, &other) != SQLITE_OK)
        return NULL;
    if (other != NULL)
        return other->update_hook(db, hook, argument);
    struct observer *observer = lock_hooked(db);
    if (observer == NULL)
        return sqlite3_update_hook(db, hook, argument);
    void *before = observer_chain_update(observer, hook, argument);
    unlock(db);
    return before;
}

void *querycache_commit_hook(sqlite3 *db, int (*hook)(void *argument), void *argument)
{
    const struct copy *other = NULL;
    if (libraries_find(db, &other) != SQLITE_OK)
        return NULL;
    if (other != NULL)
        return other->commit_hook(db, hook, argument);
    struct observer *observer = lock_hooked(db);
    if (observer == NULL)
        return sqlite3_commit_hook(db, hook, argument);
    void *before = observer_chain_commit(observer, hook, argument);
    unlock(db);
    return before;
}

void *querycache_rollback_hook(sqlite3 *db, void (*hook)(void *argument), void *argument)
{
    const struct copy *other = NULL;
    if (libraries_find(db, &other) != SQLITE_OK)
        return NULL;
    if (other != NULL)
        return other->rollback_hook(db, hook, argument);
    struct observer *observer = lock_hooked(db);
    if (observer == NULL)
        return sqlite3_rollback_hook(db, hook, argument);
    void *before = observer_chain_rollback(observer, hook, argument);
    unlock(db);
    return before;
}

/* ---- the cache of the process: that of each SQLite library in it ---- */

/* Of this library and of the copies that serve others. */
static int sum_up(struct querycache_stats *stats)
{
    const struct copy *copy;
    unsigned number = 0;
    struct store *store = runtime_store();
    if (store == NULL)
        return SQLITE_NOMEM;
    struct measured measured = statistics_of_process(store);
    statistics_fill(stats, &measured);
    while ((copy = libraries_next(&number)) != NULL) {
        struct querycache_stats more = {.size = sizeof more};
        int rc = copy->get_stats(&more);
        if (rc != SQLITE_OK)
            return rc;
        statistics_add(stats, &more);
    }
    return SQLITE_OK;
}

int querycache_get_stats(struct querycache_stats *stats)
{
    if (!sqlite_is_there() || stats == NULL ||
        stats->size < offsetof(struct querycache_stats, misses))
        return SQLITE_MISUSE;
    struct querycache_stats found = {.size = stats->size};
    size_t known = stats->size < sizeof found ? stats->size : sizeof found;
    int rc = sum_up(&found);
    if (rc != SQLITE_OK)
        return rc;
    memset((char *)stats + known, 0, stats->size - known);
    memcpy(stats, &found, known);
    return SQLITE_OK;
}

int querycache_clear(sqlite3_int64 *dropped)
{
    const struct copy *copy;
    unsigned number = 0;
    sqlite3_int64 count = 0;
    struct store *store = sqlite_is_there() ? runtime_store() : NULL;
    int rc = sqlite_is_there() ? SQLITE_NOMEM : SQLITE_MISUSE;
    if (store == NULL)
        return rc;
    rc = SQLITE_OK;
    count = store_remove(store, NULL, NULL, CAUSE_EXPLICIT);
    while ((copy = libraries_next(&number)) != NULL) {
        sqlite3_int64 more = 0;
        int cleared = copy->clear(&more);
        rc = cleared != SQLITE_OK ? cleared : rc;
        count += more;
    }
    if (dropped != NULL)
        *dropped = count;
    return rc;
}

int querycache_invalidate_table(sqlite3 *db, const char *table, sqlite3_int64 *dropped)
{
    const struct copy *other = NULL;
    int64_t count = 0;
    int rc = libraries_find(db, &other);
    if (rc != SQLITE_OK || other != NULL)
        return rc != SQLITE_OK ? rc : other->invalidate_table(db, table, dropped);
    if (table == NULL)
        return SQLITE_MISUSE;
    sqlite3_mutex_enter(sqlite3_db_mutex(db));
    struct session *session = session_find(db);
    rc = session == NULL || session_is_foreign(session) ? SQLITE_MISUSE
                                                        : invalidate_table(session, table, &count);
    unlock(db);
    if (rc == SQLITE_OK && dropped != NULL)
        *dropped = count;
    return rc;
}

int querycache_configure(const char *name, const char *value, char **error)
{
    const struct copy *copy;
    unsigned number = 0;
    char *text = NULL;
    if (!sqlite_is_there())
        return SQLITE_MISUSE;
    int rc = settings_load(&text);
    if (rc == SQLITE_OK)
        rc = runtime_configure(name, value, &text);
    while (rc == SQLITE_OK && (copy = libraries_next(&number)) != NULL)
        rc = copy->configure(name, value, NULL);
    if (error != NULL)
        *error = text;
    else
        sqlite3_free(text);
    return rc;
}
