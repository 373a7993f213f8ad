#include "read/cells.h"

void cell_give_any(sqlite3_context *context, const struct column *column, uint64_t row)
{
    cell_give(context, result_any_cell(column, row));
}
