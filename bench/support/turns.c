#include "turns.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

/* The parent's ends of the pipes to all players: a child that kept them open would keep the others
** from seeing the end. */
#define MAX_PLAYERS 8
static int questions[MAX_PLAYERS];
static int players;

void player_start(struct player *player, const char *name,
                  void (*play)(struct player *player, void *context), void *context)
{
    int there[2];
    int back[2];
    *player = (struct player){.name = name};
    if (players == MAX_PLAYERS || pipe(there) != 0 || pipe(back) != 0)
        bench_fail(name, "no pipe");
    fflush(stdout);
    player->process = fork();
    if (player->process < 0)
        bench_fail(name, "no process");
    if (player->process == 0) {
        close(there[1]);
        close(back[0]);
        for (int i = 0; i < players; i++)
            close(questions[i]);
        player->to = back[1];
        player->from = there[0];
        play(player, context);
        exit(0);
    }
    close(there[0]);
    close(back[1]);
    player->to = questions[players++] = there[1];
    player->from = back[0];
}

double player_ask(struct player *player, unsigned char question)
{
    double number;
    if (write(player->to, &question, 1) != 1 ||
        read(player->from, &number, sizeof number) != (ssize_t)sizeof number)
        bench_fail(player->name, "does not answer");
    return number;
}

void player_stop(struct player *player)
{
    int status = 1;
    close(player->to);
    if (waitpid(player->process, &status, 0) != player->process || status != 0)
        bench_fail(player->name, "failed");
    close(player->from);
}

bool player_next(struct player *player, unsigned char *question)
{
    return read(player->from, question, 1) == 1;
}

void player_answer(struct player *player, double number)
{
    if (write(player->to, &number, sizeof number) != (ssize_t)sizeof number)
        bench_fail(player->name, "cannot answer");
}
