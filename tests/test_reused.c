/*
** A database that sqlite3_deserialize() puts in place of another, where SQLite's allocator hands
** out again first what was freed last: then the new handle is where the old one was, and the data
** version may read the same as well.
*/
#include "tap.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

/* ---- an allocator of size classes, powers of two ---- */

#define CLASSES 40
#define HEAD ((size_t)16)

static void *freed[CLASSES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned class_of(size_t size)
{
    unsigned class = 6;
    while ((size_t)1 << class < size + HEAD)
        class ++;
    return class;
}

static unsigned class_at(const void *block)
{
    return *(const unsigned *)(const void *)((const char *)block - HEAD);
}

static int class_size(void *block)
{
    return (int)(((size_t)1 << class_at(block)) - HEAD);
}

static void *class_alloc(int size)
{
    unsigned class = class_of((size_t)size);
    pthread_mutex_lock(&lock);
    char *block = freed[class];
    if (block != NULL)
        memcpy(&freed[class], block, sizeof freed[class]);
    pthread_mutex_unlock(&lock);
    if (block != NULL)
        return block;
    char *head = malloc((size_t)1 << class);
    if (head == NULL)
        return NULL;
    memcpy(head, &class, sizeof class);
    return head + HEAD;
}

static void class_free(void *block)
{
    pthread_mutex_lock(&lock);
    memcpy(block, &freed[class_at(block)], sizeof freed[0]);
    freed[class_at(block)] = block;
    pthread_mutex_unlock(&lock);
}

static void *class_resize(void *block, int size)
{
    if (size <= class_size(block))
        return block;
    void *larger = class_alloc(size);
    if (larger != NULL) {
        memcpy(larger, block, (size_t)class_size(block));
        class_free(block);
    }
    return larger;
}

static int class_round(int size)
{
    return size;
}

static int class_init(void *data)
{
    (void)data;
    return SQLITE_OK;
}

static void class_shutdown(void *data)
{
    (void)data;
}

/* ---- the test ---- */

#define CACHED "SELECT cache_query('SELECT v FROM t')"
#define PLAIN "SELECT json_group_array(json_object('v', v)) FROM t"

static unsigned data_version(sqlite3 *db)
{
    unsigned version = 0;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_DATA_VERSION, &version);
    return version;
}

static void replace(sqlite3 *db)
{
    sqlite3 *other = open_plain(":memory:", 0);
    run(other, "CREATE TABLE t(v); INSERT INTO t VALUES ('other')");
    sqlite3_int64 size = 0;
    unsigned char *image = sqlite3_serialize(other, "main", &size, 0);
    sqlite3_deserialize(db, "main", image, size, size,
                        SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
    sqlite3_close(other);
}

/* `commits` of them before the database is replaced, and as many after as it takes to come to the
** same data version. */
static void test_replaced(const char *path, const char *mode, int commits, bool begin)
{
    sqlite3 *db = open_cached(path, 0);
    run(db, "PRAGMA journal_mode = %s; CREATE TABLE t(v); INSERT INTO t VALUES ('first')", mode);
    for (int i = 0; i < commits; i++)
        run(db, "INSERT INTO t VALUES ('more')");
    run(db, "BEGIN; SELECT 1 FROM t");
    for (int i = 0; i < 3; i++)
        same(db, CACHED, PLAIN, "the first database");
    run(db, "COMMIT");
    unsigned version = data_version(db);
    replace(db);
    while (data_version(db) < version)
        run(db, "INSERT INTO t VALUES ('and more')");
    run(db, begin ? "BEGIN; SELECT 1 FROM t" : "SELECT 1 FROM t");
    for (int i = 0; i < 2; i++)
        same(db, CACHED, PLAIN, "another in its place, at the same data version");
    sqlite3_close(db);
}

int main(void)
{
    static const sqlite3_mem_methods classes = {
        .xMalloc = class_alloc,
        .xFree = class_free,
        .xRealloc = class_resize,
        .xSize = class_size,
        .xRoundup = class_round,
        .xInit = class_init,
        .xShutdown = class_shutdown,
    };
    is_int(sqlite3_config(SQLITE_CONFIG_MALLOC, &classes), SQLITE_OK, "SQLite takes the allocator");
    for (int commits = 0; commits < 3; commits++)
        for (int begin = 0; begin < 2; begin++) {
            test_replaced(":memory:", "memory", commits, begin);
            test_replaced(fresh_file("replaced.db"), "delete", commits, begin);
            test_replaced(fresh_file("replaced.db"), "wal", commits, begin);
        }
    return tap_done();
}
