#include "surface/surface.h"

#include <string.h>

#include "base/memory.h"

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
    client->session = session_retain(session);
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
