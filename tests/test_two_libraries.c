/*
** Two SQLite libraries in one process, each with connections of its own, that load one extension:
** the library under test (QUERYCACHE), not the one that is linked in here. Each scenario is a
** process of its own, as who comes first counts.
**
** The second library is a copy of the system's file, which the dynamic linker takes for another;
** and, where `make amalgamation` has built it, the newest SQLite.
*/
#include "support.h"
#include "tap.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "querycache.h"

/* Each library calls its own functions, whichever SQLite this program is linked with. The address
** sanitizer has no such thing, and is linked with an SQLite that nobody else sees. */
#if !SANITIZED && defined RTLD_DEEPBIND
#define OWN RTLD_DEEPBIND
#else
#define OWN 0
#endif

/* ---- an SQLite ---- */

struct library {
    void *handle;
    __typeof__(sqlite3_open) *open;
    __typeof__(sqlite3_close) *close;
    __typeof__(sqlite3_exec) *exec;
    __typeof__(sqlite3_prepare_v2) *prepare_v2;
    __typeof__(sqlite3_step) *step;
    __typeof__(sqlite3_reset) *reset;
    __typeof__(sqlite3_finalize) *finalize;
    __typeof__(sqlite3_column_text) *column_text;
    __typeof__(sqlite3_sql) *sql;
    __typeof__(sqlite3_errmsg) *errmsg;
    __typeof__(sqlite3_free) *free;
    __typeof__(sqlite3_libversion) *libversion;
    __typeof__(sqlite3_enable_load_extension) *enable_load_extension;
    __typeof__(sqlite3_load_extension) *load_extension;
};

/* ISO C has no conversion from an object's address to a function's. */
#define FIND(handle, function, name) (*(void **)&(function) = dlsym((handle), (name)))
#define FIND_SQLITE(library, name) FIND((library)->handle, (library)->name, "sqlite3_" #name)

/* In a scenario a failure says what it was and ends it. */
static void check(bool passed, const char *what, const char *text)
{
    if (passed)
        return;
    printf("# %s: %s\n", what, text != NULL ? text : "");
    fflush(stdout);
    _exit(1);
}

static struct library library(const char *path)
{
    struct library found = {.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | OWN)};
    if (found.handle == NULL)
        check(false, path, dlerror());
    FIND_SQLITE(&found, open);
    FIND_SQLITE(&found, close);
    FIND_SQLITE(&found, exec);
    FIND_SQLITE(&found, prepare_v2);
    FIND_SQLITE(&found, step);
    FIND_SQLITE(&found, reset);
    FIND_SQLITE(&found, finalize);
    FIND_SQLITE(&found, column_text);
    FIND_SQLITE(&found, sql);
    FIND_SQLITE(&found, errmsg);
    FIND_SQLITE(&found, free);
    FIND_SQLITE(&found, libversion);
    FIND_SQLITE(&found, enable_load_extension);
    FIND_SQLITE(&found, load_extension);
    return found;
}

static sqlite3 *open_with(const struct library *with, const char *path)
{
    sqlite3 *db = NULL;
    check(with->open(path, &db) == SQLITE_OK, path, with->errmsg(db));
    with->enable_load_extension(db, 1);
    return db;
}

static char extension[4096];

static void load(const struct library *with, sqlite3 *db)
{
    char *error = NULL;
    int rc = with->load_extension(db, extension, NULL, &error);
    check(rc == SQLITE_OK, "load_extension", error);
}

static void execute(const struct library *with, sqlite3 *db, const char *sql)
{
    char *error = NULL;
    int rc = with->exec(db, sql, NULL, NULL, &error);
    check(rc == SQLITE_OK, sql, error);
}

/* The first value of a query. */
static void expect(const struct library *with, sqlite3 *db, const char *sql, const char *wanted)
{
    sqlite3_stmt *statement = NULL;
    char got[200] = "";
    check(with->prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, sql, with->errmsg(db));
    if (with->step(statement) == SQLITE_ROW)
        snprintf(got, sizeof got, "%s", (const char *)with->column_text(statement, 0));
    check(with->finalize(statement) == SQLITE_OK, sql, with->errmsg(db));
    if (strcmp(got, wanted) != 0) {
        printf("#   wanted: %s\n", wanted);
        check(false, sql, got);
    }
}

static void prepare_tables(const struct library *with, sqlite3 *db)
{
    execute(with, db,
            "CREATE TABLE IF NOT EXISTS t(x); DELETE FROM t; INSERT INTO t VALUES (1), (2);"
            "CREATE VIRTUAL TABLE temp.q USING cache((SELECT count(*) AS n FROM main.t))");
}

/* Reads that miss and hit, a write, and the same again. */
static void use(const struct library *with, sqlite3 *db)
{
    execute(with, db, "DELETE FROM t WHERE x > 2");
    expect(with, db, "SELECT n FROM q", "2");
    expect(with, db, "SELECT n FROM q", "2");
    expect(with, db, "SELECT cache_last_status()", "hit");
    execute(with, db, "INSERT INTO t VALUES (3)");
    expect(with, db, "SELECT n FROM q", "3");
    expect(with, db, "SELECT cache_last_status()", "miss");
    expect(with, db, "SELECT cache_query('SELECT max(x) AS m FROM t')", "[{\"m\":3}]");
}

static sqlite3 *open_and_use(const struct library *with, const char *path)
{
    sqlite3 *db = open_with(with, path);
    load(with, db);
    prepare_tables(with, db);
    use(with, db);
    return db;
}

static void close_with(const struct library *with, sqlite3 *db)
{
    check(with->close(db) == SQLITE_OK, "close", with->errmsg(db));
}

/* ---- scenarios ---- */

struct world {
    const char *first; /* paths of libraries */
    const char *second;
    const char *databases[2];
};

static void one_after_the_other(const struct world *world)
{
    struct library a = library(world->first);
    struct library b = library(world->second);
    check(a.open != b.open, "the libraries", "are one");
    sqlite3 *db_a = open_and_use(&a, world->databases[0]);
    sqlite3 *db_b = open_and_use(&b, world->databases[1]);
    use(&a, db_a);
    use(&b, db_b);
    expect(&a, db_a, "SELECT count(*) FROM cache_definitions", "1");
    sqlite3 *more_a = open_and_use(&a, world->databases[0]);
    sqlite3 *more_b = open_and_use(&b, world->databases[1]);
    use(&a, db_a);
    close_with(&a, more_a);
    close_with(&b, db_b);
    use(&b, more_b);
    close_with(&a, db_a);
    close_with(&b, more_b);
}

static void seen_by_all(const struct world *world)
{
    check(dlopen(extension, RTLD_NOW | RTLD_GLOBAL) != NULL, extension, "cannot be loaded");
    one_after_the_other(world);
}

/* One file: to either the other's commits are those of a stranger. */
static void one_file(const struct world *world)
{
    struct library a = library(world->first);
    struct library b = library(world->second);
    sqlite3 *db_a = open_with(&a, world->databases[0]);
    execute(&a, db_a, "PRAGMA journal_mode = WAL");
    load(&a, db_a);
    prepare_tables(&a, db_a);
    sqlite3 *db_b = open_with(&b, world->databases[0]);
    load(&b, db_b);
    execute(&b, db_b,
            "CREATE VIRTUAL TABLE temp.q USING cache((SELECT count(*) AS n FROM main.t))");
    for (int i = 0; i < 20; i++) {
        char wanted[20];
        snprintf(wanted, sizeof wanted, "%d", 3 + i);
        execute(i % 2 ? &a : &b, i % 2 ? db_a : db_b, "INSERT INTO t VALUES (1)");
        for (int again = 0; again < 2; again++) {
            expect(&a, db_a, "SELECT n FROM q", wanted);
            expect(&b, db_b, "SELECT n FROM q", wanted);
        }
    }
    close_with(&a, db_a);
    close_with(&b, db_b);
}

enum { THREADS = 6, ROUNDS = SANITIZED ? 20 : 100 };

struct worker {
    pthread_t thread;
    pthread_barrier_t *start;
    const struct library *with;
    char path[4096];
};

static void *work(void *context)
{
    struct worker *worker = context;
    pthread_barrier_wait(worker->start);
    for (int i = 0; i < ROUNDS; i++)
        close_with(worker->with, open_and_use(worker->with, worker->path));
    return NULL;
}

static void threads(const struct world *world)
{
    struct library both[] = {library(world->first), library(world->second)};
    struct worker workers[THREADS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        struct worker *worker = &workers[i];
        worker->start = &start;
        worker->with = &both[i % 2];
        snprintf(worker->path, sizeof worker->path, "%s-%d", world->databases[i % 2], i);
        unlink(worker->path);
        check(pthread_create(&worker->thread, NULL, work, worker) == 0, "thread", "");
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        unlink(workers[i].path);
    }
    pthread_barrier_destroy(&start);
}

static void use_and_unload(const char *path, const char *database)
{
    struct library some = library(path);
    close_with(&some, open_and_use(&some, database));
    check(dlclose(some.handle) == 0, "dlclose", path);
    check(dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL, path, "is still loaded");
}

/* More often than there is room for libraries that stay, each time at a place of chance. */
static void unloading(const struct world *world)
{
    struct library a = library(world->first);
    sqlite3 *db_a = open_and_use(&a, world->databases[0]);
    for (int i = 0; i < 30; i++) {
        void *between = malloc((size_t)(i + 1) << 20);
        use_and_unload(world->second, world->databases[1]);
        use(&a, db_a);
        free(between);
    }
    close_with(&a, db_a);
}

/* The first one goes as well. */
static void unloading_both(const struct world *world)
{
    for (int i = 0; i < 15; i++) {
        use_and_unload(world->first, world->databases[0]);
        use_and_unload(world->second, world->databases[1]);
    }
}

static void forked(const struct world *world)
{
    struct library a = library(world->first);
    struct library b = library(world->second);
    sqlite3 *db_a = open_and_use(&a, world->databases[0]);
    sqlite3 *db_b = open_and_use(&b, world->databases[1]);
    pid_t child = fork();
    if (child == 0) {
        close_with(&b, open_and_use(&b, world->databases[1]));
        close_with(&a, open_and_use(&a, world->databases[0]));
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    check(status == 0, "the child", "failed");
    use(&a, db_a);
    use(&b, db_b);
}

/* The C API of the library that was loaded first. */
struct api {
    void *handle;
    __typeof__(querycache_init) *init;
    __typeof__(querycache_is_loaded) *is_loaded;
    __typeof__(querycache_prepare_v2) *prepare_v2;
    __typeof__(querycache_update_hook) *update_hook;
    __typeof__(querycache_get_stats) *get_stats;
    __typeof__(querycache_clear) *clear;
    __typeof__(querycache_configure) *configure;
    __typeof__(querycache_invalidate_table) *invalidate_table;
};

static struct api api_of_extension(void)
{
    struct api api = {.handle = dlopen(extension, RTLD_NOW | RTLD_GLOBAL)};
    check(api.handle != NULL, extension, "cannot be loaded");
    FIND(api.handle, api.init, "querycache_init");
    FIND(api.handle, api.is_loaded, "querycache_is_loaded");
    FIND(api.handle, api.prepare_v2, "querycache_prepare_v2");
    FIND(api.handle, api.update_hook, "querycache_update_hook");
    FIND(api.handle, api.get_stats, "querycache_get_stats");
    FIND(api.handle, api.clear, "querycache_clear");
    FIND(api.handle, api.configure, "querycache_configure");
    FIND(api.handle, api.invalidate_table, "querycache_invalidate_table");
    return api;
}

static int updates;

static void count_update(void *argument, int operation, const char *schema, const char *table,
                         sqlite3_int64 rowid)
{
    (void)argument, (void)operation, (void)schema, (void)table, (void)rowid;
    updates++;
}

static void through_api(const struct api *api, const struct library *with, sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_int64 dropped = -1;
    check(api->is_loaded(db) == 1, "querycache_is_loaded", "0");
    check(api->init(db) == SQLITE_OK, "querycache_init", with->errmsg(db));
    int rc = api->prepare_v2(db, "SELECT sum(x) FROM t", -1, &statement, NULL, NULL);
    check(rc == SQLITE_OK, "prepare", with->errmsg(db));
    check(strstr(with->sql(statement), "querycache") != NULL, "cached", with->sql(statement));
    for (int i = 0; i < 2; i++) {
        check(with->step(statement) == SQLITE_ROW, "step", with->errmsg(db));
        with->reset(statement);
    }
    expect(with, db, "SELECT cache_last_status()", "hit");
    with->finalize(statement);
    check(api->invalidate_table(db, "t", &dropped) == SQLITE_OK && dropped > 0, "invalidate", "");
    updates = 0;
    api->update_hook(db, count_update, NULL);
    use(with, db);
    check(updates > 0, "the hook", "is not called");
    api->update_hook(db, NULL, NULL);
}

static void c_api(const struct world *world)
{
    struct library a = library(world->first);
    struct library b = library(world->second);
    struct api api = api_of_extension();
    struct querycache_stats stats = {.size = sizeof stats};
    sqlite3_int64 dropped = -1;
    sqlite3_stmt *statement = NULL;
    sqlite3 *db_a = open_and_use(&a, world->databases[0]);
    through_api(&api, &a, db_a);
    sqlite3 *plain_a = open_with(&a, world->databases[0]);
    check(api.prepare_v2(plain_a, "SELECT 1", -1, &statement, NULL, NULL) == SQLITE_OK,
          "with one library a connection without the extension", "is refused");
    a.finalize(statement);
    check(api.get_stats(&stats) == SQLITE_OK && stats.misses > 0, "stats", "");
    sqlite3_int64 misses = stats.misses;
    sqlite3 *db_b = open_and_use(&b, world->databases[1]);
    through_api(&api, &b, db_b);
    through_api(&api, &a, db_a);
    check(api.get_stats(&stats) == SQLITE_OK && stats.misses > misses + 4, "the sum of stats", "");
    use(&a, db_a);
    use(&b, db_b);
    check(api.clear(&dropped) == SQLITE_OK && dropped >= 2, "clear", "does not reach all");
    check(api.configure("enabled", "0", NULL) == SQLITE_OK, "configure", "fails");
    expect(&a, db_a, "SELECT n FROM q", "3");
    expect(&a, db_a, "SELECT cache_last_status()", "bypass");
    expect(&b, db_b, "SELECT n FROM q", "3");
    expect(&b, db_b, "SELECT cache_last_status()", "bypass");
    check(api.configure("enabled", "1", NULL) == SQLITE_OK, "configure", "fails");
    /* Whose it is nobody can tell. */
    check(!api.is_loaded(plain_a), "querycache_is_loaded", "1");
    check(api.init(plain_a) == SQLITE_MISUSE, "querycache_init", "guesses");
    check(api.prepare_v2(plain_a, "SELECT 1", -1, &statement, NULL, NULL) == SQLITE_MISUSE &&
              statement == NULL,
          "prepare", "guesses");
    check(api.update_hook(plain_a, count_update, NULL) == NULL, "hook", "guesses");
    close_with(&a, plain_a);
    close_with(&a, db_a);
    close_with(&b, db_b);
}

static void load_fails(const struct library *with, const char *database, const char *wanted)
{
    char *error = NULL;
    sqlite3 *db = open_with(with, database);
    int rc = with->load_extension(db, extension, NULL, &error);
    check(rc == SQLITE_ERROR, "load_extension", "succeeds");
    check(error != NULL && strstr(error, wanted) != NULL, wanted, error);
    with->free(error);
    execute(with, db, "CREATE TABLE IF NOT EXISTS works(x)");
    close_with(with, db);
}

/* `first` is too old. */
static void too_old(const struct world *world)
{
    struct library old = library(world->first);
    struct library b = library(world->second);
    load_fails(&old, world->databases[0],
               "querycache needs SQLite 3.34.0 or newer; this is 3.31.1");
    sqlite3 *db_b = open_and_use(&b, world->databases[1]);
    load_fails(&old, world->databases[0],
               "querycache needs SQLite 3.34.0 or newer; this is 3.31.1");
    use(&b, db_b);
    close_with(&b, db_b);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[65536];
    ssize_t size;
    int in = open(from, O_RDONLY);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    check(in >= 0 && out >= 0, from, "cannot be copied");
    while ((size = read(in, bytes, sizeof bytes)) > 0)
        check(write(out, bytes, (size_t)size) == size, to, "cannot be written");
    close(in);
    close(out);
}

/* SQLite finds the extension that is loaded by its name; its file is gone, and then another. */
static void no_copy(const struct world *world)
{
    char file[sizeof extension];
    memcpy(file, extension, sizeof file);
    struct library a = library(world->first);
    struct library b = library(world->second);
    snprintf(extension, sizeof extension, "%s", scratch_file("querycache.so"));
    copy_file(file, extension);
    sqlite3 *db_a = open_and_use(&a, world->databases[0]);
    unlink(extension);
    load_fails(&b, world->databases[1],
               "the file that it was loaded from is not there any more; let all use one SQLite");
    copy_file(file, extension);
    load_fails(&b, world->databases[1], "the file that it was loaded from has been replaced since");
    use(&a, db_a);
    unlink(extension);
    close_with(&a, db_a);
}

/* Each takes what a copy takes; so there is an end to it. */
static void many(const struct world *world)
{
    enum { LIBRARIES = 8 }; /* as ext/load/libraries.h has it */
    struct library all[LIBRARIES + 1];
    sqlite3 *dbs[LIBRARIES];
    char path[4096];
    for (int i = 0; i <= LIBRARIES; i++) {
        snprintf(path, sizeof path, "%s-%d.so", world->first, i);
        copy_file(i % 2 ? world->first : world->second, path);
        all[i] = library(path);
        unlink(path);
        if (i < LIBRARIES)
            dbs[i] = open_and_use(&all[i], world->databases[i % 2]);
    }
    load_fails(&all[LIBRARIES], world->databases[0], "it has been loaded for as many as it can be");
    for (int i = 0; i < LIBRARIES; i++) {
        use(&all[i], dbs[i]);
        close_with(&all[i], dbs[i]);
    }
}

#ifdef __linux__
/* Where there is no memory to load from, a file is made, and left nowhere. */
static void through_a_file(const struct world *world)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof program[0], program};
    char folder[4096];
    snprintf(folder, sizeof folder, "%s-folder", world->databases[0]);
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
              prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0,
          "seccomp", "is not there");
    check(mkdir(folder, 0700) == 0 && setenv("TMPDIR", folder, 1) == 0, folder, "cannot be made");
    one_after_the_other(world);
    check(rmdir(folder) == 0, folder, "is not empty");
}
#endif

/* ---- running them ---- */

static const struct {
    const char *name;
    void (*run)(const struct world *);
} scenarios[] = {
    {"each loads the extension, and both read and write on", one_after_the_other},
    {"so they do where the extension was loaded for all to see", seen_by_all},
    {"one file, which both write", one_file},
    {"threads of both load it at once", threads},
    {"the second is unloaded and comes again", unloading},
    {"the first is unloaded, too", unloading_both},
    {"in the child of a fork() both serve", forked},
    {"the C API serves each connection by its own", c_api},
#ifdef __linux__
    {"a copy can be made through a file", through_a_file},
#endif
    {"so many libraries are served, and one more is an error", many},
    {"where no copy can be made the second load is an error, without harm", no_copy},
};

static int outcome(void (*scenario)(const struct world *), const struct world *world)
{
    fresh_file("first.db");
    fresh_file("second.db");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(300);
        scenario(world);
        fflush(stdout);
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

static void run_all(const char *what, const char *first, const char *second)
{
    struct world world = {first, second, {scratch_file("first.db"), scratch_file("second.db")}};
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        char name[200];
        snprintf(name, sizeof name, "%s: %s", what, scenarios[i].name);
        is_int(outcome(scenarios[i].run, &world), 0, name);
    }
}

/* The file of the system's SQLite, copied: the one that this program is linked with stays out of
** it. */
static bool copy_system(const char *to)
{
    Dl_info info;
    void *handle = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
    void *function = handle != NULL ? dlsym(handle, "sqlite3_open_v2") : NULL;
    if (function == NULL || dladdr(function, &info) == 0)
        return false;
    copy_file(info.dli_fname, to);
    return dlclose(handle) == 0;
}

/* A library of .cache/sqlite, beside the shell of SQLITE3_OLD; NULL where it is not there. */
static const char *other_version(const char *version)
{
    static char paths[2][4096];
    static int next;
    const char *folder = getenv("CACHE");
    char *path = paths[next++ % 2];
    snprintf(path, sizeof paths[0], "%s/%s/libsqlite3.so.0",
             folder != NULL ? folder : ".cache/sqlite", version);
    return access(path, R_OK) == 0 ? path : NULL;
}

static void run_versions(const char *system)
{
    const char *newest = other_version("newest");
    const char *old = other_version("3.31.1");
    if (newest != NULL) {
        run_all("another version", system, newest);
        run_all("another version first", newest, system);
    } else {
        tap_skip("another version", "make amalgamation builds it, for Linux");
    }
    struct world world = {old, system, {scratch_file("first.db"), scratch_file("second.db")}};
    if (old != NULL)
        is_int(outcome(too_old, &world), 0,
               "one that is too old is refused, first and second, without harm");
    else
        tap_skip("one that is too old", "make amalgamation builds it, for Linux");
}

int main(void)
{
    const char *path = getenv("QUERYCACHE");
    snprintf(extension, sizeof extension, "%s.so", path != NULL ? path : "build/querycache");
    if (access(extension, R_OK) != 0 || !copy_system(scratch_file("one.so")) ||
        !copy_system(scratch_file("two.so"))) {
        tap_skip("two libraries", "there is no extension to load, or no shared SQLite to copy");
        return tap_done();
    }
    run_all("one version twice", scratch_file("one.so"), scratch_file("two.so"));
    run_versions(scratch_file("one.so"));
    return tap_done();
}
