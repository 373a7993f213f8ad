#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must_resize(void *block, size_t size)
{
    void *bigger = realloc(block, size);
    if (bigger == NULL) {
        puts("Bail out! out of memory");
        exit(1);
    }
    return bigger;
}

char *must_copy(const char *words)
{
    size_t size = strlen(words) + 1;
    return memcpy(must_resize(NULL, size), words, size);
}

/* Room for `count` more bytes and a zero. */
static void reserve(struct text *text, size_t count)
{
    if (text->length + count + 1 <= text->capacity)
        return;
    text->capacity = 2 * (text->length + count + 1);
    text->data = must_resize(text->data, text->capacity);
}

void text_bytes(struct text *text, const char *bytes, size_t count)
{
    reserve(text, count);
    if (count > 0)
        memcpy(text->data + text->length, bytes, count);
    text->length += count;
    text->data[text->length] = 0;
}

void text_add(struct text *text, const char *words)
{
    text_bytes(text, words, strlen(words));
}

void text_format(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *words = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    text_add(text, words ? words : "(out of memory)");
    sqlite3_free(words);
}

static void add_hex(struct text *text, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    reserve(text, 2 * count + 3);
    text_add(text, "X'");
    for (size_t i = 0; i < count; i++) {
        char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        text_bytes(text, pair, 2);
    }
    text_add(text, "'");
}

static void add_string(struct text *text, const char *words, size_t count)
{
    /* A zero byte cannot stand in a literal. */
    if (count > 0 && memchr(words, 0, count) != NULL) {
        text_add(text, "CAST(");
        add_hex(text, (const unsigned char *)words, count);
        text_add(text, " AS TEXT)");
        return;
    }
    text_add(text, "'");
    for (size_t i = 0; i < count; i++)
        text_bytes(text, words[i] == '\'' ? "''" : words + i, words[i] == '\'' ? 2 : 1);
    text_add(text, "'");
}

static void add_real(struct text *text, double number)
{
    char digits[40];
    snprintf(digits, sizeof(digits), "%.17g", number);
    text_add(text, digits);
    if (strpbrk(digits, ".eni") == NULL)
        text_add(text, ".0");
}

void text_value(struct text *text, sqlite3_value *value)
{
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        text_format(text, "%lld", (long long)sqlite3_value_int64(value));
        break;
    case SQLITE_FLOAT:
        add_real(text, sqlite3_value_double(value));
        break;
    case SQLITE_TEXT: {
        const char *words = (const char *)sqlite3_value_text(value);
        add_string(text, words, (size_t)sqlite3_value_bytes(value));
        break;
    }
    case SQLITE_BLOB: {
        const unsigned char *bytes = sqlite3_value_blob(value);
        add_hex(text, bytes, (size_t)sqlite3_value_bytes(value));
        break;
    }
    default:
        text_add(text, "NULL");
    }
}

void text_name(struct text *text, const char *name)
{
    text_add(text, "\"");
    for (; *name; name++)
        text_bytes(text, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1);
    text_add(text, "\"");
}

void text_clear(struct text *text)
{
    text->length = 0;
    if (text->data != NULL)
        text->data[0] = 0;
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

void text_expand(struct text *text, const char *template, const char *source, const char *column,
                 const char *const operand[2])
{
    for (const char *p = template; *p; p++) {
        if (*p == '@')
            text_add(text, source);
        else if (*p == '#')
            text_name(text, column);
        else if (*p == '$')
            text_add(text, operand[*++p - '1']);
        else
            text_bytes(text, p, 1);
    }
}
