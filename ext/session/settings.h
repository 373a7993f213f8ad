/*
** Process-wide settings: what cache_config shows. Each has a default that an environment variable
** (QUERYCACHE_ and the name in upper case) may replace when the library is loaded. Thread-safe:
** values are atomics; who depends on one reads it when it needs it.
*/
#ifndef QUERYCACHE_SESSION_SETTINGS_H
#define QUERYCACHE_SESSION_SETTINGS_H

#include <stdint.h>

enum setting {
    SETTING_ENABLED,          /* 0 or 1: at 0 every read is computed */
    SETTING_MAX_BYTES,        /* bytes */
    SETTING_MAX_ENTRIES,      /* count */
    SETTING_TTL,              /* ns; TICKS_NEVER for none */
    SETTING_TTI,              /* ns; TICKS_NEVER for none */
    SETTING_MAX_RESULT_BYTES, /* bytes */
    SETTING_SHARDS,           /* a power of two from 1 to 1024; fixed once loaded */
    SETTING_POLICY,           /* its place in the list of store/policy/policies.h */
    SETTING_ADMIT,            /* 0: all; 1: what was asked for twice */
    SETTING_HOOKS,            /* 0 or 1: whether connections that load from now on are observed */
    SETTING_COALESCE_WAIT,    /* ns; 0: never wait for another's computation */
    SETTING_SLOW,             /* ns; TICKS_NEVER: nothing is */
    SETTING_COUNT,
};

struct setting_info {
    const char *name;
    const char *default_text; /* as people write it */
    const char *description;  /* one sentence, with the accepted form */
};

extern const struct setting_info setting_infos[SETTING_COUNT];

/*
** Read the environment, once per process. When a variable has a bad value all defaults stand, and
** the next call reads the environment again. Error codes as in settings_set().
*/
int settings_load(char **error);

int64_t settings_get(enum setting setting);

/* The setting of that name (any case), or -1. */
int settings_find(const char *name);

/* All names, comma-separated, for error texts. Caller frees with sqlite3_free(); NULL when memory
** is short. */
char *settings_names(void);

/*
** Set from text; NULL is no value. SQLITE_OK, SQLITE_NOMEM, or SQLITE_ERROR and in *error a text
** from sqlite3_mprintf() that names the setting, the value and what it accepts.
*/
int settings_set(enum setting setting, const char *text, char **error);

/* The value as people write it; caller frees with sqlite3_free(). NULL when memory is short. */
char *settings_show(enum setting setting);

/* In the child of a fork(): the lock is made anew. */
void settings_start_over(void);

#endif
