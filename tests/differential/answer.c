#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
** JSON has no blobs, which cache_query() writes in hex; its reals may be rounded; and SQLite's JSON
** functions read text up to its first zero byte.
*/
static void add_json_cell(struct text *body, sqlite3_value *value)
{
    int type = sqlite3_value_type(value);
    if (type == SQLITE_FLOAT) {
        text_format(body, "%.12g (real)", sqlite3_value_double(value));
    } else if (type == SQLITE_BLOB) {
        const unsigned char *bytes = sqlite3_value_blob(value);
        int count = sqlite3_value_bytes(value);
        text_add(body, "'");
        for (int i = 0; i < count; i++)
            text_format(body, "%02X", bytes[i]);
        text_add(body, "'");
    } else if (type == SQLITE_TEXT) {
        text_format(body, "'%s'", (const char *)sqlite3_value_text(value));
    } else {
        text_value(body, value);
    }
}

static void add_row(struct answer *answer, sqlite3_stmt *statement, enum answer_form form)
{
    int columns = sqlite3_column_count(statement);
    for (int i = 0; i < columns; i++) {
        sqlite3_value *value = sqlite3_column_value(statement, i);
        if (form == ANSWER_JSON) {
            add_json_cell(&answer->body, value);
            text_add(&answer->body, "\n");
        } else {
            text_value(&answer->body, value);
            text_add(&answer->body, i + 1 < columns ? "|" : "\n");
        }
    }
    answer->rows++;
}

void answer_error(struct answer *answer, sqlite3 *db, int code)
{
    answer->code = code;
    snprintf(answer->message, sizeof(answer->message), "%s", sqlite3_errmsg(db));
}

void answer_columns(struct answer *answer, sqlite3_stmt *statement)
{
    text_clear(&answer->columns);
    text_clear(&answer->names);
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        const char *type = sqlite3_column_decltype(statement, i);
        text_name(&answer->names, sqlite3_column_name(statement, i));
        text_name(&answer->columns, sqlite3_column_name(statement, i));
        text_format(&answer->columns, " %s, ", type ? type : "");
    }
}

void answer_read(struct answer *answer, sqlite3_stmt *statement, enum answer_form form)
{
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        add_row(answer, statement, form);
    answer_error(answer, sqlite3_db_handle(statement), code);
    /* Only now: a statement prepared under an old schema was prepared again by its first step. */
    answer_columns(answer, statement);
    sqlite3_reset(statement);
}

static const char *body_of(const struct answer *answer)
{
    return answer->body.data ? answer->body.data : "";
}

bool answer_same_order(const struct answer *left, const struct answer *right)
{
    return left->rows == right->rows && strcmp(body_of(left), body_of(right)) == 0;
}

static int compare_lines(const void *left, const void *right)
{
    const char *const *l = left, *const *r = right;
    return strcmp(*l, *r);
}

/* The lines of a copy of the body, sorted. Caller frees both. */
static char **sorted_lines(const struct answer *answer, char **copy, size_t *count)
{
    *copy = must_copy(body_of(answer));
    *count = 0;
    for (const char *p = *copy; *p; p++)
        *count += *p == '\n';
    char **lines = must_resize(NULL, (*count + 1) * sizeof(*lines));
    char *line = *copy;
    for (size_t i = 0; i < *count; i++) {
        lines[i] = line;
        line = strchr(line, '\n');
        *line++ = 0;
    }
    qsort(lines, *count, sizeof(*lines), compare_lines);
    return lines;
}

bool answer_same_rows(const struct answer *left, const struct answer *right)
{
    if (left->rows != right->rows || left->body.length != right->body.length)
        return false;
    char *left_copy, *right_copy;
    size_t left_count, right_count;
    char **left_lines = sorted_lines(left, &left_copy, &left_count);
    char **right_lines = sorted_lines(right, &right_copy, &right_count);
    bool same = left_count == right_count;
    for (size_t i = 0; same && i < left_count; i++)
        same = strcmp(left_lines[i], right_lines[i]) == 0;
    free(left_lines);
    free(right_lines);
    free(left_copy);
    free(right_copy);
    return same;
}

void answer_print(struct text *text, const struct answer *answer)
{
    if (answer->code != SQLITE_DONE) {
        text_format(text, "#     error %d: %s\n", answer->code, answer->message);
        return;
    }
    text_format(text, "#     columns: %s\n#     %d rows\n",
                answer->columns.data ? answer->columns.data : "", answer->rows);
    for (const char *line = body_of(answer); *line;) {
        int length = (int)strcspn(line, "\n");
        text_format(text, "#     %.*s\n", length, line);
        line += length + 1;
    }
}

void answer_free(struct answer *answer)
{
    text_free(&answer->body);
    text_free(&answer->columns);
    text_free(&answer->names);
}
