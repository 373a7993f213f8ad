#include "load/libraries.h"

#include "session/session.h"

SQLITE_EXTENSION_INIT1

#ifdef SQLITE_CORE

int libraries_enter(const sqlite3_api_routines *api, const struct copy **other, char **error)
{
    (void)api, (void)error;
    *other = NULL;
    return SQLITE_OK;
}

int libraries_find(sqlite3 *db, const struct copy **other)
{
    (void)db;
    *other = NULL;
    return SQLITE_OK;
}

const struct copy *libraries_next(unsigned *number)
{
    (void)number;
    return NULL;
}

#else

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/lock.h"
#include "base/memory.h"
#include "base/process.h"

/* The routines that every table has, from the oldest SQLite that is served on. */
#define ROUTINES (offsetof(sqlite3_api_routines, txn_state) / sizeof(void *) + 1)

struct build {
    const sqlite3_api_routines *api;
    uintptr_t base; /* where it is loaded */
    /* What tells one from another: which source it is of, and where what lies. */
    char source[100];
    uintptr_t routines[ROUTINES];
};

/* The first is served by this copy, each other one by its own. */
struct library {
    struct build build;
    struct copy copy; /* stays as it is once it is counted */
};

static struct lock lock = LOCK_INITIALIZER(LOCK_LIBRARIES); /* of what follows */
static struct library libraries[LIBRARIES_MAX];
static _Atomic unsigned count;
static struct copy_source source;

/* In the child of a fork(). What another thread was adding is not counted yet. */
static void start_over(void)
{
    lock_start_over(&lock);
}

/* ---- one SQLite and another ---- */

static uintptr_t base_of(const sqlite3_api_routines *api)
{
    Dl_info info;
    return dladdr(api, &info) != 0 ? (uintptr_t)info.dli_fbase : (uintptr_t)api;
}

/* All but the base, for which the dynamic linker has to search. */
static void describe(struct build *build, const sqlite3_api_routines *api)
{
    *build = (struct build){.api = api};
    api->xsnprintf((int)sizeof build->source, build->source, "%s", api->sourceid());
    memcpy(build->routines, api, sizeof build->routines);
}

/* Also where it was unloaded, and is back at its place. */
static bool is_same(const struct build *a, const struct build *b)
{
    return a->api == b->api && strcmp(a->source, b->source) == 0 &&
           memcmp(a->routines, b->routines, sizeof a->routines) == 0;
}

static bool is_same_elsewhere(const struct build *a, const struct build *b)
{
    bool same = strcmp(a->source, b->source) == 0;
    for (size_t i = 0; i < ROUTINES && same; i++) {
        uintptr_t in_a = a->routines[i] == 0 ? 0 : a->routines[i] - a->base;
        uintptr_t in_b = b->routines[i] == 0 ? 0 : b->routines[i] - b->base;
        same = in_a == in_b;
    }
    return same;
}

static struct build build_at(unsigned number)
{
    lock_take(&lock);
    struct build build = libraries[number].build;
    lock_give(&lock);
    return build;
}

static bool is_gone(const struct build *build)
{
    return base_of(build->api) != build->base;
}

/* ---- entering; the functions with `held` in their name hold the lock ---- */

static struct library *find_held(const struct build *now)
{
    for (unsigned i = 0; i < count; i++) {
        if (is_same(&libraries[i].build, now))
            return &libraries[i];
    }
    return NULL;
}

static struct library *find(const struct build *now)
{
    lock_take(&lock);
    struct library *found = find_held(now);
    lock_give(&lock);
    return found;
}

static void serve_held(struct library *library, const struct build *now)
{
    library->build = *now;
    if (library == &libraries[0])
        __atomic_store_n(&sqlite3_api, now->api, __ATOMIC_RELEASE); /* see sqlite_is_there() */
}

/* The first of all. */
static struct library *claim(const struct build *now)
{
    struct copy_source found;
    copy_find_source(&found);
    lock_take(&lock);
    struct library *library = find_held(now);
    if (library == NULL && count == 0) {
        library = &libraries[0];
        source = found;
        found.path = NULL;
        serve_held(library, now);
        count = 1;
    }
    lock_give(&lock);
    memory_free(found.path);
    return library;
}

/* One that was unloaded, and is back at another place. (What serves the first looks here whether a
** connection was left open, a copy when it is entered.) */
static struct library *come_back(const struct build *now)
{
    struct library *library = NULL;
    for (unsigned i = 0; library == NULL && i < count; i++) {
        struct build before = build_at(i);
        if (!is_same_elsewhere(&before, now) || !is_gone(&before) || (i == 0 && session_any()))
            continue;
        lock_take(&lock);
        library = find_held(now);
        if (library == NULL && is_same(&libraries[i].build, &before)) {
            library = &libraries[i];
            serve_held(library, now);
        }
        lock_give(&lock);
    }
    return library;
}

/* Two threads may both make a copy for the same one. */
static struct library *add(const struct build *now, const char **reason)
{
    struct copy copy;
    *reason = "it has been loaded for as many as it can be";
    if (count == LIBRARIES_MAX || !copy_open(&copy, &source, reason))
        return find(now);
    lock_take(&lock);
    struct library *library = find_held(now);
    if (library == NULL && count < LIBRARIES_MAX) {
        library = &libraries[count];
        library->copy = copy;
        serve_held(library, now);
        copy.handle = NULL;
        count++;
    }
    lock_give(&lock);
    if (copy.handle != NULL)
        copy_close(&copy);
    return library;
}

static int refuse(const sqlite3_api_routines *api, const char *reason, char **error)
{
    *error = api->mprintf("querycache serves another SQLite library of this process, and cannot be "
                          "loaded once more for this one (SQLite %s): %s; let all use one SQLite "
                          "library, or load a copy of the extension's file with this one",
                          api->libversion(), reason);
    return *error != NULL ? SQLITE_ERROR : SQLITE_NOMEM;
}

int libraries_enter(const sqlite3_api_routines *api, const struct copy **other, char **error)
{
    struct build now;
    const char *reason = NULL;
    describe(&now, api);
    struct library *library = find(&now);
    if (library == NULL && process_on_fork(start_over)) {
        now.base = base_of(api);
        library = claim(&now);
        if (library == NULL)
            library = come_back(&now);
        if (library == NULL)
            library = add(&now, &reason);
    }
    if (library == NULL)
        return reason != NULL ? refuse(api, reason, error) : SQLITE_NOMEM;
    *other = library != &libraries[0] ? &library->copy : NULL;
    return SQLITE_OK;
}

/* ---- who serves what ---- */

int libraries_find(sqlite3 *db, const struct copy **other)
{
    *other = NULL;
    if (!sqlite_is_there())
        return SQLITE_MISUSE;
    if (count == 1 || session_find(db) != NULL)
        return SQLITE_OK;
    for (unsigned i = 1; i < count; i++) {
        if (!libraries[i].copy.is_loaded(db))
            continue;
        *other = &libraries[i].copy;
        return SQLITE_OK;
    }
    sqlite3_log(SQLITE_MISUSE,
                "querycache serves several SQLite libraries, and it cannot be told of which "
                "this connection is; sqlite3_load_extension() loads it there");
    return SQLITE_MISUSE;
}

const struct copy *libraries_next(unsigned *number)
{
    while (++*number < count) {
        struct build build = build_at(*number);
        if (!is_gone(&build))
            return &libraries[*number].copy;
    }
    return NULL;
}

#endif
