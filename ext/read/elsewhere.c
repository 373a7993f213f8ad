#include "read/elsewhere.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/ticks.h"
#include "store/places.h"

/* As many columns as SQLite can be compiled to give. */
#define MAX_COLUMNS 32767

bool elsewhere_is_possible(const struct reading *reading)
{
    return places_any() && reading->identity.owner == 0 && !reading->alone &&
           reading->query->options.coherence == COHERENCE_EXACT;
}

/* ---- writing ---- */

static void add_number(struct buffer *buffer, uint64_t number)
{
    buffer_add(buffer, &number, sizeof number);
}

static void add_bytes(struct buffer *buffer, const void *bytes, size_t size)
{
    add_number(buffer, size);
    buffer_add(buffer, bytes, size);
}

static void add_key(struct buffer *buffer, const struct query_identity *identity)
{
    buffer_add(buffer, &identity->key, sizeof identity->key);
    add_bytes(buffer, identity->sql, identity->sql_size);
    buffer_add(buffer, identity->params, identity->params_size);
}

/* What no other process has said, nor this one before a fork. */
static void add_process(struct buffer *buffer)
{
    static _Atomic uint64_t drawn;
    uint64_t number = atomic_load(&drawn);
    if (number == 0) {
        uint64_t made;
        sqlite3_randomness((int)sizeof made, &made);
        made |= 1;
        number = atomic_compare_exchange_strong(&drawn, &number, made) ? made : number;
    }
    add_number(buffer, number);
    add_number(buffer, process_generation());
    add_number(buffer, (uint64_t)getpid());
    add_number(buffer, places_generation());
}

/* All of the stamp but the epochs: equal where two results rest on the same tables. */
static void add_ground(struct buffer *buffer, const struct evidence *evidence)
{
    add_process(buffer);
    add_number(buffer, evidence->source_count);
    for (unsigned i = 0; i < evidence->source_count; i++) {
        add_number(buffer, history_number(evidence->sources[i].history));
        add_number(buffer, evidence->sources[i].whole_file);
    }
    add_number(buffer, evidence->table_count);
    for (unsigned i = 0; i < evidence->table_count; i++) {
        const struct table *table = evidence->tables[i];
        add_number(buffer, history_number(table->history));
        add_bytes(buffer, table->name, strlen(table->name));
    }
}

static void add_result(struct buffer *buffer, const struct result *result)
{
    unsigned columns = result_columns(result);
    add_number(buffer, columns);
    add_number(buffer, result_rows(result));
    for (uint64_t row = 0; row < result_rows(result); row++) {
        for (unsigned i = 0; i < columns; i++) {
            struct cell cell = result_cell(result, row, i);
            buffer_add_char(buffer, (char)cell.type);
            if (cell.type == CELL_INTEGER)
                buffer_add(buffer, &cell.integer, sizeof cell.integer);
            else if (cell.type == CELL_REAL)
                buffer_add(buffer, &cell.real, sizeof cell.real);
            else if (cell.type != CELL_NULL)
                add_bytes(buffer, cell.bytes, cell.size);
        }
    }
}

void elsewhere_tell(const struct reading *reading, const struct result *result,
                    const struct evidence *evidence, int64_t load_ns, int64_t expires)
{
    struct buffer key = {0};
    struct buffer ground = {0};
    struct buffer value = {0};
    assert(elsewhere_is_possible(reading));
    add_key(&key, &reading->identity);
    add_ground(&ground, evidence);
    add_bytes(&value, ground.bytes, ground.size);
    for (unsigned i = 0; i < evidence->source_count; i++)
        add_number(&value, evidence->sources[i].epoch);
    add_number(&value, (uint64_t)load_ns);
    add_number(&value, (uint64_t)expires);
    add_result(&value, result);
    if (!key.failed && !ground.failed && !value.failed)
        places_put(key.bytes, key.size, value.bytes, value.size);
    buffer_clear(&key);
    buffer_clear(&ground);
    buffer_clear(&value);
}

/* ---- reading: whatever the bytes are, nothing outside of them is looked at ---- */

struct bytes {
    const char *at;
    size_t left;
    bool failed; /* there were not as many as were asked for */
};

static const void *take(struct bytes *bytes, uint64_t size)
{
    const char *taken = bytes->at;
    if (bytes->failed || size > bytes->left) {
        bytes->failed = true;
        return NULL;
    }
    bytes->at += size;
    bytes->left -= (size_t)size;
    return taken;
}

static uint64_t take_number(struct bytes *bytes)
{
    uint64_t number = 0;
    const void *taken = take(bytes, sizeof number);
    if (taken != NULL)
        memcpy(&number, taken, sizeof number);
    return number;
}

static void take_cell(struct bytes *bytes, struct cell *cell)
{
    const unsigned char *type = take(bytes, 1);
    uint64_t word;
    *cell = (struct cell){.type = CELL_NULL};
    if (type == NULL || *type == CELL_NULL)
        return;
    switch (*type) {
    case CELL_INTEGER:
        cell->integer = (int64_t)take_number(bytes);
        break;
    case CELL_REAL:
        word = take_number(bytes);
        memcpy(&cell->real, &word, sizeof cell->real);
        break;
    case CELL_TEXT:
    case CELL_BLOB:
        cell->size = (size_t)take_number(bytes);
        cell->bytes = take(bytes, cell->size);
        break;
    default:
        bytes->failed = true;
        return;
    }
    cell->type = (enum cell_type) * type;
}

static bool take_rows(struct bytes *bytes, struct result_builder *builder, unsigned columns)
{
    struct cell *row = memory_alloc_zero(columns * sizeof *row);
    if (row == NULL)
        return false;
    bool done = true;
    for (uint64_t left = take_number(bytes); left > 0 && done; left--) {
        for (unsigned i = 0; i < columns; i++)
            take_cell(bytes, &row[i]);
        done = !bytes->failed && result_builder_add(builder, row);
    }
    memory_free(row);
    return done && !bytes->failed && bytes->left == 0;
}

/* NULL where the bytes are none of a result with so many columns, or memory is short. */
static struct result *take_result(struct bytes *bytes, unsigned columns)
{
    if (take_number(bytes) != columns || columns == 0 || columns > MAX_COLUMNS)
        return NULL;
    struct result_builder *builder = result_builder_new(columns);
    if (builder == NULL)
        return NULL;
    if (take_rows(bytes, builder, columns))
        return result_builder_finish(builder);
    result_builder_free(builder);
    return NULL;
}

/* ---- what it is good for ---- */

/* Set the evidence to what the stamp says. False where it rests on something else than the reader's
** own would: on other files, other tables, or in another process. */
static bool take_stamp(struct bytes *bytes, struct evidence *evidence)
{
    struct buffer ground = {0};
    add_ground(&ground, evidence);
    uint64_t size = take_number(bytes);
    const void *theirs = take(bytes, size);
    bool same = !ground.failed && theirs != NULL && size == ground.size &&
                memcmp(theirs, ground.bytes, ground.size) == 0;
    buffer_clear(&ground);
    for (unsigned i = 0; same && i < evidence->source_count; i++)
        evidence->sources[i].epoch = take_number(bytes);
    return same && !bytes->failed;
}

static enum standing judge(const struct reading *reading, const struct evidence *evidence)
{
    const struct definition *definition = &reading->query->definition;
    struct views views;
    snapshot_views(definition->databases, definition->database_count, false, &views);
    if (!views.exact)
        return EVIDENCE_BESIDE;
    return GUARD(STAMP_ELSEWHERE) ? evidence_judge(evidence, &views) : EVIDENCE_STANDS;
}

static struct result *open_value(const struct reading *reading, const struct place_value *value,
                                 struct evidence *evidence, enum standing *standing,
                                 int64_t *load_ns, int64_t *expires)
{
    struct bytes bytes = {.at = value->bytes, .left = value->size};
    struct result *result = NULL;
    *standing = EVIDENCE_FALLEN;
    if (take_stamp(&bytes, evidence))
        *standing = judge(reading, evidence);
    *load_ns = (int64_t)take_number(&bytes);
    *expires = (int64_t)take_number(&bytes);
    if (*standing == EVIDENCE_STANDS)
        result = take_result(&bytes, reading->query->definition.columns.count);
    if (*standing == EVIDENCE_STANDS && result == NULL)
        places_count_error();
    return result;
}

struct result *elsewhere_ask(const struct reading *reading, struct evidence *evidence,
                             int64_t *load_ns, int64_t *expires)
{
    struct buffer key = {0};
    struct place_value value;
    struct result *result = NULL;
    unsigned from = 0;
    assert(elsewhere_is_possible(reading));
    add_key(&key, &reading->identity);
    while (!key.failed && result == NULL && places_get(&from, key.bytes, key.size, &value)) {
        enum standing standing;
        result = open_value(reading, &value, evidence, &standing, load_ns, expires);
        if (standing == EVIDENCE_FALLEN)
            places_drop(key.bytes, key.size);
        memory_free(value.bytes);
    }
    buffer_clear(&key);
    return result;
}
