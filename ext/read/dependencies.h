/*
** Dependencies: what the tables of a definition say of a snapshot: whether its epochs are known,
** what a result computed in it rests on, and which of the tables were emptied. Called under the
** connection's mutex, with a definition that is prepared and a snapshot taken of its databases.
*/
#ifndef QUERYCACHE_READ_DEPENDENCIES_H
#define QUERYCACHE_READ_DEPENDENCIES_H

#include "coherence/evidence.h"
#include "query/definition.h"

/* True when the epochs of all databases that it reads are known exactly. */
bool definition_is_exact(const struct definition *definition);

/* True when that is not so, and its results may be kept by the connection's own history. */
bool definition_stands_alone(const struct definition *definition);

/* Evidence for these epochs of what the definition reads; where one is not known exactly, by the
** connection's own history, and so good for it alone. Caller frees with memory_free(); NULL when
** memory is short. */
struct evidence *definition_evidence(const struct definition *definition);

/* Find out, in the open read transaction, which of the tables hold rows; only where it is not known
** yet for these epochs. */
int definition_probe(struct definition *definition);

/* True when a table was found truncated in a snapshot whose epoch is not known. */
bool definition_has_emptied(const struct definition *definition);

#endif
