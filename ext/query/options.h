/*
** Options of a named cache, as written behind its SELECT: ttl = '5 min', max_bytes = '16 MB', …
** Knows what each accepts, and says so when it is given something else. Thread-safe.
*/
#ifndef QUERYCACHE_QUERY_OPTIONS_H
#define QUERYCACHE_QUERY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"
#include "store/policy/policies.h"

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
** `policy = s3fifo`. Quotes are optional, names and words have any case. *given collects which
** options were named, because one given twice is an error, as are an argument without "=" and an
** unknown name. Returns SQLITE_OK; SQLITE_NOMEM; or SQLITE_ERROR and in *error a text from
** sqlite3_mprintf() that says what was asked, what is wrong and what would be right.
*/
int options_read(struct options *options, unsigned *given, const char *argument, char **error);

void options_clear(struct options *options);

/*
** The one list of options, in the order in which SQL shows them: FIRST and OTHER (name, NUMBER,
** form), where the form is what error texts say that it accepts. cache_definitions and the error
** for an unknown name follow. To add one: a line here, its field above, and how its text is read
** and shown (set_option() and options_show(), which the compiler asks for).
*/
#define OPTIONS(FIRST, OTHER)                                                                      \
    FIRST(ttl, TTL, UNITS_DURATION_FORM ", or 'none'")                                             \
    OTHER(tti, TTI, UNITS_DURATION_FORM ", or 'none'")                                             \
    OTHER(max_entries, MAX_ENTRIES, "a positive whole number")                                     \
    OTHER(max_bytes, MAX_BYTES, UNITS_SIZE_FORM)                                                   \
    OTHER(max_result_bytes, MAX_RESULT_BYTES, UNITS_SIZE_FORM)                                     \
    OTHER(max_rows, MAX_ROWS, "a positive whole number")                                           \
    OTHER(min_time, MIN_TIME, UNITS_DURATION_FORM)                                                 \
    OTHER(policy, POLICY, POLICIES_FORM)                                                           \
    OTHER(coherence, COHERENCE, "'exact' or 'ttl'")                                                \
    OTHER(share, SHARE, "'process' or 'connection'")                                               \
    OTHER(nondeterministic, NONDETERMINISTIC, "'refuse' or 'allow'")                               \
    OTHER(tags, TAGS, "one or more names separated by commas, such as 'billing, eu'")

#define OPTION_NUMBER(name, NUMBER, form) OPTION_##NUMBER,
enum option { OPTIONS(OPTION_NUMBER, OPTION_NUMBER) };
/* Apart, so that a switch over the options names options alone. */
#define OPTION_COUNTED(name, NUMBER, form) OPTION_COUNTED_##NUMBER,
enum { OPTIONS(OPTION_COUNTED, OPTION_COUNTED) OPTION_COUNT };

/* Columns for CREATE TABLE, each behind a comma. */
#define OPTION_COLUMN(name, NUMBER, form) ", " #name " TEXT"
#define OPTION_COLUMNS OPTIONS(OPTION_COLUMN, OPTION_COLUMN)

/* Their names. */
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
