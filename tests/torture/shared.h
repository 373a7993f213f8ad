/*
** What the processes of the torture test share: a file mapped into each of them. It holds the
** orders (which phase, when to stop), the ledger, what was counted, and the violations that were
** found. All of it is written once before the others start, or atomic.
*/
#ifndef TORTURE_SHARED_H
#define TORTURE_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ledger.h"

#define MOST_THREADS 64
#define MOST_PROCESSES 32
#define MOST_REPORTS 6

enum phase_number {
    PHASE_WAL,
    PHASE_WAL_READS,
    PHASE_ROLLBACK,
    PHASE_ROLLBACK_READS,
    PHASE_SWITCHES,
    PHASES
};

struct phase_layout {
    const char *name;
    const char *journal;
    int percent;      /* of the time */
    bool read_mostly; /* about 95% of the operations read */
    bool switches;    /* of the journal mode; connections live shortly, so that one is alone */
};
extern const struct phase_layout phases[PHASES];

#define COUNTS(X)                                                                                  \
    X(READS, "cached reads outside a transaction")                                                 \
    X(COMPARED, "cached reads compared in a transaction")                                          \
    X(PAIRED, "statements over two cached tables")                                                 \
    X(PLAIN_READS, "plain reads judged")                                                           \
    X(HITS, "hits of the threads")                                                                 \
    X(MISSES, "misses")                                                                            \
    X(BYPASSES, "bypasses")                                                                        \
    X(OTHER_HITS, "hits of other processes")                                                       \
    X(COMMITS, "commits")                                                                          \
    X(ROLLBACKS, "rollbacks")                                                                      \
    X(MIGRATIONS, "migrations")                                                                    \
    X(CHECKPOINTS, "checkpoints")                                                                  \
    X(VACUUMS, "VACUUMs")                                                                          \
    X(SWITCHES, "journal mode switches")                                                           \
    X(OPENED, "connections")                                                                       \
    X(BUSY, "busy")                                                                                \
    X(OUTDATED, "outdated schemas")                                                                \
    X(KILLS, "kills")

#define COUNT_CONSTANT(name, text) COUNT_##name,
enum count { COUNTS(COUNT_CONSTANT) COUNT_KINDS };
#undef COUNT_CONSTANT

enum violation {
    VIOLATION_DIFFERS,     /* from the plain query in its transaction */
    VIOLATION_MIXED,       /* a statement saw two snapshots */
    VIOLATION_MISSED,      /* an acknowledged commit */
    VIOLATION_UNCOMMITTED, /* saw what was never committed */
    VIOLATION_ERROR,       /* an error that nothing explains */
    VIOLATION_DAMAGE,      /* the file is not as it should be */
    VIOLATION_KINDS
};

struct shared {
    char folder[200];
    uint64_t seed;
    int threads;
    int processes;
    pid_t parent;
    atomic_int phase;
    atomic_int round;
    atomic_bool stop;
    atomic_bool sharing;               /* one connection's result was a hit for another */
    atomic_int inside[MOST_PROCESSES]; /* the process has begun a write transaction */
    struct ledger ledger;
    atomic_long counts[PHASES][COUNT_KINDS];
    atomic_long violations[VIOLATION_KINDS];
    atomic_int reports; /* begun, which may be more than there is room for */
    struct {
        atomic_bool complete;
        char text[2400];
    } report[MOST_REPORTS];
};

/* The mapping of this process; never NULL after one of these. They end the program if they fail. */
extern struct shared *shared;
void shared_create(const char *folder);
void shared_map(const char *folder);

static inline void count(enum count kind)
{
    atomic_fetch_add_explicit(&shared->counts[atomic_load(&shared->phase)][kind], 1,
                              memory_order_relaxed);
}

static inline const struct phase_layout *phase_now(void)
{
    return &phases[atomic_load(&shared->phase)];
}

/* Also when the process that started this one is gone. */
bool shared_stopped(void);

/* Notes a violation. `where` says who found it; the text, lines with an end each, may be cut. */
__attribute__((format(printf, 3, 4))) void
violation_report(enum violation violation, const char *where, const char *format, ...);

#endif
