#include "surface/surface.h"

#include <string.h>

#include "session/settings.h"
#include "base/memory.h"

int surface_register(sqlite3 *db, struct session *session)
{
    static int (*const parts[])(sqlite3 *, struct session *) = {
        cache_table_register,    stats_table_register,   definitions_table_register,
        entries_table_register,  tables_table_register,  config_table_register,
        rows_table_register,     explain_table_register, rules_table_register,
        refusals_table_register, functions_register,     views_register,
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int code = parts[i](db, session);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

struct session *surface_retain(struct session *session)
{
    session->references++;
    return session;
}

static void module_release(void *client)
{
    struct surface_module *module = client;
    session_release(module->session);
    memory_free(module);
}

static int create_module(sqlite3 *db, struct session *session, const char *name,
                         const sqlite3_module *module, const void *table)
{
    struct surface_module *client = memory_alloc(sizeof *client);
    if (client == NULL)
        return SQLITE_NOMEM;
    client->session = surface_retain(session);
    client->table = table;
    /* SQLite calls the destructor when this fails, too. */
    return sqlite3_create_module_v2(db, name, module, client, module_release);
}

int surface_create_module(sqlite3 *db, struct session *session, const char *name,
                          const sqlite3_module *module, const void *table)
{
    int code = create_module(db, session, name + strlen("query"), module, table);
    return code == SQLITE_OK ? create_module(db, session, name, module, table) : code;
}

void surface_result_error(sqlite3_context *context, int code, char *error)
{
    if (code == SQLITE_NOMEM) {
        sqlite3_result_error_nomem(context);
    } else {
        if (error != NULL)
            sqlite3_result_error(context, error, -1);
        /* Behind the text: that sets SQLITE_ERROR, and this leaves the text alone. */
        sqlite3_result_error_code(context, code);
    }
    sqlite3_free(error);
}

const char *surface_text(sqlite3_context *context, sqlite3_value *value, const char *missing)
{
    if (sqlite3_value_type(value) == SQLITE_NULL) {
        sqlite3_result_error(context, missing, -1);
        return NULL;
    }
    const char *text = (const char *)sqlite3_value_text(value);
    if (text == NULL)
        sqlite3_result_error_nomem(context);
    return text;
}

void surface_result_any_cell(sqlite3_context *context, const struct column *column, uint64_t row)
{
    surface_result_cell(context, result_any_cell(column, row));
}

int surface_failure(char *text, char **error)
{
    *error = text;
    return text == NULL ? SQLITE_NOMEM : SQLITE_ERROR;
}

int surface_configure(const char *name, const char *value, char **error)
{
    int setting = name == NULL ? -1 : config_find(name);
    if (setting < 0) {
        char *names = config_names();
        if (names == NULL)
            return SQLITE_NOMEM;
        char *text = sqlite3_mprintf("there is no setting %s; the settings are %s",
                                     name == NULL ? "NULL" : name, names);
        sqlite3_free(names);
        return surface_failure(text, error);
    }
    int code = config_set((enum setting)setting, value, error);
    if (code == SQLITE_OK)
        session_apply_settings();
    return code;
}
