/*
** What a statement gave: its rows as text (each cell an SQL literal), its columns, or its error.
** The caller owns an answer, starts it as {0} and ends it with answer_free().
*/
#ifndef DIFFERENTIAL_ANSWER_H
#define DIFFERENTIAL_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

struct answer {
    int code; /* SQLITE_DONE, or the error */
    char message[2000];
    int rows;
    struct text body;    /* one line per row */
    struct text columns; /* names and declared types */
    struct text names;
};

/* How cells are written. ANSWER_JSON puts each cell on a line and writes it as JSON can carry it.
** */
enum answer_form { ANSWER_ROWS, ANSWER_JSON };

/* Appends all rows of a prepared and bound statement, and resets it. */
void answer_read(struct answer *answer, sqlite3_stmt *statement, enum answer_form form);

/* Notes the columns of a prepared statement. */
void answer_columns(struct answer *answer, sqlite3_stmt *statement);

/* Notes that a statement could not be prepared. */
void answer_error(struct answer *answer, sqlite3 *db, int code);

bool answer_same_order(const struct answer *left, const struct answer *right);

/* The same rows, in any order. */
bool answer_same_rows(const struct answer *left, const struct answer *right);

/* For a report: the rows, or the error. */
void answer_print(struct text *text, const struct answer *answer);

void answer_free(struct answer *answer);

#endif
