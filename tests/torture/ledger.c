#include "ledger.h"

void ledger_start(struct ledger *ledger)
{
    for (int table = 0; table < TABLES; table++)
        for (int key = 0; key < KEYS; key++) {
            atomic_store(&ledger->slots[table][key].attempted, 1);
            atomic_store(&ledger->slots[table][key].published, 1);
        }
}

static void raise_to(atomic_llong *number, long long value)
{
    long long before = atomic_load(number);
    while (before < value && !atomic_compare_exchange_weak(number, &before, value)) {
    }
}

void ledger_attempt(struct ledger *ledger, int table, int key, long long value)
{
    raise_to(&ledger->slots[layout[table].ledger][key].attempted, value);
}

void ledger_publish(struct ledger *ledger, int table, int key, long long value)
{
    raise_to(&ledger->slots[layout[table].ledger][key].published, value);
}

/* At most the state after the empty one was attempted as well, and failed. */
long long ledger_empty_state(struct ledger *ledger, int table)
{
    long long state = atomic_load(&ledger->slots[layout[table].ledger][0].attempted);
    while (!IS_EMPTY_STATE(state))
        state--;
    return state;
}

void ledger_note(struct ledger *ledger, int table, struct horizon *horizon)
{
    for (int key = 0; key < KEYS; key++)
        horizon->least[key] = atomic_load(&ledger->slots[layout[table].ledger][key].published);
}

enum verdict ledger_judge(struct ledger *ledger, int table, int key, const struct horizon *horizon,
                          long long value)
{
    long long least = horizon->least[key];
    long long most = atomic_load(&ledger->slots[layout[table].ledger][key].attempted);
    if (value == ABSENT) {
        if (!layout[table].empties)
            return VERDICT_UNCOMMITTED;
        while (!IS_EMPTY_STATE(least))
            least++;
        return least <= most ? VERDICT_GOOD : VERDICT_MISSED;
    }
    if (value > most || (layout[table].empties && IS_EMPTY_STATE(value)))
        return VERDICT_UNCOMMITTED;
    return value < least ? VERDICT_MISSED : VERDICT_GOOD;
}
