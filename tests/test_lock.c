/* Locks: a thread that takes one out of order, or does without one that it should hold, aborts. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#include "base/lock.h"

#ifndef NDEBUG

static struct lock outer = LOCK_INITIALIZER(LOCK_FILES);
static struct lock inner = LOCK_INITIALIZER(LOCK_FILE);

/* True when that aborts, in a process of its own. */
static bool aborts(void (*misuse)(void))
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(2);
        misuse();
        _exit(0);
    }
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGABRT;
}

static void take_in_order(void)
{
    lock_take(&outer);
    lock_take(&inner);
    lock_give(&inner);
    lock_give(&outer);
}

static void take_out_of_order(void)
{
    lock_take(&inner);
    lock_take(&outer);
}

static void take_two_of_one_rank(void)
{
    static struct lock other = LOCK_INITIALIZER(LOCK_FILE);
    lock_take(&inner);
    lock_take(&other);
}

static void take_twice(void)
{
    lock_take(&inner);
    lock_take(&inner);
}

static void give_what_is_not_held(void)
{
    lock_give(&inner);
}

static void *hold_elsewhere(void *unused)
{
    lock_take(&inner);
    return unused;
}

/* A lock that another thread holds is not this one's. */
static void rely_on_another(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, hold_elsewhere, NULL);
    pthread_join(thread, NULL);
    assert(lock_is_held(&inner));
}

static void test_record(void)
{
    ok(lock_none_is_held(), "at first a thread holds nothing");
    lock_take(&outer);
    lock_take(&inner);
    ok(lock_is_held(&outer) && lock_is_held(&inner), "what was taken is held");
    lock_give(&outer);
    ok(!lock_is_held(&outer) && lock_is_held(&inner), "locks may be given back in any order");
    lock_give(&inner);
    ok(lock_none_is_held(), "and then nothing is held");
}

static void test_misuse(void)
{
    ok(!aborts(take_in_order), "the right order is no misuse");
    ok(aborts(take_out_of_order), "taking an outer lock under an inner one aborts");
    ok(aborts(take_two_of_one_rank), "so does taking two of one rank");
    ok(aborts(take_twice), "so does taking one twice");
    ok(aborts(give_what_is_not_held), "so does giving back what is not held");
    ok(aborts(rely_on_another), "so does relying on a lock that another thread holds");
}

int main(void)
{
    test_record();
    test_misuse();
    return tap_done();
}

#else

int main(void)
{
    ok(true, "without asserts nothing is recorded");
    return tap_done();
}

#endif
