/*
** What a statement gave: its rows as text (each cell an SQL literal), its columns, or its error. The
** caller owns a result, starts it as {0} and ends it with result_free().
*/
#ifndef DIFFERENTIAL_RESULT_H
#define DIFFERENTIAL_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

struct result {
    int code; /* SQLITE_DONE, or the error */
    char message[200];
    int rows;
    struct text body;    /* one line per row */
    struct text columns; /* names and declared types */
    struct text names;
};

/* How cells are written. RESULT_JSON puts each cell on a line and writes it as JSON can carry it. */
enum result_form { RESULT_ROWS, RESULT_JSON };

/* Appends all rows of a prepared and bound statement, and resets it. */
void result_read(struct result *result, sqlite3_stmt *statement, enum result_form form);

/* Notes the columns of a prepared statement. */
void result_columns(struct result *result, sqlite3_stmt *statement);

/* Notes that a statement could not be prepared. */
void result_error(struct result *result, sqlite3 *db, int code);

bool result_same_order(const struct result *left, const struct result *right);

/* The same rows, in any order. */
bool result_same_rows(const struct result *left, const struct result *right);

/* For a report: the rows, or the error. */
void result_print(struct text *text, const struct result *result);

void result_free(struct result *result);

#endif
