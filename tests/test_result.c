/* A result gives back every cell as it went in, whatever the column is packed to. */
#include "tap.h"

#include <math.h>

#include "counting.h"
#include "store/result.h"

static struct cell integer(int64_t value)
{
    return (struct cell){.type = CELL_INTEGER, .integer = value};
}

static struct cell real(double value)
{
    return (struct cell){.type = CELL_REAL, .real = value};
}

static struct cell bytes(enum cell_type type, const void *value, size_t size)
{
    return (struct cell){.type = type, .bytes = value, .size = size};
}

static const struct cell null_cell = {.type = CELL_NULL};

/* 0.0 and -0.0 are equal, but not the same. */
static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case CELL_NULL:
        return true;
    case CELL_INTEGER:
        return a->integer == b->integer;
    case CELL_REAL:
        return bits_of(a->real) == bits_of(b->real);
    default:
        return a->size == b->size && (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
    }
}

static struct result *make(const struct cell *cells, unsigned columns, uint64_t rows)
{
    struct result_builder *builder = result_builder_new(columns);
    if (builder == NULL)
        return NULL;
    for (uint64_t row = 0; row < rows; row++) {
        if (!result_builder_add(builder, cells + row * columns)) {
            result_builder_free(builder);
            return NULL;
        }
    }
    return result_builder_finish(builder);
}

static bool same_rows(const struct result *result, const struct cell *cells, unsigned columns,
                      uint64_t rows)
{
    if (result == NULL || result_columns(result) != columns || result_rows(result) != rows)
        return false;
    for (uint64_t row = 0; row < rows; row++) {
        for (unsigned column = 0; column < columns; column++) {
            struct cell cell = result_cell(result, row, column);
            if (!same_cell(&cell, &cells[row * columns + column])) {
                printf("#   row %llu column %u differs\n", (unsigned long long)row, column);
                return false;
            }
        }
    }
    return true;
}

static void check_column(const struct cell *cells, uint64_t rows, const char *name)
{
    struct result *result = make(cells, 1, rows);
    ok(same_rows(result, cells, 1, rows), name);
    result_release(result);
}

#define CHECK_COLUMN(cells, name) check_column((cells), sizeof(cells) / sizeof((cells)[0]), (name))

static void test_types(void)
{
    struct cell narrow[] = {integer(0), integer(255), integer(7)};
    struct cell shifted[] = {integer(INT64_MIN), null_cell, integer(INT64_MIN + 255)};
    struct cell middle[] = {integer(-30000), integer(30000), null_cell};
    struct cell wide[] = {integer(-2000000000), integer(2000000000)};
    struct cell widest[] = {integer(INT64_MIN), integer(INT64_MAX), integer(0), integer(-1)};
    struct cell reals[] = {real(0.0), real(-0.0), real(INFINITY), null_cell, real(1e-310)};
    struct cell texts[] = {bytes(CELL_TEXT, "a\0b", 3), bytes(CELL_TEXT, NULL, 0), null_cell,
                           bytes(CELL_TEXT, "", 0), bytes(CELL_TEXT, "\xc3\xa9", 2)};
    struct cell blobs[] = {bytes(CELL_BLOB, "", 0), bytes(CELL_BLOB, "\0\0", 2), null_cell};
    struct cell past8[] = {integer(-1), integer(255)};
    struct cell past16[] = {integer(-1), integer(65535)};
    struct cell past32[] = {integer(-1), integer(INT64_C(4294967295))};
    struct cell nulls[] = {null_cell, null_cell, null_cell};
    struct cell numbers[] = {integer(1), real(1.0), null_cell, integer(-1), real(-0.0)};
    struct cell mixed[] = {null_cell,
                           integer(INT64_MIN),
                           bytes(CELL_TEXT, "1", 1),
                           bytes(CELL_BLOB, "1", 1),
                           real(-0.0),
                           bytes(CELL_TEXT, "", 0),
                           bytes(CELL_BLOB, NULL, 0),
                           bytes(CELL_TEXT, "x\0y", 3)};
    struct cell empties[] = {bytes(CELL_TEXT, NULL, 0), bytes(CELL_TEXT, NULL, 0)};
    CHECK_COLUMN(narrow, "integers in a byte");
    CHECK_COLUMN(shifted, "integers in a byte, from the least integer on, with NULL");
    CHECK_COLUMN(middle, "integers in two bytes, with NULL");
    CHECK_COLUMN(wide, "integers in four bytes");
    CHECK_COLUMN(widest, "integers over the whole range");
    CHECK_COLUMN(past8, "integers just too far apart for a byte");
    CHECK_COLUMN(past16, "integers just too far apart for two");
    CHECK_COLUMN(past32, "integers just too far apart for four");
    CHECK_COLUMN(reals, "reals keep -0.0, infinity and NULL");
    CHECK_COLUMN(texts, "texts keep zero bytes and being empty");
    CHECK_COLUMN(blobs, "blobs keep zero bytes and being empty");
    CHECK_COLUMN(nulls, "a column of NULLs");
    CHECK_COLUMN(numbers, "integers and reals in one column stay what they are");
    CHECK_COLUMN(mixed, "a column of all types");
    CHECK_COLUMN(empties, "a column of empty texts");
}

static void test_shapes(void)
{
    struct result *result = make(NULL, 3, 0);
    ok(same_rows(result, NULL, 3, 0), "a result without rows");
    result_release(result);
    struct cell none = null_cell;
    result = make(&none, 0, 5);
    ok(same_rows(result, &none, 0, 5), "a result without columns counts its rows");
    result_release(result);

    struct cell bits[100];
    for (int i = 0; i < 100; i++)
        bits[i] = i % 3 == 0 ? null_cell : integer(i);
    CHECK_COLUMN(bits, "NULLs beyond the first byte of bits");
}

static void test_size(void)
{
    enum { ROWS = 10000 };
    static struct cell cells[ROWS];
    for (int i = 0; i < ROWS; i++)
        cells[i] = integer(INT64_C(1000000000000) + i % 200);
    struct result *result = make(cells, 1, ROWS);
    ok(result_size(result) >= ROWS && result_size(result) < ROWS + 200,
       "an integer column takes a byte a row where its range allows");
    is_int(counting_bytes, result_size(result), "the size is that of the one allocation");
    struct result *again = result_retain(result);
    result_release(result);
    ok(same_rows(again, cells, 1, ROWS), "a result lives as long as its last reference");
    result_release(again);
    is_int(counting_bytes, 0, "and no longer");
}

static struct cell random_cell(uint64_t *seed, unsigned flavour)
{
    static const char heap[] = "a heap of \0 bytes and \xff more, to take texts and blobs from";
    unsigned kind = flavour % 6;
    if (flavour >= 6 && random_below(seed, 3) == 0)
        return null_cell;
    if (kind == 5)
        kind = random_below(seed, 5);
    switch (kind) {
    case 0:
        return integer((int64_t)(random_next(seed) >> (flavour / 12 * 15)));
    case 1: {
        uint64_t bits = random_next(seed);
        double value;
        memcpy(&value, &bits, sizeof value);
        return real(value == value ? value : -0.0);
    }
    case 2:
    case 3:
        return bytes(kind == 2 ? CELL_TEXT : CELL_BLOB, heap, random_below(seed, sizeof heap));
    default:
        return null_cell;
    }
}

static void test_random(void)
{
    uint64_t seed = random_seed(1);
    bool same = true;
    bool sized = true;
    for (int round = 0; round < 2000 && same && sized; round++) {
        unsigned columns = random_below(&seed, 8);
        unsigned rows = random_below(&seed, 40);
        struct cell cells[8 * 40];
        unsigned flavours[8];
        for (unsigned i = 0; i < 8; i++)
            flavours[i] = random_below(&seed, 48);
        for (unsigned i = 0; i < rows * columns; i++)
            cells[i] = random_cell(&seed, flavours[i % columns]);
        struct result_builder *builder = result_builder_new(columns);
        for (unsigned i = 0; i < rows; i++)
            result_builder_add(builder, cells + (size_t)i * columns);
        size_t told = result_builder_size(builder);
        sized = result_builder_rows(builder) == rows;
        struct result *result = result_builder_finish(builder);
        sized = sized && told == result_size(result) && counting_bytes == (int64_t)told;
        same = same_rows(result, cells, columns, rows);
        result_release(result);
    }
    ok(same, "random results come back as they went in");
    ok(sized, "a builder tells the size of the result before it is made");
}

static void test_memory_short(void)
{
    struct cell cells[3 * 20];
    for (size_t i = 0; i < 20; i++) {
        cells[i * 3] = integer((int64_t)i);
        cells[i * 3 + 1] = bytes(CELL_TEXT, "some text to fill the heap with, and again", 42);
        cells[i * 3 + 2] = i % 2 ? null_cell : real((double)i);
    }
    bool clean = true;
    int failures = 0;
    for (int at = 1;; at++) {
        counting_fail = at;
        struct result *result = make(cells, 3, 20);
        bool failed = counting_fail == 0;
        counting_fail = 0;
        clean = clean && failed == (result == NULL);
        result_release(result);
        clean = clean && counting_bytes == 0;
        if (!failed)
            break;
        failures++;
    }
    ok(clean, "whichever allocation fails, nothing is left behind");
    ok(failures >= 5, "and several did");
}

int main(void)
{
    counting_start();
    test_types();
    test_shapes();
    test_size();
    test_random();
    test_memory_short();
    result_release(NULL);
    result_builder_free(NULL);
    is_int(counting_bytes, 0, "nothing is live at the end");
    return tap_done();
}
