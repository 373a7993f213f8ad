#include "query/json.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sqlite.h"

/* Room for a real in any of the forms below: a sign, 17 digits after leading zeros, an exponent. */
#define REAL_CAPACITY 64
#define EXPONENT_CAPACITY 16

static void add_hex(struct buffer *buffer, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    buffer_add_char(buffer, '"');
    for (size_t i = 0; i < size; i++) {
        buffer_add_char(buffer, digits[bytes[i] >> 4]);
        buffer_add_char(buffer, digits[bytes[i] & 0x0F]);
    }
    buffer_add_char(buffer, '"');
}

/*
** The number that a decimal text stands for. What the decimal point is, strtod() asks the process's
** locale; so it gets the text without one, and the exponent lower by the digits behind it.
*/
static double read_real(const char *text)
{
    char number[REAL_CAPACITY + EXPONENT_CAPACITY];
    size_t size = 0;
    int exponent = 0;
    bool fraction = false;
    for (; *text != 0 && *text != 'e' && size < REAL_CAPACITY; text++) {
        if ((*text >= '0' && *text <= '9') || *text == '-') {
            number[size++] = *text;
            exponent -= fraction;
        } else {
            fraction = true;
        }
    }
    if (*text == 'e')
        exponent += (int)strtol(text + 1, NULL, 10);
    sqlite3_snprintf(EXPONENT_CAPACITY, number + size, "e%d", exponent);
    return strtod(number, NULL);
}

/* 17 digits as libc computes them, which always suffice; its decimal point is the locale's. */
static void add_exact(struct buffer *buffer, double value)
{
    char text[REAL_CAPACITY];
    snprintf(text, sizeof text, "%.16e", value);
    const char *first = text + strcspn(text, "0123456789");
    const char *rest = first + 1 + strcspn(first + 1, "0123456789");
    buffer_add(buffer, text, (size_t)(first - text) + 1);
    buffer_add_char(buffer, '.');
    buffer_add_text(buffer, rest);
}

/*
** 15 digits are what people expect to see of 0.1. Where they are not enough 17 are, but some
** versions of SQLite miss the last one, most of all on platforms without a long double.
*/
static void add_finite(struct buffer *buffer, double value)
{
    static const char *const formats[] = {"%!.15g", "%!.17g"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        char text[REAL_CAPACITY];
        sqlite3_snprintf(sizeof text, text, formats[i], value);
        if (read_real(text) == value) {
            buffer_add_text(buffer, text);
            return;
        }
    }
    add_exact(buffer, value);
}

static void add_real(struct buffer *buffer, double value)
{
    if (isnan(value)) /* SQLite has none; they are NULL there */
        buffer_add_text(buffer, "null");
    else if (isinf(value))
        buffer_add_text(buffer, value > 0 ? "9.0e+999" : "-9.0e+999");
    else
        add_finite(buffer, value);
}

static void add_integer(struct buffer *buffer, int64_t value)
{
    char text[24];
    sqlite3_snprintf(sizeof text, text, "%lld", (long long)value);
    buffer_add_text(buffer, text);
}

void json_add_cell(struct buffer *buffer, struct cell cell)
{
    switch (cell.type) {
    case CELL_NULL:
        buffer_add_text(buffer, "null");
        break;
    case CELL_INTEGER:
        add_integer(buffer, cell.integer);
        break;
    case CELL_REAL:
        add_real(buffer, cell.real);
        break;
    case CELL_TEXT:
        json_add_string(buffer, cell.bytes, cell.size);
        break;
    case CELL_BLOB:
        add_hex(buffer, cell.bytes, cell.size);
        break;
    }
}

void json_add_row(struct buffer *buffer, const struct result *result, uint64_t row,
                  const char *const *names)
{
    unsigned columns = result_columns(result);
    buffer_add_char(buffer, '{');
    for (unsigned i = 0; i < columns; i++) {
        if (i > 0)
            buffer_add_char(buffer, ',');
        json_add_string(buffer, names[i], strlen(names[i]));
        buffer_add_char(buffer, ':');
        json_add_cell(buffer, result_cell(result, row, i));
    }
    buffer_add_char(buffer, '}');
}
