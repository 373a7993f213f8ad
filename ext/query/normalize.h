/*
** Normalized SQL: one spelling for texts that mean the same to SQLite. Folds white space, comments,
** the case of keywords and bare identifiers, and semicolons around the statement; keeps literals,
** quoted identifiers and parameters exactly as written. Two texts with one normal form give the
** same rows; the names of the result's columns may differ. Thread-safe.
*/
#ifndef QUERYCACHE_QUERY_NORMALIZE_H
#define QUERYCACHE_QUERY_NORMALIZE_H

/*
** The normal form, for people to read as well: tokens are separated by one space, but for none
** after "(" and ".", none before ")", ",", "." and ";", and none between a name (not a keyword) and
** its "("; where that would join two tokens into one ("1 ." and ". 5"), the space stays.
**
** White space and comments between tokens are kept as written where rows may depend on them: in a
** text with more than one SELECT that may refer to a column named after the text of an expression
** (by a quoted name like "a +b", NATURAL or USING); in one with a byte order mark after its start,
** which is a name to SQLite 3.34; and in one that SQLite refuses.
**
** Normalizing a normal form changes nothing, and no two token sequences share one, but for the case
** of words and the semicolons around. Caller frees with memory_free(); NULL when memory is short.
*/
char *normalize_sql(const char *sql);

#endif
