/*
** Cells: handing values of a result over to SQLite, as a column of a virtual table or the value of
** a function. The inner loop of a hit.
*/
#ifndef QUERYCACHE_READ_CELLS_H
#define QUERYCACHE_READ_CELLS_H

#include "base/lender.h"
#include "base/sqlite.h"
#include "store/result.h"

/* Give a cell. Text and blobs are copied: SQLite may keep them longer than a cursor its result.
** Where SQLite finds the end of a text itself, the copy counts as terminated; else it would be
** terminated, and in older versions moved, when somebody reads it. */
static inline void cell_give(sqlite3_context *context, struct cell cell)
{
    switch (cell.type) {
    case CELL_INTEGER:
        sqlite3_result_int64(context, cell.integer);
        break;
    case CELL_REAL:
        sqlite3_result_double(context, cell.real);
        break;
    case CELL_TEXT:
        if (cell.terminated)
            sqlite3_result_text(context, cell.bytes, -1, SQLITE_TRANSIENT);
        else
            sqlite3_result_text64(context, cell.bytes, cell.size, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case CELL_BLOB:
        sqlite3_result_blob64(context, cell.size > 0 ? cell.bytes : "", cell.size,
                              SQLITE_TRANSIENT);
        break;
    case CELL_NULL:
        sqlite3_result_null(context);
        break;
    }
}

/* The same of a result's cell: the inner loop of a hit. In the first row a short text is lent: to
** copy it SQLite would allocate. In later rows a copy goes where the last one was, and is
** quicker. */
void cell_give_any(sqlite3_context *context, const struct column *column, uint64_t row);

static inline void cell_give_at(sqlite3_context *context, struct lender *lender,
                                const struct result *result, uint64_t row, unsigned number,
                                bool first)
{
    const struct column *column = &result->columns[number];
    if (!column->plain) {
        cell_give_any(context, column, row);
        return;
    }
    struct cell cell = result_plain_cell(column, row);
    if (!first || cell.type != CELL_TEXT || !cell.terminated ||
        !lender_give_text(lender, context, cell.bytes, cell.size))
        cell_give(context, cell);
}

#endif
