/*
** Turns: sides of a comparison that must not share a store, each in a process of its own. The
** parent starts them all, and then asks one at a time; each answers with a number.
**
** A process starts players from one thread only.
*/
#ifndef BENCH_SUPPORT_TURNS_H
#define BENCH_SUPPORT_TURNS_H

#include <stdbool.h>
#include <sys/types.h>

struct player {
    const char *name;
    pid_t process;
    int to; /* in the parent: where questions go, and answers come from; in the child the reverse */
    int from;
};

/* Run `play` in a new process, which ends when it returns; until the parent stops it, it gets the
** questions and answers each. */
void player_start(struct player *player, const char *name,
                  void (*play)(struct player *player, void *context), void *context);

/* In the parent: have the player answer; and end it. */
double player_ask(struct player *player, unsigned char question);
void player_stop(struct player *player);

/* In the child: the next question; false when the parent has no more. */
bool player_next(struct player *player, unsigned char *question);
void player_answer(struct player *player, double number);

#endif
