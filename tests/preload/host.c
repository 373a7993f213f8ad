/*
** A program that is linked with no SQLite. tests/preload.t runs it alone and under querycache-run,
** and compares what it prints.
**
**     host            looks whether there is an SQLite, and tries it
**     host PLUGIN     opens a plug-in that brings one (plugin.c), uses it, and closes it: twice
*/
#include <dlfcn.h>
#include <stdio.h>

struct sqlite3;
struct sqlite3_stmt;

/* ISO C has no conversion from an object's address to a function's. */
#define FIND(handle, function, name) (*(void **)&(function) = dlsym((handle), (name)))

static int look(void)
{
    int (*open)(const char *, struct sqlite3 **);
    struct sqlite3 *db = NULL;
    FIND(RTLD_DEFAULT, open, "sqlite3_open");
    printf("a database: %s\n", open != NULL && open(":memory:", &db) == 0 ? "yes" : "no");
    return 0;
}

static int use(const char *path)
{
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (plugin == NULL) {
        printf("%s\n", dlerror());
        return 1;
    }
    int (*open)(const char *, struct sqlite3 **);
    int (*exec)(struct sqlite3 *, const char *);
    int (*prepare)(struct sqlite3 *, const char *, struct sqlite3_stmt **);
    int (*step)(struct sqlite3_stmt *);
    int (*number)(struct sqlite3_stmt *);
    int (*finalize)(struct sqlite3_stmt *);
    int (*close)(struct sqlite3 *);
    FIND(plugin, open, "plugin_open");
    FIND(plugin, exec, "plugin_exec");
    FIND(plugin, prepare, "plugin_prepare");
    FIND(plugin, step, "plugin_step");
    FIND(plugin, number, "plugin_number");
    FIND(plugin, finalize, "plugin_finalize");
    FIND(plugin, close, "plugin_close");
    struct sqlite3 *db = NULL;
    int rc = open(":memory:", &db);
    printf("open %d\n", rc);
    rc = exec(db, "CREATE TABLE t(x); INSERT INTO t VALUES (5), (6)");
    printf("exec %d\n", rc);
    for (int i = 0; i < 3; i++) {
        struct sqlite3_stmt *statement = NULL;
        rc = prepare(db, "SELECT sum(x) FROM t", &statement);
        printf("prepare %d", rc);
        rc = step(statement);
        printf(" step %d: %d", rc, number(statement));
        rc = finalize(statement);
        printf(" finalize %d\n", rc);
    }
    rc = close(db);
    printf("close %d\n", rc);
    return dlclose(plugin);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return look();
    int first = use(argv[1]);
    return first != 0 ? first : use(argv[1]);
}
