/*
** A string that grows. The caller owns it, starts it as {0} and ends it with text_free(); `data`
** is NULL while nothing was added. Out of memory ends the test program.
*/
#ifndef DIFFERENTIAL_TEXT_H
#define DIFFERENTIAL_TEXT_H

#include <stddef.h>

#include <sqlite3.h>

struct text {
    char *data;
    size_t length;
    size_t capacity;
};

void text_bytes(struct text *text, const char *bytes, size_t count);
void text_add(struct text *text, const char *words);
__attribute__((format(printf, 2, 3))) void text_format(struct text *text, const char *format, ...);

/* The value as an SQL literal, which tells apart every two values that differ in type or bytes. */
void text_value(struct text *text, sqlite3_value *value);

/* A name in double quotes. */
void text_name(struct text *text, const char *name);

void text_clear(struct text *text);
void text_free(struct text *text);

/* Like realloc() and strdup(), for a program that can only stop when memory is short. */
void *must_resize(void *block, size_t size);
char *must_copy(const char *words);

/* Adds the template (templates.h) with @ replaced by `source`, # by the column and $1, $2 by
** operands. */
void text_expand(struct text *text, const char *template, const char *source, const char *column,
                 const char *const operand[2]);

#endif
