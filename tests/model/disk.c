#include "disk.h"

#include <string.h>

#include "scheduler.h"

const char *const table_names[TABLES] = {"t1", "t2"};

/* Pages that one commit writes, whosever it is. */
#define PAGES 1

static void put_native(unsigned char *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static void put_big_end(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* ---- what can be read of the file ---- */

static void make_header(unsigned char header[48])
{
    const struct image *now = &the_disk()->now;
    memset(header, 0, 48);
    put_native(header, 3007000);
    put_native(header + 8, now->change);
    header[12] = 1;
    put_native(header + 16, now->frames);
    put_big_end(header + 32, now->salt);
    put_big_end(header + 36, 77 * now->salt);
}

static void show_second_copy(void)
{
    make_header(the_disk()->index + 48);
}

static void show_change(void)
{
    show_second_copy();
    make_header(the_disk()->index);
    put_big_end(the_disk()->counter, the_disk()->now.change);
}

static bool is_whole(void *disk)
{
    const struct disk *d = disk;
    return memcmp(d->index, d->index + 48, 48) == 0;
}

void disk_open(struct disk *disk, bool wal)
{
    *disk = (struct disk){.wal = wal, .writer = -1, .exclusive = -1};
    disk->now = (struct image){.change = 5, .frames = 9, .salt = 3, .version = {1, 1}};
    show_change();
}

void connection_open(int number, bool has_mutex)
{
    sqlite3 *db = connection_at(number);
    *db = (sqlite3){.number = number, .has_mutex = has_mutex, .data_version = 2};
    db->mutex.owner = -1;
    db->file.db = db->journal.db = db->aux.db = db;
    db->file.base.pMethods = &disk_methods;
    db->journal.base.pMethods = &disk_methods;
    db->aux.base.pMethods = &disk_methods;
    if (the_disk()->wal)
        db->lock = SQLITE_LOCK_SHARED;
    db->seen = the_disk()->now;
}

/* ---- reading ---- */

static bool nobody_reads(void *db)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (connection_at(i) != db && connection_at(i)->lock != SQLITE_LOCK_NONE)
            return false;
    }
    return true;
}

static void take_image(sqlite3 *db)
{
    if (db->seen.change != the_disk()->now.change || db->seen.frames != the_disk()->now.frames ||
        db->seen.salt != the_disk()->now.salt)
        db->data_version++;
    db->seen = the_disk()->now;
}

int begin_read(sqlite3 *db)
{
    if (db->transaction != SQLITE_TXN_NONE)
        return SQLITE_OK;
    wait_until("open a read transaction", is_whole, the_disk());
    if (!the_disk()->wal) {
        if (the_disk()->exclusive >= 0)
            return SQLITE_BUSY;
        db->lock = SQLITE_LOCK_SHARED;
    }
    take_image(db);
    db->transaction = SQLITE_TXN_READ;
    return SQLITE_OK;
}

void end_read(sqlite3 *db)
{
    if (db->begun || db->readers > 0 || db->transaction != SQLITE_TXN_READ)
        return;
    db->transaction = SQLITE_TXN_NONE;
    if (!the_disk()->wal)
        db->lock = SQLITE_LOCK_NONE;
}

/* ---- writing ---- */

static bool nobody_writes(void *disk)
{
    const struct disk *d = disk;
    return d->writer < 0 && d->exclusive < 0;
}

void begin_write(sqlite3 *db)
{
    wait_until("BEGIN IMMEDIATE", nobody_writes, the_disk());
    take_image(db);
    db->begun = true;
    db->transaction = SQLITE_TXN_WRITE;
    db->dirty = db->seen;
    the_disk()->writer = db->number;
    if (!the_disk()->wal)
        db->lock = SQLITE_LOCK_RESERVED;
}

void write_table(sqlite3 *db, int table, bool changes, bool empties, bool told)
{
    if (changes)
        db->dirty.version[table] = empties ? 0 : db->dirty.version[table] + 1;
    if (told)
        db->on_update(db->hook_argument, SQLITE_UPDATE, "main", table_names[table], 1);
}

/* A database of the connection's own, in memory. */
void write_aux(sqlite3 *db)
{
    db->writes_aux = true;
    db->on_update(db->hook_argument, SQLITE_UPDATE, "aux", "t9", 1);
}

static void end_write(sqlite3 *db)
{
    db->spilled = false;
    db->writes_aux = false;
    db->begun = false;
    db->transaction = SQLITE_TXN_NONE;
    the_disk()->writer = -1;
    if (!the_disk()->wal)
        db->lock = SQLITE_LOCK_NONE;
    if (the_disk()->exclusive == db->number)
        the_disk()->exclusive = -1;
}

/* SQLite writes the second copy of the header first. */
static void change_file(sqlite3 *db, bool torn)
{
    struct disk *disk = the_disk();
    db->cache_write += PAGES;
    disk->now.change += !db->spilled;
    disk->now.frames += PAGES;
    if (torn) {
        show_second_copy();
        put_big_end(disk->counter, disk->now.change);
        give_way("write the header's first copy");
    }
    memcpy(disk->now.version, db->dirty.version, sizeof disk->now.version);
    show_change();
    db->seen = disk->now;
}

/* In rollback mode SQLite gets EXCLUSIVE before it calls the commit hook. */
static void get_exclusive(sqlite3 *db)
{
    if (the_disk()->wal || the_disk()->exclusive == db->number)
        return;
    the_disk()->exclusive = db->number;
    wait_until("get EXCLUSIVE", nobody_reads, db);
    db->lock = SQLITE_LOCK_EXCLUSIVE;
}

/* In rollback mode the counter is raised with the first page that is written. */
void spill(sqlite3 *db)
{
    get_exclusive(db);
    db->spilled = true;
    db->cache_write += PAGES;
    the_disk()->now.change++;
    put_big_end(the_disk()->counter, the_disk()->now.change);
}

/* The lock is let go before the rollback hook is called. */
static void fail(sqlite3 *db)
{
    db->cache_write += PAGES;
    give_way("fail to commit, and roll back");
    end_write(db);
    give_way("the rollback hook");
    db->on_rollback(db->hook_argument);
}

void commit(sqlite3 *db, enum outcome outcome, bool torn)
{
    get_exclusive(db);
    db->on_commit(db->hook_argument);
    if (outcome == FAILS) {
        fail(db);
        return;
    }
    if (outcome == COMMITS) {
        give_way("write the commit");
        change_file(db, torn);
    }
    give_way("end the commit");
    db->data_version++;
    db->aux_version += db->writes_aux;
    db->cache_write += db->writes_aux;
    end_write(db);
}

void roll_back(sqlite3 *db)
{
    end_write(db);
    give_way("the rollback hook");
    db->on_rollback(db->hook_argument);
}

/* ---- other processes ---- */

static bool may_write_alone(void *disk)
{
    const struct disk *d = disk;
    return nobody_writes(disk) && (d->wal || nobody_reads(NULL));
}

void foreign_commit(int table)
{
    struct disk *disk = the_disk();
    wait_until("commit", may_write_alone, disk);
    disk->now.version[table]++;
    disk->now.change++;
    disk->now.frames += PAGES;
    show_change();
}

void foreign_restart(int table)
{
    struct disk *disk = the_disk();
    wait_until("start the WAL over, and commit", may_write_alone, disk);
    disk->now.version[table]++;
    disk->now.change++;
    disk->now.frames = PAGES;
    disk->now.salt++;
    show_change();
}

void foreign_recovery(int table)
{
    wait_until("recover the WAL, and commit", may_write_alone, the_disk());
    the_disk()->now.version[table]++;
    the_disk()->now.frames += 4 * PAGES;
    show_change();
}

/* ---- the connection's mutex ---- */

static bool is_unowned(void *mutex)
{
    return ((struct sqlite3_mutex *)mutex)->owner < 0;
}

void enter(sqlite3 *db)
{
    if (!is_unowned(&db->mutex))
        wait_until("enter the connection", is_unowned, &db->mutex);
    db->mutex.owner = running_actor();
}

void leave(sqlite3 *db)
{
    db->mutex.owner = -1;
}
