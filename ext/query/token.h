/*
** Tokens of SQL text, divided as SQLite's own tokenizer does. Knows no grammar: whether a word is a
** keyword is the reader's question. Thread-safe.
*/
#ifndef QUERYCACHE_QUERY_TOKEN_H
#define QUERYCACHE_QUERY_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

enum token_type {
    TOKEN_END,    /* of the text */
    TOKEN_SPACE,  /* white space or a comment */
    TOKEN_WORD,   /* a keyword or a bare identifier */
    TOKEN_QUOTED, /* "identifier", [identifier] or `identifier`, as written */
    TOKEN_STRING, /* 'text' */
    TOKEN_BLOB,   /* x'00' */
    TOKEN_NUMBER,
    TOKEN_PARAMETER, /* ?, ?3, :name, @name, $name, #name */
    TOKEN_OPERATOR,  /* one or more punctuation characters that belong together */
    TOKEN_SEMICOLON,
    TOKEN_ILLEGAL, /* what SQLite refuses: an unclosed quote, a stray character */
};

struct token {
    enum token_type type;
    const char *text; /* into the SQL, not zero-terminated */
    size_t size;
};

/* The token that starts at `sql`, which is zero-terminated. */
struct token token_read(const char *sql);

/* The same, but passes over white space and comments. */
struct token token_read_solid(const char *sql);

/* The solid one behind a token. */
struct token token_next(struct token token);

/* True when the token is this word, whatever its case; `word` is in lower case. */
bool token_is_word(struct token token, const char *word);

/* True when the token is this operator of one character. */
bool token_is_operator(struct token token, char c);

/*
** The identifier that a WORD or QUOTED token stands for, quotes taken off and doubled ones halved;
** of a STRING likewise. Caller frees with memory_free(); NULL when memory is short.
*/
char *token_identifier(struct token token);

#endif
