/*
** The clock: the state of one database file as seen from outside any transaction. In WAL mode it
** is the header of the wal-index, read as plain memory; in rollback mode the change counter and
** its neighbours in the file's first page. Equal clocks mean equal content. A clock knows no
** connection's snapshot: a reading says what the file is now.
**
** Called under the connection's mutex.
*/
#ifndef QUERYCACHE_COHERENCE_CLOCK_H
#define QUERYCACHE_COHERENCE_CLOCK_H

#include <stdbool.h>

#include "base/sqlite.h"

enum clock_kind {
    CLOCK_NONE, /* no clock: the file is private to the connection, or cannot be read now */
    CLOCK_WAL,
    CLOCK_ROLLBACK,
};

/* Bytes of a reading: the wal-index header (WAL file format, section 2.1: "WAL-Index Header"); or
** bytes 24 to 40 of the file: change counter, size, free list (database file format, section 1.3).
*/
#define CLOCK_WAL_BYTES 48
#define CLOCK_ROLLBACK_BYTES 16

struct clock {
    enum clock_kind kind;
    unsigned char bytes[CLOCK_WAL_BYTES];
};

/* The file behind a database, learned in a read transaction; tells whether the same file is still
** there in the same mode. */
struct clock_source {
    sqlite3_file *file; /* NULL: nothing learned */
    const sqlite3_io_methods *methods;
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

/* True when both name the same file in the same mode. */
bool clock_same_source(const struct clock_source *a, const struct clock_source *b);

/* Read the clock. CLOCK_NONE when the file is held EXCLUSIVE (its counter stands still then), when
** it has changed mode since `source` was learned, or has no clock. Takes no lock, makes no file. */
struct clock clock_read(sqlite3 *db, const char *schema, const struct clock_source *source);

/* False where either is CLOCK_NONE. */
bool clock_equal(const struct clock *a, const struct clock *b);

#endif
