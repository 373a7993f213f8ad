/*
** The door: how SQLite comes in. Checks that it can work here, and registers everything on the
** connection.
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr */
#endif

#include <stdbool.h>

#include "base/error.h"
#include "base/sql.h"
#include "load/libraries.h"
#include "querycache.h"
#include "session/session.h"
#include "session/settings.h"
#include "surface/register.h"

#ifndef SQLITE_CORE
#include <dlfcn.h>
#endif

#define OLDEST_SQLITE 3034000
#define OLDEST_SQLITE_TEXT "3.34.0"

/* Once for each connection: registering anew would fail while a statement runs, such as the one
** that calls load_extension(). */
static int register_once(sqlite3 *db, char **error)
{
    struct session *session = session_open(db);
    if (session == NULL)
        return SQLITE_NOMEM;
    if (session->registered && session_anchor(session) != SQLITE_OK)
        session->registered = false; /* sqlite3_drop_modules() */
    int code = session->registered ? SQLITE_OK : surface_register(db, session);
    if (code == SQLITE_OK)
        session->registered = true;
    else
        *error = sqlite3_mprintf("querycache cannot register its tables and functions: %s",
                                 sqlite3_errmsg(db));
    session_release(session);
    return code;
}

/*
** Another copy of this library, as libquerycache_preload.so in a program that loads the extension
** as well, has this connection already. Two would take each other's hooks, and names.
*/
static bool is_taken(sqlite3 *db)
{
    sqlite3_stmt *modules = NULL;
    bool taken = false;
    /* Asked so that a no is no error: the program's log would hear of that. */
    if (session_find(db) != NULL || sql_prepare(db, &modules, "PRAGMA module_list") != SQLITE_OK)
        return false;
    while (!taken && sqlite3_step(modules) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(modules, 0);
        taken = name != NULL && sqlite3_stricmp(name, "querycache_stats") == 0;
    }
    sqlite3_finalize(modules);
    return taken;
}

/* Its routines before it is known to be one that can be served. */
#ifdef SQLITE_CORE
#define ROUTINE(api, name) ((void)(api), sqlite3_##name)
#define OWN_TABLE NULL
#else
#define ROUTINE(api, name) ((api)->name)
#define OWN_TABLE sqlite3_api
#endif

/* What SQLite's options can take away, and nothing works without. Where it is linked in, the linker
** asks. */
static const char *missing_routine(const sqlite3_api_routines *api)
{
    (void)api;
#ifndef SQLITE_CORE
    if (api->column_decltype == NULL)
        return "sqlite3_column_decltype(), which SQLITE_OMIT_DECLTYPE takes away";
#endif
    return NULL;
}

/* error_set() would ask an SQLite that may be none to free. */
static int refuse(char *text, char **error)
{
    *error = text;
    return text == NULL ? SQLITE_NOMEM : SQLITE_ERROR;
}

/* First of all: an older SQLite's table of routines ends before some that are used here. */
static int check_version(const sqlite3_api_routines *api, char **error)
{
    if (ROUTINE(api, libversion_number)() < OLDEST_SQLITE)
        return refuse(ROUTINE(api, mprintf)("querycache needs SQLite " OLDEST_SQLITE_TEXT
                                            " or newer; this is %s",
                                            ROUTINE(api, libversion)()),
                      error);
    if (missing_routine(api) != NULL)
        return refuse(
            ROUTINE(api, mprintf)("querycache needs an SQLite with %s", missing_routine(api)),
            error);
    return SQLITE_OK;
}

static int start(sqlite3 *db, char **error)
{
    int code = settings_load(error);
    if (code == SQLITE_OK && !is_taken(db))
        code = register_once(db, error);
    error_forget(db);
    return code;
}

#ifdef SQLITE_CORE
static int stay_loaded(void)
{
    return SQLITE_OK;
}
#else
/*
** The store outlives every connection, so the library must, too. SQLITE_OK_LOAD_PERMANENTLY asks
** for that, but sqlite3_auto_extension() takes it for an error and fails every sqlite3_open(); so
** the library first pins itself.
*/
static int stay_loaded(void)
{
    Dl_info self;
    void *handle = NULL;
    if (dladdr(&sqlite3_api, &self) != 0)
        handle = dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    if (handle == NULL)
        return SQLITE_OK_LOAD_PERMANENTLY;
    dlclose(handle);
    return SQLITE_OK;
}
#endif

/* By what serves this SQLite: this library, or a copy of it. */
static int enter(sqlite3 *db, char **error, const sqlite3_api_routines *api)
{
    const struct copy *other = NULL;
    int code = check_version(api, error);
    if (code == SQLITE_OK)
        code = libraries_enter(api, &other, error);
    if (code != SQLITE_OK || other == NULL)
        return code != SQLITE_OK ? code : start(db, error);
    code = other->init(db, error, api);
    return code == SQLITE_OK_LOAD_PERMANENTLY ? SQLITE_OK : code; /* this library keeps it loaded */
}

int sqlite3_querycache_init(sqlite3 *db, char **error, const sqlite3_api_routines *api)
{
    char *text = NULL;
#ifndef SQLITE_CORE
    if (api == NULL)
        return SQLITE_MISUSE;
#endif
    int code = enter(db, &text, api);
    if (error != NULL)
        *error = text;
    else if (text != NULL)
        ROUTINE(api, free)(text);
    return code == SQLITE_OK ? stay_loaded() : code;
}

int querycache_init(sqlite3 *db)
{
    char *error = NULL;
    const struct copy *other = NULL;
    int code = libraries_find(db, &other);
    if (code != SQLITE_OK || other != NULL)
        return code != SQLITE_OK ? code : other->start(db);
    code = check_version(OWN_TABLE, &error);
    if (code == SQLITE_OK)
        code = start(db, &error);
    if (code != SQLITE_OK)
        sqlite3_log(code, "%s", error != NULL ? error : sqlite3_errstr(code));
    sqlite3_free(error);
    return code;
}

int querycache_is_loaded(sqlite3 *db)
{
    unsigned number = 0;
    const struct copy *copy;
    bool found = session_find(db) != NULL;
    while (!found && (copy = libraries_next(&number)) != NULL)
        found = copy->is_loaded(db);
    return found;
}

const char *querycache_version(void)
{
    return QUERYCACHE_VERSION;
}

int querycache_version_number(void)
{
    return QUERYCACHE_VERSION_NUMBER;
}
