#include "read/run.h"

#include "base/memory.h"

int run_bind(sqlite3_stmt *statement, const struct parameters *parameters, sqlite3_value **values)
{
    for (unsigned i = 0; i < parameters->count; i++) {
        int rc = sqlite3_bind_value(statement, parameters->list[i].number, values[i]);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

/* False when memory is short: SQLite then gives NULL for a text or blob that is not empty. */
static _Bool read_bytes(sqlite3_value *value, struct cell *cell)
{
    cell->bytes = cell->type == CELL_TEXT ? sqlite3_value_text(value) : sqlite3_value_blob(value);
    cell->size = (size_t)sqlite3_value_bytes(value);
    return cell->bytes != NULL || (cell->type == CELL_BLOB && cell->size == 0);
}

static _Bool read_cell(sqlite3_value *value, struct cell *cell)
{
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        cell->type = CELL_INTEGER;
        cell->integer = sqlite3_value_int64(value);
        return 1;
    case SQLITE_FLOAT:
        cell->type = CELL_REAL;
        cell->real = sqlite3_value_double(value);
        return 1;
    case SQLITE_TEXT:
        cell->type = CELL_TEXT;
        return read_bytes(value, cell);
    case SQLITE_BLOB:
        cell->type = CELL_BLOB;
        return read_bytes(value, cell);
    default:
        cell->type = CELL_NULL;
        return 1;
    }
}

/* sqlite3_column_…() each take the connection's mutex, which is ours already; sqlite3_value_…() do
** not, and so may be called on a column's value only by who holds it. */
int run_add_row(sqlite3_stmt *statement, struct result_builder *builder, struct cell *row,
                int columns)
{
    for (int i = 0; i < columns; i++) {
        if (!read_cell(sqlite3_column_value(statement, i), &row[i]))
            return SQLITE_NOMEM;
    }
    return result_builder_add(builder, row) ? SQLITE_OK : SQLITE_NOMEM;
}

/* Up to SQLITE_DONE; then SQLITE_OK. */
static int collect(sqlite3_stmt *statement, struct result_builder *builder, _Bool *recompiled)
{
    int columns = sqlite3_column_count(statement);
    int compiled = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 0);
    struct cell *row = memory_alloc_zero((columns > 0 ? (size_t)columns : 1) * sizeof *row);
    if (row == NULL)
        return SQLITE_NOMEM;
    int rc = sqlite3_step(statement);
    *recompiled = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 0) != compiled;
    if ((rc == SQLITE_ROW || rc == SQLITE_DONE) && sqlite3_column_count(statement) != columns)
        rc = SQLITE_SCHEMA;
    while (rc == SQLITE_ROW) {
        rc = run_add_row(statement, builder, row, columns);
        if (rc == SQLITE_OK)
            rc = sqlite3_step(statement);
    }
    memory_free(row);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int run_statement(sqlite3_stmt *statement, const struct parameters *parameters,
                  sqlite3_value **values, struct result **result, _Bool *recompiled)
{
    *result = NULL;
    *recompiled = 0;
    struct result_builder *builder = result_builder_new((unsigned)sqlite3_column_count(statement));
    if (builder == NULL)
        return SQLITE_NOMEM;
    int rc = run_bind(statement, parameters, values);
    if (rc == SQLITE_OK)
        rc = collect(statement, builder, recompiled);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (rc != SQLITE_OK) {
        result_builder_free(builder);
        return rc;
    }
    *result = result_builder_finish(builder);
    return *result != NULL ? SQLITE_OK : SQLITE_NOMEM;
}
