#include "offline.h"

#include <stdlib.h>

#include "../support/measure.h"

static void *allocate(size_t count, size_t size)
{
    void *block = calloc(count, size);
    if (block == NULL)
        bench_fail("an offline policy", "out of memory");
    return block;
}

/* ---- a heap of numbers, the greatest on top ---- */

struct heap {
    uint64_t *numbers;
    size_t count;
};

static void push(struct heap *heap, uint64_t number)
{
    size_t at = heap->count++;
    for (; at > 0 && heap->numbers[(at - 1) / 2] < number; at = (at - 1) / 2)
        heap->numbers[at] = heap->numbers[(at - 1) / 2];
    heap->numbers[at] = number;
}

static uint64_t pop(struct heap *heap)
{
    uint64_t top = heap->numbers[0];
    uint64_t number = heap->numbers[--heap->count];
    size_t at = 0;
    for (size_t below = 1; below < heap->count; below = 2 * at + 1) {
        if (below + 1 < heap->count && heap->numbers[below + 1] > heap->numbers[below])
            below++;
        if (heap->numbers[below] <= number)
            break;
        heap->numbers[at] = heap->numbers[below];
        at = below;
    }
    heap->numbers[at] = number;
    return top;
}

/* ---- the optimum ---- */

/* When each access' key is asked for again; the trace's length for never. */
static uint32_t *look_ahead(const struct trace *trace)
{
    uint32_t *again = allocate(trace->length, sizeof *again);
    uint32_t *next = allocate(trace->key_count, sizeof *next);
    for (uint32_t key = 0; key < trace->key_count; key++)
        next[key] = (uint32_t)trace->length;
    for (size_t i = trace->length; i-- > 0;) {
        again[i] = next[trace->keys[i]];
        next[trace->keys[i]] = (uint32_t)i;
    }
    free(next);
    return again;
}

/* The heap has every access, when its key is asked for again and which it is. Those that are over
** are left where they are, as all that comes later is greater. */
double offline_optimum(const struct trace *trace, uint32_t room)
{
    uint32_t *again = look_ahead(trace);
    bool *kept = allocate(trace->key_count, sizeof *kept);
    struct heap heap = {allocate(trace->length, sizeof(uint64_t)), 0};
    uint32_t count = 0;
    size_t hits = 0;
    for (size_t i = 0; i < trace->length; i++) {
        uint32_t key = trace->keys[i];
        hits += kept[key];
        count += !kept[key];
        kept[key] = true;
        push(&heap, (uint64_t)again[i] << 32 | key);
        if (count > room) {
            kept[(uint32_t)pop(&heap)] = false;
            count--;
        }
    }
    free(heap.numbers);
    free(kept);
    free(again);
    return (double)hits / (double)trace->length;
}

/* ---- random ---- */

double offline_random(const struct trace *trace, uint32_t room)
{
    bool *kept = allocate(trace->key_count, sizeof *kept);
    uint32_t *keys = allocate(room, sizeof *keys);
    uint64_t seed = 1;
    uint32_t count = 0;
    size_t hits = 0;
    for (size_t i = 0; i < trace->length; i++) {
        uint32_t key = trace->keys[i];
        if (kept[key]) {
            hits++;
            continue;
        }
        uint32_t slot = count;
        if (count < room) {
            count++;
        } else {
            slot = bench_below(&seed, room);
            kept[keys[slot]] = false;
        }
        keys[slot] = key;
        kept[key] = true;
    }
    free(keys);
    free(kept);
    return (double)hits / (double)trace->length;
}
