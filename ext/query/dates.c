#include "query/dates.h"

#include <string.h>

#include "base/databases.h"
#include "base/sql.h"
#include "coherence/database.h"
#include "coherence/schema.h"
#include "query/token.h"

/* The functions with the place of their first modifier, counted from 0. */
static const struct date_function {
    const char *name;
    int first_modifier;
} functions[] = {
    {"date", 1}, {"time", 1}, {"datetime", 1}, {"julianday", 1}, {"strftime", 2}, {"unixepoch", 1},
};
#define STRFTIME "strftime"

/* ---- one call ---- */

static bool spells(struct token token, size_t quotes, const char *word)
{
    return token.size == strlen(word) + 2 * quotes &&
           sqlite3_strnicmp(token.text + quotes, word, (int)strlen(word)) == 0;
}

/* A name in front of its arguments, in quotes or without. */
static const struct date_function *called(struct token name)
{
    if ((name.type != TOKEN_WORD && name.type != TOKEN_QUOTED) ||
        !token_is_operator(token_next(name), '('))
        return NULL;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (spells(name, name.type == TOKEN_QUOTED, functions[i].name))
            return &functions[i];
    }
    return NULL;
}

/* A literal that does not name the zone. */
static bool is_harmless(struct token token)
{
    return token.type == TOKEN_NUMBER ||
           (token.type == TOKEN_STRING && memchr(token.text + 1, '\'', token.size - 2) == NULL &&
            !spells(token, 1, "localtime") && !spells(token, 1, "utc"));
}

static void read_call(const struct date_function *function, struct token name, struct dates *dates)
{
    struct token token = token_next(token_next(name));
    struct token last = token;
    int depth = 1;
    int argument = 0;
    int tokens = 0; /* of the argument */
    for (; depth > 0 && token.type != TOKEN_END; token = token_next(token)) {
        depth += token_is_operator(token, '(') - token_is_operator(token, ')');
        if (depth > 1 || (depth == 1 && !token_is_operator(token, ','))) {
            tokens++;
            last = token;
            continue;
        }
        if (argument >= function->first_modifier && (tokens != 1 || !is_harmless(last)))
            dates->zone = true;
        argument++;
        tokens = 0;
    }
    if (argument == 1 && strcmp(function->name, STRFTIME) == 0)
        dates->bare_strftime = true;
}

/* ---- texts ---- */

static void read_text(const char *sql, struct dates *dates)
{
    for (struct token token = token_read_solid(sql); token.type != TOKEN_END;
         token = token_next(token)) {
        const struct date_function *function = called(token);
        if (function != NULL)
            read_call(function, token, dates);
    }
}

static int read_views(sqlite3 *db, const char *schema, struct dates *dates)
{
    sqlite3_stmt *views;
    int rc =
        sql_prepare(db, &views, "SELECT sql FROM \"%w\".sqlite_master WHERE type = 'view'", schema);
    while (rc == SQLITE_OK && sqlite3_step(views) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(views, 0);
        if (text != NULL)
            read_text(text, dates);
    }
    int finalized = sqlite3_finalize(views);
    return rc != SQLITE_OK ? rc : finalized;
}

/* A view of temp opens no transaction there. */
static bool is_opened(const struct date_search *search, int index)
{
    for (unsigned i = 0; i < search->opened_count; i++) {
        if (search->opened[i].database == index)
            return true;
    }
    return index == TEMP_DATABASE;
}

/* Which views the query reads, its program does not say. */
int dates_read(const struct date_search *search, struct dates *dates)
{
    struct databases list = databases_of(search->db);
    int rc = SQLITE_OK;
    *dates = (struct dates){.all = search->all};
    read_text(search->sql, dates);
    while (rc == SQLITE_OK && databases_next(&list)) {
        if (search->all || is_opened(search, list.index))
            rc = read_views(search->db, list.name, dates);
        else
            dates->zone = dates->zone || schema_may_have_views(search->db, list.name);
    }
    int ended = databases_end(&list);
    return rc != SQLITE_OK ? rc : ended;
}
