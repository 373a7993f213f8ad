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

/*
** Call `visit` for each instruction, in order; the texts are valid during the call. A non-zero
** return stops. Gives SQLite's error where the text does not compile, or what `visit` returned (an
** SQLite error code).
*/
int program_each(sqlite3 *db, const char *sql,
                 int (*visit)(const struct instruction *instruction, int address, void *context),
                 void *context);

/* The version of a schema as the connection has it in memory; `index` is SQLite's number of the
** database. Takes no lock. */
int program_schema_version(sqlite3 *db, int index, const char *schema, uint32_t *version);

/* True for p4 of a virtual table; *address is its sqlite3_vtab. */
bool program_vtab(const char *p4, const sqlite3_vtab **address);

#endif
