#include "read/read.h"

#include <string.h>

#include "base/error.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/ticks.h"
#include "coherence/schema.h"
#include "query/functions.h"
#include "query/key.h"
#include "read/compute.h"
#include "read/dependencies.h"
#include "read/stream.h"
#include "session/settings.h"

/* How often a read starts over because a schema changed under it. */
#define MAX_ATTEMPTS 4

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
        if (text != NULL && function_means_now(text))
            return true;
    }
    return false;
}

/* ---- snapshot ---- */

static bool has_declared_columns(const struct cached_query *query)
{
    return query->declared == NULL || query->compared == query->definition.preparations;
}

static int check_columns(struct cached_query *query, char **error)
{
    if (has_declared_columns(query))
        return SQLITE_OK;
    char *columns = cached_query_columns(query);
    if (columns == NULL)
        return SQLITE_NOMEM;
    bool same = strcmp(query->declared, columns) == 0 || !GUARD(COLUMNS_CHANGED);
    memory_free(columns);
    if (same) {
        query->compared = query->definition.preparations;
        return SQLITE_OK;
    }
    /* To be asked again at the next read: an authorizer may have blanked a column, and be gone. */
    query->definition.generation = 0;
    if (query->prepared)
        return SQLITE_SCHEMA;
    return error_set(error, SQLITE_ERROR,
                     sqlite3_mprintf("the columns of %s changed: it was created with (%s), and its "
                                     "SELECT now gives (%s); drop and create %s again",
                                     query->name, query->declared,
                                     query->definition.columns.declaration, query->name));
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
        for (unsigned i = 0; i < definition->database_count && rc == SQLITE_OK; i++)
            rc = definition->databases[i]->out_of_reach ? SQLITE_BUSY : SQLITE_OK;
        if (rc != SQLITE_OK)
            return rc == SQLITE_NOMEM || *error != NULL
                       ? rc
                       : error_from_sqlite(error, reading->session->db, rc);
        rc = reading_take_snapshot(reading, hold);
        if (rc != SQLITE_OK)
            return error_from_sqlite(error, reading->session->db, rc);
        if (definition->generation == observer->connection.schema_generation) {
            session_drop_outdated(reading->session);
            return SQLITE_OK;
        }
        if (attempt == MAX_ATTEMPTS) {
            reading->state = SNAPSHOT_BYPASS;
            return SQLITE_OK;
        }
    }
}

/* ---- keys ---- */

static int encode(struct buffer *params, int count, sqlite3_value **values)
{
    for (int i = 0; i < count; i++)
        key_add_parameter(params, values[i]);
    return params->failed ? SQLITE_NOMEM : SQLITE_OK;
}

/* ---- computing ---- */

static int run_without_store(struct reading *reading, struct result **result, char **error)
{
    return reading->stream != NULL ? stream_begin(reading, false, result, error)
                                   : compute_without_store(reading, result, error);
}

static int run_and_keep(struct reading *reading, struct result **result, char **error)
{
    if (compute_find_elsewhere(reading, result))
        return SQLITE_OK;
    return reading->stream != NULL ? stream_begin(reading, true, result, error)
                                   : compute_and_keep(reading, result, error);
}

/* ---- one read ---- */

/* Look in the store; tables that may have been emptied are looked at first, for which a
** transaction is needed. */
static int find(struct reading *reading, struct result **result, enum found *found, char **error)
{
    struct definition *definition = &reading->query->definition;
    *found = reading_find(reading, result);
    if (*found != FOUND_UNSURE)
        return SQLITE_OK;
    if (!reading->holding) {
        int rc = reading_take_snapshot(reading, true);
        if (rc != SQLITE_OK)
            return error_from_sqlite(error, reading->session->db, rc);
    }
    if (definition->generation != reading->session->observer->connection.schema_generation)
        return SQLITE_SCHEMA;
    if (reading->state != SNAPSHOT_GOOD || definition_probe(definition) != SQLITE_OK)
        return SQLITE_OK;
    reading->probed = true;
    /* What rests on rows that are gone is not for this reader; others may yet see them. */
    *found = definition_has_emptied(definition) ? FOUND_MISS : reading_find(reading, result);
    return SQLITE_OK;
}

/* Where it is not known which state the snapshot is, what the connection kept for itself of the
** very same one is as good. */
static enum found find_own(struct reading *reading, struct result **result)
{
    if (!definition_stands_alone(&reading->query->definition))
        return FOUND_MISS;
    reading->alone = true;
    reading->identity.owner = reading->session->id;
    return reading_find(reading, result);
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
    if (!serve || !settings_get(SETTING_ENABLED) || cached_query_is_refused(reading->query) ||
        !reading->query->definition.surroundings.known || asks_for_now(reading))
        return run_without_store(reading, result, error);

    enum found found;
    reading_identify(reading);
    reading->surroundings = reading->query->definition.surroundings;
    rc = find(reading, result, &found, error);
    if (rc != SQLITE_OK)
        return rc;
    if (found == FOUND_MISS && reading->state == SNAPSHOT_GOOD)
        found = find_own(reading, result);
    if (found == FOUND_HIT)
        return SQLITE_OK;
    if (!reading->holding && reading->state == SNAPSHOT_GOOD) {
        rc = reading_take_snapshot(reading, true);
        if (rc != SQLITE_OK)
            return error_from_sqlite(error, reading->session->db, rc);
    }
    /* The schemas may have moved on between the two snapshots: then start over. */
    if (reading->query->definition.generation !=
        reading->session->observer->connection.schema_generation)
        return SQLITE_SCHEMA;
    if (reading->state != SNAPSHOT_GOOD || found == FOUND_UNSURE)
        return run_without_store(reading, result, error);
    return run_and_keep(reading, result, error);
}

/* The short way to a hit: nothing is prepared, stepped or opened. False leaves all as it was: then
** the read goes the long way. */
static bool hit_at_once(struct reading *reading, bool once, struct result **result)
{
    const struct definition *definition = &reading->query->definition;
    struct session *session = reading->session;
    const struct observer *observer = session->observer;
    if (definition->statement == NULL ||
        definition->generation != observer->connection.schema_generation ||
        !snapshot_stands(observer, definition->databases, definition->database_count, !once,
                         reading->query->in_temp) ||
        !settings_get(SETTING_ENABLED) || cached_query_is_refused(reading->query) ||
        !has_declared_columns(reading->query) ||
        !surroundings_stand(session->observer, definition->analysis.follows_zone,
                            &definition->surroundings) ||
        (definition->analysis.calls_date && asks_for_now(reading)))
        return false;
    reading_identify(reading);
    return reading_find(reading, result) == FOUND_HIT;
}

static int read_at_length(const struct reading *asked, bool once, struct result **result,
                          char **error)
{
    struct session *session = asked->session;
    struct schema_hold hold;
    session_begin_read(session);
    int guarded = read_guard_writer(session, &hold, error);
    int rc = guarded == SQLITE_OK ? SQLITE_SCHEMA : guarded;
    for (int i = 0; i < MAX_ATTEMPTS && rc == SQLITE_SCHEMA && *error == NULL; i++) {
        struct reading reading = *asked;
        rc = attempt(&reading, once, result, error);
        if (reading.open)
            snapshot_close(session->observer);
        if (rc == SQLITE_SCHEMA && *error == NULL)
            definition_suspend(&asked->query->definition); /* prepare it anew */
    }
    schema_release(&hold);
    session_end_read(session);
    if (rc != SQLITE_OK && rc != SQLITE_NOMEM && *error == NULL)
        rc = error_set(error, rc, sqlite3_mprintf("%s", sqlite3_errstr(rc)));
    if (rc == SQLITE_OK)
        error_forget(session->db);
    return rc;
}

static int read(struct session *session, struct request *request, struct result **result,
                struct stream **stream, char **error)
{
    *result = NULL;
    *error = NULL;
    bool foreign = observer_is_foreign(session->observer);
    if (foreign && stream == NULL)
        return session_check(session, error);
    if ((unsigned)request->value_count != request->query->definition.parameters.count)
        return SQLITE_MISUSE;
    int rc = encode(request->params, request->value_count, request->values);
    if (rc != SQLITE_OK)
        return rc;
    struct reading reading = {.session = session,
                              .query = request->query,
                              .values = request->values,
                              .params = request->params,
                              .stream = stream};
    /* The application did not ask for the cache there, perhaps not even here. */
    if (foreign)
        return stream_begin_aside(&reading, stream, error);
    if (hit_at_once(&reading, request->once, result))
        return SQLITE_OK;
    return read_at_length(&reading, request->once, result, error);
}

int read_through(struct session *session, struct request *request, struct result **result,
                 char **error)
{
    return read(session, request, result, NULL, error);
}

int read_streaming(struct session *session, struct request *request, struct result **result,
                   struct stream **stream, char **error)
{
    *stream = NULL;
    return read(session, request, result, stream, error);
}

/* ---- what is attached to a result ---- */

bool read_extend(struct session *session, const struct request *request, struct result *result,
                 const struct extension *extension)
{
    struct reading reading = {
        .session = session, .query = request->query, .params = request->params};
    reading_identify(&reading);
    if (store_extend(session->store, &reading.identity, ticks_now(), result, extension))
        return true;
    /* As find_own() has it. */
    if (!session->keeps_own || reading.identity.owner == session->id)
        return false;
    reading.identity.owner = session->id;
    return store_extend(session->store, &reading.identity, ticks_now(), result, extension);
}

/* ---- keys ---- */

int read_key(struct cached_query *query, sqlite3_value **values, struct key *key)
{
    struct buffer params = {0};
    int rc = encode(&params, (int)query->definition.parameters.count, values);
    *key = key_make(query->definition.prefix, params.bytes, params.size);
    buffer_clear(&params);
    return rc;
}
