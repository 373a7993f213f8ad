#include "query/token.h"

#include <string.h>

#include "base/memory.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name_char(char c)
{
    return is_name_start(c) || is_digit(c) || c == '$';
}

/* SQLite passes over a vertical tab inside white space, but refuses one that begins it. */
static bool is_space_start(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool is_space(char c)
{
    return is_space_start(c) || c == '\v';
}

static struct token token_of(enum token_type type, const char *text, size_t size)
{
    return (struct token){.type = type, .text = text, .size = size};
}

static struct token read_space(const char *sql)
{
    size_t size = 1;
    while (is_space(sql[size]))
        size++;
    return token_of(TOKEN_SPACE, sql, size);
}

static struct token read_word(const char *sql)
{
    size_t size = 1;
    while (is_name_char(sql[size]))
        size++;
    return token_of(TOKEN_WORD, sql, size);
}

/* An arrow is one operator since 3.38; before, both readings of it are a syntax error. */
static struct token read_minus(const char *sql)
{
    if (sql[1] == '-')
        return token_of(TOKEN_SPACE, sql, strcspn(sql, "\n"));
    if (sql[1] == '>')
        return token_of(TOKEN_OPERATOR, sql, sql[2] == '>' ? 3 : 2);
    return token_of(TOKEN_OPERATOR, sql, 1);
}

/* A comment may stay unclosed, but an opening that ends the text is two operators. */
static struct token read_slash(const char *sql)
{
    if (sql[1] != '*' || sql[2] == 0)
        return token_of(TOKEN_OPERATOR, sql, 1);
    const char *close = strstr(sql + 2, "*/");
    return token_of(TOKEN_SPACE, sql, close != NULL ? (size_t)(close - sql) + 2 : strlen(sql));
}

/* Text in quotes, where a doubled quote stands for one. */
static struct token read_quoted(const char *sql)
{
    char quote = sql[0];
    for (size_t i = 1; sql[i] != 0; i++) {
        if (sql[i] != quote)
            continue;
        if (sql[i + 1] != quote)
            return token_of(quote == '\'' ? TOKEN_STRING : TOKEN_QUOTED, sql, i + 1);
        i++;
    }
    return token_of(TOKEN_ILLEGAL, sql, strlen(sql));
}

static struct token read_bracketed(const char *sql)
{
    const char *close = strchr(sql, ']');
    if (close == NULL)
        return token_of(TOKEN_ILLEGAL, sql, strlen(sql));
    return token_of(TOKEN_QUOTED, sql, (size_t)(close - sql) + 1);
}

/* x'…'; one with a stray character or half a byte reaches to its closing quote all the same. */
static struct token read_blob(const char *sql)
{
    size_t size = 2;
    while (is_hex_digit(sql[size]))
        size++;
    enum token_type type = sql[size] == '\'' && size % 2 == 0 ? TOKEN_BLOB : TOKEN_ILLEGAL;
    size += strcspn(sql + size, "'");
    return token_of(type, sql, sql[size] != 0 ? size + 1 : size);
}

/* Digits, and the separators between them that SQLite knows since 3.46. An older one refuses a
** number that has any, so that reading it whole can do no harm there. */
static size_t skip_digits(const char *sql, size_t at, bool (*is_one)(char c))
{
    while (is_one(sql[at]) || sql[at] == '_')
        at++;
    return at;
}

static bool is_exponent(const char *text)
{
    if (text[0] != 'e' && text[0] != 'E')
        return false;
    return is_digit(text[1]) || ((text[1] == '+' || text[1] == '-') && is_digit(text[2]));
}

static struct token read_number(const char *sql)
{
    size_t size;
    if (sql[0] == '0' && (sql[1] == 'x' || sql[1] == 'X') && is_hex_digit(sql[2])) {
        size = skip_digits(sql, 3, is_hex_digit);
    } else {
        size = skip_digits(sql, 0, is_digit);
        if (sql[size] == '.')
            size = skip_digits(sql, size + 1, is_digit);
        if (is_exponent(sql + size))
            size = skip_digits(sql, size + 2, is_digit);
    }
    enum token_type type = is_name_char(sql[size]) ? TOKEN_ILLEGAL : TOKEN_NUMBER;
    while (is_name_char(sql[size]))
        size++;
    return token_of(type, sql, size);
}

static struct token read_dot(const char *sql)
{
    return is_digit(sql[1]) ? read_number(sql) : token_of(TOKEN_OPERATOR, sql, 1);
}

static struct token read_numbered_parameter(const char *sql)
{
    size_t size = 1;
    while (is_digit(sql[size]))
        size++;
    return token_of(TOKEN_PARAMETER, sql, size);
}

/* A name after $, @, : or #; like a Tcl variable it may have :: in it and end with (…). */
static struct token read_named_parameter(const char *sql)
{
    bool named = false;
    size_t size = 1;
    for (;;) {
        if (is_name_char(sql[size])) {
            named = true;
            size++;
        } else if (sql[size] == ':' && sql[size + 1] == ':') {
            size += 2;
        } else {
            break;
        }
    }
    if (!named)
        return token_of(TOKEN_ILLEGAL, sql, size);
    if (sql[size] != '(')
        return token_of(TOKEN_PARAMETER, sql, size);
    size++;
    while (sql[size] != 0 && sql[size] != ')' && !is_space(sql[size]))
        size++;
    if (sql[size] != ')')
        return token_of(TOKEN_ILLEGAL, sql, size);
    return token_of(TOKEN_PARAMETER, sql, size + 1);
}

static struct token read_operator(const char *sql)
{
    static const char pairs[][2] = {{'=', '='}, {'<', '='}, {'<', '>'}, {'<', '<'},
                                    {'>', '='}, {'>', '>'}, {'!', '='}, {'|', '|'}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (sql[0] == pairs[i][0] && sql[1] == pairs[i][1])
            return token_of(TOKEN_OPERATOR, sql, 2);
    }
    bool known = strchr("()+*%=<>|,&~", sql[0]) != NULL;
    return token_of(known ? TOKEN_OPERATOR : TOKEN_ILLEGAL, sql, 1);
}

struct token token_read(const char *sql)
{
    switch (sql[0]) {
    case 0:
        return token_of(TOKEN_END, sql, 0);
    case ';':
        return token_of(TOKEN_SEMICOLON, sql, 1);
    case '-':
        return read_minus(sql);
    case '/':
        return read_slash(sql);
    case '\'':
    case '"':
    case '`':
        return read_quoted(sql);
    case '[':
        return read_bracketed(sql);
    case '.':
        return read_dot(sql);
    case '?':
        return read_numbered_parameter(sql);
    case '$':
    case '@':
    case ':':
    case '#':
        return read_named_parameter(sql);
    case 'x':
    case 'X':
        return sql[1] == '\'' ? read_blob(sql) : read_word(sql);
    default:
        break;
    }
    if (is_space_start(sql[0]))
        return read_space(sql);
    if (is_digit(sql[0]))
        return read_number(sql);
    /* A byte order mark is white space where a token may begin, and part of a name within one;
    ** in SQLite 3.34 it is a name in both places. */
    if (strncmp(sql, "\xEF\xBB\xBF", 3) == 0)
        return token_of(TOKEN_SPACE, sql, 3);
    return is_name_start(sql[0]) ? read_word(sql) : read_operator(sql);
}

struct token token_read_solid(const char *sql)
{
    struct token token = token_read(sql);
    while (token.type == TOKEN_SPACE)
        token = token_read(token.text + token.size);
    return token;
}

struct token token_next(struct token token)
{
    return token_read_solid(token.text + token.size);
}

bool token_is_operator(struct token token, char c)
{
    return token.type == TOKEN_OPERATOR && token.size == 1 && *token.text == c;
}

bool token_is_word(struct token token, const char *word)
{
    if (token.type != TOKEN_WORD || strlen(word) != token.size)
        return false;
    for (size_t i = 0; i < token.size; i++) {
        char c = token.text[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != word[i])
            return false;
    }
    return true;
}

char *token_identifier(struct token token)
{
    if (token.type != TOKEN_QUOTED && token.type != TOKEN_STRING)
        return memory_copy_text(token.text, token.size);
    char *name = memory_copy_text(token.text + 1, token.size - 2);
    if (name == NULL)
        return NULL;
    /* A bracketed name ends at its first "]", so that it holds no doubled one. */
    char quote = token.text[token.size - 1];
    char *end = name;
    for (const char *from = name; *from != 0; from++) {
        *end++ = *from;
        if (from[0] == quote && from[1] == quote)
            from++;
    }
    *end = 0;
    return name;
}
