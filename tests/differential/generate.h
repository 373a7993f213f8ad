/*
** The generator chooses the steps of a life: first a schema and the cached tables over it, then
** writes, transactions and changes of schema. It looks at the world only to know which
** transactions are open, and writes everything down as text, so that a script needs no generator
** to be replayed.
**
** Every table has the columns id, a, b, c, d, of types that differ from life to life, and ids in
** a small range: most statements then work on most tables, and no table grows.
*/
#ifndef DIFFERENTIAL_GENERATE_H
#define DIFFERENTIAL_GENERATE_H

#include "random.h"
#include "world.h"

#define UNDOS 4

struct generator {
    struct random random;
    const struct life *life;
    struct script queue; /* steps already chosen, */
    int queue_next;      /* of which these are done */
    struct text text;    /* the step being written */
    int savepoints[CONNECTIONS];
    struct {
        int connection;
        char *sql; /* takes an earlier step back: a renamed column, a dropped view */
    } undo[UNDOS];
    int undos;
    int columns_added;
    bool exclusive;
    bool fts;
    bool rtree;
};

/* Queues the steps of the birth. */
void generator_open(struct generator *generator, const struct life *life, bool fts, bool rtree);

/* The next step; its text is valid until the next call. */
void generator_next(struct generator *generator, const struct world *world, struct step *step);

void generator_close(struct generator *generator);

/* schema.c: the statements of a birth. */
void generate_schema(struct generator *generator);
void generate_definitions(struct generator *generator, int connection);

/* A table's CREATE and rows, for a table dropped or a file attached in mid-life. */
void generate_table(struct generator *generator, struct text *text, const char *name);

/* selects.c: a read-only SELECT. */
void generate_select(struct generator *generator, struct text *text, int connection);

/* writes.c: one statement that writes rows. */
void generate_write(struct generator *generator, struct text *text, int connection);
void generate_insert(struct generator *generator, struct text *text, const char *table, int rows);
void generate_value(struct generator *generator, struct text *text);

/* A table's name, as the connection can use it. */
const char *generate_name(struct generator *generator, int connection);

/* Queues a step that is an SQL statement. */
__attribute__((format(printf, 3, 4))) void generate_queue(struct generator *generator,
                                                          int connection, const char *format, ...);

#endif
