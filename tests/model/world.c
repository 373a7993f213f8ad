#include "world.h"

#include <stdlib.h>
#include <string.h>

#define HEAP_BYTES (1 << 16)

/* Before each block, its size and whether it is in use. */
struct header {
    size_t size;
    size_t used;
};

static _Alignas(64) struct {
    size_t end;
    size_t unused;
    unsigned char bytes[HEAP_BYTES];
} heap;

static struct header *header_at(size_t offset)
{
    return (struct header *)(void *)(heap.bytes + offset);
}

static void *heap_alloc(size_t size)
{
    size = (size + 15) & ~(size_t)15;
    size_t at = 0;
    while (at < heap.end && (header_at(at)->used || header_at(at)->size != size))
        at += sizeof(struct header) + header_at(at)->size;
    if (at + sizeof(struct header) + size > HEAP_BYTES)
        abort();
    if (at == heap.end)
        heap.end = at + sizeof(struct header) + size;
    *header_at(at) = (struct header){.size = size, .used = 1};
    return heap.bytes + at + sizeof(struct header);
}

static struct header *header_of(void *block)
{
    return (struct header *)block - 1;
}

static void heap_release(void *block)
{
    if (block == NULL)
        return;
    header_of(block)->used = 0;
    memset(block, 0, header_of(block)->size);
}

static void *heap_resize(void *block, size_t size)
{
    void *grown = heap_alloc(size);
    if (block != NULL) {
        size_t old = header_of(block)->size;
        memcpy(grown, block, old < size ? old : size);
        heap_release(block);
    }
    return grown;
}

const struct allocator world_allocator = {heap_alloc, heap_resize, heap_release};

void world_heap_clear(void)
{
    memset(&heap, 0, sizeof heap);
}

size_t world_heap_size(void)
{
    return offsetof(__typeof__(heap), bytes) + heap.end;
}

unsigned char *world_heap(void)
{
    return (unsigned char *)&heap;
}
