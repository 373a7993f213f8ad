/*
** A server that a peer asks, for as long as this program runs: on a socket in the program's own
** folder, which nobody else can enter. It ends with the program, however that ends: at exit, after
** a failure, and on a signal. Not thread-safe.
*/
#ifndef BENCH_PEERS_SERVER_H
#define BENCH_PEERS_SERVER_H

#include <sys/types.h>

struct server {
    pid_t process; /* 0: none */
    char *socket;  /* its path */
};

/*
** The core on which a server runs. Left to the system it is now the one and now the other, and an
** answer over a socket takes several times as long from a core that has to be woken for it. Where
** cores cannot be chosen there are no servers on a core of their own, and the others are wherever
** the system has them.
*/
enum core {
    OWN_CORE, /* another than this program's */
    SAME_CORE,
};

/*
** Start a program that listens on the socket of the name `socket`: `arguments` is its command line,
** NULL at the end, in which SERVER_SOCKET stands for the socket's path. Returns NULL once it
** answers, or why it cannot be had here. This program stays on one core from then on.
*/
#define SERVER_SOCKET "SOCKET"
const char *server_start(struct server *server, const char *socket, enum core core,
                         const char *const *arguments);

void server_stop(struct server *server);

/* After a signal that asks to end (Ctrl-C), exit, and so end the servers too. To be called at every
** convenient moment: the handler itself could do little in safety. */
void server_heed_signals(void);

#endif
