#include "shared.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const struct phase_layout phases[PHASES] = {
    [PHASE_WAL] = {"WAL", "WAL", 30, false, false},
    [PHASE_WAL_READS] = {"WAL, read-mostly", "WAL", 15, true, false},
    [PHASE_ROLLBACK] = {"rollback journal", "DELETE", 30, false, false},
    [PHASE_ROLLBACK_READS] = {"rollback journal, read-mostly", "DELETE", 15, true, false},
    [PHASE_SWITCHES] = {"journal mode switched", "WAL", 10, false, true},
};

struct shared *shared;

static void map(const char *folder, int flags)
{
    char path[256];
    snprintf(path, sizeof path, "%s/shared", folder);
    int file = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
    if (file < 0 || ((flags & O_CREAT) && ftruncate(file, sizeof *shared) != 0)) {
        perror(path);
        exit(70);
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED) {
        perror("mmap");
        exit(70);
    }
    close(file);
}

void shared_create(const char *folder)
{
    map(folder, O_CREAT | O_EXCL);
    snprintf(shared->folder, sizeof shared->folder, "%s", folder);
    shared->parent = getpid();
}

void shared_map(const char *folder)
{
    map(folder, 0);
}

bool shared_stopped(void)
{
    return atomic_load(&shared->stop) || getppid() != shared->parent;
}

void violation_report(enum violation violation, const char *where, const char *format, ...)
{
    atomic_fetch_add(&shared->violations[violation], 1);
    int number = atomic_fetch_add(&shared->reports, 1);
    if (number >= MOST_REPORTS)
        return;
    char *text = shared->report[number].text;
    size_t size = sizeof shared->report[number].text;
    int length =
        snprintf(text, size, "SEED=%llu round %d, %s: %s\n", (unsigned long long)shared->seed,
                 atomic_load(&shared->round), phase_now()->name, where);
    va_list arguments;
    va_start(arguments, format);
    if (length > 0 && (size_t)length < size)
        vsnprintf(text + length, size - (size_t)length, format, arguments);
    va_end(arguments);
    atomic_store(&shared->report[number].complete, true);
}
