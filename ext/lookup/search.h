/*
** Searching: which rows of a result can satisfy a comparison of a column with a value, by an index
** of that column. SQLite compares each row again, so what is found may be too much, but must never
** lack a row for which SQLite would say yes.
**
** What it would say depends on the conversions that it applies before it compares (section 4 of
** https://sqlite.org/datatype3.html), and of these only the column's side is known: a virtual table
** gets the value as it is, and is not told what stands on the other side. There may be a column of
** numeric affinity, for which texts on both sides are numbers where they look like it; and a column
** of TEXT affinity turns numbers on both sides to text unless that is so. Hence:
**
** - An equality is searched for in the folded order, where all that any conversion can make equal
** is
**   side by side: equal texts are the same number, if they are one.
** - A range of a column with numeric affinity is one of the folded order: there texts are always
**   converted. Of any other column it is one of the plain order, where no conversion can change
**   anything: neither a cell nor the value is a text that looks like a number, and where the column
**   is TEXT, none is a number.
**
** Decimal texts among the cells, and the reals that TEXT would print, are left to SQLite.
*/
#ifndef QUERYCACHE_LOOKUP_SEARCH_H
#define QUERYCACHE_LOOKUP_SEARCH_H

#include "base/sqlite.h"
#include "lookup/index.h"
#include "query/columns.h"

/* One end of a range. */
struct search_end {
    sqlite3_value *value; /* NULL: it is open */
    bool strict;          /* the value itself is out */
};

/* Where the rows are that can be equal to the value. The index serves the folded order. False: that
** is not known, and any row can. */
bool search_equal(const struct index *index, const struct result *result, enum affinity affinity,
                  sqlite3_value *value, struct span *span);

/* Likewise where it is one of the values of an IN. */
bool search_among(const struct index *index, const struct result *result, enum affinity affinity,
                  sqlite3_value *value, struct span *span);

/* Likewise those that can be within the range; any index will do. */
bool search_range(const struct index *index, const struct result *result, enum affinity affinity,
                  struct search_end lower, struct search_end upper, struct span *span);

#endif
