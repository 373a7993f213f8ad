#include "coherence/clock.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/guard.h"

/* The version that the wal-index header starts with: WALINDEX_MAX_VERSION in SQLite's wal.c. */
#define WAL_INDEX_VERSION 3007000

/* SQLite maps the wal-index in regions of this size: WALINDEX_PGSZ. */
#define WAL_INDEX_REGION 32768

/* Offset of isInit, the byte that says the header has been written. */
#define WAL_INDEX_IS_INIT 12

/* Offset and size of the salts, which every WAL with a frame in it has at random. Without them the
** header is a constant: one WAL made anew reads like another, whatever was written in between. */
#define WAL_INDEX_SALTS 32
#define WAL_INDEX_SALT_BYTES 8

/* Where the change counter stands in the first page. */
#define CHANGE_COUNTER_OFFSET 24

bool clock_look(sqlite3 *db, const char *schema, struct clock_source *source)
{
    sqlite3_file *file = NULL;
    sqlite3_file *journal = NULL;
    if (sqlite3_file_control(db, schema, SQLITE_FCNTL_FILE_POINTER, (void *)&file) != SQLITE_OK ||
        sqlite3_file_control(db, schema, SQLITE_FCNTL_JOURNAL_POINTER, (void *)&journal) !=
            SQLITE_OK ||
        file == NULL)
        return false;
    source->file = file;
    source->methods = file->pMethods;
    source->journal = journal;
    source->wal = false;
    source->locked = false;
    return true;
}

static int lock_state(const struct clock_source *source, int otherwise)
{
    int lock = otherwise;
    if (source->methods == NULL ||
        source->methods->xFileControl(source->file, SQLITE_FCNTL_LOCKSTATE, &lock) != SQLITE_OK)
        return otherwise;
    return lock;
}

bool clock_is_locked(const struct clock_source *source)
{
    return lock_state(source, SQLITE_LOCK_NONE) >= SQLITE_LOCK_SHARED;
}

bool clock_same_source(const struct clock_source *a, const struct clock_source *b)
{
    return a->file == b->file && a->methods == b->methods && a->journal == b->journal;
}

/*
** The wal-index header, where both of its copies agree. SQLite writes the second copy first, then
** the first with a barrier between, so a reader that finds them equal has a consistent header.
*/
static bool read_wal_index(sqlite3_file *file, unsigned char *out)
{
    void volatile *region = NULL;
    if (file->pMethods->iVersion < 2 || file->pMethods->xShmMap == NULL)
        return false;
    int rc = file->pMethods->xShmMap(file, 0, WAL_INDEX_REGION, 0, &region);
    if (rc != SQLITE_OK || region == NULL)
        return false;

    unsigned char second[CLOCK_WAL_BYTES];
    const volatile unsigned char *header = region;
    for (int i = 0; i < CLOCK_WAL_BYTES; i += 4) {
        uint32_t word = *(const volatile uint32_t *)(const volatile void *)(header + i);
        memcpy(out + i, &word, sizeof word);
    }
    atomic_thread_fence(memory_order_seq_cst);
    for (int i = 0; i < CLOCK_WAL_BYTES; i += 4) {
        uint32_t word =
            *(const volatile uint32_t *)(const volatile void *)(header + CLOCK_WAL_BYTES + i);
        memcpy(second + i, &word, sizeof word);
    }
    static const unsigned char no_salts[WAL_INDEX_SALT_BYTES];
    bool constant = memcmp(out + WAL_INDEX_SALTS, no_salts, WAL_INDEX_SALT_BYTES) == 0;
    uint32_t version;
    memcpy(&version, out, sizeof version);
    return memcmp(out, second, CLOCK_WAL_BYTES) == 0 && version == WAL_INDEX_VERSION &&
           out[WAL_INDEX_IS_INIT] != 0 && !(constant && GUARD(EMPTY_WAL));
}

/*
** Only a file that holds its WAL open is asked for the wal-index: on any other xShmMap would
** create a -shm file. A mapped index is not kept either, as SQLite may unmap it between calls.
*/
struct clock clock_read(sqlite3 *db, const char *schema, const struct clock_source *source)
{
    struct clock clock = {.kind = CLOCK_NONE};
    struct clock_source now;
    if (source->file == NULL || (!source->locked && GUARD(UNLOCKED_FILE)) ||
        !clock_look(db, schema, &now) || !clock_same_source(source, &now) || now.methods == NULL)
        return clock;

    if (lock_state(&now, SQLITE_LOCK_EXCLUSIVE) >= SQLITE_LOCK_EXCLUSIVE && GUARD(PRIVATE_CLOCK))
        return clock;

    if (source->wal) {
        if (read_wal_index(now.file, clock.bytes))
            clock.kind = CLOCK_WAL;
    } else if (now.methods->xRead(now.file, clock.bytes, CLOCK_ROLLBACK_BYTES,
                                  CHANGE_COUNTER_OFFSET) == SQLITE_OK) {
        clock.kind = CLOCK_ROLLBACK;
    }
    return clock;
}

bool clock_equal(const struct clock *a, const struct clock *b)
{
    if (a->kind == CLOCK_NONE || a->kind != b->kind)
        return false;
    size_t size = a->kind == CLOCK_WAL ? CLOCK_WAL_BYTES : CLOCK_ROLLBACK_BYTES;
    return memcmp(a->bytes, b->bytes, size) == 0;
}
