#include "read.h"

#include <string.h>

#include "base/buffer.h"
#include "base/config.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/ticks.h"
#include "coherence/snapshot.h"
#include "query/functions.h"
#include "query/key.h"
#include "query/run.h"
#include "query/schema.h"

/* How often a read starts over because a schema changed under it. */
#define MAX_ATTEMPTS 4

/* A read under way. */
struct reading {
    struct session *session;
    struct cached_query *query;
    sqlite3_value **values;
    enum snapshot_state state;
    bool open;    /* a snapshot is to be closed */
    bool holding; /* it has a read transaction */
    struct buffer params;
    struct query_identity identity;
};

/* ---- schemas that are out of date ---- */

int read_guard_writer(struct session *session, struct schema_hold *hold, char **error)
{
    char stale[64];
    int rc = schema_hold_for_writer(session->observer, hold, stale);
    if (rc == SQLITE_SCHEMA)
        rc = error_set(
            error, SQLITE_ERROR,
            sqlite3_mprintf("another connection changed the schema of %s, which cannot be "
                            "read anew while this statement writes; run any SELECT on %s, "
                            "then this statement again",
                            stale, stale));
    return rc;
}

/* ---- what may be used ---- */

/* A date function that is given 'now' by a parameter. */
static bool asks_for_now(const struct reading *reading)
{
    const struct definition *definition = &reading->query->definition;
    if (!definition->analysis.calls_date || reading->query->options.allow_nondeterministic ||
        !GUARD(NOW_PARAMETER))
        return false;
    for (unsigned i = 0; i < definition->parameters.count; i++) {
        sqlite3_value *value = reading->values[i];
        if (sqlite3_value_type(value) != SQLITE_TEXT && sqlite3_value_type(value) != SQLITE_BLOB)
            continue;
        const char *text = (const char *)sqlite3_value_text(value);
        if (text != NULL && function_means_now(text, sqlite3_value_bytes(value)))
            return true;
    }
    return false;
}

/* ---- snapshot ---- */

static int check_columns(struct cached_query *query, char **error)
{
    if (query->declared == NULL || !GUARD(COLUMNS_CHANGED) ||
        strcmp(query->declared, query->definition.columns.declaration) == 0)
        return SQLITE_OK;
    /* To be asked again at the next read: an authorizer may have blanked a column, and be gone. */
    query->definition.generation = 0;
    return error_set(error, SQLITE_ERROR,
                     sqlite3_mprintf("the columns of %s changed: it was created with (%s), and its "
                                     "SELECT now gives (%s); drop and create %s again",
                                     query->name, query->declared,
                                     query->definition.columns.declaration, query->name));
}

static int take_snapshot(struct reading *reading, bool hold)
{
    struct definition *definition = &reading->query->definition;
    if (reading->open)
        snapshot_close(reading->session->observer);
    reading->open = true;
    reading->holding = hold;
    return snapshot_open(reading->session->observer, definition->databases,
                         definition->database_count, hold, &reading->state);
}

/* Get a definition and a snapshot that agree on the schemas. */
static int begin(struct reading *reading, bool hold, char **error)
{
    struct observer *observer = reading->session->observer;
    struct definition *definition = &reading->query->definition;
    for (int attempt = 1;; attempt++) {
        int rc = observer_list_databases(observer, false);
        if (rc == SQLITE_OK)
            rc = definition_refresh(definition, error);
        if (rc == SQLITE_OK)
            rc = check_columns(reading->query, error);
        if (rc != SQLITE_OK)
            return rc == SQLITE_NOMEM || *error != NULL
                       ? rc
                       : error_from_sqlite(error, reading->session->db, rc);
        rc = take_snapshot(reading, hold);
        if (rc != SQLITE_OK)
            return error_from_sqlite(error, reading->session->db, rc);
        if (definition->generation == observer->schema_generation) {
            session_drop_outdated(reading->session);
            return SQLITE_OK;
        }
        if (attempt == MAX_ATTEMPTS) {
            reading->state = SNAPSHOT_BYPASS;
            return SQLITE_OK;
        }
    }
}

/* ---- finding ---- */

/* Every entry of this connection was computed at an epoch that is not after the present one. */
static enum verdict judge(const struct evidence *evidence, void *context)
{
    const struct reading *reading = context;
    if (reading->query->options.coherence == COHERENCE_TTL)
        return VERDICT_FRESH;
    const struct definition *definition = &reading->query->definition;
    for (unsigned i = 0; i < evidence->source_count; i++) {
        bool present = false;
        for (unsigned j = 0; j < definition->database_count; j++)
            present = present || definition->databases[j]->history == evidence->sources[i].history;
        if (!present)
            return VERDICT_STALE;
    }
    if (evidence_is_stale(evidence))
        return VERDICT_STALE;
    return definition_is_probed(definition) ? VERDICT_FRESH : VERDICT_UNSURE;
}

static int identify(struct reading *reading)
{
    const struct definition *definition = &reading->query->definition;
    for (unsigned i = 0; i < definition->parameters.count; i++)
        key_add_parameter(&reading->params, reading->values[i]);
    if (reading->params.failed)
        return SQLITE_NOMEM;
    reading->identity = (struct query_identity){
        .key = key_make(definition->prefix, reading->params.bytes, reading->params.size),
        .space = reading->query->space,
        .owner = reading->session->id,
        .sql = definition->normalized,
        .sql_size = strlen(definition->normalized),
        .params = reading->params.bytes,
        .params_size = reading->params.size,
    };
    return SQLITE_OK;
}

/* ---- computing ---- */

/* A definition whose statement is running (a function in it reads the same cached table) gets
** another. */
static int compute_beside(struct reading *reading, struct result **result, bool *recompiled)
{
    const struct definition *definition = &reading->query->definition;
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(reading->session->db, definition->sql, -1, &statement, NULL);
    if (rc == SQLITE_OK && sqlite3_column_count(statement) != (int)definition->columns.count)
        rc = SQLITE_SCHEMA;
    if (rc == SQLITE_OK)
        rc = run_statement(statement, &definition->parameters, reading->values, result, recompiled);
    int finalized = sqlite3_finalize(statement);
    return rc != SQLITE_OK ? rc : finalized;
}

static int compute(struct reading *reading, struct result **result, int64_t *duration,
                   bool *recompiled)
{
    struct definition *definition = &reading->query->definition;
    int64_t start = ticks_now();
    int rc;
    if (sqlite3_stmt_busy(definition->statement))
        rc = compute_beside(reading, result, recompiled);
    else
        rc = run_statement(definition->statement, &definition->parameters, reading->values, result,
                           recompiled);
    *duration = ticks_now() - start;
    return rc;
}

static int64_t own_or(int64_t own, enum setting setting)
{
    return own != 0 ? own : config_get(setting);
}

static void keep(struct reading *reading, struct result *result, const struct evidence *evidence,
                 int64_t duration)
{
    const struct options *options = &reading->query->options;
    struct store *store = reading->session->store;
    bool too_big =
        (int64_t)result_size(result) > own_or(options->max_result_bytes, SETTING_MAX_RESULT_BYTES);
    bool too_long = options->max_rows != 0 && result_rows(result) > (uint64_t)options->max_rows;
    if (too_big || too_long || duration < options->min_time) {
        store_count_rejection(store, reading->query->space);
        return;
    }
    struct admission admission = {
        .result = result,
        .evidence = evidence,
        .now = ticks_now(),
        .load_ns = duration,
        .ttl = own_or(options->ttl, SETTING_TTL),
        .tti = own_or(options->tti, SETTING_TTI),
    };
    /* What does not fit is served all the same. */
    store_insert(store, &reading->identity, &admission);
}

/* The statement, the schemas and the databases are what they were when the computation began. */
static bool may_keep(const struct reading *reading)
{
    const struct definition *definition = &reading->query->definition;
    struct observer *observer = reading->session->observer;
    return definition->statement != NULL && !observer_has_expired(observer) &&
           definition->generation == observer->schema_generation &&
           (snapshot_holds(observer, definition->databases, definition->database_count) ||
            !GUARD(KEEP_CLOCK));
}

static int compute_bypassed(struct reading *reading, struct result **result, char **error)
{
    int64_t duration;
    store_count_bypass(reading->session->store, reading->query->space);
    bool recompiled;
    int rc = compute(reading, result, &duration, &recompiled);
    reading->session->last_status = READ_BYPASS; /* last: cached tables that it reads set theirs */
    /* Without a snapshot it may have been for a schema that changed, and with it the columns. */
    if (rc == SQLITE_OK && recompiled) {
        rc = take_snapshot(reading, false);
        if (rc == SQLITE_OK &&
            reading->query->definition.generation != reading->session->observer->schema_generation)
            rc = SQLITE_SCHEMA;
    }
    if (rc == SQLITE_SCHEMA && *result != NULL) {
        result_release(*result);
        *result = NULL;
    }
    if (rc == SQLITE_OK || rc == SQLITE_SCHEMA)
        return rc;
    return error_from_sqlite(error, reading->session->db, rc);
}

static int compute_and_keep(struct reading *reading, struct result **result, char **error)
{
    struct definition *definition = &reading->query->definition;
    int64_t duration = 0;
    struct evidence *evidence = NULL;
    /* Where rows cannot be looked for (an authorizer), nothing is kept; the query itself may run. */
    bool probed = definition_probe(definition) == SQLITE_OK;
    if (probed) {
        evidence = definition_evidence(definition);
        if (evidence == NULL)
            return SQLITE_NOMEM;
    }
    bool recompiled;
    int rc = compute(reading, result, &duration, &recompiled);
    reading->session->last_status = READ_MISS; /* last: cached tables that it reads set theirs */
    if (rc == SQLITE_OK) {
        store_count_load(reading->session->store, reading->query->space, duration);
        if (probed && may_keep(reading))
            keep(reading, *result, evidence, duration);
    } else if (rc != SQLITE_SCHEMA) {
        error_from_sqlite(error, reading->session->db, rc);
    }
    memory_free(evidence);
    return rc;
}

/* ---- one read ---- */

/* Look in the store; tables that may have been emptied are looked at first, for which a
** transaction is needed. */
static int find(struct reading *reading, struct result **result, enum found *found, char **error)
{
    struct store *store = reading->session->store;
    *found = store_find(store, &reading->identity, ticks_now(), judge, reading, result);
    if (*found != FOUND_UNSURE)
        return SQLITE_OK;
    if (!reading->holding) {
        int rc = take_snapshot(reading, true);
        if (rc != SQLITE_OK)
            return error_from_sqlite(error, reading->session->db, rc);
    }
    if (reading->state != SNAPSHOT_GOOD ||
        definition_probe(&reading->query->definition) != SQLITE_OK)
        return SQLITE_OK;
    *found = store_find(store, &reading->identity, ticks_now(), judge, reading, result);
    return SQLITE_OK;
}

static int attempt(struct reading *reading, bool once, struct result **result, char **error)
{
    int rc = begin(reading, !once && GUARD(PLAN_ONCE), error);
    if (rc != SQLITE_OK)
        return rc;
    /* What a stored definition may not do, it may not do uncached either. */
    if (reading->query->definition.home != NULL && cached_query_is_refused(reading->query))
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("%s cannot be read: its stored SELECT %s",
                                         reading->query->name,
                                         reading->query->definition.analysis.refusal));
    bool serve =
        reading->state == SNAPSHOT_GOOD || reading->query->options.coherence == COHERENCE_TTL;
    if (!serve || !config_get(SETTING_ENABLED) || cached_query_is_refused(reading->query) ||
        asks_for_now(reading))
        return compute_bypassed(reading, result, error);

    enum found found;
    rc = identify(reading);
    if (rc == SQLITE_OK)
        rc = find(reading, result, &found, error);
    if (rc != SQLITE_OK)
        return rc;
    if (found == FOUND_HIT) {
        reading->session->last_status = READ_HIT;
        return SQLITE_OK;
    }
    if (!reading->holding && reading->state == SNAPSHOT_GOOD) {
        rc = take_snapshot(reading, true);
        if (rc != SQLITE_OK)
            return error_from_sqlite(error, reading->session->db, rc);
    }
    /* The schemas may have moved on between the two snapshots: then start over. */
    if (reading->query->definition.generation != reading->session->observer->schema_generation)
        return SQLITE_SCHEMA;
    if (reading->state != SNAPSHOT_GOOD || found == FOUND_UNSURE)
        return compute_bypassed(reading, result, error);
    return compute_and_keep(reading, result, error);
}

int read_through(struct session *session, struct cached_query *query, int value_count,
                 sqlite3_value **values, bool once, struct result **result, char **error)
{
    *result = NULL;
    *error = NULL;
    if ((unsigned)value_count != query->definition.parameters.count)
        return SQLITE_MISUSE;
    struct schema_hold hold;
    session_begin_read(session);
    int guarded = read_guard_writer(session, &hold, error);
    int rc = guarded == SQLITE_OK ? SQLITE_SCHEMA : guarded;
    for (int i = 0; i < MAX_ATTEMPTS && rc == SQLITE_SCHEMA && *error == NULL; i++) {
        struct reading reading = {.session = session, .query = query, .values = values};
        rc = attempt(&reading, once, result, error);
        if (reading.open)
            snapshot_close(session->observer);
        buffer_clear(&reading.params);
        if (rc == SQLITE_SCHEMA && *error == NULL)
            definition_suspend(&query->definition); /* prepare it anew */
    }
    schema_release(&hold);
    session_end_read(session);
    if (rc != SQLITE_OK && rc != SQLITE_NOMEM && *error == NULL)
        rc = error_set(error, rc, sqlite3_mprintf("%s", sqlite3_errstr(rc)));
    return rc;
}

/* ---- keys ---- */

int read_key(struct session *session, struct cached_query *query, sqlite3_value **values,
             struct key *key)
{
    struct reading reading = {.session = session, .query = query, .values = values};
    int rc = identify(&reading);
    *key = reading.identity.key;
    buffer_clear(&reading.params);
    return rc;
}
