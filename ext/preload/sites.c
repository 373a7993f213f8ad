#include "preload/sites.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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
    FIND(handle, library, open);
    FIND(handle, library, open_v2);
    FIND(handle, library, open16);
    FIND(handle, library, auto_extension);
    FIND(handle, library, prepare_v3);
    FIND(handle, library, prepare16_v2);
    FIND(handle, library, prepare16_v3);
    FIND(handle, library, step);
    FIND(handle, library, exec);
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

static struct site *site_new(const void *address)
{
    Dl_info caller = {0};
    struct site *site = calloc(1, sizeof *site);
    bool known = dladdr(address, &caller) != 0;
    if (site == NULL ||
        !(fill(&site->library, RTLD_NEXT) || (known && fill_for(&site->library, &caller)))) {
        fprintf(stderr, "querycache: the SQLite behind libquerycache_preload.so cannot be found\n");
        abort();
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
    atomic_compare_exchange_strong(&served, &none, &site->library);
}
