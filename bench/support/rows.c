#include "rows.h"

#include "measure.h"

void rows_begin(struct reading *reading, int columns)
{
    if (reading->copy != NULL)
        buffer_add_char(reading->copy, (char)columns);
}

void rows_copy(struct buffer *copy, const struct value *value)
{
    buffer_add_char(copy, (char)value->type);
    if (value->type == SQLITE_TEXT) {
        buffer_add(copy, &value->size, sizeof value->size);
        buffer_add(copy, value->text, value->size);
    } else if (value->type != SQLITE_NULL) {
        buffer_add(copy, &value->integer, sizeof value->integer);
    }
}

static struct value column_of(sqlite3_stmt *statement, int column)
{
    struct value value = {.type = sqlite3_column_type(statement, column)};
    if (value.type == SQLITE_INTEGER) {
        value.integer = sqlite3_column_int64(statement, column);
    } else if (value.type == SQLITE_FLOAT) {
        value.real = sqlite3_column_double(statement, column);
    } else if (value.type == SQLITE_TEXT) {
        value.text = (const char *)sqlite3_column_text(statement, column);
        value.size = (uint32_t)sqlite3_column_bytes(statement, column);
    }
    return value;
}

void rows_of_statement(struct reading *reading, sqlite3_stmt *statement)
{
    int columns = sqlite3_column_count(statement);
    int rc;
    rows_begin(reading, columns);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < columns; i++) {
            struct value value = column_of(statement, i);
            rows_value(reading, &value);
        }
    }
    if (rc != SQLITE_DONE)
        bench_fail(sqlite3_sql(statement), sqlite3_errmsg(sqlite3_db_handle(statement)));
    sqlite3_reset(statement);
}

void rows_of_bytes(struct reading *reading, const char *bytes, size_t size)
{
    const char *end = bytes + size;
    struct value value;
    rows_begin(reading, (unsigned char)*bytes++);
    while (bytes < end) {
        bytes = rows_next_value(bytes, &value);
        rows_value(reading, &value);
    }
}
