/*
** A copy of this library: loaded once more into the same process, with code and variables of its
** own. It is of the file that this one was loaded from, through memory or a file that has no name
** any more, and stays for the life of the process. Knows nothing of who it is for: libraries.h
** does.
**
** What a copy calls is its own: the libraries are linked so that what they export is not looked up
** among what others export (-Bsymbolic), which would be this one's, where it was loaded for all to
** see.
**
** Thread-safe.
*/
#ifndef QUERYCACHE_LOAD_COPY_H
#define QUERYCACHE_LOAD_COPY_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/sqlite.h"
#include "querycache.h"

/* Its exported functions, by their names without the prefix. */
struct copy {
    void *handle; /* dlopen's */
    __typeof__(sqlite3_querycache_init) *init;
    __typeof__(querycache_init) *start;
    __typeof__(querycache_is_loaded) *is_loaded;
    __typeof__(querycache_prepare_v3) *prepare_v3;
    __typeof__(querycache_prepare16_v3) *prepare16_v3;
    __typeof__(querycache_update_hook) *update_hook;
    __typeof__(querycache_commit_hook) *commit_hook;
    __typeof__(querycache_rollback_hook) *rollback_hook;
    __typeof__(querycache_get_stats) *get_stats;
    __typeof__(querycache_clear) *clear;
    __typeof__(querycache_invalidate_table) *invalidate_table;
    __typeof__(querycache_configure) *configure;
};

/* The file that a library was loaded from. */
struct copy_source {
    char *path; /* absolute; NULL: there is none */
    dev_t device;
    ino_t inode;
    off_t size;
    time_t changed;
};

/* That of this library. To be asked when it is loaded: its path may be relative to a folder that
** the process leaves. */
void copy_find_source(struct copy_source *source);

/* Load one. False, with nothing loaded, where that cannot be: `*reason`, static text, says why. */
bool copy_open(struct copy *copy, const struct copy_source *source, const char **reason);

/* Unload one that nobody has called. */
void copy_close(struct copy *copy);

#endif
