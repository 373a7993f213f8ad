/*
** What a hit asks of the file system: outside a transaction no lock, no page, nothing but a look at
** the wal-index, which is memory; in rollback mode one read of 16 bytes. So it opens no read
** transaction. A VFS around the default one counts all calls for files.
**
**     test_hit_path MODE SQL TIMES FILE
**
** runs that statement so often between two calls of getppid(), on the default VFS and a new file,
** for tests/syscalls.t.
*/
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "querycache.h"
#include "support.h"
#include "tap.h"

#define HITS 100

/* ---- a VFS that counts ---- */

enum call {
    READ,
    WRITE,
    TRUNCATE,
    SYNC,
    FILE_SIZE,
    LOCK,
    UNLOCK,
    CHECK_RESERVED_LOCK,
    FILE_CONTROL,
    SHM_MAP,
    SHM_LOCK,
    SHM_BARRIER,
    SHM_UNMAP,
    FETCH,
    OPEN,
    DELETE,
    ACCESS,
    CALLS,
};

static const char *const call_names[CALLS] = {
    "xRead",    "xWrite",      "xTruncate",          "xSync",        "xFileSize",
    "xLock",    "xUnlock",     "xCheckReservedLock", "xFileControl", "xShmMap",
    "xShmLock", "xShmBarrier", "xShmUnmap",          "xFetch",       "xOpen",
    "xDelete",  "xAccess",
};

static long calls[CALLS];
static long clock_reads; /* of the change counter: 16 bytes, of which nothing is locked */

static sqlite3_vfs *real_vfs;

struct counted_file {
    sqlite3_file base; /* must be first */
    sqlite3_file *real;
};

static sqlite3_file *count(sqlite3_file *file, enum call call)
{
    calls[call]++;
    return ((struct counted_file *)file)->real;
}

static int counted_close(sqlite3_file *file)
{
    sqlite3_file *real = ((struct counted_file *)file)->real;
    return real->pMethods != NULL ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int counted_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset)
{
    bool of_clock = size == 16 && offset == 24;
    sqlite3_file *real = count(file, READ);
    calls[READ] -= of_clock;
    clock_reads += of_clock;
    return real->pMethods->xRead(real, bytes, size, offset);
}

static int counted_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    sqlite3_file *real = count(file, WRITE);
    return real->pMethods->xWrite(real, bytes, size, offset);
}

static int counted_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *real = count(file, TRUNCATE);
    return real->pMethods->xTruncate(real, size);
}

static int counted_sync(sqlite3_file *file, int flags)
{
    sqlite3_file *real = count(file, SYNC);
    return real->pMethods->xSync(real, flags);
}

static int counted_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    sqlite3_file *real = count(file, FILE_SIZE);
    return real->pMethods->xFileSize(real, size);
}

static int counted_lock(sqlite3_file *file, int level)
{
    sqlite3_file *real = count(file, LOCK);
    return real->pMethods->xLock(real, level);
}

static int counted_unlock(sqlite3_file *file, int level)
{
    sqlite3_file *real = count(file, UNLOCK);
    return real->pMethods->xUnlock(real, level);
}

static int counted_check_reserved_lock(sqlite3_file *file, int *reserved)
{
    sqlite3_file *real = count(file, CHECK_RESERVED_LOCK);
    return real->pMethods->xCheckReservedLock(real, reserved);
}

static int counted_file_control(sqlite3_file *file, int operation, void *argument)
{
    sqlite3_file *real = count(file, FILE_CONTROL);
    return real->pMethods->xFileControl(real, operation, argument);
}

static int counted_sector_size(sqlite3_file *file)
{
    sqlite3_file *real = ((struct counted_file *)file)->real;
    return real->pMethods->xSectorSize(real);
}

static int counted_device_characteristics(sqlite3_file *file)
{
    sqlite3_file *real = ((struct counted_file *)file)->real;
    return real->pMethods->xDeviceCharacteristics(real);
}

static int counted_shm_map(sqlite3_file *file, int region, int size, int extend,
                           void volatile **memory)
{
    sqlite3_file *real = count(file, SHM_MAP);
    return real->pMethods->xShmMap(real, region, size, extend, memory);
}

static int counted_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    sqlite3_file *real = count(file, SHM_LOCK);
    return real->pMethods->xShmLock(real, offset, n, flags);
}

static void counted_shm_barrier(sqlite3_file *file)
{
    sqlite3_file *real = count(file, SHM_BARRIER);
    real->pMethods->xShmBarrier(real);
}

static int counted_shm_unmap(sqlite3_file *file, int delete)
{
    sqlite3_file *real = count(file, SHM_UNMAP);
    return real->pMethods->xShmUnmap(real, delete);
}

static int counted_fetch(sqlite3_file *file, sqlite3_int64 offset, int size, void **page)
{
    sqlite3_file *real = count(file, FETCH);
    return real->pMethods->xFetch(real, offset, size, page);
}

static int counted_unfetch(sqlite3_file *file, sqlite3_int64 offset, void *page)
{
    sqlite3_file *real = ((struct counted_file *)file)->real;
    return real->pMethods->xUnfetch(real, offset, page);
}

static const sqlite3_io_methods counted_methods = {
    .iVersion = 3,
    .xClose = counted_close,
    .xRead = counted_read,
    .xWrite = counted_write,
    .xTruncate = counted_truncate,
    .xSync = counted_sync,
    .xFileSize = counted_file_size,
    .xLock = counted_lock,
    .xUnlock = counted_unlock,
    .xCheckReservedLock = counted_check_reserved_lock,
    .xFileControl = counted_file_control,
    .xSectorSize = counted_sector_size,
    .xDeviceCharacteristics = counted_device_characteristics,
    .xShmMap = counted_shm_map,
    .xShmLock = counted_shm_lock,
    .xShmBarrier = counted_shm_barrier,
    .xShmUnmap = counted_shm_unmap,
    .xFetch = counted_fetch,
    .xUnfetch = counted_unfetch,
};

static int counted_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                        int *out_flags)
{
    struct counted_file *counted = (struct counted_file *)file;
    (void)vfs;
    calls[OPEN]++;
    counted->real = (sqlite3_file *)(void *)(counted + 1);
    counted->base.pMethods = NULL;
    int rc = real_vfs->xOpen(real_vfs, path, counted->real, flags, out_flags);
    if (counted->real->pMethods != NULL)
        counted->base.pMethods = &counted_methods;
    return rc;
}

static int counted_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
    (void)vfs;
    calls[DELETE]++;
    return real_vfs->xDelete(real_vfs, path, sync);
}

static int counted_access(sqlite3_vfs *vfs, const char *path, int flags, int *result)
{
    (void)vfs;
    calls[ACCESS]++;
    return real_vfs->xAccess(real_vfs, path, flags, result);
}

static void register_vfs(void)
{
    static sqlite3_vfs vfs;
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.pNext = NULL;
    vfs.zName = "counting";
    vfs.szOsFile += (int)sizeof(struct counted_file);
    vfs.xOpen = counted_open;
    vfs.xDelete = counted_delete;
    vfs.xAccess = counted_access;
    sqlite3_vfs_register(&vfs, 1);
}

/* "xRead 100, xLock 1"; left out is what only asks memory, and the reads that are counted apart. */
static const char *calls_made(void)
{
    static char text[512];
    size_t size = 0;
    text[0] = '\0';
    for (int i = 0; i < CALLS; i++) {
        if (calls[i] == 0 || i == FILE_CONTROL || i == SHM_MAP)
            continue;
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s %ld", size > 0 ? ", " : "",
                                 call_names[i], calls[i]);
    }
    return size > 0 ? text : "none";
}

static void forget_calls(void)
{
    memset(calls, 0, sizeof calls);
    clock_reads = 0;
}

/* ---- hits ---- */

struct reads {
    long rows;
    long in_transaction; /* reads with a read transaction open on main at a row */
    long failures;
};

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
        printf("# %s: %s\n", sql, sqlite3_errmsg(db));
    return statement;
}

static struct reads read_times(sqlite3_stmt *statement, int times)
{
    struct reads reads = {0};
    sqlite3 *db = sqlite3_db_handle(statement);
    for (int i = 0; i < times; i++) {
        bool open = false;
        while (sqlite3_step(statement) == SQLITE_ROW) {
            reads.rows++;
            open = open || sqlite3_txn_state(db, "main") != SQLITE_TXN_NONE;
        }
        reads.failures += sqlite3_reset(statement) != SQLITE_OK;
        reads.in_transaction += open;
    }
    return reads;
}

#define CREATE_TABLES                                                                              \
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b);"                                                    \
    "INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')"
#define CREATE_CACHED                                                                              \
    "CREATE VIRTUAL TABLE temp.c USING cache((SELECT a, b FROM main.t));"                          \
    "CREATE VIRTUAL TABLE temp.one USING cache((SELECT b FROM main.t WHERE a = :a))"

/* A database with a table of three rows and two cached tables. */
static sqlite3 *open_mode(const char *path, const char *mode)
{
    sqlite3 *db = open_cached(path, 0);
    run(db, "PRAGMA journal_mode = %s", mode);
    run(db, CREATE_TABLES);
    run(db, CREATE_CACHED);
    return db;
}

/* What reads through a prepared statement ask for. The first run keeps, the second proves that the
** plan reads once; what comes after is measured. */
static void check_hits(sqlite3 *db, const char *sql, int rows_of_each, int reads_of_each,
                       const char *where)
{
    char name[160];
    sqlite3_stmt *statement = prepare(db, sql);
    bool outside = sqlite3_get_autocommit(db);
    read_times(statement, 2);
    long long hits_before = number(db, "SELECT hits FROM cache_stats");
    forget_calls();
    struct reads reads = read_times(statement, HITS);
    const char *made = calls_made();
    snprintf(name, sizeof name, "%s: %s: calls for files", where, sql);
    is_text(made, "none", name);
    snprintf(name, sizeof name, "%s: %s: %d reads of the clock, or fewer", where, sql,
             reads_of_each * HITS);
    ok(clock_reads <= (long)reads_of_each * HITS, name);
    snprintf(name, sizeof name, "%s: %s: hits with a read transaction open", where, sql);
    is_int(reads.in_transaction, outside ? 0 : HITS, name);
    snprintf(name, sizeof name, "%s: %s: rows", where, sql);
    is_int(reads.failures == 0 ? reads.rows : -1, (long)rows_of_each * HITS, name);
    sqlite3_finalize(statement);
    snprintf(name, sizeof name, "%s: %s: hits", where, sql);
    is_int(number(db, "SELECT hits FROM cache_stats") - hits_before, HITS, name);
}

#define ALL_ROWS "SELECT a, b FROM c"
#define ONE_ROW "SELECT b FROM one(2)"
#define IN_ORDER "SELECT b FROM c WHERE a > 1 ORDER BY b DESC"

static void check_all_shapes(sqlite3 *db, int reads_of_each, const char *where)
{
    check_hits(db, ALL_ROWS, 3, reads_of_each, where);
    check_hits(db, ONE_ROW, 1, reads_of_each, where);
    check_hits(db, IN_ORDER, 2, reads_of_each, where);
}

/* ---- what counts is counted ---- */

/* Otherwise a VFS that counts nothing would pass for hits that do nothing. */
static void test_counting(void)
{
    sqlite3 *db = open_mode(fresh_file("counting.db"), "WAL");
    sqlite3_stmt *plain = prepare(db, "SELECT b FROM main.t WHERE a = 2");
    read_times(plain, 2);
    forget_calls();
    is_int(read_times(plain, HITS).in_transaction, HITS, "a plain read opens a read transaction");
    ok(calls[SHM_LOCK] >= 2L * HITS, "which is seen as a lock taken and given back");
    sqlite3_finalize(plain);

    sqlite3_stmt *join = prepare(db, "SELECT x.b FROM c AS x JOIN one(2) AS y");
    read_times(join, 2);
    forget_calls();
    read_times(join, HITS);
    ok(calls[SHM_LOCK] >= 2L * HITS, "a statement with two cached tables holds one snapshot");
    sqlite3_finalize(join);
    sqlite3_close(db);

    db = open_mode(fresh_file("counting.db"), "DELETE");
    plain = prepare(db, "SELECT b FROM main.t WHERE a = 2");
    read_times(plain, 2);
    forget_calls();
    read_times(plain, HITS);
    ok(calls[LOCK] >= HITS, "rollback mode: a plain read is seen as a lock");
    ok(clock_reads >= HITS, "and as a read of the change counter");
    sqlite3_finalize(plain);
    sqlite3_close(db);
}

/* ---- outside a transaction ---- */

static void test_wal(void)
{
    sqlite3 *db = open_mode(fresh_file("wal.db"), "WAL");
    check_all_shapes(db, 0, "WAL");
    ok(calls[SHM_MAP] >= HITS, "WAL: each hit looks at the wal-index");

    sqlite3 *other = open_plain(scratch_file("wal.db"), 0);
    run(other, "UPDATE t SET b = b || '!'");
    check_all_shapes(db, 0, "WAL, after another's commit");
    run(db, "UPDATE t SET b = b || '?'");
    check_all_shapes(db, 0, "WAL, after an own commit");
    run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    check_all_shapes(db, 0, "WAL, after a checkpoint");
    sqlite3_close(other);
    sqlite3_close(db);
}

static void test_rollback(void)
{
    sqlite3 *db = open_mode(fresh_file("rollback.db"), "DELETE");
    check_all_shapes(db, 1, "rollback mode");
    sqlite3_close(db);
}

/* ---- inside one ---- */

static void test_in_transaction(const char *mode, int reads_of_each)
{
    char where[64];
    sqlite3 *db = open_mode(fresh_file("inside.db"), mode);
    snprintf(where, sizeof where, "%s, inside BEGIN", mode);
    run(db, "BEGIN");
    check_all_shapes(db, reads_of_each, where);
    run(db, "COMMIT");
    run(db, "BEGIN");
    sqlite3_stmt *statement = prepare(db, ALL_ROWS);
    forget_calls();
    read_times(statement, 1);
    ok(calls[SHM_LOCK] + calls[LOCK] > 0, "the first read inside BEGIN opens the transaction");
    is_text(status(db), "hit", "and may be a hit");
    sqlite3_finalize(statement);
    run(db, "COMMIT");
    sqlite3_close(db);
}

/* ---- for tests/syscalls.t ---- */

/* getppid() marks: nobody else here calls it, and it does nothing. */
static int read_between_marks(const char *mode, const char *sql, int times, const char *path)
{
    sqlite3 *db = open_mode(path, mode);
    sqlite3_stmt *statement = prepare(db, sql);
    read_times(statement, 2);
    getppid();
    struct reads reads = read_times(statement, times);
    getppid();
    sqlite3_finalize(statement);
    printf("%ld rows, %s\n", reads.rows, status(db));
    sqlite3_close(db);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5)
        return read_between_marks(argv[1], argv[2], (int)strtol(argv[3], NULL, 10), argv[4]);
    register_vfs();
    test_counting();
    test_wal();
    test_rollback();
    test_in_transaction("WAL", 0);
    test_in_transaction("DELETE", 1);
    return tap_done();
}
