#include "read/compute.h"

#include "base/error.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/ticks.h"
#include "read/dependencies.h"
#include "read/elsewhere.h"
#include "read/run.h"
#include "session/settings.h"
#include "store/flight.h"

/* ---- running ---- */

/* A definition whose statement is running (a function in it reads the same cached table) gets
** another. */
static int compute_beside(struct reading *reading, struct result **result, bool *recompiled)
{
    const struct definition *definition = &reading->query->definition;
    sqlite3_stmt *statement = NULL;
    int rc = definition_compile(definition, 0, &statement);
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
    return own != 0 ? own : settings_get(setting);
}

bool compute_is_keepable(const struct cached_query *query, size_t size, uint64_t rows)
{
    const struct options *options = &query->options;
    return (int64_t)size <= own_or(options->max_result_bytes, SETTING_MAX_RESULT_BYTES) &&
           (options->max_rows == 0 || rows <= (uint64_t)options->max_rows);
}

static int64_t ttl_of(const struct cached_query *query)
{
    return own_or(query->options.ttl, SETTING_TTL);
}

/* What does not fit is served all the same. */
static bool keep_in_store(struct reading *reading, struct result *result,
                          const struct evidence *evidence, int64_t load_ns, int64_t ttl)
{
    struct admission admission = {
        .result = result,
        .evidence = evidence,
        .now = ticks_now(),
        .load_ns = load_ns,
        .ttl = ttl,
        .tti = own_or(reading->query->options.tti, SETTING_TTI),
    };
    bool kept = store_insert(reading->session->store, &reading->identity, &admission) == KEPT;
    if (kept && reading->identity.owner != 0)
        reading->session->keeps_own = true;
    return kept;
}

void compute_keep(struct reading *reading, struct result *result, const struct evidence *evidence,
                  int64_t duration)
{
    if (!compute_is_keepable(reading->query, result_size(result), result_rows(result)) ||
        duration < reading->query->options.min_time) {
        store_count_rejection(reading->session->store, reading->query->space);
        return;
    }
    if (keep_in_store(reading, result, evidence, duration, ttl_of(reading->query)) &&
        elsewhere_is_possible(reading))
        elsewhere_tell(reading, result, evidence, duration,
                       ticks_after(ticks_now(), ttl_of(reading->query)));
}

bool compute_may_keep(const struct reading *reading)
{
    const struct definition *definition = &reading->query->definition;
    struct observer *observer = reading->session->observer;
    return definition->statement != NULL && !sentinel_has_expired(observer->connection.sentinel) &&
           (definition_is_exact(definition) || reading->alone) &&
           definition->database_count <= VIEWS &&
           definition->generation == observer->connection.schema_generation &&
           surroundings_stand(observer, definition->analysis.follows_zone,
                              &reading->surroundings) &&
           (snapshot_holds(observer, definition->databases, definition->database_count) ||
            !GUARD(KEEP_CLOCK));
}

int compute_check_schema(struct reading *reading)
{
    int rc = reading_take_snapshot(reading, false);
    if (rc == SQLITE_OK && reading->query->definition.generation !=
                               reading->session->observer->connection.schema_generation)
        rc = SQLITE_SCHEMA;
    return rc;
}

int compute_without_store(struct reading *reading, struct result **result, char **error)
{
    int64_t duration;
    store_count_bypass(reading->session->store, reading->query->space);
    bool recompiled;
    int rc = compute(reading, result, &duration, &recompiled);
    reading->session->last_status = READ_BYPASS; /* last: cached tables that it reads set theirs */
    if (rc == SQLITE_OK && recompiled)
        rc = compute_check_schema(reading);
    if (rc == SQLITE_SCHEMA && *result != NULL) {
        result_release(*result);
        *result = NULL;
    }
    if (rc == SQLITE_OK || rc == SQLITE_SCHEMA)
        return rc;
    return error_from_sqlite(error, reading->session->db, rc);
}

/* ---- together with others ---- */

/* How often one who waits looks whether sqlite3_interrupt() was called. */
#define WAIT_SLICE (TICKS_PER_SECOND / 10)

/* What others may be computing as well, and while this connection holds nothing that they wait
** for: a read transaction keeps nobody from reading. */
static bool may_wait(const struct reading *reading)
{
    const struct definition *definition = &reading->query->definition;
    return definition->owner == 0 && reading->query->options.coherence == COHERENCE_EXACT &&
           definition_is_exact(definition) &&
           sqlite3_txn_state(reading->session->db, NULL) != SQLITE_TXN_WRITE;
}

/* A statement that is stepped says so, whichever it is. */
static bool is_interrupted(const struct reading *reading)
{
    sqlite3_stmt *sentinel = reading->session->observer->connection.sentinel;
    bool interrupted = sentinel != NULL && sqlite3_step(sentinel) == SQLITE_INTERRUPT;
    sqlite3_reset(sentinel);
    return interrupted;
}

/* Lead, or wait for who leads, in slices. */
static enum boarding board(struct reading *reading, const struct evidence *evidence,
                           struct flight **flight, struct result **result)
{
    int64_t load_ns;
    int64_t start = ticks_now();
    int64_t wait = settings_get(SETTING_COALESCE_WAIT);
    if (wait == TICKS_NEVER) /* 'none' */
        wait = 0;
    enum boarding boarding;
    for (;;) {
        int64_t before = ticks_now();
        int64_t left = start + wait - before;
        int64_t slice = left < WAIT_SLICE ? left : WAIT_SLICE;
        boarding = flight_board(&reading->identity, evidence, slice, flight, result, &load_ns);
        /* Alone before the slice is over: there is nobody to wait for. */
        if (boarding != FLIGHT_ALONE || slice < WAIT_SLICE || ticks_now() - before < WAIT_SLICE ||
            is_interrupted(reading))
            break;
    }
    if (boarding == FLIGHT_LANDED) {
        store_count_coalesced(reading->session->store, reading->query->space, load_ns);
        reading->session->last_status = READ_COALESCED;
    }
    return boarding;
}

/* Another may have landed between the miss and the boarding. */
static bool find_again(struct reading *reading, struct result **result)
{
    return reading_find(reading, result) == FOUND_HIT;
}

/* ---- computing ---- */

/* Run the query and keep its result. *certain: it is right for this evidence. */
static int run_and_keep(struct reading *reading, const struct evidence *evidence,
                        struct result **result, bool *certain, int64_t *duration, char **error)
{
    struct store *store = reading->session->store;
    bool recompiled;
    store_count_miss(store, reading->query->space);
    int rc = compute(reading, result, duration, &recompiled);
    reading->session->last_status = READ_MISS; /* last: cached tables that it reads set theirs */
    *certain = rc == SQLITE_OK && evidence != NULL && compute_may_keep(reading);
    if (rc == SQLITE_OK) {
        store_count_load(store, reading->query->space, *duration);
        if (*certain && !evidence_is_stale(evidence))
            compute_keep(reading, *result, evidence, *duration);
    } else if (rc != SQLITE_SCHEMA) {
        rc = error_from_sqlite(error, reading->session->db, rc);
    }
    return rc;
}

static int compute_with_others(struct reading *reading, const struct evidence *evidence,
                               struct result **result, char **error)
{
    struct flight *flight = NULL;
    bool certain = false;
    int64_t duration = 0;
    int rc = SQLITE_OK;
    if (evidence != NULL && may_wait(reading)) {
        enum boarding boarding = board(reading, evidence, &flight, result);
        if (boarding == FLIGHT_LANDED)
            return SQLITE_OK;
        certain = boarding == FLIGHT_LEAD && find_again(reading, result);
    }
    if (!certain)
        rc = run_and_keep(reading, evidence, result, &certain, &duration, error);
    flight_land(flight, certain ? *result : NULL, duration);
    return rc;
}

int compute_evidence(const struct reading *reading, struct evidence **evidence)
{
    struct definition *definition = &reading->query->definition;
    *evidence = NULL;
    if (definition_probe(definition) != SQLITE_OK)
        return SQLITE_OK;
    *evidence = definition_evidence(definition);
    return *evidence != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

/* What the places give is checked there, and judged by this snapshot. */
static bool find_elsewhere(struct reading *reading, struct evidence *evidence,
                           struct result **result)
{
    struct store *store = reading->session->store;
    int64_t load_ns;
    int64_t expires;
    struct result *found = elsewhere_ask(reading, evidence, &load_ns, &expires);
    if (found == NULL)
        return false;
    int64_t now = ticks_now();
    if (!compute_may_keep(reading) || expires <= now) {
        result_release(found);
        return false;
    }
    keep_in_store(reading, found, evidence, load_ns,
                  expires == TICKS_NEVER ? TICKS_NEVER : expires - now);
    store_count_found(store, reading->query->space, load_ns);
    reading->session->last_status = READ_HIT;
    *result = found;
    return true;
}

bool compute_find_elsewhere(struct reading *reading, struct result **result)
{
    struct evidence *evidence = NULL;
    if (!elsewhere_is_possible(reading) || !compute_may_keep(reading) ||
        compute_evidence(reading, &evidence) != SQLITE_OK || evidence == NULL)
        return false;
    bool found = find_elsewhere(reading, evidence, result);
    memory_free(evidence);
    return found;
}

int compute_and_keep(struct reading *reading, struct result **result, char **error)
{
    struct evidence *evidence;
    int rc = compute_evidence(reading, &evidence);
    if (rc == SQLITE_OK)
        rc = compute_with_others(reading, evidence, result, error);
    memory_free(evidence);
    return rc;
}
