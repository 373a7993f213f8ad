#include "query/options_list.h"

#include "base/error.h"
#include "base/memory.h"
#include "query/token.h"

/* From `from` up to what ends the argument, a comma or the end; false where there is what no option
** may have. */
static bool read_argument(struct token from, struct token *last, struct token *end)
{
    *last = from;
    for (*end = from; end->type != TOKEN_END && end->text[0] != ','; *end = token_next(*end)) {
        if (end->text[0] == '(' || end->text[0] == ')' || end->type == TOKEN_SEMICOLON ||
            end->type == TOKEN_ILLEGAL)
            return false;
        *last = *end;
    }
    return true;
}

int options_split(const char *text, int (*each)(const char *argument, void *context), void *context,
                  char **error)
{
    struct token at = token_read_solid(text);
    struct token end = at;
    int code = SQLITE_OK;
    for (bool more = at.type != TOKEN_END; more && code == SQLITE_OK; at = token_next(end)) {
        struct token last;
        if (!read_argument(at, &last, &end))
            return error_set(error, SQLITE_ERROR,
                             sqlite3_mprintf("the options cannot be %s; they are written as in "
                                             "USING cache((SELECT …), here): ttl = '5 min', "
                                             "max_bytes = '16 MB'",
                                             text));
        size_t size = end.text == at.text ? 0 : (size_t)(last.text + last.size - at.text);
        char *argument = memory_copy_text(at.text, size);
        code = argument != NULL ? each(argument, context) : SQLITE_NOMEM;
        memory_free(argument);
        more = end.type != TOKEN_END;
    }
    return code;
}

struct list {
    struct options *options;
    unsigned given;
    char **error;
};

static int read_option(const char *argument, void *context)
{
    struct list *list = context;
    return options_read(list->options, &list->given, argument, list->error);
}

int options_read_list(struct options *options, const char *text, char **error)
{
    struct list list = {.options = options, .error = error};
    return options_split(text, read_option, &list, error);
}
