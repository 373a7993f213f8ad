/* White space in what people write: values of options, settings and rules. In SQL text the token
** reader decides (query/token.h), as SQLite does. */
#ifndef QUERYCACHE_BASE_SPACE_H
#define QUERYCACHE_BASE_SPACE_H

#include <stdbool.h>

/* Whatever the locale. */
static inline bool is_white_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

#endif
