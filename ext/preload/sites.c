#include "preload/sites.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Programs call these functions from a few places. */
#define SLOTS 512
#define TRIES 8

static struct site *_Atomic slots[SLOTS];

/* ISO C has no conversion from an object's address to a function's. */
#define FIND(handle, library, name) (*(void **)&(library)->name = dlsym((handle), "sqlite3_" #name))

static const struct library *_Atomic served;

static const void *own_base(void)
{
    static const void *_Atomic base;
    Dl_info info;
    if (atomic_load(&base) == NULL && dladdr((const void *)&served, &info) != 0)
        atomic_store(&base, info.dli_fbase);
    return atomic_load(&base);
}

static bool fill(struct library *library, void *handle)
{
    Dl_info info;
    if (FIND(handle, library, prepare_v2) == NULL ||
        dladdr(*(void **)&library->prepare_v2, &info) == 0 || info.dli_fbase == own_base())
        return false;
    library->base = info.dli_fbase;
    /* Its functions are called by their addresses from now on: it stays when the plug-in that
    ** brought it goes. */
    void *kept = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    if (kept != NULL)
        dlclose(kept);
    FIND(handle, library, open);
    FIND(handle, library, open_v2);
    FIND(handle, library, open16);
    FIND(handle, library, auto_extension);
    FIND(handle, library, prepare_v3);
    FIND(handle, library, prepare16_v2);
    FIND(handle, library, prepare16_v3);
    FIND(handle, library, step);
    FIND(handle, library, exec);
    FIND(handle, library, blob_open);
    FIND(handle, library, next_stmt);
    FIND(handle, library, update_hook);
    FIND(handle, library, commit_hook);
    FIND(handle, library, rollback_hook);
    return true;
}

/* With what the caller's library was loaded; for this library, the one that it serves. */
static bool fill_for(struct library *library, const Dl_info *caller)
{
    const struct library *ours = atomic_load(&served);
    if (caller->dli_fbase == own_base() && ours != NULL) {
        *library = *ours;
        return true;
    }
    void *handle = dlopen(caller->dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == NULL)
        return false;
    bool found = fill(library, handle);
    dlclose(handle); /* it stays: it is calling */
    return found;
}

struct loaded {
    size_t left; /* so many are passed by first */
    char *path;
};

static int note_loaded(struct dl_phdr_info *info, size_t size, void *context)
{
    struct loaded *loaded = context;
    (void)size;
    if (loaded->left-- > 0)
        return 0;
    loaded->path = strdup(info->dlpi_name);
    return 1;
}

/*
** Where a call came by a jump, as compilers make of `return sqlite3_step(statement);`, the return
** address is one in the caller's caller, which may have been linked with nothing. A process has
** hardly more than one SQLite: the one that is served, or else one that anybody brought.
*/
static bool fill_with_any(struct library *library)
{
    const struct library *ours = atomic_load(&served);
    bool found = ours != NULL;
    if (found)
        *library = *ours;
    for (size_t i = 0; !found; i++) {
        struct loaded loaded = {.left = i};
        if (dl_iterate_phdr(note_loaded, &loaded) == 0 || loaded.path == NULL)
            break;
        void *handle = dlopen(loaded.path, RTLD_LAZY | RTLD_NOLOAD);
        found = handle != NULL && fill(library, handle);
        if (handle != NULL)
            dlclose(handle);
        free(loaded.path);
    }
    return found;
}

static struct site *site_new(const void *address)
{
    Dl_info caller = {0};
    struct site *site = calloc(1, sizeof *site);
    bool known = dladdr(address, &caller) != 0;
    if (site == NULL ||
        !(fill(&site->library, RTLD_NEXT) || (known && fill_for(&site->library, &caller)) ||
          fill_with_any(&site->library))) {
        free(site);
        return NULL;
    }
    site->address = address;
    site->internal =
        known && (caller.dli_fbase == site->library.base || caller.dli_fbase == own_base());
    return site;
}

const struct site *site_of(const void *address)
{
    uintptr_t start = ((uintptr_t)address >> 2) * 2654435761u;
    struct site *made = NULL;
    for (unsigned try = 0; try < TRIES; try++) {
        struct site *_Atomic *slot = &slots[(start + try) % SLOTS];
        struct site *site = atomic_load_explicit(slot, memory_order_acquire);
        if (site == NULL) {
            if (made == NULL)
                made = site_new(address);
            if (made == NULL)
                return NULL;
            if (atomic_compare_exchange_strong(slot, &site, made))
                return made;
        }
        if (site->address == address) {
            free(made);
            return site;
        }
    }
    /* Crowded: a loop that comes by here again pays for it each time, and keeps the last. */
    static _Thread_local struct site *last;
    free(last);
    last = made != NULL ? made : site_new(address);
    return last;
}

void site_serve(const struct site *site)
{
    const struct library *none = NULL;
    if (atomic_load(&served) != NULL)
        return;
    struct library *copy = malloc(sizeof *copy); /* the site may be one that is not kept */
    if (copy == NULL)
        return;
    *copy = site->library;
    if (!atomic_compare_exchange_strong(&served, &none, copy))
        free(copy);
}

bool site_is_served(const struct site *site)
{
    const struct library *ours = atomic_load_explicit(&served, memory_order_acquire);
    return ours != NULL && ours->base == site->library.base;
}
