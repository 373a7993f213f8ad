/*
** History: which commits changed which tables of one database. Its states are numbered by epochs;
** an epoch begins whenever the database is found changed. A history knows no connection, no clock
** and no entry: who advances it, and on what grounds, is file.h's business.
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
    _Atomic uint64_t probed;  /* the latest epoch at which `empty` was looked up */
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

/* No other history of this process has that number, nor will have it. */
uint64_t history_number(const struct history *history);

/* True when kept results rest on it: when anybody but its maker has a reference. Read without a
** lock: another thread may be about to keep the first one. */
bool history_is_relied_on(const struct history *history);

/* The table of that name (whatever its case), added if need be; it lives as long as the history.
** NULL when memory is short. A table seen with another kind from before becomes WITHOUT ROWID, the
** kind that trusts less. */
struct table *history_table(struct history *history, const char *name, enum table_kind kind);

/* The same, but never adds: NULL when no result ever depended on it. */
struct table *history_find_table(struct history *history, const char *name);

/* The latest epoch; the first is 1. */
uint64_t history_epoch(const struct history *history);

/*
** Begin a new epoch, and return it. The caller then says what is known of the commit that began it,
** before any reader is told the epoch: the tables it changed, or that it may have changed anything.
*/
uint64_t history_advance(struct history *history);

/* The commit that began the epoch changed this table. Safe with NULL. */
void history_mark(struct table *table, uint64_t epoch);

/* The commit that began the epoch may have changed anything; it ends all that was computed
** before. */
void history_mark_all(struct history *history, uint64_t epoch);
uint64_t history_unknown_epoch(const struct history *history); /* the last such; 0: none */

/*
** The latest epoch of which it is in doubt whether its commit changed more than the tables marked;
** 0 when there is none. What was computed before it is neither served nor dropped until the doubt
** is gone.
*/
void history_set_doubt(struct history *history, uint64_t epoch);
uint64_t history_doubt(const struct history *history);

/* No connection of the process has the database open any more: nothing is known from here on. */
void history_abandon(struct history *history);
bool history_is_abandoned(const struct history *history);

/*
** Whether the table held rows at that epoch was looked up: one that has lost its last row since the
** last look was truncated, for which there is no hook, and so is marked. Looks at epochs before the
** last one are ignored.
*/
void history_probe(struct table *table, uint64_t epoch, bool empty);

/* Forget all histories without touching their locks: in the child of a fork(), where a thread that
** is not there may have held them. */
void history_forget_all(void);

/* Call `visit` for each table of each history of the process. Holds the locks that keep them in
** place: `visit` must not call back into a history. Returns what the first non-zero visit did. */
int history_each_table(int (*visit)(const struct history *, const struct table *, void *),
                       void *context);

#endif
