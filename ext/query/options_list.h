/*
** Lists of options in one text, as they stand behind the SELECT of USING cache((SELECT …), here):
** "ttl = '5 min', max_bytes = '16 MB'". Thread-safe.
*/
#ifndef QUERYCACHE_QUERY_OPTIONS_LIST_H
#define QUERYCACHE_QUERY_OPTIONS_LIST_H

#include "query/options.h"

/*
** Call `each` for each option of the list, as it stands there, in order; any code but SQLITE_OK
** stops, and is returned. An error, and its text in *error (sqlite3_mprintf), for what would end
** the list in SQL: a parenthesis, a semicolon, a quote that is not closed. Empty text is no option.
*/
int options_split(const char *text, int (*each)(const char *argument, void *context), void *context,
                  char **error);

/* Read them all, as options_read() does one. Where it fails, options_clear() what was read. */
int options_read_list(struct options *options, const char *text, char **error);

#endif
