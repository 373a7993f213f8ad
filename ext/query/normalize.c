#include "query/normalize.h"

#include <stdbool.h>
#include <string.h>

#include "base/buffer.h"
#include "base/sqlite.h"
#include "query/token.h"

static struct token token_after(struct token token)
{
    return token_next(token);
}

static bool is_operator(struct token token, char c)
{
    return token.type == TOKEN_OPERATOR && token.size == 1 && token.text[0] == c;
}

/* A word that can be a whole expression without naming a column. */
static bool is_value_word(struct token token)
{
    static const char *const words[] = {"null",         "true",         "false",
                                        "current_date", "current_time", "current_timestamp"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (token_is_word(token, words[i]))
            return true;
    }
    return false;
}

/* What stands in the quotes is an ordinary name, so that it cannot be the text of an expression. */
static bool quotes_plain_name(struct token token)
{
    struct token inner = token_read(token.text + 1);
    return inner.type == TOKEN_WORD && inner.size == token.size - 2 && !is_value_word(inner);
}

/* What normalizing has to know about the whole text before it writes the first token. */
struct survey {
    const char *start; /* the first token that is no semicolon */
    const char *end;   /* behind the last one */
    bool keep_spaces;  /* spaces and comments may change the rows */
};

/*
** An expression without AS names its column after its own text, spaces and comments included. A
** query around it can refer to that name: (SELECT a+b …) has a column "a+b", but not "a +b",
** which SQLite then takes for a string. NATURAL and USING compare such names. This is rare, so
** that it is enough to recognize what might be such a reference: a token that may be one, given
** what came before.
*/
static bool may_refer_to_text(struct token previous, struct token token, bool after_using)
{
    if (token.type == TOKEN_STRING && !after_using && !is_operator(previous, '.'))
        return false;
    if (token.type == TOKEN_STRING || token.type == TOKEN_QUOTED)
        return !quotes_plain_name(token);
    return token_is_word(token, "natural");
}

/* A byte order mark between tokens is a name to SQLite 3.34, and white space to later versions; one
** within a token does no harm here. */
static bool has_byte_order_mark(const char *start, const char *end)
{
    const char *mark = strstr(start, "\xEF\xBB\xBF");
    return mark != NULL && mark < end;
}

static struct survey survey_sql(const char *sql)
{
    struct survey survey = {.start = sql, .end = sql};
    unsigned selects = 0;
    bool after_using = false;
    bool refers = false;
    bool illegal = false;
    struct token previous = {.type = TOKEN_END};
    for (struct token token = token_read_solid(sql); token.type != TOKEN_END;
         token = token_after(token)) {
        if (token.type == TOKEN_SEMICOLON)
            continue;
        if (previous.type == TOKEN_END)
            survey.start = token.text;
        survey.end = token.text + token.size;
        selects += token_is_word(token, "select");
        after_using = after_using || token_is_word(token, "using");
        refers = refers || may_refer_to_text(previous, token, after_using);
        illegal = illegal || token.type == TOKEN_ILLEGAL;
        previous = token;
    }
    survey.keep_spaces =
        illegal || (selects > 1 && refers) || has_byte_order_mark(survey.start, survey.end);
    return survey;
}

/* SQLite takes the length as an int; no keyword is nearly that long. */
static bool is_keyword(struct token token)
{
    return token.size < 100 && sqlite3_keyword_check(token.text, (int)token.size);
}

/* No space is written between the two, and none is needed to keep them apart. */
static bool stands_close(struct token previous, struct token token)
{
    if (is_operator(previous, '('))
        return true;
    if (is_operator(previous, '.'))
        return token.text[0] < '0' || token.text[0] > '9';
    if (is_operator(token, ')') || is_operator(token, ',') || token.type == TOKEN_SEMICOLON)
        return true;
    if (is_operator(token, '.'))
        return previous.type != TOKEN_NUMBER;
    if (is_operator(token, '('))
        return previous.type == TOKEN_QUOTED ||
               (previous.type == TOKEN_WORD && !is_keyword(previous));
    return false;
}

/* SQLite compares bare words without regard to the case of ASCII letters, and of no others. */
static void add_folded(struct buffer *buffer, struct token token)
{
    if (token.type != TOKEN_WORD) {
        buffer_add(buffer, token.text, token.size);
        return;
    }
    for (size_t i = 0; i < token.size; i++) {
        char c = token.text[i];
        buffer_add_char(buffer, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
}

char *normalize_sql(const char *sql)
{
    struct survey survey = survey_sql(sql);
    struct buffer normal = {0};
    struct token previous = {.type = TOKEN_END};
    for (struct token token = token_read_solid(survey.start); token.text < survey.end;
         token = token_after(token)) {
        if (previous.type != TOKEN_END) {
            const char *gap = previous.text + previous.size;
            if (survey.keep_spaces)
                buffer_add(&normal, gap, (size_t)(token.text - gap));
            else if (!stands_close(previous, token))
                buffer_add_char(&normal, ' ');
        }
        add_folded(&normal, token);
        previous = token;
    }
    return buffer_take(&normal);
}
