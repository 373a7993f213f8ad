/*
** The simulated file, and the connections that have it open, as SQLite keeps them: a wal-index, or
** a change counter and locks; each connection's snapshot, data version and transaction. Tables hold
** no rows but a version, which every commit that changes them raises by one.
*/
#ifndef MODEL_DISK_H
#define MODEL_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sqlite.h"

#define TABLES 2
#define CONNECTIONS 5

extern const char *const table_names[TABLES];

/* What a snapshot of the file is. */
struct image {
    uint32_t change; /* iChange, or the change counter */
    uint32_t frames;
    uint32_t salt;
    uint32_t version[TABLES]; /* 0: the table is empty */
};

struct disk {
    bool wal;
    struct image now;
    _Alignas(8) unsigned char index[136]; /* the wal-index */
    unsigned char counter[16];            /* bytes 24 to 40 of the file, as they can be read */
    int writer;                           /* connection that holds the write lock; -1: none */
    int exclusive;                        /* in rollback mode: PENDING and EXCLUSIVE */
};

/* What SQLite calls a file handle. */
struct fake_file {
    sqlite3_file base;
    sqlite3 *db;
};

struct sqlite3_mutex {
    int owner; /* actor; -1: nobody */
};

struct sqlite3_stmt {
    sqlite3 *db;
    int kind;
    int row; /* rows given since it was reset */
    bool reading;
};

struct sqlite3 {
    int number;
    bool has_mutex;
    struct sqlite3_mutex mutex;
    struct fake_file file, journal, aux;
    struct image seen;  /* the snapshot, or the last one */
    struct image dirty; /* of the write transaction: table versions */
    int transaction;    /* SQLITE_TXN_… */
    bool begun;         /* inside BEGIN */
    int readers;        /* statements that are stepped */
    int lock;           /* SQLITE_LOCK_… */
    bool spilled; /* in rollback mode: pages were written before COMMIT, the counter was raised */
    bool writes_aux; /* a database of its own is written, too */
    uint32_t data_version;
    uint32_t aux_version;
    int cache_write;
    void (*on_update)(void *, int, const char *, const char *, sqlite3_int64);
    int (*on_commit)(void *);
    void (*on_rollback)(void *);
    void *hook_argument;
};

extern struct sqlite3_io_methods disk_methods;

/* Where they lie is part of the model's state. */
struct disk *the_disk(void);
sqlite3 *connection_at(int number);

void disk_open(struct disk *disk, bool wal);
void connection_open(int number, bool has_mutex);

/* ---- transactions; for actors and for statements ---- */

/* SQLITE_BUSY in rollback mode, while somebody commits. */
int begin_read(sqlite3 *db);
void end_read(sqlite3 *db);

/* Wait for the write lock, and take it with a snapshot of the latest state. */
void begin_write(sqlite3 *db);
/* `told`: the update hook is. */
void write_table(sqlite3 *db, int table, bool changes, bool empties, bool told);

void write_aux(sqlite3 *db);
void spill(sqlite3 *db);

/* How a COMMIT goes on after its hook. */
enum outcome { COMMITS, CHANGES_NOTHING, FAILS };
void commit(sqlite3 *db, enum outcome outcome, bool torn);
void roll_back(sqlite3 *db);

/* Of another process, in one go. */
void foreign_commit(int table);
void foreign_restart(int table);  /* after a checkpoint: the WAL is started over */
void foreign_recovery(int table); /* iChange starts anew, and reaches the same number */

/* The connection's mutex, for the length of a call into SQLite. */
void enter(sqlite3 *db);
void leave(sqlite3 *db);

#endif
