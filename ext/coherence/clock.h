/*
** The clock: the state of one database file as seen from outside any transaction. In WAL mode it
** is the header of the wal-index, read as plain memory; in rollback mode the change counter and
** its neighbours in the file's first page. Equal clocks mean equal content, but for that of an
** empty WAL (see CLOCK_EMPTY_WAL). A clock knows no connection's snapshot: a reading says what the
** file is now.
**
** Functions that take a connection are called under its mutex. They take a database by its name, or
** by NULL for main, which saves SQLite the search.
*/
#ifndef QUERYCACHE_COHERENCE_CLOCK_H
#define QUERYCACHE_COHERENCE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sqlite.h"

enum clock_kind {
    CLOCK_NONE, /* no clock: the file is private to the connection, or cannot be read now */
    CLOCK_WAL,
    /* Nothing was written to the WAL since it was made. The header is a constant then: it tells
    ** that nobody committed as long as somebody has held the WAL open, and nothing beyond. */
    CLOCK_EMPTY_WAL,
    CLOCK_ROLLBACK,
    CLOCK_VERSION, /* SQLITE_FCNTL_DATA_VERSION, where the database is the connection's alone */
};

/* Bytes of a reading: the wal-index header (WAL file format, section 2.1: "WAL-Index Header"); or
** bytes 24 to 40 of the file: change counter, size, free list (database file format, section 1.3).
*/
#define CLOCK_WAL_BYTES 48
#define CLOCK_ROLLBACK_BYTES 16
#define CLOCK_VERSION_BYTES 4

struct clock {
    enum clock_kind kind;
    unsigned char bytes[CLOCK_WAL_BYTES];
};

/*
** A handle behind a name. Another may be put in its place at the same address, and with no
** statement expired, only by sqlite3_deserialize().
*/
struct handle {
    sqlite3_file *file; /* NULL: there is none */
    const sqlite3_io_methods *methods;
    /* Where SQLite keeps its path: this costs less to ask than the handle itself, and what was
    ** deserialized has none. NULL where that is not so. */
    const char *path;
};

/* The handle that is behind the name now. */
struct handle handle_look(sqlite3 *db, const char *schema);

/* True while this handle is. */
bool handle_stands(sqlite3 *db, const char *schema, const struct handle *handle);

/* The file behind a database, learned in a read transaction; tells whether the same file is still
** there in the same mode. */
struct clock_source {
    struct handle handle;  /* without a file: nothing learned */
    sqlite3_file *journal; /* the WAL's handle in WAL mode, else the journal's */
    bool wal;
    bool locked; /* a read transaction locks it; where none does, its counter tells nothing */
};

/* The source as it is now, but for `wal`, which only a transaction can tell. False when the
** database has no file. */
bool clock_look(sqlite3 *db, const char *schema, struct clock_source *source);

/*
** In a read transaction: whether the file is locked. A temporary file, and one opened with
** nolock=1, is not: SQLite then need not advance the change counter, and nothing keeps others
** away.
*/
bool clock_is_locked(const struct clock_source *source);

/*
** In a read transaction: whether the file is in WAL mode, as its header says (read version,
** database file format, section 1.3). Not by PRAGMA journal_mode: interrupted, that rolls back the
** application's transaction, since SQLite does not count it as only reading.
*/
bool clock_is_wal(const struct clock_source *source);

/* How SQLite has locked the file: SQLITE_LOCK_NONE … SQLITE_LOCK_EXCLUSIVE. */
int clock_lock(const struct clock_source *source);

/* True when both name the same file in the same mode. */
bool clock_same_source(const struct clock_source *a, const struct clock_source *b);

/* Read the clock. CLOCK_NONE when the file is held EXCLUSIVE (its counter stands still then), when
** it has changed mode since `source` was learned, or has no clock. Takes no lock, makes no file. */
struct clock clock_read(sqlite3 *db, const char *schema, const struct clock_source *source);

/* The same in the commit hook of the one who writes, by a source looked at just now; in rollback
** mode that one holds the file EXCLUSIVE, for the commit alone. */
struct clock clock_read_as_writer(const struct clock_source *source);

/*
** True when clock_read() would give what equals `clock`, of a file in WAL or rollback mode. Without
** asking SQLite: for a caller who knows that the handle is the same one, and the mode.
*/
bool clock_reads_as(const struct clock_source *source, const struct clock *clock);

struct clock clock_of_version(uint32_t version);

/* False where either is CLOCK_NONE. */
bool clock_equal(const struct clock *a, const struct clock *b);

/*
** True when exactly one commit can lie between the two: the count of commits (iChange, the change
** counter, the data version) is one more, and the WAL is the same one, or was started over. It does
** not tell whose commit: recovery of a WAL sets iChange back, so that later commits may reach the
** same number.
*/
bool clock_follows(const struct clock *base, const struct clock *next);

/* True when a commit of that many pages makes `next` of `base`: in a WAL the number of frames tells
** one commit from any other. True in rollback mode, where nothing sets the counter back. */
bool clock_follows_by(const struct clock *base, const struct clock *next, int pages);

#endif
