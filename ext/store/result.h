/*
** A kept result: the rows of one query, by column, immutable and reference counted. An INTEGER
** column is packed to as many bytes as hold its range, REAL are doubles, TEXT and BLOB offsets into
** one heap, NULLs a bit each; a column of mixed types has tagged cells. Reading a cell is O(1). One
** allocation holds a whole result. It knows neither SQLite nor the store.
**
** A result may be read by any number of threads; retain and release are thread-safe. A builder
** belongs to one thread.
*/
#ifndef QUERYCACHE_STORE_RESULT_H
#define QUERYCACHE_STORE_RESULT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum cell_type { CELL_NULL, CELL_INTEGER, CELL_REAL, CELL_TEXT, CELL_BLOB };

/* One value. `bytes` and `size` are for TEXT (UTF-8) and BLOB; they point into whoever gave the
** cell out and live as long as that does. */
struct cell {
    enum cell_type type;
    _Bool terminated; /* of a text that a result gives: a zero byte is behind it, and none in it */
    union {
        int64_t integer;
        double real;
        struct {
            const void *bytes;
            size_t size;
        };
    };
};

/* How a column's cells are kept. Nothing is aligned. */
enum packing {
    PACK_INTEGER, /* what each is above the least value, in `width` bytes */
    PACK_REAL,
    PACK_TEXT,  /* where each begins in the column's heap, in `width` bytes; it ends, with a zero
                  byte, where the next begins */
    PACK_BLOB,  /* likewise, without a zero byte */
    PACK_MIXED, /* eight bytes; text and blob lie in the heap behind their size */
    PACK_NULL,  /* nothing but NULL: no data at all */
};

struct column {
    uint8_t packing;            /* enum packing */
    uint8_t plain;              /* every cell is of the packing's one type */
    uint8_t terminated;         /* no text has a zero byte in it */
    uint8_t width;              /* bytes of a word of data, 1 to 8 */
    const char *data;           /* words of `width` bytes, the least significant one first */
    const unsigned char *marks; /* PACK_MIXED: a tag for each cell; else a bit where it is NULL, and
                                   NULL where none is */
    union {
        int64_t base;     /* integers: the least value */
        const char *heap; /* text, blob and mixed */
    };
};

/* What was made of a result since, and goes with it: the first field of whatever that is. */
struct attachment {
    const struct attachment *next;
};

/* Its fields are for this module, which has them here for result_cell(), a hit's inner loop. */
struct result {
    _Atomic uint64_t references;
    const struct attachment *_Atomic attached;
    _Atomic _Bool claimed; /* somebody makes something to be attached */
    uint64_t rows;
    size_t size;
    unsigned column_count;
    struct column columns[];
};

struct result_builder;

/* A builder for rows of `columns` cells; NULL when memory is short. */
struct result_builder *result_builder_new(unsigned columns);

/* Add a row of `columns` cells; the bytes are copied. False when memory is short: free the
** builder. */
_Bool result_builder_add(struct result_builder *builder, const struct cell *row);

/* Bytes that the finished result would take now, to within a few percent, and never less than its
** heap; for stopping early. Rows so far. */
size_t result_builder_size(const struct result_builder *builder);
uint64_t result_builder_rows(const struct result_builder *builder);

/* Make the result, with one reference, and free the builder in any case; NULL when memory is
** short. */
struct result *result_builder_finish(struct result_builder *builder);

void result_builder_free(struct result_builder *builder);

/* Have the processor fetch the beginning, which is all of a result of a few cells. */
static inline void result_prefetch(const struct result *result)
{
    for (size_t at = 0; at < 128; at += 64)
        __builtin_prefetch((const char *)result + at);
}

struct result *result_retain(struct result *result);
void result_release(struct result *result);

/* Attach what memory_alloc() gave, which the result owns from here on. Thread-safe, as is looking
** through what is attached; nothing is ever taken off. */
void result_attach(struct result *result, struct attachment *attachment);

static inline const struct attachment *result_attached(const struct result *result)
{
    return atomic_load_explicit(&result->attached, memory_order_acquire);
}

/* So that of many who want the same one alone makes it: true for the first, until it gives the
** claim back. */
_Bool result_claim(struct result *result);
void result_give_back(struct result *result);

static inline unsigned result_columns(const struct result *result)
{
    return result->column_count;
}

static inline uint64_t result_rows(const struct result *result)
{
    return result->rows;
}

/* Bytes of the one allocation, with what the allocator needs for it. */
size_t result_size(const struct result *result);

/* ---- reading a cell ---- */

static inline uint64_t result_little_endian(uint64_t word)
{
#if defined __BYTE_ORDER__ && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(word);
#else
    return word;
#endif
}

/* The bits of a word of so many bytes. A table, as shifting takes several times as long. */
extern const uint64_t result_masks[sizeof(uint64_t) + 1];

/* Eight bytes are read whatever the width: a result has as many behind its last section. */
static inline uint64_t result_word(const struct column *column, uint64_t number)
{
    uint64_t word;
    memcpy(&word, column->data + number * column->width, sizeof word);
    return result_little_endian(word) & result_masks[column->width];
}

static inline struct cell result_text(const struct column *column, uint64_t row)
{
    uint64_t begin = result_word(column, row);
    uint64_t end = result_word(column, row + 1);
    return (struct cell){.type = CELL_TEXT,
                         .terminated = column->terminated,
                         .bytes = column->heap + begin,
                         .size = (size_t)(end - begin - 1)};
}

static inline struct cell result_blob(const struct column *column, uint64_t row)
{
    uint64_t begin = result_word(column, row);
    uint64_t end = result_word(column, row + 1);
    return (struct cell){
        .type = CELL_BLOB, .bytes = column->heap + begin, .size = (size_t)(end - begin)};
}

/* Of a plain column: no cell is NULL, nor of another type. */
static inline struct cell result_plain_cell(const struct column *column, uint64_t row)
{
    struct cell cell = {.type = CELL_INTEGER};
    switch (column->packing) {
    case PACK_REAL:
        cell.type = CELL_REAL;
        memcpy(&cell.real, column->data + row * sizeof cell.real, sizeof cell.real);
        return cell;
    case PACK_TEXT:
        return result_text(column, row);
    case PACK_BLOB:
        return result_blob(column, row);
    default:
        /* Unsigned, so that it may wrap: the sum is in range again. */
        cell.integer = (int64_t)((uint64_t)column->base + result_word(column, row));
        return cell;
    }
}

/* Of any column. */
struct cell result_any_cell(const struct column *column, uint64_t row);

/* The cell at row < rows and column < columns. */
static inline struct cell result_cell(const struct result *result, uint64_t row, unsigned number)
{
    const struct column *column = &result->columns[number];
    return column->plain ? result_plain_cell(column, row) : result_any_cell(column, row);
}

#endif
