/*
** Evidence: what a result was computed from, and when: for each database it read, the history and
** the epoch, and the tables. A kept result is true as long as its evidence stands. Evidence knows
** neither the result nor SQL. It is flat: a store copies it into an entry's own allocation.
*/
#ifndef QUERYCACHE_COHERENCE_EVIDENCE_H
#define QUERYCACHE_COHERENCE_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coherence/history.h"

/* One database that the result was read from. */
struct source {
    struct history *history;
    uint64_t epoch;  /* of the history when the result was computed */
    bool whole_file; /* any commit ends it: it read a system table or a full-text index */
};

struct evidence {
    unsigned source_count;
    unsigned table_count;
    struct source *sources;
    struct table **tables; /* each belongs to one of the sources' histories */
};

/* Bytes that a copy takes, all in one block. */
size_t evidence_size(const struct evidence *evidence);

/* Copy into `block`, which has evidence_size() bytes aligned for a pointer; takes a reference on
** each history and counts the copy on each table. The copy is returned, at the block's start. */
struct evidence *evidence_copy(const struct evidence *evidence, void *block);

/* Give back what a copy holds; the block stays the caller's. */
void evidence_drop(struct evidence *copy);

/* What a reader sees of one history. */
struct view {
    const struct history *history;
    uint64_t epoch;
    bool exact; /* of exactly this epoch; else of some later state that is not known */
};

/* A reader has views of at most so many histories; a query that reads more databases is not
** served. */
#define VIEWS 16

/* What a reader sees in its snapshot: one view of each history that it reads. */
struct views {
    unsigned count;
    bool exact;  /* every view is */
    bool probed; /* the reader has found out all that can be found out of doubts and truncations */
    struct view list[VIEWS];
};

/* No views yet. The list need not be set. */
static inline void views_clear(struct views *views)
{
    views->count = 0;
    views->exact = true;
    views->probed = false;
}

/* Add a view. Where the reader has a file open under two names, and sees it in two states, their
** view is the older epoch, and not exact. Beyond VIEWS nothing is added. */
void views_add(struct views *views, const struct view *view);

enum standing {
    EVIDENCE_STANDS, /* nothing that it rests on changed between it and the reader's snapshot */
    EVIDENCE_FALLEN, /* nor does it for anyone at present */
    EVIDENCE_UNSURE, /* the reader must find out more: a commit is in doubt, or a table unprobed */
    EVIDENCE_BESIDE, /* not for this reader; perhaps for others */
};

/* How evidence stands for a reader with these views. Reads only memory; thread-safe. */
enum standing evidence_judge(const struct evidence *evidence, const struct views *views);

/*
** True when no reader at the present epoch can be served this: one of its databases changed in
** a way that may have touched it. Reads only memory; thread-safe. False does not mean fresh:
** a commit that no history has heard of yet may have ended it.
*/
bool evidence_is_stale(const struct evidence *evidence);

/* True when one of its databases is not open in this process any more. */
bool evidence_is_abandoned(const struct evidence *evidence);

/* True when a commit in doubt may have ended it. */
bool evidence_is_in_doubt(const struct evidence *evidence);

/* Count an invalidation on those tables whose change ended it. Thread-safe. */
void evidence_count_invalidation(const struct evidence *evidence);

/* The tables as a JSON array of names, ordered, each once. Caller frees with memory_free(); NULL
** when memory is short. */
char *evidence_tables_json(const struct evidence *evidence);

/* The databases' names, comma-separated where there are several. Caller frees; NULL likewise. */
char *evidence_database_names(const struct evidence *evidence);

/* True when one of the tables carries this name, whatever its case. */
bool evidence_names_table(const struct evidence *evidence, const char *name);

#endif
