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

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * TICKS_PER_SECOND + time.tv_nsec;
}

static bool is_settled(const struct stat *status)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t modified = nanoseconds(status->st_mtim);
    int64_t changed = nanoseconds(status->st_ctim);
    int64_t age = nanoseconds(now) - (modified > changed ? modified : changed);
    bool coarse = status->st_mtim.tv_nsec == 0 && status->st_ctim.tv_nsec == 0;
    return age >= (coarse ? COARSE_TICK : TICK);
}

bool stamp_read(const char *path, struct stamp *stamp)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    *stamp = (struct stamp){.device = (uint64_t)status.st_dev,
                            .inode = (uint64_t)status.st_ino,
                            .size = (int64_t)status.st_size,
                            .modified = nanoseconds(status.st_mtim),
                            .changed = nanoseconds(status.st_ctim),
                            .settled = is_settled(&status) || !GUARD(YOUNG_STAMP)};
    return true;
}

bool stamp_stands(const struct stamp *before, const struct stamp *now)
{
    return before->settled && before->device == now->device && before->inode == now->inode &&
           before->size == now->size && before->modified == now->modified &&
           before->changed == now->changed;
}
