#include "store/result.h"

#include <stdbool.h>

#include "base/memory.h"

#define FIRST_ROWS 8
#define FIRST_HEAP 256

/* A builder's block grows no larger than this, unless one of FIRST_ROWS already is. */
#define BLOCK_BYTES ((size_t)64 * 1024)

/* A word is read with what follows it, eight bytes in all. */
#define READ_SLACK (sizeof(uint64_t) - 1)

const uint64_t result_masks[] = {
    0,
    0xff,
    0xffff,
    0xffffff,
    0xffffffff,
    0xffffffffff,
    0xffffffffffff,
    0xffffffffffffff,
    0xffffffffffffffff,
};

/* A cell in the builder: for text and blob, where it ends in its column's heap; it begins where the
** one before it ended. */
union payload {
    int64_t integer;
    double real;
    size_t end;
};

/* Rows as they arrive, the cells of a column side by side. Blocks are never moved. */
struct block {
    struct block *next;
    size_t capacity; /* in rows */
    size_t rows;
    unsigned char *tags; /* columns * capacity, behind the payloads */
    union payload payloads[];
};

/* What the builder knows of a column, enough to tell its packing and size at any time. */
struct profile {
    unsigned types; /* a bit for each enum cell_type seen */
    uint64_t nulls;
    int64_t least;
    int64_t greatest;
    uint64_t texts;  /* cells of text or blob */
    bool zero_bytes; /* in a text */
    char *heap;      /* their bytes, and a zero byte behind each text */
    size_t heap_size;
    size_t heap_capacity;
};

struct result_builder {
    unsigned column_count;
    uint64_t rows;
    struct block *first;
    struct block *last;
    struct profile profiles[];
};

/* ---- sizes: SIZE_MAX stands for what does not fit, and stays ---- */

static size_t size_add(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

static size_t size_times(uint64_t count, size_t size)
{
    return size > 0 && count > SIZE_MAX / size ? SIZE_MAX : (size_t)count * size;
}

/* ---- building ---- */

struct result_builder *result_builder_new(unsigned columns)
{
    struct result_builder *builder = NULL;
    size_t size = size_add(sizeof *builder, size_times(columns, sizeof builder->profiles[0]));
    if (size == SIZE_MAX)
        return NULL;
    builder = memory_alloc_zero(size);
    if (builder == NULL)
        return NULL;
    builder->column_count = columns;
    for (unsigned i = 0; i < columns; i++) {
        builder->profiles[i].least = INT64_MAX;
        builder->profiles[i].greatest = INT64_MIN;
    }
    return builder;
}

void result_builder_free(struct result_builder *builder)
{
    if (builder == NULL)
        return;
    while (builder->first != NULL) {
        struct block *block = builder->first;
        builder->first = block->next;
        memory_free(block);
    }
    for (unsigned i = 0; i < builder->column_count; i++)
        memory_free(builder->profiles[i].heap);
    memory_free(builder);
}

static bool add_block(struct result_builder *builder)
{
    struct block *block = NULL;
    size_t row_size = size_times(builder->column_count, sizeof block->payloads[0] + 1);
    size_t capacity = builder->last != NULL ? builder->last->capacity * 2 : FIRST_ROWS;
    if (capacity > FIRST_ROWS && row_size > BLOCK_BYTES / capacity)
        capacity = builder->last->capacity;
    size_t size = size_add(sizeof *block, size_times(capacity, row_size));
    block = size < SIZE_MAX ? memory_alloc(size) : NULL;
    if (block == NULL)
        return false;
    block->next = NULL;
    block->capacity = capacity;
    block->rows = 0;
    block->tags = (unsigned char *)&block->payloads[capacity * builder->column_count];
    if (builder->last != NULL)
        builder->last->next = block;
    else
        builder->first = block;
    builder->last = block;
    return true;
}

/* For so many bytes and a zero byte. */
static bool reserve_heap(struct profile *profile, size_t size)
{
    if (size > SIZE_MAX / 4 - profile->heap_size)
        return false;
    size_t capacity = profile->heap_capacity > 0 ? profile->heap_capacity * 2 : FIRST_HEAP;
    if (capacity <= profile->heap_size + size)
        capacity = profile->heap_size + size + 1;
    char *heap = memory_resize(profile->heap, capacity);
    if (heap == NULL)
        return false;
    profile->heap = heap;
    profile->heap_capacity = capacity;
    return true;
}

static bool add_bytes(struct profile *profile, union payload *payload, const struct cell *cell)
{
    if (cell->size >= profile->heap_capacity - profile->heap_size &&
        !reserve_heap(profile, cell->size))
        return false;
    char *at = profile->heap + profile->heap_size;
    bool text = cell->type == CELL_TEXT;
    if (cell->size > 0) {
        memcpy(at, cell->bytes, cell->size);
        if (text && memchr(cell->bytes, '\0', cell->size) != NULL)
            profile->zero_bytes = true;
    }
    if (text)
        at[cell->size] = '\0';
    profile->heap_size += cell->size + text;
    payload->end = profile->heap_size;
    profile->texts++;
    return true;
}

static bool add_cell(struct profile *profile, union payload *payload, const struct cell *cell)
{
    switch (cell->type) {
    case CELL_NULL:
        payload->end = profile->heap_size; /* a text of none, should the others be texts */
        profile->nulls++;
        return true; /* without a bit in `types`: NULL fits any packing */
    case CELL_INTEGER:
        payload->integer = cell->integer;
        if (cell->integer < profile->least)
            profile->least = cell->integer;
        if (cell->integer > profile->greatest)
            profile->greatest = cell->integer;
        break;
    case CELL_REAL:
        payload->real = cell->real;
        break;
    case CELL_TEXT:
    case CELL_BLOB:
        if (!add_bytes(profile, payload, cell))
            return false;
        break;
    }
    profile->types |= 1U << cell->type;
    return true;
}

_Bool result_builder_add(struct result_builder *builder, const struct cell *row)
{
    struct block *block = builder->last;
    if (block == NULL || block->rows == block->capacity) {
        if (!add_block(builder))
            return false;
        block = builder->last;
    }
    size_t at = block->rows;
    for (unsigned i = 0; i < builder->column_count; i++, at += block->capacity) {
        block->tags[at] = (unsigned char)row[i].type;
        if (!add_cell(&builder->profiles[i], &block->payloads[at], &row[i]))
            return false;
    }
    block->rows++;
    builder->rows++;
    return true;
}

uint64_t result_builder_rows(const struct result_builder *builder)
{
    return builder->rows;
}

/* ---- the layout of a result, from what the builder knows ---- */

static enum packing choose_packing(const struct profile *profile)
{
    switch (profile->types) {
    case 0:
        return PACK_NULL;
    case 1U << CELL_INTEGER:
        return PACK_INTEGER;
    case 1U << CELL_REAL:
        return PACK_REAL;
    case 1U << CELL_TEXT:
        return PACK_TEXT;
    case 1U << CELL_BLOB:
        return PACK_BLOB;
    default:
        return PACK_MIXED;
    }
}

static bool is_heaped(enum packing packing)
{
    return packing == PACK_TEXT || packing == PACK_BLOB;
}

/* As few bytes as hold the greatest word. */
static unsigned choose_width(const struct profile *profile, enum packing packing)
{
    uint64_t most = UINT64_MAX;
    unsigned width = 1;
    if (packing == PACK_INTEGER)
        most = (uint64_t)profile->greatest - (uint64_t)profile->least;
    else if (is_heaped(packing))
        most = profile->heap_size;
    while (width < sizeof most && most >> 8 * width != 0)
        width++;
    return width;
}

static size_t data_size(enum packing packing, unsigned width, uint64_t rows)
{
    if (packing == PACK_NULL)
        return 0;
    /* One offset more than cells: where the last one ends. */
    return size_times(is_heaped(packing) ? rows + 1 : rows, width);
}

static size_t marks_size(const struct profile *profile, enum packing packing, uint64_t rows)
{
    if (packing == PACK_MIXED)
        return size_times(rows, 1);
    return packing == PACK_NULL || profile->nulls == 0 ? 0 : (size_t)(rows / 8 + 1);
}

static size_t heap_size(const struct profile *profile, enum packing packing)
{
    size_t prefixes = packing == PACK_MIXED ? size_times(profile->texts, sizeof(size_t)) : 0;
    return size_add(profile->heap_size, prefixes);
}

/* What is asked of the allocator. */
static size_t block_size(const struct result_builder *builder)
{
    const struct result *result = NULL;
    size_t size =
        size_add(sizeof *result, size_times(builder->column_count, sizeof result->columns[0]));
    for (unsigned i = 0; i < builder->column_count; i++) {
        const struct profile *profile = &builder->profiles[i];
        enum packing packing = choose_packing(profile);
        unsigned width = choose_width(profile, packing);
        size = size_add(size, data_size(packing, width, builder->rows));
        size = size_add(size, marks_size(profile, packing, builder->rows));
        size = size_add(size, heap_size(profile, packing));
    }
    return size_add(size, READ_SLACK);
}

size_t result_builder_size(const struct result_builder *builder)
{
    return memory_footprint(block_size(builder));
}

/* ---- finishing ---- */

/* The sections of one column, while they are filled. Sections are filled in the order in which they
** lie: a word is written with zero bytes behind it, which are then written over. */
struct filling {
    char *data;
    unsigned char *marks; /* NULL: none */
    char *heap;
};

/* Give the sections of one column their places, from `at` on; returns where the next column's
** begin. The same steps as in block_size(). */
static char *place_column(struct column *column, const struct profile *profile, uint64_t rows,
                          char *at, struct filling *filling)
{
    enum packing packing = choose_packing(profile);
    unsigned width = choose_width(profile, packing);
    size_t marks = marks_size(profile, packing, rows);
    filling->data = at;
    at += data_size(packing, width, rows);
    filling->marks = marks > 0 ? (unsigned char *)at : NULL;
    at += marks;
    filling->heap = at;
    column->packing = (uint8_t)packing;
    column->plain = packing <= PACK_BLOB && marks == 0;
    column->terminated = !profile->zero_bytes;
    column->width = (uint8_t)width;
    column->data = filling->data;
    column->marks = filling->marks;
    if (packing == PACK_INTEGER)
        column->base = profile->least;
    else
        column->heap = filling->heap;
    return at + heap_size(profile, packing);
}

static void put_word(char *at, uint64_t word)
{
    word = result_little_endian(word);
    memcpy(at, &word, sizeof word);
}

/* A NULL's word means nothing, and is held to the width all the same. */
static char *fill_integers(char *at, const struct column *column, const union payload *payloads,
                           size_t rows)
{
    for (size_t i = 0; i < rows; i++, at += column->width) {
        uint64_t word = (uint64_t)payloads[i].integer - (uint64_t)column->base;
        put_word(at, word & result_masks[column->width]);
    }
    return at;
}

/* Where each ends, which is where the next one begins. */
static char *fill_ends(char *at, const struct column *column, const union payload *payloads,
                       size_t rows)
{
    for (size_t i = 0; i < rows; i++, at += column->width)
        put_word(at, payloads[i].end);
    return at;
}

static void mark_nulls(unsigned char *marks, uint64_t row, const unsigned char *tags, size_t rows)
{
    for (size_t i = 0; i < rows; i++, row++)
        if (tags[i] == CELL_NULL)
            marks[row / 8] |= (unsigned char)(1U << row % 8);
}

/* Where a column of mixed types has come to. */
struct mixing {
    size_t taken; /* of the builder's heap */
    size_t put;   /* into the result's */
};

static void fill_mixed(const struct filling *filling, struct mixing *mixing, uint64_t row,
                       enum cell_type type, const union payload *payload, const char *heap)
{
    int64_t value = payload->integer;
    if (type == CELL_TEXT || type == CELL_BLOB) {
        size_t taken = payload->end - mixing->taken;
        size_t size = taken - (type == CELL_TEXT);
        value = (int64_t)mixing->put;
        memcpy(filling->heap + mixing->put, &size, sizeof size);
        mixing->put += sizeof size;
        if (taken > 0)
            memcpy(filling->heap + mixing->put, heap + mixing->taken, taken);
        mixing->put += taken;
        mixing->taken += taken;
    }
    filling->marks[row] = (unsigned char)type;
    memcpy(filling->data + row * sizeof value, &value, sizeof value);
}

static void fill_column_mixed(const struct result_builder *builder, unsigned number,
                              const struct filling *filling)
{
    struct mixing mixing = {0};
    uint64_t row = 0;
    for (const struct block *block = builder->first; block != NULL; block = block->next) {
        size_t at = number * block->capacity;
        for (size_t i = 0; i < block->rows; i++, row++)
            fill_mixed(filling, &mixing, row, (enum cell_type)block->tags[at + i],
                       &block->payloads[at + i], builder->profiles[number].heap);
    }
}

static void fill_data(const struct result_builder *builder, unsigned number,
                      const struct column *column, char *at)
{
    if (is_heaped((enum packing)column->packing)) {
        put_word(at, 0);
        at += column->width;
    }
    for (const struct block *block = builder->first; block != NULL; block = block->next) {
        const union payload *payloads = &block->payloads[number * block->capacity];
        if (column->packing == PACK_INTEGER) {
            at = fill_integers(at, column, payloads, block->rows);
        } else if (column->packing == PACK_REAL) {
            memcpy(at, payloads, block->rows * sizeof *payloads);
            at += block->rows * sizeof *payloads;
        } else {
            at = fill_ends(at, column, payloads, block->rows);
        }
    }
}

static void fill_marks(const struct result_builder *builder, unsigned number, unsigned char *marks)
{
    uint64_t row = 0;
    memset(marks, 0, (size_t)(builder->rows / 8 + 1));
    for (const struct block *block = builder->first; block != NULL; block = block->next) {
        mark_nulls(marks, row, &block->tags[number * block->capacity], block->rows);
        row += block->rows;
    }
}

static void fill_column(const struct result_builder *builder, unsigned number,
                        const struct column *column, const struct filling *filling)
{
    const struct profile *profile = &builder->profiles[number];
    if (column->packing == PACK_NULL)
        return;
    if (column->packing == PACK_MIXED) {
        fill_column_mixed(builder, number, filling);
        return;
    }
    fill_data(builder, number, column, filling->data);
    if (filling->marks != NULL)
        fill_marks(builder, number, filling->marks);
    if (profile->heap_size > 0)
        memcpy(filling->heap, profile->heap, profile->heap_size);
}

struct result *result_builder_finish(struct result_builder *builder)
{
    unsigned columns = builder->column_count;
    size_t size = block_size(builder);
    struct result *result = size < SIZE_MAX ? memory_alloc(size) : NULL;
    if (result != NULL) {
        atomic_init(&result->references, 1);
        atomic_init(&result->attached, NULL);
        atomic_init(&result->claimed, false);
        result->rows = builder->rows;
        result->size = memory_footprint(size);
        result->column_count = columns;
        char *at = (char *)&result->columns[columns];
        for (unsigned i = 0; i < columns; i++) {
            struct filling filling;
            at = place_column(&result->columns[i], &builder->profiles[i], builder->rows, at,
                              &filling);
            fill_column(builder, i, &result->columns[i], &filling);
        }
        memset(at, 0, READ_SLACK);
    }
    result_builder_free(builder);
    return result;
}

/* ---- using ---- */

struct result *result_retain(struct result *result)
{
    atomic_fetch_add_explicit(&result->references, 1, memory_order_relaxed);
    return result;
}

/* Apart, for there are many who do not give the last reference back. */
__attribute__((noinline)) static void dispose(struct result *result)
{
    const struct attachment *attached = result_attached(result);
    while (attached != NULL) {
        const struct attachment *next = attached->next;
        memory_free((void *)(uintptr_t)attached);
        attached = next;
    }
    memory_free(result);
}

void result_release(struct result *result)
{
    if (result != NULL &&
        atomic_fetch_sub_explicit(&result->references, 1, memory_order_acq_rel) == 1)
        dispose(result);
}

void result_attach(struct result *result, struct attachment *attachment)
{
    attachment->next = atomic_load_explicit(&result->attached, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&result->attached, &attachment->next, attachment,
                                                  memory_order_release, memory_order_relaxed))
        ;
}

_Bool result_claim(struct result *result)
{
    return !atomic_exchange_explicit(&result->claimed, true, memory_order_acquire);
}

void result_give_back(struct result *result)
{
    atomic_store_explicit(&result->claimed, false, memory_order_release);
}

size_t result_size(const struct result *result)
{
    return result->size;
}

static struct cell mixed_cell(const struct column *column, uint64_t row)
{
    struct cell cell = {.type = (enum cell_type)column->marks[row]};
    const char *payload = column->data + row * sizeof(int64_t);
    if (cell.type == CELL_INTEGER) {
        memcpy(&cell.integer, payload, sizeof cell.integer);
    } else if (cell.type == CELL_REAL) {
        memcpy(&cell.real, payload, sizeof cell.real);
    } else if (cell.type != CELL_NULL) {
        int64_t offset;
        memcpy(&offset, payload, sizeof offset);
        cell.terminated = cell.type == CELL_TEXT && column->terminated;
        memcpy(&cell.size, column->heap + offset, sizeof cell.size);
        cell.bytes = column->heap + offset + sizeof cell.size;
    }
    return cell;
}

struct cell result_any_cell(const struct column *column, uint64_t row)
{
    if (column->packing == PACK_MIXED)
        return mixed_cell(column, row);
    if (column->packing == PACK_NULL ||
        (column->marks != NULL && (column->marks[row / 8] >> row % 8 & 1) != 0))
        return (struct cell){.type = CELL_NULL};
    return result_plain_cell(column, row);
}
