/*
** Invalidation by hand: entries that somebody asks to drop, by the table that they were read from
** or by anything that can be seen of them. Called under the connection's mutex. What this
** connection has not looked at since a change is not counted as good, so the session is refreshed
** first.
*/
#ifndef QUERYCACHE_READ_INVALIDATE_H
#define QUERYCACHE_READ_INVALIDATE_H

#include "session/session.h"

/* As store_remove() asks: under a shard's lock. */
typedef bool (*entry_match)(const struct entry_view *entry, void *context);

/* Drop what matches (NULL: all), for that cause. Returns how many of them could still have been
** served. */
int64_t invalidate_matching(struct session *session, entry_match match, void *context,
                            enum cause cause);

/* Drop what depends on that table, given as "sales" or "main.sales". *dropped as above.
** SQLITE_NOMEM when memory is short. */
int invalidate_table(struct session *session, const char *table, int64_t *dropped);

#endif
