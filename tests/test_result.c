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

/* What is said to have an end has one, and no other zero byte. */
static bool is_terminated(const struct cell *cell)
{
    return cell->type == CELL_TEXT && strlen(cell->bytes) == cell->size;
}

static bool same_rows(const struct result *result, const struct cell *cells, unsigned columns,
                      uint64_t rows)
{
    if (result == NULL || result_columns(result) != columns || result_rows(result) != rows)
        return false;
    for (uint64_t row = 0; row < rows; row++) {
        for (unsigned column = 0; column < columns; column++) {
            struct cell cell = result_cell(result, row, column);
            if (!same_cell(&cell, &cells[row * columns + column]) ||
                (cell.type >= CELL_TEXT && cell.terminated && !is_terminated(&cell))) {
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

/* Both sides of each border between two widths, from either end of what an integer can be. */
static void test_widths(void)
{
    enum { ROWS = 1000 };
    static struct cell cells[ROWS];
    for (unsigned width = 1; width <= 8; width++) {
        uint64_t most = UINT64_MAX >> (64 - 8 * width);
        for (int over = 0; over < (width < 8 ? 2 : 1); over++) {
            for (int high = 0; high < 2; high++) {
                char name[120];
                uint64_t least =
                    high ? (uint64_t)INT64_MAX - most - (uint64_t)over : (uint64_t)INT64_MIN;
                for (uint64_t i = 0; i < ROWS; i++)
                    cells[i] =
                        integer((int64_t)(least + (i * UINT64_C(0x9e3779b97f4a7c15) & most)));
                cells[0] = integer((int64_t)least);
                cells[ROWS - 1] = integer((int64_t)(least + most + (uint64_t)over));
                struct result *result = make(cells, 1, ROWS);
                size_t bytes = result != NULL ? result_size(result) / ROWS : 0;
                snprintf(name, sizeof name,
                         "integers over a range of 2^%u%s, %s, take %u bytes each", 8 * width,
                         over ? "" : " - 1", high ? "up to the greatest" : "from the least",
                         width + (unsigned)over);
                ok(same_rows(result, cells, 1, ROWS) && bytes == width + (unsigned)over, name);
                result_release(result);
            }
        }
    }
}

/* Offsets of a column of texts or blobs, around the sizes at which they take one byte more. */
static void test_offsets(void)
{
    static const size_t borders[] = {0xff, 0xffff, 0xffffff};
    static char heap[0xffffff + 16];
    memset(heap, 'h', sizeof heap);
    for (size_t i = 0; i < sizeof borders / sizeof borders[0]; i++) {
        for (int over = -1; over <= 1; over++) {
            /* Of texts, a zero byte behind each counts, too. */
            size_t size = borders[i] + (size_t)over;
            struct cell texts[] = {bytes(CELL_TEXT, heap, size - 8), null_cell,
                                   bytes(CELL_TEXT, heap, 5), bytes(CELL_TEXT, "", 0)};
            struct cell blobs[] = {bytes(CELL_BLOB, heap, size - 5), bytes(CELL_BLOB, "", 0),
                                   bytes(CELL_BLOB, heap, 5)};
            CHECK_COLUMN(texts, "texts around a border of offsets");
            CHECK_COLUMN(blobs, "blobs around a border of offsets");
        }
    }
}

static void check_terminated(const struct cell *cells, uint64_t rows, bool expected,
                             const char *name)
{
    struct result *result = make(cells, 1, rows);
    bool good = same_rows(result, cells, 1, rows);
    for (uint64_t row = 0; good && row < rows; row++) {
        struct cell cell = result_cell(result, row, 0);
        good = cell.type != CELL_TEXT || cell.terminated == expected;
    }
    ok(good, name);
    result_release(result);
}

static void test_terminated(void)
{
    struct cell texts[] = {bytes(CELL_TEXT, "a text", 6), bytes(CELL_TEXT, NULL, 0)};
    struct cell nullable[] = {bytes(CELL_TEXT, "a text", 6), null_cell, bytes(CELL_TEXT, "b", 1)};
    struct cell mixed[] = {bytes(CELL_TEXT, "a", 1), bytes(CELL_BLOB, "b\0b", 3), integer(1),
                           bytes(CELL_TEXT, "", 0)};
    struct cell zero[] = {bytes(CELL_TEXT, "a", 1), bytes(CELL_TEXT, "b\0b", 3)};
    struct cell last[] = {bytes(CELL_TEXT, "a\0", 2), bytes(CELL_TEXT, "b", 1)};
    struct cell mixed_zero[] = {bytes(CELL_TEXT, "\0", 1), integer(1), bytes(CELL_TEXT, "c", 1)};
    check_terminated(texts, 2, true, "texts are terminated");
    check_terminated(nullable, 3, true, "also beside NULL");
    check_terminated(mixed, 4, true, "and beside other types, whatever blobs hold");
    check_terminated(zero, 2, false, "but not where one has a zero byte within");
    check_terminated(last, 2, false, "or as its last byte");
    check_terminated(mixed_zero, 3, false, "among other types, too");
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

/* More rows than a builder's block has room for. */
static void test_long(void)
{
    enum { COLUMNS = 6, ROWS = 20000 };
    static struct cell cells[COLUMNS * ROWS];
    static const unsigned flavours[COLUMNS] = {0, 6, 7, 2, 9, 11};
    static const uint64_t counts[] = {7, 8, 9, 24, 25, 1016, 5000, ROWS};
    uint64_t seed = random_seed(2);
    for (unsigned i = 0; i < COLUMNS * ROWS; i++)
        cells[i] = random_cell(&seed, flavours[i % COLUMNS]);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char name[64];
        struct result *result = make(cells, COLUMNS, counts[i]);
        snprintf(name, sizeof name, "%llu rows of all types", (unsigned long long)counts[i]);
        ok(same_rows(result, cells, COLUMNS, counts[i]), name);
        result_release(result);
    }
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
    test_widths();
    test_offsets();
    test_terminated();
    test_shapes();
    test_size();
    test_random();
    test_long();
    test_memory_short();
    result_release(NULL);
    result_builder_free(NULL);
    is_int(counting_bytes, 0, "nothing is live at the end");
    return tap_done();
}
