/*
** Refused shapes: SELECTs of this connection that cannot be cached whatever their literals are, and
** why. A program that writes values into its SQL does not pay again and again for finding out the
** same. A fixed table, which may forget. One for each session; used under the connection's mutex.
*/
#ifndef QUERYCACHE_METRICS_REFUSED_SHAPES_H
#define QUERYCACHE_METRICS_REFUSED_SHAPES_H

#include <stdint.h>

/* A shape of a text (shapes.h) with the options that it is prepared with, as long as no schema was
** found changed. */
struct shape_key {
    uint64_t shape;
    uint64_t options;
    uint64_t generation;
};

struct refused_shapes;

/* Note the reason, copied. Makes the table on first use; where memory is short nothing is noted. */
void refused_shapes_note(struct refused_shapes **table, const struct shape_key *key,
                         const char *reason);

/* The reason, which stays until the next note; NULL where none was noted within SHAPE_SECONDS: a
** change of a schema that nobody looks at is not found out. */
const char *refused_shapes_find(const struct refused_shapes *table, const struct shape_key *key);

void refused_shapes_free(struct refused_shapes *table);

#endif
