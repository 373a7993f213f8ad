#include "query/options.h"

#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/space.h"
#include "base/sqlite.h"
#include "base/ticks.h"
#include "query/token.h"

#define NAME(name, NUMBER, form) [OPTION_##NUMBER] = #name,
const char *const option_names[OPTION_COUNT] = {OPTIONS(NAME, NAME)};

#define FORM(name, NUMBER, form) [OPTION_##NUMBER] = (form),
static const char *const accepted_forms[OPTION_COUNT] = {OPTIONS(FORM, FORM)};

#define LIST_FIRST(name, NUMBER, form) #name
#define LIST_OTHER(name, NUMBER, form) ", " #name
#define OPTION_LIST OPTIONS(LIST_FIRST, LIST_OTHER)

/* ---- one option's value ---- */

/* ttl and tti: a duration or 'none'. */
static bool parse_lifetime(const char *text, int64_t *nanoseconds)
{
    if (sqlite3_stricmp(text, "none") == 0) {
        *nanoseconds = TICKS_NEVER;
        return true;
    }
    return units_parse_duration(text, nanoseconds);
}

/* True for one of two words, and tells whether it is the second. */
static bool parse_either(const char *text, const char *first, const char *second, bool *is_second)
{
    *is_second = sqlite3_stricmp(text, second) == 0;
    return *is_second || sqlite3_stricmp(text, first) == 0;
}

/* No tag is empty: a comma too many is more likely a slip than a wish. */
static bool are_tags(const char *text)
{
    bool seen = false;
    for (;; text++) {
        if (*text == ',' || *text == 0) {
            if (!seen)
                return false;
            if (*text == 0)
                return true;
            seen = false;
        } else if (!is_white_space(*text)) {
            seen = true;
        }
    }
}

/* Set one option from its text without quotes. False when it is not of the accepted form. */
static bool set_option(struct options *options, enum option option, const char *text)
{
    bool second;
    switch (option) {
    case OPTION_TTL:
        return parse_lifetime(text, &options->ttl);
    case OPTION_TTI:
        return parse_lifetime(text, &options->tti);
    case OPTION_MAX_ENTRIES:
        return units_parse_count(text, &options->max_entries);
    case OPTION_MAX_BYTES:
        return units_parse_size(text, &options->max_bytes);
    case OPTION_MAX_RESULT_BYTES:
        return units_parse_size(text, &options->max_result_bytes);
    case OPTION_MAX_ROWS:
        return units_parse_count(text, &options->max_rows);
    case OPTION_MIN_TIME:
        return units_parse_duration(text, &options->min_time);
    case OPTION_POLICY:
        options->policy = policy_find(text);
        return options->policy != NULL;
    case OPTION_COHERENCE:
        if (!parse_either(text, "exact", "ttl", &second))
            return false;
        options->coherence = second ? COHERENCE_TTL : COHERENCE_EXACT;
        return true;
    case OPTION_SHARE:
        if (!parse_either(text, "process", "connection", &second))
            return false;
        options->share = second ? SHARE_CONNECTION : SHARE_PROCESS;
        return true;
    case OPTION_NONDETERMINISTIC:
        return parse_either(text, "refuse", "allow", &options->allow_nondeterministic);
    case OPTION_TAGS:
        return are_tags(text);
    }
    return false;
}

/* ---- reading an argument ---- */

static int find_option(const char *name)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (sqlite3_stricmp(option_names[i], name) == 0)
            return i;
    return -1;
}

/*
** The option that the argument names, and where its value starts. An argument is the text between
** two commas of CREATE VIRTUAL TABLE, so that '5 min' may come with its quotes and white space.
*/
static int read_name(const char *argument, int *option, const char **value, char **error)
{
    struct token name = token_read_solid(argument);
    struct token equals = {.type = TOKEN_END, .text = ""};
    char *text = NULL;
    if (name.type == TOKEN_WORD || name.type == TOKEN_QUOTED) {
        equals = token_next(name);
        text = token_identifier(name);
        if (text == NULL)
            return SQLITE_NOMEM;
    }
    if (equals.text[0] != '=') {
        memory_free(text);
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("%s is not an option; an option is name = value, where "
                                         "name is one of " OPTION_LIST,
                                         argument[0] == 0 ? "an empty argument" : argument));
    }
    int code = SQLITE_OK;
    *value = equals.text + 1;
    *option = find_option(text);
    if (*option < 0)
        code =
            error_set(error, SQLITE_ERROR,
                      sqlite3_mprintf("there is no option %s; the options are " OPTION_LIST, text));
    memory_free(text);
    return code;
}

/*
** The value without its quotes, or a bare one without the space around it. NULL in *value when a
** quoted text is not closed or not the whole value.
*/
static int read_value(const char *text, char **value)
{
    struct token token = token_read_solid(text);
    *value = NULL;
    if (token.type == TOKEN_STRING || token.type == TOKEN_QUOTED) {
        if (token_next(token).type != TOKEN_END)
            return SQLITE_OK;
        *value = token_identifier(token);
        return *value == NULL ? SQLITE_NOMEM : SQLITE_OK;
    }
    if (token.type == TOKEN_ILLEGAL && strchr("'\"`[", token.text[0]) != NULL)
        return SQLITE_OK;
    size_t size = strlen(token.text);
    while (size > 0 && is_white_space(token.text[size - 1]))
        size--;
    *value = memory_copy_text(token.text, size);
    return *value == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

int options_read(struct options *options, unsigned *given, const char *argument, char **error)
{
    const char *rest = NULL;
    char *value;
    int option = 0;
    int code = read_name(argument, &option, &rest, error);
    if (code != SQLITE_OK)
        return code;
    if ((*given & 1u << option) != 0)
        return error_set(
            error, SQLITE_ERROR,
            sqlite3_mprintf("the option %s is given twice; once is enough", option_names[option]));
    code = read_value(rest, &value);
    if (code != SQLITE_OK)
        return code;
    if (value == NULL || !set_option(options, (enum option)option, value)) {
        code = error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("the option %s cannot be %s; it accepts %s",
                                         option_names[option], token_read_solid(rest).text,
                                         accepted_forms[option]));
        memory_free(value);
        return code;
    }
    *given |= 1u << option;
    if (option == OPTION_TAGS)
        options->tags = value;
    else
        memory_free(value);
    return SQLITE_OK;
}

void options_clear(struct options *options)
{
    memory_free(options->tags);
    *options = (struct options){0};
}

/* ---- showing them ---- */

static char *show_number(int64_t value, void (*format)(int64_t, char[32]))
{
    char text[32];
    if (format == NULL)
        return sqlite3_mprintf("%lld", (sqlite3_int64)value);
    format(value, text);
    return sqlite3_mprintf("%s", text);
}

static int shown(char *text, char **out)
{
    *out = text;
    return text == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

static int show_if_set(int64_t value, void (*format)(int64_t, char[32]), char **text)
{
    *text = NULL;
    return value == 0 ? SQLITE_OK : shown(show_number(value, format), text);
}

int options_show(const struct options *options, int index, char **text)
{
    const char *word = NULL;
    switch ((enum option)index) {
    case OPTION_TTL:
        return show_if_set(options->ttl, units_format_duration, text);
    case OPTION_TTI:
        return show_if_set(options->tti, units_format_duration, text);
    case OPTION_MAX_ENTRIES:
        return show_if_set(options->max_entries, NULL, text);
    case OPTION_MAX_BYTES:
        return show_if_set(options->max_bytes, units_format_size, text);
    case OPTION_MAX_RESULT_BYTES:
        return show_if_set(options->max_result_bytes, units_format_size, text);
    case OPTION_MAX_ROWS:
        return show_if_set(options->max_rows, NULL, text);
    case OPTION_MIN_TIME:
        return show_if_set(options->min_time, units_format_duration, text);
    case OPTION_POLICY:
        word = options->policy != NULL ? options->policy->name : NULL;
        break;
    case OPTION_COHERENCE:
        word = options->coherence == COHERENCE_TTL ? "ttl" : "exact";
        break;
    case OPTION_SHARE:
        word = options->share == SHARE_CONNECTION ? "connection" : "process";
        break;
    case OPTION_NONDETERMINISTIC:
        word = options->allow_nondeterministic ? "allow" : "refuse";
        break;
    case OPTION_TAGS:
        word = options->tags;
        break;
    }
    *text = NULL;
    return word == NULL ? SQLITE_OK : shown(sqlite3_mprintf("%s", word), text);
}

/* ---- tags ---- */

bool options_have_tag(const struct options *options, const char *tag)
{
    const char *at = options->tags;
    size_t size = strlen(tag);
    while (at != NULL) {
        while (is_white_space(*at))
            at++;
        const char *comma = strchr(at, ',');
        const char *end = comma != NULL ? comma : at + strlen(at);
        while (end > at && is_white_space(end[-1]))
            end--;
        if (size > 0 && (size_t)(end - at) == size && sqlite3_strnicmp(at, tag, (int)size) == 0)
            return true;
        at = comma != NULL ? comma + 1 : NULL;
    }
    return false;
}
