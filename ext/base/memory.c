#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct allocator libc_allocator = {malloc, realloc, free};
static const struct allocator *in_use = &libc_allocator;

void memory_use(const struct allocator *allocator)
{
    in_use = allocator != NULL ? allocator : &libc_allocator;
}

void *memory_alloc(size_t size)
{
    return in_use->alloc(size);
}

void *memory_alloc_zero(size_t size)
{
    void *block = memory_alloc(size);
    if (block != NULL)
        memset(block, 0, size);
    return block;
}

void *memory_resize(void *block, size_t size)
{
    return in_use->resize(block, size);
}

void memory_free(void *block)
{
    if (block != NULL)
        in_use->release(block);
}

char *memory_copy_text(const char *text, size_t size)
{
    if (size == SIZE_MAX)
        return NULL;
    char *copy = memory_alloc(size + 1);
    if (copy == NULL)
        return NULL;
    if (size > 0)
        memcpy(copy, text, size);
    copy[size] = 0;
    return copy;
}
