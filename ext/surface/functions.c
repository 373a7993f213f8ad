/*
** The functions: acting on the cache, and asking it.
**
**     SELECT cache_query('SELECT name FROM users WHERE id = ?', 7);
**     SELECT cache_invalidate_table('users');
*/
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "query/json.h"
#include "query/key.h"
#include "query/normalize.h"
#include "querycache.h"
#include "read/ad_hoc.h"
#include "read/invalidate.h"
#include "read/read.h"
#include "session/runtime.h"
#include "session/settings.h"
#include "surface/surface.h"

/* Since 3.45 SQLite wants to be told that a function's value may have a subtype. Older ones ignore
** the flag, so it is set whatever SQLite this is compiled with. */
#ifndef SQLITE_RESULT_SUBTYPE
#define SQLITE_RESULT_SUBTYPE 0x001000000
#endif

static struct session *session_of(sqlite3_context *context)
{
    return sqlite3_user_data(context);
}

static bool check_session(sqlite3_context *context)
{
    char *error = NULL;
    int code = session_check(session_of(context), &error);
    if (code != SQLITE_OK)
        surface_result_error(context, code, error);
    return code == SQLITE_OK;
}

/* ---- dropping ---- */

/* Drop what matches, and return how many of them could still have been served. */
static void drop_matching(sqlite3_context *context, entry_match match, void *match_context)
{
    if (check_session(context))
        sqlite3_result_int64(context, invalidate_matching(session_of(context), match, match_context,
                                                          CAUSE_EXPLICIT));
}

static void cache_clear(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    drop_matching(context, NULL, NULL);
}

static bool is_of_cache(const struct entry_view *entry, void *name)
{
    const char *cache = space_name(entry->space);
    return cache != NULL && sqlite3_stricmp(cache, name) == 0;
}

static void cache_invalidate(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const char *name = surface_text(context, argv[0],
                                    "cache_invalidate needs the name of a cached table: "
                                    "cache_invalidate('sales_by_region')");
    (void)argc;
    if (name != NULL)
        drop_matching(context, is_of_cache, (void *)(uintptr_t)name);
}

static void cache_invalidate_table(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const char *name = surface_text(context, argv[0],
                                    "cache_invalidate_table needs the name of a table: "
                                    "cache_invalidate_table('sales') or ('main.sales')");
    (void)argc;
    if (name == NULL)
        return;
    int64_t dropped = 0;
    if (!check_session(context))
        return;
    if (invalidate_table(session_of(context), name, &dropped) != SQLITE_OK)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_int64(context, dropped);
}

struct tag_search {
    const struct session *session;
    const char *tag;
};

static bool gives_tag(const struct cached_query *queries, const struct space *space,
                      const char *tag)
{
    for (const struct cached_query *query = queries; query != NULL; query = query->next) {
        if (query->space == space && options_have_tag(&query->options, tag))
            return true;
    }
    return false;
}

static bool has_tag(const struct entry_view *entry, void *context)
{
    const struct tag_search *search = context;
    return gives_tag(search->session->queries, entry->space, search->tag) ||
           gives_tag(search->session->prepared, entry->space, search->tag);
}

static void cache_invalidate_tag(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct tag_search search = {
        .session = session_of(context),
        .tag = surface_text(context, argv[0],
                            "cache_invalidate_tag needs a tag of a cached table: "
                            "cache_invalidate_tag('billing')"),
    };
    (void)argc;
    if (search.tag != NULL)
        drop_matching(context, has_tag, &search);
}

static bool is_sql_like(const struct entry_view *entry, void *glob)
{
    return sqlite3_strglob(glob, entry->sql) == 0;
}

static void cache_invalidate_matching(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const char *glob =
        surface_text(context, argv[0],
                     "cache_invalidate_matching needs a GLOB pattern for the normalized "
                     "SQL: cache_invalidate_matching('*from sales*')");
    (void)argc;
    if (glob != NULL)
        drop_matching(context, is_sql_like, (void *)(uintptr_t)glob);
}

static bool has_key(const struct entry_view *entry, void *context)
{
    const struct key *key = context;
    return entry->key.high == key->high && entry->key.low == key->low;
}

#define DROP_NEEDS "cache_drop needs a key as cache_entries shows it, 32 hex digits"

static void cache_drop(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const char *text = surface_text(context, argv[0], DROP_NEEDS);
    struct key key;
    (void)argc;
    if (text == NULL)
        return;
    if (key_parse(text, &key)) {
        drop_matching(context, has_key, &key);
        return;
    }
    char *error = NULL;
    int code =
        error_set(&error, SQLITE_ERROR, sqlite3_mprintf("'%s' is no key; " DROP_NEEDS, text));
    surface_result_error(context, code, error);
}

/* ---- settings and statistics ---- */

static void cache_configure(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const char *name = (const char *)sqlite3_value_text(argv[0]);
    const char *value = (const char *)sqlite3_value_text(argv[1]);
    char *error = NULL;
    (void)argc;
    int code = runtime_configure(name, value, &error);
    if (code != SQLITE_OK) {
        surface_result_error(context, code, error);
        return;
    }
    char *shown = settings_show((enum setting)settings_find(name));
    if (shown == NULL)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text(context, shown, -1, sqlite3_free);
}

static void cache_reset_stats(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    if (check_session(context))
        store_reset_counters(session_of(context)->store);
}

static void cache_last_status(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    static const char *const names[] = {
        [READ_NONE] = NULL,
        [READ_HIT] = "hit",
        [READ_MISS] = "miss",
        [READ_BYPASS] = "bypass",
        [READ_COALESCED] = "coalesced",
    };
    (void)argc, (void)argv;
    /* SQLite makes NULL of a NULL pointer. */
    sqlite3_result_text(context, names[session_of(context)->last_status], -1, SQLITE_STATIC);
}

/* ---- texts and keys ---- */

static void querycache_version_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc, (void)argv;
    sqlite3_result_text(context, QUERYCACHE_VERSION, -1, SQLITE_STATIC);
}

static void cache_normalize(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const char *sql = surface_text(context, argv[0],
                                   "cache_normalize needs SQL text: cache_normalize('SELECT …')");
    (void)argc;
    if (sql == NULL)
        return;
    char *normalized = normalize_sql(sql);
    if (normalized == NULL)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text(context, normalized, -1, memory_free);
}

/* The SELECT that comes first among any number of arguments; NULL after leaving an error. */
static const char *select_of(sqlite3_context *context, int argc, sqlite3_value **argv,
                             const char *missing)
{
    if (argc > 0)
        return surface_text(context, argv[0], missing);
    sqlite3_result_error(context, missing, -1);
    return NULL;
}

static void cache_key(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct session *session = session_of(context);
    struct cached_query *query = NULL;
    struct key key;
    char text[33];
    char *error = NULL;
    const char *sql = select_of(context, argc, argv,
                                "cache_key needs the text of a SELECT, and a value for each of its "
                                "parameters: cache_key('SELECT … WHERE id = ?', 7)");
    if (sql == NULL)
        return;
    int code = ad_hoc_prepare(session, sql, &query, &error);
    if (code == SQLITE_OK)
        code = ad_hoc_check_count(query, argc - 1, &error);
    if (code == SQLITE_OK)
        code = read_key(query, argv + 1, &key);
    if (code != SQLITE_OK) {
        surface_result_error(context, code, error);
        return;
    }
    key_format(key, text);
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* ---- cache_query ---- */

static void result_rows_json(sqlite3_context *context, const struct result *result,
                             const struct columns *columns)
{
    struct buffer json = {0};
    uint64_t rows = result_rows(result);
    buffer_add_char(&json, '[');
    for (uint64_t row = 0; row < rows && !json.failed; row++) {
        if (row > 0)
            buffer_add_char(&json, ',');
        json_add_row(&json, result, row, (const char *const *)columns->names);
    }
    buffer_add_char(&json, ']');
    size_t size = json.size;
    char *text = buffer_take(&json);
    if (text == NULL) {
        sqlite3_result_error_nomem(context);
        return;
    }
    sqlite3_result_text64(context, text, size, memory_free, SQLITE_UTF8);
    sqlite3_result_subtype(context, SURFACE_JSON_SUBTYPE);
}

static void cache_query(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct cached_query *query = NULL;
    struct result *result = NULL;
    char *error = NULL;
    const char *sql = select_of(context, argc, argv,
                                "cache_query needs the text of a SELECT, and a value for each of "
                                "its parameters: cache_query('SELECT … WHERE id = ?', 7)");
    if (sql == NULL)
        return;
    int code = ad_hoc_read(session_of(context), sql, argc - 1, argv + 1, &result, &query, &error);
    if (code != SQLITE_OK) {
        surface_result_error(context, code, error);
        return;
    }
    result_rows_json(context, result, &query->definition.columns);
    result_release(result);
}

/* ---- registering ---- */

enum {
    ACTING = SQLITE_UTF8 | SQLITE_DIRECTONLY,
    ASKING = SQLITE_UTF8,
    PURE = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
};

static const struct {
    const char *name;
    int arguments; /* -1: any number */
    int flags;
    void (*call)(sqlite3_context *, int, sqlite3_value **);
} functions[] = {
    {"cache_clear", 0, ACTING, cache_clear},
    {"cache_invalidate", 1, ACTING, cache_invalidate},
    {"cache_invalidate_table", 1, ACTING, cache_invalidate_table},
    {"cache_invalidate_tag", 1, ACTING, cache_invalidate_tag},
    {"cache_invalidate_matching", 1, ACTING, cache_invalidate_matching},
    {"cache_drop", 1, ACTING, cache_drop},
    {"cache_configure", 2, ACTING, cache_configure},
    {"cache_reset_stats", 0, ACTING, cache_reset_stats},
    {"cache_query", -1, ACTING | SQLITE_RESULT_SUBTYPE, cache_query},
    {"cache_key", -1, ACTING, cache_key},
    {"cache_last_status", 0, ASKING, cache_last_status},
    {"cache_normalize", 1, PURE, cache_normalize},
    {"querycache_version", 0, PURE, querycache_version_function},
};

int functions_register(sqlite3 *db, struct session *session)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        /* SQLite calls the destructor when this fails, too. */
        int code = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments,
                                              functions[i].flags, session_retain(session),
                                              functions[i].call, NULL, NULL, session_release);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}
