#include "metrics/shapes.h"

#include <stdatomic.h>

#include "base/buffer.h"
#include "base/ticks.h"
#include "query/key.h"
#include "query/token.h"

#define SLOTS 4096
#define SECONDS_BITS 24
#define SECONDS_MASK ((UINT64_C(1) << SECONDS_BITS) - 1)

/* The upper bits of a shape, and in the lower ones when it was found quick: one word, so that both
** are always of one note. 0: none. */
static _Atomic uint64_t slots[SLOTS];

uint64_t shape_of(const char *sql)
{
    struct buffer text = {0};
    struct token token = token_read_solid(sql);
    for (; token.type != TOKEN_END; token = token_next(token)) {
        bool literal =
            token.type == TOKEN_NUMBER || token.type == TOKEN_STRING || token.type == TOKEN_BLOB;
        buffer_add(&text, literal ? "?" : token.text, literal ? 1 : token.size);
        buffer_add_char(&text, ' ');
    }
    uint64_t shape = text.failed ? 0 : key_hash(text.bytes, text.size).low;
    buffer_clear(&text);
    return shape != 0 ? shape : 1;
}

static uint64_t seconds_now(void)
{
    return (uint64_t)(ticks_now() / TICKS_PER_SECOND) & SECONDS_MASK;
}

void shape_note(uint64_t shape, bool quick)
{
    atomic_store_explicit(&slots[shape % SLOTS],
                          quick ? (shape & ~SECONDS_MASK) | seconds_now() : 0,
                          memory_order_relaxed);
}

bool shape_is_quick(uint64_t shape)
{
    uint64_t slot = atomic_load_explicit(&slots[shape % SLOTS], memory_order_relaxed);
    return slot != 0 && (slot & ~SECONDS_MASK) == (shape & ~SECONDS_MASK) &&
           ((seconds_now() - slot) & SECONDS_MASK) < SHAPE_SECONDS;
}
