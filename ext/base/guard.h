/*
** Guards: the conditions that exactness hangs on, each with a name, so that the tests can be
** tested. `make mutants` takes one guard out at a time and expects a test to fail.
**
** if (GUARD(WRITE_BYPASS) && state == SQLITE_TXN_WRITE) return READ_BYPASS;
**
** GUARD(name) is the constant 1 in every build but the one made with QUERYCACHE_MUTANTS. There it
** is 0 for the guard named in the environment variable QUERYCACHE_MUTANT, and 1 for all others.
*/
#ifndef QUERYCACHE_BASE_GUARD_H
#define QUERYCACHE_BASE_GUARD_H

/* Every guard, one a line: tests/mutants.sh reads this list. */
#define GUARDS(X)                                                                                  \
    X(WRITE_BYPASS)                                                                                \
    X(UNKNOWN_COMMIT)                                                                              \
    X(FOREIGN_COMMIT)                                                                              \
    X(DOUBT)                                                                                       \
    X(FRAMES)                                                                                      \
    X(PAGES_WRITTEN)                                                                               \
    X(ONE_DATABASE)                                                                                \
    X(WRITE_LOCK)                                                                                  \
    X(SPILL)                                                                                       \
    X(WITHDRAWN)                                                                                   \
    X(TABLE_CHANGE)                                                                                \
    X(WITHOUT_ROWID)                                                                               \
    X(WHOLE_FILE)                                                                                  \
    X(TRUNCATION)                                                                                  \
    X(NOTHING_SEEN)                                                                                \
    X(PAGES_PAST_HOOKS)                                                                            \
    X(PASSED_OVER)                                                                                 \
    X(SCHEMA_VERSION)                                                                              \
    X(HIDDEN_VIEWS)                                                                                \
    X(SCHEMA_GENERATION)                                                                           \
    X(OPEN_SCHEMA)                                                                                 \
    X(EXPIRED_STATEMENT)                                                                           \
    X(HOOK_SLOTS)                                                                                  \
    X(HOOKED_AGAIN)                                                                                \
    X(SNAPSHOT_CLOCK)                                                                              \
    X(PAST_CLOCK)                                                                                  \
    X(ROUGH_VIEW)                                                                                  \
    X(EMPTY_WAL)                                                                                   \
    X(WAL_HELD)                                                                                    \
    X(UNLOCKED_FILE)                                                                               \
    X(PRIVATE_CLOCK)                                                                               \
    X(MOVED_FILE)                                                                                  \
    X(NEWCOMER)                                                                                    \
    X(YOUNG_STAMP)                                                                                 \
    X(CLEAN_PAGES)                                                                                 \
    X(READ_UNCOMMITTED)                                                                            \
    X(KEEP_CLOCK)                                                                                  \
    X(PLAN_ONCE)                                                                                   \
    X(COLUMNS_CHANGED)                                                                             \
    X(TEXT_COMPARE)                                                                                \
    X(NOW_PARAMETER)                                                                               \
    X(BARE_FORMAT)                                                                                 \
    X(TEXT_ELSEWHERE)                                                                              \
    X(FORK)                                                                                        \
    X(FLIGHT_STATE)                                                                                \
    X(OWN_FUNCTIONS)                                                                               \
    X(OWN_COLLATIONS)                                                                              \
    X(TIME_ZONE)                                                                                   \
    X(LIMITS)                                                                                      \
    X(HIDDEN_FUNCTIONS)                                                                            \
    X(UNASKED_FUNCTIONS)                                                                           \
    X(LONG_NAMES)                                                                                  \
    X(NAMES_CHANGED)                                                                               \
    X(STAMP_ELSEWHERE)

#define GUARD_CONSTANT(name) GUARD_##name,
enum guard { GUARDS(GUARD_CONSTANT) GUARD_COUNT };
#undef GUARD_CONSTANT

#ifdef QUERYCACHE_MUTANTS
#include <stdbool.h>

/* Whether the guard is in place. Thread-safe; the environment is read once. */
bool guard_stands(enum guard guard);

#define GUARD(name) guard_stands(GUARD_##name)
#else
/* Names the constant, so that an unknown guard fails to compile here too. */
#define GUARD(name) (GUARD_##name < GUARD_COUNT)
#endif

#endif
