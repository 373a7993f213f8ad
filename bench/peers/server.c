#include "server.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "../support/measure.h"
#include "base/ticks.h"

#define MAX_SERVERS 4
#define MAX_ARGUMENTS 24

/* How long a server may take until it listens. */
#define PATIENCE (10 * TICKS_PER_SECOND)

/* What execvp() failing ends the child with, as in a shell. */
#define NO_PROGRAM 127

/* ---- ends with the program ---- */

static pid_t running[MAX_SERVERS];
static pid_t owner;
static volatile sig_atomic_t asked_to_end;

static void end_process(pid_t process)
{
    kill(process, SIGKILL); /* it has nothing to save */
    waitpid(process, NULL, 0);
}

static void end_all(void)
{
    for (int i = 0; i < MAX_SERVERS && getpid() == owner; i++)
        if (running[i] > 0)
            end_process(running[i]);
}

static void note_signal(int number)
{
    asked_to_end = number;
}

void server_heed_signals(void)
{
    if (asked_to_end != 0)
        exit(128 + asked_to_end);
}

static void prepare_to_end(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
    if (owner != 0)
        return;
    owner = getpid();
    atexit(end_all);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaction(numbers[i], &action, NULL);
}

/* ---- cores ---- */

#ifdef __linux__
/* The first and the last of the cores that this program may use at its start. */
static size_t first_core = CPU_SETSIZE; /* not known yet */
static size_t last_core;

static void choose_cores(void)
{
    cpu_set_t set;
    if (first_core < CPU_SETSIZE || sched_getaffinity(0, sizeof set, &set) != 0)
        return;
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &set))
            continue;
        first_core = first_core < i ? first_core : i;
        last_core = i;
    }
}

/* Keep this process, and what it starts, on a core. */
static bool stay_on(size_t core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

static bool take_core(enum core core)
{
    choose_cores();
    return first_core < CPU_SETSIZE && (core == SAME_CORE || last_core != first_core) &&
           stay_on(core == SAME_CORE ? first_core : last_core);
}
#else
static bool take_core(enum core core)
{
    return core == SAME_CORE;
}
#endif

/* ---- starting ---- */

/* In the child. A group of its own keeps Ctrl-C from it: it is for the program to end it. */
_Noreturn static void become_server(char *const *arguments, pid_t parent)
{
    int nothing = open("/dev/null", O_RDWR);
    setpgid(0, 0);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() == parent && nothing >= 0) {
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDOUT_FILENO);
        execvp(arguments[0], arguments);
    }
    _exit(NO_PROGRAM);
}

static void start_process(struct server *server, const char *const *arguments)
{
    char *actual[MAX_ARGUMENTS + 1] = {(char *)arguments[0]};
    for (int i = 1; i < MAX_ARGUMENTS && arguments[i] != NULL; i++)
        actual[i] =
            strcmp(arguments[i], SERVER_SOCKET) == 0 ? server->socket : (char *)arguments[i];
    int place = 0;
    while (place < MAX_SERVERS && running[place] != 0)
        place++;
    if (place == MAX_SERVERS)
        bench_fail(arguments[0], "too many servers");
    pid_t parent = getpid();
    server->process = fork();
    if (server->process < 0)
        bench_fail(arguments[0], "no process");
    if (server->process == 0)
        become_server(actual, parent);
    running[place] = server->process;
}

static void forget_process(struct server *server)
{
    for (int i = 0; i < MAX_SERVERS; i++)
        if (running[i] == server->process)
            running[i] = 0;
    server->process = 0;
}

static bool answers(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        bench_fail(path, "too long for a socket; set TMPDIR to a shorter folder");
    memcpy(address.sun_path, path, strlen(path) + 1);
    int file = socket(AF_UNIX, SOCK_STREAM, 0);
    bool connected = connect(file, (struct sockaddr *)&address, sizeof address) == 0;
    close(file);
    return connected;
}

/* Whether it has ended, which it should not, or there is no such program. */
static bool is_missing(struct server *server, const char *program)
{
    int status = 0;
    if (waitpid(server->process, &status, WNOHANG) != server->process)
        return false;
    forget_process(server);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != NO_PROGRAM)
        bench_fail(program, "ended instead of listening");
    return true;
}

const char *server_start(struct server *server, const char *socket, enum core core,
                         const char *const *arguments)
{
    const struct timespec moment = {.tv_nsec = 2000000};
    int64_t deadline = ticks_now() + PATIENCE;
    prepare_to_end();
    if (!take_core(core))
        return "there is no second core to choose";
    server->socket = bench_file(socket);
    start_process(server, arguments); /* on the core that was taken */
    take_core(SAME_CORE);
    while (!answers(server->socket)) {
        if (is_missing(server, arguments[0])) {
            sqlite3_free(server->socket);
            return "the program is not installed";
        }
        if (ticks_now() > deadline)
            bench_fail(arguments[0], "does not listen");
        server_heed_signals();
        nanosleep(&moment, NULL);
    }
    return NULL;
}

void server_stop(struct server *server)
{
    end_process(server->process);
    forget_process(server);
    unlink(server->socket);
    sqlite3_free(server->socket);
}
