#include "load/copy.h"

#ifndef SQLITE_CORE /* what is linked in is there once */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define LONGEST_PATH 4096

/* ---- the file that it is of ---- */

void copy_find_source(struct copy_source *source)
{
    Dl_info self;
    struct stat status;
    *source = (struct copy_source){0};
    if (dladdr(&sqlite3_api, &self) == 0)
        return;
    char *path = realpath(self.dli_fname, NULL);
    if (path != NULL && stat(path, &status) == 0) {
        source->path = memory_copy_text(path, strlen(path));
        source->device = status.st_dev;
        source->inode = status.st_ino;
        source->size = status.st_size;
        source->changed = status.st_mtime;
    }
    free(path);
}

/* Another version of this library is not a copy of it: a descriptor, or -1. */
static int open_source(const struct copy_source *source, const char **reason)
{
    struct stat status;
    *reason = "the file that it was loaded from is not there any more";
    int file = source->path != NULL ? open(source->path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0 || fstat(file, &status) != 0)
        return file;
    if (status.st_dev == source->device && status.st_ino == source->inode &&
        status.st_size == source->size && status.st_mtime == source->changed)
        return file;
    *reason = "the file that it was loaded from has been replaced since";
    close(file);
    return -1;
}

static bool copy_bytes(int from, int to)
{
    char bytes[16384];
    ssize_t size;
    if (lseek(from, 0, SEEK_SET) != 0)
        return false;
    while ((size = read(from, bytes, sizeof bytes)) > 0) {
        for (ssize_t done = 0; done < size;) {
            ssize_t written = write(to, bytes + done, (size_t)(size - done));
            if (written < 0 && errno != EINTR)
                return false;
            done += written > 0 ? written : 0;
        }
    }
    return size == 0;
}

/* ---- loading ---- */

/* ISO C has no conversion from an object's address to a function's. */
#define FIND(copy, member, name)                                                                   \
    ((*(void **)&(copy)->member = dlsym((copy)->handle, (name))) != NULL)

/* Not so where the dynamic linker gave this very library again. */
static bool is_whole(struct copy *copy)
{
    return FIND(copy, init, "sqlite3_querycache_init") && copy->init != sqlite3_querycache_init &&
           FIND(copy, start, "querycache_init") && FIND(copy, is_loaded, "querycache_is_loaded") &&
           FIND(copy, prepare_v3, "querycache_prepare_v3") &&
           FIND(copy, prepare16_v3, "querycache_prepare16_v3") &&
           FIND(copy, update_hook, "querycache_update_hook") &&
           FIND(copy, commit_hook, "querycache_commit_hook") &&
           FIND(copy, rollback_hook, "querycache_rollback_hook") &&
           FIND(copy, get_stats, "querycache_get_stats") && FIND(copy, clear, "querycache_clear") &&
           FIND(copy, invalidate_table, "querycache_invalidate_table") &&
           FIND(copy, configure, "querycache_configure");
}

static bool load(struct copy *copy, const char *path)
{
    copy->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (copy->handle == NULL || is_whole(copy))
        return copy->handle != NULL;
    copy_close(copy);
    return false;
}

/*
** From memory. Each has a name of its own, by the number of slashes: the dynamic linker takes a
** name that it knows for the library it knows by it, and the descriptor's number will be used
** again.
*/
static bool load_from_memory(struct copy *copy, int source)
{
#ifdef MFD_CLOEXEC
    static _Atomic unsigned copies;
    char slashes[256];
    char path[sizeof slashes + 40];
    unsigned number = atomic_fetch_add(&copies, 1) + 1;
    int memory = number < sizeof slashes ? memfd_create("querycache", MFD_CLOEXEC) : -1;
    if (memory < 0)
        return false;
    memset(slashes, '/', number);
    slashes[number] = '\0';
    snprintf(path, sizeof path, "/proc/self/fd%s%d", slashes, memory);
    bool loaded = copy_bytes(source, memory) && load(copy, path);
    close(memory);
    return loaded;
#else
    (void)copy, (void)source;
    return false;
#endif
}

/* Where there is no such memory, no /proc, or it must not be run. */
static bool load_from_file(struct copy *copy, int source)
{
    char path[LONGEST_PATH];
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || *folder == '\0')
        folder = "/tmp";
    int size = snprintf(path, sizeof path, "%s/querycache-XXXXXX", folder);
    int file = size > 0 && (size_t)size < sizeof path ? mkstemp(path) : -1;
    if (file < 0)
        return false;
    bool loaded = copy_bytes(source, file) && load(copy, path);
    unlink(path);
    close(file);
    return loaded;
}

bool copy_open(struct copy *copy, const struct copy_source *source, const char **reason)
{
    *copy = (struct copy){0};
    int file = open_source(source, reason);
    if (file < 0)
        return false;
    *reason = "neither memory nor a file in TMPDIR can be loaded as a library";
    bool loaded = load_from_memory(copy, file) || load_from_file(copy, file);
    close(file);
    return loaded;
}

void copy_close(struct copy *copy)
{
    dlclose(copy->handle);
    *copy = (struct copy){0};
}

#endif
