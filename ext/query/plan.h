/*
** Plans: whether the statement that is running is sure to read one virtual table, once. Then what
** it reads comes from one snapshot by itself, and no read transaction is needed to make it so.
** Judged by the plan (EXPLAIN), never by what one run did. Called under the connection's mutex.
*/
#ifndef QUERYCACHE_QUERY_PLAN_H
#define QUERYCACHE_QUERY_PLAN_H

#include <stdbool.h>

#include "base/program.h"
#include "query/facts.h"

/*
** True when the connection has exactly one statement under way, and its program opens one virtual
** table, filters it outside of any loop or subroutine, opens no table outside temp, and calls no
** function but built-in ones. Costs an EXPLAIN: ask once a plan.
*/
bool plan_reads_once(struct facts *facts);

/*
** True when a SELECT of that program gives one row at most, and nothing is left to compute once it
** is out: it aggregates all, looks up a key, or ends with LIMIT 1.
*/
bool plan_gives_one_row(const struct program *program, const char *sql);

#endif
