#include "query/normalize.h"

#include "base/buffer.h"
#include "base/sqlite.h"
#include "query/token.h"

static struct token token_after(struct token token)
{
    return token_read_solid(token.text + token.size);
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
    const char *end;  /* behind the last token that is no semicolon */
    bool keep_spaces; /* spaces and comments may change the rows */
};

/*
** An expression without AS names its column after its own text, spaces and comments included. A
** query around it can refer to that name: (SELECT a+b …) has a column "a+b", but not "a +b",
** which SQLite then takes for a string. NATURAL and USING compare such names. This is rare, so
** that it is enough to recognize what might be such a reference, and to leave these texts' spaces
** alone; and those of a text that SQLite refuses.
*/
static struct survey survey_sql(const char *sql)
{
    struct survey survey = {.end = sql};
    unsigned selects = 0;
    bool compares = false; /* USING came by */
    bool refers = false;
    struct token previous = {.type = TOKEN_END};
    for (struct token token = token_read_solid(sql); token.type != TOKEN_END;
         token = token_after(token)) {
        if (token_is_word(token, "select"))
            selects++;
        else if (token_is_word(token, "using"))
            compares = true;
        else if (token_is_word(token, "natural"))
            refers = true;
        else if (token.type == TOKEN_QUOTED)
            refers = refers || !quotes_plain_name(token);
        else if (token.type == TOKEN_STRING && (compares || is_operator(previous, '.')))
            refers = refers || !quotes_plain_name(token);
        else if (token.type == TOKEN_ILLEGAL)
            survey.keep_spaces = true;
        if (token.type != TOKEN_SEMICOLON)
            survey.end = token.text + token.size;
        previous = token;
    }
    if (selects > 1 && refers)
        survey.keep_spaces = true;
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

/* SQLite compares every bare word without regard to the case of ASCII letters, and only of those.
 */
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
    for (struct token token = token_read_solid(sql); token.text < survey.end;
         token = token_after(token)) {
        if (previous.type == TOKEN_END && token.type == TOKEN_SEMICOLON)
            continue;
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
