#include "crew.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "shared.h"
#include "worker.h"

/* How long a process may take to end, or to make or check the files. */
#define MOST_SECONDS 10

static const char *this_program;
static int failures;

/* The process of threads comes first. Zero where nobody runs. */
#define CREW (MOST_PROCESSES + 1)
static volatile pid_t crew[CREW];
static int crew_size;
static int incarnations[CREW];

void crew_begin(const char *program)
{
    this_program = program;
}

int crew_failures(void)
{
    return failures;
}

int crew_play(int argc, char **argv)
{
    if (argc != 5)
        return -1;
    shared_map(argv[2]);
    if (strcmp(argv[1], "make") == 0)
        worker_make_files();
    else if (strcmp(argv[1], "check") == 0)
        worker_check_files();
    else if (strcmp(argv[1], "threads") == 0)
        worker_run_threads();
    else
        worker_run_process((int)strtol(argv[3], NULL, 10), (int)strtol(argv[4], NULL, 10));
    return 0;
}

static pid_t start(const char *role, int number, int incarnation)
{
    char number_text[12];
    char incarnation_text[12];
    snprintf(number_text, sizeof number_text, "%d", number);
    snprintf(incarnation_text, sizeof incarnation_text, "%d", incarnation);
    pid_t pid = fork();
    if (pid < 0)
        perror("fork");
    if (pid != 0)
        return pid;
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    execlp(this_program, this_program, role, shared->folder, number_text, incarnation_text,
           (char *)NULL);
    perror(this_program);
    _exit(71);
}

static void note_ending(const char *who, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    failures++;
    printf("# %s: %s ended with %s %d\n", phase_now()->name, who,
           WIFSIGNALED(status) ? "signal" : "status",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    fflush(stdout);
}

/* False where it had to be killed. */
static bool await(pid_t pid, const char *who, int milliseconds)
{
    int status = 0;
    for (int waited = 0; waitpid(pid, &status, WNOHANG) == 0; waited += 5) {
        if (waited >= milliseconds) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            failures++;
            printf("# %s: %s did not end and was killed\n", phase_now()->name, who);
            fflush(stdout);
            return false;
        }
        usleep(5000);
    }
    note_ending(who, status);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool crew_run(const char *role)
{
    pid_t pid = start(role, 0, 0);
    return pid > 0 && await(pid, role, MOST_SECONDS * 1000);
}

static const char *name_of(int member)
{
    static char name[40];
    snprintf(name, sizeof name, member == 0 ? "the process of threads" : "process %d", member - 1);
    return name;
}

static void start_member(int member)
{
    crew[member] =
        member == 0 ? start("threads", 0, 0) : start("process", member - 1, incarnations[member]++);
}

bool crew_start(int processes)
{
    crew_size = processes + 1;
    for (int member = 0; member < crew_size; member++) {
        start_member(member);
        if (crew[member] < 0)
            return false;
    }
    return true;
}

void crew_look(void)
{
    for (int member = 0; member < crew_size; member++) {
        int status = 0;
        if (crew[member] == 0 || waitpid(crew[member], &status, WNOHANG) == 0)
            continue;
        crew[member] = 0;
        note_ending(name_of(member), status);
        /* What nobody told it to do was not to end well, either. */
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
            failures++;
            printf("# %s: %s ended too early\n", phase_now()->name, name_of(member));
        }
    }
}

void crew_kill_writer(int number)
{
    int member = number + 1;
    if (member >= crew_size || crew[member] <= 0)
        return;
    for (int i = 0; i < 500 && !atomic_load(&shared->inside[number]); i++)
        usleep(200);
    kill(crew[member], SIGKILL);
    waitpid(crew[member], NULL, 0);
    atomic_store(&shared->inside[number], 0);
    count(COUNT_KILLS);
    start_member(member);
}

void crew_end(void)
{
    for (int member = 0; member < crew_size; member++) {
        if (crew[member] > 0)
            await(crew[member], name_of(member), MOST_SECONDS * 1000);
        crew[member] = 0;
    }
}

void crew_abandon(void)
{
    for (int member = 0; member < CREW; member++)
        if (crew[member] > 0)
            kill(crew[member], SIGKILL);
}
