/*
** What cached queries are asked with: literals, the same for the SELECT and for its cached table.
*/
#ifndef DIFFERENTIAL_VALUES_H
#define DIFFERENTIAL_VALUES_H

#include "random.h"
#include "world.h"

/* Chooses a literal for each parameter. A query meets few sets of values, so that there is
** something to find in the store. */
void values_choose(const struct query *query, struct random *random,
                   const char *values[PARAMETERS]);

/* Binds them, by position in the SELECT or, where `cached`, in the order of its parameters. */
void values_bind(const struct query *query, const char *const values[PARAMETERS],
                 sqlite3_stmt *statement, bool cached);

#endif
