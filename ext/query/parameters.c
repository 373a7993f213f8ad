#include "query/parameters.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "query/token.h"

static int add(struct parameters *parameters, int number, struct token token)
{
    for (unsigned i = 0; i < parameters->count; i++) {
        if (parameters->list[i].number == number)
            return SQLITE_OK;
    }
    struct parameter *list =
        memory_resize(parameters->list, (parameters->count + 1) * sizeof *list);
    if (list == NULL)
        return SQLITE_NOMEM;
    parameters->list = list;
    unsigned at = parameters->count;
    while (at > 0 && list[at - 1].number > number)
        at--;
    memmove(&list[at + 1], &list[at], (parameters->count - at) * sizeof *list);
    list[at] = (struct parameter){.number = number};
    parameters->count++;
    list[at].text = memory_copy_text(token.text, token.size);
    return list[at].text != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

/* The number of a named parameter that came before; 0 for a new one. */
static int find_named(const struct parameters *parameters, struct token token)
{
    for (unsigned i = 0; i < parameters->count; i++) {
        const char *text = parameters->list[i].text;
        if (strlen(text) == token.size && memcmp(text, token.text, token.size) == 0)
            return parameters->list[i].number;
    }
    return 0;
}

/* SQLite refuses what is far below; until it does, no number is past the greatest int. */
static int next_number(const struct parameters *parameters)
{
    return parameters->greatest < INT_MAX ? parameters->greatest + 1 : INT_MAX;
}

static int read_number(const char *digits)
{
    long number = strtol(digits, NULL, 10);
    return number < INT_MAX ? (int)number : INT_MAX;
}

int parameters_read(const char *sql, struct parameters *parameters)
{
    assert(sql != NULL && parameters != NULL);
    *parameters = (struct parameters){0};
    int rc = SQLITE_OK;
    for (struct token token = token_read_solid(sql); rc == SQLITE_OK && token.type != TOKEN_END;
         token = token_next(token)) {
        if (token.type != TOKEN_PARAMETER)
            continue;
        int number;
        if (token.size == 1)
            number = next_number(parameters);
        else if (token.text[0] == '?')
            number = read_number(token.text + 1);
        else
            number = find_named(parameters, token);
        if (number == 0)
            number = next_number(parameters);
        if (number > parameters->greatest)
            parameters->greatest = number;
        rc = add(parameters, number, token);
    }
    if (rc != SQLITE_OK)
        parameters_clear(parameters);
    return rc;
}

/* ---- names ---- */

static bool is_column(const char *name, const char *const *columns, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (sqlite3_stricmp(columns[i], name) == 0)
            return true;
    }
    return false;
}

static bool is_taken(const struct parameters *parameters, unsigned before, const char *name,
                     const char *const *columns, unsigned count)
{
    for (unsigned i = 0; i < before; i++) {
        if (sqlite3_stricmp(parameters->list[i].name, name) == 0)
            return true;
    }
    return is_column(name, columns, count);
}

static char *plain_name(const struct parameter *parameter)
{
    if (parameter->text[0] == '?')
        return sqlite3_mprintf("p%d", parameter->number);
    return sqlite3_mprintf("%s", parameter->text + 1);
}

static char *name_one(const struct parameters *parameters, unsigned index,
                      const char *const *columns, unsigned count)
{
    const struct parameter *parameter = &parameters->list[index];
    char *name = plain_name(parameter);
    if (name != NULL && is_column(name, columns, count)) {
        sqlite3_free(name);
        name = sqlite3_mprintf("%s", parameter->text);
    }
    char *base = name;
    for (int suffix = 1; name != NULL && is_taken(parameters, index, name, columns, count);
         suffix++) {
        if (name != base)
            sqlite3_free(name);
        name = sqlite3_mprintf("%s:%d", base, suffix);
    }
    if (name != base)
        sqlite3_free(base);
    return name;
}

int parameters_name(struct parameters *parameters, const char *const *columns, unsigned count)
{
    for (unsigned i = 0; i < parameters->count; i++) {
        sqlite3_free(parameters->list[i].name);
        parameters->list[i].name = NULL;
    }
    for (unsigned i = 0; i < parameters->count; i++) {
        parameters->list[i].name = name_one(parameters, i, columns, count);
        if (parameters->list[i].name == NULL)
            return SQLITE_NOMEM;
    }
    return SQLITE_OK;
}

void parameters_clear(struct parameters *parameters)
{
    for (unsigned i = 0; i < parameters->count; i++) {
        memory_free(parameters->list[i].text);
        sqlite3_free(parameters->list[i].name);
    }
    memory_free(parameters->list);
    *parameters = (struct parameters){0};
}
