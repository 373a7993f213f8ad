#include "values.h"

#include <stdlib.h>
#include <string.h>

/* Small integers most of all: they are what the tables' ids and references are. */
static const char *const parameter_values[] = {
    "1", "2",   "3",   "4",     "5",     "7",     "9",  "12",        "15", "20",
    "5", "5.0", "'5'", "'abc'", "'ABC'", "'b b'", "''", "X'616263'", "-3", "NULL"};
static const char *const words[] = {"'abc'", "'lime'", "'oak'", "'lime OR oak'", "'a*'"};
static const char *const counts[] = {"0", "1", "3", "5", "8"};

void values_choose(const struct query *query, struct random *random, const char *values[PARAMETERS])
{
    static const int sets[] = {0, 0, 0, 0, 1, 1, 2};
    int set = RANDOM_PICK(random, sets);
    struct random of_set = {(uint64_t)set * 1000 + strlen(query->sql)};
    for (int i = 0; i < query->parameters; i++) {
        const char *name = query->names[i];
        random_next(&of_set);
        if (strncmp(name, "word", 4) == 0)
            values[i] = RANDOM_PICK(&of_set, words);
        else if (strncmp(name, "count", 5) == 0)
            values[i] = RANDOM_PICK(&of_set, counts);
        else
            values[i] = RANDOM_PICK(&of_set, parameter_values);
    }
}

/* Binds a literal, by its first letters. */
static void bind_literal(sqlite3_stmt *statement, int position, const char *literal)
{
    int length = (int)strlen(literal);
    if (literal[0] == '\'')
        sqlite3_bind_text(statement, position, literal + 1, length - 2, SQLITE_STATIC);
    else if (literal[0] == 'X')
        sqlite3_bind_blob(statement, position, "abc", 3, SQLITE_STATIC);
    else if (literal[0] == 'N')
        sqlite3_bind_null(statement, position);
    else if (strchr(literal, '.') != NULL)
        sqlite3_bind_double(statement, position, literal[0] == '2' ? 2.5 : 5.0);
    else
        sqlite3_bind_int64(statement, position, strtoll(literal, NULL, 10));
}

void values_bind(const struct query *query, const char *const values[PARAMETERS],
                 sqlite3_stmt *statement, bool cached)
{
    for (int i = 0; i < query->parameters; i++) {
        int position = cached ? i + 1 : query->positions[i];
        if (position <= sqlite3_bind_parameter_count(statement))
            bind_literal(statement, position, values[i]);
    }
}
