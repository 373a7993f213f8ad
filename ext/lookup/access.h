/*
** Access: how a statement means to read a kept result: all of it, or by an index over one column.
** Chosen while the statement is prepared, when no result is known yet, and carried in a plan's
** idxNum; what can then be had of it, the read decides (lookup/path.h). Called under the
** connection's mutex.
*/
#ifndef QUERYCACHE_LOOKUP_ACCESS_H
#define QUERYCACHE_LOOKUP_ACCESS_H

#include "session/cached_query.h"

/* One end of a range. */
enum access_end { END_OPEN, END_INCLUDED, END_EXCLUDED };

enum access_order { ORDER_OF_ROWS, ORDER_ASCENDING, ORDER_DESCENDING };

/* Zero is: all rows, in their order. The values that it wants are the last arguments of xFilter:
** one for `equal` or `among`, or those of `lower` and `upper`, in this order. */
struct access {
    unsigned column;
    bool nocase; /* texts are compared as NOCASE does */
    bool equal;  /* column = value */
    bool among;  /* column IN values */
    enum access_end lower;
    enum access_end upper;
    enum access_order order; /* that rows must have, by the column; the statement relies on it */
};

/* Whether all parameters of the query have a value. */
enum known {
    KNOWN_NOW,
    KNOWN_COMPARED, /* so they have; but SQLite compares some once more, by `=` */
    KNOWN_LATER,    /* in another order of the join they would */
    KNOWN_NEVER,
};

/* So many values SQLite leaves to the table alone (where.c, omitMask); those behind, where they
** were given by `=`, as a call gives them, it compares again: no NULL is equal to another. */
#define MOST_TRUSTED 16

/* Have the parameters' values handed to xFilter as its first arguments, from those constraints on
** the hidden columns, which begin behind `columns` others. */
enum known access_parameters(const struct cached_query *query, sqlite3_index_info *info,
                             int columns);

/* Choose for these constraints and this ORDER BY on the first `columns` columns, and say so in
** `info`: which values are wanted from argument number `first` on (1 is the first), what it costs,
** and whether the order will be had. */
struct access access_choose(struct cached_query *query, sqlite3_index_info *info, int columns,
                            int first);

/* True when it is more than reading all rows in their order. */
bool access_is_indexed(const struct access *access);

/* How many values it wants. */
int access_values(const struct access *access);

/* In 27 bits, and back; 0 for what is not indexed. */
int access_pack(const struct access *access);
struct access access_unpack(int packed);

/* As people read it: "customer_id=?", "total>? AND total<=?", "ORDER BY total DESC"; empty for what
** is not indexed. NULL when memory is short; caller frees with sqlite3_free(). */
char *access_describe(const struct access *access, const struct cached_query *query);

#endif
