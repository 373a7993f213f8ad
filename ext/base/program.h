/*
** A program: what EXPLAIN lists of the virtual-machine code that SQLite compiles a statement to.
** It shows every table that a statement opens, every function it calls, and is the best identity a
** query has: addresses left out, two equal listings do the same. Called under the connection's
** mutex.
*/
#ifndef QUERYCACHE_BASE_PROGRAM_H
#define QUERYCACHE_BASE_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sqlite.h"

struct instruction {
    const char *opcode;
    int p1, p2, p3;
    int p5;
    const char *p4; /* never NULL */
};

/* A listing, to be looked through more than once. */
struct program {
    struct instruction *instructions;
    int count;
    char *texts; /* of the instructions */
};

/* Have SQLite compile a text, and read the listing. SQLite's error where it does not compile; then
** the program is empty. It keeps no statement; clear it in any case. */
int program_read(sqlite3 *db, const char *sql, struct program *program);
void program_clear(struct program *program);

/*
** Call `visit` for each instruction, in order; the texts are valid during the call. A non-zero
** return stops. Gives SQLite's error where the text does not compile, or what `visit` returned (an
** SQLite error code).
*/
int program_each(sqlite3 *db, const char *sql,
                 int (*visit)(const struct instruction *instruction, int address, void *context),
                 void *context);

/*
** What a program expects of a schema, from its Transaction opcode: the schema's version in memory,
** and how often this connection has thrown it away and read it anew. Two programs with equal labels
** were compiled under the very same schema, as long as no database was detached in between.
*/
struct schema_label {
    int database; /* SQLite's number of it */
    uint32_t version;
    int generation;
};

/* True for a Transaction opcode. */
bool program_label(const struct instruction *instruction, struct schema_label *label);

bool program_same_schema(const struct schema_label *a, const struct schema_label *b);

/* The label of a schema as the connection has it in memory; `index` is SQLite's number of the
** database. Takes no lock. */
int program_schema_label(sqlite3 *db, int index, const char *schema, struct schema_label *label);

/* The version alone. */
int program_schema_version(sqlite3 *db, int index, const char *schema, uint32_t *version);

/* True for p4 of a virtual table; *address is its sqlite3_vtab. */
bool program_vtab(const char *p4, const sqlite3_vtab **address);

#endif
