/*
** Results of one row and one text, which tests of the store can tell apart: the text begins with a
** number, and is as long as asked for (at least the number, less than 4 KB).
*/
#ifndef TESTS_NUMBERED_H
#define TESTS_NUMBERED_H

#include <string.h>

#include "store/result.h"

/* One row of one cell. NULL when memory is short, here and below. */
static inline struct result *result_of_cell(const struct cell *cell)
{
    struct result_builder *builder = result_builder_new(1);
    if (builder == NULL)
        return NULL;
    if (!result_builder_add(builder, cell)) {
        result_builder_free(builder);
        return NULL;
    }
    return result_builder_finish(builder);
}

static inline struct result *make_numbered(unsigned number, size_t size)
{
    char text[4096] = {0};
    memcpy(text, &number, sizeof number);
    return result_of_cell(&(struct cell){.type = CELL_TEXT, .bytes = text, .size = size});
}

static inline unsigned numbered_as(const struct result *result)
{
    unsigned number;
    memcpy(&number, result_cell(result, 0, 0).bytes, sizeof number);
    return number;
}

#endif
