/*
** Writers. A transaction is made of a few actions; each counter that it raises is noted in the
** ledger before COMMIT and again after. What will be rolled back raises counters by a leap, so
** that nobody can take it for a value to come.
*/
#ifndef TORTURE_WRITING_H
#define TORTURE_WRITING_H

#include <stdatomic.h>

#include "client.h"

#define MOST_PENDING 64

struct transaction {
    struct client *client;
    long long leap; /* 0, or what counters are raised by beside 1: this will be rolled back */
    bool refilled;  /* TABLE_REFILLED has one new state per transaction */
    bool migrated;
    int count;
    struct {
        int table;
        int key;
        long long value;
    } pending[MOST_PENDING];
};

/* One write of a kind drawn at random. `inside`, where not NULL, is 1 while the transaction lasts,
** which is then one that spills into the file. `calm`: no changes of schema, no VACUUM, few
** rollbacks. */
void write_something(struct client *client, atomic_int *inside, bool calm);

/* The value that a counter gets next, in *value, noted as pending. Returns SQLite's code. */
int transaction_next(struct transaction *transaction, int table, int key, long long *value);

/* Notes a value as pending for all keys of the table. */
void transaction_note_all(struct transaction *transaction, int table, long long value);

/* migrating.c: changes the schema, and counters with it. */
int migrate(struct transaction *transaction);

#endif
