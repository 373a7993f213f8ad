/* Tokens and normal forms: what SQLite tells apart stays apart, what it does not is folded. */
#include <stdint.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "query/normalize.h"
#include "query/token.h"
#include "tap.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define ROUNDS 100000

/* xorshift64: the same texts for the same seed, on every platform. */
static uint64_t seed = 20240607;

static unsigned random_below(size_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % limit);
}

/* A text within the name of a test: on one line, and not too long. */
static const char *printable(const char *sql, char out[60])
{
    size_t size = 0;
    for (; size < 59 && sql[size] != 0; size++)
        out[size] = sql[size] < 0x20 || sql[size] > 0x7E ? '~' : sql[size];
    out[size] = 0;
    return out;
}

/* Tokens */

static void expect_token(const char *sql, enum token_type type, size_t size)
{
    struct token token = token_read(sql);
    char text[60];
    char name[120];
    snprintf(name, sizeof name, "[%s] begins with a token of type %d and %zu bytes",
             printable(sql, text), (int)type, size);
    if (!ok(token.type == type && token.size == size && token.text == sql, name))
        printf("#   got: type %d, %zu bytes\n", (int)token.type, token.size);
}

static const struct {
    const char *sql;
    enum token_type type;
    size_t size;
} first_tokens[] = {
    {"", TOKEN_END, 0},
    {" \t\r\n\f\va", TOKEN_SPACE, 6},
    {"\va", TOKEN_ILLEGAL, 1},
    {"-- c\na", TOKEN_SPACE, 4},
    {"--", TOKEN_SPACE, 2},
    {"/**/a", TOKEN_SPACE, 4},
    {"/*/ a", TOKEN_SPACE, 5},
    {"/* a", TOKEN_SPACE, 4},
    {"/*", TOKEN_OPERATOR, 1},
    {"\xEF\xBB\xBFselect", TOKEN_SPACE, 3},
    {"select(", TOKEN_WORD, 6},
    {"_a$1 ", TOKEN_WORD, 4},
    {"gr\xC3\xB6\xC3\x9F+", TOKEN_WORD, 6},
    {"x", TOKEN_WORD, 1},
    {"x1f'", TOKEN_WORD, 3},
    {"x'1f'", TOKEN_BLOB, 5},
    {"X''", TOKEN_BLOB, 3},
    {"x'1'", TOKEN_ILLEGAL, 4},
    {"x'1g' ", TOKEN_ILLEGAL, 5},
    {"x'12", TOKEN_ILLEGAL, 4},
    {"'it''s'", TOKEN_STRING, 7},
    {"'it", TOKEN_ILLEGAL, 3},
    {"\"a\"\"b\" ", TOKEN_QUOTED, 6},
    {"`a``b`", TOKEN_QUOTED, 6},
    {"[a b]]", TOKEN_QUOTED, 5},
    {"[a b", TOKEN_ILLEGAL, 4},
    {"12 ", TOKEN_NUMBER, 2},
    {"1.", TOKEN_NUMBER, 2},
    {".5", TOKEN_NUMBER, 2},
    {"1..5", TOKEN_NUMBER, 2},
    {"1e5", TOKEN_NUMBER, 3},
    {"1.5E-10)", TOKEN_NUMBER, 7},
    {"1e+", TOKEN_ILLEGAL, 2},
    {"0x1Fg", TOKEN_ILLEGAL, 5},
    {"0x1F", TOKEN_NUMBER, 4},
    {"0x", TOKEN_ILLEGAL, 2},
    {"1_000.000_1e1_0", TOKEN_NUMBER, 15},
    {"1a", TOKEN_ILLEGAL, 2},
    {"?12a", TOKEN_PARAMETER, 3},
    {"?", TOKEN_PARAMETER, 1},
    {":a:b", TOKEN_PARAMETER, 2},
    {"@a::b ", TOKEN_PARAMETER, 5},
    {"$a::b(c-d)e", TOKEN_PARAMETER, 10},
    {"$a(c d)", TOKEN_ILLEGAL, 4},
    {"#a", TOKEN_PARAMETER, 2},
    {"$(", TOKEN_ILLEGAL, 1},
    {": a", TOKEN_ILLEGAL, 1},
    {":::", TOKEN_ILLEGAL, 3},
    {"->>1", TOKEN_OPERATOR, 3},
    {"->1", TOKEN_OPERATOR, 2},
    {"- >", TOKEN_OPERATOR, 1},
    {"||", TOKEN_OPERATOR, 2},
    {"|", TOKEN_OPERATOR, 1},
    {"===", TOKEN_OPERATOR, 2},
    {"<>", TOKEN_OPERATOR, 2},
    {"<=>", TOKEN_OPERATOR, 2},
    {"<<", TOKEN_OPERATOR, 2},
    {">>>", TOKEN_OPERATOR, 2},
    {"!=", TOKEN_OPERATOR, 2},
    {"!", TOKEN_ILLEGAL, 1},
    {"()", TOKEN_OPERATOR, 1},
    {".a", TOKEN_OPERATOR, 1},
    {";;", TOKEN_SEMICOLON, 1},
    {"\\", TOKEN_ILLEGAL, 1},
    {"]", TOKEN_ILLEGAL, 1},
    {"\x7F", TOKEN_ILLEGAL, 1},
};

static void test_first_tokens(void)
{
    for (size_t i = 0; i < LENGTH(first_tokens); i++)
        expect_token(first_tokens[i].sql, first_tokens[i].type, first_tokens[i].size);
}

static void expect_identifier(const char *sql, const char *expected)
{
    char *name = token_identifier(token_read(sql));
    is_text(name, expected, "an identifier is what stands in the quotes");
    memory_free(name);
}

static void test_words_and_identifiers(void)
{
    expect_identifier("\"a\"\"b\"", "a\"b");
    expect_identifier("[a b]", "a b");
    expect_identifier("[a\"\"b]", "a\"\"b");
    expect_identifier("`a``b`", "a`b");
    expect_identifier("'a''b'", "a'b");
    expect_identifier("\"\"\"\"\"\"", "\"\"");
    expect_identifier("\"\"", "");
    expect_identifier("Bare.x", "Bare");
    ok(token_is_word(token_read_solid(" /* c */ SELECT 1"), "select"), "a word has no case");
    ok(!token_is_word(token_read("selects"), "select"), "a longer word is another");
    ok(!token_is_word(token_read("sel"), "select"), "a shorter word is another");
    ok(!token_is_word(token_read("\"select\""), "select"), "a quoted name is no word");
}

/* Random texts */

/* Tokens, parts of tokens, and what joins or divides them. */
static const char *const pieces[] = {
    "-",        "--",
    ">",        "<",
    "=",        "!",
    "|",        "&",
    "/",        "*",
    "/*",       "*/",
    ".",        "(",
    ")",        ",",
    ";",        "+",
    "%",        "~",
    "1",        "0x1F",
    "0",        "e5",
    "E",        ".5",
    "1.",       "_",
    "1_0",      "a",
    "x",        "X",
    "x'ab'",    "'ab'",
    "'a b'",    "\"a\"",
    "[a]",      "`a`",
    "'",        "\"",
    "[",        "]",
    "`",        "$",
    ":",        "@",
    "#",        "?",
    "?1",       ":a",
    "$a::b",    "::",
    "SELECT",   "select",
    "Values",   "count",
    "null",     "from",
    "using",    "Natural",
    "\xC3\xA4", "\xEF\xBB\xBF",
    "\xEF",     "\v",
    "\\",       "\x01",
    "\n",       "\t",
    "-- c\n",   "/* C */",
    " ",        " ",
    " ",        "  ",
    "->",       "->>",
    "\"a b\"",  "\"null\"",
    "t.'x'",
};

static void random_sql(char *sql, size_t capacity)
{
    size_t size = 0;
    size_t wanted = 1 + random_below(12);
    for (size_t i = 0; i < wanted; i++) {
        const char *piece = pieces[random_below(LENGTH(pieces))];
        if (size + strlen(piece) + 2 > capacity)
            break;
        memcpy(sql + size, piece, strlen(piece));
        size += strlen(piece);
        if (random_below(2) == 0)
            sql[size++] = ' ';
    }
    sql[size] = 0;
}

/* What SQLite's parser says of a text that begins with a token no statement begins with: it names
** that token. Without one, or where the versions differ, there is nothing to compare. */
static bool is_named_in_error(struct token token)
{
    switch (token.type) {
    case TOKEN_END:
    case TOKEN_SPACE:
    case TOKEN_SEMICOLON:
        return false;
    case TOKEN_WORD:
        return sqlite3_keyword_check(token.text, (int)token.size) == 0;
    case TOKEN_NUMBER: /* digit separators, and the end of a hexadecimal number: 3.46 */
    case TOKEN_ILLEGAL:
        return memchr(token.text, '_', token.size) == NULL && strncmp(token.text, "0x", 2) != 0;
    case TOKEN_OPERATOR: /* arrows: 3.38 */
        return token.text[0] != '-' || token.size == 1;
    default:
        return true;
    }
}

static void test_against_parser(void)
{
    sqlite3 *db = NULL;
    sqlite3_open(":memory:", &db);
    printf("# seed %llu\n", (unsigned long long)seed);
    char sql[400];
    char expected[500];
    int compared = 0;
    bool same = true;
    for (int i = 0; i < ROUNDS && same; i++) {
        random_sql(sql, sizeof sql);
        struct token token = token_read_solid(sql);
        if (!is_named_in_error(token) || strstr(sql, "\xEF\xBB\xBF") != NULL)
            continue; /* a byte order mark is a name in 3.34 */
        sqlite3_stmt *statement = NULL;
        sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
        sqlite3_finalize(statement);
        sqlite3_snprintf(sizeof expected, expected,
                         token.type == TOKEN_ILLEGAL ? "unrecognized token: \"%.*s\""
                                                     : "near \"%.*s\": syntax error",
                         (int)token.size, token.text);
        compared++;
        same = strcmp(sqlite3_errmsg(db), expected) == 0;
        if (!same)
            printf("# text: %s\n", sql);
    }
    is_text(same ? expected : sqlite3_errmsg(db), expected,
            "a token ends where SQLite's parser says it does");
    ok(compared > ROUNDS / 3, "enough random texts began with a comparable token");
    sqlite3_close(db);
}

/* Normal forms */

static void expect_normal(const char *sql, const char *expected)
{
    char *normal = normalize_sql(sql);
    char text[60];
    char name[100];
    snprintf(name, sizeof name, "[%s] is the normal form", printable(expected, text));
    is_text(normal, expected, name);
    memory_free(normal);
}

static void test_normal_forms(void)
{
    static const char *const cases[][2] = {
        {"SELECT  A ,b\nFROM T -- rows\n WHERE x=1 ;", "select a, b from t where x = 1"},
        {";; /* c */ select 1; ; ", "select 1"},
        {"select 1;;select 2;", "select 1;; select 2"},
        {"", ""},
        {" ; -- nothing", ""},
        {"\xEF\xBB\xBFselect 1", "select 1"},
        {"SELECT Count ( * ), max( a )FROM t", "select count(*), max(a) from t"},
        {"select x in(1,2)", "select x in (1, 2)"},
        {"select \"F\" (1)", "select \"F\"(1)"},
        {"select T . A, t.\"B\"", "select t.a, t.\"B\""},
        {"select 'It''s', X'AB', 0XfF, 1E5, .5", "select 'It''s', X'AB', 0XfF, 1E5, .5"},
        {"select :Year, @A, $b::C(D), ?2", "select :Year, @A, $b::C(D), ?2"},
        {"select \xC3\x84 FROM t", "select \xC3\x84 from t"},
        {"select a->>'$.B'", "select a ->> '$.B'"},
        {"select - -1, a- - b", "select - - 1, a - - b"},
        {"select 1 .5, 1 e5, x 'ab', ? 1", "select 1 .5, 1 e5, x 'ab', ? 1"},
        {"a. b, a . 5, 1 . b", "a.b, a. 5, 1 .b"},
        {"/ *", "/ *"},
        {"select /*", "select / *"},
        {"select [A b], `C` from \"T u\"", "select [A b], `C` from \"T u\""},
    };
    for (size_t i = 0; i < LENGTH(cases); i++)
        expect_normal(cases[i][0], cases[i][1]);
}

static void expect_apart(const char *a, const char *b)
{
    char *normal_a = normalize_sql(a);
    char *normal_b = normalize_sql(b);
    char text_a[60];
    char text_b[60];
    char name[160];
    snprintf(name, sizeof name, "[%s] and [%s] are kept apart", printable(a, text_a),
             printable(b, text_b));
    ok(normal_a != NULL && normal_b != NULL && strcmp(normal_a, normal_b) != 0, name);
    memory_free(normal_a);
    memory_free(normal_b);
}

static void test_texts_kept_apart(void)
{
    static const char *const cases[][2] = {
        {"- -1", "--1"},
        {"1 .5", "1.5"},
        {"a. 5", "a.5"},
        {"x 'ab'", "x'ab'"},
        {"? 1", "?1"},
        {": a", ":a"},
        {"| |", "||"},
        {"- >", "->"},
        {"-> >", "->>"},
        {"/ * a", "/* a"},
        {"1 e5", "1e5"},
        {"$ a", "$a"},
        {"< =", "<="},
        {"< >", "<>"},
        {"! =", "!="},
        {"= =", "=="},
        {"> >", ">>"},
        {":a (b)", ":a(b)"},
        {":a :: b", ":a::b"},
        {"1 _0", "1_0"},
        {"1 x", "1x"},
        {"0 x1", "0x1"},
        {"'a' 'b'", "'a''b'"},
        {"\"a\" \"b\"", "\"a\"\"b\""},
        {"a b", "ab"},
        {"a 1", "a1"},
        {"a $1", "a$1"},
        {"1 .", "1."},
        {"'A'", "'a'"},
        {"\"A\"", "\"a\""},
        {":A", ":a"},
        {"x'AB'", "x'ab'"},
        {"1.0", "1"},
        {"'a  b'", "'a b'"},
        {"1.", "1.0"},
        {"\xC3\x84", "\xC3\xA4"},
        {"a, \xEF\xBB\xBF"
         "b",
         "a, b"},
        {"a\vb", "a \vb"},
        {"a\vb", "a b"},
        {":a(b )", ":a(b)"},
        {"[a ]", "[a]"},
        {"'a", "'a "},
        {"select 1; select 2", "select 1 select 2"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++)
        expect_apart(cases[i][0], cases[i][1]);
}

/* What rows tell */

/* All rows of a query in one text; caller frees with sqlite3_free(). */
static char *rows_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return sqlite3_mprintf("%s", sqlite3_errmsg(db));
    char *rows = sqlite3_mprintf("");
    while (rows != NULL && sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            rows = sqlite3_mprintf("%z%Q,", rows, sqlite3_column_text(statement, i));
        rows = sqlite3_mprintf("%z\n", rows);
    }
    sqlite3_finalize(statement);
    return rows;
}

/* Texts that differ in spaces and comments only, and yet not in what they give: in the pairs with
** `differ`, the name of a column is the text of an expression, and the query refers to it. */
static void test_names_from_text(void)
{
    static const struct {
        bool differ;
        const char *a;
        const char *b;
    } cases[] = {
        {true, "SELECT \"1+1\" FROM (SELECT 1+1)", "SELECT \"1+1\" FROM (SELECT 1 + 1)"},
        {true, "SELECT \"0x1\" FROM (SELECT 0x1)", "SELECT \"0x1\" FROM (SELECT 0x1 /* c */)"},
        {true, "SELECT \"null\" FROM (SELECT null)", "SELECT \"null\" FROM (SELECT null -- \n)"},
        {true, "WITH c AS (SELECT 1 +1) SELECT (SELECT [1 +1] FROM c) FROM (SELECT 9 AS '1 +1')",
         "WITH c AS (SELECT 1+1) SELECT (SELECT [1 +1] FROM c) FROM (SELECT 9 AS '1 +1')"},
        {true, "SELECT t.'1+1' FROM (SELECT 1+1) t", "SELECT t.'1+1' FROM (SELECT 1 +1) t"},
        {true, "SELECT count(*) FROM (SELECT 1+1) NATURAL JOIN (SELECT 1+1 UNION SELECT 3)",
         "SELECT count(*) FROM (SELECT 1+1) NATURAL JOIN (SELECT 1 + 1 UNION SELECT 3)"},
        {true, "SELECT count(*) FROM (SELECT 1+1) a JOIN (SELECT 1+1) b USING ('1+1')",
         "SELECT count(*) FROM (SELECT 1+1) a JOIN (SELECT 1 + 1) b USING ('1+1')"},
        {false, "SELECT \"x\" FROM (SELECT 1+1 AS \"x\")",
         "select \"x\" from (select 1 + 1 /* two */ as \"x\")"},
        {false, "SELECT true FROM (SELECT true)", "SELECT true FROM ( SELECT true /* c */ )"},
        {false, "SELECT 1+1 AS a ORDER BY \"1+1\"", "SELECT 1 + 1 AS a ORDER BY \"1+1\""},
    };
    sqlite3 *db = NULL;
    sqlite3_open(":memory:", &db);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *rows_a = rows_of(db, cases[i].a);
        char *rows_b = rows_of(db, cases[i].b);
        bool same_rows = strcmp(rows_a, rows_b) == 0;
        sqlite3_free(rows_a);
        sqlite3_free(rows_b);
        char *normal_a = normalize_sql(cases[i].a);
        char *normal_b = normalize_sql(cases[i].b);
        bool same_form = strcmp(normal_a, normal_b) == 0;
        memory_free(normal_a);
        memory_free(normal_b);
        ok(same_rows == !cases[i].differ, "SQLite's rows differ where the test says so");
        ok(same_form == !cases[i].differ, "so do the normal forms, and only there");
        if (same_rows == cases[i].differ || same_form == cases[i].differ)
            printf("# text: %s\n", cases[i].b);
    }
    sqlite3_close(db);
}

/* Normal forms of random texts */

static bool same_token(struct token a, struct token b)
{
    if (a.type != b.type || a.size != b.size)
        return false;
    return a.type == TOKEN_WORD ? sqlite3_strnicmp(a.text, b.text, (int)a.size) == 0
                                : memcmp(a.text, b.text, a.size) == 0;
}

static struct token next_solid(struct token token)
{
    return token_read_solid(token.text + token.size);
}

static struct token skip_semicolons(struct token token)
{
    while (token.type == TOKEN_SEMICOLON)
        token = next_solid(token);
    return token;
}

/* The same tokens one by one, apart from semicolons before the first and after the last. */
static bool same_tokens(const char *a, const char *b)
{
    struct token token_a = skip_semicolons(token_read_solid(a));
    struct token token_b = skip_semicolons(token_read_solid(b));
    while (same_token(token_a, token_b)) {
        if (token_a.type == TOKEN_END)
            return true;
        token_a = next_solid(token_a);
        token_b = next_solid(token_b);
    }
    return skip_semicolons(token_a).type == TOKEN_END && skip_semicolons(token_b).type == TOKEN_END;
}

/* SQLite refuses the text before it parses it. */
static bool has_illegal_token(const char *sql)
{
    struct token token = token_read_solid(sql);
    while (token.type != TOKEN_END && token.type != TOKEN_ILLEGAL)
        token = next_solid(token);
    return token.type == TOKEN_ILLEGAL;
}

static void test_random_texts(void)
{
    printf("# seed %llu\n", (unsigned long long)seed);
    char sql[400];
    int legal = 0;
    bool keeps_tokens = true;
    bool stays = true;
    for (int i = 0; i < ROUNDS && keeps_tokens && stays; i++) {
        random_sql(sql, sizeof sql);
        char *once = normalize_sql(sql);
        char *twice = normalize_sql(once);
        legal += !has_illegal_token(sql);
        keeps_tokens = same_tokens(sql, once);
        stays = strcmp(once, twice) == 0;
        if (!keeps_tokens || !stays)
            printf("# text: %s\n# once: %s\n# twice: %s\n", sql, once, twice);
        memory_free(once);
        memory_free(twice);
    }
    ok(legal > ROUNDS / 4, "enough random texts had none but legal tokens");
    ok(keeps_tokens, "a normal form has the tokens of its text");
    ok(stays, "normalizing a normal form changes nothing");
}

/* White space put between the tokens of a text that is neither refused nor refers to names. */
static void test_folding_of_random_texts(void)
{
    static const char *const tokens[] = {
        "select", "FROM", "a",  "t1",    "1",    "1.5", ".5", "0xF",   "'s'", "x'ab'",
        "\"q\"",  "[r]",  "?1", ":p",    ".",    ",",   "(",  ")",     "+",   "-",
        "->",     "||",   "<=", "count", "Null", "*",   "/",  "union", "not", "in",
    };
    static const char *const gaps[] = {" ", "\n\t", " /* c */ ", "-- c\n", " \v"};
    bool folded = true;
    for (int i = 0; i < ROUNDS / 10 && folded; i++) {
        struct buffer a = {0};
        struct buffer b = {0};
        unsigned count = 1 + random_below(20);
        for (unsigned j = 0; j < count; j++) {
            const char *token = tokens[random_below(LENGTH(tokens))];
            buffer_add_text(&a, gaps[random_below(2)]);
            buffer_add_text(&a, token);
            buffer_add_text(&b, " ");
            buffer_add_text(&b, gaps[random_below(LENGTH(gaps))]);
            buffer_add_text(&b, token);
        }
        buffer_add_text(&b, " ;");
        char *text_a = buffer_take(&a);
        char *text_b = buffer_take(&b);
        char *normal_a = normalize_sql(text_a);
        char *normal_b = normalize_sql(text_b);
        memory_free(text_a);
        memory_free(text_b);
        folded = strcmp(normal_a, normal_b) == 0;
        if (!folded)
            printf("# a: %s\n# b: %s\n", normal_a, normal_b);
        memory_free(normal_a);
        memory_free(normal_b);
    }
    ok(folded, "white space and comments between tokens are folded");
}

/* Memory */

static int allowed; /* allocations until one fails */
static int blocks;

static void *short_alloc(size_t size)
{
    if (allowed-- <= 0)
        return NULL;
    blocks++;
    return malloc(size);
}

static void *short_resize(void *block, size_t size)
{
    if (allowed-- <= 0)
        return NULL;
    blocks += block == NULL;
    return realloc(block, size);
}

static void short_release(void *block)
{
    blocks -= block != NULL;
    free(block);
}

static void test_short_memory(void)
{
    static const struct allocator short_memory = {short_alloc, short_resize, short_release};
    static const char sql[] = "SELECT a, b, c FROM some_table WHERE a_long_name = 'a long text' "
                              "AND another_name = 'another text that makes the buffer grow again'";
    memory_use(&short_memory);
    bool refused = true;
    int failures = 0;
    for (;; failures++) {
        allowed = failures;
        char *normal = normalize_sql(sql);
        if (normal != NULL) {
            memory_free(normal);
            break;
        }
        refused = refused && blocks == 0;
    }
    allowed = 0;
    ok(token_identifier(token_read("\"a\"")) == NULL, "no memory, no identifier");
    ok(failures > 1 && refused, "where memory is short there is no normal form, and no leak");
    is_int(blocks, 0, "everything is freed in the end");
    memory_use(NULL);
}

int main(void)
{
    test_first_tokens();
    test_words_and_identifiers();
    test_against_parser();
    test_normal_forms();
    test_texts_kept_apart();
    test_names_from_text();
    test_random_texts();
    test_folding_of_random_texts();
    test_short_memory();
    return tap_done();
}
