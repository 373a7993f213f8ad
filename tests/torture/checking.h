/*
** The two oracles. Inside a transaction a cached read equals the plain query, row for row. Outside
** of one, a cached read is judged by the ledger: it must see every commit that was acknowledged
** before it began, and none that never was.
*/
#ifndef TORTURE_CHECKING_H
#define TORTURE_CHECKING_H

#include "client.h"

/* One check of a kind drawn at random. Clients without the extension read plainly, which judges
** the test itself. */
void check_something(struct client *client);

/* A snapshot held for a while, in which cached and plain reads are compared again and again. */
void check_held_snapshot(struct client *client, int milliseconds);

/* A read outside of a transaction, judged by the ledger. */
void check_read(struct client *client, int table, enum form form, int key);

/* Inside whatever transaction is open: cached rows equal the plain ones, whichever is read first.
** Returns SQLite's code. */
int check_same(struct client *client, int table);

#endif
