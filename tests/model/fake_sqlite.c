/* SQLite's API, as far as ext/coherence and ext/base call it, over the simulated file. Parameters
** have longer names here than in sqlite3.h.
** NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/ticks.h"
#include "coherence/hooks.h"
#include "coherence/stamp.h"
#include "disk.h"
#include "scheduler.h"

/* ---- the file's methods ---- */

static int file_read(sqlite3_file *file, void *out, int size, sqlite3_int64 offset)
{
    (void)file;
    if (offset == 19) {
        *(unsigned char *)out = the_disk()->wal ? 2 : 1;
        return SQLITE_OK;
    }
    give_way("read the change counter");
    memcpy(out, the_disk()->counter, (size_t)size);
    return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
    if (operation != SQLITE_FCNTL_LOCKSTATE)
        return SQLITE_NOTFOUND;
    *(int *)argument = ((struct fake_file *)(void *)file)->db->lock;
    return SQLITE_OK;
}

static int file_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    (void)file, (void)region, (void)size, (void)extend;
    give_way("read the wal-index");
    *out = the_disk()->index;
    return SQLITE_OK;
}

struct sqlite3_io_methods disk_methods = {
    .iVersion = 3, .xRead = file_read, .xFileControl = file_control, .xShmMap = file_map};

/* ---- connections ---- */

static sqlite3_vfs the_vfs = {.zName = "model"};

/* A connection has the file as main, and a database in memory as aux. */
static bool is_main(const char *schema)
{
    return schema == NULL || strcmp(schema, "main") == 0;
}

static bool is_aux(const char *schema)
{
    return schema != NULL && strcmp(schema, "aux") == 0;
}

static sqlite3_file *file_of(sqlite3 *db, const char *schema)
{
    if (is_main(schema))
        return &db->file.base;
    return is_aux(schema) ? &db->aux.base : NULL;
}

int sqlite3_file_control(sqlite3 *db, const char *schema, int operation, void *argument)
{
    switch (operation) {
    case SQLITE_FCNTL_FILE_POINTER:
        *(sqlite3_file **)argument = file_of(db, schema);
        return SQLITE_OK;
    case SQLITE_FCNTL_JOURNAL_POINTER:
        *(sqlite3_file **)argument = is_main(schema) ? &db->journal.base : NULL;
        return SQLITE_OK;
    case SQLITE_FCNTL_VFS_POINTER:
        *(sqlite3_vfs **)argument = &the_vfs;
        return SQLITE_OK;
    case SQLITE_FCNTL_HAS_MOVED:
        *(int *)argument = 0;
        return SQLITE_OK;
    case SQLITE_FCNTL_DATA_VERSION:
        *(uint32_t *)argument = is_main(schema) ? db->data_version : db->aux_version;
        return file_of(db, schema) != NULL ? SQLITE_OK : SQLITE_ERROR;
    default:
        return SQLITE_NOTFOUND;
    }
}

int sqlite3_txn_state(sqlite3 *db, const char *schema)
{
    if (schema == NULL && db->writes_aux)
        return SQLITE_TXN_WRITE;
    if (is_main(schema))
        return db->transaction;
    return is_aux(schema) && db->writes_aux ? SQLITE_TXN_WRITE : SQLITE_TXN_NONE;
}

int sqlite3_libversion_number(void)
{
    return SQLITE_VERSION_NUMBER;
}

const char *sqlite3_db_name(sqlite3 *db, int index)
{
    static const char *const names[] = {"main", "temp", "aux", NULL};
    (void)db;
    return names[index];
}

int sqlite3_db_status(sqlite3 *db, int operation, int *current, int *greatest, int reset)
{
    (void)reset;
    /* What main spills is looked at before the hook alone. */
    *current = operation == SQLITE_DBSTATUS_CACHE_SPILL ? 0 : db->cache_write;
    *greatest = 0;
    return SQLITE_OK;
}

int sqlite3_get_autocommit(sqlite3 *db)
{
    return !db->begun;
}

/* Any file that is there tells a device and an inode. */
const char *sqlite3_db_filename(sqlite3 *db, const char *schema)
{
    (void)db;
    return is_main(schema) ? "/" : "";
}

const char *sqlite3_uri_parameter(const char *path, const char *name)
{
    (void)path, (void)name;
    return NULL;
}

int sqlite3_uri_boolean(const char *path, const char *name, int otherwise)
{
    (void)path, (void)name;
    return otherwise;
}

int sqlite3_compileoption_used(const char *name)
{
    (void)name;
    return 0;
}

/* It has no sqlite_dbpage, and these, which would watch that, are never called. */
int sqlite3_open(const char *path, sqlite3 **db)
{
    (void)path, (void)db;
    abort();
}

int sqlite3_close(sqlite3 *db)
{
    (void)db;
    abort();
}

const unsigned char *sqlite3_value_text(sqlite3_value *value)
{
    (void)value;
    abort();
}

int sqlite3_create_module_v2(sqlite3 *db, const char *name, const sqlite3_module *module,
                             void *context, void (*destroy)(void *))
{
    (void)db, (void)name, (void)module, (void)context, (void)destroy;
    abort();
}

/* ---- the mutex ---- */

sqlite3_mutex *sqlite3_db_mutex(sqlite3 *db)
{
    return db->has_mutex ? &db->mutex : NULL;
}

/* Recursive. What is done under it then has no turn of others in it. */
int sqlite3_mutex_try(sqlite3_mutex *mutex)
{
    give_way("ask a member");
    return mutex->owner < 0 || mutex->owner == running_actor() ? SQLITE_OK : SQLITE_BUSY;
}

void sqlite3_mutex_leave(sqlite3_mutex *mutex)
{
    (void)mutex;
}

/* ---- statements ---- */

enum { SCHEMA_VERSION, DATABASE_LIST, READ_UNCOMMITTED, SELECT_ONE, PROGRAM };

static int kind_of(const char *sql)
{
    if (strstr(sql, "schema_version") != NULL)
        return SCHEMA_VERSION;
    if (strstr(sql, "database_list") != NULL)
        return DATABASE_LIST;
    if (strstr(sql, "read_uncommitted") != NULL)
        return READ_UNCOMMITTED;
    if (strncmp(sql, "EXPLAIN", 7) == 0)
        return PROGRAM;
    return SELECT_ONE;
}

int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **out,
                       const char **tail)
{
    (void)size, (void)tail;
    *out = memory_alloc_zero(sizeof **out);
    if (*out == NULL)
        return SQLITE_NOMEM;
    (*out)->db = db;
    (*out)->kind = kind_of(sql);
    return SQLITE_OK;
}

int sqlite3_prepare_v3(sqlite3 *db, const char *sql, int size, unsigned flags, sqlite3_stmt **out,
                       const char **tail)
{
    (void)flags;
    return sqlite3_prepare_v2(db, sql, size, out, tail);
}

/* All statements have one row, but for the list of databases. Only a PRAGMA schema_version reads
** the file. */
int sqlite3_step(sqlite3_stmt *statement)
{
    if (statement->row++ > (statement->kind == DATABASE_LIST))
        return SQLITE_DONE;
    if (statement->kind != SCHEMA_VERSION)
        return SQLITE_ROW;
    int rc = begin_read(statement->db);
    statement->reading = rc == SQLITE_OK;
    statement->db->readers += statement->reading;
    return rc == SQLITE_OK ? SQLITE_ROW : rc;
}

int sqlite3_reset(sqlite3_stmt *statement)
{
    if (statement == NULL)
        return SQLITE_OK;
    statement->row = 0;
    if (statement->reading) {
        statement->reading = false;
        statement->db->readers--;
        end_read(statement->db);
    }
    return SQLITE_OK;
}

int sqlite3_finalize(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    memory_free(statement);
    return SQLITE_OK;
}

/* A program's one instruction, or the one database, or the number 0: the schema never changes. */
const unsigned char *sqlite3_column_text(sqlite3_stmt *statement, int column)
{
    if (statement->kind == DATABASE_LIST)
        return (const unsigned char *)(statement->row == 1 ? "main" : "aux");
    return (const unsigned char *)(column == 1 ? "Transaction" : "");
}

int sqlite3_column_int(sqlite3_stmt *statement, int column)
{
    return statement->kind == DATABASE_LIST && column == 0 && statement->row == 2 ? 2 : 0;
}

sqlite3_int64 sqlite3_column_int64(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_int(statement, column);
}

int sqlite3_column_type(sqlite3_stmt *statement, int column)
{
    (void)statement, (void)column;
    return SQLITE_INTEGER;
}

int sqlite3_expired(sqlite3_stmt *statement)
{
    (void)statement;
    return 0;
}

/* Nothing compiles a statement anew. */
int sqlite3_stmt_status(sqlite3_stmt *statement, int counter, int reset)
{
    (void)statement, (void)counter, (void)reset;
    return 0;
}

/* ---- hooks: instead of ext/coherence/hooks.c, which searches SQLite's own struct for them ---- */

/* The application has none. */
void *sqlite3_update_hook(sqlite3 *db,
                          void (*hook)(void *, int, const char *, const char *, sqlite3_int64),
                          void *argument)
{
    (void)db, (void)hook, (void)argument;
    return NULL;
}

void *sqlite3_commit_hook(sqlite3 *db, int (*hook)(void *), void *argument)
{
    (void)db, (void)hook, (void)argument;
    return NULL;
}

void *sqlite3_rollback_hook(sqlite3 *db, void (*hook)(void *), void *argument)
{
    (void)db, (void)hook, (void)argument;
    return NULL;
}

void hooks_take(sqlite3 *db, const struct own_hooks *own, struct foreign_hooks *before)
{
    *before = (struct foreign_hooks){0};
    db->on_update = own->update;
    db->on_commit = own->commit;
    db->on_rollback = own->rollback;
    db->hook_argument = own->argument;
}

bool hooks_hold(sqlite3 *db, const struct own_hooks *own)
{
    return db->on_update == own->update && db->on_commit == own->commit &&
           db->on_rollback == own->rollback && db->hook_argument == own->argument;
}

void hooks_give_back(sqlite3 *db, const struct own_hooks *own, const struct foreign_hooks *before)
{
    (void)own, (void)before;
    db->on_update = NULL;
    db->on_commit = NULL;
    db->on_rollback = NULL;
}

/* ---- texts ---- */

int sqlite3_stricmp(const char *a, const char *b)
{
    return strcasecmp(a, b);
}

int sqlite3_strnicmp(const char *a, const char *b, int size)
{
    return strncasecmp(a, b, (size_t)size);
}

/* %w doubles quotation marks, of which there are none. */
char *sqlite3_vmprintf(const char *format, va_list arguments)
{
    char plain[128];
    char text[256];
    snprintf(plain, sizeof plain, "%s", format);
    for (char *c = strstr(plain, "%w"); c != NULL; c = strstr(c, "%w"))
        c[1] = 's';
    vsnprintf(text, sizeof text, plain, arguments);
    return memory_copy_text(text, strlen(text));
}

char *sqlite3_mprintf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    return text;
}

char *sqlite3_snprintf(int size, char *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out, (size_t)size, format, arguments);
    va_end(arguments);
    return out;
}

void sqlite3_free(void *block)
{
    memory_free(block);
}

/* ---- time, instead of ext/base/ticks.c: a table is marked as changed, and others come between
** ---- */

double ticks_wall(void)
{
    give_way("mark the tables");
    return 0;
}

/* ---- stamps, instead of ext/coherence/stamp.c: nobody writes past SQLite, and times are no part
** of a state ---- */

bool stamp_read(const char *path, struct stamp *stamp)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    *stamp = (struct stamp){
        .device = (uint64_t)status.st_dev, .inode = (uint64_t)status.st_ino, .settled = true};
    return true;
}

bool stamp_stands(const struct stamp *before, const struct stamp *now)
{
    return before->settled && now->settled;
}

int sqlite3_db_release_memory(sqlite3 *db)
{
    (void)db;
    return SQLITE_OK;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
