/*
** Memory: every allocation of the cache goes through here, so that a test can count it and make it
** fail. Nothing here knows what is allocated. Thread-safe, as the allocator behind it must be.
**
** All functions that allocate return NULL when memory is short; callers turn that into
** SQLITE_NOMEM and leave what they had unharmed.
*/
#ifndef QUERYCACHE_BASE_MEMORY_H
#define QUERYCACHE_BASE_MEMORY_H

#include <stddef.h>

/* What allocates. The default is libc's malloc, realloc and free. */
struct allocator {
    void *(*alloc)(size_t size);
    void *(*resize)(void *block, size_t size);
    void (*release)(void *block);
};

/* Replace the allocator; NULL restores libc's. For tests: call it while nothing is allocated. */
void memory_use(const struct allocator *allocator);

void *memory_alloc(size_t size);
void *memory_alloc_zero(size_t size);

/* Like realloc: on failure the old block stays as it was. */
void *memory_resize(void *block, size_t size);

void memory_free(void *block);

/* What a block of that size takes in all, with what libc's allocator needs for itself. Of a
** replaced allocator that is not known: the size. SIZE_MAX stays SIZE_MAX. */
size_t memory_footprint(size_t size);

/* A copy of `size` bytes of `text` with a zero byte behind it. Caller frees. */
char *memory_copy_text(const char *text, size_t size);

/* The same of a whole text; NULL for none. */
char *memory_copy_optional(const char *text);

#endif
