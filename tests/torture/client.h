/*
** A client is one connection to both files, with or without the extension, and its statements. It
** tells the errors that may happen among many connections from those that may not: the latter it
** reports. A client belongs to one thread.
*/
#ifndef TORTURE_CLIENT_H
#define TORTURE_CLIENT_H

#include <sqlite3.h>
#include <stdbool.h>

#include "../differential/random.h"
#include "layout.h"

/* What a client's patience is at first. */
#define PATIENCE 500000

/* Room for the statements of layout_pairs. */
#define MOST_PAIRS 16

struct client {
    sqlite3 *db; /* NULL while closed */
    struct random *random;
    char name[120]; /* of its worker, for reports */
    bool cached;    /* has the extension */
    bool counted;   /* its hits make the hit rate */
    int patience;   /* microseconds that it waits for a lock; what it does is then given up */
    int waited;     /* microseconds, in the busy handler */
    char status[12];
    bool has[TABLES]; /* the cached tables over this one */
    sqlite3_stmt *reads[TABLES][FORMS];
    sqlite3_stmt *pairs[MOST_PAIRS];
    sqlite3_stmt *ask_status;
};

/* What a read of a table gave. */
struct table_rows {
    int count;
    bool broken; /* a row's columns contradict each other, or there are too many rows */
    int key[KEYS];
    long long value[KEYS];
};

/* The client's random and name are set before. `few`: cached tables over some of the tables only.
** False where the files are busy; then nothing is open. */
bool client_open(struct client *client, int flags, bool cached, bool few);
void client_close(struct client *client);

/* Run SQL, formatted as in sqlite3_mprintf(). Returns the result code; reports what may not
** happen. */
int client_run(struct client *client, const char *sql, ...);

/* The same, where any error may happen: nothing is reported. */
int client_try(struct client *client, const char *sql);

/* Counts an error that may happen, reports any other. Returns the code. */
int client_failed(struct client *client, int code, const char *doing);

/* Read a table. The key counts where the form has one. */
int client_read(struct client *client, int table, enum form form, int key, struct table_rows *rows);

/* The value of a key, or ABSENT. */
long long rows_value(const struct table_rows *rows, int key);

/* Notes and counts how the last cached read was answered. */
void client_ask_status(struct client *client);

/* A statement of layout_pairs, prepared; NULL where it cannot be now. */
sqlite3_stmt *client_pair(struct client *client, int number);

/* Keys are drawn so that a few are hot. */
int client_draw_key(struct client *client);

#endif
