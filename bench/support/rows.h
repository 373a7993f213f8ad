/*
** The rows of a result as an application meets them: one value after the other. Values come from
** SQLite, from finished rows in memory, or from bytes that were fetched; whoever reads them looks
** at each, and may keep a copy as bytes: to put it somewhere, or to compare it.
**
** The bytes are the plainest that can carry a result: the number of columns, and for each value a
** byte for its type and the value as it is in memory. JSON would be several times as slow to read.
*/
#ifndef BENCH_SUPPORT_ROWS_H
#define BENCH_SUPPORT_ROWS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"

/* A value that is neither of these is NULL. */
struct value {
    int type; /* SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_NULL */
    uint32_t size;
    union {
        int64_t integer;
        double real;
        const char *text; /* borrowed; `size` bytes */
    };
};

/* What reading came to. Starts as all zero bytes. */
struct reading {
    uint64_t sum;        /* so that no compiler can leave the reading out */
    struct buffer *copy; /* NULL: nothing is copied */
};

/* Begin a result. */
void rows_begin(struct reading *reading, int columns);

void rows_copy(struct buffer *copy, const struct value *value);

static inline void rows_value(struct reading *reading, const struct value *value)
{
    if (value->type == SQLITE_TEXT)
        reading->sum += value->size + (value->size > 0 ? (unsigned char)value->text[0] : 0);
    else if (value->type != SQLITE_NULL)
        reading->sum += (uint64_t)value->integer; /* or the bits of the real */
    if (reading->copy != NULL)
        rows_copy(reading->copy, value);
}

/* Read all rows of a statement, its parameters bound, and reset it. */
void rows_of_statement(struct reading *reading, sqlite3_stmt *statement);

/* Read rows from their bytes. */
void rows_of_bytes(struct reading *reading, const char *bytes, size_t size);

/* Cut the next value out of bytes, which may be at any address; its text stays where it is.
** Returns the bytes after it. */
static inline const char *rows_next_value(const char *bytes, struct value *value)
{
    value->type = (unsigned char)*bytes++;
    value->size = 0;
    value->integer = 0;
    if (value->type == SQLITE_INTEGER || value->type == SQLITE_FLOAT) {
        memcpy(&value->integer, bytes, sizeof value->integer);
        return bytes + sizeof value->integer;
    }
    if (value->type == SQLITE_TEXT) {
        memcpy(&value->size, bytes, sizeof value->size);
        value->text = bytes + sizeof value->size;
        return value->text + value->size;
    }
    return bytes;
}

#endif
