/*
** The runtime: what belongs to the process and not to a connection: the store, and the settings as
** they are applied to it. Thread-safe.
*/
#ifndef QUERYCACHE_SESSION_RUNTIME_H
#define QUERYCACHE_SESSION_RUNTIME_H

#include "store/store.h"

/* The store of the process, made on first use; NULL when memory is short. It lives until exit. */
struct store *runtime_store(void);

/* Set a setting by its name, and let the store follow. SQLITE_ERROR with a text in *error where
** there is no such setting, or it cannot have that value; SQLITE_NOMEM. */
int runtime_configure(const char *name, const char *value, char **error);

/* In the child of a fork(): all that the process had is forgotten. */
void runtime_start_over(void);

#endif
