/*
** Describing: what an analysis found, as JSON for people and scripts to read.
*/
#ifndef QUERYCACHE_SURFACE_DESCRIBE_H
#define QUERYCACHE_SURFACE_DESCRIBE_H

#include "query/analysis.h"

/* The tables it reads, each once, as a JSON array; outside main as schema.table. Caller frees with
** memory_free(); NULL when memory is short. */
char *describe_tables(const struct analysis *analysis);

/* The functions it calls, likewise. */
char *describe_functions(const struct analysis *analysis);

#endif
