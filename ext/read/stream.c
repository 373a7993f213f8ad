#include "read/stream.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/ticks.h"
#include "metrics/refusals.h"
#include "metrics/shapes.h"
#include "read/dependencies.h"
#include "read/run.h"

struct stream {
    struct reading reading; /* without its values, which are gone when the first row is out */
    sqlite3_stmt *statement;
    bool own;   /* the definition's was running */
    bool aside; /* nobody is told */
    bool at_end;
    int columns;
    bool timed; /* step by step; else from begin to end, with what the application did in between */
    int64_t begun;
    int64_t duration;

    /* For keeping, while `builder` is there. */
    struct result_builder *builder;
    struct cell *row;
    struct evidence *evidence;
    unsigned preparations; /* the definition's */
    uint32_t versions[VIEWS];
    struct zone_glance zone;
};

static void stop_recording(struct stream *stream)
{
    result_builder_free(stream->builder);
    stream->builder = NULL;
}

/* The data versions of what is read, so that a commit of the connection's own shows. */
static bool read_versions(const struct stream *stream, uint32_t versions[VIEWS])
{
    const struct definition *definition = &stream->reading.query->definition;
    if (definition->database_count > VIEWS)
        return false;
    for (unsigned i = 0; i < definition->database_count; i++) {
        if (database_is_replaced(definition->databases[i]) ||
            database_version(definition->databases[i], &versions[i]) != SQLITE_OK)
            return false;
    }
    return true;
}

/* Rows that come while something is written are of no state that others will see. */
static bool is_writing(const struct stream *stream)
{
    return sqlite3_txn_state(stream->reading.session->db, NULL) == SQLITE_TXN_WRITE;
}

static int start_recording(struct stream *stream)
{
    int rc = compute_evidence(&stream->reading, &stream->evidence);
    if (rc != SQLITE_OK || stream->evidence == NULL || !read_versions(stream, stream->versions) ||
        is_writing(stream))
        return rc;
    stream->preparations = stream->reading.query->definition.preparations;
    stream->zone = surroundings_glance();
    stream->row = memory_alloc_zero((size_t)stream->columns * sizeof *stream->row);
    stream->builder = result_builder_new((unsigned)stream->columns);
    return stream->row != NULL && stream->builder != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

/* Then rows of one zone came before, and of another come now. */
static bool has_other_zone(const struct stream *stream)
{
    const struct zone_glance now = surroundings_glance();
    return stream->reading.query->definition.analysis.follows_zone &&
           !surroundings_glance_same(&now, &stream->zone);
}

static void record_row(struct stream *stream)
{
    struct reading *reading = &stream->reading;
    if (is_writing(stream) || has_other_zone(stream)) {
        stop_recording(stream);
    } else if (run_add_row(stream->statement, stream->builder, stream->row, stream->columns) !=
                   SQLITE_OK ||
               !compute_is_keepable(reading->query, result_builder_size(stream->builder),
                                    result_builder_rows(stream->builder))) {
        stop_recording(stream);
        store_count_rejection(reading->session->store, reading->query->space);
    }
}

static bool is_certain(const struct stream *stream)
{
    uint32_t versions[VIEWS] = {0};
    const struct definition *definition = &stream->reading.query->definition;
    return definition->preparations == stream->preparations && !is_writing(stream) &&
           read_versions(stream, versions) &&
           memcmp(versions, stream->versions, definition->database_count * sizeof *versions) == 0 &&
           compute_may_keep(&stream->reading) && !evidence_is_stale(stream->evidence);
}

/* *result, if not NULL, gets what was computed, kept or not, as far as it was collected. */
static void finish(struct stream *stream, struct result **result)
{
    struct reading *reading = &stream->reading;
    stream->at_end = true;
    if (stream->aside)
        return;
    if (!stream->timed)
        stream->duration = ticks_now() - stream->begun;
    reading->query->cheap = stream->duration < reading->query->options.min_time;
    if (reading->query->shape != 0)
        shape_note(reading->query->shape, reading->query->cheap);
    store_count_load(reading->session->store, reading->query->space, stream->duration);
    if (stream->builder == NULL)
        return;
    bool certain = is_certain(stream);
    struct result *made = result_builder_finish(stream->builder);
    stream->builder = NULL;
    if (made != NULL && certain)
        compute_keep(reading, made, stream->evidence, stream->duration);
    if (result != NULL)
        *result = made;
    else if (made != NULL)
        result_release(made);
}

static int step(struct stream *stream, char **error)
{
    int64_t before = stream->timed ? ticks_now() : 0;
    int rc = sqlite3_step(stream->statement);
    if (stream->timed)
        stream->duration += ticks_now() - before;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return rc;
    return rc == SQLITE_SCHEMA ? rc : error_from_sqlite(error, stream->reading.session->db, rc);
}

/* Once it does not run any more the definition's statement is for others to use, or to finalize. */
static void give_back_statement(struct stream *stream)
{
    if (stream->own) {
        sqlite3_finalize(stream->statement);
    } else if (stream->statement != NULL) {
        sqlite3_reset(stream->statement);
        sqlite3_clear_bindings(stream->statement);
    }
    stream->statement = NULL;
}

static int deliver(struct stream *stream, int rc)
{
    if (rc == SQLITE_ROW) {
        if (stream->builder != NULL)
            record_row(stream);
        return SQLITE_OK;
    }
    if (rc == SQLITE_DONE)
        finish(stream, NULL);
    stop_recording(stream);
    give_back_statement(stream);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Who takes that one row may never ask whether there is another. There is none; should there be,
** all are collected. */
static int finish_early(struct stream *stream, struct result **result, char **error)
{
    int rc = SQLITE_ROW;
    while (stream->builder != NULL && (rc = step(stream, error)) == SQLITE_ROW) {
        if (run_add_row(stream->statement, stream->builder, stream->row, stream->columns) !=
            SQLITE_OK)
            return SQLITE_NOMEM;
    }
    if (rc != SQLITE_DONE)
        return rc == SQLITE_ROW ? SQLITE_OK : rc;
    finish(stream, result);
    return *result != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

static int make_statement(struct stream *stream, char **error)
{
    const struct definition *definition = &stream->reading.query->definition;
    sqlite3 *db = stream->reading.session->db;
    stream->own = true;
    int rc = definition_compile(definition, 0, &stream->statement);
    if (rc != SQLITE_OK)
        return error_from_sqlite(error, db, rc);
    return sqlite3_column_count(stream->statement) == stream->columns ? SQLITE_OK : SQLITE_SCHEMA;
}

/* The definition's statement, or another like it where that one is running. */
static int take_statement(struct stream *stream, char **error)
{
    const struct definition *definition = &stream->reading.query->definition;
    stream->columns = (int)definition->columns.count;
    stream->statement = definition->statement;
    return sqlite3_stmt_busy(definition->statement) ? make_statement(stream, error) : SQLITE_OK;
}

/* The first row is out, or it is over, while what read.c holds is held. */
static int start(struct stream *stream, bool keep, struct result **result, char **error)
{
    struct reading *reading = &stream->reading;
    sqlite3_stmt *statement = stream->statement;
    int compiled = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 0);
    /* What took too little to be kept will do so again; its rows need not be collected to learn
    ** more. */
    int rc = keep && !reading->query->cheap ? start_recording(stream) : SQLITE_OK;
    if (rc == SQLITE_OK)
        rc = run_bind(statement, &reading->query->definition.parameters, reading->values);
    if (rc != SQLITE_OK)
        return rc;
    rc = step(stream, error);
    bool recompiled = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 0) != compiled;
    if ((rc == SQLITE_ROW || rc == SQLITE_DONE) &&
        sqlite3_column_count(statement) != stream->columns)
        return SQLITE_SCHEMA;
    if ((rc == SQLITE_ROW || rc == SQLITE_DONE) && recompiled && !keep) {
        int checked = compute_check_schema(reading);
        rc = checked == SQLITE_OK ? rc : checked;
    }
    rc = deliver(stream, rc);
    if (rc == SQLITE_OK && !stream->at_end && reading->query->definition.analysis.one_row)
        rc = finish_early(stream, result, error);
    return rc;
}

int stream_begin(struct reading *reading, bool keep, struct result **result, char **error)
{
    struct session *session = reading->session;
    struct stream *stream = memory_alloc_zero(sizeof *stream);
    if (stream == NULL)
        return SQLITE_NOMEM;
    stream->reading = *reading;
    stream->begun = ticks_now();
    stream->timed = !reading->query->cheap;
    if (keep)
        store_count_miss(session->store, reading->query->space);
    else
        store_count_bypass(session->store, reading->query->space);
    int rc = take_statement(stream, error);
    if (rc == SQLITE_OK)
        rc = start(stream, keep, result, error);
    reading->open = stream->reading.open;
    reading->holding = stream->reading.holding;
    stream->reading.values = NULL;
    session->last_status = keep ? READ_MISS : READ_BYPASS;
    if (rc != SQLITE_OK)
        stop_recording(stream);
    if (rc != SQLITE_OK || *result != NULL)
        stream_end(stream);
    else
        *reading->stream = stream;
    return rc;
}

int stream_begin_aside(const struct reading *reading, struct stream **begun, char **error)
{
    const struct definition *definition = &reading->query->definition;
    struct stream *stream = memory_alloc_zero(sizeof *stream);
    if (stream == NULL)
        return SQLITE_NOMEM;
    stream->reading = *reading;
    stream->aside = true;
    stream->columns = (int)definition->columns.count;
    int rc = make_statement(stream, error);
    if (rc == SQLITE_OK)
        rc = run_bind(stream->statement, &definition->parameters, reading->values);
    if (rc == SQLITE_OK)
        rc = deliver(stream, step(stream, error));
    stream->reading.values = NULL;
    if (rc != SQLITE_OK)
        stream_end(stream);
    else
        *begun = stream;
    return rc;
}

bool stream_at_end(const struct stream *stream)
{
    return stream->at_end;
}

int stream_next(struct stream *stream, char **error)
{
    return deliver(stream, step(stream, error));
}

sqlite3_value *stream_value(const struct stream *stream, int column)
{
    return sqlite3_column_value(stream->statement, column);
}

void stream_end(struct stream *stream)
{
    if (stream == NULL)
        return;
    give_back_statement(stream);
    if (stream->builder != NULL) {
        const struct cached_query *query = stream->reading.query;
        store_count_rejection(stream->reading.session->store, query->space);
        refusals_note(query->definition.normalized, "was not read to its end");
        stop_recording(stream);
    }
    memory_free(stream->evidence);
    memory_free(stream->row);
    memory_free(stream);
}
