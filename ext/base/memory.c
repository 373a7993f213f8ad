#include "base/memory.h"

#include <assert.h>
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

/*
** glibc's malloc (malloc.c, request2size) puts the size of a block in front of it, in eight bytes,
** and cuts blocks in multiples of sixteen, 32 at least. A block of its own mapping, which is one of
** 128 KiB or more until the first of those is freed, takes up to a page more: at most 3 %. Others
** (musl, macOS) are within sixteen bytes of that.
*/
enum { BLOCK_HEAD = sizeof(size_t), BLOCK_UNIT = 2 * sizeof(size_t), LEAST_BLOCK = 2 * BLOCK_UNIT };

size_t memory_footprint(size_t size)
{
    if (in_use != &libc_allocator || size > SIZE_MAX - BLOCK_HEAD - BLOCK_UNIT)
        return size;
    size_t whole = (size + BLOCK_HEAD + BLOCK_UNIT - 1) & ~(size_t)(BLOCK_UNIT - 1);
    return whole < LEAST_BLOCK ? LEAST_BLOCK : whole;
}

char *memory_copy_text(const char *text, size_t size)
{
    assert(text != NULL || size == 0);
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

char *memory_copy_optional(const char *text)
{
    return text != NULL ? memory_copy_text(text, strlen(text)) : NULL;
}
