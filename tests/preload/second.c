/*
** A program that is linked with one SQLite and opens another for itself alone.
** tests/preload_programs.t runs it alone and under querycache-run, and compares what it prints.
**
** second LIBRARY first|last [EXTENSION]    uses the other one first, or last; both load the
** extension
*/
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

struct library {
    __typeof__(sqlite3_open) *open;
    __typeof__(sqlite3_close) *close;
    __typeof__(sqlite3_exec) *exec;
    __typeof__(sqlite3_prepare_v2) *prepare_v2;
    __typeof__(sqlite3_step) *step;
    __typeof__(sqlite3_column_int) *column_int;
    __typeof__(sqlite3_finalize) *finalize;
    __typeof__(sqlite3_errmsg) *errmsg;
    __typeof__(sqlite3_update_hook) *update_hook;
    __typeof__(sqlite3_enable_load_extension) *enable_load_extension;
    __typeof__(sqlite3_load_extension) *load_extension;
};

static const struct library linked = {
    sqlite3_open,           sqlite3_close,
    sqlite3_exec,           sqlite3_prepare_v2,
    sqlite3_step,           sqlite3_column_int,
    sqlite3_finalize,       sqlite3_errmsg,
    sqlite3_update_hook,    sqlite3_enable_load_extension,
    sqlite3_load_extension,
};

/* ISO C has no conversion from an object's address to a function's. */
#define FIND(name) (*(void **)&found.name = dlsym(handle, "sqlite3_" #name))

static struct library find(const char *path)
{
    struct library found = {0};
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (handle == NULL) {
        printf("%s\n", dlerror());
        return found;
    }
    FIND(open);
    FIND(close);
    FIND(exec);
    FIND(prepare_v2);
    FIND(step);
    FIND(column_int);
    FIND(finalize);
    FIND(errmsg);
    FIND(update_hook);
    FIND(enable_load_extension);
    FIND(load_extension);
    return found;
}

static int updates;

static void on_update(void *argument, int operation, const char *schema, const char *table,
                      sqlite3_int64 rowid)
{
    (void)argument, (void)operation, (void)schema, (void)table, (void)rowid;
    updates++;
}

static void use(const struct library *with, sqlite3 *db, const char *name)
{
    for (int i = 0; i < 4; i++) {
        sqlite3_stmt *statement = NULL;
        int rc = with->prepare_v2(db, "SELECT sum(x) FROM t", -1, &statement, NULL);
        printf("%s: prepare %d", name, rc);
        rc = with->step(statement);
        printf(" step %d: %d", rc, with->column_int(statement, 0));
        rc = with->finalize(statement);
        printf(" finalize %d\n", rc);
        if (i == 2)
            with->exec(db, "INSERT INTO t VALUES (100)", NULL, NULL, NULL);
    }
    printf("%d updates\n", updates);
}

static sqlite3 *start(const struct library *with, const char *extension)
{
    sqlite3 *db = NULL;
    with->open(":memory:", &db);
    with->enable_load_extension(db, 1);
    if (extension != NULL)
        printf("load %d\n", with->load_extension(db, extension, NULL, NULL));
    with->update_hook(db, on_update, NULL);
    with->exec(db, "CREATE TABLE t(x); INSERT INTO t VALUES (5), (6)", NULL, NULL, NULL);
    return db;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int first = strcmp(argv[2], "first") == 0;
    const char *extension = argc > 3 ? argv[3] : NULL;
    struct library other = find(argv[1]);
    if (other.open == NULL)
        return 1;
    const struct library *order[] = {first ? &other : &linked, first ? &linked : &other};
    sqlite3 *a = start(order[0], extension);
    use(order[0], a, "one");
    sqlite3 *b = start(order[1], extension);
    use(order[1], b, "another");
    use(order[0], a, "one");
    use(order[1], b, "another");
    int rc = order[0]->close(a);
    printf("close %d\n", rc);
    rc = order[1]->close(b);
    printf("close %d\n", rc);
    return 0;
}
