/*
** The world: all memory that a state of the model consists of, but for the model's own struct: the
** actors' stacks and a heap for ext/base/memory.h.
*/
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* Blocks are handed out anew by size, the lowest first, so that states reached in different ways
** look the same. */
extern const struct allocator world_allocator;

void world_heap_clear(void);
size_t world_heap_size(void);
unsigned char *world_heap(void);

#endif
