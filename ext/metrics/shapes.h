/*
** Shapes: SELECTs that differ in their literals alone, and whether those were quick to compute when
** they were last seen. Where no rule says otherwise, what is quick is left alone, and a program
** that writes values into its SQL does not pay for each text anew. The process's; a fixed table
** that may forget; thread-safe, without locks.
*/
#ifndef QUERYCACHE_METRICS_SHAPES_H
#define QUERYCACHE_METRICS_SHAPES_H

#include <stdbool.h>
#include <stdint.h>

/* What a verdict is good for, in seconds: tables grow. */
#define SHAPE_SECONDS 60

/* Of a text; never 0. */
uint64_t shape_of(const char *sql);

void shape_note(uint64_t shape, bool quick);

/* True when it was, lately. */
bool shape_is_quick(uint64_t shape);

#endif
