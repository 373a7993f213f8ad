#include "coherence/stamp.h"

#include <sys/stat.h>
#include <time.h>

#include "base/guard.h"
#include "base/ticks.h"

#ifdef __APPLE__
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#endif

/* Longer than a tick of any kernel (10 ms at most), on which times of files go on. */
#define TICK (TICKS_PER_SECOND / 50)

/* The same of a file system that keeps whole seconds, or every other one. */
#define COARSE_TICK (2 * TICKS_PER_SECOND)

/* How long a stamp is waited for, in naps, to be old enough. */
#define NAP (TICKS_PER_SECOND / 1000)
#define MOST_NAPS (TICK / NAP)

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * TICKS_PER_SECOND + time.tv_nsec;
}

static int64_t newest_time(const struct stat *status)
{
    int64_t modified = nanoseconds(status->st_mtim);
    int64_t changed = nanoseconds(status->st_ctim);
    return modified > changed ? modified : changed;
}

static bool has_whole_seconds(const struct stat *status)
{
    return status->st_mtim.tv_nsec == 0 && status->st_ctim.tv_nsec == 0;
}

static int64_t clock_now(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return nanoseconds(now);
}

/* Linux takes the times of files from its coarse clock, or from one ahead of it: what is written
** once that has passed them has another time. */
static bool is_settled(const struct stat *status)
{
    if (has_whole_seconds(status))
        return clock_now(CLOCK_REALTIME) - newest_time(status) >= COARSE_TICK;
#ifdef CLOCK_REALTIME_COARSE
    return clock_now(CLOCK_REALTIME_COARSE) > newest_time(status);
#else
    return clock_now(CLOCK_REALTIME) - newest_time(status) >= TICK;
#endif
}

static void describe(const struct stat *status, struct stamp *stamp)
{
    *stamp = (struct stamp){.device = (uint64_t)status->st_dev,
                            .inode = (uint64_t)status->st_ino,
                            .size = (int64_t)status->st_size,
                            .modified = nanoseconds(status->st_mtim),
                            .changed = nanoseconds(status->st_ctim)};
}

static bool is_same(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified == b->modified && a->changed == b->changed;
}

/* Within the tick of its stamp, a file is looked at again behind it: it may have been written to
** once more meanwhile, of which whoever asks has seen nothing. */
static bool settles(const char *path, const struct stamp *stamp, struct stat *status)
{
    struct stamp later;
    for (int i = 0; i < MOST_NAPS && !is_settled(status) && !has_whole_seconds(status); i++)
        nanosleep(&(struct timespec){.tv_nsec = NAP}, NULL);
    if (!is_settled(status) || stat(path, status) != 0)
        return false;
    describe(status, &later);
    return is_same(stamp, &later);
}

bool stamp_read(const char *path, struct stamp *stamp)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    describe(&status, stamp);
    stamp->settled = !GUARD(YOUNG_STAMP) || is_settled(&status) || settles(path, stamp, &status);
    return true;
}

bool stamp_stands(const struct stamp *before, const struct stamp *now)
{
    return before->settled && is_same(before, now);
}
