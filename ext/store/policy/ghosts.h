/*
** Ghosts: which keys were here of late, without what they stood for. A table of hashes, each with
** the time when it came; time is counted in keys that came. Where a set of the table is full, its
** oldest gives way, so a ghost may be forgotten early, and two keys may be taken for one (for a
** table of n slots, with a chance of 8 * n / 2 to the 35): whoever asks loses a hit by that, never
** more.
**
** The table is as large as its owner asks, and may be missing altogether: then nothing is
** remembered. What it takes counts in the bytes of the store. Thread-safe; the lock is held for a
** moment, and no other is taken under it.
*/
#ifndef QUERYCACHE_STORE_POLICY_GHOSTS_H
#define QUERYCACHE_STORE_POLICY_GHOSTS_H

#include <stdatomic.h>

#include "base/lock.h"
#include "store/types.h"

struct ghosts {
    struct lock lock;
    uint64_t *slots; /* NULL: none */
    _Atomic size_t count;
    uint32_t now;
    const _Atomic int64_t *entries; /* that its owner holds */
    _Atomic int64_t *bytes;         /* where they are counted */
};

/* False when the lock cannot be made. */
bool ghosts_init(struct ghosts *ghosts, const _Atomic int64_t *entries, _Atomic int64_t *bytes);

/* Frees the table, uncounted. */
void ghosts_destroy(struct ghosts *ghosts);

void ghosts_remember(struct ghosts *ghosts, const struct key *key);

/* Was it remembered, and no more than `age` others since? */
bool ghosts_recall(struct ghosts *ghosts, const struct key *key, int64_t age);

/* How many slots there should be to remember that many, in `most` bytes; 0: too few to be of
** use. `count` of now where that will do. */
size_t ghosts_wanted(const struct ghosts *ghosts, int64_t remembered, int64_t most);

/* Move to a zeroed table of that many slots, whose bytes have been counted, and free the old one.
** NULL and 0: be without. With `unless_empty`, the new one is freed instead where the owner has no
** entries. */
void ghosts_resize(struct ghosts *ghosts, uint64_t *slots, size_t count, bool unless_empty);

/* The owner's last entry may have gone: then forget all. */
void ghosts_trim(struct ghosts *ghosts);

#endif
