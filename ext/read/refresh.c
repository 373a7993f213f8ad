#include "read/refresh.h"

#include "base/error.h"
#include "coherence/snapshot.h"
#include "read/dependencies.h"

/* What a schema change has overtaken is left alone: it is prepared anew before it is read. */
static bool is_current(const struct session *session, const struct cached_query *query)
{
    return query->definition.statement != NULL &&
           query->definition.generation == session->observer->connection.schema_generation;
}

/* A truncated table is found by looking whether it has rows. */
static void probe_queries(struct session *session, struct cached_query *queries)
{
    for (struct cached_query *q = queries; q != NULL; q = q->next) {
        enum snapshot_state state;
        if (!is_current(session, q))
            continue;
        snapshot_open(session->observer, q->definition.databases, q->definition.database_count,
                      true, &state);
        if (state == SNAPSHOT_GOOD && is_current(session, q))
            definition_probe(&q->definition);
        snapshot_close(session->observer);
    }
}

void refresh_session(struct session *session)
{
    struct observer *observer = session->observer;
    if (session_anchor(session) != SQLITE_OK) {
        error_forget(session->db);
        return;
    }
    session_begin_read(session);
    int rc = observer_list_databases(observer, false);
    session_drop_outdated(session);
    for (struct database *d = observer->connection.databases; d != NULL; d = d->next) {
        enum snapshot_state state;
        if (rc != SQLITE_OK || d->index < 0 || !d->known)
            continue;
        snapshot_open(observer, &d, 1, true, &state);
        snapshot_close(observer);
    }
    probe_queries(session, session->queries);
    probe_queries(session, session->ad_hoc);
    probe_queries(session, session->prepared);
    session_end_read(session);
    error_forget(session->db);
}
