#include "store/result.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

#define FIRST_ROWS 8
#define FIRST_HEAP 256

/* How a column's cells are kept. */
enum packing {
    PACK_NULL, /* nothing but NULL: no data at all */
    PACK_INT8, /* the difference from the least value, unsigned */
    PACK_INT16,
    PACK_INT32,
    PACK_INT64, /* the value itself */
    PACK_REAL,
    PACK_TEXT32, /* offsets into the column's heap: a cell ends where the next begins */
    PACK_TEXT64,
    PACK_BLOB32,
    PACK_BLOB64,
    PACK_MIXED, /* a tag for each cell; text and blob lie in the heap behind their size */
};

struct column {
    enum packing packing;
    const void *data;           /* 1, 2, 4 or 8 bytes for a cell, by packing */
    const unsigned char *marks; /* PACK_MIXED: a tag for each cell; else a bit where it is NULL */
    union {
        int64_t base;     /* integers: the least value */
        const char *heap; /* text, blob and mixed */
    };
};

struct result {
    _Atomic uint64_t references;
    uint64_t rows;
    size_t size;
    unsigned column_count;
    struct column columns[];
};

/* A column while it is filled. */
struct filling {
    char *data;
    unsigned char *marks;
    char *heap;
    size_t heap_used;
};

/* What the builder knows of a column, enough to tell its packing and size at any time. */
struct profile {
    unsigned types; /* a bit for each enum cell_type seen */
    uint64_t nulls;
    int64_t least;
    int64_t greatest;
    uint64_t texts;    /* cells of text or blob */
    size_t text_bytes; /* and their bytes */
    struct filling filling;
};

/* A cell in the builder: for text and blob, where it ends in the heap; it begins where the one
** before it ended, for cells arrive row by row. */
union payload {
    int64_t integer;
    double real;
    size_t end;
};

struct result_builder {
    unsigned column_count;
    uint64_t rows;
    uint64_t row_capacity;
    union payload *payloads; /* rows * column_count */
    unsigned char *tags;     /* likewise */
    char *heap;
    size_t heap_size;
    size_t heap_capacity;
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

/* Sections of a result begin at multiples of eight, so that any of them can hold 64-bit values. */
static size_t size_round(size_t size)
{
    return size > SIZE_MAX - 7 ? SIZE_MAX : (size + 7) & ~(size_t)7;
}

/* ---- building ---- */

struct result_builder *result_builder_new(unsigned columns)
{
    struct result_builder *builder = NULL;
    size_t size = size_add(sizeof *builder, size_times(columns, sizeof builder->profiles[0]));
    if (size == SIZE_MAX)
        return NULL;
    builder = memory_alloc_zero(size);
    if (builder != NULL)
        builder->column_count = columns;
    return builder;
}

void result_builder_free(struct result_builder *builder)
{
    if (builder == NULL)
        return;
    memory_free(builder->payloads);
    memory_free(builder->tags);
    memory_free(builder->heap);
    memory_free(builder);
}

static bool reserve_row(struct result_builder *builder)
{
    if (builder->rows < builder->row_capacity || builder->column_count == 0)
        return true;
    uint64_t capacity = builder->row_capacity > 0 ? builder->row_capacity * 2 : FIRST_ROWS;
    size_t cells = size_times(capacity, builder->column_count);
    if (cells > SIZE_MAX / sizeof *builder->payloads)
        return false;
    union payload *payloads = memory_resize(builder->payloads, cells * sizeof *builder->payloads);
    if (payloads == NULL)
        return false;
    builder->payloads = payloads;
    unsigned char *tags = memory_resize(builder->tags, cells);
    if (tags == NULL)
        return false;
    builder->tags = tags;
    builder->row_capacity = capacity;
    return true;
}

static bool reserve_heap(struct result_builder *builder, size_t more)
{
    if (more <= builder->heap_capacity - builder->heap_size)
        return true;
    if (more > SIZE_MAX / 4 - builder->heap_size)
        return false;
    size_t capacity = builder->heap_capacity > 0 ? builder->heap_capacity * 2 : FIRST_HEAP;
    if (capacity < builder->heap_size + more)
        capacity = builder->heap_size + more;
    char *heap = memory_resize(builder->heap, capacity);
    if (heap == NULL)
        return false;
    builder->heap = heap;
    builder->heap_capacity = capacity;
    return true;
}

static void add_integer(struct profile *profile, int64_t value)
{
    bool first = (profile->types & 1U << CELL_INTEGER) == 0;
    if (first || value < profile->least)
        profile->least = value;
    if (first || value > profile->greatest)
        profile->greatest = value;
}

static bool add_cell(struct result_builder *builder, struct profile *profile,
                     union payload *payload, const struct cell *cell)
{
    switch (cell->type) {
    case CELL_NULL:
        payload->integer = 0;
        profile->nulls++;
        return true; /* without a bit in `types`: NULL fits any packing */
    case CELL_INTEGER:
        payload->integer = cell->integer;
        add_integer(profile, cell->integer);
        break;
    case CELL_REAL:
        payload->real = cell->real;
        break;
    case CELL_TEXT:
    case CELL_BLOB:
        if (!reserve_heap(builder, cell->size))
            return false;
        if (cell->size > 0)
            memcpy(builder->heap + builder->heap_size, cell->bytes, cell->size);
        builder->heap_size += cell->size;
        payload->end = builder->heap_size;
        profile->texts++;
        profile->text_bytes += cell->size;
        break;
    }
    profile->types |= 1U << cell->type;
    return true;
}

_Bool result_builder_add(struct result_builder *builder, const struct cell *row)
{
    if (!reserve_row(builder))
        return false;
    size_t at = (size_t)builder->rows * builder->column_count;
    for (unsigned i = 0; i < builder->column_count; i++) {
        builder->tags[at + i] = (unsigned char)row[i].type;
        if (!add_cell(builder, &builder->profiles[i], &builder->payloads[at + i], &row[i]))
            return false;
    }
    builder->rows++;
    return true;
}

uint64_t result_builder_rows(const struct result_builder *builder)
{
    return builder->rows;
}

/* ---- the layout of a result, from what the builder knows ---- */

static enum packing integer_packing(const struct profile *profile)
{
    uint64_t range = (uint64_t)profile->greatest - (uint64_t)profile->least;
    if (range <= UINT8_MAX)
        return PACK_INT8;
    if (range <= UINT16_MAX)
        return PACK_INT16;
    return range <= UINT32_MAX ? PACK_INT32 : PACK_INT64;
}

static enum packing choose_packing(const struct profile *profile)
{
    bool small = profile->text_bytes <= UINT32_MAX;
    switch (profile->types) {
    case 0:
        return PACK_NULL;
    case 1U << CELL_INTEGER:
        return integer_packing(profile);
    case 1U << CELL_REAL:
        return PACK_REAL;
    case 1U << CELL_TEXT:
        return small ? PACK_TEXT32 : PACK_TEXT64;
    case 1U << CELL_BLOB:
        return small ? PACK_BLOB32 : PACK_BLOB64;
    default:
        return PACK_MIXED;
    }
}

static size_t cell_width(enum packing packing)
{
    switch (packing) {
    case PACK_NULL:
        return 0;
    case PACK_INT8:
        return 1;
    case PACK_INT16:
        return 2;
    case PACK_INT32:
    case PACK_TEXT32:
    case PACK_BLOB32:
        return 4;
    default:
        return 8;
    }
}

static bool is_heaped(enum packing packing)
{
    return packing >= PACK_TEXT32 && packing <= PACK_BLOB64;
}

static size_t data_size(enum packing packing, uint64_t rows)
{
    /* One offset more than cells: where the last one ends. */
    return size_times(is_heaped(packing) ? rows + 1 : rows, cell_width(packing));
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
    return size_add(profile->text_bytes, prefixes);
}

size_t result_builder_size(const struct result_builder *builder)
{
    const struct result *result = NULL;
    size_t size = size_round(
        size_add(sizeof *result, size_times(builder->column_count, sizeof result->columns[0])));
    for (unsigned i = 0; i < builder->column_count; i++) {
        const struct profile *profile = &builder->profiles[i];
        enum packing packing = choose_packing(profile);
        size = size_add(size, size_round(data_size(packing, builder->rows)));
        size = size_add(size, size_round(marks_size(profile, packing, builder->rows)));
        size = size_add(size, heap_size(profile, packing));
        size = size_round(size);
    }
    return size;
}

/* ---- finishing ---- */

/* Give the sections of one column their places, from `at` on; returns where the next column's
** begin. The same steps as in result_builder_size(). */
static char *place_column(struct column *column, struct profile *profile, uint64_t rows, char *at)
{
    struct filling *filling = &profile->filling;
    column->packing = choose_packing(profile);
    filling->data = at;
    column->data = at;
    at += size_round(data_size(column->packing, rows));
    size_t marks = marks_size(profile, column->packing, rows);
    if (marks > 0) {
        filling->marks = (unsigned char *)at;
        column->marks = filling->marks;
        at += size_round(marks);
    }
    filling->heap = at;
    if (profile->texts > 0)
        column->heap = at;
    else
        column->base = profile->least;
    return at + size_round(heap_size(profile, column->packing));
}

static void fill_mixed(struct filling *filling, uint64_t row, enum cell_type type,
                       const union payload *payload, const char *bytes, size_t size)
{
    int64_t value = payload->integer;
    filling->marks[row] = (unsigned char)type;
    if (type == CELL_TEXT || type == CELL_BLOB) {
        value = (int64_t)filling->heap_used;
        memcpy(filling->heap + filling->heap_used, &size, sizeof size);
        filling->heap_used += sizeof size;
        if (size > 0)
            memcpy(filling->heap + filling->heap_used, bytes, size);
        filling->heap_used += size;
    }
    memcpy(filling->data + row * sizeof value, &value, sizeof value);
}

static void fill_offset(struct filling *filling, enum packing packing, uint64_t row)
{
    uint64_t wide = filling->heap_used;
    uint32_t narrow = (uint32_t)wide;
    if (cell_width(packing) == sizeof narrow)
        memcpy(filling->data + row * sizeof narrow, &narrow, sizeof narrow);
    else
        memcpy(filling->data + row * sizeof wide, &wide, sizeof wide);
}

static void fill_integer(struct filling *filling, const struct column *column, uint64_t row,
                         int64_t value)
{
    uint64_t wide = (uint64_t)value - (uint64_t)column->base;
    uint32_t in32 = (uint32_t)wide;
    uint16_t in16 = (uint16_t)wide;
    if (column->packing == PACK_INT8)
        filling->data[row] = (char)(unsigned char)wide;
    else if (column->packing == PACK_INT16)
        memcpy(filling->data + row * sizeof in16, &in16, sizeof in16);
    else if (column->packing == PACK_INT32)
        memcpy(filling->data + row * sizeof in32, &in32, sizeof in32);
    else
        memcpy(filling->data + row * sizeof value, &value, sizeof value);
}

static void fill_cell(struct filling *filling, const struct column *column, uint64_t row,
                      enum cell_type type, const union payload *payload, const char *bytes,
                      size_t size)
{
    if (column->packing == PACK_MIXED) {
        fill_mixed(filling, row, type, payload, bytes, size);
        return;
    }
    if (is_heaped(column->packing))
        fill_offset(filling, column->packing, row);
    if (type == CELL_NULL) {
        if (column->packing != PACK_NULL)
            filling->marks[row / 8] |= (unsigned char)(1U << row % 8);
    } else if (column->packing == PACK_REAL) {
        memcpy(filling->data + row * sizeof payload->real, &payload->real, sizeof payload->real);
    } else if (is_heaped(column->packing)) {
        if (size > 0)
            memcpy(filling->heap + filling->heap_used, bytes, size);
        filling->heap_used += size;
    } else {
        fill_integer(filling, column, row, payload->integer);
    }
}

static void fill(const struct result *result, struct result_builder *builder)
{
    size_t cell = 0;
    size_t heap = 0;
    for (uint64_t row = 0; row < builder->rows; row++) {
        for (unsigned i = 0; i < builder->column_count; i++, cell++) {
            enum cell_type type = (enum cell_type)builder->tags[cell];
            const char *bytes = NULL;
            size_t size = 0;
            if (type == CELL_TEXT || type == CELL_BLOB) {
                size = builder->payloads[cell].end - heap;
                bytes = size > 0 ? builder->heap + heap : NULL;
                heap += size;
            }
            fill_cell(&builder->profiles[i].filling, &result->columns[i], row, type,
                      &builder->payloads[cell], bytes, size);
        }
    }
    for (unsigned i = 0; i < builder->column_count; i++)
        if (is_heaped(result->columns[i].packing))
            fill_offset(&builder->profiles[i].filling, result->columns[i].packing, builder->rows);
}

struct result *result_builder_finish(struct result_builder *builder)
{
    unsigned columns = builder->column_count;
    size_t size = result_builder_size(builder);
    struct result *result = size < SIZE_MAX ? memory_alloc_zero(size) : NULL;
    if (result != NULL) {
        atomic_init(&result->references, 1);
        result->rows = builder->rows;
        result->size = size;
        result->column_count = columns;
        char *at = (char *)result + size_round(sizeof *result + columns * sizeof *result->columns);
        for (unsigned i = 0; i < columns; i++)
            at = place_column(&result->columns[i], &builder->profiles[i], builder->rows, at);
        fill(result, builder);
    }
    result_builder_free(builder);
    return result;
}

/* ---- reading ---- */

struct result *result_retain(struct result *result)
{
    atomic_fetch_add_explicit(&result->references, 1, memory_order_relaxed);
    return result;
}

void result_release(struct result *result)
{
    if (result != NULL &&
        atomic_fetch_sub_explicit(&result->references, 1, memory_order_acq_rel) == 1)
        memory_free(result);
}

unsigned result_columns(const struct result *result)
{
    return result->column_count;
}

uint64_t result_rows(const struct result *result)
{
    return result->rows;
}

size_t result_size(const struct result *result)
{
    return result->size;
}

static struct cell integer_cell(const struct column *column, uint64_t difference)
{
    /* Unsigned, so that it may wrap: the sum is in range again. */
    return (struct cell){.type = CELL_INTEGER,
                         .integer = (int64_t)((uint64_t)column->base + difference)};
}

static struct cell text32_cell(const struct column *column, uint64_t row, enum cell_type type)
{
    const uint32_t *offset = (const uint32_t *)column->data + row;
    return (struct cell){
        .type = type, .bytes = column->heap + offset[0], .size = offset[1] - offset[0]};
}

static struct cell text64_cell(const struct column *column, uint64_t row, enum cell_type type)
{
    const uint64_t *offset = (const uint64_t *)column->data + row;
    return (struct cell){
        .type = type, .bytes = column->heap + offset[0], .size = (size_t)(offset[1] - offset[0])};
}

static struct cell mixed_cell(const struct column *column, uint64_t row)
{
    struct cell cell = {.type = (enum cell_type)column->marks[row]};
    const char *payload = (const char *)column->data + row * sizeof(int64_t);
    if (cell.type == CELL_INTEGER) {
        memcpy(&cell.integer, payload, sizeof cell.integer);
    } else if (cell.type == CELL_REAL) {
        memcpy(&cell.real, payload, sizeof cell.real);
    } else if (cell.type != CELL_NULL) {
        int64_t offset;
        memcpy(&offset, payload, sizeof offset);
        memcpy(&cell.size, column->heap + offset, sizeof cell.size);
        cell.bytes = column->heap + offset + sizeof cell.size;
    }
    return cell;
}

struct cell result_cell(const struct result *result, uint64_t row, unsigned column_number)
{
    const struct column *column = &result->columns[column_number];
    if (column->packing == PACK_MIXED)
        return mixed_cell(column, row);
    if (column->marks != NULL && (column->marks[row / 8] >> row % 8 & 1) != 0)
        return (struct cell){.type = CELL_NULL};
    switch (column->packing) {
    case PACK_INT8:
        return integer_cell(column, ((const uint8_t *)column->data)[row]);
    case PACK_INT16:
        return integer_cell(column, ((const uint16_t *)column->data)[row]);
    case PACK_INT32:
        return integer_cell(column, ((const uint32_t *)column->data)[row]);
    case PACK_INT64:
        return (struct cell){.type = CELL_INTEGER, .integer = ((const int64_t *)column->data)[row]};
    case PACK_REAL:
        return (struct cell){.type = CELL_REAL, .real = ((const double *)column->data)[row]};
    case PACK_TEXT32:
        return text32_cell(column, row, CELL_TEXT);
    case PACK_TEXT64:
        return text64_cell(column, row, CELL_TEXT);
    case PACK_BLOB32:
        return text32_cell(column, row, CELL_BLOB);
    case PACK_BLOB64:
        return text64_cell(column, row, CELL_BLOB);
    case PACK_NULL:
    case PACK_MIXED:
        break;
    }
    return (struct cell){.type = CELL_NULL};
}
