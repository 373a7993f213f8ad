#include "query/key.h"

#include <assert.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "query/json.h"

/* The type bytes are part of what is kept and compared, so they do not follow SQLite's numbers. */
enum {
    PARAM_NULL = 'n',
    PARAM_INTEGER = 'i',
    PARAM_REAL = 'r',
    PARAM_TEXT = 't',
    PARAM_BLOB = 'b'
};

static void add_number(struct buffer *params, char type, const void *number)
{
    char bytes[1 + sizeof(int64_t)] = {type};
    memcpy(bytes + 1, number, sizeof(int64_t));
    buffer_add(params, bytes, sizeof bytes);
}

/* A size is stored in 8 bytes whatever size_t has, so that it reads like the numbers. */
static void add_bytes(struct buffer *params, char type, const void *bytes, size_t size)
{
    uint64_t stored = size;
    if (bytes == NULL && size > 0) {
        /* SQLite had no memory to give the value out. */
        params->failed = true;
        return;
    }
    buffer_add_char(params, type);
    buffer_add(params, &stored, sizeof stored);
    if (size > 0)
        buffer_add(params, bytes, size);
}

static void add_text(struct buffer *params, sqlite3_value *value)
{
    /* The bytes are counted after the text was asked for: that may turn UTF-16 into UTF-8. */
    const unsigned char *text = sqlite3_value_text(value);
    if (text == NULL)
        params->failed = true;
    else
        add_bytes(params, PARAM_TEXT, text, (size_t)sqlite3_value_bytes(value));
}

void key_add_parameter(struct buffer *params, sqlite3_value *value)
{
    int64_t integer;
    double real;
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        integer = sqlite3_value_int64(value);
        add_number(params, PARAM_INTEGER, &integer);
        break;
    case SQLITE_FLOAT:
        /* Bit for bit: 0.0 and -0.0 are equal but print differently. NaN is NULL in SQLite. */
        real = sqlite3_value_double(value);
        add_number(params, PARAM_REAL, &real);
        break;
    case SQLITE_TEXT:
        add_text(params, value);
        break;
    case SQLITE_BLOB: {
        const void *blob = sqlite3_value_blob(value);
        add_bytes(params, PARAM_BLOB, blob, (size_t)sqlite3_value_bytes(value));
        break;
    }
    default:
        buffer_add_char(params, PARAM_NULL);
        break;
    }
}

struct key key_hash(const void *bytes, size_t size)
{
    /* XXH3 wants a pointer even for no bytes at all. */
    XXH128_hash_t hash = XXH3_128bits(size > 0 ? bytes : "", size);
    return (struct key){.high = hash.high64, .low = hash.low64};
}

/* One half of the prefix seeds the hash of the parameters, and both go into what comes out: for one
** prefix it is a hash of the parameters, and for one list of parameters, prefixes that differ in
** either half give different keys. So nothing is copied behind the prefix. (One is added and one
** XORed lest gcc do both at once, in a register that waits for both to be stored.) */
struct key key_make(struct key prefix, const void *params, size_t params_size)
{
    XXH128_hash_t hash =
        XXH3_128bits_withSeed(params_size > 0 ? params : "", params_size, prefix.low);
    return (struct key){.high = hash.high64 ^ prefix.high, .low = hash.low64 + prefix.low};
}

void key_format(struct key key, char out[33])
{
    sqlite3_snprintf(33, out, "%016llx%016llx", (sqlite3_uint64)key.high, (sqlite3_uint64)key.low);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool key_parse(const char *text, struct key *key)
{
    uint64_t halves[2] = {0, 0};
    for (int i = 0; i < 32; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0)
            return false;
        halves[i / 16] = halves[i / 16] << 4 | (unsigned)digit;
    }
    if (text[32] != 0)
        return false;
    *key = (struct key){.high = halves[0], .low = halves[1]};
    return true;
}

/* Take the parameter at `params` apart; returns how many bytes it has. */
static size_t read_parameter(const char *params, struct cell *cell)
{
    uint64_t size;
    switch (params[0]) {
    case PARAM_INTEGER:
        cell->type = CELL_INTEGER;
        memcpy(&cell->integer, params + 1, sizeof cell->integer);
        return 1 + sizeof cell->integer;
    case PARAM_REAL:
        cell->type = CELL_REAL;
        memcpy(&cell->real, params + 1, sizeof cell->real);
        return 1 + sizeof cell->real;
    case PARAM_TEXT:
    case PARAM_BLOB:
        cell->type = params[0] == PARAM_TEXT ? CELL_TEXT : CELL_BLOB;
        memcpy(&size, params + 1, sizeof size);
        cell->bytes = params + 1 + sizeof size;
        cell->size = (size_t)size;
        return 1 + sizeof size + (size_t)size;
    default:
        cell->type = CELL_NULL;
        return 1;
    }
}

struct cell key_parameter(const void *params, unsigned index)
{
    const char *at = params;
    struct cell cell = {0};
    size_t size = read_parameter(at, &cell);
    for (unsigned i = 0; i < index; i++) {
        at += size;
        size = read_parameter(at, &cell);
    }
    return cell;
}

char *key_params_json(const void *params, size_t params_size)
{
    assert(params != NULL || params_size == 0);
    struct buffer json = {0};
    const char *bytes = params;
    struct cell cell = {.type = CELL_NULL};
    buffer_add_char(&json, '[');
    for (size_t at = 0; at < params_size;) {
        if (at > 0)
            buffer_add_char(&json, ',');
        at += read_parameter(bytes + at, &cell);
        json_add_cell(&json, cell);
    }
    buffer_add_char(&json, ']');
    return buffer_take(&json);
}
