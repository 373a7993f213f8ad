/*
** Elsewhere: a read's way to the places of results (store/places.h): what it asks them for, what it
** tells them, and the bytes in between. What a place gives is believed only where it answers the
** very query, and where its stamp stands in the reader's snapshot. Called under the connection's
** mutex, in a snapshot that is held.
**
** A stamp names the process, how often entries were dropped by hand, each history by its number,
** the epoch in it, and the tables. So what is kept elsewhere is good in the process that told it,
** as long as it has the files open.
*/
#ifndef QUERYCACHE_READ_ELSEWHERE_H
#define QUERYCACHE_READ_ELSEWHERE_H

#include "coherence/evidence.h"
#include "read/reading.h"

/* Whether a place may be asked for what this reading reads, or be told it: results that every
** connection may use, and that rest on what the databases say. */
bool elsewhere_is_possible(const struct reading *reading);

/*
** The result, from one of the places; NULL where none has one that stands. `evidence` is what a
** result computed now would rest on, and afterwards what that one rests on. The caller releases the
** result; *load_ns is what it took to compute, and at *expires (ticks) it is over.
*/
struct result *elsewhere_ask(const struct reading *reading, struct evidence *evidence,
                             int64_t *load_ns, int64_t *expires);

/* Tell all places of a result that was kept. Does not wait; where memory is short, nothing. */
void elsewhere_tell(const struct reading *reading, const struct result *result,
                    const struct evidence *evidence, int64_t load_ns, int64_t expires);

#endif
