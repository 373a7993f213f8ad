/*
** Facts: what was found out about a connection for all of its queries, since to find it out takes
** longer than to look into a query: its functions, whose tables the root pages are, how it compares
** texts. They hold until SQLite expires all statements, or a schema changes. One for each session,
** and used under the connection's mutex.
*/
#ifndef QUERYCACHE_QUERY_FACTS_H
#define QUERYCACHE_QUERY_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "coherence/observer.h"
#include "query/functions.h"
#include "query/roots.h"

struct facts {
    const struct observer *observer;
    uint64_t incarnation; /* of the observer, when these were found out */
    struct function_list functions;
    struct roots roots;
    bool names_known;
    bool long_names; /* names.h */
};

void facts_open(struct facts *facts, const struct observer *observer);

/* Forget what does not hold any more; before a query is looked into. */
void facts_refresh(struct facts *facts);

/* Whether PRAGMAs want long names of columns (names.h). SQLite's error codes. */
int facts_long_names(struct facts *facts, bool *are_long);

void facts_close(struct facts *facts);

#endif
