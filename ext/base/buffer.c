#include "base/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/sqlite.h"

/* Most texts built here (a JSON row, an error) fit without growing. */
#define FIRST_CAPACITY 64

/* Room for `more` bytes and the zero byte that buffer_take() adds. */
static bool buffer_reserve(struct buffer *buffer, size_t more)
{
    assert(buffer->size <= buffer->capacity);
    if (buffer->failed)
        return false;
    if (more < buffer->capacity - buffer->size)
        return true;
    size_t wanted = buffer->size + 1;
    if (more > SIZE_MAX / 2 - wanted) {
        buffer->failed = true;
        return false;
    }
    wanted += more;
    size_t capacity = buffer->capacity > 0 ? buffer->capacity * 2 : FIRST_CAPACITY;
    if (capacity < wanted)
        capacity = wanted;
    char *bytes = memory_resize(buffer->borrowed ? NULL : buffer->bytes, capacity);
    if (bytes == NULL) {
        buffer->failed = true;
        return false;
    }
    if (buffer->borrowed)
        memcpy(bytes, buffer->bytes, buffer->size);
    buffer->borrowed = false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t size)
{
    assert(bytes != NULL || size == 0);
    if (size == 0 || !buffer_reserve(buffer, size))
        return;
    memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
    assert(text != NULL);
    buffer_add(buffer, text, strlen(text));
}

void buffer_add_char(struct buffer *buffer, char c)
{
    buffer_add(buffer, &c, 1);
}

void buffer_add_format(struct buffer *buffer, const char *format, ...)
{
    if (buffer->failed)
        return;
    va_list arguments;
    va_start(arguments, format);
    char *text = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    if (text == NULL) {
        buffer->failed = true;
        return;
    }
    buffer_add_text(buffer, text);
    sqlite3_free(text);
}

char *buffer_take(struct buffer *buffer)
{
    if (!buffer_reserve(buffer, 0)) {
        buffer_clear(buffer);
        return NULL;
    }
    char *text = buffer->bytes;
    text[buffer->size] = 0;
    if (buffer->borrowed)
        text = memory_copy_text(text, buffer->size);
    *buffer = (struct buffer){0};
    return text;
}

void buffer_clear(struct buffer *buffer)
{
    assert(buffer->size <= buffer->capacity || buffer->capacity == 0);
    if (!buffer->borrowed)
        memory_free(buffer->bytes);
    *buffer = (struct buffer){0};
}
