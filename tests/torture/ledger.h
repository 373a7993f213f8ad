/*
** The ledger: what is known outside the database about each counter. A writer notes the value
** before it commits (attempted) and after COMMIT has returned (published); both only grow. A read
** that begins after a value was published must see it or a later one, and no read may see more
** than was attempted. The ledger lies in memory that all processes share; thread-safe.
*/
#ifndef TORTURE_LEDGER_H
#define TORTURE_LEDGER_H

#include <stdatomic.h>

#include "layout.h"

struct ledger {
    struct {
        atomic_llong attempted;
        atomic_llong published;
    } slots[TABLES][KEYS];
};

/* What a read must at least see, noted before it begins. */
struct horizon {
    long long least[KEYS];
};

/* The row of this key is not there. */
#define ABSENT (-1)

enum verdict { VERDICT_GOOD, VERDICT_MISSED, VERDICT_UNCOMMITTED };

/* All counters as layout_fill_sql() has them. */
void ledger_start(struct ledger *ledger);

void ledger_attempt(struct ledger *ledger, int table, int key, long long value);
void ledger_publish(struct ledger *ledger, int table, int key, long long value);

/* The state of a table that a holder of the write lock finds empty. */
long long ledger_empty_state(struct ledger *ledger, int table);

void ledger_note(struct ledger *ledger, int table, struct horizon *horizon);

/* Judges one value, or ABSENT, of a read that is over. */
enum verdict ledger_judge(struct ledger *ledger, int table, int key, const struct horizon *horizon,
                          long long value);

#endif
