#include "preload/routing.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/ticks.h"
#include "coherence/snapshot.h"
#include "metrics/refusals.h"
#include "metrics/shapes.h"
#include "metrics/statistics.h"
#include "query/normalize.h"
#include "querycache.h"
#include "session/session.h"
#include "session/settings.h"
#include "statement/prepare.h"
#include "statement/prepared_table.h"
#include "statement/rules.h"

/* ---- connections ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool usable; /* the rules are */

static void complain(const char *text)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    bool named =
        strncmp(text, "querycache", strlen("querycache")) == 0; /* as the extension's own */
    if (!atomic_flag_test_and_set(&said))
        fprintf(stderr, "%s%s; nothing is cached\n", named ? "" : "querycache: ", text);
}

static void read_rules(void)
{
    char *error = NULL;
    const char *path = getenv("QUERYCACHE_RULES");
    usable = path == NULL || *path == '\0' || rules_load(path, &error) == SQLITE_OK;
    if (!usable)
        complain(error != NULL ? error : "memory is short");
    sqlite3_free(error);
}

void routing_open(sqlite3 *db, const struct sqlite3_api_routines *api)
{
    static const struct sqlite3_api_routines *_Atomic served;
    const struct sqlite3_api_routines *first = NULL;
    char *text = NULL;
    if (api == NULL || (!atomic_compare_exchange_strong(&served, &first, api) && first != api))
        return;
    int rc = sqlite3_querycache_init(db, &text, api);
    if (rc == SQLITE_OK || rc == SQLITE_OK_LOAD_PERMANENTLY)
        pthread_once(&once, read_rules);
    else /* then no SQLite may be there to call but by its own table */
        complain(text != NULL ? text : api->errstr(rc));
    api->free(text);
}

bool routing_has(sqlite3 *db)
{
    return usable && session_find(db) != NULL;
}

/* ---- statements ---- */

bool routing_is_own(sqlite3_stmt *statement)
{
    const char *sql = sqlite_is_there() ? sqlite3_sql(statement) : NULL;
    return sql != NULL && strncmp(sql, OWN_STATEMENT, strlen(OWN_STATEMENT)) == 0;
}

static void skip(const char *normalized, int line)
{
    char *reason = sqlite3_mprintf("is skipped by the rule in line %d", line);
    if (reason != NULL)
        refusals_note(normalized, reason);
    sqlite3_free(reason);
}

/* Without a rule: what is slow. */
static void apply_default(sqlite3 *db, sqlite3_stmt **statement, unsigned flags,
                          const char *normalized)
{
    int64_t slow = settings_get(SETTING_SLOW);
    struct prepare_request request = {.flags = flags, .unasked = true};
    char options[60];
    char *error = NULL;
    rules_count_unmatched();
    if (slow == TICKS_NEVER)
        return;
    request.shape = slow > 0 ? shape_of(normalized) : 0;
    if (slow > 0 && shape_is_quick(request.shape)) {
        refusals_note(normalized, "was quick to compute (see the setting slow)");
        return;
    }
    sqlite3_snprintf(sizeof options, options, "min_time = '%lld us'", (long long)slow / 1000);
    request.options = slow >= 1000 ? options : NULL;
    prepare_through(db, statement, &request, &error);
    sqlite3_free(error);
}

void routing_apply(sqlite3 *db, sqlite3_stmt **statement, unsigned flags)
{
    if (!routing_has(db))
        return;
    prepare_catch_up(db);
    if (!prepare_is_select(*statement))
        return;
    const char *sql = sqlite3_sql(*statement);
    char *normalized = normalize_sql(sql);
    if (normalized == NULL)
        return;
    const struct rule *rule = rules_match(normalized);
    if (rule == NULL) {
        apply_default(db, statement, flags, normalized);
    } else if (rule->skip) {
        skip(normalized, rule->line);
    } else {
        struct prepare_request request = {.flags = flags, .options = rule->options};
        char *error = NULL;
        prepare_through(db, statement, &request, &error);
        sqlite3_free(error);
    }
    memory_free(normalized);
}

void routing_begin(sqlite3_stmt *statement)
{
    const char *sql = sqlite_is_there() ? sqlite3_sql(statement) : NULL;
    if (sql == NULL || !prepared_is_mark(sql) || sqlite3_stmt_busy(statement))
        return;
    sqlite3 *db = sqlite3_db_handle(statement);
    sqlite3_mutex *mutex = sqlite3_db_mutex(db);
    sqlite3_mutex_enter(mutex);
    struct session *session = session_find(db);
    if (session != NULL && !session_is_foreign(session))
        snapshot_prepare(session->observer);
    sqlite3_mutex_leave(mutex);
}

void routing_note_write(sqlite3 *db, const char *schema, const char *table)
{
    if (!routing_has(db))
        return;
    sqlite3_mutex *mutex = sqlite3_db_mutex(db);
    sqlite3_mutex_enter(mutex);
    struct session *session = session_find(db);
    if (session != NULL)
        observer_note_write(session->observer, schema, table);
    sqlite3_mutex_leave(mutex);
}

/* ---- the report ---- */

static int report_rule(const struct rule *rule, void *file)
{
    fprintf(file, "rule %d: %" PRIu64 " matches: %s => %s%s%s\n", rule->line,
            atomic_load(&rule->matches), rule->pattern, rule->skip ? "skip" : "cache",
            rule->options != NULL ? " " : "", rule->options != NULL ? rule->options : "");
    return 0;
}

static int report_refusal(const struct refusal *refusal, void *file)
{
    fprintf(file, "not cached %" PRIu64 " times: %s: %s\n", refusal->count, refusal->reason,
            refusal->sql);
    return 0;
}

void routing_report(void)
{
    struct querycache_stats stats = {.size = sizeof stats};
    const char *path = getenv("QUERYCACHE_REPORT");
    if (path == NULL || *path == '\0' || querycache_get_stats(&stats) != SQLITE_OK)
        return;
    FILE *file = fopen(path, "ae");
    if (file == NULL) {
        fprintf(stderr, "querycache: the report cannot be written to %s: %s\n", path,
                strerror(errno));
        return;
    }
    fprintf(file, "querycache in process %ld\n", (long)getpid());
    for (size_t i = 0; i < STATISTIC_COUNT; i++) {
        if (statistics[i].shows != STATISTIC_TABLES)
            fprintf(file, "%s %" PRId64 "\n", statistics[i].name,
                    statistics_field(&stats, &statistics[i]));
    }
    rules_each(report_rule, file);
    fprintf(file, "no rule: %" PRIu64 "\n", rules_unmatched());
    refusals_each(report_refusal, file);
    fclose(file);
}
