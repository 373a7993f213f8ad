/*
** The judge: every cached table must give what its SELECT gives on the same connection at the
** same moment, alone and inside other queries. What it reads is drawn from the step's salt, per
** cached table, so that the same step reads the same in a shorter script.
*/
#ifndef DIFFERENTIAL_CHECK_H
#define DIFFERENTIAL_CHECK_H

#include "world.h"

/* What went wrong; `text` is the report, for a TAP comment. */
struct failure {
    int step;
    struct text text;
};

/* Applies the step, then compares what it asks for. False where an answer is wrong. */
bool check_step(struct world *world, const struct step *step, struct failure *failure);

#endif
