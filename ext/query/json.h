/*
** JSON text for rows and parameters, as SQLite's own JSON functions write it: NULL is null, an
** infinite real 9.0e+999 (or with a minus). A real is written with a point or an exponent, as few
** digits as read back the same number (-0.0 is 0.0). A blob, which SQLite's refuse, is hex text.
*/
#ifndef QUERYCACHE_QUERY_JSON_H
#define QUERYCACHE_QUERY_JSON_H

#include "base/json_string.h"
#include "store/result.h"

/* Add one value. */
void json_add_cell(struct buffer *buffer, struct cell cell);

/* Add one row as an object: {"name":value,…}. `names` are the columns' names, unique. */
void json_add_row(struct buffer *buffer, const struct result *result, uint64_t row,
                  const char *const *names);

#endif
