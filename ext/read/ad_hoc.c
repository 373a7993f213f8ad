#include "read/ad_hoc.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "read/read.h"

/* How many texts a session keeps prepared. */
#define MAX_AD_HOC 64

static struct cached_query *take_prepared(struct session *session, const char *sql)
{
    for (struct cached_query **link = &session->ad_hoc; *link != NULL; link = &(*link)->next) {
        struct cached_query *query = *link;
        if (strcmp(query->text, sql) != 0)
            continue;
        *link = query->next;
        session->ad_hoc_count--;
        return query;
    }
    return NULL;
}

static int open_ad_hoc(struct session *session, const char *sql, struct cached_query **query,
                       char **error)
{
    struct cached_query *made = memory_alloc_zero(sizeof *made);
    if (made == NULL)
        return SQLITE_NOMEM;
    struct definition_source source = {.sql = sql,
                                       .session = session->id,
                                       .share = true,
                                       .nesting = &session->nesting,
                                       .facts = &session->facts};
    int rc = definition_open(&made->definition, session->observer, &source, error);
    if (rc == SQLITE_OK) {
        made->text = memory_copy_text(sql, strlen(sql));
        made->space = store_space(session->store, NULL, NULL, 0);
        rc = made->text != NULL && made->space != NULL ? SQLITE_OK : SQLITE_NOMEM;
    }
    if (rc != SQLITE_OK) {
        cached_query_free(made);
        return rc;
    }
    *query = made;
    return SQLITE_OK;
}

static void drop_oldest(struct session *session)
{
    struct cached_query **link = &session->ad_hoc;
    while ((*link)->next != NULL)
        link = &(*link)->next;
    cached_query_free(*link);
    *link = NULL;
    session->ad_hoc_count--;
}

static int prepare(struct session *session, const char *sql, struct cached_query **query,
                   char **error)
{
    *error = NULL;
    struct schema_hold hold;
    int usable = session_check(session, error);
    if (usable != SQLITE_OK)
        return usable;
    int rc = session_anchor(session);
    session_begin_read(session);
    int guarded = read_guard_writer(session, &hold, error);
    if (rc == SQLITE_OK)
        rc = guarded;
    struct cached_query *found = take_prepared(session, sql);
    if (found == NULL && rc == SQLITE_OK)
        rc = open_ad_hoc(session, sql, &found, error);
    if (rc == SQLITE_OK)
        rc = definition_refresh(&found->definition, error);
    schema_release(&hold);
    session_end_read(session);
    /* What an outer read may be using stays, whatever became of it. */
    if (rc != SQLITE_OK && (found == NULL || session->readings == 0)) {
        cached_query_free(found);
        return rc;
    }
    found->next = session->ad_hoc;
    session->ad_hoc = found;
    session->ad_hoc_count++;
    while (session->ad_hoc_count > MAX_AD_HOC && session->readings == 0)
        drop_oldest(session);
    *query = found;
    return rc;
}

int ad_hoc_prepare(struct session *session, const char *sql, struct cached_query **query,
                   char **error)
{
    int rc = prepare(session, sql, query, error);
    if (rc == SQLITE_OK)
        cached_query_settle(*query);
    return rc;
}

int ad_hoc_check_count(const struct cached_query *query, int value_count, char **error)
{
    int wanted = (int)query->definition.parameters.count;
    if (value_count == wanted)
        return SQLITE_OK;
    return error_set(error, SQLITE_ERROR,
                     sqlite3_mprintf("the SELECT has %d parameter%s and %d value%s given; give one "
                                     "value for each, in number order, after the SELECT",
                                     wanted, wanted == 1 ? "" : "s", value_count,
                                     value_count == 1 ? " was" : "s were"));
}

int ad_hoc_read(struct session *session, const char *sql, int value_count, sqlite3_value **values,
                struct result **result, struct cached_query **query, char **error)
{
    *result = NULL;
    *query = NULL;
    int rc = prepare(session, sql, query, error);
    if (rc == SQLITE_OK)
        rc = ad_hoc_check_count(*query, value_count, error);
    if (rc == SQLITE_OK && cached_query_is_refused(*query))
        rc = error_set(error, SQLITE_ERROR,
                       sqlite3_mprintf("this SELECT cannot be cached: it %s",
                                       (*query)->definition.analysis.refusal));
    if (rc != SQLITE_OK) {
        if (*query != NULL)
            cached_query_settle(*query);
        return rc;
    }
    struct buffer params = {0};
    struct request request = {.query = *query,
                              .value_count = value_count,
                              .values = values,
                              .once = true,
                              .params = &params};
    rc = read_through(session, &request, result, error);
    buffer_clear(&params);
    cached_query_settle(*query);
    return rc;
}
