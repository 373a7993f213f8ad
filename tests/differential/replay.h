/*
** A replay does a script's steps in a fresh folder. The minimizer replays shorter and shorter
** scripts as long as an answer stays wrong (delta debugging), and prints the last one.
*/
#ifndef DIFFERENTIAL_REPLAY_H
#define DIFFERENTIAL_REPLAY_H

#include "check.h"

/* Makes a folder below the test's own and enters it; leaves and removes it. */
void folder_enter(const char *root);
void folder_leave(const char *root);

/* Appends the shortest script found in at most `seconds`, as comments of a TAP report. */
void minimize(struct script *script, const struct life *life, const char *root, int seconds,
              struct text *report);

#endif
