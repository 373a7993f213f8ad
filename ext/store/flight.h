/*
** Flights: computations under way, so that of several threads that miss the same result one
** computes it, and the others wait for it and take it. Two ask for the same when the identity is
** the same (as for an entry: key, space and owner, and then SQL text and parameters byte for byte)
** and they see the same state: evidence with the same histories at the same epochs, in the same
** order. What one computes is then what the other would.
**
** A flight lives from the first that boards until the last has left; then nothing is left of it, so
** a result is never handed to one who came after it landed. It copies the texts of the identity.
** Spaces and histories are only compared, never looked into, and not held: whoever leads or waits
** has them from its own call.
**
** A read through the cache does this: miss; board; who leads looks in the store once more, as a
** flight may have landed between the miss and the boarding; computes; keeps; and lands only then,
** as who comes after finds it in the store.
**
** Nobody can wait in a circle: a thread that leads does not wait. What else a leader may need that
** one who waits has (a lock of the application's that a function in the query takes), only the
** bound on waiting gets both out of. One who waits does not hear sqlite3_interrupt().
**
** The flights are the process's, in parts with a lock each; no lock is held while computing, and no
** other taken under it. Thread-safe.
*/
#ifndef QUERYCACHE_STORE_FLIGHT_H
#define QUERYCACHE_STORE_FLIGHT_H

#include <stdint.h>

#include "coherence/evidence.h"
#include "store/result.h"
#include "store/store.h"

/* One computation under way. */
struct flight;

enum boarding {
    FLIGHT_LEAD,   /* compute; then flight_land(), whatever became of it */
    FLIGHT_LANDED, /* another computed: *result has one more reference, which the caller releases */
    FLIGHT_ALONE, /* compute for yourself: waited long enough, memory short, or this thread leads */
};

/*
** Ask to compute. `evidence` is the state that the caller sees; NULL where it depends on nothing.
** Waits where another leads, `wait_ns` at most in all, however many leaders fail on the way;
** TICKS_NEVER is no bound, 0 or less never waits. A flight whose leader failed takes one of those
** who wait, or who comes by, for its next leader; the others wait on.
**
** *flight is set for FLIGHT_LEAD, *result and *load_ns (as they were landed) for FLIGHT_LANDED;
** otherwise NULL and 0. Allocates only for the first on a flight.
*/
enum boarding flight_board(const struct query_identity *identity, const struct evidence *evidence,
                           int64_t wait_ns, struct flight **flight, struct result **result,
                           int64_t *load_ns);

/*
** The leader is done, and forgets the flight; on the thread that boarded it. NULL result: failed,
** interrupted, or not certain to be right for the state that it boarded with; then the next one
** tries. Else all who wait get it, each with a reference of its own, and the caller's stays the
** caller's. A NULL flight, one that is not led, is nothing to land.
*/
void flight_land(struct flight *flight, struct result *result, int64_t load_ns);

/*
** For the child of a fork(), by process_on_fork(): all flights are forgotten, and leaked, as their
** leaders and who waits for them are threads of the parent. The locks are made anew, whatever state
** they were in. A flight that the forking thread itself led may still be landed: that does nothing.
*/
void flight_forget_all(void);

#ifdef QUERYCACHE_TEST
/* How many wait for it to land. The caller leads it. */
unsigned flight_waiting(const struct flight *flight);
#endif

#endif
