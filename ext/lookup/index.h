/*
** An index: the rows of a result in the order of one column's cells, as SQLite orders values: NULL,
** numbers, texts, blobs; equal ones in row order. It is attached to its result, goes with it, and
** is immutable, so that any number of threads may search it. It knows cells, and neither SQLite nor
** what a constraint means (lookup/search.h does).
**
** In a folded order a text that is a whole number ('7', ' +07') has the place of that number: as
** SQLite compares where it converts texts. A decimal text ('7.5', '1e3', what no 64 bits hold) it
** would convert as well; but what it makes of it is SQLite's business, so there it stays a text,
** and `contents` says that there are some.
*/
#ifndef QUERYCACHE_LOOKUP_INDEX_H
#define QUERYCACHE_LOOKUP_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/result.h"

/* What the cells of a column are: bits. */
enum contents {
    CONTENT_NULL = 1,
    CONTENT_INTEGER = 2,
    CONTENT_REAL = 4,
    CONTENT_TEXT = 8,     /* of any kind */
    CONTENT_WHOLE = 16,   /* a text that is a whole number */
    CONTENT_DECIMAL = 32, /* a text that is another number */
    CONTENT_BLOB = 64,
};

/* What is ordered, and how. */
struct index_order {
    unsigned column;
    bool nocase; /* texts as NOCASE compares them; else by their bytes */
    bool folded;
};

struct index {
    struct attachment base; /* must be first */
    struct index_order order;
    unsigned contents; /* enum contents */
    uint32_t count;
    uint32_t rows[];
};

/* Where an index has what is looked for. */
struct span {
    uint64_t begin;
    uint64_t end;
};

/* Of an index for so many rows, as memory_footprint() has it; SIZE_MAX where none can be made. */
size_t index_size(uint64_t rows);

/* Attached to nothing yet; NULL when memory is short. Takes 32 bytes a row meanwhile. */
struct index *index_make(const struct result *result, struct index_order order);

/* One that is attached to the result and has this order, be it for what the column has in it; NULL
** when there is none. */
const struct index *index_find(const struct result *result, struct index_order order);

/* The rows whose cells are not NULL. */
struct span index_values(const struct index *index, const struct result *result);

/* Where the cells begin that are no less than the value, or that are greater. What is to be found
** in a folded order has to be folded, too. */
uint64_t index_from(const struct index *index, const struct result *result, struct cell value);
uint64_t index_after(const struct index *index, const struct result *result, struct cell value);

/* Where the cells are that are equal to the value. */
struct span index_equal(const struct index *index, const struct result *result, struct cell value);

/* Where the cells begin that are equal to that at `at`. */
uint64_t index_first_equal(const struct index *index, const struct result *result, uint64_t at);

/* The bit of that cell, and of a text those of what it looks like. */
unsigned index_content(struct cell cell);

/* A text that is a whole number as that number; anything else as it is. */
struct cell index_fold(struct cell cell);

#endif
