#include "coherence/clock.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/guard.h"

/* The version that the wal-index header starts with: WALINDEX_MAX_VERSION in SQLite's wal.c. */
#define WAL_INDEX_VERSION 3007000

/* SQLite maps the wal-index in regions of this size: WALINDEX_PGSZ. */
#define WAL_INDEX_REGION 32768

/* Offset of iChange, which counts commits, as the machine stores numbers. */
#define WAL_INDEX_CHANGE 8

/* Offset of isInit, the byte that says the header has been written. */
#define WAL_INDEX_IS_INIT 12

/* Offset of mxFrame, the number of frames in the WAL, as the machine stores numbers. */
#define WAL_INDEX_FRAMES 16

/* Offset and size of the salts, which every WAL with a frame in it has at random. Without them the
** header is a constant: one WAL made anew reads like another, whatever was written in between. The
** first grows by one when a WAL is started over. Both are stored big end first. */
#define WAL_INDEX_SALTS 32
#define WAL_INDEX_SALT_BYTES 8

/* Where the change counter stands in the first page. */
#define CHANGE_COUNTER_OFFSET 24

/* Where the first page says what is needed to read the file, and what it says in WAL mode. */
#define READ_VERSION_OFFSET 19
#define READ_VERSION_WAL 2

/* The first version known to show a deserialized database without a path; 3.40.1 shows one. */
#define VERSION_WITH_PATHS 3044000

static const char *path_of(sqlite3 *db, const char *schema)
{
    if (sqlite3_libversion_number() < VERSION_WITH_PATHS)
        return NULL;
    const char *path = sqlite3_db_filename(db, schema);
    return path != NULL && path[0] != '\0' ? path : NULL;
}

struct handle handle_look(sqlite3 *db, const char *schema)
{
    sqlite3_file *file = NULL;
    sqlite3_file_control(db, schema, SQLITE_FCNTL_FILE_POINTER, (void *)&file);
    return (struct handle){
        .file = file, .methods = file != NULL ? file->pMethods : NULL, .path = path_of(db, schema)};
}

bool handle_stands(sqlite3 *db, const char *schema, const struct handle *handle)
{
    sqlite3_file *file = NULL;
    if (handle->path != NULL)
        return sqlite3_db_filename(db, schema) == handle->path &&
               handle->file->pMethods == handle->methods;
    /* Another may be at the same address; but only sqlite3_deserialize() puts it there, and memdb's
    ** methods are its own. */
    sqlite3_file_control(db, schema, SQLITE_FCNTL_FILE_POINTER, (void *)&file);
    return file == handle->file && (file == NULL || file->pMethods == handle->methods);
}

bool clock_look(sqlite3 *db, const char *schema, struct clock_source *source)
{
    sqlite3_file *journal = NULL;
    source->handle = handle_look(db, schema);
    if (sqlite3_file_control(db, schema, SQLITE_FCNTL_JOURNAL_POINTER, (void *)&journal) !=
            SQLITE_OK ||
        source->handle.file == NULL)
        return false;
    source->journal = journal;
    source->wal = false;
    source->locked = false;
    return true;
}

static int lock_state(const struct clock_source *source, int otherwise)
{
    int lock = otherwise;
    if (source->handle.methods == NULL ||
        source->handle.methods->xFileControl(source->handle.file, SQLITE_FCNTL_LOCKSTATE, &lock) !=
            SQLITE_OK)
        return otherwise;
    return lock;
}

int clock_lock(const struct clock_source *source)
{
    return lock_state(source, SQLITE_LOCK_NONE);
}

bool clock_is_wal(const struct clock_source *source)
{
    unsigned char version = 0;
    return source->handle.methods != NULL &&
           source->handle.methods->xRead(source->handle.file, &version, sizeof version,
                                         READ_VERSION_OFFSET) == SQLITE_OK &&
           version == READ_VERSION_WAL;
}

bool clock_is_locked(const struct clock_source *source)
{
    return clock_lock(source) >= SQLITE_LOCK_SHARED;
}

bool clock_same_source(const struct clock_source *a, const struct clock_source *b)
{
    return a->handle.file == b->handle.file && a->handle.path == b->handle.path &&
           a->handle.methods == b->handle.methods && a->journal == b->journal;
}

/* Another thread may be writing the word: the comparison of the two copies finds that out. The
** mapping begins at a page, and a copy takes six such words. */
static uint64_t read_shared_word(const volatile unsigned char *at)
{
    return atomic_load_explicit((const volatile _Atomic uint64_t *)(const volatile void *)at,
                                memory_order_relaxed);
}

/* How often a header that is being written is read anew. */
#define HEADER_READS 100

static void read_copy(const volatile unsigned char *header, unsigned char *out)
{
    for (int i = 0; i < CLOCK_WAL_BYTES; i += 8) {
        uint64_t word = read_shared_word(header + i);
        memcpy(out + i, &word, sizeof word);
    }
}

/* The header of the wal-index, two copies, as plain memory; NULL where there is none. */
static const volatile unsigned char *map_wal_index(sqlite3_file *file)
{
    void volatile *region = NULL;
    if (file->pMethods->iVersion < 2 || file->pMethods->xShmMap == NULL)
        return NULL;
    int rc = file->pMethods->xShmMap(file, 0, WAL_INDEX_REGION, 0, &region);
    return rc == SQLITE_OK ? region : NULL;
}

/*
** The wal-index header, where both of its copies agree. SQLite writes the second copy first, then
** the first with a barrier between, so a reader that finds them equal has a consistent header.
*/
static bool read_wal_index(sqlite3_file *file, unsigned char *out)
{
    const volatile unsigned char *header = map_wal_index(file);
    if (header == NULL)
        return false;

    unsigned char second[CLOCK_WAL_BYTES];
    bool equal = false;
    for (int i = 0; i < HEADER_READS && !equal; i++) {
        read_copy(header, out);
        atomic_thread_fence(memory_order_acquire);
        read_copy(header + CLOCK_WAL_BYTES, second);
        equal = memcmp(out, second, CLOCK_WAL_BYTES) == 0;
    }
    uint32_t version;
    memcpy(&version, out, sizeof version);
    return equal && version == WAL_INDEX_VERSION && out[WAL_INDEX_IS_INIT] != 0;
}

/* Whether one copy of the header is these bytes. */
static bool is_copy_of(const volatile unsigned char *header, const unsigned char *bytes)
{
    uint64_t difference = 0;
    for (int i = 0; i < CLOCK_WAL_BYTES; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        difference |= word ^ read_shared_word(header + i);
    }
    return difference == 0;
}

static bool has_salts(const struct clock *clock)
{
    static const unsigned char no_salts[WAL_INDEX_SALT_BYTES];
    return memcmp(clock->bytes + WAL_INDEX_SALTS, no_salts, WAL_INDEX_SALT_BYTES) != 0;
}

/* The same handle in the same mode, not closed (then it has no methods). */
static bool is_unchanged(sqlite3 *db, const char *schema, const struct clock_source *source)
{
    sqlite3_file *journal = NULL;
    return handle_stands(db, schema, &source->handle) &&
           sqlite3_file_control(db, schema, SQLITE_FCNTL_JOURNAL_POINTER, (void *)&journal) ==
               SQLITE_OK &&
           journal == source->journal;
}

/* A file that is locked for reading, and not beyond `greatest_lock`. One in WAL mode is locked as
** long as its WAL is open, even between transactions. */
static bool can_be_read(const struct clock_source *source, int greatest_lock)
{
    if (source->handle.file == NULL || source->handle.methods == NULL ||
        (!source->locked && GUARD(UNLOCKED_FILE)))
        return false;
    int lock = lock_state(source, SQLITE_LOCK_EXCLUSIVE);
    return (lock <= greatest_lock || !GUARD(PRIVATE_CLOCK)) &&
           (lock >= SQLITE_LOCK_SHARED || !source->wal);
}

static bool read_counter(const struct clock_source *source, unsigned char *out)
{
    return source->handle.methods->xRead(source->handle.file, out, CLOCK_ROLLBACK_BYTES,
                                         CHANGE_COUNTER_OFFSET) == SQLITE_OK;
}

/* Only a file that holds its WAL open is asked for the wal-index: on any other xShmMap would
** create a -shm file. A mapped index is not kept either, as SQLite may unmap it between calls. */
static struct clock read_now(const struct clock_source *source)
{
    struct clock clock;
    clock.kind = CLOCK_NONE;
    if (!source->wal)
        clock.kind = read_counter(source, clock.bytes) ? CLOCK_ROLLBACK : CLOCK_NONE;
    else if (read_wal_index(source->handle.file, clock.bytes))
        clock.kind = has_salts(&clock) || !GUARD(EMPTY_WAL) ? CLOCK_WAL : CLOCK_EMPTY_WAL;
    return clock;
}

/* Whether the handle is still there comes before it is asked for its lock. */
static bool is_there(sqlite3 *db, const char *schema, const struct clock_source *source)
{
    return source->handle.methods != NULL && is_unchanged(db, schema, source) &&
           can_be_read(source, SQLITE_LOCK_PENDING);
}

struct clock clock_read(sqlite3 *db, const char *schema, const struct clock_source *source)
{
    if (!is_there(db, schema, source))
        return (struct clock){.kind = CLOCK_NONE};
    return read_now(source);
}

struct clock clock_read_as_writer(const struct clock_source *source)
{
    if (!can_be_read(source, source->wal ? SQLITE_LOCK_PENDING : SQLITE_LOCK_EXCLUSIVE))
        return (struct clock){.kind = CLOCK_NONE};
    return read_now(source);
}

bool clock_reads_as(const struct clock_source *source, const struct clock *clock)
{
    unsigned char counter[CLOCK_ROLLBACK_BYTES];
    bool wal = clock->kind == CLOCK_WAL || clock->kind == CLOCK_EMPTY_WAL;
    if (source->wal != wal || !can_be_read(source, SQLITE_LOCK_PENDING))
        return false;
    if (!wal)
        return clock->kind == CLOCK_ROLLBACK && read_counter(source, counter) &&
               memcmp(counter, clock->bytes, sizeof counter) == 0;
    /* The first copy is the last to be written: as long as it stands, so does the commit. But the
    ** second comes first where a commit is to be seen: both must be as they were. */
    const volatile unsigned char *header = map_wal_index(source->handle.file);
    if (header == NULL || !is_copy_of(header, clock->bytes))
        return false;
    atomic_thread_fence(memory_order_acquire);
    return is_copy_of(header + CLOCK_WAL_BYTES, clock->bytes);
}

struct clock clock_of_version(uint32_t version)
{
    struct clock clock = {.kind = CLOCK_VERSION};
    memcpy(clock.bytes, &version, sizeof version);
    return clock;
}

static size_t size_of(enum clock_kind kind)
{
    switch (kind) {
    case CLOCK_ROLLBACK:
        return CLOCK_ROLLBACK_BYTES;
    case CLOCK_VERSION:
        return CLOCK_VERSION_BYTES;
    default:
        return CLOCK_WAL_BYTES;
    }
}

bool clock_equal(const struct clock *a, const struct clock *b)
{
    if (a->kind == CLOCK_NONE || a->kind != b->kind)
        return false;
    return memcmp(a->bytes, b->bytes, size_of(a->kind)) == 0;
}

/* ---- what follows what ---- */

static uint32_t native_word(const struct clock *clock, int offset)
{
    uint32_t word;
    memcpy(&word, clock->bytes + offset, sizeof word);
    return word;
}

static uint32_t big_end_word(const struct clock *clock, int offset)
{
    const unsigned char *b = clock->bytes + offset;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

static bool same_salts(const struct clock *a, const struct clock *b)
{
    return memcmp(a->bytes + WAL_INDEX_SALTS, b->bytes + WAL_INDEX_SALTS, WAL_INDEX_SALT_BYTES) ==
           0;
}

/* Whether the WAL of `next` is that of `base`, after more frames, or after it was started over. */
static bool same_wal(const struct clock *base, const struct clock *next)
{
    if (base->kind == CLOCK_EMPTY_WAL)
        return true;
    if (same_salts(base, next))
        return native_word(next, WAL_INDEX_FRAMES) > native_word(base, WAL_INDEX_FRAMES);
    return big_end_word(next, WAL_INDEX_SALTS) == big_end_word(base, WAL_INDEX_SALTS) + 1;
}

bool clock_follows(const struct clock *base, const struct clock *next)
{
    if (base->kind == CLOCK_NONE || (base->kind != next->kind && base->kind != CLOCK_EMPTY_WAL))
        return false;
    switch (next->kind) {
    case CLOCK_WAL:
        return native_word(next, WAL_INDEX_CHANGE) == native_word(base, WAL_INDEX_CHANGE) + 1 &&
               same_wal(base, next);
    case CLOCK_ROLLBACK:
        return big_end_word(next, 0) == big_end_word(base, 0) + 1;
    case CLOCK_VERSION:
        return native_word(next, 0) == native_word(base, 0) + 1;
    default:
        return false;
    }
}

bool clock_follows_by(const struct clock *base, const struct clock *next, int pages)
{
    if (!clock_follows(base, next))
        return false;
    if (next->kind != CLOCK_WAL)
        return true;
    uint32_t before =
        base->kind == CLOCK_WAL && same_salts(base, next) ? native_word(base, WAL_INDEX_FRAMES) : 0;
    return native_word(next, WAL_INDEX_FRAMES) - before == (uint32_t)pages;
}
