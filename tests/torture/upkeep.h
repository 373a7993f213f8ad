/*
** What is done to a database and to the cache beside reading and writing: checkpoints, VACUUM,
** looking into the store and clearing it, and switching the journal mode.
*/
#ifndef TORTURE_UPKEEP_H
#define TORTURE_UPKEEP_H

#include "client.h"

/* A checkpoint of any kind, and now and then VACUUM. */
void upkeep_files(struct client *client);

/* Reads one of the tables about the cache, or drops some of what is kept. */
void upkeep_cache(struct client *client);

/* Tries to switch the journal mode of main, with `idle` open beside it or closed, and reads before
** and after. */
void upkeep_switch(struct client *client, struct client *idle);

#endif
