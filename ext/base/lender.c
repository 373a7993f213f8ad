#include "base/lender.h"

#include <string.h>

#include "base/memory.h"

/* As many texts at once, of as many bytes with the zero behind them: enough for the text columns of
** most rows, and for most names, in 2 KB. */
#define SLOTS 16
#define SLOT_TEXT 120

/* The encoding by which SQLite is told of a zero behind the text, and the first version known to
** have it: the header that this is compiled with may be older. Without it a size cannot be
** given. */
#define UTF8_WITH_ZERO 16
#define VERSION_WITH_UTF8_WITH_ZERO 3053000

struct slot {
    struct lender *lender;
    struct slot *next; /* free as well */
    char text[SLOT_TEXT];
};

struct lender {
    struct slot *free;
    unsigned lent;
    bool left;       /* freed when all has come back */
    bool tells_zero; /* SQLite can be told of a zero */
    struct slot slots[SLOTS];
};

struct lender *lender_new(void)
{
    struct lender *lender = memory_alloc(sizeof *lender);
    if (lender == NULL)
        return NULL;
    lender->free = NULL;
    lender->lent = 0;
    lender->left = false;
    lender->tells_zero = sqlite3_libversion_number() >= VERSION_WITH_UTF8_WITH_ZERO;
    for (int i = 0; i < SLOTS; i++) {
        lender->slots[i].lender = lender;
        lender->slots[i].next = lender->free;
        lender->free = &lender->slots[i];
    }
    return lender;
}

void lender_free(struct lender *lender)
{
    if (lender == NULL)
        return;
    lender->left = true;
    if (lender->lent == 0)
        memory_free(lender);
}

/* SQLite's destructor of a lent text. */
static void take_back(void *text)
{
    struct slot *slot = (void *)((char *)text - offsetof(struct slot, text));
    struct lender *lender = slot->lender;
    slot->next = lender->free;
    lender->free = slot;
    lender->lent--;
    if (lender->left && lender->lent == 0)
        memory_free(lender);
}

/* Where gcc knows that a size is small, it copies by an instruction (rep movs) that takes longer
** than the call which it saves. */
static void *(*const volatile copy)(void *restrict to, const void *restrict from,
                                    size_t size) = memcpy;

bool lender_give_text(struct lender *lender, sqlite3_context *context, const char *text,
                      size_t size)
{
    struct slot *slot = lender->free;
    if (size >= SLOT_TEXT || slot == NULL)
        return false;
    lender->free = slot->next;
    lender->lent++;
    copy(slot->text, text, size + 1);
    /* Not knowing of the zero, SQLite would copy the text to put one there. */
    if (lender->tells_zero)
        sqlite3_result_text64(context, slot->text, size, take_back, UTF8_WITH_ZERO);
    else
        sqlite3_result_text(context, slot->text, -1, take_back);
    return true;
}
