/*
** Queries over a cached table, to be asked of the SELECT in parentheses as well.
*/
#ifndef DIFFERENTIAL_TEMPLATES_H
#define DIFFERENTIAL_TEMPLATES_H

/*
** Queries over one column of @, with two operands. Those behind `whole` need rows without ties. The
** greatest of 5 and 5.0 may be either, so the last of them has a group for each type.
*/
static const char *const counting[] = {"SELECT count(*) FROM @ WHERE # = $1",
                                       "SELECT count(*) FROM @ WHERE # > $1",
                                       "SELECT count(*) FROM @ WHERE # IN ($1, $2, 'oak')",
                                       "SELECT count(*) FROM @ GROUP BY #",
                                       "SELECT dense_rank() OVER (ORDER BY #) FROM @",
                                       "SELECT count(DISTINCT #) FROM @",
                                       "SELECT count(*) FROM @ WHERE # BETWEEN $1 AND $2"};
/* These compare by collation alone. */
static const char *const collating[] = {"SELECT count(*) FROM @ GROUP BY #",
                                        "SELECT count(DISTINCT #) FROM @",
                                        "SELECT dense_rank() OVER (ORDER BY #) FROM @"};
static const char *const whole[] = {"SELECT * FROM @ WHERE # = $1",
                                    "SELECT * FROM @ WHERE # <= $1",
                                    "SELECT * FROM @ WHERE # IN ($1, $2, 'oak')",
                                    "SELECT * FROM @ WHERE # IS NOT $1 AND # > $2",
                                    "SELECT *, # = $1, # < $2 FROM @",
                                    "SELECT * FROM @ ORDER BY #",
                                    "SELECT #, dense_rank() OVER (ORDER BY #) FROM @",
                                    "SELECT count(*), # IS NULL FROM @ GROUP BY #",
                                    "SELECT typeof(#), count(*) FROM @ GROUP BY 1",
                                    "SELECT # FROM @ WHERE # LIKE 'a%'",
                                    "SELECT DISTINCT typeof(max(#)) FROM @ GROUP BY #, typeof(#)"};
/* These read @ more than once, so a parameter without a number would become two. */
static const char *const twice[] = {"SELECT (SELECT count(*) FROM @), (SELECT count(#) FROM @)",
                                    "SELECT count(*) FROM @ AS l JOIN @ AS r ON l.# = r.#",
                                    "SELECT count(*) FROM @ AS l LEFT JOIN @ AS r ON l.# > r.#",
                                    "SELECT count(*) FROM @ WHERE # IN (SELECT # FROM @)"};

#endif
