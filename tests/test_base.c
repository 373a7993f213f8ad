/* What the rooms stand on: memory, buffers, time, units. */
#include "tap.h"

#if defined __linux__
#include <malloc.h>
#endif

#include "base/buffer.h"
#include "base/hash.h"
#include "base/ticks.h"
#include "base/units.h"
#include "counting.h"

static void test_memory(void)
{
    char *copy = memory_copy_text("abc\0def", 7);
    ok(copy != NULL && memcmp(copy, "abc\0def", 8) == 0, "a copied text keeps its zero bytes");
    is_int(counting_bytes, 8, "a copied text has one byte more");
    memory_free(copy);
    memory_free(NULL);
    is_int(counting_bytes, 0, "freeing gives everything back, and NULL is nothing");
    char *zero = memory_alloc_zero(3);
    ok(zero != NULL && memcmp(zero, "\0\0\0", 3) == 0, "alloc_zero gives zero bytes");
    counting_fail = 1;
    ok(memory_resize(zero, 100) == NULL, "resize says when memory is short");
    ok(zero != NULL && memcmp(zero, "\0\0\0", 3) == 0, "and leaves the block as it was");
    memory_free(zero);
    counting_fail = 1;
    ok(memory_copy_text("x", 1) == NULL, "copy_text says when memory is short");
}

static void test_buffer(void)
{
    struct buffer buffer = {0};
    buffer_add_text(&buffer, "SELECT ");
    buffer_add_format(&buffer, "%Q, %d", "it's", 7);
    buffer_add_char(&buffer, ';');
    buffer_add(&buffer, "\0x", 2);
    is_int(buffer.size, 20, "a buffer counts zero bytes too");
    char *text = buffer_take(&buffer);
    is_text(text, "SELECT 'it''s', 7;", "a buffer takes bytes, texts, characters and formats");
    ok(buffer.bytes == NULL && buffer.size == 0, "a buffer is empty after take");
    memory_free(text);

    text = buffer_take(&buffer);
    is_text(text, "", "an empty buffer gives an empty text");
    memory_free(text);

    for (int i = 0; i < 10000; i++)
        buffer_add_char(&buffer, (char)('a' + i % 26));
    bool same = true;
    for (int i = 0; i < 10000; i++)
        same = same && buffer.bytes[i] == 'a' + i % 26;
    ok(same, "a buffer that grows keeps what it had");
    buffer_clear(&buffer);
    is_int(counting_bytes, 0, "clear gives the memory back");

    char memory[8];
    buffer_start_in(&buffer, memory, sizeof memory);
    buffer_add_text(&buffer, "in here");
    ok(buffer.bytes == memory && counting_bytes == 0, "a buffer in given memory allocates nothing");
    text = buffer_take(&buffer);
    is_text(text, "in here", "what is taken from it is a copy");
    memory_free(text);
    buffer_start_in(&buffer, memory, sizeof memory);
    buffer_add_text(&buffer, "in here, ");
    buffer_add_text(&buffer, "and beyond");
    ok(buffer.bytes != memory && buffer.size == 19 &&
           memcmp(buffer.bytes, "in here, and beyond", 19) == 0,
       "until there is no room in it");
    buffer_clear(&buffer);
    buffer_start_in(&buffer, memory, sizeof memory);
    buffer_clear(&buffer);
    is_int(counting_bytes, 0, "clear gives back what was allocated alone");

    counting_fail = 1;
    buffer_add_text(&buffer, "lost");
    buffer_add_text(&buffer, "later");
    ok(buffer.failed && buffer.size == 0, "a buffer remembers that memory was short");
    ok(buffer_take(&buffer) == NULL && !buffer.failed, "take tells so, and begins anew");
    buffer_add_text(&buffer, "kept");
    buffer_add(&buffer, "", SIZE_MAX);
    ok(buffer.failed, "a size that cannot be is a failure, not an overflow");
    buffer_clear(&buffer);
    is_int(counting_bytes, 0, "nothing is left behind");
}

static void test_ticks(void)
{
    int64_t start = ticks_now();
    ok(ticks_now() >= start, "the monotonic clock does not go back");
    ticks_advance(5 * TICKS_PER_SECOND);
    ok(ticks_now() >= start + 5 * TICKS_PER_SECOND, "a test can move it forward");
    for (int silent = 0; silent < 2; silent++) {
        ticks_now();
        start = ticks_now();
        ticks_sleep(3600 * TICKS_PER_SECOND, silent);
        ok(ticks_now() >= start + 3600 * TICKS_PER_SECOND, "it goes on while the machine sleeps");
        ok(ticks_now() < start + 3700 * TICKS_PER_SECOND, "and counts that once");
    }
    int64_t calls = ticks_calls();
    for (int i = 0; i < 1000; i++)
        ticks_now();
    is_int(ticks_calls() - calls, 0, "which costs no system call but after a sleep");
    ticks_sleep(TICKS_PER_SECOND, false);
    ok(ticks_wall() > 1.6e9, "the wall clock is past 2020");
    is_int(ticks_after(10, 5), 15, "after is a sum");
    is_int(ticks_after(10, TICKS_NEVER), TICKS_NEVER, "never stays never");
    is_int(ticks_after(10, TICKS_NEVER - 5), TICKS_NEVER, "a sum that overflows is never");
    is_int(ticks_after(10, 0), 10, "no time later is now");
}

struct unit_case {
    const char *text;
    int64_t value; /* -1: refused */
};

static void check_units(bool (*parse)(const char *, int64_t *), const struct unit_case *cases,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char name[80];
        int64_t value = -1;
        bool taken = parse(cases[i].text, &value);
        snprintf(name, sizeof name, "'%s' is %s", cases[i].text,
                 cases[i].value < 0 ? "refused" : "read");
        is_int(taken ? value : -1, cases[i].value, name);
        if (!taken && value != -1)
            ok(false, "a refused text leaves the value alone");
    }
}

#define CHECK_UNITS(parse, cases) check_units((parse), (cases), sizeof(cases) / sizeof((cases)[0]))

static void test_parsing(void)
{
    static const struct unit_case durations[] = {
        {"5 min", INT64_C(300000000000)},
        {"5min", INT64_C(300000000000)},
        {" 5  MINUTES ", INT64_C(300000000000)},
        {"500 ms", 500000000},
        {"1", 1000000000},
        {"0.5", 500000000},
        {".5 s", 500000000},
        {"0.1 us", 100},
        {"1.0e-05", 10000},
        {"1e3", INT64_C(1000000000000)},
        {"0.3", 300000000},
        {"1 h", INT64_C(3600000000000)},
        {"1 d", INT64_C(86400000000000)},
        {"1.5 days", INT64_C(129600000000000)},
        {"0.0000000001", -1},
        {"9223372036", INT64_C(9223372036000000000)},
        {"9223372037", -1},
        {"106751 d", INT64_C(9223286400000000000)},
        {"106752 d", -1},
        {"99999999999999999999999999", -1},
        {"1e400", -1},
        {"0", -1},
        {"0 s", -1},
        {"-1", -1},
        {"+1", -1},
        {"", -1},
        {"s", -1},
        {".", -1},
        {"5 parsecs", -1},
        {"5 min 3 s", -1},
        {"none", -1},
        {"1.2.3", -1},
        {"0x10", -1},
        {"5 mins", -1},
    };
    static const struct unit_case sizes[] = {
        {"16 MB", 16000000},
        {"64 KB", 64000},
        {"1 GiB", INT64_C(1073741824)},
        {"1gib", INT64_C(1073741824)},
        {"64KiB", 65536},
        {"100", 100},
        {"100 B", 100},
        {"2 TB", INT64_C(2000000000000)},
        {"1 TiB", INT64_C(1099511627776)},
        {"1.5 KiB", 1536},
        {"0.0015 KB", 1},
        {"0.0005 KB", -1},
        {"1.5", -1},
        {"16000000.0", 16000000},
        {"9223372036854775806", INT64_MAX - 1},
        {"9223372036854775807", -1},
        {"8388608 TiB", -1},
        {"0", -1},
        {"-5", -1},
        {"12 MiBs", -1},
        {"MB", -1},
    };
    static const struct unit_case counts[] = {
        {"1000", 1000}, {" 7 ", 7},   {"1e3", 1000}, {"0", -1},    {"-1", -1},
        {"1.5", -1},    {"1 KB", -1}, {"", -1},      {"many", -1},
    };
    CHECK_UNITS(units_parse_duration, durations);
    CHECK_UNITS(units_parse_size, sizes);
    CHECK_UNITS(units_parse_count, counts);
}

static void test_formatting(void)
{
    static const struct unit_case durations[] = {
        {"5 min", INT64_C(300000000000)},
        {"90 min", INT64_C(5400000000000)},
        {"1 min", INT64_C(60000000000)},
        {"1 d", INT64_C(86400000000000)},
        {"36 h", INT64_C(129600000000000)},
        {"500 ms", 500000000},
        {"1 s", 1000000000},
        {"1500 ms", 1500000000},
        {"20 us", 20000},
        {"0.001 us", 1},
        {"1.5 us", 1500},
        {"12.34 us", 12340},
        {"9223372036854775.806 us", INT64_MAX - 1},
        {"none", TICKS_NEVER},
        {"0", 0},
    };
    static const struct unit_case sizes[] = {
        {"64 MiB", 67108864},
        {"16 MB", 16000000},
        {"1 KB", 1000},
        {"1 KiB", 1024},
        {"1500", 1500},
        {"1", 1},
        {"none", INT64_MAX},
        {"0", 0},
        {"8 GiB", INT64_C(8589934592)},
        {"1 TiB", INT64_C(1) << 40},
    };
    char out[32];
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        int64_t back = durations[i].value;
        units_format_duration(durations[i].value, out);
        is_text(out, durations[i].text, "a duration is written in the unit that people would take");
        if (back > 0 && back < TICKS_NEVER)
            ok(units_parse_duration(out, &back) && back == durations[i].value, "and read back");
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        units_format_size(sizes[i].value, out);
        is_text(out, sizes[i].text, "a size is written in the unit that people would take");
    }
    uint64_t seed = random_seed(1);
    bool same = true;
    for (int i = 0; i < 20000 && same; i++) {
        int64_t value = (int64_t)(random_next(&seed) >> 1 >> random_below(&seed, 63));
        int64_t back = 0;
        units_format_duration(value, out);
        same =
            value < 1 || value == INT64_MAX || (units_parse_duration(out, &back) && back == value);
        units_format_size(value, out);
        same = same &&
               (value < 1 || value == INT64_MAX || (units_parse_size(out, &back) && back == value));
    }
    ok(same, "what is written is read back exactly");
}

/* malloc's own figures can be had of glibc, where no sanitizer stands in for it. */
#ifdef __has_feature
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* Of the blocks up to the size from which they may be mapped by themselves. Before the allocator is
** replaced. */
static void test_footprint(void)
{
    const char *name = "a block's footprint is what malloc takes for it";
#if defined __GLIBC__ && !SANITIZED
    size_t wrong = 0;
    for (size_t size = 1; size < 128 * 1024 - 64; size += size < 5000 ? 1 : 997) {
        void *block = memory_alloc(size);
        /* Usable are all of its bytes but the head, which is that of a size. What malloc could not
        ** split off for another block is left out: no more than sixteen bytes. */
        size_t taken = malloc_usable_size(block) + sizeof(size_t);
        size_t told = memory_footprint(size);
        wrong += taken < told || taken > told + 16;
        memory_free(block);
    }
    is_int(wrong, 0, name);
#else
    tap_skip(name, "malloc is not glibc's");
#endif
    is_int(memory_footprint(SIZE_MAX), SIZE_MAX, "of what is no size, it is none");
    counting_start();
    is_int(memory_footprint(100), 100, "of a replaced allocator it is what was asked for");
}

struct numbered_node {
    struct hash_node node; /* must be first */
    int number;
};

static bool has_number(const struct hash *hash, int number)
{
    int found = 0;
    struct hash_node *node = hash_first(hash, hash_of((uint64_t)number % 500));
    for (; node != NULL; node = hash_next(node))
        found += ((struct numbered_node *)(void *)node)->number == number;
    return found == 1;
}

/* Numbers that differ by 500 have one hash. */
static void test_hash(bool memory)
{
    enum { NODES = 1000 };
    static struct numbered_node nodes[NODES];
    struct hash hash = {0};
    int wrong = 0;
    for (int i = 0; i < NODES; i++) {
        counting_fail = memory ? 0 : 1;
        nodes[i].number = i;
        hash_add(&hash, &nodes[i].node, hash_of((uint64_t)i % 500));
    }
    counting_fail = 0;
    for (int i = 0; i < NODES; i++)
        wrong += !has_number(&hash, i);
    ok(wrong == 0 && hash.count == NODES && (hash.chains != NULL) == memory,
       memory ? "a hash finds all nodes" : "and without memory, too");
    for (int i = 0; i < NODES; i += 2)
        hash_remove(&hash, &nodes[i].node);
    for (int i = 0; i < NODES; i++)
        wrong += has_number(&hash, i) != (i % 2 == 1);
    ok(wrong == 0, "of which those that are removed are gone");
    for (int i = 1; i < NODES; i += 2)
        hash_remove(&hash, &nodes[i].node);
    ok(hash.count == 0 && counting_bytes == 0, "an empty hash has no memory");
}

int main(void)
{
    test_footprint();
    test_memory();
    test_buffer();
    test_hash(true);
    test_hash(false);
    test_ticks();
    test_parsing();
    test_formatting();
    is_int(counting_bytes, 0, "nothing is live at the end");
    return tap_done();
}
