/*
** Durations and sizes as people write them: '500 ms', '5 min', '16 MB', '1 GiB', 'none'.
** Thread-safe: nothing is kept.
*/
#ifndef QUERYCACHE_BASE_UNITS_H
#define QUERYCACHE_BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/* What the parsers accept, for error texts. */
#define UNITS_DURATION_FORM                                                                        \
    "a positive number of seconds, or a number with us, ms, s, min, h or d, such as '5 min'"
#define UNITS_SIZE_FORM                                                                            \
    "a positive number of bytes, or a number with KB, MB, GB, KiB, MiB or GiB, such as '16 MB'"

/*
** Nanoseconds of a duration. A bare number is seconds and may have a fraction; units are us, ms, s
** (sec, second, seconds), min (minute, minutes), h (hour, hours), d (day, days), in any case,
** with or without a space before them. Returns false, and leaves *nanoseconds alone, for anything
** else, for zero, for a negative number, and for what does not fit (the greatest is below
** TICKS_NEVER). 'none' is not handled here.
*/
bool units_parse_duration(const char *text, int64_t *nanoseconds);

/*
** Bytes of a size. A bare number is bytes; units are B, KB, MB, GB, TB (powers of 1000) and KiB,
** MiB, GiB, TiB (powers of 1024), in any case. A fraction is accepted with a unit if the result is
** at least one byte; it is rounded down. False as above.
*/
bool units_parse_size(const char *text, int64_t *bytes);

/* A positive whole number, such as max_entries = 1000. False as above. */
bool units_parse_count(const char *text, int64_t *count);

/* The shortest exact spelling: 300000000000 gives '5 min', TICKS_NEVER 'none'. `out` has room for
** 32 bytes. */
void units_format_duration(int64_t nanoseconds, char out[32]);

/* 67108864 gives '64 MiB', 16000000 '16 MB', INT64_MAX 'none'. */
void units_format_size(int64_t bytes, char out[32]);

#endif
