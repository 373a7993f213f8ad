/*
** Options of a named cache, as written behind its SELECT: ttl = '5 min', max_bytes = '16 MB', …
** Knows what each accepts, and says so when it is given something else. Thread-safe.
*/
#ifndef QUERYCACHE_QUERY_OPTIONS_H
#define QUERYCACHE_QUERY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/policy/policy.h"

enum coherence { COHERENCE_EXACT, COHERENCE_TTL };
enum share { SHARE_PROCESS, SHARE_CONNECTION };

/* Values as SQL shows them: an unset limit or time follows the process-wide setting. */
struct options {
    int64_t ttl;                 /* ns; TICKS_NEVER for 'none'; 0: follow cache_config */
    int64_t tti;                 /* likewise */
    int64_t max_entries;         /* 0: no limit of its own */
    int64_t max_bytes;           /* 0: no limit of its own */
    int64_t max_result_bytes;    /* 0: follow cache_config */
    int64_t max_rows;            /* 0: no limit */
    int64_t min_time;            /* ns; 0: keep whatever it took */
    const struct policy *policy; /* NULL: follow cache_config */
    enum coherence coherence;
    enum share share;
    bool allow_nondeterministic;
    char *tags; /* as given, or NULL; owned */
};

/*
** Read one `name = value` argument into `options`: `max_bytes = '16 MB'`, `max_entries = 1000`,
** `policy = s3fifo`. Quotes are optional, names and words have any case. *given collects which options
** were named, because one given twice is an error, as are an argument without "=" and an unknown
** name. Returns SQLITE_OK; SQLITE_NOMEM; or SQLITE_ERROR and in *error a text from
** sqlite3_mprintf() that says what was asked, what is wrong and what would be right.
*/
int options_read(struct options *options, unsigned *given, const char *argument, char **error);

void options_clear(struct options *options);

/* Number of options, and their names in the order in which SQL shows them. */
#define OPTION_COUNT 12
extern const char *const option_names[OPTION_COUNT];

/*
** The value of the option at `index`, as people write it: '5 min', '16 MB', 'exact'; NULL where it
** is unset, and so follows the process-wide setting if there is one. SQLITE_OK or SQLITE_NOMEM;
** caller frees *text with sqlite3_free().
*/
int options_show(const struct options *options, int index, char **text);

/* True when `tag` is one of the comma-separated tags, whatever its case. */
bool options_have_tag(const struct options *options, const char *tag);

#endif
