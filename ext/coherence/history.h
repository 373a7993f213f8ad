/*
** History: which commits changed which tables of one database. Commits are numbered by epochs; an
** epoch begins whenever the database is found changed. A history knows no connection, no clock and
** no entry: who advances it, and on what grounds, is snapshot's business.
**
** Thread-safe: epochs are atomics that only grow, tables are added under the history's lock and
** live as long as the history. All histories of the process are listed, for cache_tables.
*/
#ifndef QUERYCACHE_COHERENCE_HISTORY_H
#define QUERYCACHE_COHERENCE_HISTORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How the changes of a table come to be known. */
enum table_kind {
    TABLE_ROWID,         /* the update hook names it, and a truncation leaves it empty */
    TABLE_WITHOUT_ROWID, /* the update hook is silent: any commit may have changed it */
};

struct history;

struct table {
    struct history *history; /* whose table it is; it lives no longer */
    char *name;
    _Atomic(enum table_kind) kind;
    _Atomic uint64_t changed; /* the epoch that last changed it */
    _Atomic uint64_t probed;  /* the epoch at which `empty` was last looked up */
    _Atomic bool empty;
    _Atomic uint64_t commits; /* commits seen to change it */
    _Atomic uint64_t invalidations;
    _Atomic int64_t entries;    /* kept results that depend on it */
    _Atomic int64_t changed_at; /* Unix time in microseconds of the last change; 0 for never */
    struct table *next;
};

/* A new history with one reference. `name` is what people know the database by: its path,
** ':memory:' or 'temp'. NULL when memory is short. */
struct history *history_new(const char *name);
struct history *history_retain(struct history *history);
void history_release(struct history *history);

const char *history_name(const struct history *history);

/* The table of that name (whatever its case), added if need be; it lives as long as the history.
** NULL when memory is short. A table seen with another kind from before becomes WITHOUT ROWID, the
** kind that trusts less. */
struct table *history_table(struct history *history, const char *name, enum table_kind kind);

/* The same, but never adds: NULL when no result ever depended on it. */
struct table *history_find_table(struct history *history, const char *name);

/* The present epoch; the first is 1. */
uint64_t history_epoch(const struct history *history);

/* The last epoch that may have changed anything, and the last that was any commit at all; 0 before
** the first. */
uint64_t history_unknown_epoch(const struct history *history);
uint64_t history_commit_epoch(const struct history *history);

/* Begin a new epoch, and say of it: that it may have changed everything; or that it is the work of
** known commits, whose tables history_mark() then names. Until they are marked an entry they end
** looks true: the caller keeps readers from trusting the new epoch before, by a lock that it holds
** from the advance to the last mark. */
uint64_t history_advance_unknown(struct history *history);
uint64_t history_advance_known(struct history *history);

/* The epoch changed this table. Safe with NULL. */
void history_mark(struct table *table, uint64_t epoch);

/* Call `visit` for each table of each history of the process. Holds the locks that keep them in
** place: `visit` must not call back into a history. Returns what the first non-zero visit did. */
int history_each_table(int (*visit)(const struct history *, const struct table *, void *),
                       void *context);

#endif
