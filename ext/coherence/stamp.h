/*
** A stamp: what the file system says of when a file was last written to, by whomever, and past
** SQLite too. Equal stamps mean that nobody has written to it in between, where the first was
** settled: time goes on in ticks, so a file may be written to once more within the tick of its
** stamp, and keep it.
*/
#ifndef QUERYCACHE_COHERENCE_STAMP_H
#define QUERYCACHE_COHERENCE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

struct stamp {
    uint64_t device, inode; /* whose it is */
    int64_t size;
    int64_t modified; /* nanoseconds of Unix time; of the content */
    int64_t changed;  /* of anything: also where a tool sets `modified` back, as cp -p does */
    bool settled;     /* it was old enough when it was read */
};

/*
** The stamp of the file that is at this path now. False where there is none. Where the file was
** written to within the present tick (4 ms, as a rule), it waits for the tick to be over, and then
** looks again: at most 20 ms. What has another stamp by then, or times ahead of the clock, is not
** settled.
*/
bool stamp_read(const char *path, struct stamp *stamp);

/* Whether a file that had the stamp `before` has not been written to up to `now`. */
bool stamp_stands(const struct stamp *before, const struct stamp *now);

#endif
