#include "statement/rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/space.h"
#include "query/options_list.h"

#define FORM                                                                                       \
    "a rule is a GLOB pattern over the normalized SQL, \"=>\", and \"skip\" or \"cache\" with "    \
    "options: *from sales* => cache ttl = '5 min'"

static struct rule *rules;
static unsigned count;
static _Atomic uint64_t unmatched;

static void forget_all(void)
{
    for (unsigned i = 0; i < count; i++) {
        memory_free(rules[i].pattern);
        memory_free(rules[i].options);
    }
    memory_free(rules);
    rules = NULL;
    count = 0;
}

/* ---- reading ---- */

/* Cut white space off both ends, in place. */
static char *trim(char *text)
{
    while (is_white_space(*text))
        text++;
    size_t size = strlen(text);
    while (size > 0 && is_white_space(text[size - 1]))
        text[--size] = '\0';
    return text;
}

/* The last one: a pattern may have a text with an arrow in it. */
static char *find_arrow(char *line)
{
    char *found = NULL;
    for (char *at = strstr(line, "=>"); at != NULL; at = strstr(at + 2, "=>"))
        found = at;
    return found;
}

/* The rest of the text behind a word, in any case; NULL: it begins otherwise. */
static char *behind_word(char *text, const char *word)
{
    size_t size = strlen(word);
    if (sqlite3_strnicmp(text, word, (int)size) != 0 ||
        (text[size] != '\0' && !is_white_space(text[size])))
        return NULL;
    return trim(text + size);
}

static int check_options(const char *text, char **error)
{
    struct options options = {0};
    int rc = options_read_list(&options, text, error);
    options_clear(&options);
    return rc;
}

static int add_rule(const struct rule *rule)
{
    struct rule *grown = memory_resize(rules, (count + 1) * sizeof *rules);
    if (grown == NULL)
        return SQLITE_NOMEM;
    rules = grown;
    struct rule *made = &rules[count];
    *made = (struct rule){.line = rule->line, .skip = rule->skip};
    made->pattern = memory_copy_text(rule->pattern, strlen(rule->pattern));
    if (rule->options != NULL)
        made->options = memory_copy_text(rule->options, strlen(rule->options));
    count++;
    return made->pattern != NULL && (rule->options == NULL || made->options != NULL) ? SQLITE_OK
                                                                                     : SQLITE_NOMEM;
}

/* *error says what is wrong in the line, if anything. */
static int read_line(char *line, int number, char **error)
{
    line = trim(line);
    if (*line == '\0' || *line == '#')
        return SQLITE_OK;
    char *arrow = find_arrow(line);
    if (arrow == NULL)
        return error_set(error, SQLITE_ERROR, sqlite3_mprintf("there is no \"=>\"; " FORM));
    *arrow = '\0';
    char *action = trim(arrow + 2);
    char *options = behind_word(action, "cache");
    char *rest = behind_word(action, "skip");
    struct rule rule = {.line = number, .pattern = trim(line), .skip = rest != NULL};
    if (*rule.pattern == '\0')
        return error_set(error, SQLITE_ERROR, sqlite3_mprintf("there is no pattern; " FORM));
    if (options == NULL && (rest == NULL || *rest != '\0'))
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("\"%s\" is nothing that can be done; " FORM, action));
    int rc = options != NULL ? check_options(options, error) : SQLITE_OK;
    rule.options = options != NULL && *options != '\0' ? options : NULL;
    return rc == SQLITE_OK ? add_rule(&rule) : rc;
}

static int read_text(char *text, const char *path, char **error)
{
    int number = 1;
    int rc = SQLITE_OK;
    for (char *line = text; line != NULL && rc == SQLITE_OK; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        char *wrong = NULL;
        rc = read_line(line, number, &wrong);
        if (wrong != NULL)
            rc = error_set(error, rc, sqlite3_mprintf("%s:%d: %s", path, number, wrong));
        sqlite3_free(wrong);
        line = end != NULL ? end + 1 : NULL;
    }
    return rc;
}

static int read_file(const char *path, struct buffer *text, char **error)
{
    char block[4096];
    size_t size;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("%s cannot be read: %s", path, strerror(errno)));
    while ((size = fread(block, 1, sizeof block, file)) > 0)
        buffer_add(text, block, size);
    int failed = ferror(file) ? errno : 0;
    fclose(file);
    if (failed)
        return error_set(error, SQLITE_ERROR,
                         sqlite3_mprintf("%s cannot be read: %s", path, strerror(failed)));
    return SQLITE_OK;
}

int rules_load(const char *path, char **error)
{
    struct buffer content = {0};
    *error = NULL;
    forget_all();
    int rc = read_file(path, &content, error);
    buffer_add_char(&content, '\n');
    char *text = buffer_take(&content);
    if (rc == SQLITE_OK)
        rc = text != NULL ? read_text(text, path, error) : SQLITE_NOMEM;
    memory_free(text);
    if (rc != SQLITE_OK)
        forget_all();
    return rc;
}

/* ---- matching ---- */

const struct rule *rules_match(const char *normalized)
{
    for (unsigned i = 0; i < count; i++) {
        if (sqlite3_strglob(rules[i].pattern, normalized) == 0) {
            atomic_fetch_add(&rules[i].matches, 1);
            return &rules[i];
        }
    }
    return NULL;
}

void rules_count_unmatched(void)
{
    atomic_fetch_add(&unmatched, 1);
}

uint64_t rules_unmatched(void)
{
    return atomic_load(&unmatched);
}

int rules_each(int (*each)(const struct rule *rule, void *context), void *context)
{
    int stop = 0;
    for (unsigned i = 0; i < count && stop == 0; i++)
        stop = each(&rules[i], context);
    return stop;
}
