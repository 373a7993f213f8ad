/*
** Elders: plain statements of the cached tables' SELECTs that were prepared before a CREATE INDEX
** which failed.
**
** To compile CREATE INDEX, SQLite raises its estimate of the table's rows to 1000
** (sqlite3DefaultRowEst()), and where it fails nothing takes that back. From then on, until the
** schema is read anew, one SELECT has two plans, and its rows may have two orders: one in
** statements prepared before, which SQLite does not prepare anew, and one in those prepared after.
** The schema is the same, and no call tells. The cache's statement is one of the former or the
** latter like any other of the connection. So its rows are right where a new statement gives them,
** or an elder.
*/
#ifndef DIFFERENTIAL_ELDERS_H
#define DIFFERENTIAL_ELDERS_H

#include "world.h"

/* Before a CREATE INDEX on that connection: prepares an elder of each SELECT. */
void elders_prepare(struct connection *connection);

/* After it: one that did not fail made the schema another one, and elders are of no use. */
void elders_settle(struct connection *connection, bool failed);

/* True where an elder gives the very rows of `cached`, in their order. */
bool elders_agree(const struct query *query, const char *const values[PARAMETERS],
                  enum answer_form form, const struct answer *cached);

void elders_forget(struct query *query);

#endif
