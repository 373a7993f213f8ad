/*
** A kept result: the rows of one query, by column, immutable and reference counted. An INTEGER
** column is packed to the narrowest width that holds its values, REAL are doubles, TEXT and BLOB
** offsets into one heap, NULLs a bit each; a column of mixed types has tagged cells. Reading a cell
** is O(1). One allocation holds a whole result. It knows neither SQLite nor the store.
**
** A result may be read by any number of threads; retain and release are thread-safe. A builder
** belongs to one thread.
*/
#ifndef QUERYCACHE_STORE_RESULT_H
#define QUERYCACHE_STORE_RESULT_H

#include <stddef.h>
#include <stdint.h>

enum cell_type { CELL_NULL, CELL_INTEGER, CELL_REAL, CELL_TEXT, CELL_BLOB };

/* One value. `bytes` and `size` are for TEXT (UTF-8, not zero-terminated) and BLOB; they point into
** whoever gave the cell out and live as long as that does. */
struct cell {
    enum cell_type type;
    union {
        int64_t integer;
        double real;
        struct {
            const void *bytes;
            size_t size;
        };
    };
};

struct result;
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

struct result *result_retain(struct result *result);
void result_release(struct result *result);

unsigned result_columns(const struct result *result);
uint64_t result_rows(const struct result *result);

/* Bytes of the one allocation. */
size_t result_size(const struct result *result);

/* The cell at row < rows and column < columns. */
struct cell result_cell(const struct result *result, uint64_t row, unsigned column);

#endif
