#include "series.h"

#include "base/ticks.h"
#include "measure.h"

#define ROUNDS 41
#define TURN_NS 1e6
#define MAX_SIDES 4

static double time_turn(const struct side *side, int runs)
{
    int64_t start = ticks_now();
    for (int i = 0; i < runs; i++)
        side->run(side->context);
    return (double)(ticks_now() - start) / runs;
}

/* Some turns come first, which also bring everything to where it stays: from the third run on a hit
** opens no transaction. */
static int choose_runs(const struct side *side)
{
    enum { TRIES = 5 };
    double times[TRIES];
    for (int i = 0; i < TRIES; i++)
        times[i] = time_turn(side, 1);
    double runs = TURN_NS / bench_median(times, TRIES);
    return runs < 1 ? 1 : (int)runs;
}

void series_measure(struct side *sides, int count)
{
    double times[MAX_SIDES][ROUNDS];
    int runs[MAX_SIDES];
    if (count > MAX_SIDES)
        bench_fail("a series", "too many sides");
    for (int i = 0; i < count; i++)
        runs[i] = choose_runs(&sides[i]);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < count; i++)
            times[i][round] = time_turn(&sides[i], runs[i]);
    for (int i = 0; i < count; i++)
        sides[i].time = bench_median(times[i], ROUNDS);
}

void series_read(void *random_read)
{
    struct random_read *read = random_read;
    struct reading reading = {0};
    if (read->limit > 0)
        sqlite3_bind_int64(read->statement, 1, 1 + bench_below(&read->state, read->limit));
    rows_of_statement(&reading, read->statement);
}

int series_next(int number)
{
    int power = 1;
    while (number / power >= 10)
        power *= 10;
    return number / power == 2 ? 5 * power : 2 * number;
}
