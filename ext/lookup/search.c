#include "lookup/search.h"

#define A_NUMBER (CONTENT_INTEGER | CONTENT_REAL)
#define A_NUMBER_IN_TEXT (CONTENT_WHOLE | CONTENT_DECIMAL)

/* The value as a cell, which lives as long; false when memory is short. */
static bool cell_of(sqlite3_value *value, struct cell *cell)
{
    *cell = (struct cell){.type = CELL_NULL};
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        cell->type = CELL_INTEGER;
        cell->integer = sqlite3_value_int64(value);
        return true;
    case SQLITE_FLOAT:
        cell->type = CELL_REAL;
        cell->real = sqlite3_value_double(value);
        return true;
    case SQLITE_TEXT:
        cell->type = CELL_TEXT;
        cell->bytes = sqlite3_value_text(value);
        break;
    case SQLITE_BLOB:
        cell->type = CELL_BLOB;
        cell->bytes = sqlite3_value_blob(value);
        break;
    default:
        return true;
    }
    cell->size = (size_t)sqlite3_value_bytes(value);
    return cell->bytes != NULL || (cell->type == CELL_BLOB && cell->size == 0);
}

/* A decimal text as the number that SQLite makes of it: of the value, too, which is xFilter's to
** convert. Where it turns out to be no number after all, the text stays. */
static void convert(sqlite3_value *value, struct cell *cell)
{
    if ((index_content(*cell) & CONTENT_DECIMAL) != 0 &&
        sqlite3_value_numeric_type(value) != SQLITE_TEXT)
        cell_of(value, cell);
}

bool search_equal(const struct index *index, const struct result *result, enum affinity affinity,
                  sqlite3_value *value, struct span *span)
{
    struct cell cell;
    if (!cell_of(value, &cell))
        return false;
    *span = (struct span){0, 0};
    if (cell.type == CELL_NULL)
        return true;
    unsigned content = index_content(cell);
    if (affinity == AFFINITY_TEXT && ((content | index->contents) & CONTENT_REAL) != 0)
        return false;
    if ((index->contents & CONTENT_DECIMAL) != 0 && (content & (A_NUMBER | A_NUMBER_IN_TEXT)) != 0)
        return false;
    convert(value, &cell);
    *span = index_equal(index, result, index_fold(cell));
    return true;
}

bool search_among(const struct index *index, const struct result *result, enum affinity affinity,
                  sqlite3_value *value, struct span *span)
{
    /* The column's cells are made reals then, which whole numbers may not be exactly. */
    if (affinity == AFFINITY_REAL && (index->contents & (CONTENT_INTEGER | CONTENT_WHOLE)) != 0)
        return false;
    return search_equal(index, result, affinity, value, span);
}

/* Whether the order of the index is the one in which SQLite compares the column's cells. */
static bool is_ordered_so(const struct index *index, enum affinity affinity)
{
    unsigned contents = index->contents;
    if (affinity_is_numeric(affinity))
        return (contents & CONTENT_DECIMAL) == 0 &&
               (index->order.folded || (contents & CONTENT_WHOLE) == 0);
    return (contents & A_NUMBER_IN_TEXT) == 0 &&
           (affinity != AFFINITY_TEXT || (contents & A_NUMBER) == 0);
}

/* The value as SQLite compares it with such a column, whatever it is converted to. */
static bool end_of(sqlite3_value *value, enum affinity affinity, unsigned contents,
                   struct cell *cell)
{
    if (!cell_of(value, cell))
        return false;
    unsigned content = index_content(*cell);
    /* Ranges of texts are also what SQLite makes of LIKE and GLOB, which match a blob or a number
    ** as the text that it would be; and such a range it does not compare again. */
    if (content == CONTENT_TEXT && (contents & (A_NUMBER | CONTENT_BLOB)) != 0)
        return false;
    if (affinity_is_numeric(affinity)) {
        convert(value, cell);
        *cell = index_fold(*cell);
        return true;
    }
    return (content & A_NUMBER_IN_TEXT) == 0 &&
           (affinity != AFFINITY_TEXT || (content & A_NUMBER) == 0);
}

bool search_range(const struct index *index, const struct result *result, enum affinity affinity,
                  struct search_end lower, struct search_end upper, struct span *span)
{
    struct cell cell;
    *span = (struct span){0, index->count};
    if (lower.value == NULL && upper.value == NULL)
        return true;
    *span = index_values(index, result);
    if (!is_ordered_so(index, affinity))
        return false;
    if (lower.value != NULL) {
        if (!end_of(lower.value, affinity, index->contents, &cell))
            return false;
        span->begin = cell.type == CELL_NULL ? index->count
                      : lower.strict         ? index_after(index, result, cell)
                                             : index_from(index, result, cell);
    }
    if (upper.value != NULL) {
        if (!end_of(upper.value, affinity, index->contents, &cell))
            return false;
        span->end = cell.type == CELL_NULL ? 0
                    : upper.strict         ? index_from(index, result, cell)
                                           : index_after(index, result, cell);
    }
    if (span->end < span->begin)
        span->end = span->begin;
    return true;
}
