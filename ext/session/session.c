#include "session/session.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/guard.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/sql.h"
#include "metrics/refused_shapes.h"
#include "session/runtime.h"
#include "session/settings.h"

/* All sessions of the process, so that loading twice on one connection finds the first. */
struct listed {
    struct session session; /* must be first */
    struct hash_node node;  /* by the connection */
};

static struct lock lock = LOCK_INITIALIZER(LOCK_SESSIONS); /* of all that follows */
static struct hash sessions;
static uint64_t last_id;

/* ---- the process ---- */

/* In the child of a fork(): what other threads of the parent may have been changing is left
** alone. */
static void start_over(void)
{
    lock_start_over(&lock);
    sessions = (struct hash){0};
    runtime_start_over();
}

bool session_is_foreign(const struct session *session)
{
    return observer_is_foreign(session->observer);
}

int session_check(const struct session *session, char **error)
{
    if (!session_is_foreign(session))
        return SQLITE_OK;
    return error_set(
        error, SQLITE_MISUSE,
        sqlite3_mprintf("this connection was opened before fork(), and SQLite must not "
                        "be used through it in the child; open the database again "
                        "here"));
}

/* ---- what cached tables read, for queries over them ---- */

static int refuse_loose(const struct cached_query *query, struct analysis *analysis)
{
    if (query->options.coherence == COHERENCE_TTL)
        return analysis_refuse(analysis,
                               "reads the cached table %s, which may be stale (coherence = 'ttl')",
                               query->name);
    if (query->definition.analysis.refusal != NULL)
        return analysis_refuse(analysis, "reads the cached table %s, which %s", query->name,
                               query->definition.analysis.refusal);
    return SQLITE_OK;
}

static int add_inner(struct cached_query *query, struct analysis *analysis)
{
    char *error = NULL;
    int rc = definition_refresh(&query->definition, &error);
    if (rc != SQLITE_OK && rc != SQLITE_NOMEM)
        rc = analysis_refuse(analysis, "reads the cached table %s, which fails: %s", query->name,
                             error != NULL ? error : sqlite3_errstr(rc));
    sqlite3_free(error);
    const struct analysis *inner = &query->definition.analysis;
    analysis->reads_cached = true;
    analysis_add_identity(analysis, &query->definition.prefix, sizeof query->definition.prefix);
    analysis->has_literals = analysis->has_literals || inner->has_literals;
    if (rc == SQLITE_OK)
        rc = refuse_loose(query, analysis);
    for (unsigned i = 0; rc == SQLITE_OK && i < inner->use_count; i++) {
        const struct table_use *use = &inner->uses[i];
        rc = analysis_add_table(analysis, use->schema, use->table, use->kind, use->whole_file);
    }
    for (unsigned i = 0; rc == SQLITE_OK && i < inner->schema_count; i++)
        rc = analysis_add_schema(analysis, inner->schemas[i]);
    analysis->calls_date = analysis->calls_date || inner->calls_date;
    analysis->follows_zone = analysis->follows_zone || inner->follows_zone;
    analysis->own_functions = analysis->own_functions || inner->own_functions;
    analysis->own_collations = analysis->own_collations || inner->own_collations;
    return rc;
}

static int add_cached_table(void *context, const sqlite3_vtab *table, struct analysis *analysis)
{
    struct session *session = context;
    for (struct cached_query *q = session->queries; q != NULL; q = q->next) {
        if (q->table != table)
            continue;
        if (q->definition.preparing) {
            analysis->reads_itself = true;
            return 1;
        }
        return add_inner(q, analysis) == SQLITE_OK ? 1 : -1;
    }
    return 0;
}

/* ---- life ---- */

static struct listed *listed_of(struct hash_node *node)
{
    return (struct listed *)(void *)((char *)node - offsetof(struct listed, node));
}

static struct session *find(sqlite3 *db)
{
    struct hash_node *node = hash_first(&sessions, hash_of_address(db));
    return node != NULL ? &listed_of(node)->session : NULL; /* there is one for an address */
}

static struct session *session_new(sqlite3 *db)
{
    if (!process_on_fork(start_over))
        return NULL;
    struct listed *listed = memory_alloc_zero(sizeof *listed);
    if (listed == NULL)
        return NULL;
    struct session *session = &listed->session;
    session->db = db;
    session->references = 1;
    session->store = runtime_store();
    session->nesting = (struct nesting){.add = add_cached_table, .context = session};
    session->observer = observer_new(db, settings_get(SETTING_HOOKS) != 0);
    session->lender = lender_new();
    if (session->observer != NULL)
        facts_open(&session->facts, session->observer);
    if (session->store == NULL || session->observer == NULL || session->lender == NULL) {
        observer_free(session->observer);
        lender_free(session->lender);
        memory_free(listed);
        return NULL;
    }
    lock_take(&lock);
    session->id = ++last_id;
    hash_add(&sessions, &listed->node, hash_of_address(db));
    lock_give(&lock);
    return session;
}

struct session *session_find(sqlite3 *db)
{
    lock_take(&lock);
    struct session *session = find(db);
    lock_give(&lock);
    return session;
}

bool session_any(void)
{
    lock_take(&lock);
    bool any = sessions.count > 0;
    lock_give(&lock);
    return any;
}

struct session *session_open(sqlite3 *db)
{
    struct session *session = session_find(db);
    if (session == NULL)
        return session_new(db);
    session->references++;
    if (settings_get(SETTING_HOOKS))
        observer_hook(session->observer);
    return session;
}

static bool is_owned(const struct entry_view *entry, void *context)
{
    const struct session *session = context;
    return entry->owner == session->id;
}

void session_drop_outdated(struct session *session)
{
    if (session->incarnation == session->observer->incarnation)
        return;
    session->incarnation = session->observer->incarnation;
    if (session->keeps_own)
        store_remove(session->store, is_owned, session, CAUSE_TABLE_CHANGE);
    session->keeps_own = false;
}

/* It was this connection's, or its database is not open any more. */
static bool is_left(const struct entry_view *entry, void *context)
{
    return is_owned(entry, context) ||
           (entry->evidence != NULL && evidence_is_abandoned(entry->evidence));
}

static void free_queries(struct cached_query *query)
{
    while (query != NULL) {
        struct cached_query *next = query->next;
        cached_query_free(query);
        query = next;
    }
}

void session_wait(struct session *session, const char *sql, const char *name, const char *options)
{
    struct waiting made = {memory_copy_optional(sql), memory_copy_optional(name),
                           memory_copy_optional(options)};
    struct waiting before = session->waiting;
    session->waiting = made;
    memory_free(before.sql);
    memory_free(before.name);
    memory_free(before.options);
}

struct session *session_retain(struct session *session)
{
    assert(session->references > 0);
    session->references++;
    return session;
}

void session_release(void *context)
{
    assert(((struct session *)context)->references > 0);
    struct session *session = context;
    if (--session->references > 0 || session_is_foreign(session))
        return;
    struct listed *listed = (struct listed *)session;
    lock_take(&lock);
    hash_remove(&sessions, &listed->node);
    lock_give(&lock);
    free_queries(session->ad_hoc);
    session_wait(session, NULL, NULL, NULL);
    free_queries(session->prepared); /* those that no table of SQLite's refers to */
    facts_close(&session->facts);
    refused_shapes_free(session->refused_shapes);
    bool left_any = observer_free(session->observer);
    if (session->keeps_own || left_any)
        store_remove(session->store, is_left, session, CAUSE_EXPLICIT);
    lender_free(session->lender);
    memory_free(listed);
}

/* ---- kept statements ---- */

void session_connected(struct session *session)
{
    session->connected++;
}

static void suspend(struct session *session)
{
    for (struct cached_query *q = session->queries; q != NULL; q = q->next)
        definition_suspend(&q->definition);
    for (struct cached_query *q = session->ad_hoc; q != NULL; q = q->next)
        definition_suspend(&q->definition);
    for (struct cached_query *q = session->prepared; q != NULL; q = q->next)
        definition_suspend(&q->definition);
    observer_suspend(session->observer);
}

/* While something is read, a schema found changed may disconnect the tables that nobody uses. */
void session_disconnected(struct session *session)
{
    assert(session->connected > 0);
    session->connected--;
    if (session->readings == 0 && session->connected == 0)
        suspend(session);
}

void session_begin_read(struct session *session)
{
    session->readings++;
}

void session_end_read(struct session *session)
{
    assert(session->readings > 0);
    if (--session->readings == 0 && session->connected == 0)
        suspend(session);
}

/* Whether the schema of main is in memory, or can be read into it now: else a statement would not
** prepare, which the application's log would hear of. */
static int check_schema(sqlite3 *db)
{
    return sqlite3_table_column_metadata(db, "main", "sqlite_master", NULL, NULL, NULL, NULL, NULL,
                                         NULL);
}

int session_anchor(struct session *session)
{
    assert(session->anchor != NULL);
    if (session->connected > 0)
        return SQLITE_OK;
    /* To prepare it is to connect it; SQLite keeps an eponymous table until the connection
    ** closes. */
    sqlite3_stmt *statement = NULL;
    int rc = check_schema(session->db);
    if (rc == SQLITE_OK)
        rc = sql_prepare(session->db, &statement, "%s", session->anchor);
    sqlite3_finalize(statement);
    return rc;
}
