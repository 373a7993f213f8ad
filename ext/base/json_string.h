/* JSON strings, as SQLite's json_quote() writes them. */
#ifndef QUERYCACHE_BASE_JSON_STRING_H
#define QUERYCACHE_BASE_JSON_STRING_H

#include "base/buffer.h"

/* Add a JSON string with its quotes; invalid UTF-8 is passed on as it is, as SQLite does. */
void json_add_string(struct buffer *buffer, const char *text, size_t size);

#endif
