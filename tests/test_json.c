/* JSON text: strings as SQLite's json_quote() writes them, numbers that read back the same. */
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "base/memory.h"
#include "query/json.h"
#include "tap.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define ROUNDS 100000

static uint64_t seed = 20240607;

/* xorshift64*: the same numbers for the same seed, on every platform. */
static uint64_t random_bits(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(2685821657736338717);
}

static char *json_of(struct cell cell)
{
    struct buffer buffer = {0};
    json_add_cell(&buffer, cell);
    return buffer_take(&buffer);
}

static struct cell bytes_cell(enum cell_type type, const char *bytes, size_t size)
{
    return (struct cell){.type = type, .bytes = bytes, .size = size};
}

static struct cell real_cell(double value)
{
    return (struct cell){.type = CELL_REAL, .real = value};
}

static void expect_json(struct cell cell, const char *expected, const char *name)
{
    char *json = json_of(cell);
    is_text(json, expected, name);
    memory_free(json);
}

/* Strings */

static sqlite3 *db;
static sqlite3_stmt *json_quote;

/* Our text and SQLite's for the same bytes are equal. */
static bool quotes_like_sqlite(const char *text, size_t size)
{
    char *json = json_of(bytes_cell(CELL_TEXT, text, size));
    sqlite3_bind_text(json_quote, 1, text, (int)size, SQLITE_STATIC);
    bool same = sqlite3_step(json_quote) == SQLITE_ROW;
    same = same && (size_t)sqlite3_column_bytes(json_quote, 0) == strlen(json) &&
           memcmp(sqlite3_column_text(json_quote, 0), json, strlen(json)) == 0;
    if (!same)
        printf("#        got: %s\n#   expected: %s\n", json, sqlite3_column_text(json_quote, 0));
    sqlite3_reset(json_quote);
    memory_free(json);
    return same;
}

static void test_strings(void)
{
    expect_json(bytes_cell(CELL_TEXT, NULL, 0), "\"\"", "an empty text is an empty string");
    expect_json(bytes_cell(CELL_TEXT, "a\"b\\c/d'", 8), "\"a\\\"b\\\\c/d'\"",
                "quotes and backslashes are escaped, slashes and apostrophes not");
    expect_json(bytes_cell(CELL_TEXT, "\b\t\n\f\r\0\x1F\x7F", 8),
                "\"\\b\\t\\n\\f\\r\\u0000\\u001f\x7F\"",
                "control characters are escaped, an embedded zero byte too");
    expect_json(bytes_cell(CELL_TEXT, "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", 9),
                "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"", "UTF-8 is kept");

    sqlite3_open(":memory:", &db);
    sqlite3_prepare_v2(db, "SELECT json_quote(?1)", -1, &json_quote, NULL);
    bool same = true;
    for (int c = 0; c < 256; c++) {
        char text[3] = {'a', (char)c, 'b'};
        same = quotes_like_sqlite(text, 3) && quotes_like_sqlite(text + 1, 1) && same;
    }
    ok(same, "every byte is written as json_quote() writes it, invalid UTF-8 too");

    printf("# seed %llu\n", (unsigned long long)seed);
    static const char bytes[] = "ab\"\\/'\x01\x1F\n\t\0\x7F\x80\xC3\xA4\xFF\xED\xA0\x80";
    for (int i = 0; i < ROUNDS / 10 && same; i++) {
        char text[40];
        size_t size = random_bits() % sizeof text;
        for (size_t j = 0; j < size; j++)
            text[j] = bytes[random_bits() % (sizeof bytes - 1)];
        same = quotes_like_sqlite(text, size);
    }
    ok(same, "random strings are written as json_quote() writes them");
    sqlite3_finalize(json_quote);
    sqlite3_close(db);
}

/* Numbers and blobs */

static void test_values(void)
{
    expect_json((struct cell){.type = CELL_NULL}, "null", "NULL is null");
    expect_json((struct cell){.type = CELL_INTEGER, .integer = INT64_MIN}, "-9223372036854775808",
                "the least integer has all its digits");
    expect_json((struct cell){.type = CELL_INTEGER, .integer = INT64_MAX}, "9223372036854775807",
                "the greatest integer has all its digits");
    expect_json(bytes_cell(CELL_BLOB, "\x00\xab\xFF", 3), "\"00ABFF\"", "a blob is hex text");
    expect_json(bytes_cell(CELL_BLOB, NULL, 0), "\"\"", "an empty blob is an empty string");
    expect_json(real_cell(1), "1.0", "a whole real keeps a decimal point");
    expect_json(real_cell(0.1), "0.1", "15 digits are written where they are enough");
    expect_json(real_cell(0.1 + 0.2), "0.30000000000000004", "17 digits where they are not");
    expect_json(real_cell(-1.5e300), "-1.5e+300", "a great real has an exponent");
    expect_json(real_cell(0.0), "0.0", "zero keeps a decimal point");
    expect_json(real_cell(-0.0), "0.0", "minus zero is zero, as in SQLite's text");
    expect_json(real_cell(INFINITY), "9.0e+999", "infinity is SQLite's 9.0e+999");
    expect_json(real_cell(-INFINITY), "-9.0e+999", "minus infinity likewise");
    expect_json(real_cell(NAN), "null", "what is not a number is null");
}

/* Reads back the same; is a real to JSON readers; and is as JSON wants numbers. */
static bool is_faithful(double value)
{
    char *json = json_of(real_cell(value));
    char *end = NULL;
    bool faithful = strtod(json, &end) == value && *end == 0 && strpbrk(json, ".e") != NULL &&
                    strspn(json + (json[0] == '-'), "0123456789") > 0;
    if (!faithful)
        printf("#   got: %s, expected: %.17g\n", json, value);
    memory_free(json);
    return faithful;
}

static void test_reals(void)
{
    static const double corners[] = {5e-324,
                                     2.2250738585072014e-308,
                                     2.2250738585072011e-308,
                                     1.7976931348623157e308,
                                     9007199254740993.0,
                                     123456789012345678.0,
                                     1e15,
                                     1e16,
                                     1e17,
                                     1e22,
                                     1e23,
                                     0.0001,
                                     0.00001,
                                     1.0 / 3,
                                     9223372036854775807.0,
                                     8.41e21,
                                     9.5e-7,
                                     2.0 / 3};
    bool faithful = true;
    for (size_t i = 0; i < LENGTH(corners); i++)
        faithful = is_faithful(corners[i]) && is_faithful(-corners[i]) && faithful;
    ok(faithful, "the corners of the reals read back the same");

    printf("# seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < ROUNDS && faithful; i++) {
        uint64_t bits = random_bits();
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            faithful = is_faithful(value);
        faithful = faithful && is_faithful((double)(int64_t)random_bits() / 1000000007.0);
        faithful = faithful && is_faithful((double)(random_bits() % 100000000) / 100);
    }
    ok(faithful, "random reals read back the same");
}

static void test_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "ps_AF.UTF-8"};
    const char *found = NULL;
    for (size_t i = 0; i < LENGTH(names) && found == NULL; i++)
        found = setlocale(LC_NUMERIC, names[i]);
    if (found == NULL) {
        tap_skip("a locale's decimal comma changes nothing", "no such locale here");
        return;
    }
    expect_json(real_cell(0.1 + 0.2), "0.30000000000000004",
                "a locale's decimal comma changes nothing");
    setlocale(LC_NUMERIC, "C");
}

/* Rows and memory */

static void test_rows(void)
{
    static const char *const names[] = {"id", "a \"name\"", "note"};
    struct result_builder *builder = result_builder_new(LENGTH(names));
    struct cell rows[2][LENGTH(names)] = {
        {{.type = CELL_INTEGER, .integer = 7}, bytes_cell(CELL_TEXT, "x", 1), {.type = CELL_NULL}},
        {{.type = CELL_INTEGER, .integer = 8}, real_cell(2), bytes_cell(CELL_BLOB, "\x01", 1)},
    };
    result_builder_add(builder, rows[0]);
    result_builder_add(builder, rows[1]);
    struct result *result = result_builder_finish(builder);
    struct buffer buffer = {0};
    json_add_row(&buffer, result, 0, names);
    json_add_row(&buffer, result, 1, names);
    char *json = buffer_take(&buffer);
    is_text(json,
            "{\"id\":7,\"a \\\"name\\\"\":\"x\",\"note\":null}"
            "{\"id\":8,\"a \\\"name\\\"\":2.0,\"note\":\"01\"}",
            "a row is an object with the columns' names, in their order");
    memory_free(json);
    result_release(result);
}

static void *no_alloc(size_t size)
{
    (void)size;
    return NULL;
}

static void *no_resize(void *block, size_t size)
{
    (void)block;
    (void)size;
    return NULL;
}

static void test_short_memory(void)
{
    static const struct allocator no_memory = {no_alloc, no_resize, free};
    memory_use(&no_memory);
    ok(json_of(bytes_cell(CELL_TEXT, "text", 4)) == NULL, "where memory is short there is no text");
    memory_use(NULL);
}

int main(void)
{
    test_strings();
    test_values();
    test_reals();
    test_locale();
    test_rows();
    test_short_memory();
    return tap_done();
}
