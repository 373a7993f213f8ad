/*
** A script is all that was done to a database since its birth, as text: what a generator wrote, a
** world replays. A step keeps the salt from which its check draws, so a step does the same
** wherever it stands, and steps before it can be taken out.
*/
#ifndef DIFFERENTIAL_SCRIPT_H
#define DIFFERENTIAL_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

enum action {
    ACTION_SQL,    /* text is a statement */
    ACTION_DEFINE, /* text is the SELECT of cached table number `number`; makes it anew */
    ACTION_BLOB,   /* text is "schema table column rowid"; writes through sqlite3_blob_write() */
    ACTION_HOOKS,  /* takes over the hooks in `number`: 1 update, 2 commit, 4 rollback */
    ACTION_LOAD,   /* initializes the extension once more on the same connection */
    ACTION_REOPEN, /* closes the connection and opens it again */
    ACTION_REPEAT  /* in one read transaction, reads all cached tables twice */
};

/* The first connection always has the extension; the second may be a plain one. */
#define CONNECTIONS 2

struct step {
    enum action action;
    int connection;
    int number;
    char *text;
    uint64_t salt;
    bool check; /* every cached table is compared after the step */
};

struct script {
    struct step *steps;
    int count;
    int capacity;
};

/* Copies the step and its text. */
void script_add(struct script *script, const struct step *step);

/* `to` becomes `from` without the steps from `start` to `start + count - 1`. */
void script_copy(struct script *to, const struct script *from, int start, int count);

void script_free(struct script *script);

#endif
