#include "lookup/index.h"

#include <stdlib.h>

#include "base/memory.h"

/* ---- numbers in texts ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || (*at >= '\t' && *at <= '\r')))
        at++;
    return at;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

/* The number that digits and a sign make; false where 64 bits do not hold it. */
static bool read_digits(const char *at, const char *end, bool negative, int64_t *number)
{
    uint64_t sum = 0;
    uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    for (; at < end; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (sum > (most - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *number = (int64_t)(negative ? 0 - sum : sum);
    return true;
}

/*
** Whether SQLite takes the text for a number: digits, perhaps with a point, a sign, an exponent,
** and white space around it. It says so of "1e", too, which SQLite does not: who asks is only the
** more careful. A whole number that 64 bits hold is in *number.
*/
static unsigned text_content(struct cell text, int64_t *number)
{
    const char *at = text.bytes;
    const char *end = at + text.size;
    at = skip_space(at, end);
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    const char *digits = at;
    at = skip_digits(at, end);
    size_t count = (size_t)(at - digits);
    const char *whole = at;
    if (at < end && *at == '.') {
        const char *fraction = at + 1;
        at = skip_digits(fraction, end);
        count += (size_t)(at - fraction);
    }
    if (count == 0)
        return CONTENT_TEXT;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        at = skip_digits(at, end);
    }
    bool decimal = at != whole;
    if (skip_space(at, end) != end)
        return CONTENT_TEXT;
    if (decimal || !read_digits(digits, whole, negative, number))
        return CONTENT_TEXT | CONTENT_DECIMAL;
    return CONTENT_TEXT | CONTENT_WHOLE;
}

unsigned index_content(struct cell cell)
{
    int64_t number;
    switch (cell.type) {
    case CELL_NULL:
        return CONTENT_NULL;
    case CELL_INTEGER:
        return CONTENT_INTEGER;
    case CELL_REAL:
        return CONTENT_REAL;
    case CELL_TEXT:
        return text_content(cell, &number);
    case CELL_BLOB:
        break;
    }
    return CONTENT_BLOB;
}

struct cell index_fold(struct cell cell)
{
    int64_t number;
    if (cell.type == CELL_TEXT && (text_content(cell, &number) & CONTENT_WHOLE) != 0)
        return (struct cell){.type = CELL_INTEGER, .integer = number};
    return cell;
}

/* ---- SQLite's order ---- */

static int compare_bytes(struct cell a, struct cell b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.bytes, b.bytes, size) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

/* NOCASE reads no further than a zero byte that both have, and then goes by the size. */
static int compare_nocase(struct cell a, struct cell b)
{
    const unsigned char *x = a.bytes;
    const unsigned char *y = b.bytes;
    size_t size = a.size < b.size ? a.size : b.size;
    for (size_t i = 0; i < size; i++) {
        if (lower(x[i]) != lower(y[i]))
            return lower(x[i]) - lower(y[i]);
        if (x[i] == 0)
            break;
    }
    return (a.size > b.size) - (a.size < b.size);
}

/* Exactly: neither is rounded to the other's type. */
static int compare_integer_to_real(int64_t integer, double real)
{
    if (real < -9223372036854775808.0)
        return 1;
    if (real >= 9223372036854775808.0)
        return -1;
    int64_t whole = (int64_t)real;
    if (integer != whole)
        return integer < whole ? -1 : 1;
    double fraction = real - (double)whole;
    return (fraction < 0) - (fraction > 0);
}

static int compare_numbers(struct cell a, struct cell b)
{
    if (a.type == CELL_INTEGER && b.type == CELL_INTEGER)
        return (a.integer > b.integer) - (a.integer < b.integer);
    if (a.type == CELL_INTEGER)
        return compare_integer_to_real(a.integer, b.real);
    if (b.type == CELL_INTEGER)
        return -compare_integer_to_real(b.integer, a.real);
    return (a.real > b.real) - (a.real < b.real);
}

/* Of NULL, numbers, texts, blobs. */
static unsigned rank_of(struct cell cell)
{
    static const unsigned ranks[] = {
        [CELL_NULL] = 0, [CELL_INTEGER] = 1, [CELL_REAL] = 1, [CELL_TEXT] = 2, [CELL_BLOB] = 3};
    return ranks[cell.type];
}

/* Both are folded already, where they are to be. */
static int compare(struct cell a, struct cell b, bool nocase)
{
    unsigned rank = rank_of(a);
    if (rank != rank_of(b))
        return rank < rank_of(b) ? -1 : 1;
    switch (rank) {
    case 0:
        return 0;
    case 1:
        return compare_numbers(a, b);
    case 2:
        return nocase ? compare_nocase(a, b) : compare_bytes(a, b);
    default:
        return compare_bytes(a, b);
    }
}

static struct cell cell_at(const struct result *result, uint64_t row, struct index_order order)
{
    struct cell cell = result_cell(result, row, order.column);
    return order.folded ? index_fold(cell) : cell;
}

/* ---- making ---- */

/* A row while it is sorted. Most comparisons are decided by the first eight bytes of the cell. */
struct item {
    uint64_t prefix; /* no less than that of any cell that comes before */
    uint32_t row;
    uint32_t rank;
};

static uint64_t prefix_of_number(struct cell cell)
{
    double real = cell.type == CELL_INTEGER ? (double)cell.integer : cell.real;
    uint64_t bits;
    if (real == 0)
        real = 0; /* no -0.0 */
    memcpy(&bits, &real, sizeof bits);
    return bits >> 63 != 0 ? ~bits : bits | (uint64_t)1 << 63;
}

/* Behind a zero byte NOCASE sees nothing but the size. */
static uint64_t prefix_of_bytes(struct cell cell, bool nocase)
{
    const unsigned char *bytes = cell.bytes;
    uint64_t prefix = 0;
    bool ended = false;
    for (size_t i = 0; i < sizeof prefix; i++) {
        unsigned char byte = i < cell.size && !ended ? bytes[i] : 0;
        ended = ended || (nocase && byte == 0);
        prefix = prefix << 8 | (nocase ? lower(byte) : byte);
    }
    return prefix;
}

static struct item item_of(const struct result *result, uint32_t row, struct index_order order)
{
    struct cell cell = cell_at(result, row, order);
    struct item item = {.row = row, .rank = rank_of(cell)};
    if (item.rank == 1)
        item.prefix = prefix_of_number(cell);
    else if (item.rank > 1)
        item.prefix = prefix_of_bytes(cell, order.nocase && cell.type == CELL_TEXT);
    return item;
}

static bool is_after(const struct item *a, const struct item *b, const struct result *result,
                     struct index_order order)
{
    if (a->rank != b->rank)
        return a->rank > b->rank;
    if (a->prefix != b->prefix)
        return a->prefix > b->prefix;
    return a->rank > 0 && compare(cell_at(result, a->row, order), cell_at(result, b->row, order),
                                  order.nocase) > 0;
}

/* Two neighbouring runs, [0, half) and [half, count), become one in `to`. Of equals the one of the
** first run goes first, which keeps the order of rows. */
static void merge(const struct item *from, size_t half, size_t count, struct item *to,
                  const struct result *result, struct index_order order)
{
    size_t a = 0;
    size_t b = half;
    for (size_t i = 0; i < count; i++) {
        bool second = a == half || (b < count && is_after(&from[a], &from[b], result, order));
        to[i] = second ? from[b++] : from[a++];
    }
}

/* Sorts `items`, with as much room again behind them; returns where the sorted ones are. */
static struct item *sort(struct item *items, size_t count, const struct result *result,
                         struct index_order order)
{
    struct item *from = items;
    struct item *to = items + count;
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t at = 0; at < count; at += 2 * run) {
            size_t left = count - at;
            merge(&from[at], left < run ? left : run, left < 2 * run ? left : 2 * run, &to[at],
                  result, order);
        }
        struct item *sorted = to;
        to = from;
        from = sorted;
    }
    return from;
}

static size_t block_size(uint64_t rows)
{
    const struct index *index = NULL;
    if (rows >= UINT32_MAX || rows > (SIZE_MAX / 4 - sizeof *index) / sizeof(struct item))
        return SIZE_MAX;
    return sizeof *index + (size_t)rows * sizeof index->rows[0];
}

size_t index_size(uint64_t rows)
{
    return memory_footprint(block_size(rows));
}

struct index *index_make(const struct result *result, struct index_order order)
{
    uint64_t rows = result_rows(result);
    size_t size = block_size(rows);
    struct index *index = size < SIZE_MAX ? memory_alloc(size) : NULL;
    struct item *items =
        index != NULL ? memory_alloc(((size_t)rows * 2 + 1) * sizeof *items) : NULL;
    if (items == NULL) {
        memory_free(index);
        return NULL;
    }
    *index = (struct index){.order = order, .count = (uint32_t)rows};
    for (uint32_t row = 0; row < index->count; row++) {
        index->contents |= index_content(result_cell(result, row, order.column));
        items[row] = item_of(result, row, order);
    }
    const struct item *sorted = sort(items, index->count, result, order);
    for (uint32_t i = 0; i < index->count; i++)
        index->rows[i] = sorted[i].row;
    memory_free(items);
    return index;
}

/* ---- searching ---- */

/* Without texts the case of letters is no matter, and without whole numbers in texts folding is
** none. */
static bool serves(const struct index *index, struct index_order order)
{
    return index->order.column == order.column &&
           (index->order.nocase == order.nocase || (index->contents & CONTENT_TEXT) == 0) &&
           (index->order.folded == order.folded || (index->contents & CONTENT_WHOLE) == 0);
}

const struct index *index_find(const struct result *result, struct index_order order)
{
    for (const struct attachment *a = result_attached(result); a != NULL; a = a->next) {
        const struct index *index = (const struct index *)(const void *)a;
        if (serves(index, order))
            return index;
    }
    return NULL;
}

/* The same of a plain column of integers and an integer: most lookups. */
static uint64_t seek_integer(const struct index *index, const struct column *column, int64_t value,
                             uint64_t begin, uint64_t end)
{
    while (begin < end) {
        uint64_t middle = begin + (end - begin) / 2;
        if (result_plain_cell(column, index->rows[middle]).integer < value)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

static bool is_plain_integer(const struct column *column, struct cell value)
{
    return column->plain && column->packing == PACK_INTEGER && value.type == CELL_INTEGER;
}

/* Within [begin, end), the first whose cell compares with the value as no less than `least`: 0,
** equal; 1, greater. */
static uint64_t seek(const struct index *index, const struct result *result, struct cell value,
                     int least, uint64_t begin, uint64_t end)
{
    const struct column *column = &result->columns[index->order.column];
    if (is_plain_integer(column, value) && (least == 0 || value.integer < INT64_MAX))
        return seek_integer(index, column, value.integer + least, begin, end);
    while (begin < end) {
        uint64_t middle = begin + (end - begin) / 2;
        struct cell cell = cell_at(result, index->rows[middle], index->order);
        int order = compare(cell, value, index->order.nocase);
        if ((order > 0) - (order < 0) < least)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

uint64_t index_from(const struct index *index, const struct result *result, struct cell value)
{
    return seek(index, result, value, 0, 0, index->count);
}

uint64_t index_after(const struct index *index, const struct result *result, struct cell value)
{
    return seek(index, result, value, 1, 0, index->count);
}

/* Equal ones are few, mostly: where they end is looked for in steps that double. */
struct span index_equal(const struct index *index, const struct result *result, struct cell value)
{
    struct span span = {.begin = index_from(index, result, value)};
    uint64_t step = 1;
    span.end = span.begin;
    while (span.end < index->count && compare(cell_at(result, index->rows[span.end], index->order),
                                              value, index->order.nocase) == 0) {
        span.end = span.end + step < index->count ? span.end + step : index->count;
        step *= 2;
    }
    if (span.end > span.begin)
        span.end = seek(index, result, value, 1, span.begin, span.end);
    return span;
}

struct span index_values(const struct index *index, const struct result *result)
{
    uint64_t begin = (index->contents & CONTENT_NULL) != 0
                         ? index_after(index, result, (struct cell){.type = CELL_NULL})
                         : 0;
    return (struct span){begin, index->count};
}

uint64_t index_first_equal(const struct index *index, const struct result *result, uint64_t at)
{
    struct cell cell = cell_at(result, index->rows[at], index->order);
    while (at > 0) {
        struct cell before = cell_at(result, index->rows[at - 1], index->order);
        if (compare(before, cell, index->order.nocase) != 0)
            break;
        at--;
    }
    return at;
}
