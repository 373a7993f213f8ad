#include "base/guard.h"

#ifdef QUERYCACHE_MUTANTS
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD_NAME(name) #name,
static const char *const guard_names[] = {GUARDS(GUARD_NAME)};
#undef GUARD_NAME

static enum guard guard_removed = GUARD_COUNT;
static pthread_once_t guard_once = PTHREAD_ONCE_INIT;

/* A name that is no guard ends the program: a mutant that changes nothing would prove nothing. */
static void guard_read_environment(void)
{
    const char *name = getenv("QUERYCACHE_MUTANT");
    if (name == NULL || name[0] == '\0')
        return;
    for (int i = 0; i < GUARD_COUNT; i++) {
        if (strcmp(name, guard_names[i]) == 0) {
            guard_removed = (enum guard)i;
            return;
        }
    }
    fprintf(stderr, "QUERYCACHE_MUTANT=%s is no guard; ext/base/guard.h lists them\n", name);
    exit(70);
}

bool guard_stands(enum guard guard)
{
    pthread_once(&guard_once, guard_read_environment);
    return guard != guard_removed;
}
#endif
