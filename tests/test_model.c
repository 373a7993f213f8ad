/*
** The protocol of announcing, settling and withdrawing commits, as a model: the objects of
** ext/coherence, over a simulated file (tests/model/), in all interleavings of writers, readers and
** other processes. Whatever a cached read gives must be what its snapshot holds.
**
** COMMITS=n and READS=n set how much each actor of the families called "product" does; STATES=n how
** many states at most are visited of a family, FAMILY=n picks one. Under a sanitizer, and with
** SCHEDULES=n, that many schedules are chosen at random instead.
*/
#include "tap.h"

#include <stdlib.h>
#include <time.h>

#include "base/lock.h"
#include "coherence/file.h"
#include "coherence/history.h"
#include "model/actors.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RANDOM_SCHEDULES 2000
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RANDOM_SCHEDULES 2000
#endif
#endif
#ifndef RANDOM_SCHEDULES
#define RANDOM_SCHEDULES 0
#endif

#define EVERY_WRITE                                                                                \
    OP_WRITE_1, OP_WRITE_2, OP_WRITE_SAME, OP_WRITE_FAIL, OP_ROLL_BACK, OP_TRUNCATE, OP_SILENT,    \
        OP_SAME_AUX, OP_READ_OWN
#define WRITES OP_WRITE_1, OP_WRITE_SAME, OP_WRITE_FAIL
#define OTHER_WRITES OP_WRITE_2, OP_WRITE_SAME
#define READS OP_READ_2, OP_SELECT_READ_2

#define ROLE(title, count, ...) .name = (title), .rounds = (count), .operations = {__VA_ARGS__}
#define CONNECTION(title, count, ...)                                                              \
    {                                                                                              \
        ROLE(title, count, __VA_ARGS__)                                                            \
    }
#define BARE_CONNECTION(title, count, ...)                                                         \
    {                                                                                              \
        ROLE(title, count, __VA_ARGS__), .no_mutex = true                                          \
    }
#define FOREIGN(count, ...)                                                                        \
    {                                                                                              \
        ROLE("another process", count, __VA_ARGS__), .foreign = true                               \
    }

/* Rounds that COMMITS or READS sets. */
#define COMMITS_SET (-1)
#define READS_SET (-2)

static const struct family families[] = {
    {.name = "every kind of write, then another process",
     .roles = {CONNECTION("writer", 2, EVERY_WRITE), CONNECTION("reader", 1, OP_READ_2),
               FOREIGN(1, OP_FOREIGN_2)}},
    {.name = "every kind of write, of one of two writers",
     .roles = {CONNECTION("writer A", 1, EVERY_WRITE), CONNECTION("writer B", 1, EVERY_WRITE),
               CONNECTION("reader", 1, OP_READ_2, OP_BEGIN_READ_2)}},
    {.name = "every kind of read",
     .roles = {CONNECTION("writer", 1, OP_WRITE_1, OP_WRITE_2, OP_WRITE_SAME),
               CONNECTION("reader A", 1, OP_READ_1, OP_READ_2, OP_BEGIN_READ_2, OP_SELECT_READ_2),
               CONNECTION("reader B", 1, READS)}},
    {.name = "a writer that reads",
     .roles = {CONNECTION("writer", 2, OP_WRITE_1, OP_WRITE_SAME, READS),
               CONNECTION("reader", 1, OP_READ_2), FOREIGN(1, OP_FOREIGN_1, OP_FOREIGN_2)}},
    {.name = "recovery, and a WAL that is started over",
     .roles = {CONNECTION("writer", 1, WRITES), CONNECTION("reader", 1, READS),
               FOREIGN(2, OP_FOREIGN_2, OP_RESTART_2, OP_RECOVER_2)}},
    {.name = "a header that is being written",
     .torn = true,
     .roles = {CONNECTION("writer A", 1, WRITES), CONNECTION("writer B", 1, OTHER_WRITES),
               CONNECTION("reader", 1, READS)}},
    {.name = "connections without a mutex",
     .roles = {BARE_CONNECTION("writer", 2, WRITES, OP_READ_2), BARE_CONNECTION("reader", 1, READS),
               FOREIGN(1, OP_FOREIGN_2)}},
    {.name = "rollback mode",
     .rollback_mode = true,
     .torn = true,
     .roles = {CONNECTION("writer A", 2, WRITES, OP_SILENT, OP_SPILL),
               CONNECTION("writer B", 1, OTHER_WRITES), CONNECTION("reader", 1, READS),
               FOREIGN(1, OP_FOREIGN_2)}},
    {.name = "product: one reader",
     .roles = {CONNECTION("writer A", COMMITS_SET, WRITES),
               CONNECTION("writer B", COMMITS_SET, OTHER_WRITES),
               CONNECTION("reader", READS_SET, READS), FOREIGN(COMMITS_SET, OP_FOREIGN_2)}},
    {.name = "product: two readers",
     .roles = {CONNECTION("writer A", COMMITS_SET, OP_WRITE_1, OP_WRITE_SAME),
               CONNECTION("writer B", COMMITS_SET, OP_WRITE_2),
               CONNECTION("reader A", READS_SET, OP_READ_2),
               CONNECTION("reader B", READS_SET, OP_READ_2), FOREIGN(COMMITS_SET, OP_FOREIGN_2)}},
};

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

static void set_rounds(struct family *family)
{
    for (int i = 0; i < ACTORS; i++) {
        int *rounds = &family->roles[i].rounds;
        if (*rounds == COMMITS_SET)
            *rounds = (int)setting("COMMITS", 1);
        else if (*rounds == READS_SET)
            *rounds = (int)setting("READS", 1);
    }
}

static void report(const struct search *search, double seconds)
{
    printf("#   %llu states, %llu steps, %llu schedules, at most %u steps long, %.1f s%s\n",
           (unsigned long long)search->states, (unsigned long long)search->steps,
           (unsigned long long)search->schedules, search->depth, seconds,
           search->cut ? "; more were not visited" : "");
    printf("#   %llu hits, %llu of them on older results; %llu misses, %llu kept, %llu bypasses\n",
           (unsigned long long)sightings.hits, (unsigned long long)sightings.hits_after_own,
           (unsigned long long)sightings.misses, (unsigned long long)sightings.kept,
           (unsigned long long)sightings.bypasses);
}

static void check_family(const struct family *family)
{
    struct family sized = *family;
    set_rounds(&sized);
    sightings = (struct sightings){0};
    struct scenario scenario = family_scenario(&sized);
    /* A torn header makes a connection leave the file, whose variables are part of no state. */
    uint64_t schedules = setting("SCHEDULES", RANDOM_SCHEDULES);
    if (schedules == 0 && family->torn && !family->rollback_mode)
        schedules = 100000;
    clock_t start = clock();
    struct search search = schedules > 0 ? search_some(&scenario, schedules, setting("SEED", 1))
                                         : search_all(&scenario, setting("STATES", UINT64_MAX));
    ok(!search.violated, family->name);
    report(&search, (double)(clock() - start) / CLOCKS_PER_SEC);
    if (!search.violated && search.states > 0)
        ok(sightings.hits_after_own > 0, "a commit to one table leaves results of another");
    file_forget_all();
    history_forget_all();
}

int main(void)
{
#ifndef NDEBUG
    lock_keep_no_record(); /* the actors share a thread, and states are put back */
#endif
    uint64_t only = setting("FAMILY", 0);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (only == 0 || only == i + 1)
            check_family(&families[i]);
    }
    return tap_done();
}
