/* Forks: the number that tells a child from its parent, and what a child calls first. */
#include "tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"

/* Digits of the functions called, in their order. */
static _Atomic int called;

static void call(int digit)
{
    atomic_store(&called, atomic_load(&called) * 10 + digit);
}

static void reset_one(void)
{
    call(1);
}

static void reset_two(void)
{
    call(2);
}

/* PROCESS_RESETS functions that are all different. */
static _Atomic int filler_calls[PROCESS_RESETS];

#define FILLER(n)                                                                                  \
    static void filler_##n(void)                                                                   \
    {                                                                                              \
        atomic_fetch_add(&filler_calls[n], 1);                                                     \
    }
FILLER(0)
FILLER(1)
FILLER(2)
FILLER(3)
FILLER(4)
FILLER(5)
FILLER(6)
FILLER(7)
FILLER(8)
FILLER(9)
FILLER(10)
FILLER(11)
FILLER(12)
FILLER(13)
FILLER(14)
FILLER(15)

static void (*const fillers[PROCESS_RESETS])(void) = {
    filler_0, filler_1, filler_2,  filler_3,  filler_4,  filler_5,  filler_6,  filler_7,
    filler_8, filler_9, filler_10, filler_11, filler_12, filler_13, filler_14, filler_15};

/* Registers all that still fit, beside other threads that do the same. */
static void *register_fillers(void *context)
{
    int *registered = context;
    *registered = 0;
    for (int i = 0; i < PROCESS_RESETS - 2; i++)
        *registered += process_on_fork(fillers[i]);
    return NULL;
}

/* What the child gives back: a bit for each thing that is wrong. */
static int in_child(uint64_t generation, int expected_calls)
{
    alarm(60);
    int wrong = 0;
    if (process_generation() == generation || process_generation() == 0)
        wrong |= 1;
    if (called != expected_calls)
        wrong |= 2;
    for (int i = 0; i < PROCESS_RESETS; i++)
        if (filler_calls[i] > 1)
            wrong |= 4;
    return wrong;
}

static int child_status(pid_t child)
{
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static void test_children(void)
{
    uint64_t generation = process_generation();
    ok(generation != 0, "a process has a number");
    ok(process_on_fork(reset_one), "what a child does first is registered");
    ok(process_on_fork(reset_two), "and more of it");
    ok(process_on_fork(reset_one), "again is no failure");
    is_int(process_generation(), generation, "that leaves the number as it is");
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(in_child(generation, 12));
        is_int(child_status(child), 0,
               i == 0 ? "a child has another number, and called each function once, in order"
                      : "and so has the next");
    }
    is_int(called, 0, "the parent called none");
    is_int(process_generation(), generation, "and keeps its number");

    pid_t child = fork();
    if (child == 0) {
        uint64_t own = process_generation();
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(in_child(own, 1212) | in_child(generation, 1212));
        int status = child_status(grandchild);
        _exit(process_generation() == own && called == 12 ? status : 16);
    }
    is_int(child_status(child), 0, "a child's child has another number than both");
}

static void test_registering_at_once(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    int registered[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, register_fillers, &registered[i]);
    int all = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        all += registered[i];
    }
    is_int(all, THREADS * (PROCESS_RESETS - 2), "threads may register the same at once");
    ok(!process_on_fork(fillers[PROCESS_RESETS - 1]), "there is an end to how many can be");
    ok(process_on_fork(fillers[0]) && process_on_fork(reset_one), "but what is there is there");
    pid_t child = fork();
    if (child == 0) {
        int calls = 0;
        for (int i = 0; i < PROCESS_RESETS; i++)
            calls += filler_calls[i];
        _exit(calls == PROCESS_RESETS - 2 ? in_child(process_generation() - 1, 12) : 32);
    }
    is_int(child_status(child), 0, "and each is called once");
}

/* Threads that register for the first time, all at once; then they may install the handlers more
** than once. */
static _Atomic int at_start;

static void *register_first(void *context)
{
    (void)context;
    atomic_fetch_add(&at_start, 1);
    while (atomic_load(&at_start) < 4)
        ;
    process_on_fork(reset_one);
    return NULL;
}

static void test_first_time_at_once(void)
{
    uint64_t generation = process_generation();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, register_first, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(process_generation() == generation + 1 ? in_child(generation, 1) : 64);
    is_int(child_status(child), 0, "a fork counts once, whoever registered at once");
}

int main(void)
{
    test_first_time_at_once();
    test_children();
    test_registering_at_once();
    return tap_done();
}
