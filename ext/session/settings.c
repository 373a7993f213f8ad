#include "session/settings.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "base/sqlite.h"
#include "base/ticks.h"
#include "base/units.h"
#include "store/policy/policies.h"

enum form {
    FORM_SWITCH,
    FORM_SIZE,
    FORM_COUNT,
    FORM_DURATION,
    FORM_THRESHOLD, /* a duration, or 0 */
    FORM_SHARDS,
    FORM_POLICY,
    FORM_ADMIT
};

#define SHARDS_MAX 1024

static const char *const form_texts[] = {
    [FORM_SWITCH] = "0 or 1",
    [FORM_SIZE] = UNITS_SIZE_FORM,
    [FORM_COUNT] = "a positive whole number",
    [FORM_DURATION] = UNITS_DURATION_FORM ", or 'none'",
    [FORM_THRESHOLD] = UNITS_DURATION_FORM ", or 0, or 'none'",
    [FORM_SHARDS] = "a power of two from 1 to 1024",
    [FORM_POLICY] = POLICIES_FORM,
    [FORM_ADMIT] = "'all' or 'twice'",
};

/* The words that a form accepts; the value is the number of the word. */
static const char *const policy_words[] = {POLICIES_NAMES, NULL};
static const char *const admit_words[] = {"all", "twice", NULL};

const struct setting_info setting_infos[SETTING_COUNT] = {
    [SETTING_ENABLED] = {"enabled", "1", "1 to use the cache, 0 to compute every read (0 or 1)"},
    [SETTING_MAX_BYTES] = {"max_bytes", "64 MiB",
                           "what all entries together may take (a size, such as '64 MiB')"},
    [SETTING_MAX_ENTRIES] = {"max_entries", "10000",
                             "how many entries are kept (a positive whole number)"},
    [SETTING_TTL] =
        {"ttl", "1 h",
         "how long an entry is served at most (a duration, such as '5 min', or 'none')"},
    [SETTING_TTI] = {"tti", "none",
                     "how long an entry is kept unread (a duration, such as '5 min', or 'none')"},
    [SETTING_MAX_RESULT_BYTES] = {"max_result_bytes", "8 MiB",
                                  "the largest result that is kept (a size, such as '8 MiB')"},
    [SETTING_SHARDS] = {"shards", "16",
                        "parts of the store with a lock each, set by QUERYCACHE_SHARDS before "
                        "loading (a power of two from 1 to 1024)"},
    [SETTING_POLICY] = {"policy", "lru",
                        "which entry makes room for a new one (" POLICIES_FORM ")"},
    [SETTING_ADMIT] = {"admit", "all",
                       "whether a result is kept at once, or when it was asked for twice within a "
                       "while ('all' or 'twice')"},
    [SETTING_HOOKS] = {"hooks", "1",
                       "1 to observe the writes of connections that load from now on, 0 not to "
                       "(0 or 1)"},
    [SETTING_COALESCE_WAIT] = {"coalesce_wait", "5 s",
                               "how long a read waits for another connection that computes the "
                               "same (a duration, such as '500 ms', or 'none' not to wait)"},
    [SETTING_SLOW] = {"slow", "1 ms",
                      "what a query takes to compute that querycache-run caches without a rule for "
                      "it (a duration, such as '10 ms', 0 for every query, or 'none' for none)"},
};

static const struct {
    enum form form;
    const char *variable;
} rules[SETTING_COUNT] = {
    [SETTING_ENABLED] = {FORM_SWITCH, "QUERYCACHE_ENABLED"},
    [SETTING_MAX_BYTES] = {FORM_SIZE, "QUERYCACHE_MAX_BYTES"},
    [SETTING_MAX_ENTRIES] = {FORM_COUNT, "QUERYCACHE_MAX_ENTRIES"},
    [SETTING_TTL] = {FORM_DURATION, "QUERYCACHE_TTL"},
    [SETTING_TTI] = {FORM_DURATION, "QUERYCACHE_TTI"},
    [SETTING_MAX_RESULT_BYTES] = {FORM_SIZE, "QUERYCACHE_MAX_RESULT_BYTES"},
    [SETTING_SHARDS] = {FORM_SHARDS, "QUERYCACHE_SHARDS"},
    [SETTING_POLICY] = {FORM_POLICY, "QUERYCACHE_POLICY"},
    [SETTING_ADMIT] = {FORM_ADMIT, "QUERYCACHE_ADMIT"},
    [SETTING_HOOKS] = {FORM_SWITCH, "QUERYCACHE_HOOKS"},
    [SETTING_COALESCE_WAIT] = {FORM_DURATION, "QUERYCACHE_COALESCE_WAIT"},
    [SETTING_SLOW] = {FORM_THRESHOLD, "QUERYCACHE_SLOW"},
};

/* The defaults, as default_text says them: what is read before settings_load() must be right too.
** */
static _Atomic int64_t values[SETTING_COUNT] = {
    [SETTING_ENABLED] = 1,
    [SETTING_MAX_BYTES] = INT64_C(64) << 20,
    [SETTING_MAX_ENTRIES] = 10000,
    [SETTING_TTL] = 3600 * TICKS_PER_SECOND,
    [SETTING_TTI] = TICKS_NEVER,
    [SETTING_MAX_RESULT_BYTES] = INT64_C(8) << 20,
    [SETTING_SHARDS] = 16,
    [SETTING_POLICY] = 0,
    [SETTING_ADMIT] = 0,
    [SETTING_HOOKS] = 1,
    [SETTING_COALESCE_WAIT] = 5 * TICKS_PER_SECOND,
    [SETTING_SLOW] = TICKS_PER_SECOND / 1000,
};

static struct lock load_lock = LOCK_INITIALIZER(LOCK_SETTINGS);
static bool loaded;

static bool parse_switch(const char *text, int64_t *value)
{
    if ((text[0] != '0' && text[0] != '1') || text[1] != 0)
        return false;
    *value = text[0] - '0';
    return true;
}

static bool parse_shards(const char *text, int64_t *value)
{
    int64_t count;
    if (!units_parse_count(text, &count) || count > SHARDS_MAX || (count & (count - 1)) != 0)
        return false;
    *value = count;
    return true;
}

static bool parse_word(const char *const *words, const char *text, int64_t *value)
{
    for (int64_t i = 0; words[i] != NULL; i++) {
        if (sqlite3_stricmp(words[i], text) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

static bool parse(enum form form, const char *text, int64_t *value)
{
    switch (form) {
    case FORM_SWITCH:
        return parse_switch(text, value);
    case FORM_SIZE:
        return units_parse_size(text, value);
    case FORM_COUNT:
        return units_parse_count(text, value);
    case FORM_THRESHOLD:
        *value = 0;
        if (strcmp(text, "0") == 0)
            return true;
        /* fall through */
    case FORM_DURATION:
        if (sqlite3_stricmp(text, "none") == 0) {
            *value = TICKS_NEVER;
            return true;
        }
        return units_parse_duration(text, value);
    case FORM_SHARDS:
        return parse_shards(text, value);
    case FORM_POLICY:
        return parse_word(policy_words, text, value);
    case FORM_ADMIT:
        return parse_word(admit_words, text, value);
    }
    return false;
}

/* Read all variables into `read`, or none: a half-read environment would be hard to explain. */
static int read_environment(int64_t read[SETTING_COUNT], char **error)
{
    for (int i = 0; i < SETTING_COUNT; i++) {
        const char *text = getenv(rules[i].variable);
        read[i] = atomic_load(&values[i]);
        if (text != NULL && !parse(rules[i].form, text, &read[i]))
            return error_set(error, SQLITE_ERROR,
                             sqlite3_mprintf("querycache: the environment variable %s is '%s'; it "
                                             "accepts %s",
                                             rules[i].variable, text, form_texts[rules[i].form]));
    }
    return SQLITE_OK;
}

int settings_load(char **error)
{
    int64_t read[SETTING_COUNT];
    int code = SQLITE_OK;
    lock_take(&load_lock);
    if (!loaded) {
        code = read_environment(read, error);
        if (code == SQLITE_OK) {
            for (int i = 0; i < SETTING_COUNT; i++)
                atomic_store(&values[i], read[i]);
            loaded = true;
        }
    }
    lock_give(&load_lock);
    return code;
}

int64_t settings_get(enum setting setting)
{
    assert(setting < SETTING_COUNT);
    return atomic_load_explicit(&values[setting], memory_order_relaxed);
}

int settings_find(const char *name)
{
    assert(name != NULL);
    for (int i = 0; i < SETTING_COUNT; i++)
        if (sqlite3_stricmp(setting_infos[i].name, name) == 0)
            return i;
    return -1;
}

char *settings_names(void)
{
    char *names = NULL;
    for (int i = 0; i < SETTING_COUNT; i++) {
        char *longer = i == 0 ? sqlite3_mprintf("%s", setting_infos[i].name)
                              : sqlite3_mprintf("%s, %s", names, setting_infos[i].name);
        sqlite3_free(names);
        if (longer == NULL)
            return NULL;
        names = longer;
    }
    return names;
}

int settings_set(enum setting setting, const char *text, char **error)
{
    const char *name = setting_infos[setting].name;
    enum form form = rules[setting].form;
    int64_t value;
    if (setting == SETTING_SHARDS)
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("shards is fixed once querycache is loaded; set the "
                                         "environment variable QUERYCACHE_SHARDS before that"));
    if (text == NULL)
        return error_set(
            error, SQLITE_ERROR,
            sqlite3_mprintf("%s cannot be NULL; it accepts %s", name, form_texts[form]));
    if (!parse(form, text, &value))
        return error_set(
            error, SQLITE_ERROR,
            sqlite3_mprintf("%s cannot be '%s'; it accepts %s", name, text, form_texts[form]));
    atomic_store(&values[setting], value);
    return SQLITE_OK;
}

char *settings_show(enum setting setting)
{
    int64_t value = settings_get(setting);
    char text[32];
    switch (rules[setting].form) {
    case FORM_SIZE:
        units_format_size(value, text);
        return sqlite3_mprintf("%s", text);
    case FORM_THRESHOLD:
    case FORM_DURATION:
        units_format_duration(value, text);
        return sqlite3_mprintf("%s", text);
    case FORM_POLICY:
        return sqlite3_mprintf("%s", policy_words[value]);
    case FORM_ADMIT:
        return sqlite3_mprintf("%s", admit_words[value]);
    case FORM_SWITCH:
    case FORM_COUNT:
    case FORM_SHARDS:
        break;
    }
    return sqlite3_mprintf("%lld", (sqlite3_int64)value);
}

void settings_start_over(void)
{
    lock_start_over(&load_lock);
}
