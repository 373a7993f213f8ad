/*
** A path: the rows of a result that a cursor visits, and in which order, where that is not simply
** all from the first to the last. Finds or makes the index that the plan asks for, and goes without
** where that is not worth it or there is no room: then it has more rows than need be, never fewer,
** and always in the order that was promised. Used under the connection's mutex; the result stays as
** long as the path.
*/
#ifndef QUERYCACHE_LOOKUP_PATH_H
#define QUERYCACHE_LOOKUP_PATH_H

#include "lookup/access.h"
#include "lookup/index.h"
#include "read/read.h"

struct path {
    const uint32_t *rows; /* to be visited, from `at` to `end`; NULL: all, in their order */
    uint64_t at;
    uint64_t end;
    /* From the last to the first instead, but equal ones in their order: then `end` is that of the
    ** group of equals which is visited, `first` where it begins, and `begin` where all do. */
    const struct index *descending; /* NULL: forward */
    uint64_t first;
    uint64_t begin;
    struct index *own_index; /* that could not be attached; or NULL */
    uint32_t *own_rows;      /* likewise owned */
};

/*
** Find the rows of the result that `request` was answered with, for the values that `access` wants.
** SQLITE_OK or SQLITE_NOMEM. Clear the path unless its `rows` are NULL: then it owns nothing.
*/
int path_find(struct path *path, struct session *session, struct request *request,
              struct result *result, const struct access *access, sqlite3_value **values);

/* The row to begin with, and the one after it; result_rows() at the end. */
uint64_t path_start(struct path *path, const struct result *result);
uint64_t path_next(struct path *path, const struct result *result);

/* Not inlined: a read without a path is not to pay for it. */
__attribute__((noinline)) void path_clear(struct path *path);

#endif
