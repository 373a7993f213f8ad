/*
** A byte buffer that grows. An allocation that fails is remembered: later calls do nothing, and
** `failed` tells at the end, so that a caller checks once. Owned by one thread.
*/
#ifndef QUERYCACHE_BASE_BUFFER_H
#define QUERYCACHE_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *bytes;     /* NULL while empty */
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes there are */
    bool failed;     /* an allocation failed; the content is incomplete */
    bool borrowed;   /* `bytes` is the caller's memory */
};

/* A buffer starts as all zero bytes: struct buffer text = {0}; or in memory of the caller's, which
** saves an allocation for what fits there, and has to stay as long as the buffer. */
static inline void buffer_start_in(struct buffer *buffer, char *memory, size_t size)
{
    buffer->bytes = memory;
    buffer->size = 0;
    buffer->capacity = size;
    buffer->failed = false;
    buffer->borrowed = true;
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t size);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_add_char(struct buffer *buffer, char c);

/* Add printf-formatted text (sqlite3_mprintf's formats, %Q and %w included). */
void buffer_add_format(struct buffer *buffer, const char *format, ...);

/* Hand the content over, zero-terminated; NULL when an allocation failed. The caller frees it with
** memory_free(); the buffer is empty afterwards. */
char *buffer_take(struct buffer *buffer);

void buffer_clear(struct buffer *buffer);

#endif
