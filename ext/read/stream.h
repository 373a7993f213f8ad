/*
** A stream: a computation that hands out its rows as they come, as the query itself would, and
** keeps the result if it is read to its end. Who reads a few rows of many waits for these few
** alone, and nothing grows without bound.
**
** It outlives the read that began it: between two rows the application may do as it likes on the
** connection. What it writes there, the rows that follow may show, as SQLite has it; nothing is
** kept then. Called under the connection's mutex.
*/
#ifndef QUERYCACHE_READ_STREAM_H
#define QUERYCACHE_READ_STREAM_H

#include "read/compute.h"

struct stream;

/*
** Begin, in a read that read.c has begun, and go to the first row; into *reading->stream. What
** gives one row at most (analysis.one_row) may be over with that: then there is no stream, but a
** *result. `keep`: in a snapshot that is held, what is computed may be kept; otherwise it is a
** bypass. The query, and reading->params, must stay until the stream has ended. Errors as those of
** compute_and_keep(); there is no stream then.
*/
int stream_begin(struct reading *reading, bool keep, struct result **result, char **error);

/*
** In the child of a fork(), on a connection from before: just run the query, on a statement of its
** own, with these values, and touch nothing that is the parent's. *begun is set where it could
** begin.
*/
int stream_begin_aside(const struct reading *reading, struct stream **begun, char **error);

/* True behind the last row. */
bool stream_at_end(const struct stream *stream);

/* Go to the next row. SQLITE_OK, or an error code and a text in *error. */
int stream_next(struct stream *stream, char **error);

/* The value in a column of the row, until the next call. */
sqlite3_value *stream_value(const struct stream *stream, int column);

/* End it, read to the end or not. Safe with NULL. */
void stream_end(struct stream *stream);

#endif
