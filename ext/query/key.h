/*
** Keys and parameters. A key is the 128-bit XXH3 over everything that fixes a result: a prefix
** that is computed once per prepared definition, and the typed parameter values. Parameters are
** encoded so that two lists are equal byte for byte exactly when SQLite would treat them alike: 1,
** 1.0 and '1' differ. Thread-safe.
*/
#ifndef QUERYCACHE_QUERY_KEY_H
#define QUERYCACHE_QUERY_KEY_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/sqlite.h"
#include "store/store.h"

/* Add one parameter: a type byte, then 8 bytes of integer or real, or an 8-byte size and the
** bytes of text (UTF-8) or blob. NULL is the type byte alone. */
void key_add_parameter(struct buffer *params, sqlite3_value *value);

/* The value of parameter `index` (from 0), one of those that are there. Its bytes are those of
** `params`. */
struct cell key_parameter(const void *params, unsigned index);

/* The key for a prefix and encoded parameters. */
struct key key_make(struct key prefix, const void *params, size_t params_size);

/* The XXH3 128-bit hash of some bytes, for building a prefix. */
struct key key_hash(const void *bytes, size_t size);

/* 32 hex digits and a zero byte. */
void key_format(struct key key, char out[33]);

/* Read 32 hex digits, whatever their case; false for anything else. */
bool key_parse(const char *text, struct key *key);

/* Encoded parameters as a JSON array in parameter order; caller frees with memory_free(), NULL
** when memory is short. */
char *key_params_json(const void *params, size_t params_size);

#endif
